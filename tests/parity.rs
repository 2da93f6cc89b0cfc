//! The same initial weights, data and batches as PyTorch give the same losses in every epoch and the
//! same weights at the end: f64 within 1e-10, f32 within 1e-4.
//!
//! The figures are made by `tests/parity/generate.py`. Agreement is |a - b| ≤ tolerance · max(|b|, s),
//! s the initial loss, or the largest magnitude in a tensor.

mod support;

use std::path::{Path, PathBuf};

use nnc::data::Element as Prepares;
use nnc::data::table::Part;
use nnc::kernels::Element;
use nnc::plan::Precision;
use nnc::train::{Ended, Trainer, initialize, weights};
use serde_json::Value;

const F64_TOLERANCE: f64 = 1e-10;
const F32_TOLERANCE: f64 = 1e-4;

fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity");
    let entries = std::fs::read_dir(folder).unwrap();
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("expected.json").exists())
        .collect();
    found.sort();
    found
}

fn losses(expected: &Value, name: &str) -> Vec<f64> {
    let numbers = expected[name].as_array().unwrap();
    numbers
        .iter()
        .map(|number| number.as_f64().unwrap())
        .collect()
}

fn replay<T: Element + Prepares>(folder: &Path, tolerance: f64) -> Result<(), String> {
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let bytes = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let name = folder.file_name().unwrap().to_str().unwrap();
    let loaded = support::load(name, &read("model.nn"), &read("data.csv"));
    let expected: Value = serde_json::from_str(&read("expected.json")).unwrap();
    let compiled = &loaded.compiled;
    let mut trainer = Trainer::<T>::new(
        compiled,
        loaded.part(Part::Train),
        loaded.part(Part::Validate),
        1,
    )
    .map_err(|error| format!("{error:?}"))?;
    let initial = weights::from_bytes(&bytes("initial.safetensors"), name, &compiled.states);
    let initial = initial.map_err(|faults| format!("{faults:?}"))?;
    for (index, values) in &initial {
        trainer.set_state(*index, values);
    }
    let (train, validate) = (losses(&expected, "train"), losses(&expected, "validate"));
    let epochs = expected["epochs"].as_u64().unwrap() as usize;
    assert_eq!(train.len(), epochs);
    let scale = train[0].abs();
    let mut worst: f64 = 0.0;
    let mut fault: Option<String> = None;
    let mut compare = |what: &str, epoch: usize, ours: f64, theirs: f64| {
        worst = worst.max((ours - theirs).abs() / theirs.abs().max(scale));
        if !support::agree(ours, theirs, scale, tolerance) && fault.is_none() {
            fault = Some(format!(
                "{what} loss of epoch {epoch}: {ours} instead of {theirs}"
            ));
        }
    };
    let ended = trainer.run(epochs, &|| false, &mut |epoch, losses| {
        compare("train", epoch, losses.train, train[epoch - 1]);
        match losses.validate {
            Some(loss) => compare("validation", epoch, loss, validate[epoch - 1]),
            None => assert!(validate.is_empty()),
        }
    });
    assert_eq!(ended, Ended::Finished);
    assert_eq!(
        trainer.updates_done(),
        expected["updates"].as_u64().unwrap()
    );
    if let Some(fault) = fault {
        return Err(format!("{fault} (worst {worst:e})"));
    }
    let last = weights::from_bytes(&bytes("final.safetensors"), name, &compiled.states);
    for (index, values) in last.map_err(|faults| format!("{faults:?}"))? {
        if compiled.states.averages().contains_key(&index) {
            // Its average is what is compared.
            continue;
        }
        let place = &compiled.states.places[index];
        let found = initialize::read(trainer.arena(), place);
        let scale = values
            .iter()
            .fold(0.0f64, |scale, value| scale.max(value.abs()));
        for (ours, theirs) in found.into_iter().zip(values) {
            let ours = match place.state.integer {
                true => ours.to_f64() + trainer.batches_done() as f64,
                false => ours.to_f64(),
            };
            if !support::agree(ours, theirs, scale, tolerance) {
                return Err(format!("{}: {ours} instead of {theirs}", place.state.name));
            }
        }
    }
    println!("{name}: worst loss difference {worst:.1e}");
    Ok(())
}

#[test]
fn every_setup_gives_pytorchs_losses_and_weights() {
    let fixtures = fixtures();
    assert!(fixtures.len() >= 40, "only {} fixtures", fixtures.len());
    let mut failed = Vec::new();
    for folder in fixtures {
        let expected = std::fs::read_to_string(folder.join("expected.json")).unwrap();
        let expected: Value = serde_json::from_str(&expected).unwrap();
        let precision = match expected["precision"].as_str().unwrap() {
            "f32" => Precision::F32,
            _ => Precision::F64,
        };
        let result = match precision {
            Precision::F32 => replay::<f32>(&folder, F32_TOLERANCE),
            Precision::F64 => replay::<f64>(&folder, F64_TOLERANCE),
        };
        if let Err(fault) = result {
            failed.push(format!(
                "{}: {fault}",
                folder.file_name().unwrap().display()
            ));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
