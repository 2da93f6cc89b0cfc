//! Lines of a table that are no rows: comments, the header again, units, totals.

use crate::data::cells::Selection;
use crate::data::excerpt::RawRecord;
use crate::data::header::Header;
use crate::data::scan::{Record, RecordBlock};
use crate::diagnostics::{Code, Diagnostic, Span};

/// What a line is, if it is no row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum OddLine {
    /// It begins with this sign.
    Comment(&'static str),
    Header,
    /// The line below the header holds no number.
    Units,
    Totals,
}

/// What comments begin with elsewhere.
const COMMENTS: [&str; 3] = ["#", "//", "%"];

/// What rows of sums and means begin with.
const TOTALS: [&str; 9] = [
    "total", "totals", "sum", "sums", "subtotal", "average", "mean", "summe", "gesamt",
];

impl OddLine {
    /// What a record is that cannot be read as a row. `first` says that it is the first row.
    pub fn of(
        block: &RecordBlock,
        record: &Record,
        first: bool,
        header: &Header,
        selection: &Selection,
    ) -> Option<OddLine> {
        let text = block.bytes[record.start()..record.end()].trim_ascii_start();
        let whole = record.len() == header.names.len();
        if !whole {
            let mut signs = COMMENTS.into_iter();
            let sign = signs.find(|sign| text.starts_with(sign.as_bytes()));
            return sign.map(OddLine::Comment);
        }
        let mut scratch = Vec::new();
        let mut is = |at: usize, holds: &dyn Fn(&[u8]) -> bool| {
            holds(record.cell(at, &mut scratch).trim_ascii())
        };
        let same = |at: usize| move |cell: &[u8]| cell == header.names[at].as_bytes();
        let is_line = header.record.is_some();
        if is_line && (0..header.names.len()).all(|at| is(at, &same(at))) {
            return Some(OddLine::Header);
        }
        let letters = |cell: &[u8]| cell.iter().any(|byte| byte.is_ascii_alphabetic());
        let mut columns = selection.numbers.iter().zip(&selection.markers);
        let columns_of_numbers = selection.numbers.len();
        if first
            && columns_of_numbers > 1
            && columns.all(|(&at, markers)| {
                let number = |cell: &[u8]| markers.number(cell, selection.format).is_ok();
                is(at, &|cell| !number(cell) && letters(cell))
            })
        {
            return Some(OddLine::Units);
        }
        let begins = (0..header.names.len()).find(|&at| is(at, &|cell| !cell.is_empty()))?;
        let totals = |cell: &[u8]| {
            let word = String::from_utf8_lossy(cell).to_lowercase();
            TOTALS.contains(&word.trim_end_matches([':', '.']))
        };
        is(begins, &totals).then_some(OddLine::Totals)
    }

    /// The report of the first such line.
    pub fn describe(self, record: &RawRecord, learned: bool, place: Span) -> Diagnostic {
        let line = record.line;
        let (code, message, label) = match self {
            OddLine::Comment(sign) => (
                Code::RaggedRow,
                format!("line {line} begins with `{sign}` and is no row"),
                "a comment?",
            ),
            OddLine::Header => (
                Code::BadCell,
                format!("line {line} repeats the header"),
                "the names of the columns again",
            ),
            OddLine::Units => (
                Code::BadCell,
                format!("line {line} holds no numbers: it seems to name units or types"),
                "no row",
            ),
            OddLine::Totals => (
                Code::BadCell,
                format!("line {line} seems to hold totals"),
                "no row",
            ),
        };
        let fault = Diagnostic::new(code, place, message).label(label);
        match self {
            OddLine::Comment(sign) if !learned => fault.help(format!(
                "write `comment = \"{sign}\"` in `data` to skip such lines"
            )),
            OddLine::Units if !learned => fault.help(format!(
                "remove the line from the table, or skip it: `skip = {line}` in `data`, and the names of the \
                 columns by `header = [...]`"
            )),
            OddLine::Comment(_) | OddLine::Header | OddLine::Units | OddLine::Totals => {
                fault.help("remove it from the table")
            }
        }
    }
}
