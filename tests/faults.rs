//! Faulty models as a newcomer writes them: each file of `tests/cases/faults`, with its table if it
//! has one, gives in one run the diagnostics of its snapshot.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use nnc::diagnostics::{
    Code, Diagnostic, ExplanationBlock, FileId, Sources, explanation_blocks, render_all,
};
use nnc::plan::Target;
use nnc::resolve::uses::Library;
use nnc::{ModelSource, compile};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Names of the files of a folder that end so, without the ending.
fn stems(name: &str, ending: &str) -> Vec<String> {
    let entries = fs::read_dir(folder(name)).expect("the folder is there");
    let mut stems: Vec<String> = entries
        .map(|entry| entry.expect("a readable entry").file_name())
        .filter_map(|name| Some(name.to_str()?.strip_suffix(ending)?.to_string()))
        .collect();
    stems.sort();
    stems
}

/// All faults of a model with its table, or if there are none what is advised; those of the model alone,
/// if the table cannot be read.
fn faults(name: &str, model: &str, csv: Option<&str>) -> (Vec<Diagnostic>, Sources) {
    let (mut faults, mut sources) = match csv.map(|csv| support::try_load(name, model, csv)) {
        None => (Vec::new(), Sources::new()),
        Some(Ok(loaded)) => return (loaded.compiled.advice, loaded.sources),
        Some(Err(found)) => found,
    };
    let file = match csv {
        None => sources.add(format!("{name}.nn"), model),
        Some(_) => FileId(0),
    };
    let mut read = |path: &str| {
        let text = fs::read_to_string(folder("tests/cases/faults").join(path));
        text.map_err(|_| "is not there".to_owned())
    };
    let library = Library::gather(&mut sources, file, &mut read);
    let source = ModelSource {
        library: Some(&library),
        ..ModelSource::new(&sources, file)
    };
    let alone = compile(&source, None, Target::Reference);
    for fault in alone.map_or_else(|faults| faults, |compiled| compiled.advice) {
        if !faults.contains(&fault) {
            faults.push(fault);
        }
    }
    (faults, sources)
}

#[test]
fn faulty_models_say_what_is_wrong() {
    let names = stems("tests/cases/faults", ".nn");
    assert!(names.len() >= 45, "{} cases", names.len());
    for name in names {
        let read = |ending: &str| {
            fs::read_to_string(folder("tests/cases/faults").join(format!("{name}{ending}"))).ok()
        };
        let model = read(".nn").expect("the model was listed");
        let csv = read(".csv");
        let (faults, sources) = faults(&name, &model, csv.as_deref());
        assert!(!faults.is_empty(), "{name} has no fault");
        let table = csv.map(|csv| format!("--- {name}.csv\n{csv}"));
        let rendered = render_all(&faults, &sources);
        let content = format!("{model}{}--- faults\n{rendered}", table.unwrap_or_default());
        insta::with_settings!({
            snapshot_path => "snapshots/faults",
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!(name.as_str(), content);
        });
    }
}

/// The texts of all snapshots below a folder.
fn snapshots(folder: &Path, texts: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            snapshots(&path, texts);
        } else if path.extension().is_some_and(|ending| ending == "snap") {
            texts.push(fs::read_to_string(&path).expect("a snapshot is UTF-8 text"));
        }
    }
}

#[test]
fn every_code_is_shown_by_a_snapshot() {
    let mut texts = Vec::new();
    snapshots(&folder("tests"), &mut texts);
    for code in Code::ALL {
        let shown = format!("[{}]", code.id());
        let in_snapshot = texts.iter().any(|text| text.contains(&shown));
        assert!(in_snapshot, "no snapshot shows {shown}");
    }
}

/// The models of an explanation, each with its table, and whether it is the faulty one.
fn explained(code: Code) -> Vec<(&'static str, Option<&'static str>, bool)> {
    let blocks = explanation_blocks(code.explanation());
    let models = blocks.iter().enumerate().filter_map(|(index, block)| {
        let table = match blocks.get(index + 1) {
            Some(ExplanationBlock::Table(table)) => Some(*table),
            Some(_) | None => None,
        };
        match block {
            ExplanationBlock::Faulty(model) => Some((*model, table, true)),
            ExplanationBlock::Fixed(model) => Some((*model, table, false)),
            ExplanationBlock::Prose(_)
            | ExplanationBlock::Table(_)
            | ExplanationBlock::Shell(_) => None,
        }
    });
    models.collect()
}

/// Codes whose explanations show commands instead of a model.
const WITHOUT_MODEL: [Code; 10] = [
    Code::NotUtf8,
    Code::TableTooLarge,
    Code::BadWeights,
    Code::WeightNames,
    Code::WeightShapes,
    Code::BadRun,
    Code::Io,
    Code::NonFiniteLoss,
    Code::Memory,
    Code::NothingToTrain,
];

#[test]
fn explanations_show_a_model_with_the_fault_and_one_without() {
    let mut wrong: Vec<String> = Vec::new();
    for code in Code::ALL {
        let blocks = explanation_blocks(code.explanation());
        let id = code.id();
        assert!(
            matches!(blocks[0], ExplanationBlock::Prose(rule) if rule.len() > 40),
            "{id}"
        );
        let models = explained(*code);
        let faulty: Vec<bool> = models.iter().map(|(_, _, faulty)| *faulty).collect();
        let expected: &[bool] = if WITHOUT_MODEL.contains(code) {
            &[]
        } else {
            &[true, false]
        };
        assert_eq!(faulty, expected, "{id}");
        for (model, table, faulty) in models {
            let (faults, sources) = faults("example", model, table);
            let rendered = render_all(&faults, &sources);
            let sound = if faulty {
                !faults.is_empty() && faults.iter().all(|fault| fault.code == *code)
            } else {
                faults.is_empty()
            };
            if !sound {
                wrong.push(format!("{id}: {model}{rendered}"));
            }
            let written = nnc::syntax::format(model, FileId(0));
            if written.as_ref().is_ok_and(|written| written != model) {
                wrong.push(format!("{id}: {model}is not in the canonical form"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
