//! How fast a machine is, and what a plan's steps take at that speed.

use super::Plan;
use super::cost::{Cost, ProductShape};
use crate::graph::Phase;
use crate::graph::arithmetic::Arithmetic;
use crate::graph::state::StateKind;

/// How fast memory is read and written while a loop goes over a working set again and again.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Bandwidth {
    /// Bytes.
    pub working_set: usize,
    /// Bytes a second on one core.
    pub alone: f64,
    /// Bytes a second on all workers together.
    pub together: f64,
}

/// The speeds of a machine in one precision, as its kernels reach them. Times are in seconds.
#[derive(Clone, PartialEq, Debug)]
pub struct Roofline {
    pub workers: usize,
    /// Numbers in a vector.
    pub lanes: usize,
    /// Floating-point operations a second of one core that does nothing but multiply and add.
    pub peak: f64,
    /// Floating-point operations a second of one core in a product of matrices.
    pub product: f64,
    /// For one element, to be read and written by a loop in the nearest cache.
    pub pass: f64,
    /// For one operation of each kind, by [`Arithmetic::index`].
    pub arithmetic: [f64; Arithmetic::ALL.len()],
    /// For a loop to begin.
    pub loop_start: f64,
    /// For all workers to pass a barrier.
    pub barrier: f64,
    /// For the workers to begin and end a run together.
    pub fork: f64,
    /// By growing working sets; at least one.
    pub bandwidths: Vec<Bandwidth>,
}

/// What a step is predicted to take, in seconds. Arithmetic and memory go on at the same time.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub struct StepTime {
    pub arithmetic: f64,
    pub memory: f64,
    /// Loops that begin, and barriers.
    pub overhead: f64,
}

/// What most of a step's predicted time is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Limit {
    Arithmetic,
    Memory,
    Overhead,
}

impl Limit {
    pub fn name(self) -> &'static str {
        match self {
            Limit::Arithmetic => "compute",
            Limit::Memory => "memory",
            Limit::Overhead => "overhead",
        }
    }
}

impl StepTime {
    pub fn seconds(&self) -> f64 {
        self.arithmetic.max(self.memory) + self.overhead
    }

    pub fn limit(&self) -> Limit {
        if self.overhead >= self.arithmetic.max(self.memory) {
            Limit::Overhead
        } else if self.arithmetic >= self.memory {
            Limit::Arithmetic
        } else {
            Limit::Memory
        }
    }
}

/// How a run of a plan divides its steps.
#[derive(Clone, PartialEq, Debug)]
pub struct PlanSchedule {
    pub workers: usize,
    pub steps: Vec<StepSchedule>,
}

/// How a run divides one step.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct StepSchedule {
    /// Workers that have something to do in it.
    pub busy: usize,
    /// The part of the step's work that the worker with the most of it does.
    pub share: f64,
    /// How many barriers it has.
    pub barriers: u64,
    /// Loops of the worker with the most work, and the elements that they go over, each as often as
    /// they do.
    pub loops: u64,
    pub passes: u64,
}

/// What a run of a plan is predicted to take.
#[derive(Clone, PartialEq, Debug)]
pub struct Prediction {
    pub costs: Vec<Cost>,
    pub steps: Vec<StepTime>,
    /// Numbers read and written to bring the batch in.
    pub brought: u64,
    /// Bringing the batch in, and waking the workers.
    pub around: f64,
}

impl Prediction {
    /// Seconds of a whole run.
    pub fn seconds(&self) -> f64 {
        self.steps.iter().map(StepTime::seconds).sum::<f64>() + self.around
    }
}

/// Vectors that must be in the making at the same time so that a core multiplies and adds without
/// waiting: two units, each with results after four cycles.
const VECTORS_IN_FLIGHT: usize = 8;

impl Roofline {
    /// What a run of the plan takes on a batch of `rows` that is divided as the schedule says. The
    /// batch's rows are taken from data of `data_bytes`.
    pub fn predict(
        &self,
        plan: &Plan,
        rows: usize,
        schedule: &PlanSchedule,
        data_bytes: usize,
    ) -> Prediction {
        let element = plan.precision.bytes();
        let working_set = working_set(plan);
        let bandwidth = self.bandwidth(working_set, schedule.workers);
        let costs: Vec<Cost> = plan
            .steps
            .iter()
            .map(|step| Cost::new(&step.kernel, rows))
            .collect();
        let steps = costs.iter().zip(&schedule.steps);
        let steps = steps.map(|(cost, schedule)| self.step(cost, schedule, bandwidth, element));
        let targets = plan.targets.map_or(0, |targets| targets.features);
        let brought = 2 * rows * (plan.inputs.features + targets);
        let bringing = (brought * element) as f64 / self.bandwidth(data_bytes, 1);
        let fork = match schedule.workers {
            0 | 1 => 0.0,
            _ => self.fork,
        };
        Prediction {
            steps: steps.collect(),
            costs,
            brought: brought as u64,
            around: bringing + fork,
        }
    }

    fn step(
        &self,
        cost: &Cost,
        schedule: &StepSchedule,
        bandwidth: f64,
        element: usize,
    ) -> StepTime {
        let share = schedule.share;
        let product = cost.product.map_or(0.0, |product| self.product(product));
        let operations = Arithmetic::ALL.into_iter();
        let operations = operations
            .map(|kind| cost.operations.of(kind) as f64 * self.arithmetic[kind.index()])
            .sum::<f64>();
        let passes = schedule.passes as f64 * self.pass;
        let bytes = (cost.read + cost.written) * element as u64;
        StepTime {
            arithmetic: share * (product + operations) + passes,
            memory: bytes as f64 / bandwidth,
            overhead: schedule.loops as f64 * self.loop_start
                + schedule.barriers as f64 * self.barrier,
        }
    }

    /// Rows are padded to whole vectors, except a single one, whose vectors go along the columns or the
    /// depth. A small product does not fill the units.
    fn product(&self, product: ProductShape) -> f64 {
        let ProductShape {
            rows,
            columns,
            depth,
        } = product;
        let terms = match rows {
            1 => columns * depth,
            rows => {
                let results = rows.next_multiple_of(self.lanes) * columns;
                results.max(VECTORS_IN_FLIGHT * self.lanes) * depth
            }
        };
        2.0 * terms as f64 / self.product
    }

    /// The speed of memory for a working set: that of the smallest measured one that is as large.
    pub fn bandwidth(&self, working_set: usize, workers: usize) -> f64 {
        let holds = |measured: &&Bandwidth| measured.working_set >= working_set;
        let largest = self.bandwidths.last();
        let found = self.bandwidths.iter().find(holds).or(largest);
        let found = found.expect("a bandwidth has been measured");
        match workers {
            0 | 1 => found.alone,
            _ => found.together,
        }
    }
}

/// The bytes that a run of the plan goes over.
pub fn working_set(plan: &Plan) -> usize {
    let touched = plan
        .states
        .places
        .iter()
        .filter(|place| match place.state.kind {
            StateKind::Parameter | StateKind::Buffer => true,
            StateKind::Slot(_) | StateKind::Average(_) => plan.phase == Phase::Train,
        });
    let states: usize = touched.map(|place| place.elements()).sum();
    (states + plan.own_elements) * plan.precision.bytes()
}
