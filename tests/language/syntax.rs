//! Every file of `tests/cases/syntax`: those named `good-*` parse without a fault, the others give
//! the diagnostics of their snapshot.

use std::fs;
use std::path::{Path, PathBuf};

use nnc::diagnostics::{Sources, render_all};
use nnc::syntax::{Parsed, parse};

fn cases(keep: impl Fn(&str) -> bool) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/syntax");
    let mut paths: Vec<PathBuf> = fs::read_dir(&folder)
        .expect("the cases are there")
        .map(|entry| entry.expect("a readable entry").path())
        .collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let name = path
                .file_stem()
                .expect("a file")
                .to_string_lossy()
                .into_owned();
            let text = fs::read_to_string(&path).expect("a case is UTF-8 text");
            (name, text)
        })
        .filter(|(name, _)| keep(name))
        .collect()
}

fn parse_case(name: &str, text: &str) -> (Parsed, String) {
    let mut sources = Sources::new();
    let file = sources.add(format!("{name}.nn"), text);
    let parsed = parse(text, file);
    let rendered = render_all(&parsed.faults, &sources);
    (parsed, rendered)
}

#[test]
fn good_files_have_no_fault() {
    let good = cases(|name| name.starts_with("good-"));
    assert!(good.len() >= 8, "{} good files", good.len());
    for (name, text) in good {
        let (parsed, rendered) = parse_case(&name, &text);
        assert!(parsed.faults.is_empty(), "{rendered}");
        assert_eq!(parsed.file.statements.is_empty(), text.is_empty(), "{name}");
    }
}

#[test]
fn faulty_files_say_what_is_wrong() {
    let faulty = cases(|name| !name.starts_with("good-"));
    assert!(faulty.len() >= 20, "{} faulty files", faulty.len());
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for (name, text) in faulty {
            let (parsed, rendered) = parse_case(&name, &text);
            assert!(!parsed.faults.is_empty(), "{name} has no fault");
            insta::assert_snapshot!(format!("syntax-{name}"), rendered);
        }
    });
}
