//! Lines before the header of a table, and a header that is written as a comment.

use crate::data::excerpt::RawRecord;
use crate::data::faults::TableFaults;
use crate::data::header::Header;
use crate::data::scan::RecordBlock;
use crate::data::sniff::TableLayout;
use crate::data::spec::DataSpec;
use crate::diagnostics::{Code, Diagnostic};

/// How many records are looked at.
const LOOKED_AT: usize = 50;

/// The fault of a table whose header is not what it seems to be, given that the model names columns that
/// the header lacks.
pub(super) fn misplaced_header(
    head: &[u8],
    layout: &TableLayout,
    header: &Header,
    spec: &DataSpec,
    learned: bool,
    faults: &mut TableFaults,
) -> Option<Diagnostic> {
    let first = header.record.as_ref()?;
    let columns = spec.columns.iter().map(|column| column.source());
    let names = columns.filter(|pattern| !pattern.glob);
    let wanted: Vec<&str> = names.map(|pattern| pattern.text.as_str()).collect();
    let has = |names: &[String]| {
        let found = wanted
            .iter()
            .filter(|name| names.iter().any(|it| it == *name));
        found.count()
    };
    let in_header = has(&header.names);
    if 2 * in_header > wanted.len() {
        return None;
    }
    let uncommented: Vec<String> = header.names.iter().map(|name| without_sign(name)).collect();
    if has(&uncommented) > in_header {
        let place = faults.place(first, 0);
        let message = format!("the header of `{}` begins with `#`", faults.name);
        let fault = Diagnostic::new(Code::MissingColumn, place, message)
            .label("a part of the first column's name");
        return Some(if learned {
            fault.help("remove the sign from the table")
        } else {
            let line = first.line;
            fault.help(format!(
                "remove the sign from the table, or name the columns in `data`: `header = [{}]` and `skip = \
                 {line}`",
                uncommented.join(", ")
            ))
        });
    }
    let mut block = RecordBlock::default();
    block.bytes.extend_from_slice(&head[layout.from..]);
    block.first_byte = layout.from as u64;
    block.scan(0, layout.delimiter, true);
    let lines_from = 1 + memchr::memchr_iter(b'\n', &head[..layout.from]).count() as u64;
    let mut scratch = Vec::new();
    let found = (0..block.records().min(LOOKED_AT)).find_map(|number| {
        let record = block.record(number);
        let cells = (0..record.len()).map(|at| {
            let cell = record.cell(at, &mut scratch);
            String::from_utf8_lossy(cell).trim().to_owned()
        });
        let cells: Vec<String> = cells.collect();
        let better = 2 * has(&cells) > wanted.len();
        better.then(|| block.raw(number, lines_from + block.lines_before(number)))
    })?;
    Some(below(&found, first, learned, faults))
}

fn below(
    found: &RawRecord,
    first: &RawRecord,
    learned: bool,
    faults: &mut TableFaults,
) -> Diagnostic {
    let place = faults.place(found, 0);
    let title = faults.place(first, 0);
    let message = format!(
        "line {} of `{}` is not its header: the columns are named in line {}",
        first.line, faults.name, found.line
    );
    let fault = Diagnostic::new(Code::MissingColumn, place, message)
        .label("the names of the columns")
        .also(title, "taken for the header");
    let is_comment = first.bytes.trim_ascii_start().starts_with(b"#");
    if learned {
        fault.help("remove the lines before it from the table")
    } else if is_comment {
        fault.help("write `comment = \"#\"` in `data` to skip lines that begin so")
    } else {
        let before = found.line - 1;
        fault.help(format!(
            "write `skip = {before}` in `data` to skip the lines before it"
        ))
    }
}

fn without_sign(name: &str) -> String {
    name.trim_start_matches('#').trim().to_owned()
}
