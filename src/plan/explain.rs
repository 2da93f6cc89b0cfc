//! Why the steps of a plan are as they are: why each begins, and for whom its results are kept.

use std::fmt::Write;

use super::text::{Namer, bytes};
use super::{Plan, StepPart};
use crate::graph::ops::{Axis, Op};
use crate::graph::state::StateKind;
use crate::graph::{Graph, ValueId};
use crate::passes::fuse::{Fusion, Group, GroupId, GroupKind, Reader, Separation, UnfusedReason};

/// An expression longer than this is cut.
const LONGEST_EXPRESSION: usize = 40;

/// The reasons behind a plan's steps, as text.
pub fn explain(plan: &Plan) -> String {
    let mut separations = vec![Vec::new(); plan.fusion.groups.len()];
    for separation in &plan.fusion.separations {
        separations[separation.into.0 as usize].push(separation);
    }
    let explainer = Explainer {
        graph: &plan.graph,
        plan,
        fusion: &plan.fusion,
        separations,
        namer: Namer::new(&plan.graph, &plan.fusion, plan.batch),
    };
    explainer.text()
}

struct Explainer<'e> {
    graph: &'e Graph,
    plan: &'e Plan,
    fusion: &'e Fusion,
    /// Those of each group.
    separations: Vec<Vec<&'e Separation>>,
    namer: Namer<'e>,
}

const TEXT_GROWS: &str = "a string takes any text";

impl Explainer<'_> {
    fn text(&self) -> String {
        let mut text = String::new();
        let values = self.graph.values();
        let kept = values.filter(|value| self.fusion.stored[value.index()]);
        writeln!(
            text,
            "plan {}: {} · why {} and {}",
            self.plan.name,
            self.plan.phase.name(),
            counted(self.plan.steps.len(), "step"),
            counted(kept.count(), "stored value"),
        )
        .expect(TEXT_GROWS);
        let mut part: Option<StepPart> = None;
        for step in &self.plan.steps {
            if part != Some(step.part) {
                writeln!(text, "\n  {}", step.part.title()).expect(TEXT_GROWS);
                part = Some(step.part);
            }
            let name = self.step(step.group);
            writeln!(text, "\n  {name} · {}", self.plan.label(step)).expect(TEXT_GROWS);
            for line in self.reasons(step.group, self.plan.group(step)) {
                writeln!(text, "    {line}").expect(TEXT_GROWS);
            }
        }
        text
    }

    /// A step as the text names it.
    fn step(&self, id: GroupId) -> String {
        let step = &self.plan.steps[id.0 as usize];
        format!("step {}, line {}", id.0 + 1, step.line)
    }

    /// The lines about one step.
    fn reasons(&self, id: GroupId, group: &Group) -> Vec<String> {
        let mut lines = Vec::new();
        lines.extend(self.kernel(&group.kind));
        for separation in &self.separations[id.0 as usize] {
            lines.extend(self.separation(separation));
        }
        lines.extend(self.updates(group));
        let regions = group.regions.iter();
        let mut values: Vec<ValueId> = regions
            .flat_map(|builder| {
                builder
                    .accumulator
                    .into_iter()
                    .chain(builder.values.iter().copied())
            })
            .filter(|value| self.fusion.stored[value.index()])
            .collect();
        values.sort_unstable();
        for value in values {
            lines.push(self.stored(value));
            let mut readers = self.fusion.readers[value.index()].clone();
            readers.sort_by_key(Reader::group);
            let readers = readers.into_iter();
            lines.extend(readers.map(|reader| format!("  {}", self.reader(reader))));
        }
        lines
    }

    /// A value's name, or what it is computed by.
    fn name(&self, value: ValueId) -> String {
        let text = self.namer.name_or_expression(value);
        if text.chars().count() > LONGEST_EXPRESSION {
            text.chars()
                .take(LONGEST_EXPRESSION - 1)
                .chain(['…'])
                .collect()
        } else {
            text
        }
    }

    /// Why a kernel begins a step. A loop begins with what could run nowhere else.
    fn kernel(&self, kind: &GroupKind) -> Option<String> {
        let name = |value: &ValueId| self.name(*value);
        Some(match kind {
            GroupKind::Loop => return None,
            GroupKind::Forward { input, .. } => format!(
                "begins with a product: each sum goes over all features of {}",
                name(input)
            ),
            GroupKind::DataGradient { gradient, .. } => format!(
                "begins with a product: each sum goes over all features of {}",
                name(gradient)
            ),
            GroupKind::WeightGradient { gradient, .. } => format!(
                "begins with a product: each sum goes over all rows of {}",
                name(gradient)
            ),
            GroupKind::Gather { table, .. } => {
                format!("begins with a look-up: rows of {} by index", name(table))
            }
            GroupKind::ScatterAdd { gradient, .. } => format!(
                "begins with sums by index: each goes over all rows of {}",
                name(gradient)
            ),
            GroupKind::CrossEntropy { logits, .. } => format!(
                "begins with a softmax: it needs all classes of a row of {}",
                name(logits)
            ),
            GroupKind::LogSoftmax { input } => format!(
                "begins with a softmax: it needs all features of a row of {}",
                name(input)
            ),
            GroupKind::Concat { parts } => {
                let parts: Vec<String> = parts.iter().map(name).collect();
                format!("begins with a copy: {} side by side", parts.join(", "))
            }
        })
    }

    /// Why a node did not join the step that computes the last of what it needs.
    fn separation(&self, separation: &Separation) -> [String; 2] {
        let name = |value: ValueId| self.name(value);
        let elsewhere = separation.from.map_or(String::new(), |from| {
            format!(", not in {}", self.step(from))
        });
        let reason = match separation.refusal {
            UnfusedReason::NothingToJoin => "it waits for no other step".to_string(),
            UnfusedReason::Whole(value) => format!(
                "it needs {}, which is known only after all {}",
                name(value),
                self.reduced_over(value)
            ),
            UnfusedReason::Reshaped(value) => format!(
                "it reads {} {} as {}",
                name(value),
                self.namer.shape(value),
                self.namer.shape(separation.value)
            ),
            UnfusedReason::TwoRegions => "it needs two results that do not meet there".to_string(),
            UnfusedReason::Shape => format!(
                "that goes over another shape than {}",
                self.namer.shape(separation.value)
            ),
            UnfusedReason::Copies => "nothing runs behind a copy".to_string(),
            UnfusedReason::OldValueRead(state, by) => format!(
                "the old {} is read in {}",
                self.graph.state(state).name,
                self.step(by)
            ),
        };
        [
            format!("runs {} here{elsewhere}:", name(separation.value)),
            format!("  {reason}"),
        ]
    }

    /// What must have been gone over before a reduction is known.
    fn reduced_over(&self, value: ValueId) -> &'static str {
        let Op::Reduce { axis, .. } = self.graph.node(value).op else {
            return "elements";
        };
        match axis {
            Axis::Batch => "rows",
            Axis::Last => "features",
            Axis::All => "elements",
        }
    }

    /// The parameters and buffers that a step replaces while their new values are at hand.
    fn updates(&self, group: &Group) -> impl Iterator<Item = String> {
        let assignments = group
            .regions
            .iter()
            .flat_map(|builder| &builder.assignments);
        assignments
            .map(|assignment| self.graph.state(assignment.state))
            .filter(|state| !matches!(state.kind, StateKind::Slot(_) | StateKind::Average(_)))
            .map(|state| format!("updates {}: no later step reads the old value", state.name))
    }

    fn stored(&self, value: ValueId) -> String {
        let shape = self.graph.shape(value);
        let rows = if shape.batch {
            self.plan.batch
        } else {
            Some(1)
        };
        let elements = shape.elements().zip(rows);
        let size = elements.map_or(String::new(), |(elements, rows)| {
            let size = elements.saturating_mul(rows);
            format!(
                " · {}",
                bytes(size.saturating_mul(self.plan.precision.bytes()))
            )
        });
        let name = self.name(value);
        format!("stores {name} {}{size}", self.namer.shape(value))
    }

    /// For whom a value is kept.
    fn reader(&self, reader: Reader) -> String {
        match reader {
            Reader::Kernel(by) => {
                let what = match &self.fusion.groups[by.0 as usize].kind {
                    GroupKind::Forward { .. } | GroupKind::DataGradient { .. } => {
                        "its product reads it"
                    }
                    GroupKind::WeightGradient { .. } => "a weight's gradient is computed from it",
                    GroupKind::Gather { .. } => "it is looked up",
                    GroupKind::ScatterAdd { .. } => "it is summed by index",
                    GroupKind::CrossEntropy { .. } | GroupKind::LogSoftmax { .. } => {
                        "its softmax reads it"
                    }
                    GroupKind::Concat { .. } => "it is copied",
                    GroupKind::Loop => unreachable!("a loop has no kernel that reads"),
                };
                format!("for {}: {what}", self.step(by))
            }
            Reader::Program(by) => format!("for {}: it is read element by element", self.step(by)),
            Reader::Reshaped(by) => format!("for {}: it is read in another shape", self.step(by)),
            Reader::Prediction => "for the caller: it is the network's result".to_string(),
            Reader::Loss => "for the caller: it is the loss".to_string(),
            Reader::Watch => "for the caller: it is watched".to_string(),
        }
    }
}

/// `1 step`, `2 steps`.
fn counted(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        count => format!("{count} {noun}s"),
    }
}
