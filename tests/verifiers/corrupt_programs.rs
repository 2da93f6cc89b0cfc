//! What can be made bad in the programs of a plan's regions.

use nnc::graph::ops::{BinaryOperator, Reduction};
use nnc::graph::scalar::ScalarFunction;
use nnc::plan::Plan;
use nnc::plan::step::{
    Destination, Instruction, Kernel, Load, Offset, ReductionAxis, Region, Scratch, Source,
};

use super::corrupt_plans::{Corruption, kernel};
use super::corruptions;

pub fn region(plan: &mut Plan, wanted: impl Fn(&Region) -> bool) -> &mut Region {
    let regions = plan.steps.iter_mut();
    let mut regions = regions.flat_map(|step| step.kernel.regions_mut()).flatten();
    regions
        .find(|region| wanted(region))
        .expect("there is such a region")
}

pub fn instruction(plan: &mut Plan, wanted: impl Fn(&Instruction) -> bool) -> &mut Instruction {
    let region = region(plan, |region| region.program.iter().any(&wanted));
    let mut program = region.program.iter_mut();
    program
        .find(|instruction| wanted(instruction))
        .expect("the region has it")
}

fn another_operator(plan: &mut Plan) {
    let add = |step: &Instruction| matches!(step, Instruction::Binary { operator, .. } if *operator == BinaryOperator::Add);
    if let Instruction::Binary { operator, .. } = instruction(plan, add) {
        *operator = BinaryOperator::Subtract;
    }
}

fn operands_in_another_order(plan: &mut Plan) {
    let subtracts = |step: &Instruction| matches!(step, Instruction::Binary { operator, .. } if *operator == BinaryOperator::Subtract);
    if let Instruction::Binary { left, right, .. } = instruction(plan, subtracts) {
        std::mem::swap(left, right);
    }
}

fn another_function(plan: &mut Plan) {
    let tanh = |step: &Instruction| matches!(step, Instruction::Unary { function, .. } if *function == ScalarFunction::Tanh);
    if let Instruction::Unary { function, .. } = instruction(plan, tanh) {
        *function = ScalarFunction::Sigmoid;
    }
}

fn the_derivative_of_a_function(plan: &mut Plan) {
    let tanh = |step: &Instruction| matches!(step, Instruction::Unary { function, .. } if *function == ScalarFunction::Tanh);
    if let Instruction::Unary { derivative, .. } = instruction(plan, tanh) {
        *derivative = true;
    }
}

fn another_constant(plan: &mut Plan) {
    let constant = |step: &Instruction| {
        matches!(
            step,
            Instruction::Binary {
                right: Source::Constant(_),
                ..
            }
        )
    };
    if let Instruction::Binary { right, .. } = instruction(plan, constant) {
        *right = Source::Constant(0.123);
    }
}

fn a_temporary_read_too_early(plan: &mut Plan) {
    let region = region(plan, |region| region.scratches > 0);
    region.scratches += 1;
    let unwritten = Source::Scratch(Scratch(region.scratches - 1));
    for instruction in &mut region.program {
        if let Instruction::Unary { from, .. } | Instruction::Binary { left: from, .. } =
            instruction
        {
            *from = unwritten;
        }
    }
}

fn too_few_temporaries(plan: &mut Plan) {
    region(plan, |region| region.scratches > 0).scratches -= 1;
}

fn writes_where_it_reads(plan: &mut Plan) {
    let reads = |step: &Instruction| {
        matches!(
            step,
            Instruction::Unary {
                from: Source::Scratch(_),
                ..
            }
        )
    };
    if let Instruction::Unary {
        from: Source::Scratch(from),
        to,
        ..
    } = instruction(plan, reads)
    {
        *to = Destination::Scratch(*from);
    }
}

fn the_result_of_no_kernel(plan: &mut Plan) {
    let is_loop = |kernel: &Kernel| matches!(kernel, Kernel::Loop { .. });
    if let Kernel::Loop { region } = kernel(plan, is_loop) {
        for instruction in &mut region.program {
            if let Instruction::Binary { left, .. } = instruction {
                *left = Source::Accumulator;
            }
        }
    }
}

fn is_reduction(step: &Instruction) -> bool {
    matches!(step, Instruction::Reduce { .. })
}

fn a_reduction_along_another_axis(plan: &mut Plan) {
    if let Instruction::Reduce { axis, .. } = instruction(plan, is_reduction) {
        *axis = match axis {
            ReductionAxis::Features | ReductionAxis::Columns => ReductionAxis::All,
            ReductionAxis::All => ReductionAxis::Columns,
        };
    }
}

fn another_reduction(plan: &mut Plan) {
    if let Instruction::Reduce { reduction, .. } = instruction(plan, is_reduction) {
        *reduction = Reduction::Maximum;
    }
}

/// Puts the results of the tiles of a reduction somewhere.
fn put_partial_results(plan: &mut Plan, at: Offset) {
    let rows = plan.batch.unwrap();
    let parted = region(plan, |region| {
        region.tiling(rows).tiles() > 1 && region.program.iter().any(is_reduction)
    });
    for instruction in &mut parted.program {
        if let Instruction::Reduce { partials, .. } = instruction {
            *partials = at;
        }
    }
}

fn partial_results_over_the_inputs(plan: &mut Plan) {
    put_partial_results(plan, plan.inputs.at);
}

fn partial_results_beyond_the_arena(plan: &mut Plan) {
    put_partial_results(plan, Offset(plan.arena_end - 1));
}

/// A sum is read by the step that makes it.
fn a_sum_read_before_it_is_whole(plan: &mut Plan) {
    let region = region(plan, |region| region.program.iter().any(is_reduction));
    let sum = region.program.iter().position(is_reduction).unwrap();
    if let Instruction::Reduce { into, .. } = region.program[sum] {
        region.program.push(Instruction::Load {
            to: Scratch(0),
            load: Load::Scalar { at: into },
        });
    }
}

fn a_mask_of_another_stream(plan: &mut Plan) {
    let mask = |step: &Instruction| {
        matches!(
            step,
            Instruction::Load {
                load: Load::Dropout { .. },
                ..
            }
        )
    };
    if let Instruction::Load {
        load: Load::Dropout { key, .. },
        ..
    } = instruction(plan, mask)
    {
        key.0[31] ^= 1;
    }
}

fn a_mask_that_keeps_more(plan: &mut Plan) {
    let mask = |step: &Instruction| {
        matches!(
            step,
            Instruction::Load {
                load: Load::Dropout { .. },
                ..
            }
        )
    };
    if let Instruction::Load {
        load: Load::Dropout { keep, .. },
        ..
    } = instruction(plan, mask)
    {
        *keep = 0.9;
    }
}

/// What is made bad in the programs of a plan of training.
pub const IN_PROGRAMS: &[Corruption] = corruptions![
    another_operator,
    operands_in_another_order,
    another_function,
    the_derivative_of_a_function,
    another_constant,
    a_temporary_read_too_early,
    too_few_temporaries,
    writes_where_it_reads,
    the_result_of_no_kernel,
    a_reduction_along_another_axis,
    another_reduction,
    partial_results_over_the_inputs,
    partial_results_beyond_the_arena,
    a_sum_read_before_it_is_whole,
    a_mask_of_another_stream,
    a_mask_that_keeps_more,
];
