//! A CSV with columns added: what stood there stays, byte for byte.

use std::ops::Range;

use memchr::memrchr;

use crate::data::blocks::Blocks;
use crate::data::excerpt::RawRecord;
use crate::data::faults::TableFaults;
use crate::data::format::TableFormat;
use crate::data::scan::{BYTE_ORDER_MARK, RecordBlock};
use crate::data::sniff::{RowShape, TableLayout};
use crate::data::table::Table;
use crate::diagnostics::{Sources, Span};

/// The records of a CSV as they stand in it, without the ends of their lines, and blank lines left
/// out, as [`read_table`](crate::data::read_table) reads them.
struct RawRecords<'c> {
    /// `None` if the first line is longer than any table's.
    blocks: Option<Blocks<&'c [u8]>>,
    block: RecordBlock,
    /// The number of the next record in the block.
    next: usize,
}

impl<'c> RawRecords<'c> {
    fn new(csv: &'c [u8], format: &TableFormat) -> Self {
        const BLOCK_BYTES: usize = 1 << 18;
        RawRecords {
            blocks: Blocks::open(csv, BLOCK_BYTES, usize::MAX, format).ok(),
            block: RecordBlock::default(),
            next: 0,
        }
    }

    fn layout(&self) -> Option<TableLayout> {
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
            if !self.block.is_skipped(number) {
                let raw = self.block.raw(number, 1);
                let start = usize::try_from(raw.byte).ok()?;
                let cells = self.block.record(number).len();
                return Some((start..start + raw.bytes.len(), cells));
            }
        }
    }
}

/// The CSV with columns added at the end: `names` to its header, and to row k what `cells` puts into
/// the list for k. A table without a header line gets one of the names in `header`. Comments, skipped
/// lines and a delimiter at the end of a line are left out. New cells are quoted where they must be;
/// lines end as the header's does.
pub fn append_columns(
    csv: &[u8],
    format: &TableFormat,
    header: &[String],
    names: &[String],
    mut cells: impl FnMut(usize, &mut Vec<String>),
) -> Vec<u8> {
    let records = RawRecords::new(csv, format);
    let layout = records.layout();
    let mut records = records.peekable();
    let mut result = Vec::with_capacity(csv.len() * 2);
    let (Some((first, first_cells)), Some(layout)) = (records.peek().cloned(), layout) else {
        return result;
    };
    if csv.starts_with(BYTE_ORDER_MARK) {
        result.extend_from_slice(BYTE_ORDER_MARK);
    }
    let line_end: &[u8] = if csv[first.end..].starts_with(b"\r\n") {
        b"\r\n"
    } else {
        b"\n"
    };
    let most_cells = match layout.rows {
        RowShape::AllTrailing | RowShape::HeaderTrailing => first_cells - 1,
        RowShape::RowsTrailing => first_cells - usize::from(!format.header.is_line()),
        RowShape::AsHeader | RowShape::Named => usize::MAX,
    };
    let line = |(raw, cells): (Range<usize>, usize), added: &[String], result: &mut Vec<u8>| {
        let mut raw = &csv[raw];
        if cells > most_cells {
            let delimiter = memrchr(layout.delimiter, raw);
            raw = &raw[..delimiter.unwrap_or(raw.len())];
        }
        result.extend_from_slice(raw);
        for cell in added {
            result.push(layout.delimiter);
            quoted(cell, char::from(layout.delimiter), result);
        }
        result.extend_from_slice(line_end);
    };
    if format.header.is_line() {
        if let Some(header) = records.next() {
            line(header, names, &mut result);
        }
    } else {
        let columns = header.iter().take(most_cells.min(first_cells));
        for (at, name) in columns.chain(names).enumerate() {
            if at > 0 {
                result.push(layout.delimiter);
            }
            quoted(name, char::from(layout.delimiter), &mut result);
        }
        result.extend_from_slice(line_end);
    }
    let mut added = Vec::with_capacity(names.len());
    for (row, record) in records.enumerate() {
        added.clear();
        cells(row, &mut added);
        line(record, &added, &mut result);
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

/// The place of a cell of a table's row, in an excerpt that is added to `sources`.
pub fn cell_place(
    csv: &[u8],
    format: &TableFormat,
    table: &Table,
    column: &str,
    row: u32,
    sources: &mut Sources,
) -> Span {
    let number = row as usize + usize::from(format.header.is_line());
    let (record, _) = RawRecords::new(csv, format).nth(number).unwrap_or_default();
    let delimiter = u8::try_from(table.dialect.delimiter).unwrap_or(b',');
    let (line, first_byte) = (table.lines.of(row), record.start as u64);
    let position = table.header.iter().position(|name| name == column);
    let record = RawRecord::new(&csv[record], delimiter, line, first_byte);
    TableFaults::new(&table.name, sources).place(&record, position.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::format::HeaderSetting;

    fn appended(csv: &str) -> String {
        let format = TableFormat::default();
        let names = ["row".to_owned(), "say \"x\"".to_owned()];
        let bytes = append_columns(csv.as_bytes(), &format, &[], &names, |row, cells| {
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
    fn a_table_without_a_header_gets_one_and_comments_are_left_out() {
        let names = ["row".to_owned()];
        let format = TableFormat {
            header: HeaderSetting::Numbered,
            comment: Some("#".to_owned()),
            skip: 1,
            ..TableFormat::default()
        };
        for (csv, header, expected) in [
            (
                "title\n# a\n1,2\n#b\n3,4\n",
                &["c1", "c2"][..],
                "c1,c2,row\n1,2,0\n3,4,1\n",
            ),
            (
                "\n1;2;\n3;4;\n",
                &["c1", "c2", ""],
                "c1;c2;row\n1;2;0\n3;4;1\n",
            ),
        ] {
            let header: Vec<String> = header.iter().map(|name| (*name).to_owned()).collect();
            let bytes = append_columns(csv.as_bytes(), &format, &header, &names, |row, cells| {
                cells.push(row.to_string());
            });
            assert_eq!(String::from_utf8(bytes).expect("text"), expected, "{csv:?}");
        }
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
