use crate::graph::scalar::{Exact, Real};

type Function<R> = fn(R) -> R;

/// The distance in units of the last place of the nearest f32 (of the smallest subnormal at zero).
fn ulps(found: f32, exact: f64) -> f64 {
    let nearest = exact as f32;
    if nearest.is_infinite() || found.is_infinite() || nearest.is_nan() || found.is_nan() {
        let same = found == nearest || (found.is_nan() && nearest.is_nan());
        return if same { 0.0 } else { f64::INFINITY };
    }
    let exponent = (nearest.abs().max(f32::MIN_POSITIVE).to_bits() >> 23) as i32 - 127;
    (f64::from(found) - exact).abs() / 2f64.powi(exponent - 23)
}

fn functions<R: Real>() -> [(&'static str, Function<R>); 7] {
    [
        ("exp", R::exp),
        ("exp_m1", R::exp_m1),
        ("ln", R::ln),
        ("ln_1p", R::ln_1p),
        ("tanh", R::tanh),
        ("sigmoid", R::sigmoid),
        ("erf", R::erf),
    ]
}

#[test]
fn f32_is_within_four_ulps_everywhere() {
    for ((name, single), (_, exact)) in functions::<f32>().into_iter().zip(functions::<Exact>()) {
        let mut worst = (0.0, 0.0);
        // Every 997th number: 4.3 million arguments of both signs, all exponents, NaNs and infinities.
        for bits in (0..=u32::MAX).step_by(997) {
            let x = f32::from_bits(bits);
            let error = ulps(single(x), exact(Exact(f64::from(x))).0);
            if error > worst.0 {
                worst = (error, x);
            }
        }
        assert!(
            worst.0 <= 4.0,
            "{name}({}) is off by {} ULP",
            worst.1,
            worst.0
        );
    }
}

#[test]
fn f64_is_within_1e_14_of_the_reference() {
    for ((name, double), (_, exact)) in functions::<f64>().into_iter().zip(functions::<Exact>()) {
        let mut worst = (0.0f64, 0.0);
        let mut check = |x: f64| {
            let (found, wanted) = (double(x), exact(Exact(x)).0);
            // The reference sigmoid overflows inside; below -700 it is exp(x) to all digits.
            let wanted = if name == "sigmoid" && x < -700.0 {
                x.exp()
            } else {
                wanted
            };
            let same = found == wanted || (found.is_nan() && wanted.is_nan());
            let scale = wanted.abs().max(f64::MIN_POSITIVE);
            let error = if same {
                0.0
            } else {
                (found - wanted).abs() / scale
            };
            if error > worst.0 || error.is_nan() {
                worst = (if error.is_nan() { f64::INFINITY } else { error }, x);
            }
        };
        for step in -400_000..=400_000 {
            check(f64::from(step) * 1e-4);
            check(f64::from(step) * 2e-3);
            check(f64::from(step) * 1e-9);
        }
        for bits in (0..=u64::MAX).step_by(0x0000_4321_9876_5431) {
            check(f64::from_bits(bits));
        }
        assert!(
            worst.0 <= 1e-14,
            "{name}({:e}) is off by a relative {:e}",
            worst.1,
            worst.0
        );
    }
}

#[test]
fn edges_are_exact() {
    fn same<R: Real + std::fmt::Debug>(found: R, wanted: R) {
        assert_eq!(format!("{found:?}"), format!("{wanted:?}"));
    }
    macro_rules! edges {
        ($($real:ident),+) => { $({
            use std::$real::consts::LN_2;
            let infinity = $real::INFINITY;
            for odd in [<$real as Real>::exp_m1, Real::ln_1p, Real::tanh, Real::erf] {
                same(odd(0.0), 0.0);
                same(odd(-0.0), -0.0);
            }
            for near_identity in [<$real as Real>::exp_m1, Real::ln_1p, Real::tanh] {
                same(near_identity($real::MIN_POSITIVE), $real::MIN_POSITIVE);
            }
            same(Real::exp(0.0 as $real), 1.0);
            same(Real::exp(-infinity), 0.0);
            same(Real::exp(infinity), infinity);
            same(Real::exp_m1(-infinity), -1.0);
            same(Real::exp_m1(infinity), infinity);
            same(Real::ln(0.0 as $real), -infinity);
            same(Real::ln(-0.0 as $real), -infinity);
            same(Real::ln(1.0 as $real), 0.0);
            same(Real::ln(2.0 as $real), LN_2);
            same(Real::ln(infinity), infinity);
            same(Real::ln_1p(-1.0 as $real), -infinity);
            same(Real::ln_1p(infinity), infinity);
            assert!(Real::ln(-1.0 as $real).is_nan() && Real::ln_1p(-1.5 as $real).is_nan());
            for bounded in [<$real as Real>::tanh, Real::erf] {
                same(bounded(infinity), 1.0);
                same(bounded(-infinity), -1.0);
            }
            same(Real::sigmoid(infinity), 1.0);
            same(Real::sigmoid(-infinity), 0.0);
            same(Real::sigmoid(0.0 as $real), 0.5);
            for (_, function) in functions::<$real>() {
                assert!(function($real::NAN).is_nan());
            }
            for pair in [(1.0, $real::NAN), ($real::NAN, 1.0)] {
                assert!(Real::max(pair.0, pair.1).is_nan() && Real::min(pair.0, pair.1).is_nan());
            }
            same(Real::max(1.0 as $real, 2.0), 2.0);
            same(Real::min(1.0 as $real, 2.0), 1.0);
            same($real::NAN.select_greater(0.0, 1.0, 2.0), 2.0);
        })+ };
    }
    edges!(f32, f64);
}
