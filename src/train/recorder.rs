//! What `watch` sections ask for: updates run by a plan that keeps what is watched, and read after it.

use crate::engine::Runner;
use crate::kernels::{Arena, Element};
use crate::plan::Probe;
use crate::plan::layout::{axes, positions};
use crate::plan::step::Offset;

/// What was recorded of one value after one update.
#[derive(Clone, Copy, Debug)]
pub struct ProbeRecord<'r> {
    pub epoch: usize,
    /// The update within the run, from 1.
    pub update: u64,
    /// The place among the plan's probes.
    pub probe: usize,
    /// The numbers of the watch's measures, one after another.
    pub numbers: &'r [f64],
}

/// Runs the updates of which something is recorded.
pub(super) struct Recorder<T> {
    /// Runs instead of the plan of other updates, with the same results.
    pub runner: Runner<T>,
    probes: Vec<Probe>,
    /// Room for the longest record.
    numbers: Vec<f64>,
}

impl<T: Element> Recorder<T> {
    pub fn new(runner: Runner<T>, probes: &[Probe]) -> Self {
        let widths = probes.iter().map(|probe| probe.watch.width());
        Recorder {
            runner,
            probes: probes.to_vec(),
            numbers: Vec::with_capacity(widths.max().unwrap_or(0)),
        }
    }

    /// Whether something is recorded of an update.
    pub fn wants(&self, update: u64) -> bool {
        self.probes.iter().any(|probe| probe.watch.wants(update))
    }

    /// Reads what is recorded of the update that ran last, on so many rows.
    pub fn read(
        &mut self,
        arena: &Arena<T>,
        rows: usize,
        (epoch, update): (usize, u64),
        record: &mut dyn FnMut(ProbeRecord),
    ) {
        for (index, probe) in self.probes.iter().enumerate() {
            if !probe.watch.wants(update) {
                continue;
            }
            self.numbers.clear();
            for measure in &probe.watch.measures {
                if probe.shape.batch {
                    measure.append(of_batch(probe, arena, rows), &mut self.numbers)
                } else {
                    measure.append(of_all(probe, arena), &mut self.numbers)
                }
            }
            record(ProbeRecord {
                epoch,
                update,
                probe: index,
                numbers: &self.numbers,
            });
        }
    }
}

/// The elements of a value that each row has, row by row.
fn of_batch<T: Element>(
    probe: &Probe,
    arena: &Arena<T>,
    rows: usize,
) -> impl Iterator<Item = f64> + Clone {
    let matrix = probe.matrix;
    (0..rows).flat_map(move |row| {
        let at = Offset(matrix.at.0 + row * matrix.stride);
        let features = arena.slice(at, matrix.features);
        features.iter().map(|value| value.to_f64())
    })
}

/// The elements of any other value, in PyTorch's order.
fn of_all<T: Element>(probe: &Probe, arena: &Arena<T>) -> impl Iterator<Item = f64> + Clone {
    let matrix = probe.matrix;
    let span = (matrix.columns.count(0).max(1) - 1) * matrix.stride + matrix.features;
    let elements = arena.slice(matrix.at, span);
    let places = positions(axes(&probe.shape), matrix.features, probe.layout);
    places.map(move |place| elements[place].to_f64())
}
