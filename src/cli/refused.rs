//! Cells of a table that a trained network can make nothing of.

use nnc::data::append::cell_place;
use nnc::data::format::TableFormat;
use nnc::data::holes::{Holes, missing_cells};
use nnc::data::words::UnknownCells;
use nnc::data::{Preparation, Table};
use nnc::diagnostics::{Code, Diagnostic, Faults, Sources, Span};

/// The faults of missing cells that nothing fills, and of words that training did not see: one for each
/// kind, with the place of the first such cell where the text of the table is at hand.
pub fn refused_cells(
    preparation: &Preparation,
    table: &Table,
    text: Option<(&[u8], &TableFormat, &mut Sources)>,
) -> Faults {
    let holes = preparation.unfilled(table);
    let unknown = preparation.unknown(table);
    let mut text = text;
    let mut place = |column: &str, row: u32| {
        let (csv, format, sources) = text.as_mut()?;
        Some(cell_place(csv, format, table, column, row, sources))
    };
    let mut faults = Faults::new();
    if let Some(first) = holes.iter().min_by_key(|holes| holes.first) {
        let place = place(&first.column, first.first);
        let holes: Vec<&Holes> = holes.iter().collect();
        let fault = missing_cells(&holes, table, table.rows, place).label("missing");
        faults.push(fault.help(
            "the model does not say what becomes of missing cells here: write a value, or leave these rows \
             without a prediction by `--skip`; a training with `fill` in the model can predict them",
        ));
    }
    for unknown in &unknown {
        let (_, first) = &unknown.words[0];
        let place = place(&unknown.column, *first);
        faults.push(unseen(unknown, table, place));
    }
    faults
}

fn unseen(unknown: &UnknownCells, table: &Table, place: Option<Span>) -> Diagnostic {
    let message = unknown.message(table, "what training did not see");
    let fault = match place {
        Some(place) => Diagnostic::new(Code::UnknownCategory, place, message),
        None => Diagnostic::without_place(Code::UnknownCategory, message),
    };
    let mut help =
        "correct the cells, or leave these rows without a prediction by `--skip`".to_owned();
    if unknown.takes_unknown {
        help += "; a training with `unknown = own` in the model can predict them";
    }
    fault.label("not seen in training").help(help)
}
