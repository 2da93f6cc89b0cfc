//! Where the cells of a CSV's records end.
//!
//! A cell that begins with a quote, or with blanks and a quote, ends at the first delimiter or line end
//! behind its closing quote; two quotes inside of it stand for one. In any other cell a quote is a
//! character like others. A record ends with a line feed or a carriage return. These are the rules of
//! RFC 4180, and what the `csv` crate does with files that break them, blanks before quotes excepted.

use memchr::{memchr, memchr_iter, memchr2, memrchr2};

use crate::data::excerpt::RawRecord;
use crate::data::group::{ByteMasks, GROUP, QUOTE};

/// What begins some files, and stays in the middle where several were put together: no part of a cell.
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Whole records of a CSV, and where their cells end.
#[derive(Default)]
pub(super) struct RecordBlock {
    /// The records, what was read behind them, and [`GROUP`] bytes to fill the last group.
    pub bytes: Vec<u8>,
    /// Where each cell ends: at a delimiter or a line end. Before them, where a cell would have ended
    /// that adjoins the first one: a cell begins one byte behind the end of the one before.
    ends: Vec<u32>,
    /// For each record the place in `ends` of the end of its last cell. A blank line is a record of
    /// one empty cell here.
    records: Vec<u32>,
    /// The quote that opens a cell and is never closed, if there is one: nothing behind it is looked at.
    open_quote: Option<usize>,
    /// Which cell of its record it opens.
    open_cell: usize,
    /// The quotes that open a cell of several lines and are closed amid a text, each with its cell.
    torn: Vec<(usize, usize)>,
    /// Whether blanks stand before an opening quote.
    pub spaced_quotes: bool,
    /// What lines begin with that are comments; nothing if there are none.
    pub comment: Vec<u8>,
    pub delimiter: u8,
    /// The position of the first byte in the file.
    pub first_byte: u64,
    /// The byte before it, a line feed if there is none.
    pub byte_before: u8,
}

/// A quote that opens a cell and is not closed where the cell should end.
#[derive(Debug)]
pub(super) struct Unclosed {
    /// The line that it stands in, whose number is not known.
    pub line: RawRecord,
    /// How many lines of the block are before it.
    pub lines_before: u64,
    /// Where in the line it stands.
    pub quote: usize,
    /// Which cell of its record it opens.
    pub cell: usize,
    /// How many lines further it is closed, if it is.
    pub closed_after: Option<u64>,
}

/// One record of a block.
#[derive(Clone, Copy)]
pub(super) struct Record<'b> {
    pub bytes: &'b [u8],
    /// The ends of its cells, after the end before its first one.
    ends: &'b [u32],
}

impl RecordBlock {
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
        self.open_quote = None;
        self.torn.clear();
        self.spaced_quotes = false;
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
        if !at_end && !self.records.is_empty() {
            // The next block begins before it.
            self.open_quote = None;
        }
        let kept = self.records.last().map_or(0, |&last| last as usize);
        let end = self.ends[kept];
        self.torn.retain(|(quote, _)| *quote < after(end));
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

    /// Whether a record is a comment.
    pub fn is_comment(&self, record: &Record) -> bool {
        let (true, 1) = (!self.comment.is_empty(), record.len()) else {
            return false;
        };
        let text = &self.bytes[record.start()..record.end()];
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        text.trim_ascii_start().starts_with(&self.comment)
    }

    /// Whether a record is no row: a blank line, or a comment.
    pub fn is_skipped(&self, number: usize) -> bool {
        let record = self.record(number);
        record.is_blank() || self.is_comment(&record)
    }

    /// Where a quote opens the last cell that is never closed, if the bytes that were scanned end so.
    pub fn unclosed(&self) -> Option<Unclosed> {
        Some(self.opened(self.open_quote?, self.open_cell))
    }

    /// Where a quote opens a cell of this record that goes on over lines and is closed amid a text.
    pub fn torn(&self, record: &Record) -> Option<Unclosed> {
        let first = self
            .torn
            .partition_point(|(quote, _)| *quote < record.start());
        let &(quote, cell) = self
            .torn
            .get(first)
            .filter(|(quote, _)| *quote < record.end())?;
        let closing = closing_quote(&self.bytes[..record.end()], quote)?;
        let lines = memchr_iter(b'\n', &self.bytes[quote..closing]).count() as u64;
        Some(Unclosed {
            closed_after: Some(lines),
            ..self.opened(quote, cell)
        })
    }

    /// Whether a quote is not closed where it should be.
    pub fn is_torn(&self) -> bool {
        self.open_quote.is_some() || !self.torn.is_empty()
    }

    fn opened(&self, quote: usize, cell: usize) -> Unclosed {
        let bytes = &self.bytes[..self.bytes.len() - GROUP];
        let is_end = |byte: u8| matches!(byte, b'\n' | b'\r');
        let start = memrchr2(b'\n', b'\r', &bytes[..quote]).map_or(0, |end| end + 1);
        let length = bytes[quote..].iter().position(|&byte| is_end(byte));
        let end = length.map_or(bytes.len(), |length| quote + length);
        let lines_before = memchr_iter(b'\n', &bytes[..start]).count() as u64;
        let byte = self.first_byte + start as u64;
        Unclosed {
            line: RawRecord::new(&bytes[start..end], self.delimiter, 0, byte),
            lines_before,
            quote: quote - start,
            cell,
            closed_after: None,
        }
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
        let RecordBlock {
            bytes,
            ends,
            records,
            open_quote,
            open_cell,
            torn,
            spaced_quotes,
            comment,
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
            let found = ByteMasks::in_group(group, *delimiter);
            let comments = match comment.first() {
                Some(&first) => places_of(first, group),
                None => 0,
            };
            if found.quotes | comments == 0 && seen_to <= at {
                push(at, found.ends, found.lines, ends, records);
                continue;
            }
            let mut events = found.ends | found.quotes | comments;
            while events != 0 {
                let bit = events & events.wrapping_neg();
                events ^= bit;
                let place = at + bit.trailing_zeros() as usize;
                if place < seen_to {
                    continue;
                }
                if comments & bit != 0 {
                    let begin = ends.last().map_or(from, |&end| after(end));
                    let line = &bytes[place..length];
                    if cell_of_record(ends, records) == 0
                        && line.starts_with(comment)
                        && only_blanks(&bytes[begin..place])
                    {
                        let Some(end) = memchr2(b'\n', b'\r', line) else {
                            return;
                        };
                        seen_to = place + end;
                        continue;
                    }
                }
                if found.ends & bit != 0 {
                    push(at, bit, found.lines & bit, ends, records);
                    continue;
                }
                let begin = ends.last().map_or(from, |&end| after(end));
                if found.quotes & bit == 0 || !only_blanks(&bytes[begin..place]) {
                    continue;
                }
                *spaced_quotes |= bytes[begin..place].iter().any(|byte| is_blank(*byte));
                let Some(closing) = closing_quote(&bytes[..length], place) else {
                    (*open_quote, *open_cell) = (Some(place), cell_of_record(ends, records));
                    return;
                };
                seen_to = closing + 1;
                if amid_text(&bytes[..length], closing, *delimiter)
                    && memchr(b'\n', &bytes[place..closing]).is_some()
                {
                    torn.push((place, cell_of_record(ends, records)));
                }
            }
        }
    }
}

/// How many cells of the last record have ended.
fn cell_of_record(ends: &[u32], records: &[u32]) -> usize {
    ends.len() - 1 - records.last().map_or(0, |&last| last as usize)
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

/// Whether more of a text follows a closing quote.
fn amid_text(bytes: &[u8], closing: usize, delimiter: u8) -> bool {
    bytes.get(closing + 1).is_some_and(|&behind| {
        behind != delimiter && !is_blank(behind) && !matches!(behind, b'\n' | b'\r')
    })
}

/// Where a byte is in a group, as [`ByteMasks`] says it.
fn places_of(byte: u8, group: &[u8]) -> u64 {
    let places = memchr_iter(byte, group);
    places.fold(0, |found, place| found | 1 << place)
}

/// Whether a quote behind these bytes of a cell opens it. Those nearest to it are looked at first, so that
/// a cell of many quotes is not gone through again and again.
#[inline]
fn only_blanks(before: &[u8]) -> bool {
    let last = before.iter().rposition(|byte| !is_blank(*byte));
    last.is_none_or(|last| before[..=last] == *BYTE_ORDER_MARK)
}

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
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
            Some(b' ' | b'\t' | 0xEF) => behind_blanks(text, scratch),
            Some(_) | None => text,
        }
    }
}

/// A cell that may begin with a byte order mark or with blanks.
fn behind_blanks<'s>(text: &'s [u8], scratch: &'s mut Vec<u8>) -> &'s [u8] {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let blanks = text.iter().take_while(|byte| is_blank(**byte)).count();
    match text.get(blanks) {
        Some(&QUOTE) => unquoted(&text[blanks..], scratch),
        Some(_) | None => text,
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
    use crate::random::{Draws, Stream};

    fn scanned(text: &[u8], delimiter: u8) -> Vec<Vec<Vec<u8>>> {
        scanned_with(b"", text, delimiter)
    }

    fn scanned_with(comment: &[u8], text: &[u8], delimiter: u8) -> Vec<Vec<Vec<u8>>> {
        let mut block = RecordBlock {
            bytes: text.to_vec(),
            comment: comment.to_vec(),
            ..RecordBlock::default()
        };
        block.scan(0, delimiter, true);
        let mut scratch = Vec::new();
        (0..block.records())
            .filter(|&number| !block.is_skipped(number))
            .map(|number| block.record(number))
            .map(|record| {
                let cells = 0..record.len();
                cells
                    .map(|cell| record.cell(cell, &mut scratch).to_vec())
                    .collect()
            })
            .collect()
    }

    fn by_the_csv_crate(text: &[u8], delimiter: u8) -> Vec<Vec<Vec<u8>>> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
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
            assert_eq!(
                scanned(&text, b','),
                by_the_csv_crate(&text, b','),
                "{shown:?}"
            );
        }
    }

    /// A table as we read it and as the `csv` crate does: with blanks before and behind quotes, byte order
    /// marks before records, and without them.
    fn respelled(draws: &mut Draws, delimiter: char) -> (String, String) {
        let mut pick =
            |choices: &[&'static str]| choices[draws.below(choices.len() as u64) as usize];
        let (mut text, mut plain) = (String::new(), String::new());
        for _ in 0..1 + pick(&["", "1", "12", "123456"]).len() {
            text += pick(&["", "", "\u{feff}"]);
            for cell in 0..1 + pick(&["", "1", "12"]).len() {
                if cell > 0 {
                    text.push(delimiter);
                    plain.push(delimiter);
                }
                let inside = pick(&["a", "a,b;c|d", "x\ny", "\r\n", "say \"\"b\"\"", "", "ä"]);
                let quoted = format!("\"{inside}\"");
                if pick(&["quoted", "plain"]) == "quoted" {
                    let blanks = pick(&["", " ", "   ", " \t "]);
                    text += &blanks.replace(delimiter, "");
                    text += &quoted;
                    text += pick(&["", " ", "  "]);
                    plain += &quoted;
                } else {
                    // In a cell of another beginning a quote is one of its characters.
                    let word = pick(&["1", "5\"", "d\"e\"", "5' 6\"", "- \"f"]);
                    text += word;
                    plain += word;
                }
            }
            let end = pick(&["\n", "\r\n"]);
            text += end;
            plain += end;
        }
        (text, plain)
    }

    #[test]
    fn blanks_around_quotes_and_byte_order_marks_change_nothing() {
        let mut draws = Stream::new(4, "test", "scan").draws(0, 0);
        for round in 0..20_000 {
            let delimiter = [',', ';', '\t', '|'][round % 4];
            let (text, plain) = respelled(&mut draws, delimiter);
            let trimmed = |records: Vec<Vec<Vec<u8>>>| -> Vec<Vec<Vec<u8>>> {
                let trim = |cell: Vec<u8>| cell.trim_ascii().to_vec();
                let records = records.into_iter();
                let cells = records.map(|record| record.into_iter().map(trim).collect());
                cells.collect()
            };
            let delimiter = u8::try_from(delimiter).expect("ASCII");
            let found = trimmed(scanned(text.as_bytes(), delimiter));
            let expected = trimmed(by_the_csv_crate(plain.as_bytes(), delimiter));
            assert_eq!(found, expected, "{text:?}");
        }
    }

    #[test]
    fn comments_change_nothing() {
        let mut draws = Stream::new(6, "test", "scan").draws(0, 0);
        let comments = [
            "# a, \"b\n",
            "  #\n",
            "\u{feff}## \" #,,\r\n",
            "#a comment of more than a group of bytes, that are looked at together: \"\n",
        ];
        for _ in 0..20_000 {
            let (mut text, mut plain) = (String::new(), String::new());
            for _ in 0..1 + draws.below(8) {
                if draws.below(3) == 0 {
                    text += comments[draws.below(4) as usize];
                }
                let cells = 1 + draws.below(4);
                let cells = (0..cells).map(|at| {
                    let choices = ["a", "\"#b\n#c\"", "1#2", "\"x\"\"\n# y\"", "#d"];
                    // A record that begins with it would be a comment.
                    choices[draws.below(if at == 0 { 4 } else { 5 }) as usize]
                });
                let record = cells.collect::<Vec<&str>>().join(",") + "\n";
                text += &record;
                plain += &record;
            }
            let found = scanned_with(b"#", text.as_bytes(), b',');
            assert_eq!(found, by_the_csv_crate(plain.as_bytes(), b','), "{text:?}");
        }
    }

    #[test]
    fn an_open_quote_is_found_where_it_stands() {
        for (text, at) in [
            ("a,b\n1,\"2\n3,4\n", Some((2, 1, 1, "1,\"2"))),
            ("a\n \"x\"\"\n1\n", Some((1, 1, 0, " \"x\"\""))),
            ("a\n\"x\ny\",\"z\n1\n", Some((3, 2, 1, "y\",\"z"))),
            ("a\n\"x\"\n", None),
            ("a\n5\"\n", None),
        ] {
            let mut block = RecordBlock {
                bytes: text.as_bytes().to_vec(),
                ..RecordBlock::default()
            };
            block.scan(0, b',', true);
            let found = block.unclosed();
            let found = found.as_ref().map(|it| {
                let line = std::str::from_utf8(&it.line.bytes).expect("UTF-8");
                (it.quote, it.lines_before, it.cell, line)
            });
            assert_eq!(found, at, "{text:?}");
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
            let mut block = RecordBlock {
                bytes: text.as_bytes().to_vec(),
                ..RecordBlock::default()
            };
            assert_eq!(block.scan(0, b',', false), whole, "{text:?}");
            assert_eq!(block.records(), records, "{text:?}");
        }
    }
}
