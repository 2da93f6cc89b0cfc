//! Prediction by a trained model, without the data that it was trained on.

use super::initialize;
use super::weights::StateValues;
use crate::compile::Compiled;
use crate::engine::{Prepared, Rows, Runner, Threads};
use crate::kernels::{Arena, Element, OutOfMemory};

/// A model with given parameters and buffers, ready to predict.
pub struct Predictor<T> {
    arena: Arena<T>,
    threads: Threads,
    runner: Runner<T>,
    batch: usize,
}

impl<T: Element> Predictor<T> {
    /// Sets a model up with the values that [`from_bytes`](super::weights::from_bytes) gave; what they
    /// leave out keeps its first value.
    ///
    /// # Errors
    /// There is not enough memory for the arena.
    ///
    /// # Panics
    /// The plan cannot run because a fact of the data is missing: a bug of the caller.
    pub fn new(
        compiled: &Compiled,
        values: &StateValues,
        threads: usize,
    ) -> Result<Self, OutOfMemory> {
        let elements = compiled.arena_elements;
        let mut arena = Arena::zeroed(elements)?;
        initialize::initialize(&mut arena, &compiled.states, compiled.seed);
        for (index, values) in values {
            initialize::write(&mut arena, &compiled.states.places[*index], values);
        }
        let plan = &compiled.predict.plan;
        Ok(Predictor {
            runner: Runner::new(plan, elements, threads),
            threads: Threads::for_plans([plan], threads).map_err(|_| OutOfMemory {
                elements: threads,
                bytes_per_element: 0,
            })?,
            batch: plan.batch.expect("a plan that runs knows its batch"),
            arena,
        })
    }

    /// The network's outputs over rows, row by row.
    pub fn predict(&mut self, data: &Prepared<T>) -> Vec<f64> {
        predict_rows(
            &mut self.runner,
            &mut self.arena,
            &mut self.threads,
            data,
            self.batch,
        )
    }
}

/// The outputs of a prediction plan over rows, batch by batch.
pub(super) fn predict_rows<T: Element>(
    runner: &mut Runner<T>,
    arena: &mut Arena<T>,
    threads: &mut Threads,
    data: &Prepared<T>,
    batch: usize,
) -> Vec<f64> {
    let mut outputs = Vec::with_capacity(data.rows * runner.outputs());
    for first in (0..data.rows).step_by(batch) {
        let count = batch.min(data.rows - first);
        runner.run_on(arena, threads, data, Rows::Range { first, count }, 0);
        runner.append_prediction(arena, count, &mut outputs);
    }
    outputs
}
