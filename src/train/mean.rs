//! The mean of a loss over batches, in which rows may have weights.

use crate::engine::{Prepared, Rows, Runner, Threads};
use crate::kernels::{Arena, Element};

/// What sees a runner and the arena after a batch of some rows.
pub(super) type AfterBatch<'f, T> = &'f mut dyn FnMut(&Runner<T>, &Arena<T>, usize);

/// How much rows count together in a mean over batches: their number, or their weights.
#[inline]
pub(super) fn count_of<T: Element>(data: &Prepared<T>, weighted: bool, rows: Rows) -> f64 {
    if weighted {
        weight_of(data, rows)
    } else {
        rows.count() as f64
    }
}

#[cold]
fn weight_of<T: Element>(data: &Prepared<T>, rows: Rows) -> f64 {
    let width = data.targets.len() / data.rows.max(1);
    let weight = |row: usize| data.targets[(row + 1) * width - 1].to_f64();
    match rows {
        Rows::Chosen(rows) => rows.iter().map(|row| weight(*row as usize)).sum(),
        Rows::Range { first, count } => (first..first + count).map(weight).sum(),
    }
}

/// The mean loss over rows, which may have weights, batch by batch; `after` sees the arena after each.
pub(super) fn mean_loss<T: Element>(
    runner: &mut Runner<T>,
    arena: &mut Arena<T>,
    threads: &mut Threads,
    (data, weighted): (&Prepared<T>, bool),
    batch: usize,
    after: AfterBatch<T>,
) -> f64 {
    let (mut sum, mut counted) = (0.0, 0.0);
    let mut first = 0;
    while first < data.rows {
        let count = batch.min(data.rows - first);
        let rows = Rows::Range { first, count };
        runner.run_on(arena, threads, data, rows, 0);
        let weight = count_of(data, weighted, rows);
        sum += runner.loss(arena) * weight;
        counted += weight;
        after(runner, arena, count);
        first += count;
    }
    sum / counted
}
