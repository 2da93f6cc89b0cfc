//! The losses of differences, in one pass over what the network gives and the targets.
//!
//! Of `d = y - t`: the sum of `f(d) · scale`, and where someone asks, `slope · f'(d)`. These are the
//! operations of a region's program in their order, element by element, so the bits are the same; a
//! program's instructions would each go over the block for themselves.

use pulp::{Simd, WithSimd};

use super::element::Element;
use super::elementwise::{map_lanes, zip_lanes};
use super::reductions::reduce_lanes;
use crate::graph::scalar::ScalarFunction;

/// The functions of a difference that are losses.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Residual {
    Square,
    Abs,
    Huber { delta: f64 },
}

impl Residual {
    pub fn of(function: ScalarFunction) -> Option<Residual> {
        match function {
            ScalarFunction::Square => Some(Residual::Square),
            ScalarFunction::Abs => Some(Residual::Abs),
            ScalarFunction::Huber { delta } => Some(Residual::Huber { delta }),
            ScalarFunction::Negate
            | ScalarFunction::Sqrt
            | ScalarFunction::ReciprocalSqrt
            | ScalarFunction::Reciprocal
            | ScalarFunction::Exp
            | ScalarFunction::Log
            | ScalarFunction::Tanh
            | ScalarFunction::Sigmoid
            | ScalarFunction::ReLU
            | ScalarFunction::LeakyReLU { .. }
            | ScalarFunction::ELU { .. }
            | ScalarFunction::GELU
            | ScalarFunction::GELUTanh
            | ScalarFunction::SiLU
            | ScalarFunction::Softplus { .. }
            | ScalarFunction::Hardtanh { .. }
            | ScalarFunction::AtLeast { .. }
            | ScalarFunction::AtMost { .. }
            | ScalarFunction::Renorm { .. } => None,
        }
    }
}

/// A loss at work on adjoining elements.
///
/// `outputs` and `targets` are valid for reads of `length` elements, `sum` for one, the gradient for as
/// many; it is the place of one of them or overlaps neither.
pub(super) struct ResidualRun<T> {
    pub length: usize,
    pub outputs: *const T,
    pub targets: *const T,
    pub function: Residual,
    pub scale: T,
    pub sum: *mut T,
    /// The sum goes on from what is there.
    pub resume: bool,
    /// The slope, and where the gradient goes.
    pub gradient: Option<(T, *mut T)>,
}

impl<T: Element> WithSimd for ResidualRun<T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        macro_rules! run {
            ($row:expr) => {
                // SAFETY: by the contract of the fields.
                unsafe {
                    self.run(
                        simd,
                        #[inline(always)]
                        |d| $row.value(d),
                        #[inline(always)]
                        |d| $row.derivative(d),
                    )
                }
            };
        }
        match self.function {
            Residual::Square => run!(ScalarFunction::Square),
            Residual::Abs => run!(ScalarFunction::Abs),
            Residual::Huber { delta } => run!(ScalarFunction::Huber { delta }),
        }
    }
}

impl<T: Element> ResidualRun<T> {
    /// # Safety
    /// The contract of the fields.
    #[inline(always)]
    unsafe fn run<S: Simd>(
        &self,
        simd: S,
        value: impl Fn(T) -> T + Copy,
        derivative: impl Fn(T) -> T + Copy,
    ) {
        // SAFETY: by the caller.
        let total = unsafe {
            match self.gradient {
                None => self.pass(
                    simd,
                    value,
                    #[inline(always)]
                    |_, _, _| (),
                ),
                Some((slope, to)) => self.pass(
                    simd,
                    value,
                    #[inline(always)]
                    |at, count, d| {
                        let gradient = map_lanes(
                            d,
                            #[inline(always)]
                            |d| slope.mul(derivative(d)),
                        );
                        if count == T::CHUNK {
                            to.add(at).cast::<T::Chunk>().write_unaligned(gradient)
                        } else {
                            T::store_partial_chunk(simd, to.add(at), count, gradient)
                        }
                    },
                ),
            }
        };
        // SAFETY: by the caller.
        unsafe {
            *self.sum = if self.resume {
                (*self.sum).add(total)
            } else {
                total
            };
        }
    }

    /// The sum, in the order of [`reduce_run`](super::reductions::reduce_run); `then` gets the
    /// position of each chunk, how many elements it has, and their differences.
    ///
    /// # Safety
    /// The contract of the fields.
    #[inline(always)]
    unsafe fn pass<S: Simd>(
        &self,
        simd: S,
        value: impl Fn(T) -> T + Copy,
        then: impl Fn(usize, usize, T::Chunk),
    ) -> T {
        let rest = self.length % T::CHUNK;
        let whole = self.length - rest;
        let mut sums = T::filled_chunk(T::ZERO);
        for at in (0..whole).step_by(T::CHUNK) {
            // SAFETY: a whole chunk of each.
            let (output, target) = unsafe {
                (
                    self.outputs.add(at).cast::<T::Chunk>().read_unaligned(),
                    self.targets.add(at).cast::<T::Chunk>().read_unaligned(),
                )
            };
            let difference = zip_lanes(output, target, T::sub);
            sums = zip_lanes(sums, self.terms(difference, value), T::add);
            then(at, T::CHUNK, difference);
        }
        if rest > 0 {
            // SAFETY: the rest of each.
            let (output, target) = unsafe {
                (
                    T::load_partial_chunk(simd, self.outputs.add(whole), rest),
                    T::load_partial_chunk(simd, self.targets.add(whole), rest),
                )
            };
            let difference = zip_lanes(output, target, T::sub);
            let mut terms = self.terms(difference, value);
            for (lane, term) in terms.as_mut().iter_mut().enumerate() {
                *term = if lane < rest { *term } else { T::ZERO };
            }
            sums = zip_lanes(sums, terms, T::add);
            then(whole, rest, difference);
        }
        reduce_lanes(sums, T::add)
    }

    #[inline(always)]
    fn terms(&self, difference: T::Chunk, value: impl Fn(T) -> T + Copy) -> T::Chunk {
        let scale = self.scale;
        map_lanes(
            difference,
            #[inline(always)]
            |d| value(d).mul(scale),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::ops::{BinaryOperator, Reduction};
    use crate::graph::scalar::Real;
    use crate::kernels::elementwise::{Binary, Gradient, LoopOperand, Unary};
    use crate::kernels::instruction_set::available;
    use crate::kernels::reductions::{Reduce, ReduceInto};

    /// Outputs and targets with differences of both signs, small, large and none.
    fn numbers<T: Element>(length: usize) -> (Vec<T>, Vec<T>) {
        let number = |index: usize, step: usize| {
            let number = (index * step % 97) as f64 / 16.0 - 3.0;
            <T as Real>::constant(number)
        };
        (0..length)
            .map(|index| (number(index, 41), number(index / 3 * 3, 41)))
            .unzip()
    }

    /// What a program's instructions leave: the sum, and the gradient.
    struct OneByOne<'n, T> {
        function: ScalarFunction,
        outputs: &'n [T],
        targets: &'n [T],
    }

    const SCALE: f64 = 0.3;
    const START: f64 = 0.7;

    impl<T: Element> WithSimd for OneByOne<'_, T> {
        type Output = (T, Vec<T>);

        fn with_simd<S: Simd>(self, simd: S) -> (T, Vec<T>) {
            let length = self.outputs.len();
            let scale = LoopOperand::Number(T::constant(SCALE));
            let mut difference = vec![T::ZERO; length];
            let mut terms = vec![T::ZERO; length];
            let mut gradient = vec![T::ZERO; length];
            let mut sum = T::constant(START);
            simd.vectorize(Binary {
                length,
                left: LoopOperand::Run(self.outputs.as_ptr()),
                right: LoopOperand::Run(self.targets.as_ptr()),
                to: difference.as_mut_ptr(),
                operator: BinaryOperator::Subtract,
            });
            simd.vectorize(Unary {
                length,
                from: difference.as_ptr(),
                to: terms.as_mut_ptr(),
                function: self.function,
                derivative: false,
            });
            let at = terms.as_mut_ptr();
            simd.vectorize(Binary {
                length,
                left: LoopOperand::Run(at.cast_const()),
                right: scale,
                to: at,
                operator: BinaryOperator::Multiply,
            });
            simd.vectorize(Reduce {
                from: at.cast_const(),
                features: length,
                columns: 1,
                stride: length,
                reduction: Reduction::Sum,
                into: ReduceInto::All(&mut sum),
                resume: true,
            });
            simd.vectorize(Gradient {
                length,
                left: scale,
                from: difference.as_ptr(),
                to: gradient.as_mut_ptr(),
                function: self.function,
            });
            (sum, gradient)
        }
    }

    fn bits<T: Element>() {
        let functions = [
            ScalarFunction::Square,
            ScalarFunction::Abs,
            ScalarFunction::Huber { delta: 0.8 },
        ];
        for (name, arch) in available() {
            for function in functions {
                for length in 1..100 {
                    let (outputs, targets) = numbers::<T>(length);
                    let (sum, gradient) = arch.dispatch(OneByOne {
                        function,
                        outputs: &outputs,
                        targets: &targets,
                    });
                    for asked in [false, true] {
                        let mut total = T::constant(START);
                        let mut found = vec![T::ZERO; length];
                        arch.dispatch(ResidualRun {
                            length,
                            outputs: outputs.as_ptr(),
                            targets: targets.as_ptr(),
                            function: Residual::of(function).unwrap(),
                            scale: T::constant(SCALE),
                            sum: &mut total,
                            resume: true,
                            gradient: asked.then(|| (T::constant(SCALE), found.as_mut_ptr())),
                        });
                        let what = format!("{name}, {function:?}, {length} elements");
                        assert_eq!(total.to_f64().to_bits(), sum.to_f64().to_bits(), "{what}");
                        if asked {
                            assert_eq!(found, gradient, "{what}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn the_bits_are_those_of_the_program() {
        bits::<f32>();
        bits::<f64>();
    }
}
