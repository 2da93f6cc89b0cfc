//! The plans of all models and of a folder of small cases, as snapshots that are the same on every
//! machine.

mod support;

use std::path::Path;

use nnc::diagnostics::{Sources, render_all};
use nnc::plan::{Target, explain};
use nnc::{Compiled, ModelSource, compile};

fn plans(compiled: &Compiled) -> String {
    let phases = compiled.trained().chain([&compiled.predict]);
    let texts: Vec<String> = phases.map(|phase| phase.plan.to_string()).collect();
    texts.join("\n")
}

fn snapshot(folder: &str, name: &str, content: &str) {
    insta::with_settings!({
        snapshot_path => folder,
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!(name, content);
    });
}

fn files(folder: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = std::fs::read_dir(path).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut models: Vec<String> = names.filter(|name| name.ends_with(".nn")).collect();
    models.sort();
    models
}

/// Each model of `models/` with its own table.
#[test]
fn plans_of_the_models() {
    let table_of = |model: &str| match model {
        "thermometer-linear.nn" => "thermometer.csv".to_string(),
        other => other.replace(".nn", ".csv"),
    };
    let models = files("models");
    assert!(models.len() >= 4);
    for model in models {
        let text = support::text(&format!("models/{model}"));
        let csv = support::text(&format!("models/{}", table_of(&model)));
        let name = model.trim_end_matches(".nn");
        let loaded = support::load(name, &text, &csv);
        snapshot("snapshots/plans", name, &plans(&loaded.compiled));
    }
}

/// A case's text, and what it compiles to without data.
fn compiled_case(case: &str) -> (String, Compiled) {
    let source = support::text(&format!("tests/cases/plans/{case}"));
    let mut sources = Sources::new();
    let file = sources.add(case, source.clone());
    let compiled = compile(&ModelSource::new(&sources, file), None, Target::Reference);
    let compiled = compiled.unwrap_or_else(|faults| panic!("{}", render_all(&faults, &sources)));
    (source, compiled)
}

/// Small cases without data: facts of the data are printed by their names.
#[test]
fn plans_of_the_cases() {
    let cases = files("tests/cases/plans");
    assert!(cases.len() >= 10);
    for case in cases {
        let (source, compiled) = compiled_case(&case);
        let text = format!("{source}\n{}", plans(&compiled));
        snapshot(
            "snapshots/plans",
            &format!("case-{}", case.trim_end_matches(".nn")),
            &text,
        );
    }
}

/// Why steps begin and values are stored, for cases with a reason of each kind.
#[test]
fn explanations_of_the_cases() {
    for case in [
        "batch-norm",
        "classifier",
        "clipping",
        "embedding",
        "several-inputs",
        "shared",
    ] {
        let compiled = compiled_case(&format!("{case}.nn")).1;
        let phase = compiled.train.as_ref().unwrap();
        let text = explain(&phase.graph, &phase.plan);
        for line in text.lines() {
            assert!(line.chars().count() < 100, "a long line: {line}");
        }
        snapshot("snapshots/explain", case, &text);
    }
}
