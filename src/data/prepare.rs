//! Preparation: what is learned from the training rows, and the matrices that it makes of a table.

use crate::data::spec::{ColumnKind, DataSpec, Normalize, Number, Role};
use crate::data::split::Division;
use crate::data::table::{Table, TableField, Values};
use crate::diagnostics::{Code, Diagnostic, Faults};

/// What data preparation learned from the training rows. It belongs to the trained model.
#[derive(Clone, PartialEq, Debug)]
pub struct Preparation {
    /// Inputs and targets, in the order of the table's fields.
    pub fields: Vec<PreparedField>,
}

/// One value of the network.
#[derive(Clone, PartialEq, Debug)]
pub struct PreparedField {
    pub role: Role,
    pub name: String,
    /// The name, or the glob, under which the model declares it.
    pub declared: String,
    pub kind: PreparedKind,
}

#[derive(Clone, PartialEq, Debug)]
pub enum PreparedKind {
    Numbers(Vec<PreparedColumn>),
    /// An index into `values`, of the file's column `column`.
    Category {
        column: String,
        values: Vec<String>,
    },
}

/// A column of numbers: x becomes `(x · scale + offset - centre) / spread`.
#[derive(Clone, PartialEq, Debug)]
pub struct PreparedColumn {
    /// The column's name in the file.
    pub name: String,
    pub scale: f64,
    pub offset: f64,
    /// The mean or the least value of the training rows; 0 without `normalize`.
    pub centre: f64,
    /// The standard deviation, or the greatest less the least value; 1 without `normalize`.
    pub spread: f64,
}

impl PreparedColumn {
    pub fn prepare(&self, value: f64) -> f64 {
        (value * self.scale + self.offset - self.centre) / self.spread
    }

    /// The value of the file that [`PreparedColumn::prepare`] maps to `prepared`.
    pub fn restore(&self, prepared: f64) -> f64 {
        (prepared * self.spread + self.centre - self.offset) / self.scale
    }
}

/// The element of a prepared matrix: f32 or f64.
pub trait Element: Copy + Default {
    /// Rounds to the nearest.
    fn from_f64(value: f64) -> Self;
    fn is_finite(self) -> bool;
}

impl Element for f32 {
    fn from_f64(value: f64) -> Self {
        value as f32
    }

    fn is_finite(self) -> bool {
        f32::is_finite(self)
    }
}

impl Element for f64 {
    fn from_f64(value: f64) -> Self {
        value
    }

    fn is_finite(self) -> bool {
        f64::is_finite(self)
    }
}

impl PreparedField {
    /// How many features of the prepared matrix it takes.
    pub fn width(&self) -> usize {
        match &self.kind {
            PreparedKind::Numbers(columns) => columns.len(),
            PreparedKind::Category { .. } => 1,
        }
    }
}

impl Preparation {
    /// Learns from the training rows of a table. Faults: a column to be normalised is constant there,
    /// or its statistics are beyond what 64 bits hold.
    pub fn learn(table: &Table, spec: &DataSpec, division: &Division) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        let fields = table
            .fields
            .iter()
            .map(|field| {
                let declared = &spec.columns[field.declared];
                let kind = match (&field.values, &declared.kind) {
                    (Values::Category { values, .. }, _) => PreparedKind::Category {
                        column: field.columns[0].clone(),
                        values: values.clone(),
                    },
                    (
                        Values::Numbers(columns),
                        ColumnKind::Number(number) | ColumnKind::Vector(number),
                    ) => {
                        let learned = columns.iter().zip(&field.columns).map(|(column, name)| {
                            let training = division.train.iter().map(|&row| column[row as usize]);
                            learn_column(name, number, training).unwrap_or_else(|fault| {
                                let (code, message) = fault;
                                faults.push(
                                    Diagnostic::new(code, declared.name.span, message)
                                        .label("cannot be normalised"),
                                );
                                untouched(name, number)
                            })
                        });
                        PreparedKind::Numbers(learned.collect())
                    }
                    (Values::Numbers(_), ColumnKind::Category(_)) => {
                        unreachable!("a category is never read as numbers")
                    }
                };
                PreparedField {
                    role: field.role,
                    name: field.name.clone(),
                    declared: declared.name.text.clone(),
                    kind,
                }
            })
            .collect();
        match faults.is_empty() {
            true => Ok(Preparation { fields }),
            false => Err(faults),
        }
    }

    pub fn fields_of(&self, role: Role) -> impl Iterator<Item = &PreparedField> {
        self.fields.iter().filter(move |field| field.role == role)
    }

    /// How many features the prepared inputs or targets have.
    pub fn width(&self, role: Role) -> usize {
        self.fields_of(role).map(PreparedField::width).sum()
    }

    /// The prepared inputs or targets of the chosen rows: a column-major matrix `[features × rows]`,
    /// numbers prepared, a category as one index. The table was read for training, or for prediction
    /// with this preparation. Faults: a prepared number is not finite in `T`, or the matrix is too large.
    pub fn matrix<T: Element>(
        &self,
        role: Role,
        table: &Table,
        rows: &[u32],
    ) -> Result<Vec<T>, Faults> {
        let width = self.width(role);
        let size = width.checked_mul(rows.len());
        let Some(size) = size.filter(|size| size.checked_mul(size_of::<T>()).is_some()) else {
            let message = format!("{width} features times {} rows are too many", rows.len());
            return Err(vec![Diagnostic::without_place(
                Code::TableTooLarge,
                message,
            )]);
        };
        let mut matrix = vec![T::default(); size];
        let mut faults = Faults::new();
        let mut feature = 0;
        let read = table.fields.iter().filter(|field| field.role == role);
        for (prepared, found) in self.fields_of(role).zip(read) {
            assert_eq!(
                prepared.name, found.name,
                "the table is read by the same declarations"
            );
            let target = Target {
                width,
                rows,
                matrix: &mut matrix,
            };
            fill(prepared, found, feature, target, &table.name, &mut faults);
            feature += prepared.width();
        }
        match faults.is_empty() {
            true => Ok(matrix),
            false => Err(faults),
        }
    }

    /// A prediction in the target's own units. `feature` is the number's place among the features of
    /// the prepared targets; a category's index stays as it is.
    pub fn restore_target(&self, feature: usize, value: f64) -> f64 {
        let mut place = feature;
        for field in self.fields_of(Role::Target) {
            match &field.kind {
                PreparedKind::Numbers(columns) => {
                    if let Some(column) = columns.get(place) {
                        return column.restore(value);
                    }
                }
                PreparedKind::Category { .. } => {
                    if place == 0 {
                        return value;
                    }
                }
            }
            place -= field.width();
        }
        value
    }
}

/// The matrix that is filled: column-major, `width` features for each of `rows`.
struct Target<'m, T> {
    width: usize,
    rows: &'m [u32],
    matrix: &'m mut [T],
}

fn fill<T: Element>(
    prepared: &PreparedField,
    field: &TableField,
    first_feature: usize,
    target: Target<T>,
    table: &str,
    faults: &mut Faults,
) {
    let Target {
        width,
        rows,
        matrix,
    } = target;
    match (&prepared.kind, &field.values) {
        (PreparedKind::Numbers(learned), Values::Numbers(columns)) => {
            for (place, (learned, column)) in learned.iter().zip(columns).enumerate() {
                let mut first_wrong = None;
                for (at, &row) in rows.iter().enumerate() {
                    let element = T::from_f64(learned.prepare(column[row as usize]));
                    if !element.is_finite() {
                        first_wrong = first_wrong.or(Some(row));
                    }
                    matrix[at * width + first_feature + place] = element;
                }
                if let Some(row) = first_wrong {
                    let value = column[row as usize];
                    faults.push(Diagnostic::without_place(
                        Code::NonFinite,
                        format!(
                            "`{table}`, row {}, column `{}`: {value:?} is, prepared, beyond what \
                             {} bits hold",
                            u64::from(row) + 1,
                            learned.name,
                            8 * size_of::<T>()
                        ),
                    ));
                }
            }
        }
        (PreparedKind::Category { .. }, Values::Category { codes, .. }) => {
            for (at, &row) in rows.iter().enumerate() {
                matrix[at * width + first_feature] = T::from_f64(f64::from(codes[row as usize]));
            }
        }
        (PreparedKind::Numbers(_), Values::Category { .. })
        | (PreparedKind::Category { .. }, Values::Numbers(_)) => {
            unreachable!("the table is read by the same declarations")
        }
    }
}

fn untouched(name: &str, number: &Number) -> PreparedColumn {
    PreparedColumn {
        name: name.to_owned(),
        scale: number.scale,
        offset: number.offset,
        centre: 0.0,
        spread: 1.0,
    }
}

fn learn_column(
    name: &str,
    number: &Number,
    training: impl Iterator<Item = f64> + Clone,
) -> Result<PreparedColumn, (Code, String)> {
    let scaled = training.map(|value| value * number.scale + number.offset);
    if number.normalize == Normalize::None {
        return Ok(untouched(name, number));
    }
    let least = scaled.clone().fold(f64::INFINITY, f64::min);
    let greatest = scaled.clone().fold(f64::NEG_INFINITY, f64::max);
    if least >= greatest {
        let message = format!("the column `{name}` is {least:?} in every training row");
        return Err((Code::ConstantColumn, message));
    }
    let (centre, spread) = match number.normalize {
        Normalize::None => (0.0, 1.0),
        Normalize::MinMax => (least, greatest - least),
        Normalize::ZScore => {
            let count = scaled.clone().count() as f64;
            let mean = scaled.clone().sum::<f64>() / count;
            let squares: f64 = scaled.map(|value| (value - mean) * (value - mean)).sum();
            (mean, (squares / count).sqrt())
        }
    };
    if !centre.is_finite() || !spread.is_normal() {
        let message = format!("the spread of the column `{name}` is not a number of 64 bits");
        return Err((Code::NonFinite, message));
    }
    Ok(PreparedColumn {
        centre,
        spread,
        ..untouched(name, number)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learned(normalize: Normalize, values: &[f64]) -> Result<PreparedColumn, (Code, String)> {
        let number = Number {
            scale: 2.0,
            offset: 1.0,
            normalize,
        };
        learn_column("x", &number, values.iter().copied())
    }

    #[test]
    fn statistics_are_those_of_scikit_learn() {
        // StandardScaler and MinMaxScaler on 2x + 1 of 1, 2, 4: 3, 5, 9.
        let values = [1.0, 2.0, 4.0];
        let z_score = learned(Normalize::ZScore, &values).expect("statistics");
        assert_eq!(z_score.centre, 17.0 / 3.0);
        assert!((z_score.spread - (56.0_f64 / 9.0).sqrt()).abs() < 1e-15);
        let min_max = learned(Normalize::MinMax, &values).expect("statistics");
        assert_eq!((min_max.centre, min_max.spread), (3.0, 6.0));
        let prepared: Vec<f64> = values.iter().map(|&value| min_max.prepare(value)).collect();
        assert_eq!(prepared, [0.0, 1.0 / 3.0, 1.0]);
        let none = learned(Normalize::None, &values).expect("statistics");
        assert_eq!(none.prepare(4.0), 9.0);
    }

    #[test]
    fn restoring_undoes_preparing() {
        for normalize in [Normalize::None, Normalize::ZScore, Normalize::MinMax] {
            let column = learned(normalize, &[1.5, -7.0, 1e3]).expect("statistics");
            for value in [0.1, -3.0, 1e6] {
                let back = column.restore(column.prepare(value));
                assert!(
                    (back - value).abs() <= 1e-12 * f64::abs(value).max(1e3),
                    "{back} {value}"
                );
            }
        }
    }

    #[test]
    fn a_column_without_spread_cannot_be_normalised() {
        let code = |values: &[f64]| learned(Normalize::ZScore, values).expect_err("a fault").0;
        assert_eq!(code(&[0.1; 7]), Code::ConstantColumn);
        assert_eq!(code(&[0.1]), Code::ConstantColumn);
        assert_eq!(code(&[-1e308, 1e307]), Code::NonFinite);
        assert_eq!(code(&[0.0, 1e-320]), Code::ConstantColumn);
    }
}
