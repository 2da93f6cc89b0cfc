//! What a model says of how its tables are written.

use crate::diagnostics::Span;

/// The settings `header`, `comment`, `skip`, `decimal` and `thousands` of a `data` section.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct TableFormat {
    pub header: HeaderSetting,
    /// What lines begin with that are skipped.
    pub comment: Option<String>,
    /// How many lines are skipped at the beginning.
    pub skip: usize,
    pub numbers: NumberFormat,
}

impl TableFormat {
    /// What comments begin with; nothing if there are none.
    pub(super) fn comment_bytes(&self) -> &[u8] {
        self.comment.as_deref().unwrap_or("").as_bytes()
    }
}

/// Where the names of the columns are from.
#[derive(Clone, PartialEq, Debug, Default)]
pub enum HeaderSetting {
    /// The first line.
    #[default]
    Line,
    /// The columns are called `c1`, `c2`, …
    Numbered,
    /// The model names them, with the places of the names and of the whole list.
    Names(Vec<(String, Span)>, Span),
}

impl HeaderSetting {
    /// How many columns the model names.
    pub fn named(&self) -> Option<usize> {
        match self {
            HeaderSetting::Names(names, _) => Some(names.len()),
            HeaderSetting::Line | HeaderSetting::Numbered => None,
        }
    }

    pub fn is_line(&self) -> bool {
        *self == HeaderSetting::Line
    }
}

/// The signs in numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NumberFormat {
    pub decimal: char,
    /// What stands between groups of three digits. A blank stands for the spaces that do not break a line
    /// (U+00A0, U+2009, U+202F), too.
    pub thousands: Option<char>,
}

impl Default for NumberFormat {
    fn default() -> Self {
        NumberFormat {
            decimal: '.',
            thousands: None,
        }
    }
}

impl NumberFormat {
    /// Whether numbers are written as programs write them.
    pub fn is_plain(&self) -> bool {
        *self == NumberFormat::default()
    }

    /// The text of a number as programs write it. `None` if its signs are not these, or where they do not
    /// belong: groups other than the first have three digits.
    pub(super) fn plain(&self, text: &str) -> Option<String> {
        let number_end = text.find(['e', 'E']).unwrap_or(text.len());
        let (number, exponent) = text.split_at(number_end);
        let (sign, number) = match number.strip_prefix(['-', '+']) {
            Some(rest) => number.split_at(number.len() - rest.len()),
            None => ("", number),
        };
        let (whole, fraction) = match number.split_once(self.decimal) {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (number, None),
        };
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !fraction.is_none_or(digits) {
            return None;
        }
        let groups: Vec<&str> = whole.split(|sign| self.separates(sign)).collect();
        let grouped = match &groups[..] {
            [first, rest @ ..] => {
                rest.is_empty()
                    || (1..=3).contains(&first.len()) && rest.iter().all(|group| group.len() == 3)
            }
            [] => true,
        };
        if !grouped || !groups.iter().all(|group| digits(group)) {
            return None;
        }
        let mut plain = sign.to_owned() + &groups.concat();
        if let Some(fraction) = fraction {
            plain.push('.');
            plain += fraction;
        }
        plain += exponent;
        Some(plain)
    }

    fn separates(&self, sign: char) -> bool {
        match self.thousands {
            Some(' ') => matches!(sign, ' ' | '\u{a0}' | '\u{2009}' | '\u{202f}'),
            thousands => thousands == Some(sign),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_their_signs() {
        let german = NumberFormat {
            decimal: ',',
            thousands: Some('.'),
        };
        for (text, plain) in [
            ("1.234.567,5", Some("1234567.5")),
            ("-12.345", Some("-12345")),
            ("998", Some("998")),
            ("1234,5e-3", Some("1234.5e-3")),
            (",5", Some(".5")),
            ("1.23", None),
            ("1234.567", None),
            ("1,234.5", None),
            ("1,2,3", None),
            ("a", None),
            ("1.", None),
            (".123", None),
        ] {
            assert_eq!(german.plain(text).as_deref(), plain, "{text}");
        }
        let spaced = NumberFormat {
            decimal: '.',
            thousands: Some(' '),
        };
        for text in ["1 234.5", "1\u{a0}234.5", "1\u{202f}234.5"] {
            assert_eq!(spaced.plain(text).as_deref(), Some("1234.5"), "{text}");
        }
        let comma = NumberFormat {
            decimal: ',',
            thousands: None,
        };
        assert_eq!(comma.plain("1.5"), None);
        assert_eq!(comma.plain("1,5").as_deref(), Some("1.5"));
    }
}
