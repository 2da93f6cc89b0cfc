//! Where the cells of a CSV's records end.
//!
//! A cell that begins with a quote ends at the first delimiter or line end behind its closing quote;
//! two quotes inside of it stand for one. In any other cell a quote is a character like others. A
//! record ends with a line feed or a carriage return. These are the rules of RFC 4180, and what the
//! `csv` crate does with files that break them.

use memchr::{memchr, memchr_iter};

use crate::data::excerpt::RawRecord;
use crate::data::group::{Found, GROUP, QUOTE};

/// Whole records of a CSV, and where their cells end.
#[derive(Default)]
pub(super) struct Block {
    /// The records, what was read behind them, and [`GROUP`] bytes to fill the last group.
    pub bytes: Vec<u8>,
    /// Where each cell ends: at a delimiter or a line end. Before them, where a cell would have ended
    /// that adjoins the first one: a cell begins one byte behind the end of the one before.
    ends: Vec<u32>,
    /// For each record the place in `ends` of the end of its last cell. A blank line is a record of
    /// one empty cell here.
    records: Vec<u32>,
    pub delimiter: u8,
    /// The position of the first byte in the file.
    pub first_byte: u64,
    /// The byte before it, a line feed if there is none.
    pub byte_before: u8,
}

/// One record of a block.
#[derive(Clone, Copy)]
pub(super) struct Record<'b> {
    pub bytes: &'b [u8],
    /// The ends of its cells, after the end before its first one.
    ends: &'b [u32],
}

impl Block {
    /// Finds the records, of which the first begins at `from`. With `at_end` nothing follows the bytes,
    /// and their end is that of the last record. Returns where the last record ends that is whole and
    /// not blank: what is behind it belongs to the next block.
    pub fn scan(&mut self, from: usize, delimiter: u8, at_end: bool) -> usize {
        let length = self.bytes.len();
        self.delimiter = delimiter;
        self.bytes.resize(length + GROUP, 0);
        self.ends.clear();
        self.ends.push((from as u32).wrapping_sub(1));
        self.records.clear();
        self.find_ends(from, length);
        let whole = self.records.last().map_or(0, |&last| last as usize);
        let rest = after(self.ends[whole]);
        if at_end && rest < length {
            self.bytes[length] = b'\n';
            self.records.push(self.ends.len() as u32);
            self.ends.push(length as u32);
        } else {
            while self.records.last().is_some() && self.record(self.records() - 1).is_blank() {
                self.records.pop();
            }
        }
        let kept = self.records.last().map_or(0, |&last| last as usize);
        self.ends.truncate(kept + 1);
        if self.records.is_empty() {
            from
        } else {
            after(self.ends[kept]).min(length)
        }
    }

    /// How many records there are, blank lines included.
    pub fn records(&self) -> usize {
        self.records.len()
    }

    /// How many cells there are.
    pub fn cells(&self) -> usize {
        self.ends.len().saturating_sub(1)
    }

    /// The bytes of the records, line ends included.
    pub fn whole(&self) -> &[u8] {
        let last = self.ends.last().map_or(0, |&end| after(end));
        &self.bytes[..last]
    }

    /// How many line feeds stand before a record.
    pub fn lines_before(&self, number: usize) -> u64 {
        let before = &self.bytes[..self.record(number).start()];
        memchr_iter(b'\n', before).count() as u64
    }

    /// A record as it stands in the file; `line` is the number of its first line.
    pub fn raw(&self, number: usize, line: u64) -> RawRecord {
        let record = self.record(number);
        let (start, end) = (record.start(), record.end());
        let byte = self.first_byte + start as u64;
        RawRecord::new(&self.bytes[start..end], self.delimiter, line, byte)
    }

    /// Whether a blank record is the line feed that ends a line behind a carriage return.
    pub fn ends_line(&self, number: usize) -> bool {
        let at = self.record(number).start();
        let before = match at.checked_sub(1) {
            Some(before) => self.bytes[before],
            None => self.byte_before,
        };
        self.bytes[at] == b'\n' && before == b'\r'
    }

    #[inline]
    pub fn record(&self, number: usize) -> Record<'_> {
        let before = match number {
            0 => 0,
            _ => self.records[number - 1] as usize,
        };
        Record {
            bytes: &self.bytes,
            ends: &self.ends[before..=self.records[number] as usize],
        }
    }

    fn find_ends(&mut self, from: usize, length: usize) {
        let Block {
            bytes,
            ends,
            records,
            delimiter,
            ..
        } = self;
        // What is before this position is not looked at.
        let mut seen_to = from;
        for (number, group) in bytes.chunks_exact(GROUP).enumerate() {
            let at = number * GROUP;
            if seen_to >= at + GROUP {
                continue;
            }
            let found = Found::in_group(group, *delimiter);
            if found.quotes == 0 && seen_to <= at {
                push(at, found.ends, found.lines, ends, records);
                continue;
            }
            let mut events = found.ends | found.quotes;
            while events != 0 {
                let bit = events & events.wrapping_neg();
                events ^= bit;
                let place = at + bit.trailing_zeros() as usize;
                if place < seen_to {
                    continue;
                }
                if found.quotes & bit == 0 {
                    push(at, bit, found.lines & bit, ends, records);
                } else if ends.last().is_some_and(|&end| after(end) == place) {
                    match closing_quote(&bytes[..length], place) {
                        Some(closing) => seen_to = closing + 1,
                        None => return,
                    }
                }
            }
        }
    }
}

/// Notes the cells that end in a group of bytes at `at`, and which of them end records.
#[inline]
fn push(at: usize, mut found: u64, mut lines: u64, ends: &mut Vec<u32>, records: &mut Vec<u32>) {
    while lines != 0 {
        let bit = lines & lines.wrapping_neg();
        lines ^= bit;
        let before = (found & (bit - 1)).count_ones();
        records.push(ends.len() as u32 + before);
    }
    ends.extend((0..found.count_ones()).map(|_| {
        let place = at as u32 + found.trailing_zeros();
        found &= found.wrapping_sub(1);
        place
    }));
}

/// The quote that closes the cell whose opening quote is at `opening`.
fn closing_quote(bytes: &[u8], opening: usize) -> Option<usize> {
    let mut at = opening + 1;
    loop {
        at += memchr(QUOTE, bytes.get(at..)?)?;
        match bytes.get(at + 1) {
            Some(&QUOTE) => at += 2,
            Some(_) | None => return Some(at),
        }
    }
}

/// The byte behind a cell's end.
#[inline]
fn after(end: u32) -> usize {
    end.wrapping_add(1) as usize
}

impl<'b> Record<'b> {
    /// How many cells it has.
    #[inline]
    pub fn len(&self) -> usize {
        self.ends.len() - 1
    }

    /// Where it begins.
    #[inline]
    pub fn start(&self) -> usize {
        after(self.ends[0])
    }

    /// Where its last cell ends.
    pub fn end(&self) -> usize {
        self.ends[self.len()] as usize
    }

    /// Whether it is a blank line, or the line feed behind a carriage return.
    #[inline]
    pub fn is_blank(&self) -> bool {
        self.ends.len() == 2 && self.start() == self.end()
    }

    /// Where a cell begins and ends, its quotes included.
    #[inline]
    pub fn place(&self, cell: usize) -> (usize, usize) {
        (after(self.ends[cell]), self.ends[cell + 1] as usize)
    }

    /// The text of a cell, put together in `scratch` if it is quoted.
    #[inline]
    pub fn cell<'s>(&self, cell: usize, scratch: &'s mut Vec<u8>) -> &'s [u8]
    where
        'b: 's,
    {
        let (start, end) = self.place(cell);
        let text = &self.bytes[start..end];
        match text.first() {
            Some(&QUOTE) => unquoted(text, scratch),
            Some(_) | None => text,
        }
    }
}

/// A cell that begins with a quote, without its quotes.
fn unquoted<'s>(text: &[u8], scratch: &'s mut Vec<u8>) -> &'s [u8] {
    scratch.clear();
    let mut rest = &text[1..];
    while let Some(at) = memchr(QUOTE, rest) {
        scratch.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        match rest.first() {
            Some(&QUOTE) => {
                scratch.push(QUOTE);
                rest = &rest[1..];
            }
            Some(_) | None => break,
        }
    }
    scratch.extend_from_slice(rest);
    scratch
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    fn scanned(text: &[u8]) -> Vec<Vec<Vec<u8>>> {
        let mut block = Block {
            bytes: text.to_vec(),
            ..Block::default()
        };
        block.scan(0, b',', true);
        let mut scratch = Vec::new();
        (0..block.records())
            .map(|number| block.record(number))
            .filter(|record| !record.is_blank())
            .map(|record| {
                let cells = 0..record.len();
                cells
                    .map(|cell| record.cell(cell, &mut scratch).to_vec())
                    .collect()
            })
            .collect()
    }

    fn by_the_csv_crate(text: &[u8]) -> Vec<Vec<Vec<u8>>> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(text);
        let records = reader.byte_records();
        records
            .map(|record| {
                let record = record.expect("reading from memory");
                record.iter().map(<[u8]>::to_vec).collect()
            })
            .collect()
    }

    #[test]
    fn records_and_cells_are_those_of_the_csv_crate() {
        let mut draws = Stream::new(3, "test", "scan").draws(0, 0);
        let pieces: [&[u8]; 10] = [
            b",", b",", b"\n", b"\r\n", b"\r", b"\"", b"\"", b"\"\"", b"a", b"bcd",
        ];
        for _ in 0..20_000 {
            let mut text = Vec::new();
            // Long stretches without quotes bring groups that have none.
            let quotes = draws.below(3) > 0;
            for _ in 0..draws.below(100) {
                let piece = pieces[draws.below(10) as usize];
                if quotes || piece[0] != QUOTE {
                    text.extend_from_slice(piece);
                }
            }
            let shown = String::from_utf8_lossy(&text).into_owned();
            assert_eq!(scanned(&text), by_the_csv_crate(&text), "{shown:?}");
        }
    }

    #[test]
    fn what_is_behind_the_last_whole_record_is_left() {
        for (text, whole, records) in [
            ("a,b\nc", 4, 1),
            ("a,b\n\n", 4, 1),
            ("a,b\r\n", 4, 1),
            ("a\n\nb\nc", 5, 3),
            ("a,\"b\n\nc", 0, 0),
            ("\n\n", 0, 0),
            ("", 0, 0),
        ] {
            let mut block = Block {
                bytes: text.as_bytes().to_vec(),
                ..Block::default()
            };
            assert_eq!(block.scan(0, b',', false), whole, "{text:?}");
            assert_eq!(block.records(), records, "{text:?}");
        }
    }
}
