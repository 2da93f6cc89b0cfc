//! Rows with missing cells: which are dropped, what is filled from above, and what is left to report.

use crate::data::prepare::{Preparation, PreparedKind};
use crate::data::spec::{CategoryFill, ColumnKind, DataSpec, Drop, NumberFill, Role};
use crate::data::split::Division;
use crate::data::table::{Part, Table, TableField, Values};
use crate::diagnostics::{Code, Diagnostic, Span, listed};

/// The missing cells of a column in rows that count.
#[derive(Clone, PartialEq, Debug)]
pub struct Holes {
    /// The column's name in the file.
    pub column: String,
    pub count: usize,
    /// The first row that has one.
    pub first: u32,
}

/// The rows without a missing cell where the model drops those with one; `None` if all are kept.
pub(super) fn kept_rows(table: &Table, spec: &DataSpec) -> Option<Vec<u32>> {
    let decides = |field: &&TableField| match spec.drop {
        Drop::None => false,
        Drop::Missing => true,
        Drop::MissingTarget => field.role == Role::Target,
    };
    let fields: Vec<&TableField> = table.fields.iter().filter(decides).collect();
    let holes = fields.iter().map(|field| holey(table, field));
    let holey: Vec<(&TableField, Holey)> = fields.iter().copied().zip(holes).collect();
    if holey.iter().all(|(_, holes)| holes.is_none()) {
        return None;
    }
    let mut numbers = table.numbers.lookup();
    let rows = (0..).take(table.rows).filter(|&row| {
        let numbers = numbers.row(row as usize);
        holey.iter().all(|(field, holes)| match &field.values {
            Values::Numbers(_) | Values::Indicators(_) => {
                holes.places.iter().all(|&place| !numbers[place].is_nan())
            }
            Values::Words { codes, .. } => holes.code != Some(codes[row as usize]),
        })
    });
    Some(rows.collect())
}

/// Where a field's missing cells are.
#[derive(Default)]
struct Holey {
    /// The places of numbers that are missing in any row.
    places: Vec<usize>,
    /// The code of a missing word.
    code: Option<u32>,
}

impl Holey {
    fn is_none(&self) -> bool {
        self.places.is_empty() && self.code.is_none()
    }
}

fn holey(table: &Table, field: &TableField) -> Holey {
    match &field.values {
        Values::Numbers(places) => Holey {
            places: places.clone().filter(|&at| table.holes[at] > 0).collect(),
            code: None,
        },
        Values::Words { words, .. } => Holey {
            places: Vec::new(),
            code: (0..)
                .zip(words)
                .find_map(|(code, word)| word.is_none().then_some(code)),
        },
        // The same cells are those of the numbers beside it.
        Values::Indicators(_) => Holey::default(),
    }
}

/// Gives missing cells the value above them, in the rows that are kept, where the model says so.
pub(super) fn fill_forward(table: &mut Table, spec: &DataSpec) {
    let mut fields = std::mem::take(&mut table.fields);
    for field in &mut fields {
        let holes = holey(table, field);
        let forward = match &spec.columns[field.declared].kind {
            ColumnKind::Number(number) | ColumnKind::Vector(number) => {
                number.fill == Some(NumberFill::Forward)
            }
            ColumnKind::Category(category) => category.fill == Some(CategoryFill::Forward),
            ColumnKind::Boolean(fill) => *fill == Some(CategoryFill::Forward),
        };
        if !forward || holes.is_none() {
            continue;
        }
        let rows = table.kept.clone();
        let rows = rows.unwrap_or_else(|| (0..).take(table.rows).collect());
        if let (Values::Words { codes, .. }, Some(missing)) = (&mut field.values, holes.code) {
            let filled = forward_codes(codes, missing, &rows);
            table.forward.push((field.columns[0].clone(), filled));
        }
        let Values::Numbers(places) = &field.values else {
            continue;
        };
        for place in holes.places {
            let filled = table.numbers.fill_forward(place, &rows);
            let column = field.columns[place - places.start].clone();
            table.forward.push((column, filled));
        }
    }
    table.fields = fields;
}

fn forward_codes(codes: &mut [u32], missing: u32, rows: &[u32]) -> usize {
    let (mut last, mut filled) = (missing, 0);
    for &row in rows {
        let code = &mut codes[row as usize];
        if *code == missing && last != missing {
            *code = last;
            filled += 1;
        }
        last = *code;
    }
    filled
}

/// The missing cells of a field's columns in these rows, ascending.
pub(super) fn holes_in(table: &Table, field: &TableField, rows: &[u32]) -> Vec<Holes> {
    let found = holey(table, field);
    match &field.values {
        Values::Numbers(places) if !found.places.is_empty() => {
            let mut holes: Vec<(usize, u32)> = vec![(0, 0); found.places.len()];
            let mut numbers = table.numbers.lookup();
            for &row in rows {
                let numbers = numbers.row(row as usize);
                for ((count, first), &place) in holes.iter_mut().zip(&found.places) {
                    if numbers[place].is_nan() {
                        if *count == 0 {
                            *first = row;
                        }
                        *count += 1;
                    }
                }
            }
            let columns = found.places.iter().map(|place| place - places.start);
            let holes = columns.zip(holes).map(|(column, (count, first))| Holes {
                column: field.columns[column].clone(),
                count,
                first,
            });
            holes.filter(|holes| holes.count > 0).collect()
        }
        Values::Words { codes, .. } => {
            let missing = |row: &u32| found.code == Some(codes[*row as usize]);
            let mut rows = rows.iter().copied().filter(missing);
            let first = rows.next();
            let found = first.map(|first| Holes {
                column: field.columns[0].clone(),
                count: 1 + rows.count(),
                first,
            });
            found.into_iter().collect()
        }
        Values::Numbers(_) | Values::Indicators(_) => Vec::new(),
    }
}

/// All rows of a division, ascending.
pub(super) fn divided_rows(division: &Division) -> Vec<u32> {
    let parts = Part::ALL.map(|part| division.part(part));
    let mut rows = parts.concat();
    rows.sort_unstable();
    rows
}

/// Whether a field's missing cells become something.
fn is_answered(field: &TableField, spec: &DataSpec) -> bool {
    match &spec.columns[field.declared].kind {
        ColumnKind::Number(number) | ColumnKind::Vector(number) => {
            !matches!(number.fill, None | Some(NumberFill::Forward))
        }
        ColumnKind::Category(category) => {
            let filled = !matches!(category.fill, None | Some(CategoryFill::Forward));
            filled || category.unknown.is_some()
        }
        ColumnKind::Boolean(fill) => !matches!(fill, None | Some(CategoryFill::Forward)),
    }
}

/// The columns that have missing cells in rows that are divided, and say nothing of what becomes of them.
pub(super) fn unanswered<'t>(
    table: &'t Table,
    spec: &DataSpec,
    division: &Division,
) -> Vec<(&'t TableField, Holes)> {
    let fields = table.fields.iter();
    let fields = fields.filter(|field| !holey(table, field).is_none());
    let fields: Vec<&TableField> = fields.filter(|field| !is_answered(field, spec)).collect();
    if fields.is_empty() {
        return Vec::new();
    }
    let rows = divided_rows(division);
    let found = fields.into_iter().flat_map(|field| {
        let holes = holes_in(table, field, &rows);
        holes.into_iter().map(move |holes| (field, holes))
    });
    found.collect()
}

/// Their one fault.
pub(super) fn unanswered_fault(
    found: &[(&TableField, Holes)],
    table: &Table,
    spec: &DataSpec,
    division: &Division,
) -> Option<Diagnostic> {
    let (first, _) = found.first()?;
    let place = spec.columns[first.declared].name.span;
    let holes: Vec<&Holes> = found.iter().map(|(_, holes)| holes).collect();
    let rows = Part::ALL.map(|part| division.part(part).len()).iter().sum();
    let mut fault = missing_cells(&holes, table, rows, Some(place))
        .label("does not say what a missing cell becomes");
    let forward = |field: &&TableField| match &spec.columns[field.declared].kind {
        ColumnKind::Number(number) | ColumnKind::Vector(number) => {
            number.fill == Some(NumberFill::Forward)
        }
        ColumnKind::Category(category) => category.fill == Some(CategoryFill::Forward),
        ColumnKind::Boolean(fill) => *fill == Some(CategoryFill::Forward),
    };
    if found.iter().any(|(field, _)| forward(field)) {
        fault = fault.note("`fill = forward` takes the value above: here is none");
    }
    Some(fault.help(ways_out(found, spec)))
}

/// The fault of missing cells among so many rows, all columns in one: how many, and the line of the first.
pub fn missing_cells(
    holes: &[&Holes],
    table: &Table,
    rows: usize,
    place: Option<Span>,
) -> Diagnostic {
    const SHOWN: usize = 8;
    let name = &table.name;
    let what = |holes: &Holes| {
        let (count, line) = (holes.count, table.lines.of(holes.first));
        let are = if count == 1 { "is" } else { "are" };
        format!("{count} of {rows} cells {are} missing, first in line {line}")
    };
    let (message, listed) = match holes {
        [holes] => {
            let message = format!("`{name}`, column `{}`: {}", holes.column, what(holes));
            (message, &[][..])
        }
        several => {
            let message = format!("`{name}`: cells are missing in {} columns", several.len());
            (message, several)
        }
    };
    let mut fault = match place {
        Some(place) => Diagnostic::new(Code::MissingCells, place, message),
        None => Diagnostic::without_place(Code::MissingCells, message),
    };
    for holes in listed.iter().take(SHOWN) {
        fault = fault.note(format!("`{}`: {}", holes.column, what(holes)));
    }
    match listed.len().saturating_sub(SHOWN) {
        0 => fault,
        more => fault.note(format!("and {more} more columns")),
    }
}

fn ways_out(found: &[(&TableField, Holes)], spec: &DataSpec) -> String {
    let rows_out = "in the `data` section, which leaves these rows out";
    if found.iter().all(|(field, _)| field.role == Role::Target) {
        return format!("write `drop = missing_target` {rows_out}");
    }
    let mut ways: Vec<&str> = Vec::new();
    for (field, _) in found {
        let way = match (field.role, &spec.columns[field.declared].kind) {
            (Role::Target, _) => "`drop = missing_target` for the target",
            (Role::Weight, _) => continue,
            (Role::Input, ColumnKind::Number(_)) => "`number(fill = median)`",
            (Role::Input, ColumnKind::Vector(_)) => "`vector(fill = median)`",
            (Role::Input, ColumnKind::Boolean(_)) => "`boolean(fill = mode)`",
            (Role::Input, ColumnKind::Category(category)) if category.ordered => "`fill = mode`",
            (Role::Input, ColumnKind::Category(_)) => "`category(unknown = own)`",
        };
        if !ways.contains(&way) {
            ways.push(way);
        }
    }
    let weights = found.iter().any(|(field, _)| field.role == Role::Weight);
    if weights || ways.is_empty() {
        return format!("write `drop = missing` {rows_out}: a weight is not filled");
    }
    let ways = ways.join(" and ");
    format!("write {ways}, or `drop = missing` {rows_out}")
}

/// The fault of a table all of whose rows are dropped.
pub(super) fn nothing_kept(table: &Table, spec: &DataSpec) -> Diagnostic {
    let rows: Vec<u32> = (0..).take(table.rows).collect();
    let fields = table.fields.iter();
    let holes = fields.flat_map(|field| holes_in(table, field, &rows));
    let columns: Vec<String> = holes
        .map(|holes| format!("`{}` in {} rows", holes.column, holes.count))
        .collect();
    Diagnostic::new(
        Code::TooFewRows,
        spec.span,
        format!(
            "every row of `{}` is dropped for a missing cell",
            table.name
        ),
    )
    .label("`drop` leaves no row")
    .note(format!(
        "missing are {}",
        listed(columns.iter().map(String::as_str))
    ))
}

impl Preparation {
    /// The missing cells of a table's rows that nothing fills, by column.
    pub fn unfilled(&self, table: &Table) -> Vec<Holes> {
        let rows: Vec<u32> = (0..).take(table.rows).collect();
        let fields = self
            .fields_of(Role::Input)
            .zip(table.fields_of(Role::Input));
        let unfilled = fields.filter(|(prepared, _)| match &prepared.kind {
            PreparedKind::Numbers(columns) => columns.iter().any(|column| column.fill.is_none()),
            PreparedKind::Category(category) => category.indices_of(&[None])[0].is_none(),
            PreparedKind::Indicators(_) => false,
        });
        unfilled
            .flat_map(|(_, field)| holes_in(table, field, &rows))
            .collect()
    }

    /// The rows of a table that can be predicted: nothing in them is missing or unknown for which nothing
    /// stands.
    pub fn answerable(&self, table: &Table) -> Vec<u32> {
        let mut answerable = vec![true; table.rows];
        for (prepared, field) in self
            .fields_of(Role::Input)
            .zip(table.fields_of(Role::Input))
        {
            match (&prepared.kind, &field.values) {
                (PreparedKind::Numbers(columns), Values::Numbers(places)) => {
                    let open = places.clone().zip(columns);
                    let open =
                        open.filter(|(at, column)| column.fill.is_none() && table.holes[*at] > 0);
                    for (place, _) in open {
                        let mut numbers = table.numbers.lookup();
                        for (row, answerable) in answerable.iter_mut().enumerate() {
                            *answerable &= !numbers.row(row)[place].is_nan();
                        }
                    }
                }
                (PreparedKind::Category(category), Values::Words { codes, words }) => {
                    let indices = category.indices_of(words);
                    for (code, answerable) in codes.iter().zip(&mut answerable) {
                        *answerable &= indices[*code as usize].is_some();
                    }
                }
                (PreparedKind::Numbers(_) | PreparedKind::Category(_), _)
                | (PreparedKind::Indicators(_), _) => {}
            }
        }
        let rows = (0..).zip(answerable);
        rows.filter_map(|(row, answerable)| answerable.then_some(row))
            .collect()
    }
}
