//! The beginning of a CSV: its delimiter and its header.

use std::io::{self, Read};

use crate::data::bind::Header;
use crate::data::blocks::{Blocks, RecordTooLong};
use crate::data::faults::TableFaults;
use crate::data::read::Limits;
use crate::data::scan::Block;
use crate::diagnostics::{Code, Diagnostic};

/// Looks at the first line for the delimiter. `None` leaves a fault.
pub(super) fn open<R: Read>(
    reader: R,
    block_bytes: usize,
    limits: &Limits,
    faults: &mut TableFaults,
) -> Option<Blocks<R>> {
    let blocks = match Blocks::open(reader, block_bytes, limits.record_bytes) {
        Ok(blocks) => blocks,
        Err(error) => {
            push_error(&error, 1, limits, faults);
            return None;
        }
    };
    let beginning = blocks.beginning();
    if beginning.starts_with(b"\xFF\xFE") || beginning.starts_with(b"\xFE\xFF") {
        let message = format!("`{}` is UTF-16, not UTF-8", faults.name);
        let fault = Diagnostic::without_place(Code::NotUtf8, message);
        faults.push(fault.help("save the table as UTF-8"));
        return None;
    }
    Some(blocks)
}

/// Reads the header line, which is record `number` of the first block. `None` leaves a fault.
pub(super) fn header(
    block: &Block,
    number: usize,
    limits: &Limits,
    faults: &mut TableFaults,
) -> Option<Header> {
    let cells = block.record(number);
    let record = block.raw(number, 1 + block.lines_before(number));
    let count = cells.len();
    if count > limits.columns {
        let place = faults.place(&record, limits.columns);
        let limit = limits.columns;
        let message = format!("`{}` has {count} columns", faults.name);
        faults.push(
            Diagnostic::new(Code::TableTooLarge, place, message)
                .label(format!("a table has at most {limit} columns")),
        );
        return None;
    }
    let mut names = Vec::with_capacity(count);
    let mut scratch = Vec::new();
    for at in 0..count {
        match std::str::from_utf8(cells.cell(at, &mut scratch)) {
            Ok(name) => names.push(name.trim().to_owned()),
            Err(_) => {
                let message = format!("line {}: the header is not UTF-8 text", record.line);
                faults.push_cell(&record, at, None, |place| {
                    Diagnostic::new(Code::NotUtf8, place, message)
                        .label("these bytes are no characters of UTF-8")
                        .help("save the table as UTF-8")
                });
            }
        }
    }
    faults.is_empty().then_some(Header { names, record })
}

/// Says that nothing can be read from `line` on.
pub(super) fn push_error(error: &io::Error, line: u64, limits: &Limits, faults: &mut TableFaults) {
    let too_long = error
        .get_ref()
        .is_some_and(|cause| cause.is::<RecordTooLong>());
    let name = &faults.name;
    faults.push(if too_long {
        Diagnostic::without_place(
            Code::TableTooLarge,
            format!(
                "`{name}`, line {line}: the record is longer than {} bytes",
                limits.record_bytes
            ),
        )
        .help("a quote that is never closed makes the rest of the file one field")
    } else {
        Diagnostic::without_place(Code::Io, format!("`{name}` cannot be read: {error}"))
    });
}
