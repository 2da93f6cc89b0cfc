//! Networks as pictures: each model has one, whole and well-formed, and some are held as texts.

use std::fs;
use std::path::Path;

use nnc::diagnostics::Sources;
use nnc::picture::{Picture, dot, svg};
use nnc::plan::Target;
use nnc::{ModelSource, compile};

fn picture(path: &Path) -> Picture {
    let text = fs::read_to_string(path).expect("a model");
    let mut sources = Sources::new();
    let file = sources.add(path.display().to_string(), text);
    let source = ModelSource::new(&sources, file);
    let compiled = compile(&source, None, Target::Reference)
        .unwrap_or_else(|faults| panic!("{}: {faults:?}", path.display()));
    let text = |span| sources.text(span).to_owned();
    Picture::new(&compiled.name, &compiled.network, &text)
}

fn models() -> Vec<std::path::PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths: Vec<_> = fs::read_dir(root.join("models"))
        .expect("the models")
        .map(|entry| entry.expect("a readable entry").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "nn"))
        .collect();
    for entry in fs::read_dir(root.join("tests/parity")).expect("the fixtures") {
        let path = entry.expect("a readable entry").path().join("model.nn");
        if path.exists() {
            paths.push(path);
        }
    }
    paths.sort();
    paths
}

/// The elements of a text of XML are closed in the order in which they were opened.
fn assert_well_formed(name: &str, xml: &str) {
    let mut open: Vec<&str> = Vec::new();
    for tag in xml.split('<').skip(1) {
        let (tag, text) = tag.split_once('>').expect("a tag ends");
        assert!(!text.contains('>'), "{name}: {text}");
        let ampersands = text.split('&').skip(1);
        assert!(
            ampersands
                .clone()
                .all(|rest| ["amp;", "lt;", "gt;", "quot;"]
                    .iter()
                    .any(|known| rest.starts_with(known))),
            "{name}: {text}"
        );
        assert!(tag.matches('"').count() % 2 == 0, "{name}: {tag}");
        let word = tag.split([' ', '/']).next().unwrap_or("");
        match (tag.strip_prefix('/'), tag.ends_with('/')) {
            (Some(word), _) => assert_eq!(open.pop(), Some(word), "{name}"),
            (None, true) => {}
            (None, false) => open.push(word),
        }
    }
    assert!(open.is_empty(), "{name}: {open:?}");
}

#[test]
fn every_model_has_a_whole_picture() {
    let paths = models();
    assert!(paths.len() > 60);
    for path in paths {
        let name = path.display().to_string();
        let picture = picture(&path);
        let ends = picture.shown.len();
        assert!(ends >= 2, "{name}");
        for place in 0..ends {
            let touched = |flow: &nnc::picture::Flow| flow.from == place || flow.to == place;
            assert!(
                picture.flows.iter().any(touched),
                "{name}: {:?} stands alone",
                picture.shown[place]
            );
        }
        assert!(
            picture.flows.iter().all(|flow| flow.from < flow.to),
            "{name}"
        );
        let drawn = svg(&picture);
        assert_well_formed(&name, &drawn);
        assert_eq!(
            drawn.matches("marker-end").count(),
            picture.flows.len(),
            "{name}"
        );
        assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{name}");
    }
}

#[test]
fn pictures_are_texts() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (name, path) in [
        ("thermometer", "models/thermometer.nn"),
        ("neurons", "models/neurons.nn"),
        ("nested", "tests/parity/composed-nested-f64/model.nn"),
        ("targets", "tests/parity/targets-f64/model.nn"),
        ("shared", "tests/parity/composed-siamese-f64/model.nn"),
        ("weights", "tests/parity/row-weights-targets-f64/model.nn"),
        ("penalties", "tests/parity/penalties-f64/model.nn"),
    ] {
        insta::with_settings!({
            snapshot_path => "snapshots/pictures",
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!(name, dot(&picture(&root.join(path))));
        });
    }
}
