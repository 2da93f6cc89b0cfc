//! The records of a CSV, one after another.

use std::io::{self, Read};

use csv::ByteRecord;

use crate::data::bind::Header;
use crate::data::excerpt::RawRecord;
use crate::data::faults::TableFaults;
use crate::data::read::Limits;
use crate::data::window::{RecordTooLong, Window, delimiter_of};
use crate::diagnostics::{Code, Diagnostic};

/// The records of a CSV, each with its place in the file.
pub(super) struct Records<'l, R> {
    reader: csv::Reader<Window<R>>,
    /// The record that was read last.
    pub record: ByteRecord,
    pub delimiter: u8,
    /// Whether a carriage return stands before the record that was read last.
    after_return: bool,
    pub limits: &'l Limits,
}

impl<'l, R: Read> Records<'l, R> {
    /// Looks at the first line for the delimiter. `None` leaves a fault.
    pub fn open(reader: R, limits: &'l Limits, faults: &mut TableFaults) -> Option<Self> {
        let mut window = Window::new(reader, limits.record_bytes);
        let first_line = match window.first_line() {
            Ok(first_line) => first_line,
            Err(error) => {
                push_error(&error, 1, limits, faults);
                return None;
            }
        };
        if first_line.starts_with(b"\xFF\xFE") || first_line.starts_with(b"\xFE\xFF") {
            let message = format!("`{}` is UTF-16, not UTF-8", faults.name);
            let fault = Diagnostic::without_place(Code::NotUtf8, message);
            faults.push(fault.help("save the table as UTF-8"));
            return None;
        }
        let delimiter = delimiter_of(first_line);
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .buffer_capacity(1 << 18)
            .from_reader(window);
        Some(Records {
            reader,
            record: ByteRecord::new(),
            delimiter,
            after_return: false,
            limits,
        })
    }

    /// Reads the next record; `false` at the end of the file and when reading on makes no sense, which
    /// is then a fault.
    pub fn advance(&mut self, faults: &mut TableFaults) -> bool {
        let start = self.reader.position().byte();
        let last = self.reader.get_ref().bytes(start.saturating_sub(1), start);
        self.after_return = last == b"\r";
        self.reader.get_mut().begin_record(start);
        match self.reader.read_byte_record(&mut self.record) {
            Ok(more) => more,
            Err(error) => {
                let line = self.reader.position().line();
                match error.into_kind() {
                    csv::ErrorKind::Io(error) => push_error(&error, line, self.limits, faults),
                    other => {
                        let message = format!("`{}` cannot be read: {other:?}", faults.name);
                        faults.push(Diagnostic::without_place(Code::Io, message));
                    }
                }
                false
            }
        }
    }

    /// The record that was read last, as it stands in the file.
    pub fn raw(&self) -> RawRecord {
        let (byte, line) = match self.record.position() {
            Some(position) => (position.byte(), position.line()),
            None => (0, 1),
        };
        let bytes = self
            .reader
            .get_ref()
            .bytes(byte, self.reader.position().byte());
        RawRecord::new(bytes, self.delimiter, line, byte)
    }

    /// The blank line before the record that was read last, if there is one. In a table of one column
    /// it is an empty cell, which the parser skips.
    pub fn blank_line_before(&self) -> Option<RawRecord> {
        let position = self.record.position()?;
        let end = self.reader.position().byte();
        let bytes = self.reader.get_ref().bytes(position.byte(), end);
        let is_end = |byte: &&u8| matches!(byte, b'\n' | b'\r');
        let ends = bytes.iter().take_while(is_end).count();
        // The line feed of the line before may be left over from its carriage return.
        let left_over = usize::from(self.after_return && bytes.first() == Some(&b'\n'));
        (ends > left_over).then(|| RawRecord {
            bytes: Vec::new(),
            delimiter: self.delimiter,
            line: position.line() + left_over as u64,
            byte: position.byte() + left_over as u64,
        })
    }

    /// The hash of the bytes that were read: of the whole file when no record is left.
    pub fn fingerprint(&self) -> String {
        self.reader.get_ref().fingerprint()
    }

    /// Reads the header line.
    pub fn header(&mut self, faults: &mut TableFaults) -> Option<Header> {
        if !self.advance(faults) {
            if faults.is_empty() {
                let message = format!("`{}` is empty", faults.name);
                let fault = Diagnostic::without_place(Code::EmptyTable, message);
                faults.push(fault.help("a table begins with a line that names its columns"));
            }
            return None;
        }
        let record = self.raw();
        let count = self.record.len();
        if count > self.limits.columns {
            let place = faults.place(&record, self.limits.columns);
            let limit = self.limits.columns;
            let message = format!("`{}` has {count} columns", faults.name);
            faults.push(
                Diagnostic::new(Code::TableTooLarge, place, message)
                    .label(format!("a table has at most {limit} columns")),
            );
            return None;
        }
        let mut names = Vec::with_capacity(count);
        for (at, cell) in self.record.iter().enumerate() {
            match std::str::from_utf8(cell) {
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
}

fn push_error(error: &io::Error, line: u64, limits: &Limits, faults: &mut TableFaults) {
    let too_long = error
        .get_ref()
        .is_some_and(|cause| cause.is::<RecordTooLong>());
    let name = &faults.name;
    faults.push(match too_long {
        true => Diagnostic::without_place(
            Code::TableTooLarge,
            format!(
                "`{name}`, line {line}: the record is longer than {} bytes",
                limits.record_bytes
            ),
        )
        .help("a quote that is never closed makes the rest of the file one field"),
        false => Diagnostic::without_place(Code::Io, format!("`{name}` cannot be read: {error}")),
    });
}
