//! One phase of a model, run by hand: states set and read in PyTorch's order, one step at a time, and
//! the same step by the reference evaluator.

use nnc::compile::PhasePlan;
use nnc::data::MatrixElement as Prepares;
use nnc::data::table::Part;
use nnc::engine::{Prepared, Rows, Runner, Threads};
use nnc::graph::GraphPart;
use nnc::graph::ops::Op;
use nnc::graph::reference::{self, StepContext, Tensor};
use nnc::kernels::{Arena, Element};
use nnc::plan::layout::StateLayout;
use nnc::train::initialize;

use super::Loaded;

pub struct Stepper<T> {
    arena: Arena<T>,
    threads: Threads,
    runner: Runner<T>,
    states: StateLayout,
    data: Prepared<T>,
}

impl<T: Element + Prepares> Stepper<T> {
    /// A phase of a model with the model's training rows and initial states.
    pub fn new(loaded: &Loaded, phase: &PhasePlan) -> Self {
        Self::on(loaded, phase, 1)
    }

    /// The same on that many workers, if the plan is one for several.
    pub fn on(loaded: &Loaded, phase: &PhasePlan, workers: usize) -> Self {
        let compiled = &loaded.compiled;
        let mut arena = Arena::zeroed(compiled.arena_elements).unwrap();
        initialize::initialize(&mut arena, &compiled.states, compiled.seed);
        Stepper {
            arena,
            threads: Threads::new(workers).unwrap(),
            runner: Runner::new(&phase.plan, compiled.arena_elements, workers),
            states: compiled.states.clone(),
            data: loaded.part(Part::Train),
        }
    }

    /// Runs the plan on the rows in the order given; what it computed is in the arena.
    pub fn run(&mut self, rows: &[u32], update: u64) {
        self.runner
            .load(&mut self.arena, &self.data, Rows::Chosen(rows));
        self.runner
            .run(&mut self.arena, &mut self.threads, rows.len(), update);
    }

    /// The same for a batch of a group whose gradients make one update.
    pub fn run_in_group(&mut self, rows: &[u32], draw: u64, update: u64, share: f64) {
        self.runner.set_share(update, share);
        self.run(rows, draw);
    }

    /// The loss of the batch that ran last.
    pub fn loss(&self) -> f64 {
        self.runner.loss(&self.arena)
    }

    /// The network's output for the batch that ran last.
    pub fn prediction(&self, rows: usize) -> Vec<f64> {
        let mut outputs = Vec::new();
        self.runner
            .append_prediction(&self.arena, rows, &mut outputs);
        outputs
    }

    pub fn states(&self) -> Vec<Tensor> {
        let places = self.states.places.iter();
        places
            .map(|place| Tensor {
                shape: place
                    .state
                    .shape
                    .dims
                    .iter()
                    .map(|dim| dim.known().unwrap())
                    .collect(),
                data: initialize::read(&self.arena, place)
                    .into_iter()
                    .map(Element::to_f64)
                    .collect(),
            })
            .collect()
    }

    pub fn set_states(&mut self, states: &[Tensor]) {
        for (place, state) in self.states.places.iter().zip(states) {
            initialize::write(&mut self.arena, place, &state.data);
        }
    }
}

/// The rows of the training part as the reference evaluator takes them.
pub fn batch<T: Element + Prepares>(loaded: &Loaded, rows: &[u32]) -> (Tensor, Tensor) {
    let data = loaded.part::<T>(Part::Train);
    let tensor = |from: &[T]| {
        let width = from.len() / data.rows;
        let chosen = rows
            .iter()
            .flat_map(|row| &from[*row as usize * width..][..width]);
        Tensor {
            shape: vec![rows.len(), width],
            data: chosen.map(|value| value.to_f64()).collect(),
        }
    };
    (tensor(&data.inputs), tensor(&data.targets))
}

/// Every value of a phase's graph by the reference evaluator, from rows prepared as `T`. `round` is
/// applied to each element.
pub fn reference<T: Element + Prepares>(
    loaded: &Loaded,
    phase: &PhasePlan,
    states: &[Tensor],
    rows: &[u32],
    update: u64,
    round: impl Fn(f64) -> f64,
) -> Vec<Tensor> {
    reference_in_group::<T>(loaded, phase, states, rows, (update, update, 1.0), round)
}

/// The same for a batch of a group: the number of its draws, of its update, and its share of the rows.
pub fn reference_in_group<T: Element + Prepares>(
    loaded: &Loaded,
    phase: &PhasePlan,
    states: &[Tensor],
    rows: &[u32],
    (draw, update, share): (u64, u64, f64),
    round: impl Fn(f64) -> f64,
) -> Vec<Tensor> {
    let (inputs, targets) = batch::<T>(loaded, rows);
    let moment = StepContext {
        rows: rows.len(),
        update: draw,
        seed: loaded.compiled.seed,
        inputs: &inputs,
        targets: &targets,
        states,
        scalars: &reference::scalars(&phase.graph, update, rows.len(), share),
    };
    reference::evaluate(&phase.graph, &moment, round)
}

/// How far each argument of the forward pass is from each kink of its scalar function.
pub fn kink_distances(phase: &PhasePlan, values: &[Tensor]) -> Vec<f64> {
    let mut distances = Vec::new();
    for node in &phase.graph.nodes {
        if let (Op::Map(function), GraphPart::Forward) = (&node.op, node.part) {
            let arguments = &values[node.operands[0].index()].data;
            for kink in function.kinks() {
                distances.extend(arguments.iter().map(|value| (value - kink).abs()));
            }
        }
    }
    distances
}
