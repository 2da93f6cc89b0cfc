//! The plans that change no state: losses and outputs over rows.

use super::mean::mean_loss;
use super::predictor::predict_rows;
use super::trainer::Trainer;
use crate::engine::{Prepared, Rows};
use crate::kernels::Element;

impl<T: Element> Trainer<'_, T> {
    /// Loss and network outputs over rows, by the evaluation plan. Changes no state.
    pub fn evaluate(&mut self, data: &Prepared<T>) -> (f64, Vec<f64>) {
        self.validation_loaded = false;
        let evaluate = self
            .evaluate
            .as_mut()
            .expect("a model with a loss can be evaluated");
        let batch = self
            .compiled
            .evaluate
            .as_ref()
            .and_then(|phase| phase.plan.batch);
        let mut outputs = Vec::with_capacity(data.rows * evaluate.outputs());
        let loss = mean_loss(
            evaluate,
            &mut self.arena,
            &mut self.threads,
            (data, self.weighted),
            batch.expect("a plan that runs knows its batch"),
            &mut |runner, arena, rows| runner.append_prediction(arena, rows, &mut outputs),
        );
        (loss, outputs)
    }

    /// The training rows, for evaluation.
    pub fn training_rows(&self) -> Prepared<T> {
        self.data.clone()
    }

    pub fn validation_rows(&self) -> Prepared<T> {
        self.validation.clone()
    }

    /// The network's outputs over rows, `outputs` a row.
    pub fn predict(&mut self, data: &Prepared<T>) -> Vec<f64> {
        let batch = self
            .compiled
            .predict
            .plan
            .batch
            .expect("a plan that runs knows its batch");
        predict_rows(
            &mut self.predict,
            &mut self.arena,
            &mut self.threads,
            data,
            batch,
        )
    }

    /// The loss over the validation rows.
    pub(super) fn validation_loss(&mut self) -> f64 {
        let evaluate = self
            .evaluate
            .as_mut()
            .expect("a model with a loss can be evaluated");
        let batch = self
            .compiled
            .evaluate
            .as_ref()
            .and_then(|phase| phase.plan.batch);
        let batch = batch.expect("a plan that runs knows its batch");
        let (arena, threads) = (&mut self.arena, &mut self.threads);
        let count = self.validation.rows;
        if count <= batch {
            if !self.validation_loaded {
                let rows = Rows::Range { first: 0, count };
                evaluate.load(arena, &self.validation, rows);
                self.validation_loaded = true;
            }
            evaluate.run(arena, threads, count, 0);
            return evaluate.loss(arena);
        }
        let data = (&self.validation, self.weighted);
        mean_loss(evaluate, arena, threads, data, batch, &mut |_, _, _| {})
    }
}
