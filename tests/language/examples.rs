//! Every entry and setting of the catalog says what its page needs, and its example compiles where it
//! stands.

use nnc::catalog::settings::SECTIONS;
use nnc::catalog::{Kind, entries};
use nnc::diagnostics::{FileId, Sources, render_all};
use nnc::plan::Target;
use nnc::{ModelSource, compile};

/// Models whose targets are numbers, classes, and two classes, for losses and metrics that want them.
const ENDS: [(&str, &str, &str); 3] = [
    ("number", "Linear(1)", "MSE"),
    (
        "category(values = [a, b, c])",
        "Linear(classes)",
        "CrossEntropy",
    ),
    ("category(values = [no, yes])", "Linear(1)", "BCEWithLogits"),
];

/// The model around a line that stands in a section.
fn model(section: &str, line: &str, (target, head, loss): (&str, &str, &str)) -> String {
    let key = line.split(" =").next().unwrap_or(line);
    let at = |wanted: &str| if section == wanted { line } else { "" };
    let unless = |key_of: &str, otherwise: String| {
        if key == key_of {
            String::new()
        } else {
            otherwise
        }
    };
    let columns = if line.starts_with("input") {
        String::new()
    } else {
        "input x: number\ninput job: category(values = [a, b])\n".to_owned()
    };
    format!(
        "data {{\n{columns}{}\ntarget goal: {target}\n}}\nnet {{\n{}\n{head}\n}}\ntrain {{\n{}\n{}{}}}\n",
        at("data"),
        at("net"),
        at("train"),
        unless("loss", format!("loss = {loss}\n")),
        unless("epochs", "epochs = 10\n".to_owned()),
    )
}

#[track_caller]
fn assert_compiles(section: &str, line: &str) {
    let mut told = Vec::new();
    for end in ENDS {
        let text = model(section, line, end);
        let mut sources = Sources::new();
        let file = sources.add("example.nn", text.clone());
        match compile(&ModelSource::new(&sources, file), None, Target::Reference) {
            Ok(_) => return,
            Err(faults) => told.push(format!("{text}{}", render_all(&faults, &sources))),
        }
    }
    panic!("{}", told.join("\n"));
}

fn assert_canonical(line: &str) {
    let line = format!("{line}\n");
    let formatted = nnc::syntax::format(&line, FileId(0));
    assert_eq!(formatted.as_deref(), Ok(line.as_str()));
}

#[test]
fn entries_have_pages_and_their_examples_compile() {
    for entry in entries() {
        let name = entry.name;
        for text in [entry.summary, entry.formula, entry.source, entry.example] {
            assert!(!text.trim().is_empty(), "{name}");
        }
        assert!(entry.example.contains(name), "{name}: {}", entry.example);
        for parameter in entry.parameters {
            assert!(!parameter.summary.is_empty(), "{name}: {}", parameter.name);
        }
        assert_canonical(entry.example);
        assert_compiles(entry.meaning.kind().section(), entry.example);
    }
}

#[test]
fn settings_have_pages_and_their_examples_compile() {
    for (section, settings) in SECTIONS {
        for setting in *settings {
            let name = setting.name;
            assert!(
                !setting.summary.is_empty() && !setting.takes.is_empty(),
                "{name}"
            );
            assert!(!setting.default.is_empty(), "{name}");
            assert!(setting.example.contains(name), "{name}");
            assert_canonical(setting.example);
            let section = match *section {
                "params" => "train",
                section => section,
            };
            assert_compiles(section, setting.example);
        }
    }
}

#[test]
fn names_of_a_kind_are_its_own() {
    for kind in Kind::ALL {
        let of_kind = || entries().filter(move |entry| entry.meaning.kind() == kind);
        let mut names: Vec<&str> = of_kind().map(|entry| entry.name).collect();
        names.extend(nnc::catalog::planned(kind));
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count, "{names:?}");
    }
}
