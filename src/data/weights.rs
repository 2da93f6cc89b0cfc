//! The weights of rows: 0 or more, and not 0 for all rows of a part.

use crate::data::spec::{DataSpec, Role};
use crate::data::split::Division;
use crate::data::table::{Part, Table, TableField};
use crate::diagnostics::{Code, Diagnostic, Faults, Span};

/// The faults of the column of weights, if the model declares one.
pub(super) fn check(table: &Table, spec: &DataSpec, division: &Division) -> Faults {
    let found = table.fields_of(Role::Weight).next();
    found.map_or_else(Faults::new, |field| {
        check_column(table, field, spec, division)
    })
}

fn check_column(table: &Table, field: &TableField, spec: &DataSpec, division: &Division) -> Faults {
    let place = table.places_of(&[Role::Weight])[0];
    let span = spec.columns[field.declared].name.span;
    let mut lookup = table.numbers.lookup();
    let mut weight = |row: u32| lookup.row(row as usize)[place];
    let mut faults = Faults::new();
    let mut negative: Vec<(u32, f64)> = Vec::new();
    for part in Part::ALL {
        let mut all_zero = true;
        for &row in division.part(part) {
            let weight = weight(row);
            all_zero &= weight == 0.0;
            if weight < 0.0 {
                negative.push((row, weight));
            }
        }
        if all_zero && !division.part(part).is_empty() {
            let word = part.word();
            let message = format!("the weights of all rows of the part `{word}` are 0");
            let fault = Diagnostic::new(Code::RowWeight, span, message);
            faults.push(fault.label("leaves nothing to divide the loss by"));
        }
    }
    negative.sort_by_key(|(row, _)| *row);
    faults.extend(negative_fault(&table.name, span, &negative));
    faults
}

fn negative_fault(table: &str, span: Span, negative: &[(u32, f64)]) -> Option<Diagnostic> {
    let (row, weight) = negative.first()?;
    let row = u64::from(*row) + 1;
    let message = format!("`{table}`, row {row}: the weight {weight:?} is less than 0");
    let fault = Diagnostic::new(Code::RowWeight, span, message).label("0 or more in every row");
    Some(match negative.len() {
        1 => fault,
        rows => fault.note(format!("{rows} rows have a weight below 0")),
    })
}
