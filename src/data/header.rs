//! The names of a CSV's columns.

use crate::data::excerpt::RawRecord;
use crate::data::faults::TableFaults;
use crate::data::format::{HeaderSetting, TableFormat};
use crate::data::read::Limits;
use crate::data::recognise::OTHER_ENCODING;
use crate::data::scan::RecordBlock;
use crate::data::sniff::{RowShape, TableLayout};
use crate::diagnostics::{Code, Diagnostic, Span};

/// The names of the columns, for each position in a row.
pub(super) struct Header {
    pub names: Vec<String>,
    /// The position that belongs to no column: that of the rows' names, or that behind a delimiter which
    /// ends the line.
    pub hidden: Option<usize>,
    /// The position that must be empty in every row.
    pub empty: Option<usize>,
    /// The line with the names, if there is one.
    pub record: Option<RawRecord>,
    /// The places of the names that the model gives.
    spans: Vec<Span>,
    /// The position of the first name.
    first: usize,
}

impl Header {
    /// The names that the header line gives, which is record `number` of a block that begins in line
    /// `line`, or that the model gives if there is none: then it is the first row. `None` leaves a fault.
    pub fn read(
        block: &RecordBlock,
        number: usize,
        line: u64,
        layout: &TableLayout,
        limits: &Limits,
        format: &TableFormat,
        faults: &mut TableFaults,
    ) -> Option<Header> {
        let record = block.raw(number, line + block.lines_before(number));
        let count = block.record(number).len();
        if count > limits.columns {
            let place = faults.place(&record, limits.columns);
            let limit = limits.columns;
            let message = format!("`{}` has {count} columns", faults.name);
            faults.push(
                Diagnostic::new(Code::TableTooLarge, place, message)
                    .label(format!("a table has at most {limit} columns")),
            );
            return None;
        }
        let rows = layout.rows;
        let (names, spans) = match &format.header {
            HeaderSetting::Line => {
                let names = line_names(block, number, &record, faults)?;
                return Some(Header::of_rows(names, Some(record), Vec::new(), rows));
            }
            HeaderSetting::Numbered => {
                let columns = count - usize::from(rows == RowShape::AllTrailing);
                let mut names: Vec<String> = (1..=columns).map(|at| format!("c{at}")).collect();
                names.resize(count, String::new());
                (names, Vec::new())
            }
            HeaderSetting::Names(given, list) => {
                let columns = count - usize::from(rows == RowShape::RowsTrailing);
                if given.len() != columns {
                    other_length(given.len(), columns, *list, &record, faults);
                    return None;
                }
                given.iter().cloned().unzip()
            }
        };
        Some(Header::of_rows(names, None, spans, rows))
    }

    fn of_rows(
        mut names: Vec<String>,
        record: Option<RawRecord>,
        spans: Vec<Span>,
        rows: RowShape,
    ) -> Header {
        let hidden = match rows {
            RowShape::AsHeader => None,
            RowShape::AllTrailing => Some(names.len() - 1),
            RowShape::Named => {
                names.insert(0, String::new());
                Some(0)
            }
            RowShape::RowsTrailing => {
                names.push(String::new());
                Some(names.len() - 1)
            }
            RowShape::HeaderTrailing => {
                names.pop();
                None
            }
        };
        Header {
            names,
            hidden,
            empty: hidden.filter(|_| rows == RowShape::RowsTrailing),
            record,
            spans,
            first: usize::from(rows == RowShape::Named),
        }
    }

    /// The columns: where each is in a row, and its name.
    pub fn columns(&self) -> impl Iterator<Item = (usize, &str)> {
        let names = self.names.iter().map(String::as_str).enumerate();
        names.filter(|(at, _)| Some(*at) != self.hidden)
    }

    /// Where the name of a column stands, if it stands anywhere.
    pub fn place(&self, column: usize, faults: &mut TableFaults) -> Option<Span> {
        match &self.record {
            Some(record) => Some(faults.place(record, column.saturating_sub(self.first))),
            None => self.spans.get(column).copied(),
        }
    }
}

/// The names that a header line gives.
fn line_names(
    block: &RecordBlock,
    number: usize,
    record: &RawRecord,
    faults: &mut TableFaults,
) -> Option<Vec<String>> {
    let cells = block.record(number);
    let mut names = Vec::with_capacity(cells.len());
    let mut scratch = Vec::new();
    for at in 0..cells.len() {
        match std::str::from_utf8(cells.cell(at, &mut scratch)) {
            Ok(name) => names.push(name.trim().to_owned()),
            Err(_) => {
                let message = format!("line {}: the header is not UTF-8 text", record.line);
                let place = faults.place(record, at);
                faults.push(
                    Diagnostic::new(Code::NotUtf8, place, message)
                        .label("these bytes are no characters of UTF-8")
                        .help(OTHER_ENCODING),
                );
                return None;
            }
        }
    }
    Some(names)
}

/// The fault of a list of names that is longer or shorter than the first row.
fn other_length(
    names: usize,
    fields: usize,
    list: Span,
    record: &RawRecord,
    faults: &mut TableFaults,
) {
    let line = record.line;
    let row = faults.place(record, 0);
    let message = format!(
        "`header` names {names} columns, and line {line} of `{}` has {fields} fields",
        faults.name
    );
    faults.push(
        Diagnostic::new(Code::RaggedRow, list, message)
            .label(format!("{names} names"))
            .also(row, format!("{fields} fields")),
    );
}
