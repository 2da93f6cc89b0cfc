//! From a graph of one phase to its plan: groups become steps, values get places.

use std::sync::Arc;

use super::layout::{MatrixLayout, StateLayout, extents};
use super::lifetimes::Lives;
use super::memory::{align, place};
use super::program;
use super::step::{Columns, Kernel, Matrix, Offset};
use super::verify::verify;
use super::{Plan, Precision, Probe, Step, Target, Variant, cost, text};
use crate::diagnostics::Span;
use crate::graph::ops::{InputKind, Op, row_major_values};
use crate::graph::schedule::RateSchedule;
use crate::graph::shape::Dim;
use crate::graph::state::ScalarId;
use crate::graph::watch::Subject;
use crate::graph::{Graph, Phase, ValueId};
use crate::passes::fuse::{Fusion, Group, GroupId, GroupKind, fuse};
use crate::violation::insist;

/// What a plan is made from, besides the graph.
pub struct Request<'r> {
    pub name: &'r str,
    pub phase: Phase,
    pub variant: Variant,
    pub precision: Precision,
    pub target: Target,
    pub batch: Option<usize>,
    pub seed: u64,
    pub settings: Vec<(String, String)>,
    /// What it waits for beside lengths, as expressions of the facts of the data.
    pub waits: Vec<String>,
    pub schedule: Option<RateSchedule>,
    pub states: &'r StateLayout,
    /// Where the plan's own part of the arena begins.
    pub start: usize,
    /// The line of a place in the model's text; of another file's, `blocks.nn:3`.
    pub line: &'r dyn Fn(Span) -> String,
}

/// A plan in the making: the graph, its groups, and where each value lies.
pub struct Lowering<'l> {
    pub graph: &'l Graph,
    pub fusion: &'l Fusion,
    pub states: &'l StateLayout,
    pub seed: u64,
    /// Rows of a full batch, or 1 where that is not known.
    pub batch: usize,
    offsets: Vec<Option<Offset>>,
    partials: Vec<Option<Offset>>,
    layouts: Vec<MatrixLayout>,
    scalars: Vec<Offset>,
    inputs: Matrix,
    targets: Option<Matrix>,
}

/// Makes the plan of a graph of one phase.
pub fn lower(graph: &Arc<Graph>, request: Request) -> Plan {
    let fusion = fuse(graph, request.phase);
    let batch = request.batch.unwrap_or(1);
    let layouts = layouts(graph);
    let matrix = |at: usize, features: usize| Matrix {
        at: Offset(at),
        features,
        columns: Columns::Batch,
        stride: features,
    };
    // Scalars, inputs and targets, then what lives between steps.
    let mut end = request.start;
    let mut take = |elements: usize| {
        let at = end;
        end += align(elements);
        at
    };
    let scalars: Vec<Offset> = {
        let at = take(graph.scalars.len());
        (0..graph.scalars.len())
            .map(|index| Offset(at + index))
            .collect()
    };
    let width = |kind: InputKind| {
        let reads = |op: &Op| matches!(op, Op::Input { kind: found, .. } if *found == kind);
        let input = graph.nodes.iter().find(|node| reads(&node.op))?;
        Some(input.shape.width().known().unwrap_or(1))
    };
    let input_width = width(InputKind::Features).unwrap_or(0);
    let inputs = matrix(take(input_width * batch), input_width);
    let targets = width(InputKind::Targets).map(|width| matrix(take(width * batch), width));

    let lives = Lives::new(graph, &fusion, &layouts, (request.states.panel, batch));
    let (places, arena_end) = place(&lives.lifetimes, end);
    let lowering = Lowering {
        graph,
        fusion: &fusion,
        states: request.states,
        seed: request.seed,
        batch,
        offsets: lives.of(&lives.values, &places),
        partials: lives.of(&lives.partials, &places),
        layouts,
        scalars,
        inputs,
        targets,
    };

    let steps = lowering.steps(&request);
    let plan = Plan {
        name: request.name.to_string(),
        phase: request.phase,
        variant: request.variant,
        precision: request.precision,
        target: request.target,
        batch: request.batch,
        deferred: deferred(graph, request.batch, request.waits),
        settings: request.settings,
        schedule: request.schedule,
        states: request.states.clone(),
        scalars: graph
            .scalars
            .iter()
            .copied()
            .zip(lowering.scalars.iter().copied())
            .collect(),
        inputs,
        targets,
        prediction: (request.phase != Phase::Train)
            .then(|| lowering.matrix(graph.prediction.expect("a network has a result"))),
        loss: graph.loss.and_then(|loss| lowering.offset(loss)),
        probes: lowering.probes(),
        parallel: cost::parallel(&steps, batch),
        steps,
        graph: Arc::clone(graph),
        fusion: Arc::new(fusion),
        arena_end,
        own_elements: arena_end - request.start,
    };
    let what = || format!("the plan to {}{}", plan.phase.name(), plan.variant.title());
    insist(what, || verify(&plan, request.seed));
    plan
}

/// The names of facts that some shape still waits for.
fn deferred(graph: &Graph, batch: Option<usize>, waits: Vec<String>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for wait in waits {
        if !names.contains(&wait) {
            names.push(wait);
        }
    }
    for node in &graph.nodes {
        for dim in &node.shape.dims {
            if let Dim::Deferred(name) = dim
                && !names.iter().any(|known| **known == **name)
            {
                names.push(name.to_string());
            }
        }
    }
    if batch.is_none() && !names.iter().any(|name| name == "rows") {
        names.push("rows".to_string());
    }
    names
}

/// The layout of each two-dimensional value.
fn layouts(graph: &Graph) -> Vec<MatrixLayout> {
    row_major_values(graph)
        .into_iter()
        .map(MatrixLayout::of)
        .collect()
}

impl Lowering<'_> {
    /// Where a kept value lies.
    pub fn offset(&self, value: ValueId) -> Option<Offset> {
        self.offsets[value.index()]
    }

    /// Where what is watched lies after a step.
    fn probes(&self) -> Vec<Probe> {
        let watches = self.graph.watches.iter();
        let probes = watches.filter_map(|watch| {
            let (matrix, layout, shape) = match (watch.subject, watch.value) {
                (Subject::Weight(state), _) => {
                    let place = self.states.place(state);
                    (place.matrix, place.layout, &place.state.shape)
                }
                (Subject::Output | Subject::Gradient(_), Some(value)) => {
                    let layout = self.layouts[value.index()];
                    (self.matrix(value), layout, self.graph.shape(value))
                }
                // No loss reaches the parameter, as a warning says.
                (Subject::Output | Subject::Gradient(_), None) => return None,
            };
            Some(Probe {
                watch: watch.clone(),
                matrix,
                layout,
                shape: shape.clone(),
            })
        });
        probes.collect()
    }

    fn steps(&self, request: &Request) -> Vec<Step> {
        let graph = self.graph;
        let groups = self.fusion.groups.iter().enumerate();
        let steps = groups.map(|(index, group)| {
            let id = GroupId(u32::try_from(index).expect("fewer than 2^32 groups"));
            let kernel = self.kernel(id, group);
            Step {
                part: text::part(graph, group),
                line: (request.line)(text::span(graph, group)),
                group: id,
                flops: cost::Cost::new(&kernel, self.batch).flops,
                kernel,
            }
        });
        steps.collect()
    }

    /// Where a reduction keeps the results of its tiles.
    pub fn partials(&self, value: ValueId) -> Offset {
        self.partials[value.index()].expect("a reduction keeps the results of its tiles")
    }

    pub fn scalar(&self, scalar: ScalarId) -> Offset {
        self.scalars[scalar.0 as usize]
    }

    /// The matrix that a value is in memory: its own, a state's, or a view.
    pub fn matrix(&self, value: ValueId) -> Matrix {
        let node = self.graph.node(value);
        if let Some(at) = self.offset(value) {
            let (features, columns) =
                extents(&node.shape, self.layouts[value.index()], self.states.panel);
            return Matrix {
                at,
                features,
                columns,
                stride: features,
            };
        }
        if let Op::Input { kind, .. } = node.op {
            return match kind {
                InputKind::Features => self.inputs,
                InputKind::Targets => self.targets.expect("a graph that reads targets has them"),
            };
        }
        if let Op::State(state) = node.op {
            return self.states.place(state).matrix;
        }
        let Op::Slice { start, length } = &node.op else {
            panic!("internal: {:?} has no place in memory", node.op);
        };
        let whole = self.matrix(node.operands[0]);
        Matrix {
            at: Offset(whole.at.0 + start.known().unwrap_or(0)),
            features: length.known().unwrap_or(1),
            ..whole
        }
    }

    fn kernel(&self, id: GroupId, group: &Group) -> Kernel {
        let region = |index: usize| {
            let builder = group.regions.get(index)?;
            Some(program::region(self, id, index, builder))
        };
        let first = || region(0).expect("every group has a region");
        match &group.kind {
            GroupKind::Loop => Kernel::Loop { region: first() },
            GroupKind::Forward {
                input,
                weight,
                bias,
            } => Kernel::Forward {
                weight: self.matrix(*weight),
                input: self.matrix(*input),
                bias: bias.map(|bias| self.states.place(bias).matrix.at),
                region: first(),
            },
            GroupKind::DataGradient { gradient, weight } => Kernel::DataGradient {
                weight: self.matrix(*weight),
                gradient: self.matrix(*gradient),
                region: first(),
            },
            GroupKind::WeightGradient { gradient, input } => Kernel::WeightGradient {
                gradient: self.matrix(*gradient),
                input: self.matrix(*input),
                weight: region(0),
                bias: region(1),
            },
            GroupKind::Gather { table, index } => Kernel::Gather {
                table: self.matrix(*table),
                index: self.matrix(*index),
                region: first(),
            },
            GroupKind::ScatterAdd { gradient, index } => Kernel::ScatterAdd {
                gradient: self.matrix(*gradient),
                index: self.matrix(*index),
                region: first(),
            },
            GroupKind::CrossEntropy {
                logits,
                index,
                on,
                off,
            } => Kernel::CrossEntropy {
                logits: self.matrix(*logits),
                index: self.matrix(*index),
                on: *on,
                off: *off,
                loss: region(0),
                gradient: region(1),
            },
            GroupKind::LogSoftmax { input } => Kernel::LogSoftmax {
                input: self.matrix(*input),
                region: first(),
            },
            GroupKind::Concat { parts } => {
                let accumulator = group.regions[0]
                    .accumulator
                    .expect("a concatenation has a result");
                Kernel::Concat {
                    parts: parts.iter().map(|part| self.matrix(*part)).collect(),
                    to: self.matrix(accumulator),
                }
            }
        }
    }
}
