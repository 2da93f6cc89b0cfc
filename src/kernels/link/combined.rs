//! Instructions that become one action.

use super::program::Program;
use crate::graph::ops::{BinaryOperator, Reduction};
use crate::kernels::action::{Action, ActionOperand};
use crate::kernels::element::Element;
use crate::kernels::residual::Residual;
use crate::plan::step::{Destination, Instruction, ReductionAxis, Source};

impl Program<'_> {
    /// A loss of differences, with its gradient if that follows, and how many instructions they are.
    #[expect(clippy::too_many_lines, reason = "one pattern of instructions")]
    pub(super) fn residual<T: Element>(
        &self,
        program: &[Instruction],
        first: usize,
        columns: usize,
    ) -> Option<(Action<T>, usize)> {
        let [
            Instruction::Binary {
                to: Destination::Scratch(difference),
                left: outputs,
                right: targets,
                operator: BinaryOperator::Subtract,
            },
            Instruction::Unary {
                to: Destination::Scratch(losses),
                from: of,
                function,
                derivative: false,
            },
            Instruction::Binary {
                to: Destination::Scratch(scaled),
                left: loss,
                right: scale,
                operator: BinaryOperator::Multiply,
            },
            Instruction::Reduce {
                from,
                axis: ReductionAxis::All,
                reduction: Reduction::Sum,
                into,
                partials,
            },
            rest @ ..,
        ] = program
        else {
            return None;
        };
        let [difference, losses, scaled] =
            [difference, losses, scaled].map(|it| Source::Scratch(*it));
        let chained = *of == difference && *loss == losses && *from == scaled;
        // A temporary that is used again is another value.
        let apart = scaled != difference;
        let number = |source: &Source| matches!(source, Source::Scalar(_) | Source::Constant(_));
        let (ActionOperand::Run(outputs), ActionOperand::Run(targets)) = (
            self.value::<T>(*outputs, first),
            self.value::<T>(*targets, first),
        ) else {
            return None;
        };
        if !chained || !number(scale) {
            return None;
        }
        let derived = match rest {
            [
                Instruction::Unary {
                    from,
                    function: same,
                    derivative: true,
                    ..
                },
                Instruction::Binary { to, .. },
                rest @ ..,
            ] if apart && *from == difference && same == function => Some((to, rest)),
            _ => None,
        };
        let mut written = None;
        let (gradient, count, rest) = match derived {
            Some((to, after)) => {
                let Some(Action::Gradient {
                    left: slope @ (ActionOperand::Number(_) | ActionOperand::Constant(_)),
                    to: place,
                    ..
                }) = self.gradient(rest, first, columns)
                else {
                    return None;
                };
                if let Destination::Scratch(scratch) = to {
                    written = Some(Source::Scratch(*scratch));
                }
                (Some((slope, place)), 6, after)
            }
            None => (None, 4, rest),
        };
        // What the gradient overwrites is its own from then on.
        let read = |it: &Source| Some(*it) != written && read_later(rest, *it);
        if [difference, losses, scaled].iter().any(read) {
            return None;
        }
        let action = Action::Residual {
            length: columns * self.features(),
            outputs,
            targets,
            function: Residual::of(*function)?,
            scale: self.value(*scale, first),
            sum: self.reduced(ReductionAxis::All, *into, *partials, first),
            resume: first > 0,
            gradient,
        };
        Some((action, count))
    }

    /// f'(x) into a temporary and its product with something, at once.
    pub(super) fn gradient<T: Element>(
        &self,
        program: &[Instruction],
        first: usize,
        columns: usize,
    ) -> Option<Action<T>> {
        let [
            Instruction::Unary {
                to: Destination::Scratch(derivative),
                from,
                function,
                derivative: true,
            },
            Instruction::Binary {
                to,
                left,
                right,
                operator: BinaryOperator::Multiply,
            },
            rest @ ..,
        ] = program
        else {
            return None;
        };
        let derivative = Source::Scratch(*derivative);
        let other = match (*left == derivative, *right == derivative) {
            (true, false) => *right,
            (false, true) => *left,
            (true, true) | (false, false) => return None,
        };
        let left = self.value::<T>(other, first);
        let ActionOperand::Run(from) = self.value::<T>(*from, first) else {
            return None;
        };
        if *to != destination_of(derivative) && read_later(rest, derivative) {
            return None;
        }
        Some(Action::Gradient {
            length: columns * self.features(),
            left,
            from,
            to: self.destination(*to, first),
            function: *function,
        })
    }
}

fn destination_of(source: Source) -> Destination {
    match source {
        Source::Scratch(scratch) => Destination::Scratch(scratch),
        Source::Accumulator | Source::Memory(_) | Source::Scalar(_) | Source::Constant(_) => {
            unreachable!("a temporary")
        }
    }
}

/// Whether a temporary is read before it is written again.
fn read_later(program: &[Instruction], temporary: Source) -> bool {
    for instruction in program {
        let (reads, to) = match *instruction {
            Instruction::Load { to, .. } => ([None, None], Some(Destination::Scratch(to))),
            Instruction::Unary { to, from, .. } => ([Some(from), None], Some(to)),
            Instruction::Binary {
                to, left, right, ..
            } => ([Some(left), Some(right)], Some(to)),
            Instruction::Store { from, .. } | Instruction::Reduce { from, .. } => {
                ([Some(from), None], None)
            }
        };
        if reads.contains(&Some(temporary)) {
            return true;
        }
        if to == Some(destination_of(temporary)) {
            return false;
        }
    }
    false
}
