//! Faulty models as a newcomer writes them: each file of `tests/cases/faults`, with its table if it
//! has one, gives in one run the diagnostics of its snapshot.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use nnc::diagnostics::{Diagnostic, FileId, Sources, render_all};
use nnc::plan::Target;
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

/// All faults of a model with its table; those of the model alone, if the table cannot be read.
fn faults(name: &str, model: &str, csv: Option<&str>) -> (Vec<Diagnostic>, Sources) {
    let (mut faults, mut sources) = match csv.map(|csv| support::try_load(name, model, csv)) {
        None => (Vec::new(), Sources::new()),
        Some(Ok(loaded)) => return (Vec::new(), loaded.sources),
        Some(Err(found)) => found,
    };
    let file = match csv {
        None => sources.add(format!("{name}.nn"), model),
        Some(_) => FileId(0),
    };
    let alone = compile(&ModelSource::new(&sources, file), None, Target::Reference).err();
    for fault in alone.unwrap_or_default() {
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
