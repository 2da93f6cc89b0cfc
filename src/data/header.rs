//! The names of a CSV's columns.

use crate::data::excerpt::RawRecord;
use crate::data::faults::TableFaults;
use crate::data::read::Limits;
use crate::data::scan::Block;
use crate::data::sniff::Rows;
use crate::diagnostics::{Code, Diagnostic, Span};

/// The names of the columns, for each position in a row.
pub(super) struct Header {
    pub names: Vec<String>,
    /// The position that belongs to no column: that of the rows' names, or that behind a delimiter which
    /// ends the line.
    pub hidden: Option<usize>,
    /// The position that must be empty in every row.
    pub empty: Option<usize>,
    /// The line with the names.
    pub record: RawRecord,
    /// The position of the first name.
    first: usize,
}

impl Header {
    /// Reads the header line, which is record `number` of the first block. `None` leaves a fault.
    pub fn read(
        block: &Block,
        number: usize,
        rows: Rows,
        limits: &Limits,
        faults: &mut TableFaults,
    ) -> Option<Header> {
        let cells = block.record(number);
        let record = block.raw(number, 1 + block.lines_before(number));
        let count = cells.len();
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
        let mut names = Vec::with_capacity(count);
        let mut scratch = Vec::new();
        for at in 0..count {
            match std::str::from_utf8(cells.cell(at, &mut scratch)) {
                Ok(name) => names.push(name.trim().to_owned()),
                Err(_) => {
                    let message = format!("line {}: the header is not UTF-8 text", record.line);
                    faults.push_cell(&record, at, None, |place| {
                        Diagnostic::new(Code::NotUtf8, place, message)
                            .label("these bytes are no characters of UTF-8")
                            .help("save the table as UTF-8")
                    });
                }
            }
        }
        faults
            .is_empty()
            .then(|| Header::of_rows(names, record, rows))
    }

    fn of_rows(mut names: Vec<String>, record: RawRecord, rows: Rows) -> Header {
        let hidden = match rows {
            Rows::AsHeader => None,
            Rows::AllTrailing => Some(names.len() - 1),
            Rows::Named => {
                names.insert(0, String::new());
                Some(0)
            }
            Rows::RowsTrailing => {
                names.push(String::new());
                Some(names.len() - 1)
            }
            Rows::HeaderTrailing => {
                names.pop();
                None
            }
        };
        Header {
            names,
            hidden,
            empty: hidden.filter(|_| rows == Rows::RowsTrailing),
            record,
            first: usize::from(rows == Rows::Named),
        }
    }

    /// The columns: where each is in a row, and its name.
    pub fn columns(&self) -> impl Iterator<Item = (usize, &str)> {
        let names = self.names.iter().map(String::as_str).enumerate();
        names.filter(|(at, _)| Some(*at) != self.hidden)
    }

    /// Where the name of a column stands.
    pub fn place(&self, column: usize, faults: &mut TableFaults) -> Span {
        faults.place(&self.record, column.saturating_sub(self.first))
    }
}
