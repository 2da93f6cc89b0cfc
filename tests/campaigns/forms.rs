//! A network means the same however it is written, and its canonical form is one.

use nnc::diagnostics::{FileId, Sources, render_all};
use nnc::plan::Target;
use nnc::{ModelSource, compile};

use crate::support::campaign;
use crate::support::networks::{NETWORKS, generate};

/// One network in so many is in the sample.
const SAMPLE: u64 = 16;

/// A plan without the numbers of its source's lines, which formatting changes.
fn without_lines(plan: &str) -> String {
    let lines = plan.lines().map(|line| {
        let rest = line.trim_start();
        let number = rest
            .split_once("  ")
            .filter(|(number, _)| number.parse::<u32>().is_ok());
        number.map_or(rest, |(_, rest)| rest.trim_start())
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn models_mean_the_same_in_any_form() {
    let plans = |name: &str, model: &str| -> Vec<String> {
        let mut sources = Sources::new();
        let file = sources.add("network.nn", model);
        let compiled = compile(&ModelSource::new(&sources, file), None, Target::Reference);
        let compiled = compiled.unwrap_or_else(|faults| {
            panic!("{name}:\n{model}\n{}", render_all(&faults, &sources));
        });
        let phases = [&compiled.train, &compiled.evaluate, &Some(compiled.predict)];
        let plans = phases.into_iter().flatten();
        plans
            .map(|phase| without_lines(&phase.plan.to_string()))
            .collect()
    };
    let check = |number: usize| {
        let name = format!("network {number}");
        let model = generate(number).model;
        let meant = plans(&name, &model);
        // Written as a hurried hand may write it, and in the canonical form.
        let loose = model
            .replace("->", " ->   ")
            .replace(" = ", "=")
            .replace('\n', "   # a word\n\n\n");
        let formatted = nnc::syntax::format(&loose, FileId(0));
        let formatted = formatted.unwrap_or_else(|faults| panic!("{name}: {faults:?}\n{loose}"));
        let again = nnc::syntax::format(&formatted, FileId(0));
        assert_eq!(again.as_ref(), Ok(&formatted), "{name}: not idempotent");
        for written in [&loose, &formatted] {
            assert_eq!(plans(&name, written), meant, "{name}:\n{written}");
        }
    };
    campaign::run("forms", NETWORKS, SAMPLE, check);
}
