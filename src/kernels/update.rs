//! The common optimizers' updates, each in one pass over gradient, parameter and slots.
//!
//! A [`Rule`] is written once, over any [`Arithmetic`]: over numbers it is the kernel, over
//! [`Expression`]s it is what a region's program must compute for the kernel to take its place. The
//! kernel does the same operations on the same numbers as the program, so the bits are the same.

pub(super) mod recognise;

use pulp::{Simd, WithSimd};

use super::element::Element;
use super::elementwise::zip_lanes;
use recognise::{Expression, pattern};

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
