//! Transforms of numbers that statistics shape: to the normal distribution by ranks, and by a power.

use crate::data::normal::normal_quantile;

/// What comes between `log` and the last subtraction and division.
#[derive(Clone, PartialEq, Debug)]
pub enum Transform {
    /// To the normal distribution by ranks, by the quantiles of the training rows: scikit-learn's
    /// `QuantileTransformer(output_distribution = "normal", subsample = None)`.
    Quantile(Vec<f64>),
    /// Yeo and Johnson's power transform with this λ.
    Power(f64),
}

/// The most quantiles that are kept.
const MOST_QUANTILES: usize = 1000;

/// A number this near to the least or the greatest counts as one of them.
const BOUND: f64 = 1e-7;

impl Transform {
    /// The quantiles of sorted numbers.
    pub(super) fn quantile(sorted: &[f64]) -> Self {
        let count = sorted.len().clamp(1, MOST_QUANTILES);
        let mut quantiles: Vec<f64> = (0..count)
            .map(|at| quantile_of(sorted, share(at, count)))
            .collect();
        for at in 1..count {
            quantiles[at] = quantiles[at].max(quantiles[at - 1]);
        }
        Transform::Quantile(quantiles)
    }

    /// The power that makes the numbers most likely to be normally distributed.
    pub(super) fn power(numbers: &[f64]) -> Self {
        Transform::Power(most_likely_power(numbers))
    }

    pub fn apply(&self, value: f64) -> f64 {
        match self {
            Transform::Quantile(quantiles) => rank(quantiles, value),
            Transform::Power(power) => yeo_johnson(value, *power),
        }
    }

    /// The number that [`Transform::apply`] maps to `value`; `None` where there is none. What a power
    /// does not reach is taken for the last number that it does.
    pub fn invert(&self, value: f64) -> Option<f64> {
        match self {
            Transform::Quantile(_) => None,
            Transform::Power(power) => Some(inverse_yeo_johnson(value, *power)),
        }
    }
}

/// numpy's linear quantile of sorted numbers.
pub(super) fn quantile_of(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len() - 1;
    // numpy goes by percentages, whose rounding decides which of equal numbers a quantile is.
    let at = share * 100.0 / 100.0 * last as f64;
    let below = (at.floor() as usize).min(last);
    let above = (below + 1).min(last);
    let (low, high, part) = (sorted[below], sorted[above], at - below as f64);
    // numpy's, which keeps the order of the quantiles.
    if part >= 0.5 {
        high - (high - low) * (1.0 - part)
    } else {
        low + (high - low) * part
    }
}

/// The share of the quantile at a place of `count`.
fn share(at: usize, count: usize) -> f64 {
    match count {
        0 | 1 => 0.0,
        _ if at + 1 == count => 1.0,
        _ => at as f64 * (1.0 / (count - 1) as f64),
    }
}

/// The normal quantile of a number's rank; of equal quantiles the mean of the first and the last rank.
fn rank(quantiles: &[f64], value: f64) -> f64 {
    let count = quantiles.len();
    let (first, last) = (quantiles[0], quantiles[count - 1]);
    let rank = if value - BOUND < first {
        0.0
    } else if value + BOUND > last {
        1.0
    } else {
        let above = quantiles.partition_point(|quantile| *quantile <= value);
        let from = quantiles.partition_point(|quantile| *quantile < value);
        0.5 * (rank_from_below(quantiles, above - 1, value)
            + rank_from_above(quantiles, from, value))
    };
    let least = normal_quantile(BOUND - f64::EPSILON);
    let greatest = normal_quantile(1.0 - (BOUND - f64::EPSILON));
    normal_quantile(rank).clamp(least, greatest)
}

/// The rank between a quantile that is at most `value` and the one after it.
fn rank_from_below(quantiles: &[f64], at: usize, value: f64) -> f64 {
    let count = quantiles.len();
    if at + 1 >= count {
        return 1.0;
    }
    let slope = (share(at + 1, count) - share(at, count)) / (quantiles[at + 1] - quantiles[at]);
    slope * (value - quantiles[at]) + share(at, count)
}

/// The rank between a quantile that is at least `value` and the one before it.
fn rank_from_above(quantiles: &[f64], at: usize, value: f64) -> f64 {
    let count = quantiles.len();
    if at == 0 {
        return 0.0;
    }
    let slope = (share(at, count) - share(at - 1, count)) / (quantiles[at] - quantiles[at - 1]);
    share(at, count) - slope * (quantiles[at] - value)
}

/// Yeo and Johnson, "A new family of power transformations to improve normality or symmetry",
/// Biometrika 87 (2000).
fn yeo_johnson(x: f64, power: f64) -> f64 {
    if x >= 0.0 {
        if power.abs() < f64::EPSILON {
            x.ln_1p()
        } else {
            (power * x.ln_1p()).exp_m1() / power
        }
    } else if (power - 2.0).abs() > f64::EPSILON {
        -((2.0 - power) * (-x).ln_1p()).exp_m1() / (2.0 - power)
    } else {
        -(-x).ln_1p()
    }
}

fn inverse_yeo_johnson(y: f64, power: f64) -> f64 {
    // How far a power may be from the last number that it reaches.
    const LAST: f64 = -1.0 + f64::EPSILON;
    if y >= 0.0 {
        if power.abs() < f64::EPSILON {
            y.exp_m1()
        } else {
            ((y * power).max(LAST).ln_1p() / power).exp_m1()
        }
    } else if (power - 2.0).abs() > f64::EPSILON {
        let other = 2.0 - power;
        -((-other * y).max(LAST).ln_1p() / other).exp_m1()
    } else {
        -(-y).exp_m1()
    }
}

/// The logarithm of the likelihood of a power, up to a constant; minus infinity where it cannot be
/// computed.
pub(super) fn likelihood(numbers: &[f64], power: f64) -> f64 {
    let count = numbers.len() as f64;
    let transformed = || numbers.iter().map(|&number| yeo_johnson(number, power));
    let mean = transformed().sum::<f64>() / count;
    let squares = transformed().map(|value| (value - mean) * (value - mean));
    let variance = squares.sum::<f64>() / count;
    let logarithms = numbers.iter().map(|x| x.abs().ln_1p().copysign(*x));
    let likelihood = -0.5 * count * variance.ln() + (power - 1.0) * logarithms.sum::<f64>();
    if likelihood.is_finite() {
        likelihood
    } else {
        f64::NEG_INFINITY
    }
}

fn most_likely_power(numbers: &[f64]) -> f64 {
    const STEPS: usize = 60;
    let unlikely = |power: f64| -likelihood(numbers, power);
    // From no transform downhill, until it goes up again.
    let (mut low, mut middle, mut high) = (0.0, 1.0, 2.0);
    let mut known = [low, middle, high].map(unlikely);
    for _ in 0..STEPS {
        if known[0] < known[1] {
            (low, middle, high) = (low - (high - low) / 2.0, low, middle);
            known = [unlikely(low), known[0], known[1]];
        } else if known[2] < known[1] {
            (low, middle, high) = (middle, high, high + (high - low) / 2.0);
            known = [known[1], known[2], unlikely(high)];
        } else {
            break;
        }
    }
    least(unlikely, low, middle, high, known[1])
}

/// Brent's search for where a function is least between `low` and `high`, with its value at a point
/// between them: "Algorithms for Minimization without Derivatives" (1973), chapter 5.
fn least(function: impl Fn(f64) -> f64, mut low: f64, start: f64, mut high: f64, at: f64) -> f64 {
    const STEPS: usize = 200;
    const GOLDEN: f64 = 0.381_966_011_250_105_15;
    const NEAR: f64 = 1.5e-8;
    let (mut best, mut second, mut third) = (start, start, start);
    let (mut at_best, mut at_second, mut at_third) = (at, at, at);
    let (mut step, mut step_before) = (0.0_f64, 0.0_f64);
    for _ in 0..STEPS {
        let middle = 0.5 * (low + high);
        let near = NEAR * best.abs() + 1e-11;
        if (best - middle).abs() <= 2.0 * near - 0.5 * (high - low) {
            break;
        }
        let mut golden = true;
        if step_before.abs() > near {
            let r = (best - second) * (at_best - at_third);
            let q = (best - third) * (at_best - at_second);
            let p = (best - third) * q - (best - second) * r;
            let q = 2.0 * (q - r);
            let (p, q) = if q > 0.0 { (-p, q) } else { (p, -q) };
            let before = std::mem::replace(&mut step_before, step);
            let inside = p > q * (low - best) && p < q * (high - best);
            if inside && p.abs() < (0.5 * q * before).abs() {
                step = p / q;
                golden = false;
                let next = best + step;
                if next - low < 2.0 * near || high - next < 2.0 * near {
                    step = near.copysign(middle - best);
                }
            }
        }
        if golden {
            step_before = if best >= middle {
                low - best
            } else {
                high - best
            };
            step = GOLDEN * step_before;
        }
        let tried = best
            + if step.abs() >= near {
                step
            } else {
                near.copysign(step)
            };
        let at_tried = function(tried);
        if at_tried <= at_best {
            if tried >= best {
                low = best;
            } else {
                high = best;
            }
            (third, at_third) = (second, at_second);
            (second, at_second) = (best, at_best);
            (best, at_best) = (tried, at_tried);
            continue;
        }
        if tried < best {
            low = tried;
        } else {
            high = tried;
        }
        if at_tried <= at_second || second == best {
            (third, at_third) = (second, at_second);
            (second, at_second) = (tried, at_tried);
        } else if at_tried <= at_third || third == best || third == second {
            (third, at_third) = (tried, at_tried);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_is_undone() {
        for power in [-1.5, 0.0, 0.5, 1.0, 2.0, 3.25] {
            let transform = Transform::Power(power);
            for x in [-30.0, -1.0, -1e-9, 0.0, 1e-9, 0.5, 40.0] {
                let back = transform.invert(transform.apply(x)).expect("a power");
                assert!(
                    (back - x).abs() <= 1e-9 * f64::abs(x).max(1e-3),
                    "{power} {x} {back}"
                );
            }
        }
        // What λ = -2 never reaches is beyond its bound of 1/2.
        let bounded = Transform::Power(-2.0).invert(0.7).expect("a power");
        assert!(bounded.is_finite() && bounded > 1e6);
    }

    #[test]
    fn the_least_of_a_parabola_is_found() {
        let found = least(|x| (x - 1.25).powi(2), -3.0, 1.0, 8.0, 0.0625);
        assert!((found - 1.25).abs() < 1e-7, "{found}");
    }

    #[test]
    fn quantiles_are_linear_between_numbers() {
        let sorted = [1.0, 2.0, 4.0, 8.0];
        let found = [0.0, 0.25, 0.5, 0.75, 1.0].map(|share| quantile_of(&sorted, share));
        assert_eq!(found, [1.0, 1.75, 3.0, 5.0, 8.0]);
        assert_eq!(quantile_of(&[3.0], 0.4), 3.0);
    }
}
