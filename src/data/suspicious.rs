//! Numbers that are read, and may be meant otherwise: points that seem to separate thousands, whole numbers
//! that lose digits, a column that counts the rows.

use crate::data::cells::Selection;
use crate::data::excerpt::{RawRecord, quoted};
use crate::data::faults::TableFaults;
use crate::data::header::Header;
use crate::data::scan::{Record, RecordBlock};
use crate::data::spec::DataSpec;
use crate::data::table::{Table, Values};
use crate::diagnostics::{Code, Diagnostic};

/// 2^53: from here on a whole number may be none of 64 bits.
pub(super) const FIRST_INEXACT: f64 = 9_007_199_254_740_992.0;

/// What was noted of a block's numbers.
#[derive(Default)]
pub(super) struct Noted {
    /// The columns in which whole numbers lose digits: place, how many, and the record of the first.
    lost: Vec<(usize, usize, usize)>,
    /// How the points stand in each column; empty if nothing is noted of them.
    points: Vec<Points>,
}

/// How the points stand in the numbers of a column, with the first record of each kind.
#[derive(Clone, Copy, Default)]
struct Points {
    /// As those of thousands: `2.155`.
    grouped: Option<usize>,
    /// At most three digits and no point: `998`.
    short: Option<usize>,
    /// Numbers that have no thousands, or whose thousands have no points.
    otherwise: bool,
}

impl Noted {
    /// Points are noted where the delimiter is no comma: there a comma may be the decimal sign.
    pub fn new(selection: &Selection, delimiter: u8) -> Self {
        let watched = delimiter != b',' && selection.format.is_plain();
        let columns = if watched { selection.numbers.len() } else { 0 };
        Noted {
            lost: Vec::new(),
            points: vec![Points::default(); columns],
        }
    }

    /// Whether it is noted how points stand.
    pub fn watches_points(&self) -> bool {
        !self.points.is_empty()
    }

    /// Notes a number of at least [`FIRST_INEXACT`].
    #[cold]
    pub fn large_number(&mut self, text: &[u8], place: usize, record: usize) {
        if !loses_digits(text.trim_ascii()) {
            return;
        }
        match self.lost.iter_mut().find(|(at, ..)| *at == place) {
            Some((_, count, _)) => *count += 1,
            None => self.lost.push((place, 1, record)),
        }
    }

    /// Notes how points stand in a number.
    #[inline]
    pub fn number(&mut self, record: &Record, cell: usize, place: usize, number: usize) {
        let Some(points) = self.points.get_mut(place).filter(|it| !it.otherwise) else {
            return;
        };
        let (start, end) = record.place(cell);
        let text = record.bytes[start..end].trim_ascii();
        let text = text.strip_prefix(b"-").unwrap_or(text);
        if is_grouped(text) {
            points.grouped.get_or_insert(number);
        } else if text.len() <= 3 && text.iter().all(u8::is_ascii_digit) {
            points.short.get_or_insert(number);
        } else {
            points.otherwise = true;
        }
    }
}

/// Whether a text is a whole number that no double is.
fn loses_digits(text: &[u8]) -> bool {
    const MOST_DIGITS: usize = 38;
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    let digits = &digits[zeros..];
    if digits.len() > MOST_DIGITS {
        return true;
    }
    let whole = digits
        .iter()
        .fold(0_u128, |whole, digit| 10 * whole + u128::from(digit - b'0'));
    (whole as f64) as u128 != whole
}

/// Whether points stand in a number as those of thousands.
fn is_grouped(text: &[u8]) -> bool {
    let mut groups = text.split(|byte| *byte == b'.');
    let first = groups.next().unwrap_or_default();
    let is_first = (1..=3).contains(&first.len()) && first[0] != b'0';
    let mut rest = groups.clone();
    let three = |group: &[u8]| group.len() == 3;
    let digits = |group: &[u8]| group.iter().all(u8::is_ascii_digit);
    is_first && groups.next().is_some() && rest.all(|it| three(it) && digits(it)) && digits(first)
}

/// What was noted of a table's numbers.
pub(super) struct Suspicious {
    columns: Vec<SuspiciousColumn>,
}

#[derive(Clone, Default)]
struct SuspiciousColumn {
    lost: usize,
    first_lost: Option<RawRecord>,
    grouped: Option<RawRecord>,
    short: Option<RawRecord>,
    otherwise: bool,
}

impl Suspicious {
    pub fn new(columns: usize) -> Self {
        Suspicious {
            columns: vec![SuspiciousColumn::default(); columns],
        }
    }

    /// Adds what was noted of a block that begins in line `line`.
    pub fn add(&mut self, noted: Noted, block: &RecordBlock, line: u64) {
        let raw = |number: usize| block.raw(number, line + block.lines_before(number));
        for (place, count, first) in noted.lost {
            let column = &mut self.columns[place];
            column.lost += count;
            column.first_lost.get_or_insert_with(|| raw(first));
        }
        for (column, points) in self.columns.iter_mut().zip(noted.points) {
            column.otherwise |= points.otherwise;
            if column.otherwise {
                (column.grouped, column.short) = (None, None);
                continue;
            }
            for (kept, found) in [
                (&mut column.grouped, points.grouped),
                (&mut column.short, points.short),
            ] {
                if let (None, Some(number)) = (&kept, found) {
                    *kept = Some(raw(number));
                }
            }
        }
    }

    /// The warnings of the columns, each kind in one.
    pub fn warnings(
        self,
        selection: &Selection,
        header: &Header,
        faults: &mut TableFaults,
    ) -> Vec<Diagnostic> {
        let columns = selection.numbers.iter().zip(&self.columns);
        let columns: Vec<(usize, &SuspiciousColumn)> =
            columns.map(|(at, column)| (*at, column)).collect();
        let mut warnings = Vec::new();
        let text_of = |record: &RawRecord, at: usize| {
            let cell = record.cells().get(at).cloned().unwrap_or_default();
            quoted(&record.bytes[cell])
        };
        let named = |holds: &dyn Fn(&SuspiciousColumn) -> bool| {
            let columns = columns.iter().filter(|(_, column)| holds(column));
            let names = columns.map(|(at, _)| quoted(header.names[*at].as_bytes()));
            names.collect::<Vec<String>>()
        };
        let pointed =
            |column: &SuspiciousColumn| column.grouped.is_some() && column.short.is_some();
        let points = columns.iter().find(|(_, column)| pointed(column));
        if let Some((at, Some(grouped), Some(short))) =
            points.map(|(at, column)| (*at, column.grouped.as_ref(), column.short.as_ref()))
        {
            let place = faults.place(grouped, at);
            let (pointed_text, short) = (text_of(grouped, at), text_of(short, at));
            let message = format!(
                "points of {} may separate thousands",
                names_text(&named(&pointed))
            );
            warnings.push(
                Diagnostic::new(Code::ThousandsPoints, place, message)
                    .label(format!("read as less than {short}"))
                    .note(format!(
                        "every number with a point has three digits behind it, as {pointed_text}, and those without one are below 1000"
                    ))
                    .help("if so, write `decimal = \",\"` and `thousands = \".\"` in `data`"),
            );
        }
        let loses = |column: &SuspiciousColumn| column.lost > 0;
        let lost = columns.iter().find(|(_, column)| loses(column));
        if let Some((at, first)) =
            lost.and_then(|(at, column)| Some((*at, column.first_lost.as_ref()?)))
        {
            let place = faults.place(first, at);
            let count: usize = columns.iter().map(|(_, column)| column.lost).sum();
            let names = names_text(&named(&loses));
            let message = format!("{count} whole numbers of {names} lose digits");
            warnings.push(
                Diagnostic::new(Code::LostDigits, place, message)
                    .label("the first: beyond 2^53 not every whole number is one of 64 bits")
                    .help(
                        "subtract a common start from the column or divide it before, or declare it as `category` if \
                         it names things",
                    ),
            );
        }
        warnings
    }
}

fn names_text(names: &[String]) -> String {
    const SHOWN: usize = 5;
    match names.len() {
        more if more > SHOWN => format!("{} and {} more", names[..SHOWN].join(", "), more - SHOWN),
        _ => names.join(", "),
    }
}

/// The warnings of columns without a name that a glob takes and that count the rows.
pub(super) fn counters(table: &Table, spec: &DataSpec) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    for field in &table.fields {
        let Values::Numbers(places) = &field.values else {
            continue;
        };
        let column = &spec.columns[field.declared];
        for (place, name) in places.clone().zip(&field.columns) {
            let unnamed = name.is_empty() || name.starts_with("Unnamed:");
            if !unnamed || !column.source().glob || !counts(&table.numbers.column(place)) {
                continue;
            }
            let message = format!(
                "`{}` takes a column without a name that counts the rows",
                column.source().text
            );
            warnings.push(
                Diagnostic::new(Code::CounterColumn, column.source().span, message)
                    .label(format!("takes the column `{name}`, too"))
                    .help(format!("write `ignore \"{name}\"` in `data`")),
            );
        }
    }
    warnings
}

fn counts(numbers: &[f64]) -> bool {
    numbers.len() > 1 && numbers.windows(2).all(|pair| pair[1] - pair[0] == 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_lost_beyond_2_to_53() {
        for (text, lost) in [
            ("9007199254740992", false),
            ("9007199254740993", true),
            ("-9007199254740993", true),
            ("9007199254740994", false),
            ("1700000000000000001", true),
            ("1000000000000000000000", false),
            ("00000000000000000001", false),
            ("9007199254740993.0", false),
            ("1e300", false),
            ("-", false),
        ] {
            assert_eq!(loses_digits(text.as_bytes()), lost, "{text}");
        }
    }

    #[test]
    fn points_of_thousands_stand_before_three_digits() {
        for (text, grouped) in [
            ("2.155", true),
            ("12.345.678", true),
            ("0.155", false),
            ("2.15", false),
            ("2.1555", false),
            ("1234.567", false),
            (".155", false),
            ("2.", false),
            ("215", false),
            ("1e3.155", false),
        ] {
            assert_eq!(is_grouped(text.as_bytes()), grouped, "{text}");
        }
    }
}
