//! What a step costs: floating-point operations on a full batch. A scalar function counts as one.
//! Whether a plan is worth several threads follows from it.

use super::Step;
use super::step::{Instruction, Kernel, Section};

pub fn flops(kernel: &Kernel, batch: usize) -> u64 {
    let program = |section: &Section| {
        let elements = (section.features * section.columns.count(batch)) as u64;
        let work = section
            .program
            .iter()
            .filter(|instruction| match instruction {
                Instruction::Unary { .. }
                | Instruction::Binary { .. }
                | Instruction::Reduce { .. } => true,
                Instruction::Load { .. } | Instruction::Store { .. } => false,
            });
        work.count() as u64 * elements
    };
    let both = |first: &Option<Section>, second: &Option<Section>| {
        first.iter().chain(second).map(program).sum::<u64>()
    };
    let product = |rows: usize, columns: usize, inner: usize| 2 * (rows * columns * inner) as u64;
    match kernel {
        Kernel::Loop { section } => program(section),
        Kernel::Forward {
            weight,
            input,
            section,
            ..
        } => {
            let columns = input.columns.count(batch);
            product(weight.features, columns, input.features) + program(section)
        }
        Kernel::DataGradient {
            weight,
            gradient,
            section,
        } => {
            let columns = gradient.columns.count(batch);
            product(weight.features, columns, section.features) + program(section)
        }
        Kernel::WeightGradient {
            gradient,
            input,
            weight,
            bias,
        } => {
            let rows = gradient.columns.count(batch);
            let outer = weight
                .as_ref()
                .map_or(0, |_| product(gradient.features, input.features, rows));
            let sums = bias
                .as_ref()
                .map_or(0, |_| (gradient.features * rows) as u64);
            outer + sums + both(weight, bias)
        }
        Kernel::Gather { section, .. } => program(section),
        Kernel::ScatterAdd {
            gradient, section, ..
        } => (gradient.features * gradient.columns.count(batch)) as u64 + program(section),
        Kernel::CrossEntropy {
            logits,
            loss,
            gradient,
            ..
        } => {
            // Shift, exp, sum, and the difference, by element.
            4 * (logits.features * logits.columns.count(batch)) as u64 + both(loss, gradient)
        }
        Kernel::LogSoftmax { input, section } => {
            4 * (input.features * input.columns.count(batch)) as u64 + program(section)
        }
        Kernel::Concat { .. } => 0,
    }
}

/// Floating-point operations that several threads can share before their meetings cost more than
/// they bring: about 10 µs on one core.
const PARALLEL_FLOPS: u64 = 1_000_000;

/// Whether a run of the steps is worth several threads: enough of its work stands in steps of at
/// least two tiles.
pub fn parallel(steps: &[Step], batch: usize) -> bool {
    let divisible = steps.iter().filter(|step| {
        let (_, sections) = step.kernel.parts();
        let tiles =
            |section: &&Section| section.columns.count(batch).div_ceil(section.tile_columns);
        sections.iter().map(tiles).max().unwrap_or(0) >= 2
    });
    divisible.map(|step| step.flops).sum::<u64>() >= PARALLEL_FLOPS
}
