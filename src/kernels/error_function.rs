//! The error function.
//!
//! f32: two polynomials fitted by N. Juffa (erf(a) = a + a·P(a²), and 1 - exp(-P(|a|)) for larger
//! arguments). f64: the rational functions of FreeBSD's msun (s_erf.c), one pair a range, their
//! coefficients selected instead of branched upon.

use crate::graph::scalar::Real;

/// erf(x) within 4 ULP.
#[inline(always)]
pub fn single(x: f32) -> f32 {
    // erf rounds to 1 beyond 3.92; the limit keeps the polynomial from leaving its range.
    let size = if x.abs() > 4.0 { 4.0 } else { x.abs() };
    let square = x * x;
    let large_square = size * size;
    let low = (-3.883_964e-3f32).mul_add(size, 2.425_462e-2);
    let large = (-1.728_534_7e-5f32).mul_add(size, 3.831_971_3e-4);
    let large = large.mul_add(large_square, low);
    let large = large.mul_add(size, -1.067_778_8e-1);
    let large = large.mul_add(size, -6.348_469e-1);
    let large = large.mul_add(size, -1.287_175_1e-1);
    let large = large.mul_add(size, -size);
    let large = (1.0 - Real::exp(large)).copysign(x);
    let small = (-5.967_617e-4f32).mul_add(square, 4.991_194_2e-3);
    let small = small.mul_add(square, -2.676_813_5e-2);
    let small = small.mul_add(square, 1.128_199_3e-1);
    let small = small.mul_add(square, -3.761_253_4e-1);
    let small = small.mul_add(square, 1.283_791_7e-1);
    let small = small.mul_add(x, x);
    if size > 0.927_734_4 { large } else { small }
}

/// The ranges of |x|: below 0.84375, below 1.25, below 1/0.35, and beyond.
const NUMERATORS: [[f64; 4]; 8] = [
    [
        0.128_379_167_095_512_56,
        -0.002_362_118_560_752_659_4,
        -0.009_864_944_034_847_148,
        -0.009_864_942_924_700_1,
    ],
    [
        -0.325_042_107_247_001_5,
        0.414_856_118_683_748_33,
        -0.693_858_572_707_181_8,
        -0.799_283_237_680_523,
    ],
    [
        -0.028_481_749_575_598_51,
        -0.372_207_876_035_701_3,
        -10.558_626_225_323_291,
        -17.757_954_917_754_752,
    ],
    [
        -0.005_770_270_296_489_442,
        0.318_346_619_901_161_75,
        -62.375_332_450_326_006,
        -160.636_384_855_821_92,
    ],
    [
        -2.376_301_665_665_016_3e-05,
        -0.110_894_694_282_396_68,
        -162.396_669_462_573_47,
        -637.566_443_368_389_6,
    ],
    [
        0.0,
        0.035_478_304_325_618_236,
        -184.605_092_906_711_04,
        -1_025.095_131_611_077_2,
    ],
    [
        0.0,
        -0.002_166_375_594_868_791,
        -81.287_435_506_306_6,
        -483.519_191_608_651_4,
    ],
    [0.0, 0.0, -9.814_329_344_169_145, 0.0],
];
const DENOMINATORS: [[f64; 4]; 9] = [
    [1.0, 1.0, 1.0, 1.0],
    [
        0.397_917_223_959_155_35,
        0.106_420_880_400_844_23,
        19.651_271_667_439_257,
        30.338_060_743_482_46,
    ],
    [
        0.065_022_249_988_767_3,
        0.540_397_917_702_171,
        137.657_754_143_519_04,
        325.792_512_996_573_9,
    ],
    [
        0.005_081_306_281_875_766,
        0.071_828_654_414_196_27,
        434.565_877_475_229_23,
        1_536.729_586_084_437,
    ],
    [
        0.000_132_494_738_004_321_64,
        0.126_171_219_808_761_64,
        645.387_271_733_267_9,
        3_199.858_219_508_595_5,
    ],
    [
        -3.960_228_278_775_368e-06,
        0.013_637_083_912_029_05,
        429.008_140_027_567_83,
        2_553.050_406_433_164_4,
    ],
    [
        0.0,
        0.011_984_499_846_799_107,
        108.635_005_541_779_44,
        474.528_541_206_955_37,
    ],
    [0.0, 0.0, 6.570_249_770_319_282, -22.440_952_446_585_82],
    [0.0, 0.0, -0.060_424_415_214_858_1, 0.0],
];
/// erf(1) to single precision, about which the second range expands.
const CENTER: f64 = 0.845_062_911_510_467_5;

/// Σ row[k] · x^k, with the coefficients of the first range that holds, else those of the last.
#[inline(always)]
fn horner(rows: &[[f64; 4]], [small, middle, large]: [bool; 3], x: f64) -> f64 {
    let mut sum = 0.0f64;
    for row in rows.iter().rev() {
        let coefficient = if large { row[2] } else { row[3] };
        let coefficient = if middle { row[1] } else { coefficient };
        let coefficient = if small { row[0] } else { coefficient };
        sum = sum.mul_add(x, coefficient);
    }
    sum
}

/// erf(x) within a relative 1e-15.
#[inline(always)]
pub fn double(x: f64) -> f64 {
    let size = if x.abs() > 6.0 { 6.0 } else { x.abs() };
    let small = size < 0.84375;
    let middle = size < 1.25;
    let large = size < 1.0 / 0.35;
    let square = size * size;
    let beyond = if middle { size - 1.0 } else { 1.0 / square };
    let argument = if small { square } else { beyond };
    let range = [small, middle, large];
    let ratio = horner(&NUMERATORS, range, argument) / horner(&DENOMINATORS, range, argument);
    let tail = 1.0 - Real::exp(ratio - square - 0.5625) / size;
    let beyond = if middle { CENTER + ratio } else { tail };
    if small {
        x.mul_add(ratio, x)
    } else {
        beyond.copysign(x)
    }
}
