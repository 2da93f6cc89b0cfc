//! What the rows of scalar functions consist of, counted by running them.

use std::cell::Cell;
use std::cmp::Ordering;

use super::scalar::{Real, ScalarFunction};

/// The kinds of arithmetic that differ in what they cost.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Arithmetic {
    /// Sums, products, comparisons and choices.
    Simple,
    Division,
    SquareRoot,
    /// exp, and exp - 1.
    Exponential,
    /// log, and log(1 + x).
    Logarithm,
    Tanh,
    Sigmoid,
    ErrorFunction,
    /// A draw for a dropout mask; no row of a scalar function has any.
    Draw,
}

impl Arithmetic {
    pub const ALL: [Arithmetic; 9] = [
        Arithmetic::Simple,
        Arithmetic::Division,
        Arithmetic::SquareRoot,
        Arithmetic::Exponential,
        Arithmetic::Logarithm,
        Arithmetic::Tanh,
        Arithmetic::Sigmoid,
        Arithmetic::ErrorFunction,
        Arithmetic::Draw,
    ];

    /// Its position in [`ALL`](Self::ALL).
    pub fn index(self) -> usize {
        self as usize
    }

    /// A function with exactly one of this kind, and else only simple ones.
    pub fn example(self) -> Option<ScalarFunction> {
        match self {
            Arithmetic::Simple => Some(ScalarFunction::Negate),
            Arithmetic::Division => Some(ScalarFunction::Reciprocal),
            Arithmetic::SquareRoot => Some(ScalarFunction::Sqrt),
            Arithmetic::Exponential => Some(ScalarFunction::Exp),
            Arithmetic::Logarithm => Some(ScalarFunction::Log),
            Arithmetic::Tanh => Some(ScalarFunction::Tanh),
            Arithmetic::Sigmoid => Some(ScalarFunction::Sigmoid),
            Arithmetic::ErrorFunction => Some(ScalarFunction::GELU),
            Arithmetic::Draw => None,
        }
    }
}

/// How many there are of each kind of arithmetic.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Operations([u64; Arithmetic::ALL.len()]);

impl Operations {
    pub fn of(&self, kind: Arithmetic) -> u64 {
        self.0[kind.index()]
    }

    pub fn add(&mut self, kind: Arithmetic, count: u64) {
        self.0[kind.index()] += count;
    }

    /// Adds what is done for each of `elements`.
    pub fn add_for_each(&mut self, elements: u64, operations: Operations) {
        for (count, more) in self.0.iter_mut().zip(operations.0) {
            *count += more * elements;
        }
    }
}

impl ScalarFunction {
    /// What one value of the function, or of its derivative, consists of. What depends on constants
    /// alone does not count.
    pub fn operations(self, derivative: bool) -> Operations {
        let counter = Cell::new(Operations::default());
        let x = Counted(Some(&counter));
        if derivative {
            self.derivative(x)
        } else {
            self.value(x)
        };
        counter.get()
    }
}

/// A number of which only the arithmetic is known that it takes part in. A constant has no counter.
#[derive(Clone, Copy)]
struct Counted<'c>(Option<&'c Cell<Operations>>);

impl Counted<'_> {
    fn count(self, kind: Arithmetic) -> Self {
        if let Some(counter) = self.0 {
            let mut operations = counter.get();
            operations.add(kind, 1);
            counter.set(operations);
        }
        self
    }

    fn with(self, other: Self) -> Self {
        Counted(self.0.or(other.0))
    }
}

impl PartialEq for Counted<'_> {
    fn eq(&self, _: &Self) -> bool {
        false
    }
}

impl PartialOrd for Counted<'_> {
    fn partial_cmp(&self, _: &Self) -> Option<Ordering> {
        None
    }
}

impl Real for Counted<'_> {
    fn constant(_: f64) -> Self {
        Counted(None)
    }
    fn add(self, other: Self) -> Self {
        self.with(other).count(Arithmetic::Simple)
    }
    fn sub(self, other: Self) -> Self {
        self.with(other).count(Arithmetic::Simple)
    }
    fn mul(self, other: Self) -> Self {
        self.with(other).count(Arithmetic::Simple)
    }
    fn div(self, other: Self) -> Self {
        self.with(other).count(Arithmetic::Division)
    }
    fn neg(self) -> Self {
        self.count(Arithmetic::Simple)
    }
    fn abs(self) -> Self {
        self.count(Arithmetic::Simple)
    }
    fn sqrt(self) -> Self {
        self.count(Arithmetic::SquareRoot)
    }
    fn exp(self) -> Self {
        self.count(Arithmetic::Exponential)
    }
    fn exp_m1(self) -> Self {
        self.count(Arithmetic::Exponential)
    }
    fn ln(self) -> Self {
        self.count(Arithmetic::Logarithm)
    }
    fn ln_1p(self) -> Self {
        self.count(Arithmetic::Logarithm)
    }
    fn tanh(self) -> Self {
        self.count(Arithmetic::Tanh)
    }
    fn sigmoid(self) -> Self {
        self.count(Arithmetic::Sigmoid)
    }
    fn erf(self) -> Self {
        self.count(Arithmetic::ErrorFunction)
    }
    fn select_greater(self, threshold: Self, yes: Self, no: Self) -> Self {
        let all = self.with(threshold).with(yes).with(no);
        all.count(Arithmetic::Simple)
    }
    fn max(self, other: Self) -> Self {
        self.with(other).count(Arithmetic::Simple)
    }
    fn min(self, other: Self) -> Self {
        self.with(other).count(Arithmetic::Simple)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operations<const N: usize>(counts: [(Arithmetic, u64); N]) -> Operations {
        let mut operations = Operations::default();
        for (kind, count) in counts {
            operations.add(kind, count);
        }
        operations
    }

    #[test]
    fn rows_are_counted_as_they_are_written() {
        use Arithmetic::*;
        use ScalarFunction::{GELU, ReLU, SiLU};
        let tanh = ScalarFunction::Tanh;
        assert_eq!(tanh.operations(false), operations([(Tanh, 1)]));
        // 1 - y · y
        assert_eq!(tanh.operations(true), operations([(Simple, 2)]));
        assert_eq!(ReLU.operations(false), operations([(Simple, 1)]));
        // x · (0.5 · (1 + erf(x · √½)))
        let gelu = operations([(Simple, 4), (ErrorFunction, 1)]);
        assert_eq!(GELU.operations(false), gelu);
        // s · (1 + x · (1 - s))
        let silu = operations([(Simple, 4), (Sigmoid, 1)]);
        assert_eq!(SiLU.operations(true), silu);
        // The derivative is a constant.
        let negate = ScalarFunction::Negate;
        assert_eq!(negate.operations(true), Operations::default());
    }

    #[test]
    fn examples_have_one_of_their_kind() {
        for (index, kind) in Arithmetic::ALL.into_iter().enumerate() {
            assert_eq!(kind.index(), index);
            let Some(example) = kind.example() else {
                continue;
            };
            let operations = example.operations(false);
            for other in Arithmetic::ALL {
                let simple = other == Arithmetic::Simple && kind != other;
                let expected = u64::from(other == kind);
                assert!(
                    simple || operations.of(other) == expected,
                    "{example:?} as the example of {kind:?}"
                );
            }
        }
    }
}
