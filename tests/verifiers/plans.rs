//! Good plans made bad: the plan's verifier refuses each, with the rule that it breaks.

use nnc::Compiled;
use nnc::plan::verify::verify;

use super::corrupt_plans::{
    Corruption, OF_PREDICTION, OF_TRAINING, an_input_an_element_later, the_loss_elsewhere,
};
use super::corrupt_programs::IN_PROGRAMS;
use super::{compiled, rules, snapshot};

pub fn good() -> Compiled {
    compiled("verifiers/rich.nn")
}

#[test]
fn good_plans_are_accepted() {
    let compiled = good();
    for phase in compiled.trained().chain([&compiled.predict]) {
        assert!(phase.plan.deferred.is_empty());
        verify(&phase.plan, compiled.seed).unwrap();
    }
}

#[test]
fn bad_plans_are_refused() {
    let compiled = good();
    let train = compiled.watch.as_ref().unwrap();
    let of_training = OF_TRAINING
        .iter()
        .chain(IN_PROGRAMS)
        .map(|bad| (train, bad));
    let of_prediction = OF_PREDICTION.iter().map(|bad| (&compiled.predict, bad));
    let refused = of_training.chain(of_prediction);
    let refused = refused.map(|(phase, (name, corrupt))| {
        let mut plan = phase.plan.clone();
        corrupt(&mut plan);
        (*name, verify(&plan, compiled.seed).err())
    });
    snapshot("plan-rules", &rules(refused));
}

#[test]
fn the_bad_line_is_marked() {
    let compiled = compiled("passes/update-sgd.nn");
    let train = compiled.train.as_ref().unwrap();
    let corruptions: [Corruption; 2] = [
        ("plan-input-moved", an_input_an_element_later),
        ("plan-loss-elsewhere", the_loss_elsewhere),
    ];
    for (name, corrupt) in corruptions {
        let mut plan = train.plan.clone();
        corrupt(&mut plan);
        let violation = verify(&plan, compiled.seed).unwrap_err();
        snapshot(name, &violation.to_string());
    }
}
