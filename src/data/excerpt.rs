//! The part of a CSV line that a diagnostic shows.

use std::ops::Range;

use crate::data::scan::BYTE_ORDER_MARK;

/// How many bytes of a long line stand on each side of the cell, and how many of a long cell.
const CONTEXT: usize = 50;
const CELL: usize = 60;

/// One record as it stands in the file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct RawRecord {
    pub bytes: Vec<u8>,
    pub delimiter: u8,
    /// The 1-based number of its first line.
    pub line: u64,
    /// The position of its first byte.
    pub byte: u64,
}

impl RawRecord {
    /// `bytes` begin at `byte` in line `line`; line ends behind them, as a quote that is never closed
    /// may take in, are left out.
    pub fn new(bytes: &[u8], delimiter: u8, line: u64, byte: u64) -> Self {
        let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
        let length = bytes.iter().rposition(|byte| !is_end(byte));
        RawRecord {
            bytes: bytes[..length.map_or(0, |last| last + 1)].to_vec(),
            delimiter,
            line,
            byte,
        }
    }

    /// Where each cell stands, quotes included and the spaces around it left out.
    pub fn cells(&self) -> Vec<Range<usize>> {
        let mut cells = Vec::new();
        let mut start = 0;
        let mut state = CellState::Start;
        let marked = self.bytes.starts_with(BYTE_ORDER_MARK);
        let from = if marked { BYTE_ORDER_MARK.len() } else { 0 };
        for (at, &byte) in self.bytes.iter().enumerate().skip(from) {
            state = match (state, byte) {
                (CellState::Quoted, b'"') => CellState::AfterQuote,
                (CellState::Quoted, _) => CellState::Quoted,
                (CellState::Start | CellState::AfterQuote, b'"') => CellState::Quoted,
                (CellState::Start | CellState::AfterQuote | CellState::Plain, byte)
                    if byte == self.delimiter =>
                {
                    cells.push(self.trimmed(start..at));
                    start = at + 1;
                    CellState::Start
                }
                (CellState::Start, b' ' | b'\t') => CellState::Start,
                (CellState::Start | CellState::AfterQuote | CellState::Plain, _) => {
                    CellState::Plain
                }
            };
        }
        cells.push(self.trimmed(start..self.bytes.len()));
        cells
    }

    fn trimmed(&self, range: Range<usize>) -> Range<usize> {
        let cell = &self.bytes[range.clone()];
        let unmarked = cell.strip_prefix(BYTE_ORDER_MARK).unwrap_or(cell);
        let start = range.start + (cell.len() - unmarked.trim_ascii_start().len());
        start..start + unmarked.trim_ascii().len()
    }

    /// The text to show and the range to underline in it. With `cell` beyond the last one the place is
    /// the line's end.
    pub fn excerpt(&self, cell: usize) -> Excerpt {
        let end = self.bytes.len();
        let place = self.cells().get(cell).cloned().unwrap_or(end..end);
        self.excerpt_of(place)
    }

    /// The text to show and the range to underline in it, for a range of the record.
    pub fn excerpt_of(&self, place: Range<usize>) -> Excerpt {
        let end = self.bytes.len();
        let from = if place.start > 2 * CONTEXT {
            character_start(&self.bytes, place.start - CONTEXT)
        } else {
            0
        };
        let shown_end = place.end.min(place.start + CELL);
        let to = if end - shown_end > 2 * CONTEXT {
            character_start(&self.bytes, shown_end + CONTEXT)
        } else {
            end
        };
        let cell_end = character_start(&self.bytes, shown_end).max(place.start);
        let (left, right) = (
            if from > 0 { "…" } else { "" },
            if to < end { "…" } else { "" },
        );
        let mut text = String::from(left);
        text.push_str(&printable(&self.bytes[from..place.start]));
        let start = text.len();
        text.push_str(&printable(&self.bytes[place.start..cell_end]));
        let range = start..text.len();
        text.push_str(&printable(&self.bytes[cell_end..to]));
        text.push_str(right);
        Excerpt {
            text,
            range,
            line: self.line,
            byte: (self.byte + from as u64).saturating_sub(left.len() as u64),
        }
    }
}

/// Where in a cell the scan is; a quote that follows a quote inside of quotes stands for itself.
#[derive(Clone, Copy)]
enum CellState {
    Start,
    Plain,
    Quoted,
    AfterQuote,
}

/// What a diagnostic shows of a record.
pub(super) struct Excerpt {
    pub text: String,
    pub range: Range<usize>,
    pub line: u64,
    /// The byte of the file at which `text` stands.
    pub byte: u64,
}

/// The start of the UTF-8 character that the byte is in.
fn character_start(bytes: &[u8], at: usize) -> usize {
    let continues = |place: &usize| bytes.get(*place).is_some_and(|byte| byte & 0xC0 == 0x80);
    (at.saturating_sub(3)..=at)
        .rev()
        .find(|place| !continues(place))
        .unwrap_or(at)
}

/// The text without control characters, which a terminal would obey.
pub(super) fn printable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .chars()
        .map(|character| match character {
            '\n' | '\t' => character,
            other if other.is_control() => '.',
            other => other,
        })
        .collect()
}

/// A text as a message quotes it: without line ends and control characters, and not too long.
pub(super) fn quoted(bytes: &[u8]) -> String {
    const SHOWN: usize = 40;
    let text = printable(&bytes[..bytes.len().min(8 * SHOWN)]).replace(['\n', '\t'], " ");
    if text.chars().count() > SHOWN {
        format!("`{}…`", text.chars().take(SHOWN).collect::<String>())
    } else {
        format!("`{text}`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(text: &str) -> RawRecord {
        RawRecord::new(text.as_bytes(), b',', 7, 100)
    }

    fn cells(text: &str) -> Vec<String> {
        let record = record(text);
        let cells = record.cells();
        cells
            .into_iter()
            .map(|cell| String::from_utf8_lossy(&record.bytes[cell]).into_owned())
            .collect()
    }

    #[test]
    fn cells_are_found_as_the_parser_finds_them() {
        for text in [
            "a,b,c",
            "a, b ,c",
            "\u{feff}\"a,b\",c",
            "\"a,b\",c",
            "\"a\"\"b,\",c,",
            "\"a\"\"\",c",
            "a\"b,c\"d",
            "\"two\nlines\",x",
            "",
            ",",
        ] {
            let mut reader = csv::ReaderBuilder::new()
                .has_headers(false)
                .from_reader(text.as_bytes());
            let parsed: Vec<String> = match reader.records().next() {
                Some(parsed) => parsed
                    .expect("a record")
                    .iter()
                    .map(|cell| cell.trim().to_owned())
                    .collect(),
                None => vec![String::new()],
            };
            let found: Vec<String> = cells(text)
                .into_iter()
                .map(|cell| {
                    if cell.starts_with('"') {
                        cell[1..cell.len() - 1].replace("\"\"", "\"")
                    } else {
                        cell
                    }
                })
                .collect();
            assert_eq!(found, parsed, "{text}");
        }
    }

    #[test]
    fn line_ends_behind_a_record_are_left_out() {
        assert_eq!(record("\"a\n,b\r\n\n").bytes, b"\"a\n,b");
        assert_eq!(record("\n\n").bytes, b"");
    }

    #[test]
    fn a_long_line_is_cut_around_the_cell() {
        let mut fields = vec!["ä1234567".to_owned(); 100];
        fields[50] = "wrong".to_owned();
        let record = record(&fields.join(","));
        let excerpt = record.excerpt(50);
        assert_eq!(&excerpt.text[excerpt.range.clone()], "wrong");
        assert!(excerpt.text.starts_with('…') && excerpt.text.ends_with('…'));
        assert!(excerpt.text.len() < 120);
        let in_file = excerpt.byte as usize - 100 + excerpt.range.start;
        assert_eq!(&record.bytes[in_file..in_file + 5], b"wrong");
    }

    #[test]
    fn a_long_cell_is_cut() {
        let record = record(&format!("a,{},b", "ä".repeat(10_000)));
        let excerpt = record.excerpt(1);
        assert!(excerpt.text.len() < 200 && excerpt.range.len() <= CELL);
        assert!(quoted(&record.bytes).len() < 100);
    }

    #[test]
    fn control_characters_are_not_shown() {
        assert_eq!(record("a\u{1b}[31m,b").excerpt(1).text, "a.[31m,b");
        assert_eq!(quoted(b"a\x1b\nb"), "`a. b`");
    }
}
