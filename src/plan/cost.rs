//! What a step costs: floating-point operations on a full batch. A scalar function counts as one.
//! Whether a plan is worth several threads follows from it.

use super::Step;
use super::step::{Instruction, Kernel, Section};

pub fn flops(kernel: &Kernel, batch: usize) -> u64 {
    let instructions = |section: &Section| {
        let work = section
            .program
            .iter()
            .filter(|instruction| match instruction {
                Instruction::Unary { .. }
                | Instruction::Binary { .. }
                | Instruction::Reduce { .. } => true,
                Instruction::Load { .. } | Instruction::Store { .. } => false,
            });
        work.count() as u64
    };
    let program = |section: &Section| {
        instructions(section) * (section.features * section.columns.count(batch)) as u64
    };
    let both = |first: &Option<Section>, second: &Option<Section>| {
        first.iter().chain(second).map(program).sum::<u64>()
    };
    let product = |rows: usize, columns: usize, inner: usize| 2 * (rows * columns * inner) as u64;
    match kernel {
        Kernel::Loop { section } => program(section),
        Kernel::Forward { input, section, .. } => {
            let columns = input.columns.count(batch);
            product(section.features, columns, input.features) + program(section)
        }
        Kernel::DataGradient {
            gradient, section, ..
        } => {
            let columns = gradient.columns.count(batch);
            product(gradient.features, columns, section.features) + program(section)
        }
        Kernel::WeightGradient {
            gradient,
            input,
            weight,
            bias,
        } => {
            let rows = gradient.columns.count(batch);
            // Not what fills up the last panel of the weight.
            let weights = (gradient.features * input.features) as u64;
            let outer = weight.as_ref().map_or(0, |section| {
                let update = instructions(section) * weights;
                product(gradient.features, input.features, rows) + update
            });
            let sums = bias.as_ref().map_or(0, |section| {
                (gradient.features * rows) as u64 + program(section)
            });
            outer + sums
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
        let tiles = |section: &&Section| section.cut(batch).tiles();
        sections.iter().map(tiles).max().unwrap_or(0) >= 2
    });
    divisible.map(|step| step.flops).sum::<u64>() >= PARALLEL_FLOPS
}
