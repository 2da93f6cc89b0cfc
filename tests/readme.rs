//! Every model and piece of a model in the README compiles, and stands in its canonical form.

use std::collections::BTreeMap;

use nnc::diagnostics::{FileId, Sources, render_all};
use nnc::plan::Target;
use nnc::{ModelSource, compile};

/// The fenced blocks of the language.
fn examples(text: &str) -> Vec<String> {
    let mut blocks = text.split("```nn\n").skip(1);
    let mut found: Vec<String> = Vec::new();
    for block in &mut blocks {
        let end = block.find("```").expect("the fence is closed");
        found.push(block[..end].to_string());
    }
    found
}

/// A piece of a model with the sections that it lacks.
fn whole(piece: &str) -> String {
    let rest = BTreeMap::from([
        (
            "data",
            "data {\n    input left: vector from \"l*\"\n    input right: vector from \"r*\"\n    \
             target kind: category(values = [a, b])\n    split = random(validate = 20%)\n}\n",
        ),
        ("net", "net { Linear(classes) }\n"),
        ("train", "train { loss = CrossEntropy; epochs = 10 }\n"),
    ]);
    let has = |section: &str| {
        let begins = format!("{section} {{");
        piece.lines().any(|line| line.starts_with(&begins))
    };
    let lacks = rest.iter().filter(|(section, _)| !has(section));
    let lacking: String = lacks.map(|(_, text)| *text).collect();
    format!("{piece}{lacking}")
}

#[test]
fn every_example_of_the_readme_compiles() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(path).expect("the README is there");
    let examples = examples(&readme);
    assert!(examples.len() >= 5, "{} examples", examples.len());
    for example in examples {
        let text = whole(&example);
        let mut sources = Sources::new();
        let file = sources.add("README.nn", text.clone());
        if let Err(faults) = compile(&ModelSource::new(&sources, file), None, Target::Reference) {
            panic!("{text}\n{}", render_all(&faults, &sources));
        }
        let formatted = nnc::syntax::format(&example, FileId(0));
        assert_eq!(formatted.ok().as_deref(), Some(example.as_str()));
    }
}
