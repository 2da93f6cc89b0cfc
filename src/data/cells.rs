//! The cells of a block of records, as long as all of them are what their columns hold.

use std::collections::HashMap;

use memchr::memchr_iter;

use crate::data::cell;
use crate::data::decimal::short_decimal;
use crate::data::format::NumberFormat;
use crate::data::scan::{Block, Record};

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
    let most = block.cells() / selection.cells.max(1) + 1;
    let mut rows = Rows {
        count: 0,
        numbers: Vec::with_capacity(most * selection.numbers.len()),
        words: selection.words.iter().map(|_| Words::default()).collect(),
    };
    let mut scratch = Vec::new();
    let plain = selection.format.is_plain();
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
        if block.is_comment(&record) {
            continue;
        }
        if record.len() != selection.cells || !is_empty(&record, selection.empty) {
            return None;
        }
        for &column in &selection.numbers {
            let (start, end) = record.place(column);
            let number = if plain {
                short_decimal(record.bytes, start, end)
            } else {
                None
            };
            let number = match number {
                Some(number) => number,
                None => {
                    cell::number_in(record.cell(column, &mut scratch), selection.format).ok()?
                }
            };
            rows.numbers.push(number);
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
