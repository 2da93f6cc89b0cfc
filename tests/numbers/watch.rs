//! What `watch` sections record: PyTorch's figures, and a training that they leave as it is.

use std::path::Path;

use nnc::data::MatrixElement as Prepares;
use nnc::data::table::Part;
use nnc::graph::watch::Measure;
use nnc::kernels::Element;
use nnc::train::{Ended, Trainer, initialize, weights};
use serde_json::Value;

use crate::support::tables::{Cells, table};
use crate::support::{self, Loaded, agree};

/// The figures of a record: update, name, value, measure, numbers.
type Figures = (u64, String, String, String, Vec<f64>);

/// What is recorded of a training with these first weights, measure by measure.
fn recorded<T: Element + Prepares>(loaded: &Loaded, initial: &[u8], epochs: usize) -> Vec<Figures> {
    let compiled = &loaded.compiled;
    let rows = |part| loaded.part::<T>(part);
    let mut trainer = Trainer::new(compiled, rows(Part::Train), rows(Part::Validate), 1).unwrap();
    let initial = weights::from_bytes(initial, "initial", &compiled.states).unwrap();
    for (index, values) in &initial {
        trainer.set_state(*index, values);
    }
    let probes = &compiled.watch.as_ref().unwrap().plan.probes;
    let mut found = Vec::new();
    let ended = trainer.run_recorded(epochs, &|| false, &mut |_, _| {}, &mut |record| {
        let watch = &probes[record.probe].watch;
        let mut numbers = record.numbers;
        for measure in &watch.measures {
            let (of_it, rest) = numbers.split_at(measure.width());
            numbers = rest;
            found.push((
                record.update,
                watch.name.clone(),
                watch.subject.word().to_string(),
                measure.word().to_string(),
                of_it.to_vec(),
            ));
        }
        assert!(numbers.is_empty());
    });
    assert_eq!(ended, Ended::Finished);
    found
}

/// `tests/parity/generate.py` recorded the same by PyTorch's hooks.
#[test]
fn records_are_pytorchs() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity/watch-f64");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let expected: Value = serde_json::from_str(&read("expected.json")).unwrap();
    let loaded = support::load("watch", &read("model.nn"), &read("data.csv"));
    let initial = std::fs::read(folder.join("initial.safetensors")).unwrap();
    let epochs = expected["epochs"].as_u64().unwrap() as usize;
    let mut ours = recorded::<f64>(&loaded, &initial, epochs);
    let theirs = expected["watch"].as_array().unwrap().iter().map(|row| {
        let text = |at: usize| row[at].as_str().unwrap().to_string();
        let numbers = row[4].as_array().unwrap().iter();
        (
            row[0].as_u64().unwrap(),
            text(1),
            text(2),
            text(3),
            numbers.map(|number| number.as_f64().unwrap()).collect(),
        )
    });
    let mut theirs: Vec<Figures> = theirs.collect();
    let key = |row: &Figures| (row.0, row.1.clone(), row.2.clone(), row.3.clone());
    ours.sort_by_key(key);
    theirs.sort_by_key(key);
    assert!(theirs.len() > 100);
    let keys = |rows: &[Figures]| rows.iter().map(key).collect::<Vec<_>>();
    assert_eq!(keys(&ours), keys(&theirs));
    for (ours, theirs) in ours.iter().zip(&theirs) {
        let scale = theirs
            .4
            .iter()
            .fold(0.0, |scale: f64, it| scale.max(it.abs()));
        for (a, b) in ours.4.iter().zip(&theirs.4) {
            assert!(agree(*a, *b, scale, 1e-10), "{ours:?}\n{theirs:?}");
        }
    }
}

const MODEL: &str = "
data {
    input x: vector from \"x*\"
    target label: category
    split = random(validate = 20%)
}
net {
    first: Linear(129, bias = false) -> BatchNorm1d -> GELU -> Dropout(0.2)
    shared twice: Linear(129)
    h = twice -> Tanh -> twice -> SiLU
    head: Linear(classes)
}
train {
    loss = CrossEntropy; optimizer = OPTIMIZER; epochs = 4; batch = 70; seed = 3
    SETTING
    watch \"*\" { output = [norm, stats, histogram], grad = stats, weight = norm, every = 3 }
}";

/// All states after a training, and all that was recorded, as bits.
fn bits(loaded: &Loaded, threads: usize, records: bool) -> (Vec<u64>, Vec<u64>) {
    let compiled = &loaded.compiled;
    let rows = |part| loaded.part::<f32>(part);
    let data = (rows(Part::Train), rows(Part::Validate));
    let mut trainer = Trainer::new(compiled, data.0, data.1, threads).unwrap();
    let mut losses = Vec::new();
    let mut found = Vec::new();
    let mut report = |_, epoch: nnc::train::EpochLosses| losses.push(epoch.train.to_bits());
    if records {
        trainer.run_recorded(4, &|| false, &mut report, &mut |record| {
            found.extend(record.numbers.iter().map(|number| number.to_bits()));
        })
    } else {
        trainer.run(4, &|| false, &mut report)
    };
    let states = initialize::all(trainer.arena(), &compiled.states);
    losses.extend(states.iter().map(|value| u64::from(value.to_bits())));
    (losses, found)
}

#[test]
fn a_recorded_training_comes_to_the_same_bits_on_any_number_of_threads() {
    let names: Vec<String> = (0..24).map(|index| format!("x{index}")).collect();
    let columns = names.iter().map(|name| (name.as_str(), Cells::Numbers));
    let mut columns: Vec<(&str, Cells)> = columns.collect();
    columns.push(("label", Cells::Values(5)));
    let csv = table(&columns, 300);
    for (optimizer, setting) in [
        ("AdamW", "clip_norm = 1"),
        ("SGD(lr = 0.05, momentum = 0.9)", ""),
        (
            "Adam(lr = 0.01)",
            "accumulate = 3; average = ema(decay = 0.9)",
        ),
        (
            "Adam(lr = 0.01, amsgrad = true)",
            "schedule = CosineAnnealing",
        ),
    ] {
        let model = MODEL
            .replace("OPTIMIZER", optimizer)
            .replace("SETTING", setting);
        let loaded = support::load("case", &model, &csv);
        let (unrecorded, nothing) = bits(&loaded, 1, false);
        assert!(nothing.is_empty());
        let first = bits(&loaded, 1, true);
        assert!(first.0 == unrecorded, "{optimizer}, {setting}");
        let most = Measure::ALL.into_iter().map(Measure::width).max().unwrap();
        assert!(first.1.len() > most, "something is recorded");
        for threads in [2, 3, 5, 8] {
            let again = bits(&loaded, threads, true);
            assert!(again == first, "{optimizer}, {setting}: {threads} threads");
        }
    }
}
