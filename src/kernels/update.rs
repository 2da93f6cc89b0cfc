//! The common optimizers' updates, each in one pass over gradient, parameter and slots.
//!
//! A [`Rule`] is written once, over any [`Arithmetic`]: over numbers it is the kernel, over
//! [`Expression`]s it is what a section's program must compute for the kernel to take its place. The
//! kernel does the same operations on the same numbers as the program, so the bits are the same.

use std::rc::Rc;

use pulp::{Simd, WithSimd};

use super::element::Element;
use super::elementwise::zip_lanes;
use crate::graph::scalar::ScalarFunction;
use crate::plan::step::{BinaryOperator, Destination, Instruction, Offset, Section, Source};

/// What rules compute with.
trait Arithmetic: Clone {
    fn plus(self, other: Self) -> Self;
    fn minus(self, other: Self) -> Self;
    fn times(self, other: Self) -> Self;
    fn over(self, other: Self) -> Self;
    /// The larger of the two.
    fn or_larger(self, other: Self) -> Self;
    fn squared(self) -> Self;
    fn root(self) -> Self;
}

/// A chunk of numbers: lane by lane, so that the compiler makes vectors of them.
#[derive(Clone, Copy)]
struct Lanes<T: Element>(T::Chunk);

impl<T: Element> Lanes<T> {
    #[inline(always)]
    fn map(mut self, function: impl Fn(T) -> T) -> Self {
        for lane in self.0.as_mut() {
            *lane = function(*lane);
        }
        self
    }
}

impl<T: Element> Arithmetic for Lanes<T> {
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        Lanes(zip_lanes(self.0, other.0, T::add))
    }
    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        Lanes(zip_lanes(self.0, other.0, T::sub))
    }
    #[inline(always)]
    fn times(self, other: Self) -> Self {
        Lanes(zip_lanes(self.0, other.0, T::mul))
    }
    #[inline(always)]
    fn over(self, other: Self) -> Self {
        Lanes(zip_lanes(self.0, other.0, T::div))
    }
    #[inline(always)]
    fn or_larger(self, other: Self) -> Self {
        Lanes(zip_lanes(self.0, other.0, T::max))
    }
    #[inline(always)]
    fn squared(self) -> Self {
        Lanes(zip_lanes(self.0, self.0, T::mul))
    }
    #[inline(always)]
    fn root(self) -> Self {
        self.map(T::sqrt)
    }
}

/// The most states and numbers that a rule has.
pub(super) const MOST_STATES: usize = 4;
pub(super) const MOST_NUMBERS: usize = 7;

/// From the gradient, the states (the parameter first) and some numbers to the new states.
trait Rule<const STATES: usize, const NUMBERS: usize> {
    fn apply<R: Arithmetic>(gradient: R, states: [R; STATES], numbers: [R; NUMBERS])
    -> [R; STATES];
}

/// Writes down the rules, and everything that goes over all of them.
macro_rules! rules {
    ($(
        $(#[$doc:meta])*
        $name:ident($gradient:ident, [$($state:ident),+], [$($number:ident),+]) =
            { $($body:tt)+ }
    )+) => {
        $(
            $(#[$doc])*
            struct $name;

            impl Rule<{ [$(stringify!($state)),+].len() }, { [$(stringify!($number)),+].len() }>
                for $name
            {
                #[inline(always)]
                fn apply<R: Arithmetic>(
                    $gradient: R,
                    [$($state),+]: [R; [$(stringify!($state)),+].len()],
                    [$($number),+]: [R; [$(stringify!($number)),+].len()],
                ) -> [R; [$(stringify!($state)),+].len()] {
                    $($body)+
                }
            }
        )+

        /// A rule, by name.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(super) enum Update {
            $($name,)+
        }

        impl Update {
            const ALL: &[Update] = &[$(Update::$name),+];

            /// What the rule computes.
            fn pattern(self) -> Vec<Expression> {
                match self {
                    $(Update::$name => pattern::<$name, _, _>(),)+
                }
            }
        }

        impl<T: Element> WithSimd for UpdateRun<'_, T> {
            type Output = ();

            #[inline(always)]
            fn with_simd<S: Simd>(self, simd: S) {
                match self.update {
                    // SAFETY: by the contract of the fields.
                    $(Update::$name => unsafe { self.apply::<S, $name, _, _>(simd) },)+
                }
            }
        }
    };
}

rules! {
    /// SGD.
    Descent(g, [p], [lr]) = { [p.minus(g.times(lr))] }

    /// SGD with weight decay.
    PenalisedDescent(g, [p], [decay, lr]) = {
        let g = g.plus(p.clone().times(decay));
        [p.minus(g.times(lr))]
    }

    /// SGD with momentum.
    Momentum(g, [p, b], [momentum, lr]) = {
        let b = b.times(momentum).plus(g);
        [p.minus(b.clone().times(lr)), b]
    }

    /// SGD with momentum and weight decay.
    PenalisedMomentum(g, [p, b], [decay, momentum, lr]) = {
        let g = g.plus(p.clone().times(decay));
        let b = b.times(momentum).plus(g);
        [p.minus(b.clone().times(lr)), b]
    }

    /// SGD with Nesterov's momentum.
    Nesterov(g, [p, b], [momentum, lr]) = {
        let b = b.times(momentum.clone()).plus(g.clone());
        let ahead = g.plus(b.clone().times(momentum));
        [p.minus(ahead.times(lr)), b]
    }

    /// SGD with Nesterov's momentum and weight decay.
    PenalisedNesterov(g, [p, b], [decay, momentum, lr]) = {
        let g = g.plus(p.clone().times(decay));
        let b = b.times(momentum.clone()).plus(g.clone());
        let ahead = g.plus(b.clone().times(momentum));
        [p.minus(ahead.times(lr)), b]
    }

    /// Adam.
    Adam(g, [p, m, v], [share, square_share, kept, correction, eps, lr]) = {
        let (m, v) = moments(g, (m, v), (share, square_share, kept));
        let denominator = v.clone().root().times(correction).plus(eps);
        [p.minus(m.clone().over(denominator).times(lr)), m, v]
    }

    /// Adam with weight decay in the gradient.
    PenalisedAdam(g, [p, m, v], [decay, share, square_share, kept, correction, eps, lr]) = {
        let g = g.plus(p.clone().times(decay));
        let (m, v) = moments(g, (m, v), (share, square_share, kept));
        let denominator = v.clone().root().times(correction).plus(eps);
        [p.minus(m.clone().over(denominator).times(lr)), m, v]
    }

    /// AdamW.
    AdamW(g, [p, m, v], [decay, share, square_share, kept, correction, eps, lr]) = {
        let (m, v) = moments(g, (m, v), (share, square_share, kept));
        let denominator = v.clone().root().times(correction).plus(eps);
        [p.times(decay).minus(m.clone().over(denominator).times(lr)), m, v]
    }

    /// Adam by the largest of all mean squares.
    AmsGrad(g, [p, m, v, w], [share, square_share, kept, correction, eps, lr]) = {
        let (m, v) = moments(g, (m, v), (share, square_share, kept));
        let w = w.or_larger(v.clone());
        let denominator = w.clone().root().times(correction).plus(eps);
        [p.minus(m.clone().over(denominator).times(lr)), m, v, w]
    }

    /// Adam by the largest of all mean squares, with weight decay in the gradient.
    PenalisedAmsGrad(
        g,
        [p, m, v, w],
        [decay, share, square_share, kept, correction, eps, lr]
    ) = {
        let g = g.plus(p.clone().times(decay));
        let (m, v) = moments(g, (m, v), (share, square_share, kept));
        let w = w.or_larger(v.clone());
        let denominator = w.clone().root().times(correction).plus(eps);
        [p.minus(m.clone().over(denominator).times(lr)), m, v, w]
    }

    /// AdamW by the largest of all mean squares.
    AmsGradW(g, [p, m, v, w], [decay, share, square_share, kept, correction, eps, lr]) = {
        let (m, v) = moments(g, (m, v), (share, square_share, kept));
        let w = w.or_larger(v.clone());
        let denominator = w.clone().root().times(correction).plus(eps);
        [p.times(decay).minus(m.clone().over(denominator).times(lr)), m, v, w]
    }
}

/// Adam's running means of gradient and square.
#[inline(always)]
fn moments<R: Arithmetic>(g: R, (m, v): (R, R), (share, square_share, kept): (R, R, R)) -> (R, R) {
    let moved = g.clone().minus(m.clone()).times(share);
    let square = g.squared().times(square_share);
    (m.plus(moved), v.times(kept).plus(square))
}

/// An update at work on adjoining elements.
///
/// All pointers are valid for `length` elements, but the result may be null; no two of them overlap, except
/// that the result may be the gradient.
pub(super) struct UpdateRun<'n, T> {
    pub update: Update,
    pub length: usize,
    pub gradient: *const T,
    /// The rule's come first.
    pub states: &'n [*mut T; MOST_STATES],
    /// Where the new parameter goes in place of the first state, if it is not null.
    pub result: *mut T,
    /// The rule's come first.
    pub numbers: &'n [T; MOST_NUMBERS],
}

impl<T: Element> UpdateRun<'_, T> {
    /// # Safety
    /// The contract of the fields; the rule is the update's.
    #[inline(always)]
    unsafe fn apply<
        S: Simd,
        R: Rule<STATES, NUMBERS>,
        const STATES: usize,
        const NUMBERS: usize,
    >(
        &self,
        simd: S,
    ) {
        const { assert!(STATES <= MOST_STATES && NUMBERS <= MOST_NUMBERS) }
        // SAFETY: there are as many.
        let (states, numbers) = unsafe {
            (
                &*self.states.as_ptr().cast::<[*mut T; STATES]>(),
                *self.numbers.as_ptr().cast::<[T; NUMBERS]>(),
            )
        };
        let numbers = numbers.map(|number| Lanes::<T>(T::filled_chunk(number)));
        let mut results = *states;
        if !self.result.is_null() {
            results[0] = self.result;
        }
        let whole = self.length - self.length % T::CHUNK;
        for at in (0..whole).step_by(T::CHUNK) {
            // SAFETY: a whole chunk of each.
            unsafe {
                let load = |from: *const T| Lanes(from.add(at).cast::<T::Chunk>().read_unaligned());
                let old = states.map(
                    #[inline(always)]
                    |state| load(state),
                );
                let new = R::apply(load(self.gradient), old, numbers);
                for (result, new) in results.iter().zip(new) {
                    result.add(at).cast::<T::Chunk>().write_unaligned(new.0);
                }
            }
        }
        let rest = self.length - whole;
        if rest > 0 {
            // SAFETY: the rest of each.
            unsafe {
                let load =
                    |from: *const T| Lanes(T::load_partial_chunk(simd, from.add(whole), rest));
                // A second `map` would stay a function of its own, without the instruction set.
                let mut old = [Lanes(T::filled_chunk(T::ZERO)); STATES];
                for (old, state) in old.iter_mut().zip(states) {
                    *old = load(*state);
                }
                let new = R::apply(load(self.gradient), old, numbers);
                for (result, new) in results.iter().zip(new) {
                    T::store_partial_chunk(simd, result.add(whole), rest, new.0);
                }
            }
        }
    }
}

/// What a program or a rule computes for each element.
#[derive(Clone, PartialEq, Debug)]
enum Expression {
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
enum Operation {
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

fn pattern<R: Rule<STATES, NUMBERS>, const STATES: usize, const NUMBERS: usize>() -> Vec<Expression>
{
    let states = std::array::from_fn(Expression::State);
    let numbers = std::array::from_fn(Expression::Number);
    R::apply(Expression::Gradient, states, numbers).into()
}

/// A program that is one of the rules.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Recognised {
    pub update: Update,
    pub states: Vec<Offset>,
    /// Scalars and constants.
    pub numbers: Vec<Source>,
}

/// The rule that the section's program is, if it is one: the anchor is the gradient.
pub(super) fn recognise(section: &Section) -> Option<Recognised> {
    let stores = stores(section)?;
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
            _ => None,
        }
    }
}

/// What the program stores at each place, if all that it does is arithmetic on the anchor, on those
/// places and on numbers.
fn stores(section: &Section) -> Option<Vec<(Offset, Expression)>> {
    let mut scratches: Vec<Option<Expression>> = vec![None; section.scratches.into()];
    let mut stores: Vec<(Offset, Expression)> = Vec::new();
    for instruction in &section.program {
        let read = |source: Source| match source {
            Source::Scratch(scratch) => scratches[usize::from(scratch.0)].clone(),
            Source::Anchor => Some(Expression::Gradient),
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
            Instruction::Store { from, at, stride } if stride == section.features => {
                (Destination::Memory(at), read(from)?)
            }
            Instruction::Unary { .. }
            | Instruction::Store { .. }
            | Instruction::Load { .. }
            | Instruction::Reduce { .. } => return None,
        };
        match to {
            Destination::Scratch(scratch) => scratches[usize::from(scratch.0)] = Some(result),
            Destination::Memory(at) => stores.push((at, result)),
        }
    }
    Some(stores)
}
