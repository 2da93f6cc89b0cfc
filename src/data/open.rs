//! The beginning of a CSV, and what ends its reading.

use std::io::{self, Read};

use crate::data::blocks::{Blocks, RecordTooLong};
use crate::data::faults::TableFaults;
use crate::data::format::TableFormat;
use crate::data::header::Header;
use crate::data::read::Limits;
use crate::data::recognise::{LOOKED_AT, Packing, not_a_csv, unpacked};
use crate::data::scan::Unclosed;
use crate::diagnostics::{Code, Diagnostic};

/// A file that was looked at.
pub(super) struct Opened<'r> {
    pub blocks: Blocks<Box<dyn Read + 'r>>,
    pub packing: Option<Packing>,
}

/// Unpacks a file and looks at its head for its layout. `None` leaves a fault.
pub(super) fn open<'r>(
    reader: impl Read + 'r,
    block_bytes: usize,
    limits: &Limits,
    format: &TableFormat,
    faults: &mut TableFaults,
) -> Option<Opened<'r>> {
    let opened = unpacked(reader).and_then(|unpacked| {
        let blocks = Blocks::open(unpacked.reader, block_bytes, limits.record_bytes, format)?;
        let packing = unpacked.packing;
        Ok(Opened { blocks, packing })
    });
    let opened = match opened {
        Ok(opened) => opened,
        Err(error) => {
            push_error(&error, 1, limits, faults);
            return None;
        }
    };
    let head = opened.blocks.head();
    if head.starts_with(b"\xFF\xFE") || head.starts_with(b"\xFE\xFF") {
        let message = format!("`{}` is UTF-16, not UTF-8", faults.name);
        let fault = Diagnostic::without_place(Code::NotUtf8, message);
        faults.push(fault.help("save the table as UTF-8"));
        return None;
    }
    if let Some(fault) = not_a_csv(&head[..head.len().min(LOOKED_AT)], &faults.name) {
        faults.push(fault);
        return None;
    }
    Some(opened)
}

/// Says that nothing can be read from `line` on.
pub(super) fn push_error(error: &io::Error, line: u64, limits: &Limits, faults: &mut TableFaults) {
    let too_long = error
        .get_ref()
        .and_then(|cause| cause.downcast_ref::<RecordTooLong>());
    let name = &faults.name;
    let Some(too_long) = too_long else {
        let message = format!("`{name}` cannot be read: {error}");
        return faults.push(Diagnostic::without_place(Code::Io, message));
    };
    match &too_long.unclosed {
        Some(unclosed) => push_unclosed(unclosed, line, None, faults),
        None => {
            let limit = limits.record_bytes;
            let message = format!("`{name}`, line {line}: the record is longer than {limit} bytes");
            faults.push(Diagnostic::without_place(Code::TableTooLarge, message));
        }
    }
}

/// Says where a quote opens a cell and is not closed where it should be; its block begins in line `line`.
pub(super) fn push_unclosed(
    unclosed: &Unclosed,
    line: u64,
    header: Option<&Header>,
    faults: &mut TableFaults,
) {
    let mut opens = unclosed.line.clone();
    opens.line = line + unclosed.lines_before;
    let place = faults.place_in(&opens, unclosed.quote..unclosed.quote + 1);
    let column = header.and_then(|header| header.names.get(unclosed.cell));
    let column = column.map_or_else(String::new, |name| format!(", column `{name}`"));
    let end = match unclosed.closed_after {
        None => "is never closed".to_owned(),
        Some(lines) => format!("is closed only in line {}, amid a text", opens.line + lines),
    };
    let message = format!("line {}{column}: a quotation mark {end}", opens.line);
    let label = match unclosed.closed_after {
        None => "opens a field that takes in the rest of the file".to_owned(),
        Some(lines) => format!("opens a field of {} lines", lines + 1),
    };
    faults.push(
        Diagnostic::new(Code::UnclosedQuote, place, message)
            .label(label)
            .help("close the field with a second quotation mark, or remove this one"),
    );
}
