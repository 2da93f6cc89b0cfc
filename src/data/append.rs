//! A CSV with columns added: what stood there stays, byte for byte.

use std::ops::Range;

use crate::data::blocks::{BYTE_ORDER_MARK, Blocks};
use crate::data::excerpt::RawRecord;
use crate::data::scan::Block;
use crate::diagnostics::{Sources, Span};

/// The records of a CSV as they stand in it, without the ends of their lines, and blank lines left
/// out, as [`read_table`](crate::data::read_table) reads them.
struct RawRecords<'c> {
    /// `None` if the first line is longer than any table's.
    blocks: Option<Blocks<&'c [u8]>>,
    block: Block,
    /// The number of the next record in the block.
    next: usize,
}

impl<'c> RawRecords<'c> {
    fn new(csv: &'c [u8]) -> Self {
        const BLOCK_BYTES: usize = 1 << 18;
        RawRecords {
            blocks: Blocks::open(csv, BLOCK_BYTES, usize::MAX).ok(),
            block: Block::default(),
            next: 0,
        }
    }
}

impl Iterator for RawRecords<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        loop {
            if self.next == self.block.records() {
                let read = self.blocks.as_mut()?.read(&mut self.block);
                self.next = 0;
                match read {
                    Ok(true) => {}
                    Ok(false) | Err(_) => return None,
                }
            }
            let number = self.next;
            self.next += 1;
            if !self.block.record(number).is_blank() {
                let raw = self.block.raw(number, 1);
                let start = usize::try_from(raw.byte).ok()?;
                return Some(start..start + raw.bytes.len());
            }
        }
    }
}

/// The CSV with columns added at the end: `names` to its header, and to row k what `cells` puts into
/// the list for k. New cells are quoted where they must be; lines end as the header's does.
pub fn append_columns(
    csv: &[u8],
    delimiter: char,
    names: &[String],
    mut cells: impl FnMut(usize, &mut Vec<String>),
) -> Vec<u8> {
    let mut records = RawRecords::new(csv);
    let mut result = Vec::with_capacity(csv.len() * 2);
    let Some(header) = records.next() else {
        return result;
    };
    if csv.starts_with(BYTE_ORDER_MARK) {
        result.extend_from_slice(BYTE_ORDER_MARK);
    }
    let line_end: &[u8] = if csv[header.end..].starts_with(b"\r\n") {
        b"\r\n"
    } else {
        b"\n"
    };
    let mut line = |raw: Range<usize>, added: &[String]| {
        result.extend_from_slice(&csv[raw]);
        for cell in added {
            let mut character = [0; 4];
            result.extend_from_slice(delimiter.encode_utf8(&mut character).as_bytes());
            quoted(cell, delimiter, &mut result);
        }
        result.extend_from_slice(line_end);
    };
    line(header, names);
    let mut added = Vec::with_capacity(names.len());
    for (row, record) in records.enumerate() {
        added.clear();
        cells(row, &mut added);
        line(record, &added);
    }
    result
}

fn quoted(cell: &str, delimiter: char, to: &mut Vec<u8>) {
    let special = |character| matches!(character, '"' | '\n' | '\r') || character == delimiter;
    if cell.contains(special) || cell.trim() != cell {
        to.push(b'"');
        to.extend_from_slice(cell.replace('"', "\"\"").as_bytes());
        to.push(b'"');
    } else {
        to.extend_from_slice(cell.as_bytes())
    }
}

/// The place of a column's name in the header, in an excerpt that is added to `sources`.
pub fn header_place(
    csv: &[u8],
    delimiter: char,
    column: usize,
    name: &str,
    sources: &mut Sources,
) -> Span {
    let header = RawRecords::new(csv).next().unwrap_or_default();
    let delimiter = u8::try_from(delimiter).unwrap_or(b',');
    let first_byte = header.start as u64;
    let excerpt = RawRecord::new(&csv[header], delimiter, 1, first_byte).excerpt(column);
    let first_line = usize::try_from(excerpt.line).unwrap_or(1);
    let first_byte = usize::try_from(excerpt.byte).unwrap_or(0);
    let file = sources.add_excerpt(name, excerpt.text, first_line, first_byte);
    Span::new(file, excerpt.range)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn appended(csv: &str, delimiter: char) -> String {
        let names = ["row".to_owned(), "say \"x\"".to_owned()];
        let bytes = append_columns(csv.as_bytes(), delimiter, &names, |row, cells| {
            cells.push(row.to_string());
            cells.push("a;b".to_owned());
        });
        String::from_utf8(bytes).expect("text stays text")
    }

    #[test]
    fn what_stood_there_stays() {
        let csv = "\u{FEFF}a, b \n\"1,\n2\",  x\n\n3,\"\"\"q\"\"\"";
        let expected = "\u{FEFF}a, b ,row,\"say \"\"x\"\"\"\n\
                        \"1,\n2\",  x,0,a;b\n3,\"\"\"q\"\"\",1,a;b\n";
        assert_eq!(appended(csv, ','), expected);
    }

    #[test]
    fn line_ends_and_delimiter_are_the_files_own() {
        let expected = "a;b;row;\"say \"\"x\"\"\"\r\n1;2;0;\"a;b\"\r\n3;4;1;\"a;b\"\r\n";
        assert_eq!(appended("a;b\r\n1;2\r\n\r\n3;4\r\n", ';'), expected);
        assert_eq!(appended("a;b\r\n1;2\r\n3;4", ';'), expected);
    }

    #[test]
    fn a_columns_place_is_found_in_the_header() {
        let mut sources = Sources::new();
        let csv = b"\xEF\xBB\xBFa,\"b\",c\n1,2,3\n";
        let place = header_place(csv, ',', 1, "t.csv", &mut sources);
        assert_eq!(sources.text(place), "\"b\"");
    }
}
