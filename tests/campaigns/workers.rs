//! The same bits on any number of workers, also where there are more of them than work to share.

use nnc::compile::PhasePlan;
use nnc::data::MatrixElement as Prepares;
use nnc::data::table::Part;
use nnc::kernels::Element;
use nnc::plan::Precision;

use crate::support::Loaded;
use crate::support::stepper::Stepper;

const WORKERS: [usize; 2] = [3, 5];

/// Runs a network's plans on one worker and on several, however small they are.
pub fn same_bits(mut loaded: Loaded, batch: usize) -> Result<(), String> {
    let compiled = &mut loaded.compiled;
    let phases = compiled.train.iter_mut().chain(&mut compiled.accumulate);
    for phase in phases
        .chain(&mut compiled.evaluate)
        .chain([&mut compiled.predict])
    {
        phase.plan.parallel = true;
    }
    match loaded.compiled.predict.plan.precision {
        Precision::F32 => compare::<f32>(&loaded, batch),
        Precision::F64 => compare::<f64>(&loaded, batch),
    }
}

fn compare<T: Element + Prepares>(loaded: &Loaded, batch: usize) -> Result<(), String> {
    let compiled = &loaded.compiled;
    let phases = compiled.train.iter().chain(&compiled.accumulate);
    for phase in phases.chain(&compiled.evaluate).chain([&compiled.predict]) {
        let alone = bits::<T>(loaded, phase, batch, 1);
        for workers in WORKERS {
            if bits::<T>(loaded, phase, batch, workers) != alone {
                let phase = phase.plan.phase.name();
                return Err(format!("{phase}: other bits on {workers} workers"));
            }
        }
    }
    Ok(())
}

/// The bits of all that a phase leaves of each batch of the table, the last a tail, and at its end.
fn bits<T: Element + Prepares>(
    loaded: &Loaded,
    phase: &PhasePlan,
    batch: usize,
    workers: usize,
) -> Vec<u64> {
    let mut stepper = Stepper::<T>::on(loaded, phase, workers);
    let rows: Vec<u32> = (0..).take(loaded.part::<T>(Part::Train).rows).collect();
    let mut numbers = Vec::new();
    for (index, rows) in rows.chunks(batch).enumerate() {
        stepper.run(rows, index as u64 + 1);
        if phase.plan.loss.is_some() {
            numbers.push(stepper.loss());
        }
        if phase.plan.prediction.is_some() {
            numbers.extend(stepper.prediction(rows.len()));
        }
    }
    numbers.extend(stepper.states().into_iter().flat_map(|state| state.data));
    numbers.into_iter().map(f64::to_bits).collect()
}
