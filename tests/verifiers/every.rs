//! Every step, every instruction and every place of a good plan: without it, or with it moved, the plan
//! is refused.

use nnc::plan::Plan;
use nnc::plan::step::{Destination, Instruction, Kernel, Load, Region, Source};
use nnc::plan::verify::verify;

use super::plans::good;

/// All places that a kernel names, partial results excepted, which nobody else reads.
fn offsets(kernel: &mut Kernel) -> Vec<&mut usize> {
    let mut offsets: Vec<&mut usize> = Vec::new();
    let mut regions: Vec<&mut Region> = Vec::new();
    match kernel {
        Kernel::Loop { region } => regions.push(region),
        Kernel::Forward {
            weight,
            input,
            bias,
            region,
        } => {
            offsets.extend([&mut weight.at.0, &mut input.at.0]);
            offsets.extend(bias.iter_mut().map(|bias| &mut bias.0));
            regions.push(region);
        }
        Kernel::DataGradient {
            weight: first,
            gradient: second,
            region,
        }
        | Kernel::Gather {
            table: first,
            index: second,
            region,
        }
        | Kernel::ScatterAdd {
            gradient: first,
            index: second,
            region,
        } => {
            offsets.extend([&mut first.at.0, &mut second.at.0]);
            regions.push(region);
        }
        Kernel::WeightGradient {
            gradient: first,
            input: second,
            weight: one,
            bias: other,
        }
        | Kernel::CrossEntropy {
            logits: first,
            index: second,
            loss: one,
            gradient: other,
            ..
        } => {
            offsets.extend([&mut first.at.0, &mut second.at.0]);
            regions.extend(one.iter_mut().chain(other));
        }
        Kernel::LogSoftmax { input, region } => {
            offsets.push(&mut input.at.0);
            regions.push(region);
        }
        Kernel::Concat { parts, to } => {
            offsets.extend(parts.iter_mut().chain([to]).map(|matrix| &mut matrix.at.0));
        }
    }
    for region in regions {
        offsets.extend(region.accumulator.iter_mut().map(|at| &mut at.0));
        offsets.extend(region.program.iter_mut().flat_map(of_instruction));
    }
    offsets
}

fn of_source(source: &mut Source) -> Option<&mut usize> {
    match source {
        Source::Memory(at) | Source::Scalar(at) => Some(&mut at.0),
        Source::Scratch(_) | Source::Accumulator | Source::Constant(_) => None,
    }
}

fn of_destination(to: &mut Destination) -> Option<&mut usize> {
    match to {
        Destination::Memory(at) => Some(&mut at.0),
        Destination::Scratch(_) => None,
    }
}

fn of_instruction(instruction: &mut Instruction) -> Vec<&mut usize> {
    let found = match instruction {
        Instruction::Load { load, .. } => {
            let at = match load {
                Load::Strided { at, .. }
                | Load::PerFeature { at }
                | Load::PerColumn { at, .. }
                | Load::Scalar { at }
                | Load::OneHot { at, .. } => Some(&mut at.0),
                Load::Constant(_) | Load::Rows | Load::Dropout { .. } => None,
            };
            [at, None, None]
        }
        Instruction::Unary { to, from, .. } => [of_destination(to), of_source(from), None],
        Instruction::Binary {
            to, left, right, ..
        } => [of_destination(to), of_source(left), of_source(right)],
        Instruction::Store { from, at, .. } => [of_source(from), Some(&mut at.0), None],
        Instruction::Reduce { from, into, .. } => [of_source(from), Some(&mut into.0), None],
    };
    found.into_iter().flatten().collect()
}

#[test]
fn every_step_instruction_and_place_matters() {
    let compiled = good();
    for phase in compiled.trained().chain([&compiled.predict]) {
        let refused = |what: &str, corrupt: &dyn Fn(&mut Plan)| {
            let mut plan = phase.plan.clone();
            corrupt(&mut plan);
            let found = verify(&plan, compiled.seed);
            assert!(
                found.is_err(),
                "accepted: {} with {what}",
                plan.phase.name()
            );
        };
        for step in 0..phase.plan.steps.len() {
            refused(&format!("step {step} dropped"), &|plan| {
                plan.steps.remove(step);
            });
            let mut kernel = phase.plan.steps[step].kernel.clone();
            for place in 0..offsets(&mut kernel).len() {
                refused(&format!("place {place} of step {step} moved"), &|plan| {
                    *offsets(&mut plan.steps[step].kernel)[place] += 1;
                });
            }
            for (number, region) in kernel.regions().into_iter().enumerate() {
                for at in 0..region.map_or(0, |region| region.program.len()) {
                    refused(
                        &format!("instruction {at} of step {step} dropped"),
                        &|plan| {
                            let mut regions = plan.steps[step].kernel.regions_mut();
                            regions[number].as_mut().unwrap().program.remove(at);
                        },
                    );
                }
            }
        }
    }
}
