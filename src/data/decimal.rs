//! Decimals without an exponent, whose digits are read together.

const BYTES: usize = 16;
const ZEROS: u128 = u128::from_ne_bytes([b'0'; BYTES]);
const LOW: u128 = u128::from_ne_bytes([0x7F; BYTES]);
const HIGH: u128 = u128::from_ne_bytes([0x80; BYTES]);
/// What takes a byte above 9 beyond 127.
const ABOVE_NINE: u128 = u128::from_ne_bytes([0x7F - 9; BYTES]);

/// For each length of a text the bytes that it takes at the end of sixteen.
static TEXT: [u128; BYTES + 1] = {
    let mut masks = [0; BYTES + 1];
    let mut length = 1;
    while length <= BYTES {
        masks[length] = !0 << (8 * (BYTES - length));
        length += 1;
    }
    masks
};

/// For each place of the decimal point, the last of them if there is none: the bytes before it, the
/// bytes behind it, and ten to the power of their number.
static POINT: [(u128, u128, f64); BYTES + 1] = {
    const POWERS: [f64; BYTES] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
    ];
    let mut points = [(0, !0, 1.0); BYTES + 1];
    let mut place = 0;
    while place < BYTES {
        let before = (1 << (8 * place)) - 1;
        points[place] = (before, !(before << 8 | 0xFF), POWERS[BYTES - 1 - place]);
        place += 1;
    }
    points
};

/// The number that stands at `start..end`, before a byte that is no point, if it is a decimal of at
/// most 15 digits without spaces, plus sign or exponent, as most are. There are 16 bytes or more before
/// its end.
///
/// Digits and power of ten are then exact doubles, and their quotient is the nearest double to the
/// decimal (W. D. Clinger, "How to read floating point numbers accurately", 1990). All digits are
/// looked at together, since the numbers of a table differ in length, which a processor cannot guess.
#[inline]
pub(super) fn short_decimal(bytes: &[u8], start: usize, end: usize) -> Option<f64> {
    let negative = *bytes.get(start)? == b'-';
    let length = end.checked_sub(start + usize::from(negative))?;
    let from = end.checked_sub(BYTES)?;
    let text: &[u8; BYTES] = bytes.get(from..end)?.try_into().ok()?;
    let digits = (u128::from_le_bytes(*text) ^ ZEROS) & TEXT.get(length)?;
    let others = (((digits & LOW) + ABOVE_NINE) | digits) & HIGH;
    let place = others.trailing_zeros() as usize / 8;
    let has_point = bytes.get(from + place) == Some(&b'.');
    let is_decimal = if has_point {
        others & others.wrapping_sub(1) == 0 && length > 1
    } else {
        others == 0 && length > 0 && length < BYTES
    };
    if !is_decimal {
        return None;
    }
    let (before, behind, power) = &POINT[place];
    let digits = (digits & before) << 8 | digits & behind;
    let digits = 100_000_000 * eight(digits as u64) + eight((digits >> 64) as u64);
    let number = digits as i64 as f64 / power;
    Some(if negative { -number } else { number })
}

/// The number of eight digits, the first in the lowest byte: pairs, fours and eights of digits become
/// numbers side by side (W. Muła, "SIMD-ized conversion of strings to integers", 2014).
#[inline]
fn eight(digits: u64) -> u64 {
    const PAIRS: u64 = 0x0000_00FF_0000_00FF;
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let first = (pairs & PAIRS).wrapping_mul(100 + (1_000_000 << 32));
    let second = ((pairs >> 16) & PAIRS).wrapping_mul(1 + (10_000 << 32));
    first.wrapping_add(second) >> 32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    /// What is read, whatever stands before and behind.
    fn read(text: &str) -> Option<f64> {
        let mut found = Vec::new();
        for before in ["0", ".", "-", ",", "\u{FF}"] {
            for behind in [",", "\n", "\0"] {
                let padded = format!("{}{text}{behind}", before.repeat(BYTES));
                let start = BYTES * before.len();
                found.push(short_decimal(padded.as_bytes(), start, start + text.len()));
            }
        }
        let bits = found[0].map(f64::to_bits);
        assert!(
            found.iter().all(|number| number.map(f64::to_bits) == bits),
            "{text}"
        );
        found[0]
    }

    #[test]
    fn short_decimals_are_those_of_the_standard_library() {
        let mut draws = Stream::new(1, "test", "").draws(0, 0);
        for _ in 0..100_000 {
            let length = 1 + draws.below(15) as usize;
            let digits: String = (0..length)
                .map(|_| (b'0' + draws.below(10) as u8) as char)
                .collect();
            let mut pointed = digits.clone();
            pointed.insert(draws.below(length as u64 + 1) as usize, '.');
            for text in [
                &digits,
                &pointed,
                &format!("-{digits}"),
                &format!("-{pointed}"),
            ] {
                let expected: f64 = text.parse().expect("a number");
                let number = read(text).expect("a short decimal");
                assert_eq!(number.to_bits(), expected.to_bits(), "{text}");
            }
        }
        assert_eq!(short_decimal(b"12,", 0, 2), None);
        assert_eq!(read("-0").map(f64::to_bits), Some((-0.0_f64).to_bits()));
    }

    #[test]
    fn what_is_no_short_decimal_is_left() {
        for text in [
            "",
            "-",
            ".",
            "-.",
            "1e3",
            "+1",
            "1.2.3",
            "--1",
            " 1",
            "1 ",
            "1-",
            "-1-",
            "..",
            "ä",
            "\"1\"",
            "/",
            ":",
            "1:",
            "\u{1}",
            "1234567890123456",
            "1234567890.1234567",
            "-1234567890123456",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
