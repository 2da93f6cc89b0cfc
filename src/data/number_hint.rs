//! What the writer of a cell that is not a number may have meant.

use crate::data::format::NumberFormat;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum NumberHint {
    /// One comma: a decimal sign, or that of thousands.
    Comma,
    Thousands(char),
    /// A decimal point, where the decimal sign is another.
    Point,
    /// A sign of typography in the place of `-`.
    Minus(char),
    /// A space that does not break a line.
    Blank(char),
    Unit,
    /// Letters alone.
    Words,
    Unknown,
}

impl NumberHint {
    pub fn of(cell: &[u8]) -> NumberHint {
        let Ok(text) = std::str::from_utf8(cell) else {
            return NumberHint::Unknown;
        };
        let text = text.trim_ascii();
        let is_number = |text: &str| text.parse::<f64>().is_ok_and(f64::is_finite);
        if let Some(minus) = text.chars().next().filter(|sign| is_dash(*sign))
            && text[minus.len_utf8()..]
                .starts_with(|next: char| next.is_ascii_digit() || next == '.')
        {
            return NumberHint::Minus(minus);
        }
        if let Some(blank) = text.chars().find(|sign| is_unbreakable(*sign))
            && is_number(&text.replace(is_unbreakable, "").replace(',', "."))
        {
            return NumberHint::Blank(blank);
        }
        if text.matches(',').count() == 1 && is_number(&text.replacen(',', ".", 1)) {
            return NumberHint::Comma;
        }
        let grouped = |sign: char, decimal: char| {
            let format = NumberFormat {
                decimal,
                thousands: Some(sign),
            };
            text.contains(sign) && format.plain(text).is_some_and(|plain| is_number(&plain))
        };
        for sign in [',', '.', '\'', ' ', '_'] {
            let decimals: &[char] = match sign {
                ',' => &['.'],
                '.' => &[','],
                _ => &['.', ','],
            };
            if decimals.iter().any(|&decimal| grouped(sign, decimal)) {
                return NumberHint::Thousands(sign);
            }
        }
        if text.contains('.') && is_number(text) {
            return NumberHint::Point;
        }
        if is_number(text.trim_matches(['$', '€', '£', '%']).trim()) {
            return NumberHint::Unit;
        }
        if text.bytes().all(|byte| !byte.is_ascii_digit()) {
            return NumberHint::Words;
        }
        NumberHint::Unknown
    }

    /// What to do about it. Of words that depends on the rest of the column.
    pub fn help(self, format: NumberFormat, learned: bool) -> Option<String> {
        if learned {
            let decimal = format.decimal;
            let thousands = match format.thousands {
                None => "thousands are not separated".to_owned(),
                Some(sign) => format!("thousands are separated by `{sign}`"),
            };
            return match self {
                NumberHint::Comma
                | NumberHint::Thousands(_)
                | NumberHint::Point
                | NumberHint::Blank(_) => Some(format!(
                    "write it as in the table of the training: the decimal sign is `{decimal}`, and {thousands}"
                )),
                NumberHint::Minus(_)
                | NumberHint::Unit
                | NumberHint::Words
                | NumberHint::Unknown => self.without_settings(),
            };
        }
        Some(match self {
            NumberHint::Comma if format.decimal == '.' && format.thousands.is_none() => {
                "if the comma is the decimal sign, write `decimal = \",\"` in `data`; if it separates \
                 thousands, `thousands = \",\"`"
                    .to_owned()
            }
            NumberHint::Point => format!(
                "the decimal sign is `{}` here, as `decimal` says",
                format.decimal
            ),
            NumberHint::Thousands('.') if format.decimal == '.' => {
                "if points separate thousands, write `thousands = \".\"` and `decimal = \",\"` in `data`"
                    .to_owned()
            }
            NumberHint::Thousands(sign) if format.thousands.is_none() && sign != format.decimal => {
                format!("if it separates thousands, write `thousands = \"{sign}\"` in `data`")
            }
            NumberHint::Blank(blank) if format.thousands.is_none() => format!(
                "it holds a space that does not break a line (U+{:04X}): if it separates thousands, write \
                 `thousands = \" \"` in `data`, else remove it",
                u32::from(blank)
            ),
            NumberHint::Comma | NumberHint::Thousands(_) | NumberHint::Blank(_) => {
                "the signs of `decimal` and `thousands` do not stand so in a number: groups have three digits"
                    .to_owned()
            }
            NumberHint::Minus(_) | NumberHint::Unit | NumberHint::Words | NumberHint::Unknown => {
                return self.without_settings();
            }
        })
    }

    fn without_settings(self) -> Option<String> {
        match self {
            NumberHint::Minus(sign) => Some(format!(
                "`{sign}` (U+{:04X}) is a typographic sign: replace it by `-`",
                u32::from(sign)
            )),
            NumberHint::Unit => Some("write the number without its unit".to_owned()),
            NumberHint::Comma
            | NumberHint::Thousands(_)
            | NumberHint::Blank(_)
            | NumberHint::Point
            | NumberHint::Words
            | NumberHint::Unknown => None,
        }
    }
}

fn is_dash(sign: char) -> bool {
    matches!(
        sign,
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe63}' | '\u{ff0d}'
    )
}

fn is_unbreakable(sign: char) -> bool {
    matches!(
        sign,
        '\u{a0}' | '\u{2007}' | '\u{2009}' | '\u{202f}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_meant() {
        for (cell, hint) in [
            ("1,5", NumberHint::Comma),
            ("1,000,000", NumberHint::Thousands(',')),
            ("1.000.000", NumberHint::Thousands('.')),
            ("1'000", NumberHint::Thousands('\'')),
            ("\u{2212}5", NumberHint::Minus('\u{2212}')),
            ("\u{2013}.5", NumberHint::Minus('\u{2013}')),
            ("1\u{a0}000", NumberHint::Blank('\u{a0}')),
            ("\u{202f}7,5", NumberHint::Blank('\u{202f}')),
            ("1 000,5", NumberHint::Thousands(' ')),
            ("2.5", NumberHint::Point),
            ("1_0", NumberHint::Unknown),
            ("1,00,000", NumberHint::Unknown),
            ("12 %", NumberHint::Unit),
            ("$3.5", NumberHint::Unit),
            ("True", NumberHint::Words),
            ("\u{2013}", NumberHint::Words),
            ("2011-01-01", NumberHint::Unknown),
        ] {
            assert_eq!(NumberHint::of(cell.as_bytes()), hint, "{cell}");
        }
    }
}
