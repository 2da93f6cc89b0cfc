//! Numbers and strings as they are written, and what is wrong with those that are written otherwise.

use super::token::quoted;
use crate::diagnostics::{Code, Diagnostic, FileId, MOST_FAULTS, Span};

pub(super) struct NumberLiteral {
    /// Bytes of the text.
    pub length: usize,
    pub value: f64,
    pub integer: Option<u64>,
    pub percent: bool,
    pub fault: Option<Diagnostic>,
}

/// Reads the number at the beginning of `rest`, which stands at byte `at` of its file.
pub(super) fn read_number(rest: &str, at: usize, file: FileId) -> NumberLiteral {
    let length = length_of_number(rest.as_bytes());
    let digits = &rest[..length];
    let percent = rest[length..].starts_with('%');
    let length = length + usize::from(percent);
    let written = &rest[..length];
    let span = Span::new(file, at..at + length);

    if !is_plain(digits) {
        let fault = Diagnostic::new(
            Code::Syntax,
            span,
            format!("{} is not a number", quoted(written)),
        );
        return match mend(digits) {
            Some(plain) => {
                let value = plain.parse().unwrap_or(0.0);
                let fix = if percent { format!("{plain}%") } else { plain };
                NumberLiteral {
                    length,
                    value,
                    integer: None,
                    percent,
                    fault: Some(
                        fault
                            .label(format!("write {}", quoted(&fix)))
                            .suggest(span, fix),
                    ),
                }
            }
            None => NumberLiteral {
                length,
                value: 0.0,
                integer: None,
                percent,
                fault: Some(explain_number(digits, fault)),
            },
        };
    }

    let value: f64 = digits.parse().expect("a plain number is a Rust literal");
    let whole = digits.bytes().all(|byte| byte.is_ascii_digit());
    let integer = (whole && !percent)
        .then(|| digits.parse::<u64>().ok())
        .flatten();
    let significand = digits.split(['e', 'E']).next().unwrap_or(digits);
    let is_zero = !significand.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
    let fault = if value.is_infinite() {
        Some((
            "this number is too large",
            "larger than 1.797e308, the largest number",
        ))
    } else if value == 0.0 && !is_zero {
        Some((
            "this number is too small",
            "smaller than any number but zero",
        ))
    } else if whole && !percent && integer.is_none() {
        Some((
            "this whole number is too large",
            "larger than 18446744073709551615, the largest whole number",
        ))
    } else {
        None
    };
    NumberLiteral {
        length,
        value: match (value.is_finite(), percent) {
            (true, true) => value / 100.0,
            (true, false) => value,
            (false, _) => 0.0,
        },
        integer,
        percent,
        fault: fault
            .map(|(message, label)| Diagnostic::new(Code::OutOfRange, span, message).label(label)),
    }
}

/// How far a number goes that is begun here: letters, digits, points, and the sign of an exponent.
fn length_of_number(bytes: &[u8]) -> usize {
    let mut length = 0;
    while let Some(&byte) = bytes.get(length) {
        let sign_of_exponent = (byte == b'+' || byte == b'-')
            && matches!(bytes[length - 1], b'e' | b'E')
            && bytes[..length - 1]
                .iter()
                .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'_'))
            && bytes.get(length + 1).is_some_and(u8::is_ascii_digit);
        if byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'_' || sign_of_exponent {
            length += 1;
        } else {
            break;
        }
    }
    length
}

/// Whether this is digits, perhaps a point with digits on both sides, perhaps an exponent.
fn is_plain(number: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let (significand, exponent) = match number.split_once(['e', 'E']) {
        Some((significand, exponent)) => (significand, Some(exponent)),
        None => (number, None),
    };
    let significand_fits = match significand.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(significand),
    };
    let exponent_fits = exponent
        .is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)));
    significand_fits && exponent_fits
}

/// The plain number that a number of another language stands for: `.5`, `5.`, `1_000`, `1.f`.
fn mend(number: &str) -> Option<String> {
    let mut plain = number.replace('_', "");
    if plain.starts_with('.') {
        plain.insert(0, '0');
    }
    if let Some(without_suffix) = plain.strip_suffix(['f', 'F', 'd', 'D', 'L']) {
        plain = without_suffix.to_string();
    }
    let point = plain
        .find('.')
        .filter(|point| !plain[point + 1..].starts_with(|next: char| next.is_ascii_digit()));
    if let Some(point) = point {
        plain.insert(point + 1, '0');
    }
    is_plain(&plain).then_some(plain)
}

fn explain_number(number: &str, fault: Diagnostic) -> Diagnostic {
    let lower = number.to_ascii_lowercase();
    let begins = |prefix: &str| lower.starts_with(prefix);
    if begins("0x") || begins("0b") || begins("0o") {
        fault.help("numbers are decimal")
    } else if is_path(number) {
        fault
            .label("a path that begins with a number")
            .help(format!("write `\"{number}\"`, or give the stage a label"))
    } else if lower.matches('.').count() > 1 {
        fault.label("a number has one point at most")
    } else if lower.ends_with('e') && is_plain(&lower[..lower.len() - 1]) {
        fault.label("the exponent is missing, as in `1e-3`")
    } else {
        fault.help("a name begins with a letter, and a number has no unit")
    }
}

/// Whether this is the path of a parameter of an unlabelled stage: `0.weight`, `2.0.bias`.
fn is_path(number: &str) -> bool {
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let word = |part: &str| part.starts_with(|first: char| first.is_ascii_alphabetic());
    let mut parts = number.split('.');
    let last = parts.next_back().unwrap_or("");
    number.contains('.') && parts.all(digits) && word(last)
}

pub(super) struct StringLiteral {
    /// Bytes of the text, with the marks.
    pub length: usize,
    /// The characters meant, with the escapes resolved.
    pub text: String,
    pub faults: Vec<Diagnostic>,
}

/// Reads the string at the beginning of `rest`, which stands at byte `at` of its file. A string
/// that is not closed ends with its line.
pub(super) fn read_string(rest: &str, at: usize, file: FileId) -> StringLiteral {
    let mut text = String::new();
    let mut faults = Vec::new();
    let mut characters = rest.char_indices().skip(1);
    while let Some((offset, character)) = characters.next() {
        match character {
            '"' => {
                return StringLiteral {
                    length: offset + 1,
                    text,
                    faults,
                };
            }
            '\n' => break,
            '\\' => match rest[offset + 1..].chars().next() {
                Some(escape @ ('"' | '\\' | 'n' | 't')) => {
                    text.push(match escape {
                        'n' => '\n',
                        't' => '\t',
                        _ => escape,
                    });
                    characters.next();
                }
                // A sign of globs that is meant as it is: what reads names takes the backslash away.
                Some(escape @ ('*' | '?')) => {
                    text.extend(['\\', escape]);
                    characters.next();
                }
                Some(escape) if !escape.is_control() => {
                    let end = offset + 1 + escape.len_utf8();
                    let span = Span::new(file, at + offset..at + end);
                    let fault = Diagnostic::new(
                        Code::Syntax,
                        span,
                        format!("`\\{escape}` is not an escape"),
                    )
                    .help("the escapes are \\\" \\\\ \\n \\t, and \\* \\? in names; a backslash itself is written \\\\")
                    .suggest(span, format!("\\\\{escape}"));
                    if faults.len() < MOST_FAULTS {
                        faults.push(fault);
                    }
                    text.push(escape);
                    characters.next();
                }
                Some(_) | None => {}
            },
            _ => text.push(character),
        }
    }
    let line = rest.split('\n').next().unwrap_or(rest).trim_end();
    let span = Span::new(file, at..at + line.len());
    let fault = Diagnostic::new(Code::Syntax, span, "this string is never closed")
        .label("a string ends with `\"` on the line it begins on");
    // A second fault inside text that may not be meant as a string would only mislead.
    StringLiteral {
        length: line.len(),
        text,
        faults: vec![fault],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> (f64, Option<u64>, bool) {
        let literal = read_number(text, 0, FileId(0));
        assert_eq!(literal.fault, None, "{text}");
        assert_eq!(literal.length, text.len());
        (literal.value, literal.integer, literal.percent)
    }

    #[test]
    fn numbers_have_their_values() {
        assert_eq!(number("8"), (8.0, Some(8), false));
        assert_eq!(number("0.1"), (0.1, None, false));
        assert_eq!(number("1e-3"), (1e-3, None, false));
        assert_eq!(number("2.5E+2"), (250.0, None, false));
        assert_eq!(number("20%"), (0.2, None, true));
        assert_eq!(number("12.5%"), (0.125, None, true));
        assert_eq!(number("0e5"), (0.0, None, false));
        assert_eq!(number("18446744073709551615").1, Some(u64::MAX));
    }

    #[test]
    fn numbers_of_other_languages_are_mended() {
        for (wrong, right) in [
            (".5", "0.5"),
            ("5.", "5.0"),
            ("5.e3", "5.0e3"),
            ("1_000", "1000"),
            ("1_000.5%", "1000.5%"),
            ("2.f", "2.0"),
            ("3f", "3"),
        ] {
            let literal = read_number(wrong, 0, FileId(0));
            let fix = literal
                .fault
                .and_then(|fault| fault.suggestion)
                .map(|edit| edit.replacement);
            assert_eq!(fix.as_deref(), Some(right));
            assert_eq!(literal.length, wrong.len());
        }
    }

    #[test]
    fn numbers_that_cannot_be_held_are_out_of_range() {
        for text in ["1e400", "1e-400", "18446744073709551616"] {
            let fault = read_number(text, 0, FileId(0)).fault.expect(text);
            assert_eq!(fault.code, Code::OutOfRange);
        }
    }

    #[test]
    fn numbers_end_where_the_operator_begins() {
        assert_eq!(read_number("8-1", 0, FileId(0)).length, 1);
        assert_eq!(read_number("1e3-1", 0, FileId(0)).length, 3);
        assert_eq!(read_number("3->", 0, FileId(0)).length, 1);
    }

    #[test]
    fn escapes_are_resolved() {
        let literal = read_string(r#""a\"b\\c\n\td" rest"#, 0, FileId(0));
        assert_eq!(literal.text, "a\"b\\c\n\td");
        assert_eq!(literal.length, 14);
        assert!(literal.faults.is_empty());
    }
}
