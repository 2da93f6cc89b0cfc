//! What each pass makes of small models: `tests/cases/passes/*.nn`, each with the pass and the phase in
//! its first line, `# simplify, train: what the case shows`.

use std::collections::BTreeSet;
use std::path::Path;

use nnc::Compiled;
use nnc::compile::updates;
use nnc::graph::{Phase, text};
use nnc::passes::{Accumulation, lower_observed};

use super::{compiled, snapshot, support};

/// The longest text of a graph that is read in review.
const MOST_LINES: usize = 30;

fn cases() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/passes");
    let entries = std::fs::read_dir(path).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut cases: Vec<String> = names.collect();
    cases.sort();
    cases
}

/// How a graph is lowered: the word of a case's first line.
const WAYS: [(&str, Phase, Accumulation); 5] = [
    ("train", Phase::Train, Accumulation::None),
    ("accumulate", Phase::Train, Accumulation::Adds),
    (
        "update after accumulation",
        Phase::Train,
        Accumulation::Ends,
    ),
    ("evaluate", Phase::Evaluate, Accumulation::None),
    ("predict", Phase::Predict, Accumulation::None),
];

/// The texts of a network's graph after each pass, and the pass's name.
fn after_passes(compiled: &Compiled, way: &str) -> Vec<(&'static str, String)> {
    let way = WAYS.iter().find(|(name, ..)| *name == way);
    let (_, phase, accumulation) = *way.expect("the first line names a phase");
    let train = compiled.declaration.train.as_ref();
    let watched = !compiled.network.watches.is_empty();
    let updates = train.and_then(|train| updates(train, accumulation, watched));
    let updates = updates.as_ref().filter(|_| phase == Phase::Train);
    let mut texts = Vec::new();
    lower_observed(&compiled.network, phase, updates, |pass, graph| {
        texts.push((pass, text::render(graph)));
    });
    // The averages take the place of the parameters when the training's states are known.
    if phase == Phase::Predict {
        texts.push(("read averages", text::render(&compiled.predict.graph)));
    }
    texts
}

#[test]
fn every_pass_does_what_its_cases_show() {
    let mut covered = BTreeSet::new();
    let mut all = BTreeSet::new();
    for case in cases() {
        let source = support::text(&format!("tests/cases/passes/{case}"));
        let first = source.lines().next().unwrap_or_default();
        let named = first
            .strip_prefix("# ")
            .and_then(|line| line.split_once(':'));
        let (pass, way) = named
            .and_then(|(named, _)| named.split_once(", "))
            .unwrap_or_else(|| panic!("{case} begins with `# pass, phase: …`, not `{first}`"));
        let compiled = compiled(&format!("passes/{case}"));
        let texts = after_passes(&compiled, way);
        let found = texts.iter().find(|(name, _)| *name == pass);
        let (name, text) = found.unwrap_or_else(|| panic!("{case}: no pass `{pass}`"));
        let lines = text.lines().count();
        assert!(lines <= MOST_LINES, "{case}: {lines} lines\n{text}");
        covered.insert(*name);
        for (way, ..) in WAYS {
            let texts = after_passes(&compiled, way);
            all.extend(texts.into_iter().map(|(name, _)| name));
        }
        snapshot(
            &format!("pass-{}", case.trim_end_matches(".nn")),
            &format!("{source}\n{text}"),
        );
    }
    assert_eq!(covered, all, "every pass has a case");
}
