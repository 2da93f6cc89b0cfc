//! The metrics of a part of the table.

use super::metrics::{Predictions, of_classes, of_numbers};
use crate::data::spec::{FieldKind, Role};
use crate::data::table::Values;
use crate::data::{Preparation, Table};
use crate::resolve::loss::LossSpec;

/// What a network's outputs say about a target, by the loss's link function; `width` outputs a row.
pub fn predictions(loss: &LossSpec, width: usize, outputs: Vec<f64>) -> Predictions {
    let category = match loss.target.kind {
        FieldKind::Category { .. } => true,
        FieldKind::Numbers { .. } => false,
    };
    Predictions::new(loss.link, category, width, outputs)
}

/// The metrics of the chosen rows, by name, in the target's own units. `outputs` are the network's for
/// these rows, `width` a row.
pub fn scores(
    loss: &LossSpec,
    preparation: &Preparation,
    table: &Table,
    rows: &[u32],
    width: usize,
    outputs: Vec<f64>,
) -> Vec<(&'static str, f64)> {
    let mut fields = table.fields.iter();
    let target = fields
        .find(|field| field.role == Role::Target)
        .expect("a model with a loss has a target");
    let predictions = predictions(loss, width, outputs);
    match (&predictions, &target.values) {
        (Predictions::Numbers { width, values }, Values::Numbers(places)) => {
            let predicted: Vec<f64> = values
                .iter()
                .enumerate()
                .map(|(at, value)| preparation.restore_target(at % width, *value))
                .collect();
            let mut numbers = table.numbers.lookup();
            let wanted: Vec<f64> = rows
                .iter()
                .flat_map(|row| &numbers.row(*row as usize)[places.clone()])
                .copied()
                .collect();
            let metrics = loss.metrics.iter();
            metrics
                .map(|(metric, name)| (*name, of_numbers(*metric, *width, &predicted, &wanted)))
                .collect()
        }
        (Predictions::Classes { .. }, Values::Category { codes, .. }) => {
            let predicted = predictions.classes();
            let wanted: Vec<usize> = rows
                .iter()
                .map(|row| codes[*row as usize] as usize)
                .collect();
            let metrics = loss.metrics.iter();
            metrics
                .map(|(metric, name)| (*name, of_classes(*metric, &predicted, &wanted)))
                .collect()
        }
        (Predictions::Numbers { .. }, Values::Category { .. })
        | (Predictions::Classes { .. }, Values::Numbers(_)) => {
            unreachable!("the compiler holds a loss to its target's type")
        }
    }
}
