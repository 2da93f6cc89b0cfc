//! One cell: its value, or what is wrong with it.

use crate::data::excerpt::quoted;
use crate::diagnostics::{Code, Diagnostic, Span};

/// Why a cell does not give a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum CellFault {
    /// Nothing, or one of the words that stand for nothing.
    Missing,
    NotUtf8,
    NotANumber,
    /// NaN, an infinity, or a number beyond what 64 bits hold.
    NotFinite,
}

/// Words that tables hold where a value is missing.
const MISSING: [&str; 9] = ["", "?", "NA", "N/A", "NaN", "nan", "NULL", "null", "#N/A"];

/// Whether the text, without spaces around it, stands for a missing value.
pub(super) fn is_missing(text: &str) -> bool {
    MISSING.contains(&text)
}

/// The finite number of a cell; spaces around it are not part of it.
pub(super) fn number(cell: &[u8]) -> Result<f64, CellFault> {
    if let Some(number) = short_decimal(cell) {
        return Ok(number);
    }
    let text = std::str::from_utf8(cell).map_err(|_| CellFault::NotUtf8)?;
    let text = text.trim_ascii();
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        Ok(_) => Err(CellFault::NotFinite),
        Err(_) if is_missing(text) => Err(CellFault::Missing),
        Err(_) => Err(CellFault::NotANumber),
    }
}

/// The number of a cell that is a decimal of at most 15 digits without spaces or exponent, as most are.
///
/// Digits and power of ten are then exact doubles, and their quotient is the nearest double to the
/// decimal (W. D. Clinger, "How to read floating point numbers accurately", 1990). The standard
/// library gives the same number more slowly, which a large table shows.
fn short_decimal(cell: &[u8]) -> Option<f64> {
    const POWERS: [f64; 16] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
    ];
    let (negative, decimal) = match cell.split_first() {
        Some((b'-', rest)) => (true, rest),
        _ => (false, cell),
    };
    if decimal.len() > 16 {
        return None;
    }
    let mut digits = 0_u64;
    let mut point = None;
    for (at, &byte) in decimal.iter().enumerate() {
        match byte {
            b'0'..=b'9' => digits = digits * 10 + u64::from(byte - b'0'),
            b'.' if point.is_none() => point = Some(at),
            _ => return None,
        }
    }
    let count = decimal.len() - usize::from(point.is_some());
    if count == 0 || count > 15 {
        return None;
    }
    let decimals = point.map_or(0, |at| decimal.len() - at - 1);
    let number = digits as f64 / POWERS[decimals];
    Some(if negative { -number } else { number })
}

/// The text of a category's cell; spaces around it are not part of it.
pub(super) fn word(cell: &[u8]) -> Result<&str, CellFault> {
    std::str::from_utf8(cell)
        .map(str::trim_ascii)
        .map_err(|_| CellFault::NotUtf8)
}

/// What a column is declared as, in the words of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Expected {
    Number,
    Category,
    Part,
}

impl CellFault {
    /// The fault in words, at the cell's place.
    pub fn describe(
        self,
        cell: &[u8],
        line: u64,
        column: &str,
        expected: Expected,
        place: Span,
    ) -> Diagnostic {
        let at = format!("line {line}, column `{column}`");
        let found = quoted(cell.trim_ascii());
        let value = match cell.trim_ascii() {
            b"" => "`\"\"`",
            _ => &found,
        };
        match self {
            CellFault::Missing => {
                let what = match cell.trim_ascii() {
                    b"" => "the cell is empty".to_owned(),
                    _ => format!("{found} stands for a missing value"),
                };
                let fault = Diagnostic::new(Code::BadCell, place, format!("{at}: {what}"))
                    .label("a value is missing");
                match expected {
                    Expected::Number => fault.help(format!(
                        "write a number here, take the row out of the table, or leave `{column}` out of \
                         the `data` section; `fill` is not supported yet"
                    )),
                    Expected::Category => fault.help(format!(
                        "write a value here, take the row out of the table, or make {value} a value by \
                         listing it in `values = [...]`"
                    )),
                    Expected::Part => {
                        fault.help("write `train`, `validate` or `test` here")
                    }
                }
            }
            CellFault::NotUtf8 => Diagnostic::new(
                Code::NotUtf8,
                place,
                format!("{at}: the cell is not UTF-8 text"),
            )
            .label("these bytes are no characters of UTF-8")
            .help("save the table as UTF-8"),
            CellFault::NotANumber => {
                let fault = Diagnostic::new(
                    Code::BadCell,
                    place,
                    format!("{at}: {found} is not a number"),
                )
                .label(format!("`{column}` is declared as a number"));
                match number_hint(cell) {
                    Some(hint) => fault.help(hint),
                    None => fault,
                }
            }
            CellFault::NotFinite => {
                let text = String::from_utf8_lossy(cell).to_lowercase();
                let what = match () {
                    () if text.contains("nan") => "is not a number",
                    () if text.contains("inf") => "is not a finite number",
                    () => "is beyond the largest number of 64 bits",
                };
                let fault =
                    Diagnostic::new(Code::NonFinite, place, format!("{at}: {found} {what}"))
                        .label("a finite number is needed");
                match what {
                    "is not a number" => fault.help(
                        "if it stands for a missing value, write a number here or take the row out of the \
                         table; `fill` is not supported yet",
                    ),
                    _ => fault,
                }
            }
        }
    }
}

/// What the writer of a cell may have meant.
fn number_hint(cell: &[u8]) -> Option<&'static str> {
    let text = std::str::from_utf8(cell).ok()?.trim_ascii();
    if text.replacen(',', ".", 1).parse::<f64>().is_ok() && text.matches(',').count() == 1 {
        return Some("the decimal sign is a point, and thousands are not separated");
    }
    if text
        .replace([',', '_', '\'', ' '], "")
        .parse::<f64>()
        .is_ok()
    {
        return Some("thousands are not separated");
    }
    if text
        .trim_matches(['$', '€', '£', '%'])
        .trim()
        .parse::<f64>()
        .is_ok()
    {
        return Some("write the number without its unit");
    }
    if text.bytes().all(|byte| !byte.is_ascii_digit()) {
        return Some("a column of words is declared as `category`");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_exactly() {
        for (cell, expected) in [
            ("1", 1.0),
            (" -0.1 ", -0.1),
            ("\t1e-3", 1e-3),
            ("+.5", 0.5),
            ("0.1000000000000000055511151231257827", 0.1),
            ("1e-400", 0.0),
        ] {
            assert_eq!(number(cell.as_bytes()), Ok(expected), "{cell}");
        }
    }

    #[test]
    fn short_decimals_are_those_of_the_standard_library() {
        let mut draws = crate::random::Stream::new(1, "test", "").draws(0, 0);
        for _ in 0..100_000 {
            let length = draws.below(17) as usize;
            let mut text: String = (0..length)
                .map(|_| (b'0' + draws.below(10) as u8) as char)
                .collect();
            text.insert(draws.below(length as u64 + 1) as usize, '.');
            let signed = format!("-{text}");
            for text in [&text[..], &text.replace('.', ""), &signed] {
                if let Some(number) = short_decimal(text.as_bytes()) {
                    let expected: f64 = text.parse().expect("a number");
                    assert_eq!(number.to_bits(), expected.to_bits(), "{text}");
                }
            }
        }
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
            "1234567890123456",
        ] {
            assert_eq!(short_decimal(text.as_bytes()), None, "{text}");
        }
        assert_eq!(
            short_decimal(b"-999999999999999."),
            Some(-999_999_999_999_999.0)
        );
    }

    #[test]
    fn what_is_no_number_is_told_apart() {
        use CellFault::{Missing, NotANumber, NotFinite, NotUtf8};
        for (cell, fault) in [
            (&b""[..], Missing),
            (b"  ", Missing),
            (b" ?", Missing),
            (b"NA", Missing),
            (b"null", Missing),
            (b"nan", NotFinite),
            (b"-inf", NotFinite),
            (b"Infinity", NotFinite),
            (b"1e999", NotFinite),
            (b"1,5", NotANumber),
            (b"0x10", NotANumber),
            (b"True", NotANumber),
            (b"1 2", NotANumber),
            (b"\xFF", NotUtf8),
        ] {
            assert_eq!(number(cell), Err(fault), "{cell:?}");
        }
    }

    #[test]
    fn hints_say_what_may_be_meant() {
        for (cell, hint) in [
            ("1,5", "decimal sign"),
            ("1,000,000", "thousands"),
            ("12 %", "unit"),
            ("$3.5", "unit"),
            ("True", "category"),
        ] {
            let found = number_hint(cell.as_bytes()).expect("a hint");
            assert!(found.contains(hint), "{cell}: {found}");
        }
        assert_eq!(number_hint(b"2011-01-01"), None);
    }
}
