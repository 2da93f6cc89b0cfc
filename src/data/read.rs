//! Reading a CSV: header, binding, rows.

use std::collections::BTreeMap;
use std::io::Read;

use crate::data::bind::{Binding, BoundKind, CategoryValues, Header, bind, bind_learned};
use crate::data::cell::{CellFault, Expected};
use crate::data::columns::{Column, ColumnFault};
use crate::data::excerpt::RawRecord;
use crate::data::faults::TableFaults;
use crate::data::prepare::Preparation;
use crate::data::records::Records;
use crate::data::spec::DataSpec;
use crate::data::table::{Table, TableField, Values};
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
        if header.names.len() == 1
            && let Some(blank) = records.blank_line_before()
        {
            let (at, name) = (0, &header.names[0]);
            let missing = CellFault::Missing;
            faults.push_cell(&blank, at, Some(name), |place| {
                missing.describe(b"", blank.line, name, Expected::Number, place)
            });
        }
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
        fingerprint: records.fingerprint(),
        fields,
        parts,
        strata,
    }
}
