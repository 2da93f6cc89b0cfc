//! Reading a CSV: header, binding, rows.

use std::collections::BTreeMap;
use std::io::{self, Read};

use csv::ByteRecord;

use crate::data::bind::{Binding, BoundKind, CategoryValues, Header, bind, bind_learned};
use crate::data::columns::{Column, ColumnFault};
use crate::data::excerpt::RawRecord;
use crate::data::faults::TableFaults;
use crate::data::prepare::Preparation;
use crate::data::spec::DataSpec;
use crate::data::table::{Table, TableField, Values};
use crate::data::window::{RecordTooLong, Window, delimiter_of};
use crate::diagnostics::{Code, Diagnostic, Faults, Sources};

/// What a table is read for.
#[derive(Clone, Copy, Debug)]
pub enum Purpose<'p> {
    /// All columns that the model names are read, and all values of its categories are found.
    Train,
    /// The inputs alone are read, as the preparation of the training run knows them: the same columns
    /// in the same order, and no category value that training did not see.
    Predict(&'p Preparation),
}

/// How large a table may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    pub columns: usize,
    /// The bytes of one record, and so of one field.
    pub record_bytes: usize,
    pub rows: usize,
    /// Rows times columns that are read.
    pub cells: usize,
    /// The different values of one category.
    pub categories: usize,
}

impl Default for Limits {
    /// Rows are counted by `u32`, and every category index is exact in an f32.
    fn default() -> Self {
        Limits {
            columns: 100_000,
            record_bytes: 4 << 20,
            rows: u32::MAX as usize,
            cells: 1 << 34,
            categories: 1 << 20,
        }
    }
}

/// Reads the columns of a CSV that a model names, within the default [`Limits`].
///
/// `name` is the file's name in diagnostics. The first line is the header; the delimiter is a comma,
/// or a semicolon or tab if the header has no comma. A byte order mark is accepted, spaces around a
/// cell are not part of it, and blank lines are skipped. All faults are found in one run: if a
/// declaration does not fit the header, those of the header; else those of the rows, of which the first
/// twenty are given and the others counted. Excerpts of the file that faults point to are added to
/// `sources`.
pub fn read_table(
    reader: impl Read,
    name: &str,
    spec: &DataSpec,
    purpose: Purpose,
    sources: &mut Sources,
) -> Result<Table, Faults> {
    read_table_within(&Limits::default(), reader, name, spec, purpose, sources)
}

/// Reads a table as [`read_table`] does, within limits of the caller's own.
pub fn read_table_within(
    limits: &Limits,
    reader: impl Read,
    name: &str,
    spec: &DataSpec,
    purpose: Purpose,
    sources: &mut Sources,
) -> Result<Table, Faults> {
    let mut faults = TableFaults::new(name, sources);
    let mut records = match Records::open(reader, limits, &mut faults) {
        Some(records) => records,
        None => return Err(faults.finish()),
    };
    let Some(header) = records.header(&mut faults) else {
        return Err(faults.finish());
    };
    let binding = match purpose {
        Purpose::Train => bind(&header, spec, &mut faults),
        Purpose::Predict(preparation) => bind_learned(&header, spec, preparation, &mut faults),
    };
    if !faults.is_empty() {
        return Err(faults.finish());
    }
    let mut columns = open_columns(&binding, limits);
    let rows = read_rows(&mut records, &header, &mut columns, &mut faults);
    if rows == 0 && faults.is_empty() {
        let place = faults.place(&header.record, header.names.len());
        faults.push(
            Diagnostic::new(
                Code::EmptyTable,
                place,
                format!("`{name}` has a header and no row"),
            )
            .label("nothing follows"),
        );
    }
    if !faults.is_empty() {
        return Err(faults.finish());
    }
    Ok(assemble(records, header, rows, binding, columns, name))
}

/// The records of a CSV, each with its place in the file.
struct Records<'l, R> {
    reader: csv::Reader<Window<R>>,
    record: ByteRecord,
    delimiter: u8,
    limits: &'l Limits,
}

impl<'l, R: Read> Records<'l, R> {
    fn open(reader: R, limits: &'l Limits, faults: &mut TableFaults) -> Option<Self> {
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
            limits,
        })
    }

    /// Reads the next record; `false` at the end of the file and when reading on makes no sense, which
    /// is then a fault.
    fn advance(&mut self, faults: &mut TableFaults) -> bool {
        let start = self.reader.position().byte();
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
    fn raw(&self) -> RawRecord {
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

    fn header(&mut self, faults: &mut TableFaults) -> Option<Header> {
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

/// The columns to read, by their position in the header.
fn open_columns(binding: &Binding, limits: &Limits) -> BTreeMap<usize, Column> {
    let mut columns = BTreeMap::new();
    for field in &binding.fields {
        for &at in &field.columns {
            let column = match &field.kind {
                BoundKind::Numbers => Column::Number(Vec::new()),
                BoundKind::Category(values) => Column::category(values, limits.categories),
            };
            columns.insert(at, column);
        }
    }
    if let Some(at) = binding.parts {
        columns.insert(at, Column::Parts(Vec::new()));
    }
    if let Some(at) = binding.strata {
        columns
            .entry(at)
            .or_insert_with(|| Column::category(&CategoryValues::Found, limits.categories));
    }
    columns
}

fn read_rows<R: Read>(
    records: &mut Records<R>,
    header: &Header,
    columns: &mut BTreeMap<usize, Column>,
    faults: &mut TableFaults,
) -> usize {
    let limits = records.limits;
    let most_rows = limits.rows.min(limits.cells / columns.len().max(1));
    let mut columns: Vec<(usize, &mut Column)> = columns
        .iter_mut()
        .map(|(&at, column)| (at, column))
        .collect();
    let mut rows = 0;
    let mut wrong: Vec<(usize, ColumnFault)> = Vec::new();
    while !faults.enough() && records.advance(faults) {
        let record = &records.record;
        if rows == most_rows {
            let read = columns.len();
            faults.push(Diagnostic::without_place(
                Code::TableTooLarge,
                format!(
                    "`{}` has more than {most_rows} rows, the most that can be read with {read} columns",
                    faults.name
                ),
            ));
            break;
        }
        rows += 1;
        if record.len() != header.names.len() {
            ragged(&records.raw(), record.len(), header.names.len(), faults);
            continue;
        }
        for (place, (at, column)) in columns.iter_mut().enumerate() {
            let cell = record.get(*at).expect("as many cells as the header has");
            if let Err(fault) = column.push(cell) {
                wrong.push((place, fault));
            }
        }
        if wrong.is_empty() {
            continue;
        }
        let raw = records.raw();
        for (place, fault) in wrong.drain(..) {
            let (at, column) = &columns[place];
            let cell = record.get(*at).expect("as many cells as the header has");
            let name = &header.names[*at];
            faults.push_cell(&raw, *at, Some(name), |place| {
                fault.describe(column, cell, raw.line, name, place)
            });
        }
    }
    rows
}

fn ragged(raw: &RawRecord, found: usize, expected: usize, faults: &mut TableFaults) {
    let plural = if found == 1 { "" } else { "s" };
    let message = format!(
        "line {}: {found} field{plural}, where the header has {expected}",
        raw.line
    );
    let label = match found > expected {
        true => "the first field too many".to_owned(),
        false => format!("{} missing", expected - found),
    };
    faults.push_cell(raw, expected.min(found), None, |place| {
        let fault = Diagnostic::new(Code::RaggedRow, place, message).label(label);
        match found > expected {
            true => fault.help("a field that holds the delimiter stands in quotes"),
            false => fault,
        }
    });
}

fn assemble<R: Read>(
    records: Records<R>,
    header: Header,
    rows: usize,
    binding: Binding,
    mut columns: BTreeMap<usize, Column>,
    name: &str,
) -> Table {
    const READ: &str = "every bound column is read";
    let mut strata = None;
    let mut fields = Vec::with_capacity(binding.fields.len());
    for field in binding.fields {
        let names = field.columns.iter().map(|&at| header.names[at].clone());
        let names: Vec<String> = names.collect();
        let mut numbers = Vec::new();
        let mut category = None;
        for &at in &field.columns {
            match columns.remove(&at).expect(READ) {
                Column::Number(column) => numbers.push(column),
                Column::Category(column) => {
                    let (codes, values) = column.finish();
                    if binding.strata == Some(at) {
                        strata = Some(codes.clone());
                    }
                    category = Some(Values::Category { codes, values });
                }
                Column::Parts(_) => {}
            }
        }
        fields.push(TableField {
            role: field.role,
            name: field.name,
            declared: field.declared,
            columns: names,
            values: category.unwrap_or(Values::Numbers(numbers)),
        });
    }
    let mut parts = None;
    for column in columns.into_values() {
        match column {
            Column::Parts(column) => parts = Some(column),
            Column::Category(column) => strata = Some(column.finish().0),
            Column::Number(_) => {}
        }
    }
    Table {
        name: name.to_owned(),
        rows,
        header: header.names,
        delimiter: char::from(records.delimiter),
        fingerprint: records.reader.get_ref().fingerprint(),
        fields,
        parts,
        strata,
    }
}
