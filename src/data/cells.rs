//! The cells of a block of records, as long as all of them are what their columns hold.

use std::collections::HashMap;

use memchr::memchr_iter;

use crate::data::decimal::short_decimal;
use crate::data::format::NumberFormat;
use crate::data::missing::Markers;
use crate::data::scan::{Record, RecordBlock};
use crate::data::suspicious::{FIRST_INEXACT, Noted};

/// Which columns are read, by their position in the header.
#[derive(Clone)]
pub(super) struct Selection {
    /// How many cells a record has.
    pub cells: usize,
    /// The cell that is empty in every record.
    pub empty: Option<usize>,
    /// How numbers are written.
    pub format: NumberFormat,
    /// The columns of numbers; the k-th gives the k-th number of a row.
    pub numbers: Vec<usize>,
    /// What stands for a missing number in each of them.
    pub markers: Vec<Markers>,
    /// The columns of words.
    pub words: Vec<usize>,
}

/// What a block's records hold.
pub(super) struct ParsedBlock {
    /// The line feeds of the block.
    pub lines: u64,
    /// Whether blanks stand before a quote that opens a cell.
    pub spaced_quotes: bool,
    /// `None` if something is wrong with a record or a cell.
    pub rows: Option<ParsedRows>,
}

/// The rows of a block.
pub(super) struct ParsedRows {
    pub count: usize,
    pub begins: Begins,
    /// Row by row; NaN where a number is missing.
    pub numbers: Vec<f64>,
    /// How many numbers are missing in each column; nothing if none is.
    pub holes: Vec<usize>,
    /// Those of each column of words.
    pub words: Vec<Words>,
    pub noted: Noted,
}

/// How many line feeds of the block stand before its rows.
pub(super) enum Begins {
    /// Before the first row; the others follow one another.
    InTurn(u64),
    Each(Vec<u64>),
}

/// The words of a column, without spaces around them.
#[derive(Default)]
pub(super) struct Words {
    /// For each row the position of its word among `values`.
    pub codes: Vec<u32>,
    /// The different words in the order of appearance.
    pub values: Vec<Vec<u8>>,
    positions: HashMap<Vec<u8>, u32>,
}

/// Reads a block's records from number `first`.
pub(super) fn parse(block: &RecordBlock, first: usize, selection: &Selection) -> ParsedBlock {
    let lines = memchr_iter(b'\n', block.whole()).count() as u64;
    let mut rows = if block.is_torn() {
        None
    } else {
        rows(block, first, selection)
    };
    if let Some(rows) = &mut rows {
        rows.begins = begins(block, first, lines, rows.count);
    }
    ParsedBlock {
        lines,
        spaced_quotes: block.spaced_quotes,
        rows,
    }
}

/// Where the rows of a block begin that has `lines` line feeds.
fn begins(block: &RecordBlock, first: usize, lines: u64, count: usize) -> Begins {
    let before = match first {
        0 => 0,
        _ => block.lines_before(first.min(block.records() - 1)),
    };
    if first > 0 && first == block.records() {
        return Begins::Each(Vec::new());
    }
    // A blank line before a row that the end of the file ends would go unnoticed.
    if block.whole().last() == Some(&b'\n') && lines - before == count as u64 {
        return Begins::InTurn(before);
    }
    let (mut line, mut counted_to) = (0, 0);
    let numbers = (first..block.records()).filter(|&number| !block.is_skipped(number));
    let rows = numbers.map(|number| block.record(number));
    Begins::Each(
        rows.map(|record| {
            let passed = memchr_iter(b'\n', &block.bytes[counted_to..record.start()]);
            line += passed.count() as u64;
            counted_to = record.start();
            line
        })
        .collect(),
    )
}

fn rows(block: &RecordBlock, first: usize, selection: &Selection) -> Option<ParsedRows> {
    let noted = Noted::new(selection, block.delimiter);
    let usual = selection.format.is_plain() && !noted.watches_points();
    if usual && selection.empty.is_none() && block.comment.is_empty() {
        rows_as::<true>(block, first, selection, noted)
    } else {
        rows_as::<false>(block, first, selection, noted)
    }
}

/// The rows of a block. With `USUAL` there are no comments, no cells to be empty, and numbers as programs
/// write them, of whose points nothing is noted.
fn rows_as<const USUAL: bool>(
    block: &RecordBlock,
    first: usize,
    selection: &Selection,
    noted: Noted,
) -> Option<ParsedRows> {
    let most = block.cells() / selection.cells.max(1) + 1;
    let mut rows = ParsedRows {
        count: 0,
        begins: Begins::InTurn(0),
        holes: Vec::new(),
        numbers: Vec::with_capacity(most * selection.numbers.len()),
        words: selection.words.iter().map(|_| Words::default()).collect(),
        noted,
    };
    let format = if USUAL {
        NumberFormat::default()
    } else {
        selection.format
    };
    let columns = || selection.numbers.iter().zip(&selection.markers);
    let mut scratch = Vec::new();
    let mut any_missing = false;
    for number in first..block.records() {
        let record = block.record(number);
        if record.is_blank() {
            // In a table of one column it is an empty cell.
            if selection.cells == 1 && !block.ends_line(number) {
                return None;
            } else {
                continue;
            }
        }
        if !USUAL && block.is_comment(&record) {
            continue;
        }
        if record.len() != selection.cells || !USUAL && !is_empty(&record, selection.empty) {
            return None;
        }
        for (place, (&column, markers)) in columns().enumerate() {
            let (start, end) = record.place(column);
            let short = if format.is_plain() {
                short_decimal(record.bytes, start, end)
            } else {
                None
            };
            let value = match short {
                Some(value) => value,
                None if start == end && markers.has_empty() => {
                    any_missing = true;
                    f64::NAN
                }
                None => {
                    let text = record.cell(column, &mut scratch);
                    let value = markers.number(text, format).ok()?;
                    any_missing |= value.is_nan();
                    if value.abs() >= FIRST_INEXACT {
                        rows.noted.large_number(text, place, number);
                    }
                    value
                }
            };
            if !USUAL && !value.is_nan() {
                rows.noted.number(&record, column, place, number);
            }
            rows.numbers.push(value);
        }
        for (words, &column) in rows.words.iter_mut().zip(&selection.words) {
            words.push(record.cell(column, &mut scratch).trim_ascii());
        }
        rows.count += 1;
    }
    any_missing |= hide_missing(&mut rows.numbers, &selection.markers);
    if any_missing {
        rows.holes = holes(&rows.numbers, selection.numbers.len());
    }
    Some(rows)
}

/// Whether the cell that has to be empty is.
#[inline]
pub(super) fn is_empty(record: &Record, cell: Option<usize>) -> bool {
    cell.is_none_or(|cell| {
        let (start, end) = record.place(cell);
        record.bytes[start..end].trim_ascii().is_empty()
    })
}

/// Puts NaN where a number stands for a missing one; whether there was any.
fn hide_missing(numbers: &mut [f64], markers: &[Markers]) -> bool {
    let mut any = false;
    for (place, marked) in markers
        .iter()
        .enumerate()
        .filter(|(_, it)| it.has_numbers())
    {
        for number in numbers.iter_mut().skip(place).step_by(markers.len()) {
            if marked.is_missing_number(*number) {
                *number = f64::NAN;
                any = true;
            }
        }
    }
    any
}

/// How many numbers are missing in each of `width` columns.
fn holes(numbers: &[f64], width: usize) -> Vec<usize> {
    let mut holes = vec![0; width];
    for row in numbers.chunks_exact(width) {
        for (count, number) in holes.iter_mut().zip(row) {
            *count += usize::from(number.is_nan());
        }
    }
    holes
}

impl Words {
    fn push(&mut self, word: &[u8]) {
        let position = match self.positions.get(word) {
            Some(&position) => position,
            None => {
                let position = self.values.len() as u32;
                self.values.push(word.to_owned());
                self.positions.insert(word.to_owned(), position);
                position
            }
        };
        self.codes.push(position);
    }
}
