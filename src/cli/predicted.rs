//! The columns that predictions add to a table.

use nnc::Compiled;
use nnc::data::append::append_columns;
use nnc::data::prepare::{PreparedField, PreparedKind};
use nnc::data::spec::Role;
use nnc::data::{Preparation, Table};
use nnc::diagnostics::{Code, Diagnostic, Faults, Sources};
use nnc::train::metrics::Predictions;
use nnc::train::scores::predictions;

enum Kind {
    /// The network's outputs as they are: there is no target.
    Outputs,
    /// Numbers in the target's own units, from this feature of the prepared targets on.
    Numbers { feature: usize },
    /// The class, then the probability of each.
    Classes { values: Vec<String> },
}

/// The columns that a model's predictions take.
pub struct PredictedColumns<'m> {
    compiled: &'m Compiled,
    preparation: &'m Preparation,
    /// One for each target, in their order; without a target, one.
    kinds: Vec<Kind>,
    pub names: Vec<String>,
}

/// The predictions of the rows of a table.
pub struct Predicted<'m> {
    columns: &'m PredictedColumns<'m>,
    /// For each target what is predicted, and the most probable classes.
    predictions: Vec<(Predictions, Vec<usize>)>,
}

impl<'m> PredictedColumns<'m> {
    /// The columns of a model whose targets are known.
    pub fn new(compiled: &'m Compiled, preparation: &'m Preparation) -> Self {
        let width = compiled.output_width();
        let outputs = compiled.loss.iter().flat_map(|loss| &loss.outputs);
        let mut columns = PredictedColumns {
            compiled,
            preparation,
            kinds: Vec::new(),
            names: Vec::new(),
        };
        let widths: Vec<usize> = match &compiled.loss {
            Some(_) => outputs.map(|output| output.width).collect(),
            None => vec![width],
        };
        let several = widths.len() > 1;
        let mut targets = preparation.fields_of(Role::Target);
        let mut feature = 0;
        for width in widths {
            let target = targets.next();
            columns.add(target, width, feature, several);
            feature += target.map_or(0, PreparedField::width);
        }
        columns
    }

    fn add(&mut self, target: Option<&PreparedField>, width: usize, feature: usize, several: bool) {
        let learned = self.compiled.loss.is_some();
        let (kind, names) = match target.map(|target| (&target.name, &target.kind)) {
            Some((name, PreparedKind::Category(category))) if learned => {
                let values = &category.values;
                let probabilities = values.iter().map(|value| {
                    if several {
                        format!("probability_{name}_{value}")
                    } else {
                        format!("probability_{value}")
                    }
                });
                let class = format!("predicted_{name}");
                let names = std::iter::once(class).chain(probabilities).collect();
                let values = values.clone();
                (Kind::Classes { values }, names)
            }
            Some((name, PreparedKind::Numbers(columns))) if columns.len() == width => {
                let names = match width {
                    1 => vec![format!("predicted_{name}")],
                    _ => columns
                        .iter()
                        .map(|column| format!("predicted_{}", column.name))
                        .collect(),
                };
                (Kind::Numbers { feature }, names)
            }
            Some(_) | None => {
                let names = match width {
                    1 => vec!["predicted".to_owned()],
                    _ => (1..=width).map(|k| format!("predicted_{k}")).collect(),
                };
                (Kind::Outputs, names)
            }
        };
        self.kinds.push(kind);
        self.names.extend::<Vec<String>>(names);
    }

    /// # Errors
    /// The table has columns of these names already.
    pub fn check(&self, table: &Table, sources: &mut Sources) -> Result<(), Faults> {
        let mut faults = Faults::new();
        for (at, name) in table.header.iter().enumerate() {
            if self.names.contains(name) {
                let place = table.header_place(at, sources);
                let message = format!("`{}` already has a column `{name}`", table.name);
                let fault = match place {
                    Some(place) => Diagnostic::new(Code::DuplicateColumn, place, message),
                    None => Diagnostic::without_place(Code::DuplicateColumn, message),
                };
                faults.push(
                    fault
                        .label("a prediction goes by this name")
                        .help("rename the column"),
                );
            }
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(faults)
        }
    }

    /// What the network's outputs for the rows of a table say.
    pub fn of(&'m self, outputs: Vec<f64>) -> Predicted<'m> {
        let width = self.compiled.output_width();
        let predictions: Vec<Predictions> = match &self.compiled.loss {
            Some(loss) => {
                let specs = loss.outputs.iter();
                specs
                    .map(|spec| predictions(spec, width, &outputs))
                    .collect()
            }
            None => vec![Predictions::Numbers {
                width,
                values: outputs,
            }],
        };
        let with_classes = predictions.into_iter().map(|predictions| {
            let classes = predictions.classes();
            (predictions, classes)
        });
        Predicted {
            columns: self,
            predictions: with_classes.collect(),
        }
    }
}

impl Predicted<'_> {
    pub fn names(&self) -> &[String] {
        &self.columns.names
    }

    /// The row's cells in the order of the columns' names.
    pub fn cells(&self, row: usize, to: &mut Vec<String>) {
        let preparation = self.columns.preparation;
        for (kind, (predictions, classes)) in self.columns.kinds.iter().zip(&self.predictions) {
            let numbers = match predictions {
                Predictions::Numbers { width, values } => &values[row * width..][..*width],
                Predictions::Classes {
                    classes,
                    probabilities,
                } => &probabilities[row * classes..][..*classes],
            };
            match kind {
                Kind::Outputs => to.extend(numbers.iter().map(|number| format!("{number:?}"))),
                Kind::Numbers { feature } => {
                    to.extend(numbers.iter().enumerate().map(|(at, number)| {
                        format!("{:?}", preparation.restore_target(feature + at, *number))
                    }));
                }
                Kind::Classes { values } => {
                    to.push(values[classes[row]].clone());
                    to.extend(numbers.iter().map(|number| format!("{number:?}")));
                }
            }
        }
    }

    /// The table with the predictions added to its rows, which were made for these rows, ascending; the
    /// cells of the others are empty.
    pub fn added_to(&self, csv: &[u8], table: &Table, rows: &[u32]) -> Vec<u8> {
        let format = &self.columns.compiled.declaration.data.format;
        let names = &self.columns.names;
        let mut predicted = rows.iter().enumerate().peekable();
        append_columns(
            csv,
            format,
            &table.header,
            names,
            |row, cells| match predicted.next_if(|(_, predicted)| **predicted as usize == row) {
                Some((at, _)) => self.cells(at, cells),
                None => cells.resize(names.len(), String::new()),
            },
        )
    }
}
