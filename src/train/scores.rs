//! The metrics of a part of the table.

use super::metrics::{Predictions, of_classes, of_numbers};
use crate::data::spec::{FieldKind, Role};
use crate::data::table::Values;
use crate::data::{Preparation, Table};
use crate::resolve::loss::{LossSpec, OutputSpec};

/// What the network's output for a target says, by the loss's link function, where all outputs side by
/// side are `width` a row.
pub fn predictions(output: &OutputSpec, width: usize, outputs: &[f64]) -> Predictions {
    let category = match output.target.kind {
        FieldKind::Category { .. } => true,
        FieldKind::Numbers { .. } => false,
    };
    let own = outputs.chunks_exact(width);
    let own = own.flat_map(|row| &row[output.first..][..output.width]);
    Predictions::new(output.link, category, output.width, own.copied().collect())
}

/// The metrics of the chosen rows, counted by their weights, by name, in the targets' own units; with several targets a name
/// begins with the target's. `outputs` are the network's for these rows, `width` a row.
pub fn scores(
    loss: &LossSpec,
    preparation: &Preparation,
    table: &Table,
    rows: &[u32],
    width: usize,
    outputs: &[f64],
) -> Vec<(String, f64)> {
    let weights = table.weights_of(rows);
    let mut all = Vec::new();
    let mut feature = 0;
    let targets = table.fields.iter();
    let targets = targets.filter(|field| field.role == Role::Target);
    for (output, target) in loss.outputs.iter().zip(targets) {
        let name = |metric: &str| match loss.outputs.len() {
            1 => metric.to_string(),
            _ => format!("{}.{metric}", output.target.name),
        };
        let predictions = predictions(output, width, outputs);
        match (&predictions, &target.values) {
            (Predictions::Numbers { width, values }, Values::Numbers(places)) => {
                let restored = values
                    .iter()
                    .enumerate()
                    .map(|(at, value)| preparation.restore_target(feature + at % width, *value));
                let predicted: Vec<f64> = restored.collect();
                let mut numbers = table.numbers.lookup();
                let wanted: Vec<f64> = rows
                    .iter()
                    .flat_map(|row| &numbers.row(*row as usize)[places.clone()])
                    .copied()
                    .collect();
                all.extend(output.metrics.iter().map(|(metric, word)| {
                    let value = of_numbers(*metric, *width, &predicted, &wanted, &weights);
                    (name(word), value)
                }));
            }
            (Predictions::Classes { .. }, Values::Words { codes, words }) => {
                let predicted = predictions.classes();
                let classes = preparation.classes_of(&target.name, words);
                let wanted: Vec<usize> = rows
                    .iter()
                    .map(|row| classes[codes[*row as usize] as usize])
                    .collect();
                all.extend(output.metrics.iter().map(|(metric, word)| {
                    let value = of_classes(*metric, &predicted, &wanted, &weights);
                    (name(word), value)
                }));
            }
            (Predictions::Numbers { .. }, Values::Words { .. })
            | (_, Values::Indicators(_))
            | (Predictions::Classes { .. }, Values::Numbers(_)) => {
                unreachable!("the compiler holds a loss to its target's type")
            }
        }
        feature += output.target.kind.width().unwrap_or(0);
    }
    all
}
