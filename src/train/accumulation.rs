//! Several batches whose gradients make one update.

use super::mean::count_of;
use super::order::rows_of;
use super::trainer::Trainer;
use crate::engine::Runner;
use crate::kernels::Element;

/// Runs the batches of a group but its last, which makes the update.
pub(super) struct GradientAccumulator<T> {
    /// Adds a batch's gradients to those of its group.
    pub runner: Runner<T>,
    /// Batches in a group.
    pub batches: usize,
    /// How much the rows of the group count so far.
    counted: f64,
}

impl<T: Element> GradientAccumulator<T> {
    pub fn new(runner: Runner<T>, batches: usize) -> Self {
        GradientAccumulator {
            runner,
            batches,
            counted: 0.0,
        }
    }

    /// Whether a batch is the last of its group, or of the epoch.
    pub fn ends(&self, index: usize, batches: usize) -> bool {
        index % self.batches + 1 == self.batches || index + 1 == batches
    }
}

impl<T: Element> Trainer<'_, T> {
    /// One batch of a group: its gradient enters the group's mean by the share of its rows. The last of
    /// the group, or of the epoch, makes the update. Gives the loss before it.
    pub(super) fn accumulated_step(&mut self, index: usize) -> f64 {
        let draw = self.batches_done() + index as u64 + 1;
        let batches = self.batches();
        let rows = rows_of(&self.shuffle, &self.order, self.batch_rows(index));
        let count = count_of(&self.data, self.weighted, rows);
        let accumulation = self
            .accumulation
            .as_mut()
            .expect("a group has more than one batch");
        let position = index % accumulation.batches;
        let last = accumulation.ends(index, batches);
        if position == 0 {
            accumulation.counted = 0.0;
        }
        accumulation.counted += count;
        // The first of a group replaces what the last group left behind.
        let share = match position {
            0 => 1.0,
            _ if accumulation.counted > 0.0 => count / accumulation.counted,
            _ => 0.0,
        };
        let train = self
            .train
            .as_mut()
            .expect("a model that trains has a plan for it");
        let recorder = self.recorder.as_mut().filter(|_| self.records);
        let recorder = recorder.filter(|recorder| recorder.wants(self.updates_done + 1));
        let runner = match (last, recorder) {
            (true, Some(recorder)) => &mut recorder.runner,
            (true, None) => train,
            (false, _) => &mut accumulation.runner,
        };
        runner.set_share(self.updates_done + 1, share);
        self.updates_done += u64::from(last);
        runner.run_on(&mut self.arena, &mut self.threads, &self.data, rows, draw);
        runner.loss(&self.arena)
    }
}
