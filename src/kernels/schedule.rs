//! How the actions of a run divide its steps among the workers.

use super::action::{Action, Actions};
use crate::plan::roofline::{PlanSchedule, StepSchedule};

/// The schedule of linked actions, those of each worker, for batches of `rows`.
pub(super) fn schedule<T>(workers: &[Actions<T>], rows: usize) -> PlanSchedule {
    let steps = workers.first().map_or(0, |first| first.step_ends.len());
    PlanSchedule {
        workers: workers.len(),
        steps: (0..steps)
            .map(|step| divided(workers, step, rows))
            .collect(),
    }
}

fn divided<T>(workers: &[Actions<T>], step: usize, rows: usize) -> StepSchedule {
    let works = workers.iter().map(|worker| worker.work(step, rows));
    let works: Vec<Work> = works.collect();
    let all: u64 = works.iter().map(Work::amount).sum();
    let busiest = works.iter().max_by_key(|work| work.amount());
    let busiest = busiest.copied().unwrap_or_default();
    StepSchedule {
        busy: works.iter().filter(|work| work.amount() > 0).count(),
        share: match all {
            0 => 1.0,
            all => busiest.amount() as f64 / all as f64,
        },
        barriers: busiest.barriers,
        loops: busiest.loops,
        passes: busiest.elements,
    }
}

/// What there is to do.
#[derive(Clone, Copy, Default)]
struct Work {
    barriers: u64,
    loops: u64,
    /// Elements that loops go over.
    elements: u64,
    /// Those of products of matrices.
    multiply_adds: u64,
}

impl Work {
    /// How much it is, to compare workers by.
    fn amount(&self) -> u64 {
        self.multiply_adds + self.elements
    }

    fn loops(loops: usize, elements: usize) -> Work {
        Work {
            loops: loops as u64,
            elements: elements as u64,
            ..Work::default()
        }
    }

    fn product(rows: usize, columns: usize, depth: usize) -> Work {
        Work {
            multiply_adds: (rows * columns * depth) as u64,
            ..Work::loops(1, rows * columns)
        }
    }
}

impl<T> Actions<T> {
    fn work(&self, step: usize, rows: usize) -> Work {
        let mut all = Work::default();
        for repeat in self.of_steps(step..step + 1) {
            for action in &self.actions[repeat.first..][..repeat.count] {
                let work = action.work(rows);
                let times = repeat.times as u64;
                all.barriers += times * work.barriers;
                all.loops += times * work.loops;
                all.elements += times * work.elements;
                all.multiply_adds += times * work.multiply_adds;
            }
        }
        all
    }
}

impl<T> Action<T> {
    fn work(&self, rows: usize) -> Work {
        match self {
            Action::Barrier => Work {
                barriers: 1,
                ..Work::default()
            },
            Action::Product(product) => Work::product(product.rows, product.columns, product.depth),
            Action::DotRow { depth, columns, .. } => Work::product(1, *columns, *depth),
            Action::DotPanels {
                rows,
                columns,
                depth,
                ..
            } => Work::product(*rows, *columns, *depth),
            Action::Pack {
                rows: columns,
                depth,
                ..
            }
            | Action::PackRight { columns, depth, .. } => Work::loops(1, columns * depth),
            Action::Unary { length, .. }
            | Action::Binary { length, .. }
            | Action::Gradient { length, .. }
            | Action::Fill { length, .. }
            | Action::Dropout { length, .. } => Work::loops(1, *length),
            Action::Residual { length, .. } => Work::loops(1, 2 * length),
            Action::Update(update) => Work::loops(1, update.length * update.states.len()),
            Action::Copy {
                features, columns, ..
            }
            | Action::Spread {
                features, columns, ..
            }
            | Action::OneHot {
                features, columns, ..
            }
            | Action::Reduce {
                features, columns, ..
            } => Work::loops(1, features * columns),
            Action::Combine {
                elements, tiles, ..
            } => Work::loops(1, elements * tiles),
            Action::Gather { table, tile, .. } => {
                Work::loops(tile.columns, table.features * tile.columns)
            }
            Action::ScatterAdd { gradient, .. } => {
                let columns = gradient.columns.count(rows);
                Work::loops(columns, gradient.features * columns)
            }
            // Largest, shift, sum and result for each column, exp for all at once.
            Action::CrossEntropy { logits, tile, .. } => {
                Work::loops(4 * tile.columns + 1, 5 * logits.features * tile.columns)
            }
            Action::LogSoftmax { input, tile, .. } => {
                Work::loops(4 * tile.columns + 1, 5 * input.features * tile.columns)
            }
            Action::Concat { parts, to, tile } => {
                Work::loops(parts.len(), to.features * tile.columns)
            }
        }
    }
}
