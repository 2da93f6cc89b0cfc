//! The normal distribution's quantiles.

/// The polynomials of Wichura's AS241, "The percentage points of the normal distribution", Applied
/// Statistics 37 (1988), each from its highest power on.
type Polynomial = [f64; 8];

/// Near the middle, in 0.180625 - (p - 1/2)².
const MIDDLE: Polynomial = [
    2509.0809287301227,
    33430.57558358813,
    67265.7709270087,
    45921.95393154987,
    13731.69376550946,
    1971.5909503065513,
    133.14166789178438,
    3.3871328727963665,
];
const MIDDLE_BELOW: Polynomial = [
    5226.495278852854,
    28729.085735721943,
    39307.89580009271,
    21213.794301586597,
    5394.196021424751,
    687.1870074920579,
    42.31333070160091,
    1.0,
];
/// In the tails, in √(-ln p) - 1.6.
const TAIL: Polynomial = [
    0.0007745450142783414,
    0.022723844989269184,
    0.2417807251774506,
    1.2704582524523684,
    3.6478483247632045,
    5.769497221460691,
    4.630337846156546,
    1.4234371107496835,
];
const TAIL_BELOW: Polynomial = [
    1.0507500716444169e-09,
    0.0005475938084995345,
    0.015198666563616457,
    0.14810397642748008,
    0.6897673349851,
    1.6763848301838038,
    2.053191626637759,
    1.0,
];
/// Far out, in √(-ln p) - 5.
const FAR: Polynomial = [
    2.0103343992922881e-07,
    2.7115555687434876e-05,
    0.0012426609473880784,
    0.026532189526576124,
    0.29656057182850487,
    1.7848265399172913,
    5.463784911164114,
    6.657904643501103,
];
const FAR_BELOW: Polynomial = [
    2.0442631033899397e-15,
    1.421511758316446e-07,
    1.8463183175100548e-05,
    0.0007868691311456133,
    0.014875361290850615,
    0.1369298809227358,
    0.599832206555888,
    1.0,
];

/// The number that a normally distributed one is below with the probability `p`, to about 16 digits;
/// infinite for 0 and 1.
pub(super) fn normal_quantile(p: f64) -> f64 {
    let from_middle = p - 0.5;
    if from_middle.abs() <= 0.425 {
        let r = 0.180625 - from_middle * from_middle;
        return from_middle * ratio(&MIDDLE, &MIDDLE_BELOW, r);
    }
    let tail = if from_middle < 0.0 { p } else { 1.0 - p };
    if tail <= 0.0 {
        return from_middle.signum() * f64::INFINITY;
    }
    let r = (-tail.ln()).sqrt();
    let far = if r <= 5.0 {
        ratio(&TAIL, &TAIL_BELOW, r - 1.6)
    } else {
        ratio(&FAR, &FAR_BELOW, r - 5.0)
    };
    far.copysign(from_middle)
}

fn ratio(above: &Polynomial, below: &Polynomial, r: f64) -> f64 {
    let at_r = |polynomial: &Polynomial| polynomial.iter().fold(0.0, |sum, next| sum * r + next);
    at_r(above) / at_r(below)
}

#[cfg(test)]
mod tests {
    use super::normal_quantile;

    #[test]
    fn quantiles_are_those_of_python() {
        // Python's statistics.NormalDist().inv_cdf
        for (p, expected) in [
            (1e-300, -37.0470962993612),
            (1e-20, -9.262340089798405),
            (1e-07, -5.199337582192817),
            (0.01, -2.3263478740408408),
            (0.075, -1.4395314709384557),
            (0.2, -0.8416212335729142),
            (0.5, 0.0),
            (0.6, 0.2533471031357998),
            (0.975, 1.9599639845400536),
            (0.999999, 4.753424308817089),
        ] {
            let found = normal_quantile(p);
            assert!(
                (found - expected).abs() <= 1e-14 * f64::abs(expected),
                "{p}: {found}"
            );
        }
        assert_eq!(normal_quantile(0.0), f64::NEG_INFINITY);
        assert_eq!(normal_quantile(1.0), f64::INFINITY);
    }
}
