//! Which of a plan's matrices are read where their rows lie in the table, instead of being brought in.

use super::link::along_depth;
use crate::plan::step::{Destination, Instruction, Kernel, Matrix, Offset};

/// Where kernels run.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    /// Those of the arena.
    pub elements: usize,
    /// The most rows of a batch.
    pub rows: usize,
    /// Elements of a vector.
    pub lanes: usize,
}

/// Whether it is sound to read a matrix's rows in the table, and pays: nothing writes there, and kernels
/// read it as one stream, or only the programs behind kernels do.
pub(super) fn reads_in_place<'k>(
    matrix: Matrix,
    mut kernels: impl Iterator<Item = &'k Kernel>,
    Extent {
        elements,
        rows,
        lanes,
    }: Extent,
) -> bool {
    let extent = matrix.extent(rows);
    let end = matrix.at.0.checked_add(extent);
    let within = |at: Offset| (0..extent).contains(&at.0.wrapping_sub(matrix.at.0));
    end.is_some_and(|end| end <= elements)
        && matrix.stride == matrix.features
        && kernels.all(|kernel| {
            let mut operands = kernel.operands().into_iter();
            let reads = operands.any(|operand| within(operand.at));
            !writes(kernel, within) && (!reads || streams(kernel, within, lanes))
        })
}

/// Whether a kernel or a program behind it writes to some places.
fn writes(kernel: &Kernel, within: impl Fn(Offset) -> bool) -> bool {
    if let Kernel::Concat { to, .. } = kernel {
        return within(to.at);
    }
    let (_, regions) = kernel.parts();
    regions.into_iter().any(|region| {
        let mut program = region.program.iter();
        region.accumulator.is_some_and(&within)
            || program.any(|instruction| match *instruction {
                Instruction::Unary { to, .. } | Instruction::Binary { to, .. } => match to {
                    Destination::Memory(at) => within(at),
                    Destination::Scratch(_) => false,
                },
                Instruction::Store { at, .. } => within(at),
                Instruction::Reduce { into, partials, .. } => within(into) || within(partials),
                Instruction::Load { .. } => false,
            })
    })
}

/// Whether a kernel reads these places as the input of a layer with one output, column after column.
fn streams(kernel: &Kernel, within: impl Fn(Offset) -> bool, lanes: usize) -> bool {
    match kernel {
        Kernel::Forward {
            weight,
            input,
            region,
            ..
        } => !within(weight.at) && along_depth(*weight, input.features, region, lanes),
        Kernel::WeightGradient { gradient, .. } => !within(gradient.at) && gradient.features == 1,
        Kernel::Loop { .. }
        | Kernel::DataGradient { .. }
        | Kernel::Gather { .. }
        | Kernel::ScatterAdd { .. }
        | Kernel::CrossEntropy { .. }
        | Kernel::LogSoftmax { .. }
        | Kernel::Concat { .. } => false,
    }
}
