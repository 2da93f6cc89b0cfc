//! The same initial weights, data and batches as PyTorch give the same losses in every epoch and the
//! same weights at the end: f64 within 1e-10, f32 within 1e-4.
//!
//! The figures are made by `tests/parity/generate.py`. Agreement is |a - b| ≤ tolerance · max(|b|, s),
//! s the initial loss, or the largest magnitude in a tensor.

use std::path::{Path, PathBuf};

use nnc::catalog::arguments::{ArgumentKind, Default};
use nnc::catalog::{Kind, entries};
use nnc::data::MatrixElement as Prepares;
use nnc::data::table::Part;
use nnc::kernels::Element;
use nnc::plan::Precision;
use nnc::train::{Ended, Trainer, initialize, weights};
use serde_json::Value;

use crate::support;

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
            let ours = if place.state.integer {
                ours.to_f64() + trainer.batches_done() as f64
            } else {
                ours.to_f64()
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

/// The models of the fixtures in f64, each with its number of batches.
fn models_in_f64() -> Vec<(String, u64)> {
    let read = |folder: &Path, name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let folders = fixtures().into_iter();
    let models = folders.filter_map(|folder| {
        let expected: Value = serde_json::from_str(&read(&folder, "expected.json")).unwrap();
        let model = read(&folder, "model.nn");
        let mut settings = model.lines().filter_map(|line| line.split_once('='));
        let accumulate = settings.find(|(name, _)| name.trim() == "accumulate");
        let accumulate = accumulate.map(|(_, batches)| batches.trim().parse::<u64>().unwrap());
        let batches = expected["updates"].as_u64().unwrap() * accumulate.unwrap_or(1);
        (expected["precision"] == "f64").then_some((model, batches))
    });
    models.collect()
}

#[test]
fn fixtures_cover_schedules_norms_and_composition() {
    let models = models_in_f64();
    let lines = |word: &str| -> Vec<&str> {
        let lines = models.iter().flat_map(|(model, _)| model.lines());
        lines
            .filter(|line| line.trim_start().starts_with(word))
            .collect()
    };
    let schedules = lines("schedule");
    let schedule = |wanted: &str| schedules.iter().any(|line| line.contains(wanted));
    for entry in entries().filter(|entry| entry.meaning.kind() == Kind::Schedule) {
        assert!(
            schedule(entry.name),
            "no fixture of the schedule {}",
            entry.name
        );
        // Every way of a schedule that has several.
        for parameter in entry.parameters {
            if let ArgumentKind::Word(words) = parameter.kind {
                for word in words {
                    let stated = schedule(&format!("{} = {word}", parameter.name));
                    let default = parameter.default == Default::Word(word);
                    let unsaid =
                        |line: &&&str| line.contains(entry.name) && !line.contains(parameter.name);
                    let fits = stated || default && schedules.iter().any(|line| unsaid(&line));
                    assert!(fits, "no fixture of {} with {word}", entry.name);
                }
            }
        }
    }
    assert!(
        schedule(" -> "),
        "no fixture of schedules that follow one another"
    );
    let in_a_model = |word: &str| models.iter().any(|(model, _)| model.contains(word));
    for name in [
        "BatchNorm1d",
        "LayerNorm",
        "GroupNorm",
        "RMSNorm",
        "Bilinear",
        "Unflatten",
    ] {
        assert!(in_a_model(name), "no fixture of {name}");
    }
    let composed = [
        "block ",
        "repeat ",
        "residual ",
        "shared ",
        "] ->",
        "weight = ",
        "params \"",
        "weight w",
    ];
    let is_composed = |model: &&(String, u64)| composed.iter().any(|word| model.0.contains(word));
    let composed = models.iter().filter(is_composed).count();
    assert!(composed >= 16, "{composed} composed models");
    for (model, batches) in &models {
        assert!(*batches >= 200, "{batches} batches\n{model}");
    }
}
