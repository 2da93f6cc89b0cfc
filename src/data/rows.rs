//! The rows of a table, block by block: at once where nothing is wrong, else with care.

use std::ops::ControlFlow;

use memchr::memchr_iter;

use crate::data::cell::{CellContext, CellFault, Expected};
use crate::data::cells::{ParsedRows, is_empty};
use crate::data::columns::{ColumnFault, ColumnSlot, RawColumns};
use crate::data::excerpt::RawRecord;
use crate::data::faults::{Cause, FaultyCell, TableFaults};
use crate::data::header::Header;
use crate::data::odd_lines::OddLine;
use crate::data::open::push_unclosed;
use crate::data::scan::{Record, RecordBlock};
use crate::data::suspicious::Suspicious;
use crate::diagnostics::{Code, Diagnostic};

/// What is read of a table's rows.
pub(super) struct RowReader<'r, 's> {
    pub header: &'r Header,
    pub columns: RawColumns,
    pub faults: &'r mut TableFaults<'s>,
    /// How many rows there were, and may be.
    pub rows: usize,
    pub most_rows: usize,
    /// Whether the columns are those of a run that was trained.
    pub learned: bool,
    /// What is noted of numbers that are read.
    pub suspicious: Suspicious,
    /// In which columns of numbers a number was read.
    pub numbers_seen: Vec<bool>,
}

impl RowReader<'_, '_> {
    /// Adds the rows of a block, which begins in line `line`, in which
    /// [`parse`](super::cells::parse) found nothing wrong. `false` if
    /// they have to be read with care nevertheless, since there are too many of them or a word is not a
    /// value of its column.
    pub fn add(&mut self, mut rows: ParsedRows, block: &RecordBlock, line: u64) -> bool {
        let count = rows.count;
        let noted = std::mem::take(&mut rows.noted);
        let added = count <= self.most_rows - self.rows && self.columns.add(rows, line);
        if added {
            self.rows += count;
            self.suspicious.add(noted, block, line);
            if count > 0 {
                self.numbers_seen.fill(true);
            }
        }
        added
    }

    /// Reads a block's records from number `first`, one after another, with all that may be wrong with
    /// them; the block begins in line `begins_in`. It breaks when reading on makes no sense, which is then a
    /// fault.
    pub fn read_with_care(
        &mut self,
        block: &RecordBlock,
        first: usize,
        begins_in: u64,
    ) -> ControlFlow<()> {
        let mut line = begins_in;
        let mut counted_to = 0;
        let mut blank = None;
        let mut numbers = Vec::new();
        let mut rows = 0;
        for number in first..block.records() {
            if self.faults.enough() {
                return ControlFlow::Break(());
            }
            let record = block.record(number);
            let lines = memchr_iter(b'\n', &block.bytes[counted_to..record.start()]);
            line += lines.count() as u64;
            counted_to = record.start();
            if record.is_blank() {
                if blank.is_none() && !block.ends_line(number) {
                    blank = Some(block.raw(number, line));
                }
                continue;
            }
            if block.is_comment(&record) {
                continue;
            }
            if let Some(blank) = blank.take().filter(|_| self.header.names.len() == 1) {
                self.missing(&blank);
            }
            if self.rows == self.most_rows {
                self.too_many_rows();
                return ControlFlow::Break(());
            }
            self.rows += 1;
            if number + 1 == block.records()
                && let Some(unclosed) = block.unclosed()
            {
                push_unclosed(&unclosed, begins_in, Some(self.header), self.faults);
                break;
            }
            if let Some(unclosed) = block.torn(&record) {
                push_unclosed(&unclosed, begins_in, Some(self.header), self.faults);
                continue;
            }
            let raw = || block.raw(number, line);
            if let Some(odd) = self.odd_line(block, &record) {
                self.push_odd(odd, &raw());
                continue;
            }
            if record.len() != self.header.names.len() || !is_empty(&record, self.header.empty) {
                self.ragged(&raw(), record.len());
            } else if let Some(row) = self.row(&record, raw) {
                numbers.extend_from_slice(&row);
                self.columns.lines.push(line);
                rows += 1;
            }
        }
        self.columns.numbers.push(rows, numbers);
        ControlFlow::Continue(())
    }

    /// The numbers of a record with as many cells as the header, if all its cells are as they should
    /// be.
    fn row(&mut self, record: &Record, raw: impl Fn() -> RawRecord) -> Option<Vec<f64>> {
        let mut row = vec![0.0; self.columns.numbers.width()];
        let format = self.columns.selection().format;
        let mut as_written = None;
        let mut scratch = Vec::new();
        for place in 0..self.columns.kinds.len() {
            let (at, kind) = self.columns.kinds[place];
            let cell = record.cell(at, &mut scratch);
            let read = match kind {
                ColumnSlot::Number(place) => {
                    let markers = &self.columns.selection().markers[place];
                    let number = markers
                        .number(cell, format)
                        .map(|number| row[place] = number);
                    self.columns.holes[place] += usize::from(row[place].is_nan());
                    number.map_err(|fault| ColumnFault::Cell(fault, Expected::Number))
                }
                ColumnSlot::Word(place) => self.columns.words[place].push(cell),
            };
            let Err(fault) = read else {
                if let ColumnSlot::Number(place) = kind {
                    self.numbers_seen[place] = true;
                }
                continue;
            };
            let record = as_written.get_or_insert_with(&raw);
            let name = &self.header.names[at];
            let context = CellContext {
                line: record.line,
                column: name,
                expected: Expected::Number,
                format,
                learned: self.learned,
            };
            let found = FaultyCell {
                record,
                cell: at,
                column: Some(name),
                text: cell,
            };
            self.faults
                .push_cell(fault.cause(cell, &context), &found, |place| {
                    fault.describe(cell, &context, place)
                });
        }
        as_written.is_none().then_some(row)
    }

    /// What a record is that cannot be read, if it is no row at all.
    fn odd_line(&self, block: &RecordBlock, record: &Record) -> Option<OddLine> {
        let selection = self.columns.selection();
        let mut scratch = Vec::new();
        let mut numbers = selection.numbers.iter().zip(&selection.markers);
        let readable = record.len() == selection.cells
            && numbers.all(|(&at, markers)| {
                let cell = record.cell(at, &mut scratch);
                markers.number(cell, selection.format).is_ok()
            });
        if readable {
            return None;
        }
        OddLine::of(block, record, self.rows == 1, self.header, selection)
    }

    fn push_odd(&mut self, odd: OddLine, raw: &RawRecord) {
        let learned = self.learned;
        let found = FaultyCell {
            record: raw,
            cell: 0,
            column: None,
            text: b"",
        };
        self.faults.push_cell(Cause::OddLine(odd), &found, |place| {
            odd.describe(raw, learned, place)
        });
    }

    /// Tells the faults what the table is read for, how many rows there were, and which columns have numbers.
    pub fn conclude(&mut self) {
        self.faults.rows = self.rows;
        self.faults.learned = self.learned;
        let numbers = self
            .columns
            .selection()
            .numbers
            .iter()
            .zip(&self.numbers_seen);
        let with_numbers = numbers.filter(|(_, seen)| **seen);
        let names = with_numbers.map(|(&at, _)| self.header.names[at].clone());
        self.faults.with_numbers = names.collect();
    }

    /// In a table of one column a blank line is an empty cell.
    fn missing(&mut self, blank: &RawRecord) {
        let name = &self.header.names[0];
        let (expected, learned) = (Expected::Number, self.learned);
        let context = CellContext {
            line: blank.line,
            column: name,
            expected,
            format: self.columns.selection().format,
            learned,
        };
        let found = FaultyCell {
            record: blank,
            cell: 0,
            column: Some(name),
            text: b"",
        };
        self.faults
            .push_cell(Cause::Missing(expected), &found, |place| {
                CellFault::Missing.describe(b"", &context, place)
            });
    }

    fn too_many_rows(&mut self) {
        let (most, read) = (self.most_rows, self.columns.kinds.len());
        let name = &self.faults.name;
        self.faults.push(Diagnostic::without_place(
            Code::TableTooLarge,
            format!(
                "`{name}` has more than {most} rows, the most that can be read with {read} columns"
            ),
        ));
    }

    fn ragged(&mut self, raw: &RawRecord, found: usize) {
        let plural = if found == 1 { "" } else { "s" };
        let (expected, others) = match (self.header.hidden, self.header.empty) {
            (Some(_), Some(empty)) if found > empty => (empty, "the header has"),
            (None, _) => (self.header.names.len(), "the header has"),
            (Some(_), _) => (self.header.names.len(), "other rows have"),
        };
        let line = raw.line;
        let message = format!("line {line}: {found} field{plural}, where {others} {expected}");
        let label = if found > expected {
            "the first field too many".to_owned()
        } else {
            format!("{} missing", expected - found)
        };
        let more_lines = memchr_iter(b'\n', &raw.bytes).count() as u64;
        let cause = match more_lines {
            0 if found > expected => Cause::TooManyFields,
            0 => Cause::TooFewFields,
            _ => Cause::JoinedLines,
        };
        let place = FaultyCell {
            record: raw,
            cell: expected.min(found),
            column: None,
            text: b"",
        };
        self.faults
            .push_cell(cause, &place, |place| {
                let fault = Diagnostic::new(Code::RaggedRow, place, message).label(label);
                match more_lines {
                    0 if found > expected => {
                        fault.help("a field that holds the delimiter stands in quotes")
                    }
                    0 => fault,
                    _ => fault.help(format!(
                        "a quotation mark makes one row of the lines {line} to {}: is it closed where it \
                         should be?",
                        line + more_lines
                    )),
                }
            });
    }
}
