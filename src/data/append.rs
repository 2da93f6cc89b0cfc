//! A CSV with columns added: what stood there stays, byte for byte.

use std::ops::Range;

use memchr::memrchr;

use crate::data::blocks::Blocks;
use crate::data::scan::{BYTE_ORDER_MARK, Block};
use crate::data::sniff::{Layout, Rows};

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

    fn layout(&self) -> Option<Layout> {
        self.blocks.as_ref().map(|blocks| blocks.layout)
    }
}

impl Iterator for RawRecords<'_> {
    /// Where a record stands, and how many cells it has.
    type Item = (Range<usize>, usize);

    fn next(&mut self) -> Option<(Range<usize>, usize)> {
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
                let cells = self.block.record(number).len();
                return Some((start..start + raw.bytes.len(), cells));
            }
        }
    }
}

/// The CSV with columns added at the end: `names` to its header, and to row k what `cells` puts into
/// the list for k. A delimiter at the end of a line is left out. New cells are quoted where they must be;
/// lines end as the header's does.
pub fn append_columns(
    csv: &[u8],
    names: &[String],
    mut cells: impl FnMut(usize, &mut Vec<String>),
) -> Vec<u8> {
    let mut records = RawRecords::new(csv);
    let mut result = Vec::with_capacity(csv.len() * 2);
    let (Some((header, header_cells)), Some(layout)) = (records.next(), records.layout()) else {
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
    let most_cells = match layout.rows {
        Rows::AllTrailing | Rows::HeaderTrailing => header_cells - 1,
        Rows::RowsTrailing => header_cells,
        Rows::AsHeader | Rows::Named => usize::MAX,
    };
    let mut line = |(raw, cells): (Range<usize>, usize), added: &[String]| {
        let mut raw = &csv[raw];
        if cells > most_cells {
            let delimiter = memrchr(layout.delimiter, raw);
            raw = &raw[..delimiter.unwrap_or(raw.len())];
        }
        result.extend_from_slice(raw);
        for cell in added {
            result.push(layout.delimiter);
            quoted(cell, char::from(layout.delimiter), &mut result);
        }
        result.extend_from_slice(line_end);
    };
    line((header, header_cells), names);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn appended(csv: &str) -> String {
        let names = ["row".to_owned(), "say \"x\"".to_owned()];
        let bytes = append_columns(csv.as_bytes(), &names, |row, cells| {
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
        assert_eq!(appended(csv), expected);
    }

    #[test]
    fn line_ends_and_delimiter_are_the_files_own() {
        let expected = "a;b;row;\"say \"\"x\"\"\"\r\n1;2;0;\"a;b\"\r\n3;4;1;\"a;b\"\r\n";
        assert_eq!(appended("a;b\r\n1;2\r\n\r\n3;4\r\n"), expected);
        assert_eq!(appended("a;b\r\n1;2\r\n3;4"), expected);
    }

    #[test]
    fn delimiters_at_the_end_of_lines_are_left_out() {
        let expected = "a;b;row;\"say \"\"x\"\"\"\n1;2;0;\"a;b\"\n3;;1;\"a;b\"\n";
        for csv in [
            "a;b;\n1;2;\n3;;\n",
            "a;b\n1;2; \n3;;\n",
            "a;b;\n1;2\n3;\n",
            "sep=;\na;b\n1;2\n3;\n",
        ] {
            assert_eq!(appended(csv), expected, "{csv:?}");
        }
        let named = "a\nr1 1\nr2 2\n".replace(' ', ",");
        assert!(appended(&named).starts_with("a,row,"), "{named}");
    }
}
