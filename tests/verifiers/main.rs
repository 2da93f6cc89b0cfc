//! The verifiers at work: what the passes make of small models, and good graphs and plans made bad in
//! many ways, each of which is refused.

#[path = "../support/mod.rs"]
mod support;

mod corrupt_plans;
mod corrupt_programs;
mod every;
mod graphs;
mod passes;
mod plans;

use nnc::diagnostics::{Sources, render_all};
use nnc::plan::Target;
use nnc::violation::Violation;
use nnc::{Compiled, ModelSource, compile};

/// A case of `tests/cases`, compiled without a table.
fn compiled(case: &str) -> Compiled {
    let mut sources = Sources::new();
    let file = sources.add("case.nn", support::text(&format!("tests/cases/{case}")));
    let compiled = compile(&ModelSource::new(&sources, file), None, Target::Reference);
    compiled.unwrap_or_else(|faults| panic!("{case}:\n{}", render_all(&faults, &sources)))
}

/// Functions that make something bad, by their names.
macro_rules! corruptions {
    ($($name:ident),+ $(,)?) => {
        &[$((stringify!($name), $name)),+]
    };
}
use corruptions;

/// What was made bad, each with the rule that refuses it.
fn rules<'c>(refused: impl Iterator<Item = (&'c str, Option<Violation>)>) -> String {
    let rules = refused.map(|(name, violation)| {
        let Some(violation) = violation else {
            return format!("{name}: accepted\n");
        };
        let marked = violation.text.lines().filter(|line| line.starts_with('>'));
        assert!(marked.count() <= 1, "{name}: {violation}");
        format!("{name}: {}\n", violation.rule)
    });
    let rules: String = rules.collect();
    assert!(!rules.contains(": accepted"), "{rules}");
    rules
}

fn snapshot(name: &str, content: &str) {
    insta::with_settings!({
        snapshot_path => "../snapshots/verifiers",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!(name, content);
    });
}
