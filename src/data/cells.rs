//! The cells of a block of records, as long as all of them are what their columns hold.

use std::collections::HashMap;

use memchr::memchr_iter;

use crate::data::cell;
use crate::data::decimal::short_decimal;
use crate::data::format::NumberFormat;
use crate::data::scan::{Block, Record};
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
    /// The columns of words.
    pub words: Vec<usize>,
}

/// What a block's records hold.
pub(super) struct Parsed {
    /// The line feeds of the block.
    pub lines: u64,
    /// Whether blanks stand before a quote that opens a cell.
    pub spaced_quotes: bool,
    /// `None` if something is wrong with a record or a cell.
    pub rows: Option<Rows>,
}

/// The rows of a block.
pub(super) struct Rows {
    pub count: usize,
    /// Row by row.
    pub numbers: Vec<f64>,
    /// Those of each column of words.
    pub words: Vec<Words>,
    pub noted: Noted,
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
pub(super) fn parse(block: &Block, first: usize, selection: &Selection) -> Parsed {
    Parsed {
        lines: memchr_iter(b'\n', block.whole()).count() as u64,
        spaced_quotes: block.spaced_quotes,
        rows: if block.is_torn() {
            None
        } else {
            rows(block, first, selection)
        },
    }
}

fn rows(block: &Block, first: usize, selection: &Selection) -> Option<Rows> {
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
    block: &Block,
    first: usize,
    selection: &Selection,
    noted: Noted,
) -> Option<Rows> {
    let most = block.cells() / selection.cells.max(1) + 1;
    let mut rows = Rows {
        count: 0,
        numbers: Vec::with_capacity(most * selection.numbers.len()),
        words: selection.words.iter().map(|_| Words::default()).collect(),
        noted,
    };
    let mut scratch = Vec::new();
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
        for (place, &column) in selection.numbers.iter().enumerate() {
            let (start, end) = record.place(column);
            let short = if USUAL || selection.format.is_plain() {
                short_decimal(record.bytes, start, end)
            } else {
                None
            };
            let value = match short {
                Some(value) => value,
                None => {
                    let text = record.cell(column, &mut scratch);
                    let value = if USUAL {
                        cell::number(text).ok()?
                    } else {
                        cell::number_in(text, selection.format).ok()?
                    };
                    if value.abs() >= FIRST_INEXACT {
                        rows.noted.large_number(text, place, number);
                    }
                    value
                }
            };
            if !USUAL {
                rows.noted.number(&record, column, place, number);
            }
            rows.numbers.push(value);
        }
        for (words, &column) in rows.words.iter_mut().zip(&selection.words) {
            words.push(record.cell(column, &mut scratch).trim_ascii());
        }
        rows.count += 1;
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
