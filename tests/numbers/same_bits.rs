//! The same seed gives the same bits: on every run, for every number of threads; another seed gives
//! others.

use nnc::data::MatrixElement as Prepares;
use nnc::data::table::Part;
use nnc::kernels::Element;
use nnc::train::{Ended, Trainer, initialize};

use crate::support;
use crate::support::tables::{Cells, table};

const DATA: &str = "
data {
    input x: vector from \"x*\"
    input job: category(embed = 8)
    target label: category
    split = random(validate = 20%)
}
";

const MODEL: &str = "net {
    first: Linear(129, bias = false) -> BatchNorm1d -> GELU -> Dropout(0.2)
    shared twice: Linear(129)
    h = twice -> Tanh -> twice -> SiLU
    gate = h -> g: Linear(129) -> Sigmoid
    h * gate
    head: Linear(classes)
}
train {
    loss = CrossEntropy; optimizer = OPTIMIZER; epochs = 3; batch = 70; seed = SEED; precision = PRECISION
    SETTING
    params \"first.weight\" { max_norm = 0.5 }
    params \"job.weight\" { max_norm = 2 }
}";

/// Weights whose gradients are summed in halves, and what reads them right after their update.
const SMALL: &str = "net {
    first: Linear(64) -> Tanh
    second: Linear(64) -> ReLU
    third: Linear(70) -> GELU
    head: Linear(classes)
}
train {
    loss = CrossEntropy; optimizer = OPTIMIZER; epochs = 3; batch = 70; seed = SEED; precision = PRECISION
    average = ema(0.9)
    SETTING
    params \"second.weight\" { max_norm = 0.5 }
}";

/// The bits of everything that a run leaves: all states, and the losses of each epoch.
fn bits<T: Element + Prepares>(model: &str, csv: &str, threads: usize) -> Vec<u64> {
    let loaded = support::load("case", model, csv);
    let compiled = &loaded.compiled;
    assert!(compiled.train.as_ref().unwrap().plan.parallel);
    let [data, validation] = [Part::Train, Part::Validate].map(|part| loaded.part::<T>(part));
    assert!(data.rows % 70 > 1, "there is a tail batch");
    let mut trainer = Trainer::new(compiled, data, validation, threads).unwrap();
    let mut found = Vec::new();
    let ended = trainer.run(3, &|| false, &mut |_, losses| {
        found.push(losses.train.to_bits());
        found.push(losses.validate.unwrap().to_bits());
    });
    assert_eq!(ended, Ended::Finished);
    let states = initialize::all(trainer.arena(), &compiled.states);
    found.extend(states.iter().map(|value| value.to_f64().to_bits()));
    found
}

fn check<T: Element + Prepares>(precision: &str) {
    let names: Vec<String> = (0..24).map(|index| format!("x{index}")).collect();
    let mut columns: Vec<(&str, Cells)> = names
        .iter()
        .map(|name| (name.as_str(), Cells::Numbers))
        .collect();
    columns.push(("job", Cells::Values(7)));
    columns.push(("label", Cells::Values(5)));
    let csv = table(&columns, 300);
    for (network, optimizer, setting) in [
        (MODEL, "AdamW", "clip_norm = 1"),
        (MODEL, "SGD(lr = 0.05, momentum = 0.9)", ""),
        (SMALL, "Adam", ""),
        (SMALL, "SGD(lr = 0.05)", ""),
    ] {
        let model = |seed: &str| {
            format!("{DATA}{network}")
                .replace("OPTIMIZER", optimizer)
                .replace("SETTING", setting)
                .replace("PRECISION", precision)
                .replace("SEED", seed)
        };
        let first = bits::<T>(&model("1"), &csv, 1);
        for threads in [1, 2, 3, 5, 8] {
            let again = bits::<T>(&model("1"), &csv, threads);
            assert!(
                first == again,
                "{optimizer}, {precision}: {threads} threads"
            );
        }
        assert!(first != bits::<T>(&model("2"), &csv, 1), "another seed");
    }
}

#[test]
fn same_seed_same_bits_in_f32() {
    check::<f32>("f32");
}

#[test]
fn same_seed_same_bits_in_f64() {
    check::<f64>("f64");
}
