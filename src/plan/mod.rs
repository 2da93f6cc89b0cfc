//! The static plan: a flat list of steps with every decision made.
//!
//! [`lower::lower`] makes a [`Plan`] from a graph of one phase. What its `Display` prints is what the
//! engine runs; `verify` holds it to the rules that make running it safe.

pub mod cost;
mod explain;
mod layers;
pub mod layout;
mod lifetimes;
pub mod lower;
mod memory;
mod program;
pub mod roofline;
pub mod step;
mod text;
pub mod verify;

use std::sync::Arc;

use crate::graph::schedule::RateSchedule;
use crate::graph::shape::Shape;
use crate::graph::state::StepScalar;
use crate::graph::watch::Watch;
use crate::graph::{Graph, Phase};
use crate::passes::fuse::{Fusion, Group, GroupId};
use layout::{MatrixLayout, StateLayout};
use step::{Kernel, Matrix, Offset};

pub use explain::explain;
pub use layers::layers;
pub use program::batch_tile;
pub use text::{bytes as bytes_text, count as count_text};

/// The numbers that a plan computes with.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Precision {
    #[default]
    F32,
    F64,
}

impl Precision {
    pub fn name(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::F64 => "f64",
        }
    }

    /// Bytes of one number.
    pub fn bytes(self) -> usize {
        match self {
            Precision::F32 => 4,
            Precision::F64 => 8,
        }
    }
}

/// For whom the plan is written down.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Target {
    /// What is the same on every machine: steps, shapes, fusions, logical bytes.
    #[default]
    Reference,
    /// Also where each value lies, how steps are tiled, and what this machine brings to it.
    Native,
}

/// Which part of a step's text it stands under.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum StepPart {
    Forward,
    BackwardAndUpdate,
}

impl StepPart {
    /// The heading of the part.
    pub fn title(self) -> &'static str {
        match self {
            StepPart::Forward => "forward",
            StepPart::BackwardAndUpdate => "backward + update",
        }
    }
}

/// One step: what it runs, and where in the model's text it comes from.
#[derive(Clone, PartialEq, Debug)]
pub struct Step {
    pub part: StepPart,
    /// The line of the model's text that it came from; of a file that it uses, `blocks.nn:3`.
    pub line: String,
    /// The nodes of the graph that it computes.
    pub group: GroupId,
    pub kernel: Kernel,
    /// Floating-point operations on a full batch.
    pub flops: u64,
}

/// Which steps of a training a plan is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Variant {
    /// Those of the phase.
    Whole,
    /// Batches of a group but its last: their gradients are added up.
    Accumulate,
    /// Updates of which something is recorded.
    Watch,
}

impl Variant {
    /// What follows the phase's name.
    pub fn title(self) -> &'static str {
        match self {
            Variant::Whole => "",
            Variant::Accumulate => " (accumulate)",
            Variant::Watch => " (watch)",
        }
    }
}

/// Where a value that is watched lies after a step.
#[derive(Clone, PartialEq, Debug)]
pub struct Probe {
    pub watch: Watch,
    pub matrix: Matrix,
    pub layout: MatrixLayout,
    pub shape: Shape,
}

/// A plan of one phase.
#[derive(Clone, PartialEq, Debug)]
pub struct Plan {
    pub name: String,
    pub phase: Phase,
    pub variant: Variant,
    pub precision: Precision,
    pub target: Target,
    /// Rows in a full batch; `None` when the number is not known without data.
    pub batch: Option<usize>,
    /// The facts without which the plan cannot run, by name. Empty for a plan that can.
    pub deferred: Vec<String>,
    /// Settings in force, defaults included: name and text.
    pub settings: Vec<(String, String)>,
    /// Parameters, buffers and slots; the same for every phase of a model.
    pub states: StateLayout,
    pub scalars: Vec<(StepScalar, Offset)>,
    /// How the learning rate changes, where a schedule says so.
    pub schedule: Option<RateSchedule>,
    pub inputs: Matrix,
    pub targets: Option<Matrix>,
    /// The network's output, before the loss's link. A step of training leaves none behind.
    pub prediction: Option<Matrix>,
    /// The batch's loss, one number.
    pub loss: Option<Offset>,
    /// What the step leaves in memory to be recorded.
    pub probes: Vec<Probe>,
    pub steps: Vec<Step>,
    /// The graph that the steps carry out, and which of its nodes are one step.
    pub graph: Arc<Graph>,
    pub fusion: Arc<Fusion>,
    /// Whether a run is long enough for several threads.
    pub parallel: bool,
    /// The end of the plan's own part of the arena, in elements.
    pub arena_end: usize,
    /// The elements of the plan's own part: inputs, scalars, intermediates.
    pub own_elements: usize,
}

impl Plan {
    /// The kernels of the steps, in order.
    pub fn kernels(&self) -> Vec<Kernel> {
        self.steps.iter().map(|step| step.kernel.clone()).collect()
    }

    /// The nodes that a step computes.
    pub fn group(&self, step: &Step) -> &Group {
        &self.fusion.groups[step.group.0 as usize]
    }

    /// The stages that a step carries out, joined by `+`.
    pub fn label(&self, step: &Step) -> String {
        text::labels(&self.graph, self.group(step)).join(text::LABELS_JOINED)
    }

    /// Floating-point operations of one run on a full batch.
    pub fn flops(&self) -> u64 {
        self.steps.iter().map(|step| step.flops).sum()
    }
}
