//! The limit that percentages refer to: multiply-adds on registers alone, on one core.

use std::hint::black_box;
use std::time::Instant;

use pulp::{Arch, Simd, WithSimd};

/// Independent sums: enough to hide the latency of a multiply-add, few enough for the registers.
const SUMS: usize = 12;
const ROUNDS: usize = 200_000;

struct MultiplyAdds {
    factor: f32,
    addend: f32,
}

impl WithSimd for MultiplyAdds {
    /// A number that depends on every multiply-add, and how many floating-point operations they were.
    type Output = (f32, usize);

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
        let factor = simd.splat_f32s(self.factor);
        let addend = simd.splat_f32s(self.addend);
        let mut sums = [addend; SUMS];
        for _ in 0..ROUNDS {
            for sum in &mut sums {
                *sum = simd.mul_add_f32s(*sum, factor, addend);
            }
        }
        let lanes = size_of::<S::f32s>() / size_of::<f32>();
        let all = sums.map(|sum| simd.reduce_sum_f32s(sum));
        (all.iter().sum(), 2 * SUMS * ROUNDS * lanes)
    }
}

/// Floating-point operations a second: the best of several short runs.
pub fn multiply_adds() -> f64 {
    let run = || {
        let begin = Instant::now();
        let (result, operations) = Arch::new().dispatch(MultiplyAdds {
            factor: black_box(0.999),
            addend: black_box(0.5),
        });
        black_box(result);
        operations as f64 / begin.elapsed().as_secs_f64()
    };
    (0..5).map(|_| run()).fold(0.0, f64::max)
}
