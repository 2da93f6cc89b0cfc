//! The plan's verifier: what must hold for a plan to be run. A violation is a bug of nnc.

use std::collections::HashSet;

use super::step::{Columns, Instruction, Kernel, Load, Matrix, Offset, Region, Source};
use super::{Plan, Step};
use crate::graph::state::StateKind;

/// # Panics
/// If a place lies outside of the arena, a parameter is read after its update, or an instruction
/// writes where it reads; the message holds the plan's text and the step.
pub fn verify(plan: &Plan) {
    let fail = |step: &Step, what: String| -> ! {
        panic!("internal: step `{}` {what}\n{plan}", plan.label(step))
    };
    let batch = plan.batch.unwrap_or(1);
    let mut updated: HashSet<Offset> = HashSet::new();
    let places = plan.states.places.iter();
    let parameters: HashSet<Offset> = places
        .filter(|place| place.state.kind == StateKind::Parameter)
        .map(|place| place.matrix.at)
        .collect();
    for step in &plan.steps {
        let (_, regions) = step.kernel.parts();
        let mut reads: Vec<Matrix> = step.kernel.operands();
        if let Kernel::Forward {
            bias: Some(bias),
            weight,
            ..
        } = &step.kernel
        {
            reads.push(Matrix {
                at: *bias,
                columns: Columns::Fixed(1),
                ..*weight
            });
        }
        for matrix in &reads {
            let columns = matrix.columns.count(batch);
            let end = matrix.at.0 + columns.saturating_sub(1) * matrix.stride + matrix.features;
            if end > plan.arena_end {
                fail(step, format!("reads {matrix:?} outside of the arena"));
            }
            if updated.contains(&matrix.at) {
                fail(
                    step,
                    format!("reads the parameter at {} after its update", matrix.at.0),
                );
            }
        }
        for region in &regions {
            for at in read_places(region) {
                if updated.contains(&at) {
                    fail(
                        step,
                        format!("reads the parameter at {} after its update", at.0),
                    );
                }
            }
            if let Some(instruction) = aliased(region) {
                fail(step, format!("writes where it reads: {instruction:?}"));
            }
        }
        for region in &regions {
            updated.extend(written_places(region).filter(|at| parameters.contains(at)));
        }
    }
}

fn sources(instruction: &Instruction) -> Vec<Source> {
    match instruction {
        Instruction::Load { .. } => Vec::new(),
        Instruction::Unary { from, .. }
        | Instruction::Store { from, .. }
        | Instruction::Reduce { from, .. } => vec![*from],
        Instruction::Binary { left, right, .. } => vec![*left, *right],
    }
}

fn read_places(region: &Region) -> impl Iterator<Item = Offset> {
    region.program.iter().flat_map(|instruction| {
        let loaded = match instruction {
            Instruction::Load { load, .. } => match load {
                Load::Strided { at, .. }
                | Load::PerFeature { at }
                | Load::PerColumn { at, .. }
                | Load::Scalar { at }
                | Load::OneHot { at, .. } => Some(*at),
                Load::Constant(_) | Load::Rows | Load::Dropout { .. } => None,
            },
            Instruction::Unary { .. }
            | Instruction::Binary { .. }
            | Instruction::Store { .. }
            | Instruction::Reduce { .. } => None,
        };
        let sources = sources(instruction)
            .into_iter()
            .filter_map(|source| match source {
                Source::Memory(at) | Source::Scalar(at) => Some(at),
                Source::Scratch(_) | Source::Accumulator | Source::Constant(_) => None,
            });
        sources.chain(loaded)
    })
}

fn written_places(region: &Region) -> impl Iterator<Item = Offset> {
    use super::step::Destination;
    let stored = region
        .program
        .iter()
        .filter_map(|instruction| match instruction {
            Instruction::Unary {
                to: Destination::Memory(at),
                ..
            }
            | Instruction::Binary {
                to: Destination::Memory(at),
                ..
            }
            | Instruction::Store { at, .. } => Some(*at),
            Instruction::Reduce { into, .. } => Some(*into),
            Instruction::Load { .. } | Instruction::Unary { .. } | Instruction::Binary { .. } => {
                None
            }
        });
    stored.chain(region.accumulator)
}

/// An instruction of the region that writes the place it reads.
fn aliased(region: &Region) -> Option<&Instruction> {
    use super::step::Destination;
    region.program.iter().find(|instruction| match instruction {
        Instruction::Unary { to, .. } | Instruction::Binary { to, .. } => {
            let written = match *to {
                Destination::Memory(at) => Source::Memory(at),
                Destination::Scratch(scratch) => Source::Scratch(scratch),
            };
            sources(instruction).contains(&written)
        }
        Instruction::Load { .. } | Instruction::Store { .. } | Instruction::Reduce { .. } => false,
    })
}
