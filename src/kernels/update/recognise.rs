//! Which rule a region's program is: rules and programs as expressions, and the one matched to the other.

use std::rc::Rc;

use super::{Arithmetic, Rule, Update};
use crate::graph::ops::BinaryOperator;
use crate::graph::scalar::ScalarFunction;
use crate::plan::step::{Destination, Instruction, Offset, Region, Source};

/// What a program or a rule computes for each element.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Expression {
    Gradient,
    /// A state of a rule.
    State(usize),
    /// A number of a rule.
    Number(usize),
    /// A place that a program reads, before it writes it.
    Memory(Offset),
    /// A number that a program reads.
    Value(Source),
    Apply(Operation, Rc<[Expression]>),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Operation {
    Binary(BinaryOperator),
    Square,
    Root,
}

impl Expression {
    fn binary(self, operator: BinaryOperator, other: Self) -> Self {
        Expression::Apply(Operation::Binary(operator), [self, other].into())
    }
}

impl Arithmetic for Expression {
    fn plus(self, other: Self) -> Self {
        self.binary(BinaryOperator::Add, other)
    }
    fn minus(self, other: Self) -> Self {
        self.binary(BinaryOperator::Subtract, other)
    }
    fn times(self, other: Self) -> Self {
        self.binary(BinaryOperator::Multiply, other)
    }
    fn over(self, other: Self) -> Self {
        self.binary(BinaryOperator::Divide, other)
    }
    fn or_larger(self, other: Self) -> Self {
        self.binary(BinaryOperator::Maximum, other)
    }
    fn squared(self) -> Self {
        Expression::Apply(Operation::Square, [self].into())
    }
    fn root(self) -> Self {
        Expression::Apply(Operation::Root, [self].into())
    }
}

/// No rule is a longer program: expressions of one of any length would be deep.
const MOST_INSTRUCTIONS: usize = 64;

/// What a rule computes.
pub(super) fn pattern<R: Rule<STATES, NUMBERS>, const STATES: usize, const NUMBERS: usize>()
-> Vec<Expression> {
    let states = std::array::from_fn(Expression::State);
    let numbers = std::array::from_fn(Expression::Number);
    R::apply(Expression::Gradient, states, numbers).into()
}

/// A program that is one of the rules.
#[derive(Clone, PartialEq, Debug)]
pub(in crate::kernels) struct Recognised {
    pub update: Update,
    pub states: Vec<Offset>,
    /// Scalars and constants.
    pub numbers: Vec<Source>,
}

/// The rule that the region's program is, if it is one: the accumulator is the gradient.
pub(in crate::kernels) fn recognise(region: &Region) -> Option<Recognised> {
    let stores = stores(region)?;
    let candidates = Update::ALL.iter().copied();
    candidates
        .filter_map(|update| recognise_as(update, &stores))
        .next()
}

fn recognise_as(update: Update, stores: &[(Offset, Expression)]) -> Option<Recognised> {
    let pattern = update.pattern();
    if pattern.len() != stores.len() {
        return None;
    }
    // Which store is the parameter's is found by trying; the slots follow from it.
    let firsts = 0..stores.len();
    firsts.into_iter().find_map(|first| {
        let mut bound = Bound::default();
        let (at, found) = &stores[first];
        bound.bind_state(0, *at)?;
        let mut bound = bound.unify(&pattern[0], found)?;
        for (state, pattern) in pattern.iter().enumerate().skip(1) {
            let at = *bound.states.get(state)?.as_ref()?;
            let (_, found) = stores.iter().find(|(store, _)| *store == at)?;
            bound = bound.unify(pattern, found)?;
        }
        Some(Recognised {
            update,
            states: bound.states.into_iter().collect::<Option<_>>()?,
            numbers: bound.numbers.into_iter().collect::<Option<_>>()?,
        })
    })
}

/// What stands for a rule's states and numbers in a program.
#[derive(Clone, Default)]
struct Bound {
    states: Vec<Option<Offset>>,
    numbers: Vec<Option<Source>>,
}

fn bind<V: PartialEq>(places: &mut Vec<Option<V>>, index: usize, value: V) -> Option<()> {
    if places.len() <= index {
        places.resize_with(index + 1, || None);
    }
    let place = &mut places[index];
    match place {
        Some(bound) if *bound != value => None,
        Some(_) | None => {
            *place = Some(value);
            Some(())
        }
    }
}

impl Bound {
    fn bind_state(&mut self, index: usize, at: Offset) -> Option<()> {
        bind(&mut self.states, index, at)
    }

    /// The bindings under which the pattern is what was found. Operands of sums and products may
    /// stand in either order: IEEE arithmetic gives the same.
    fn unify(mut self, pattern: &Expression, found: &Expression) -> Option<Bound> {
        match (pattern, found) {
            (Expression::Gradient, Expression::Gradient) => Some(self),
            (Expression::State(index), Expression::Memory(at)) => {
                self.bind_state(*index, *at)?;
                Some(self)
            }
            (Expression::Number(index), Expression::Value(source)) => {
                bind(&mut self.numbers, *index, *source)?;
                Some(self)
            }
            (Expression::Apply(wanted, pattern), Expression::Apply(operation, found))
                if wanted == operation =>
            {
                let commutes = matches!(
                    operation,
                    Operation::Binary(BinaryOperator::Add | BinaryOperator::Multiply)
                );
                match (&**pattern, &**found) {
                    ([pattern], [found]) => self.unify(pattern, found),
                    ([left, right], [a, b]) => {
                        let straight = self.clone().unify(left, a);
                        let straight = straight.and_then(|bound| bound.unify(right, b));
                        match straight {
                            None if commutes => self.unify(left, b)?.unify(right, a),
                            straight => straight,
                        }
                    }
                    _ => None,
                }
            }
            (
                Expression::Gradient
                | Expression::State(_)
                | Expression::Number(_)
                | Expression::Memory(_)
                | Expression::Value(_)
                | Expression::Apply(..),
                _,
            ) => None,
        }
    }
}

/// What the program stores at each place, if all that it does is arithmetic on the accumulator, on those
/// places and on numbers.
fn stores(region: &Region) -> Option<Vec<(Offset, Expression)>> {
    if region.program.len() > MOST_INSTRUCTIONS {
        return None;
    }
    let mut scratches: Vec<Option<Expression>> = vec![None; region.scratches as usize];
    let mut stores: Vec<(Offset, Expression)> = Vec::new();
    for instruction in &region.program {
        let read = |source: Source| match source {
            Source::Scratch(scratch) => scratches[scratch.index()].clone(),
            Source::Accumulator => Some(Expression::Gradient),
            // A rule reads a state as it was; of what is written here, only temporaries are read.
            Source::Memory(at) if stores.iter().any(|(store, _)| *store == at) => None,
            Source::Memory(at) => Some(Expression::Memory(at)),
            Source::Scalar(_) | Source::Constant(_) => Some(Expression::Value(source)),
        };
        let (to, result) = match *instruction {
            Instruction::Unary {
                to,
                from,
                function,
                derivative: false,
            } => {
                let operation = match function {
                    ScalarFunction::Square => Operation::Square,
                    ScalarFunction::Sqrt => Operation::Root,
                    _ => return None,
                };
                (to, Expression::Apply(operation, [read(from)?].into()))
            }
            Instruction::Binary {
                to,
                left,
                right,
                operator,
            } => (to, read(left)?.binary(operator, read(right)?)),
            Instruction::Store { from, at, stride } if stride == region.features => {
                (Destination::Memory(at), read(from)?)
            }
            Instruction::Unary { .. }
            | Instruction::Store { .. }
            | Instruction::Load { .. }
            | Instruction::Reduce { .. } => return None,
        };
        match to {
            Destination::Scratch(scratch) => scratches[scratch.index()] = Some(result),
            Destination::Memory(at) => stores.push((at, result)),
        }
    }
    Some(stores)
}
