//! What the plan prints is what runs: the steps that a training run took are the lines of the plan's
//! text, in number, order, source line, label and kernel.

use nnc::compile::PhasePlan;
use nnc::data::MatrixElement as Prepares;
use nnc::data::table::Part;
use nnc::diagnostics::Sources;
use nnc::graph::state::StateKind;
use nnc::kernels::Element;
use nnc::passes::fuse::{GroupId, GroupKind, Reader};
use nnc::plan::{Plan, Precision, Step, Target, explain};
use nnc::train::{Trainer, initialize};
use nnc::{Compiled, ModelSource, compile};

use crate::support::campaign;
use crate::support::networks::{Kind, NETWORKS, generate};
use crate::support::{self, Loaded};

/// One network in so many is in the sample.
const SAMPLE: u64 = 20;

/// A step as the text shows it, or as one of equal iterations that the text shows the first of.
#[derive(Clone, PartialEq, Debug)]
struct Line {
    source_line: usize,
    /// The names of its stages, which may be continued on further lines.
    label: String,
    result: String,
    /// The kernel's name, in the native text.
    kernel: Option<String>,
    /// In how many folded iterations it stands.
    depth: usize,
    /// Whether it is of the first of equal iterations, whose names the text has.
    shown: bool,
}

/// A heading of equal iterations: how deep it stands, before which step, and how many they are.
struct Heading {
    depth: usize,
    before: usize,
    times: usize,
}

impl Heading {
    /// A line such as `n6.0 to n6.2, 3 times:`, where a step may stand.
    fn new(line: &str, depth: usize, before: usize) -> Option<Heading> {
        let indent = line.len() - line.trim_start().len();
        let own = (0..=depth).find(|depth| indent == 6 + 2 * depth)?;
        let times = line.strip_suffix(" times:")?.rsplit_once(", ")?.1;
        Some(Heading {
            depth: own,
            before,
            times: times.parse().ok()?,
        })
    }
}

/// Writes the iterations out that a heading folds, the innermost headings first.
fn unfold(mut lines: Vec<Line>, headings: Vec<Heading>) -> Vec<Line> {
    for heading in headings.into_iter().rev() {
        let inside = lines[heading.before..].iter();
        let length = inside.take_while(|line| line.depth > heading.depth).count();
        let first = &lines[heading.before..heading.before + length];
        let again: Vec<Line> = first
            .iter()
            .map(|line| Line {
                shown: false,
                ..line.clone()
            })
            .collect();
        let end = heading.before + length;
        let others = (1..heading.times).flat_map(|_| again.clone());
        lines.splice(end..end, others.collect::<Vec<Line>>());
    }
    lines
}

/// The steps of a plan's text, from top to bottom, as many as run.
fn lines(text: &str) -> Vec<Line> {
    let headings = ["  forward", "  backward + update"];
    let steps = text.lines().skip_while(|line| !headings.contains(line));
    let mut found: Vec<Line> = Vec::new();
    let mut folds: Vec<Heading> = Vec::new();
    // Of a heading's lines the first stands one deeper.
    let mut depth = 0;
    for line in steps.filter(|line| !line.is_empty()) {
        if headings.contains(&line) {
            depth = 0;
            continue;
        }
        if let Some(heading) = Heading::new(line, depth, found.len()) {
            depth = heading.depth + 1;
            folds.push(heading);
            continue;
        }
        let number = line.get(..4).and_then(|number| number.trim().parse().ok());
        match (number, found.last_mut()) {
            (Some(source_line), _) => {
                let rest = line[6..].trim_start();
                depth = (line[6..].len() - rest.len()) / 2;
                let (label, result) = rest.split_once("  ").unwrap_or((rest, ""));
                found.push(Line {
                    source_line,
                    label: label.to_string(),
                    result: result.to_string(),
                    kernel: None,
                    depth,
                    shown: true,
                });
            }
            (None, Some(step)) => {
                if line.trim_start().starts_with("+ ") {
                    let stages = line.trim_start().split("  ").next().unwrap_or("");
                    step.label.push_str(&format!(" {stages}"));
                }
                let kernel = line.trim_start().split_once(" · ");
                if let Some((kernel, rest)) = kernel
                    && rest
                        .split(" · ")
                        .next()
                        .is_some_and(|flops| flops.ends_with("FLOP"))
                {
                    step.kernel = Some(kernel.to_string());
                }
            }
            (None, None) => panic!("text before the first step: {line}"),
        }
    }
    unfold(found, folds)
}

/// The same model compiled for this machine.
fn native(loaded: &Loaded, model: &str) -> Compiled {
    let mut sources = Sources::new();
    let file = sources.add("native.nn", model);
    let source = ModelSource::new(&sources, file);
    compile(&source, Some(&loaded.compiled.schema), Target::Native).unwrap()
}

/// The numbers of the steps that one update took, and all states after it.
fn steps_that_ran<T: Element + Prepares>(
    loaded: &Loaded,
    compiled: &Compiled,
) -> (Vec<usize>, Vec<T>) {
    let mut trainer = Trainer::<T>::new(
        compiled,
        loaded.part(Part::Train),
        loaded.part(Part::Validate),
        1,
    )
    .unwrap();
    let mut observed = Vec::new();
    trainer.observe_step(|step| observed.push(step));
    let states = initialize::all(trainer.arena(), &compiled.states).to_vec();
    (observed, states)
}

/// All states after one epoch, which is one update, as training does it.
fn trained<T: Element + Prepares>(loaded: &Loaded) -> Vec<T> {
    let mut trainer = Trainer::<T>::new(
        &loaded.compiled,
        loaded.part(Part::Train),
        loaded.part(Part::Validate),
        1,
    )
    .unwrap();
    trainer.run(1, &|| false, &mut |_, _| ());
    initialize::all(trainer.arena(), &loaded.compiled.states).to_vec()
}

/// What the line of a step says of its first result: the shape of a value that it stores, or the state that
/// it updates.
fn first_result(plan: &Plan, step: &Step) -> Vec<String> {
    let regions = || plan.group(step).regions.iter();
    let mut values = regions().flat_map(|region| region.accumulator.iter().chain(&region.values));
    let shown = values
        .find(|value| plan.fusion.stored[value.index()] || plan.graph.prediction == Some(**value));
    if let Some(shown) = shown {
        let rows = plan.batch.expect("a plan with data").to_string();
        return vec![format!(" {} = ", plan.graph.shape(*shown).text(&rows))];
    }
    let mut updates = regions().flat_map(|region| &region.assignments);
    let updated = updates.find(|update| {
        let kind = plan.graph.state(update.state).kind;
        matches!(kind, StateKind::Parameter | StateKind::Buffer)
    });
    let name = updated.map(|update| plan.graph.state(update.state).name.clone());
    name.into_iter().chain([" updated".to_owned()]).collect()
}

fn check<T: Element + Prepares>(name: &str, model: &str, csv: &str) {
    let loaded = support::load(name, model, csv);
    let native = native(&loaded, model);
    let (observed, states) = steps_that_ran::<T>(&loaded, &native);
    let plan: &Plan = &native.train.as_ref().unwrap().plan;
    assert_eq!(observed, (0..plan.steps.len()).collect::<Vec<usize>>());
    // The observed steps are the whole of an update.
    assert!(states == trained::<T>(&loaded), "{name}: other states");

    let reference = loaded.compiled.train.as_ref().unwrap().plan.to_string();
    for (text, is_native) in [(reference, false), (plan.to_string(), true)] {
        let lines = lines(&text);
        assert_eq!(lines.len(), observed.len(), "{text}");
        for (line, step) in lines.iter().zip(&observed) {
            let step = &plan.steps[*step];
            assert_eq!(
                line.source_line,
                step.line.parse::<usize>().unwrap(),
                "{text}"
            );
            let kernel = is_native.then(|| step.kernel.parts().0.to_string());
            assert_eq!(line.kernel, kernel, "{text}");
            if !line.shown {
                continue;
            }
            assert_eq!(line.label, plan.label(step), "{text}");
            for expected in first_result(plan, step) {
                let found = format!(" {}", line.result.trim_start());
                assert!(found.contains(&expected), "{expected}: {found}\n{text}");
            }
        }
    }
}

#[test]
fn the_steps_that_ran_are_the_lines_of_the_plan() {
    campaign::run("steps", NETWORKS, SAMPLE, |number| {
        let generated = generate(number);
        // One update an epoch, on the rows in the file's order.
        let batch = format!("batch = {}", generated.batch);
        let model = generated.model.replace(&batch, "batch = all");
        let name = format!("network{number}");
        let loaded = support::load(&name, &model, &generated.csv);
        if generated.kind == Kind::Bare {
            assert!(
                loaded.compiled.train.is_none(),
                "{name} has nothing to train"
            );
            return;
        }
        match loaded.compiled.predict.plan.precision {
            Precision::F32 => check::<f32>(&name, &model, &generated.csv),
            Precision::F64 => check::<f64>(&name, &model, &generated.csv),
        }
    });
}

#[test]
fn the_thermometers_steps() {
    let model = support::text("models/thermometer.nn");
    let csv = support::text("models/thermometer.csv");
    let loaded = support::load("thermometer", &model, &csv);
    let native = native(&loaded, &model);
    let text = native.train.as_ref().unwrap().plan.to_string();
    let steps: Vec<(usize, String)> = lines(&text)
        .into_iter()
        .map(|line| (line.source_line, line.kernel.unwrap()))
        .collect();
    let expected = [
        (9, "forward"),
        (11, "forward"),
        (11, "data gradient"),
        (11, "weight gradient"),
        (9, "weight gradient"),
    ];
    assert_eq!(
        steps,
        expected.map(|(line, kernel)| (line, kernel.to_string()))
    );
}

/// Every step that is not a kernel's begins with a node that could run nowhere else, every value is
/// kept for someone who comes later, and the explanation names them all.
fn check_reasons(name: &str, phase: &PhasePlan) {
    let fusion = &phase.plan.fusion;
    let text = explain(&phase.plan);
    for (index, group) in fusion.groups.iter().enumerate() {
        let id = GroupId(index as u32);
        let mut into = fusion.separations.iter().map(|found| found.into);
        let kernel = group.kind != GroupKind::Loop;
        assert!(kernel || into.any(|into| into == id), "{name}: {text}");
        let line = &phase.plan.steps[index].line;
        let title = format!("\n  step {}, line {line} · ", index + 1);
        assert_eq!(text.matches(&title).count(), 1, "{name}: {text}");
    }
    for separation in &fusion.separations {
        assert!(separation.from < Some(separation.into), "{name}: {text}");
    }
    for value in phase.graph.values() {
        let readers = &fusion.readers[value.index()];
        let stored = fusion.stored[value.index()];
        assert_eq!(stored, !readers.is_empty(), "{name}: {text}");
        for group in readers.iter().filter_map(Reader::group) {
            let place = fusion.placed[value.index()].unwrap();
            assert!(place.group < group, "{name}: {text}");
        }
    }
    let stored = fusion.stored.iter().filter(|stored| **stored).count();
    assert_eq!(text.matches("\n    stores ").count(), stored, "{name}");
    let readers: usize = fusion.readers.iter().map(Vec::len).sum();
    assert_eq!(text.matches("\n      for ").count(), readers, "{name}");
}

#[test]
fn every_step_and_every_stored_value_has_its_reason() {
    campaign::run("reasons", NETWORKS, SAMPLE, |number| {
        let generated = generate(number);
        let name = format!("network{number}");
        let compiled = support::load(&name, &generated.model, &generated.csv).compiled;
        let phases = compiled.train.iter().chain(&compiled.evaluate);
        for phase in phases.chain([&compiled.predict]) {
            check_reasons(&name, phase);
        }
    });
}
