//! The plans of all models and of a folder of small cases, as snapshots that are the same on every
//! machine.

mod support;

use std::path::Path;

use nnc::diagnostics::{Sources, render_all};
use nnc::plan::{Target, explain, layers};
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
        let text = explain(&phase.plan);
        for line in text.lines() {
            assert!(line.chars().count() < 100, "a long line: {line}");
        }
        snapshot("snapshots/explain", case, &text);
    }
}

/// What each layer keeps and its share of the arithmetic: with data, without, and of one phase.
#[test]
fn layers_of_the_cases() {
    for case in [
        "batch-norm",
        "dropout",
        "nested-repeats",
        "repeats",
        "several-inputs",
        "shared",
    ] {
        let compiled = compiled_case(&format!("{case}.nn")).1;
        let phase = compiled.train.as_ref().unwrap();
        let text = layers(&compiled.network, &phase.plan);
        snapshot("snapshots/layers", case, &text);
    }
    let [model, csv] = ["nn", "csv"].map(|ending| support::text(&format!("models/iris.{ending}")));
    let iris = support::load("iris", &model, &csv).compiled;
    let text = layers(&iris.network, &iris.predict.plan);
    snapshot("snapshots/layers", "iris-predict", &text);
}

/// The rows' elements are those of the model, and their shares of the arithmetic make the whole.
#[test]
fn layers_add_up_to_the_totals() {
    let mut whole = 0;
    for case in files("tests/cases/plans") {
        let compiled = compiled_case(&case).1;
        let phase = compiled.train.as_ref().unwrap_or(&compiled.predict);
        let text = layers(&compiled.network, &phase.plan);
        let cells = text.lines().map(|line| line.split_whitespace().collect());
        let rows: Vec<Vec<&str>> = cells.collect();
        let total = rows.last().expect("a row of totals");
        assert_eq!(total[0], "total", "{case}");
        if !phase.plan.deferred.is_empty() {
            continue;
        }
        whole += 1;
        let of_model = compiled.states.elements();
        let [trainable, frozen, buffers] = [1, 2, 3].map(|at| total[at].parse().unwrap());
        assert_eq!(
            (of_model.trainable, of_model.frozen, of_model.buffers),
            (trainable, frozen, buffers),
            "{case}"
        );
        if text.contains(" times:") {
            continue;
        }
        let shares = rows[3..rows.len() - 1].iter().map(|row| -> f64 {
            let share = row.last().expect("a row has cells");
            share.trim_end_matches('%').parse().expect("a share")
        });
        let (sum, most_rounded) = (shares.clone().sum::<f64>(), 0.05 * shares.count() as f64);
        assert!((sum - 100.0).abs() <= most_rounded + 1e-9, "{case}: {sum}%");
    }
    assert!(whole >= 5, "{whole}");
}

fn compiled(text: &str) -> Compiled {
    let mut sources = Sources::new();
    let file = sources.add("drawn.nn", text);
    let compiled = compile(&ModelSource::new(&sources, file), None, Target::Reference);
    compiled.unwrap_or_else(|faults| panic!("{}", render_all(&faults, &sources)))
}

/// A network of a body so often repeated, with extra settings of its training.
fn repeated(body: &str, times: usize, settings: &str) -> Compiled {
    compiled(&format!(
        "data {{ input a: number; input b: number; target y: number }}
        net {{ Linear(4); trunk: repeat {times} {{ {body} }}; Linear(1) }}
        train {{ loss = MSE; optimizer = AdamW(lr = 0.1); epochs = 1; {settings} }}"
    ))
}

/// The table of layers of each plan of a network.
fn tables(compiled: &Compiled) -> Vec<String> {
    let phases = compiled.trained().chain([&compiled.predict]);
    let tables = phases.map(|phase| layers(&compiled.network, &phase.plan));
    tables.collect()
}

/// Ten times the iterations are as many lines, with longer numbers in them.
#[test]
fn repeats_are_as_long_as_one_of_their_iterations() {
    for body in [
        "Linear(4) -> Tanh",
        "residual { Linear(4) -> Tanh }",
        "LayerNorm",
        "BatchNorm1d; Tanh",
        "repeat 3 { Tanh; ReLU }; Linear(4)",
        "h = Linear(4); g = h -> Sigmoid; h * g",
    ] {
        let [few, many] = [30, 300].map(|times| repeated(body, times, ""));
        for table in tables(&many) {
            assert!(table.lines().count() < 24, "{body}:\n{table}");
        }
        let [few, many] = [few, many].map(|compiled| plans(&compiled));
        assert_eq!(few.lines().count(), many.lines().count(), "{body}:\n{many}");
        assert!(many.len() < 24 * 1024, "{body}: {} bytes", many.len());
        let digits = many.len() - few.len();
        assert!(digits < few.len() / 10, "{body}: {digits} bytes more");
    }
}

/// A plan in which nothing is equal grows with the number of its layers.
#[test]
fn the_text_grows_with_what_is_written() {
    let text = |layers: usize| {
        let lines = (0..layers).map(|at| format!("v{} = v{at} * a + v{}", at + 1, at / 2));
        let net: Vec<String> = ["v0 = Linear(1)".to_owned()]
            .into_iter()
            .chain(lines)
            .collect();
        plans(&compiled(&format!(
            "data {{ input a: number; target y: number }}
            net {{ {}; Linear(1) }}
            train {{ loss = MSE; optimizer = SGD(lr = 0.1); epochs = 1 }}",
            net.join("; ")
        )))
    };
    let [few, many] = [40, 400].map(|layers| text(layers).len());
    assert!(many < 12 * few, "{few} bytes for 40, {many} for 400");
    // One step for all iterations, each an expression of the ones before, which is cut.
    let [few, many] = [40, 400].map(|times| plans(&repeated("residual { Tanh }", times, "")).len());
    assert!(many < 12 * few, "{few} bytes for 40 times, {many} for 400");
}

/// The lines of a table that begin with a path, and the headings of runs.
fn rows_of<'t>(text: &'t str, section: &str) -> Vec<&'t str> {
    let rows = text.lines().skip_while(|line| line.trim() != section);
    let rows = rows.skip(1).take_while(|line| !line.is_empty());
    rows.map(str::trim).collect()
}

#[test]
fn an_iteration_that_differs_stands_apart() {
    let headings = |settings: &str| -> Vec<String> {
        let compiled = repeated("Linear(4)", 10, settings);
        let text = compiled.train.expect("it trains").plan.to_string();
        let rows = rows_of(&text, "parameters").into_iter();
        let headings = rows.filter(|row| row.ends_with(" times:"));
        headings.map(str::to_owned).collect()
    };
    let whole = ["trunk.0 to trunk.9, 10 times:"];
    let parted = [
        "trunk.0 to trunk.4, 5 times:",
        "trunk.6 to trunk.9, 4 times:",
    ];
    assert_eq!(headings(""), whole);
    for difference in [
        "freeze = true",
        "init = Ones",
        "init = XavierNormal(gain = 1.00001)",
        "lr = 0.1000001",
        "l2 = 1e-9",
    ] {
        let settings = format!("params \"trunk.5.weight\" {{ {difference} }}");
        assert_eq!(headings(&settings), parted, "{difference}");
        let settings = format!("params \"trunk.*.weight\" {{ {difference} }}");
        assert_eq!(headings(&settings), whole, "{difference}");
    }
}

/// Figures that differ beyond the digits of the text keep iterations apart.
#[test]
fn figures_that_look_alike_are_not_taken_for_equal() {
    let headings = |slope: &str| {
        let compiled = compiled(&format!(
            "data {{ input a: number; input b: number; target y: number }}
            net {{ trunk: repeat 8 as i {{ Linear(2) -> LeakyReLU({slope}) }}; Linear(1) }}
            train {{ loss = MSE; optimizer = SGD(lr = 0.1); epochs = 1 }}"
        ));
        let text = compiled.train.expect("it trains").plan.to_string();
        let parts = ["forward", "backward + update"];
        parts.map(|part| {
            let rows = rows_of(&text, part).into_iter();
            rows.filter(|row| row.ends_with(" times:")).count()
        })
    };
    assert_eq!(headings("0.1"), [1, 1]);
    assert_eq!(headings("0.1 + 1e-9 * i"), [0, 0]);
}
