//! A worker's actions on the instruction set in use: where all kernels are compiled.

use pulp::{Arch, Simd, WithSimd};

use super::action::{Action, Repeat, Site};
use super::element::Element;

/// One worker's run of some of its actions.
pub struct Run<'a, T> {
    pub(super) actions: &'a [Action<T>],
    pub(super) repeats: &'a [Repeat],
    pub(super) site: Site<'a, T>,
}

/// An element type that kernels are compiled for.
///
/// A generic function would be compiled again in every program, test and bench that calls it, and this
/// one holds all kernels for each instruction set: so each type has its own, which is in the library.
pub trait Compiled: Sized {
    fn carry_out(arch: Arch, run: Run<'_, Self>);
}

impl Compiled for f32 {
    #[inline(never)]
    fn carry_out(arch: Arch, run: Run<'_, Self>) {
        arch.dispatch(run);
    }
}

impl Compiled for f64 {
    #[inline(never)]
    fn carry_out(arch: Arch, run: Run<'_, Self>) {
        arch.dispatch(run);
    }
}

impl<T: Element> WithSimd for Run<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // SAFETY: every step is verified for an arena no larger and a batch no smaller than this
        // one; each worker has a scratch of its own, of the size of the largest step; where one
        // touches what another has written, they meet before.
        unsafe { self.site.run(simd, self.actions, self.repeats) }
    }
}
