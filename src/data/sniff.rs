//! What the head of a CSV shows of the whole: where its header is, what divides its cells, and how its
//! rows differ from the header.

use std::collections::HashMap;

use memchr::{memchr, memchr_iter};

use crate::data::format::{HeaderSetting, TableFormat};
use crate::data::scan::{BYTE_ORDER_MARK, RecordBlock};

/// How much of a file is looked at; more if its first lines are longer.
pub(super) const HEAD_BYTES: usize = 1 << 16;

/// What may divide cells, the usual ones first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// How a CSV is laid out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct TableLayout {
    /// How many bytes stand before the header: a byte order mark, the line `sep=;`, and those skipped.
    pub from: usize,
    pub delimiter: u8,
    pub rows: RowShape,
}

/// How many cells the rows have, beside the header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum RowShape {
    /// As many.
    AsHeader,
    /// As many, and a delimiter ends each line: the last cells are all empty.
    AllTrailing,
    /// One more in front: the names of the rows, as R's `write.table` writes them.
    Named,
    /// One more, which is empty: each row ends in a delimiter, and the header does not.
    RowsTrailing,
    /// One less: the header ends in a delimiter, and the rows do not.
    HeaderTrailing,
}

impl TableLayout {
    /// Looks at the head of a file, which is all of it if it is `whole`.
    pub fn of(head: &[u8], whole: bool, format: &TableFormat) -> TableLayout {
        let marks = marks(head);
        let (given, from) = match separator_line(&head[marks..]) {
            Some((delimiter, length)) => (Some(delimiter), marks + length),
            None => (None, marks),
        };
        let from = from.max(after_lines(head, format.skip));
        let mut block = RecordBlock::default();
        block.bytes.extend_from_slice(&head[from..]);
        block.comment = format.comment_bytes().to_vec();
        let candidates = match given {
            Some(delimiter) => vec![delimiter],
            None => DELIMITERS.to_vec(),
        };
        let found = candidates
            .into_iter()
            .map(|delimiter| Candidate::of(&mut block, delimiter, whole, format))
            .rev()
            .max_by(|left, right| left.rank().partial_cmp(&right.rank()).expect("no NaN"));
        let found = found.expect("there is a candidate");
        TableLayout {
            from,
            delimiter: found.delimiter,
            rows: found.rows.unwrap_or(RowShape::AsHeader),
        }
    }
}

/// How many lines end in the head of a file.
pub(super) fn lines_in(head: &[u8]) -> usize {
    memchr_iter(b'\n', head)
        .count()
        .max(memchr_iter(b'\r', head).count())
}

/// Where the lines end that are skipped, or the head if it has no more.
fn after_lines(head: &[u8], lines: usize) -> usize {
    let Some(last) = lines.checked_sub(1) else {
        return 0;
    };
    let end = if memchr(b'\n', head).is_some() {
        b'\n'
    } else {
        b'\r'
    };
    memchr_iter(end, head)
        .nth(last)
        .map_or(head.len(), |end| end + 1)
}

/// How many bytes the byte order marks at the beginning take.
fn marks(head: &[u8]) -> usize {
    let mut rest = head;
    while let Some(behind) = rest.strip_prefix(BYTE_ORDER_MARK) {
        rest = behind;
    }
    head.len() - rest.len()
}

/// The delimiter that a line such as `sep=;` before the header gives, as Excel reads it, and how long that
/// line is.
fn separator_line(head: &[u8]) -> Option<(u8, usize)> {
    let end = head.iter().position(|byte| matches!(byte, b'\n' | b'\r'))?;
    let line = head[..end].trim_ascii_end();
    // A tab at the end is no space to take away.
    let line = if line.len() == b"sep=".len() {
        &head[..end]
    } else {
        line
    };
    let line = match line {
        [b'"', inner @ .., b'"'] => inner,
        _ => line,
    };
    let &[b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', delimiter] = line else {
        return None;
    };
    let divides = delimiter == b'\t' || delimiter.is_ascii_punctuation() && delimiter != b'"';
    let behind = if head[end..].starts_with(b"\r\n") {
        2
    } else {
        1
    };
    divides.then_some((delimiter, end + behind))
}

/// What a delimiter makes of the head.
struct Candidate {
    delimiter: u8,
    /// How many columns there are; 1 if it divides nothing.
    columns: usize,
    /// How the rows fit the header; `None` if they do not.
    rows: Option<RowShape>,
    /// How many records of all have as many cells as most rows have.
    agreeing: f64,
    /// Whether it only ever stands between digits, as a decimal comma does.
    between_digits: bool,
}

impl Candidate {
    fn of(block: &mut RecordBlock, delimiter: u8, whole: bool, format: &TableFormat) -> Candidate {
        let length = block.bytes.len();
        let decimal = format.numbers.decimal == ',' || only_between_digits(&block.bytes);
        let between_digits = delimiter == b',' && decimal;
        block.scan(0, delimiter, whole);
        let mut scratch = Vec::new();
        let mut is_empty = |number: usize, cell: usize| {
            let text = block.record(number).cell(cell, &mut scratch);
            text.trim_ascii().is_empty()
        };
        let mut records = (0..block.records()).filter(|&number| !block.is_skipped(number));
        let all = records.clone().count();
        let first = match format.header {
            HeaderSetting::Line => records.next(),
            HeaderSetting::Numbered | HeaderSetting::Names(..) => records.clone().next(),
        };
        let Some(first) = first else {
            block.bytes.truncate(length);
            return Candidate {
                delimiter,
                columns: 1,
                rows: None,
                agreeing: 0.0,
                between_digits,
            };
        };
        let cells = |number: usize| block.record(number).len();
        let mut frequencies: HashMap<usize, usize> = HashMap::new();
        for number in records.clone() {
            *frequencies.entry(cells(number)).or_default() += 1;
        }
        let most = frequencies
            .iter()
            .max_by_key(|&(&cells, &count)| (count, cells));
        let (common, of_rows) = most.map_or((cells(first), 0), |(&cells, &rows)| (cells, rows));
        let (header, header_ends_empty) = match format.header {
            HeaderSetting::Line => {
                let header = cells(first);
                (header, header > 1 && is_empty(first, header - 1))
            }
            HeaderSetting::Numbered => (common, true),
            HeaderSetting::Names(ref names, _) => (names.len(), false),
        };
        let alike = records.clone().filter(|&number| cells(number) == common);
        let empty_ends = match common {
            0 | 1 => 0,
            _ => alike.filter(|&number| is_empty(number, common - 1)).count(),
        };
        let all_agree = of_rows >= 2 && of_rows == records.clone().count();
        let rows = match header {
            header if header == common => {
                let trailing = of_rows > 0 && header_ends_empty && empty_ends == of_rows;
                Some(if trailing {
                    RowShape::AllTrailing
                } else {
                    RowShape::AsHeader
                })
            }
            header if header + 1 == common && 2 * empty_ends > of_rows => {
                Some(RowShape::RowsTrailing)
            }
            header if header + 1 == common && all_agree => Some(RowShape::Named),
            header if header == common + 1 && header_ends_empty => Some(RowShape::HeaderTrailing),
            _ => None,
        };
        let columns = match rows {
            Some(RowShape::AllTrailing | RowShape::RowsTrailing) => common - 1,
            Some(RowShape::AsHeader | RowShape::Named | RowShape::HeaderTrailing) | None => common,
        };
        let fits = format.header.is_line() && rows.is_some();
        let agreeing = of_rows + usize::from(fits);
        block.bytes.truncate(length);
        Candidate {
            delimiter,
            columns,
            rows,
            agreeing: agreeing as f64 / all as f64,
            between_digits,
        }
    }

    /// The highest is the best: it divides header and rows alike, then as many records as possible, into
    /// as many cells as possible. Where a comma stands only between digits, and another delimiter divides
    /// all lines too, it is a decimal comma. A tab seldom stands in a text.
    fn rank(&self) -> (bool, bool, f64, bool, usize, bool) {
        let divides = self.columns > 1;
        (
            divides && self.rows.is_some(),
            divides,
            self.agreeing,
            !(divides && self.between_digits),
            self.columns,
            divides && self.delimiter == b'\t',
        )
    }
}

fn only_between_digits(bytes: &[u8]) -> bool {
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut commas = memchr_iter(b',', bytes);
    commas.all(|at| at > 0 && digit(at - 1) && digit(at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(head: &str) -> (char, RowShape) {
        let layout = TableLayout::of(head.as_bytes(), true, &TableFormat::default());
        (char::from(layout.delimiter), layout.rows)
    }

    #[test]
    fn the_head_as_a_whole_shows_the_delimiter() {
        for (head, delimiter) in [
            ("a,b", ','),
            ("a;b,c", ','),
            ("\"a,b\";c", ';'),
            ("a b\tc", '\t'),
            ("a;b\tc\td", '\t'),
            ("a|b|c\n1|2|3\n", '|'),
            ("alone", ','),
            ("", ','),
            ("\n\n", ','),
            // A comma in a name, and none in the rows.
            ("id;size (m2, net);rooms\n1;2;3\n4;5;6\n", ';'),
            ("id\tsize, m2\n1\t2\n", '\t'),
            ("id\tname, first name\n1\tDoe, J\n2\tRoe, K\n", '\t'),
            // Decimal commas, with and without a header.
            ("a;b\n1,5;2,5\n3,5;4,5\n", ';'),
            ("1,5;2,5\n3,5;4,5\n", ';'),
            ("1,2\n3,4\n", ','),
            // A list in each row.
            ("x,tags,y\n1,a;b,2\n3,c;d,4\n", ','),
            ("text;y\n\"a,b,c\";1\nd,e,f;2\n", ';'),
            // A title, and a row that does not fit.
            ("Sales; 2024\na,b,c\n1,2,3\n4,5,6\n", ','),
            ("a;b\n1;2\n3\n4,4;5\n", ';'),
            ("a,b\t\n1,2\t\n", ','),
        ] {
            assert_eq!(layout(head).0, delimiter, "{head:?}");
        }
    }

    #[test]
    fn a_line_before_the_header_gives_the_delimiter() {
        for (head, delimiter, from) in [
            ("sep=;\na,b;c\n1,2;3\n", b';', 6),
            ("\u{feff}sep=|\r\na|b\r\n", b'|', 10),
            ("\"sep=,\"\na;b;c,d\n", b',', 8),
            ("SEP=\t\na,b\n", b'\t', 6),
            ("sep=;x\n1;2\n", b';', 0),
            ("sep=a\n1\n", b',', 0),
            ("\u{feff}\u{feff}a;b\n", b';', 6),
        ] {
            let layout = TableLayout::of(head.as_bytes(), true, &TableFormat::default());
            assert_eq!(
                (layout.delimiter, layout.from),
                (delimiter, from),
                "{head:?}"
            );
        }
    }

    #[test]
    fn rows_may_have_one_cell_more_or_less_than_the_header() {
        for (head, rows) in [
            ("a,b\n1,2\n3,4\n", RowShape::AsHeader),
            ("a,b,\n1,2,\n3,4,\n", RowShape::AllTrailing),
            ("a,b,\n1,2,\n3,4,5\n", RowShape::AsHeader),
            ("a,b\n1,2,\n3,4,\n", RowShape::RowsTrailing),
            ("a,b,\n1,2\n3,4\n", RowShape::HeaderTrailing),
            ("a,b\nr1,1,2\nr2,3,4\n", RowShape::Named),
            // One row, or not all of them, are a mistake.
            ("a,b\nr1,1,2\n", RowShape::AsHeader),
            ("a,b\nr1,1,2\n3,4\nr3,5,6\n", RowShape::AsHeader),
            ("a,b\n1,2,3,4\n5,6,7,8\n", RowShape::AsHeader),
        ] {
            assert_eq!(layout(head), (',', rows), "{head:?}");
        }
    }
}
