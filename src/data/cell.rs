//! One cell: its value, or what is wrong with it.

use crate::data::excerpt::quoted;
use crate::data::faults::Cause;
use crate::data::format::NumberFormat;
use crate::data::missing::is_usual;
use crate::data::number_hint::NumberHint;
use crate::data::recognise::OTHER_ENCODING;
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

/// The finite number of a cell; spaces around it are not part of it.
pub(super) fn number(cell: &[u8]) -> Result<f64, CellFault> {
    if let Ok(number) = fast_float2::parse::<f64, _>(cell.trim_ascii())
        && number.is_finite()
    {
        return Ok(number);
    }
    let text = std::str::from_utf8(cell).map_err(|_| CellFault::NotUtf8)?;
    let text = text.trim_ascii();
    if is_usual(text) {
        return Err(CellFault::Missing);
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        Ok(_) => Err(CellFault::NotFinite),
        Err(_) => Err(CellFault::NotANumber),
    }
}

/// The finite number of a cell whose signs are those of a format.
pub(super) fn number_in(cell: &[u8], format: NumberFormat) -> Result<f64, CellFault> {
    if format.is_plain() {
        return number(cell);
    }
    let text = std::str::from_utf8(cell).map_err(|_| CellFault::NotUtf8)?;
    let text = text.trim_ascii();
    match format.plain(text) {
        Some(plain) if !plain.is_empty() => number(plain.as_bytes()),
        Some(_) => Err(CellFault::Missing),
        // What stands for nothing has no signs; a point is not read otherwise than it is meant.
        None => match number(cell) {
            Ok(_) => Err(CellFault::NotANumber),
            Err(fault) => Err(fault),
        },
    }
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

/// Where a cell stands that is not what it should be.
#[derive(Clone, Copy)]
pub(super) struct CellContext<'c> {
    pub line: u64,
    pub column: &'c str,
    pub expected: Expected,
    pub format: NumberFormat,
    /// Whether the table is read for the predictions of a run, which cannot be changed any more.
    pub learned: bool,
}

impl CellFault {
    /// What is reported together.
    pub fn cause(self, cell: &[u8], context: &CellContext) -> Cause {
        match self {
            CellFault::Missing => Cause::Missing(context.expected),
            CellFault::NotUtf8 => Cause::Encoding,
            CellFault::NotANumber => Cause::NotANumber(NumberHint::of(cell)),
            CellFault::NotFinite => Cause::NotFinite(not_finite(cell)),
        }
    }

    /// The fault in words, at the cell's place.
    pub fn describe(self, cell: &[u8], context: &CellContext, place: Span) -> Diagnostic {
        let CellContext {
            line,
            column,
            learned,
            ..
        } = *context;
        let at = format!("line {line}, column `{column}`");
        let found = quoted(cell.trim_ascii());
        match self {
            CellFault::Missing => {
                let what = match cell.trim_ascii() {
                    b"" => "the cell is empty".to_owned(),
                    _ => format!("{found} stands for a missing value"),
                };
                let fault = Diagnostic::new(Code::BadCell, place, format!("{at}: {what}"))
                    .label("a value is missing");
                missing_help(fault, cell, context)
            }
            CellFault::NotUtf8 => Diagnostic::new(
                Code::NotUtf8,
                place,
                format!("{at}: the cell is not UTF-8 text"),
            )
            .label("these bytes are no characters of UTF-8")
            .help(OTHER_ENCODING),
            CellFault::NotANumber => {
                let fault = Diagnostic::new(
                    Code::BadCell,
                    place,
                    format!("{at}: {found} is not a number"),
                )
                .label(format!("`{column}` is declared as a number"));
                match NumberHint::of(cell).help(context.format, learned) {
                    Some(help) => fault.help(help),
                    None => fault,
                }
            }
            CellFault::NotFinite => {
                let what = not_finite(cell);
                let fault =
                    Diagnostic::new(Code::NonFinite, place, format!("{at}: {found} {what}"))
                        .label("a finite number is needed");
                match what {
                    "is not a number" => missing_help(fault, cell, context),
                    _ => fault,
                }
            }
        }
    }
}

fn missing_help(fault: Diagnostic, cell: &[u8], context: &CellContext) -> Diagnostic {
    let text = quoted(cell.trim_ascii());
    match (context.expected, cell.trim_ascii(), context.learned) {
        (Expected::Part, _, _) => fault.help("write `train`, `validate` or `test` here"),
        (Expected::Number | Expected::Category, b"", _) => {
            fault.help("write a value here, or remove the line from the table")
        }
        (Expected::Number | Expected::Category, _, false) => fault.help(format!(
            "if {text} stands for a missing value, list it in `missing`"
        )),
        (Expected::Number | Expected::Category, _, true) => {
            fault.help("write a number here, or nothing if it is missing")
        }
    }
}

fn not_finite(cell: &[u8]) -> &'static str {
    let text = String::from_utf8_lossy(cell).to_lowercase();
    if text.contains("nan") {
        "is not a number"
    } else if text.contains("inf") {
        "is not a finite number"
    } else {
        "is beyond the largest number of 64 bits"
    }
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
    fn numbers_are_those_of_the_standard_library() {
        let mut draws = crate::random::Stream::new(1, "test", "").draws(0, 0);
        let characters = b"00112233445566778899..eE+-_ni";
        for _ in 0..50_000 {
            let length = 1 + draws.below(25);
            let text: String = (0..length)
                .map(|_| characters[draws.below(characters.len() as u64) as usize] as char)
                .collect();
            let number = number(text.as_bytes()).ok().map(f64::to_bits);
            let expected = text.parse::<f64>().ok().filter(|number| number.is_finite());
            assert_eq!(number, expected.map(f64::to_bits), "{text}");
        }
        for _ in 0..50_000 {
            let (bits, exponent) = (draws.bits(), draws.below(60));
            let value = f64::from_bits(bits);
            let longer = format!("0.{bits}{bits}e-{exponent}");
            for text in [format!("{value:e}"), format!("{bits}e{exponent}"), longer] {
                let number = number(text.as_bytes()).ok().map(f64::to_bits);
                let expected = text.parse::<f64>().ok().filter(|number| number.is_finite());
                assert_eq!(number, expected.map(f64::to_bits), "{text}");
            }
        }
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
            (b"nan", Missing),
            (b"None", Missing),
            (b"-nan", NotFinite),
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
}
