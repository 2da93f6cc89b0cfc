//! Preparation: what is learned from the training rows, and the matrices that it makes of a table.

use crate::data::spec::{ColumnKind, DataSpec, Number, Role};
use crate::data::split::Division;
use crate::data::statistics::{Statistics, learn_column, untouched};
use crate::data::table::{Table, TableField, Values};
use crate::data::weights;
use crate::diagnostics::{Diagnostic, Faults};

/// What data preparation learned from the training rows. It belongs to the trained model.
#[derive(Clone, PartialEq, Debug)]
pub struct Preparation {
    /// Inputs, targets and the weight of rows, in the order of the table's fields.
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
    #[inline]
    pub fn prepare(&self, value: f64) -> f64 {
        prepared(value, self.scale, self.offset, self.centre, self.spread)
    }

    /// The value of the file that [`PreparedColumn::prepare`] maps to `prepared`.
    pub fn restore(&self, prepared: f64) -> f64 {
        (prepared * self.spread + self.centre - self.offset) / self.scale
    }
}

/// The one formula of preparation.
#[inline(always)]
pub(super) fn prepared(value: f64, scale: f64, offset: f64, centre: f64, spread: f64) -> f64 {
    (value * scale + offset - centre) / spread
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
    /// or its statistics are beyond what 64 bits hold; a row's weight is negative, or all of a part are 0.
    pub fn learn(table: &Table, spec: &DataSpec, division: &Division) -> Result<Self, Faults> {
        let mut faults = weights::check(table, spec, division);
        let declared: Vec<Number> = table
            .fields
            .iter()
            .flat_map(|field| numbers_of(field, spec))
            .collect();
        let statistics = Statistics::of(&table.numbers, &division.train, &declared);
        let fields = table.fields.iter().map(|field| {
            let column = &spec.columns[field.declared];
            let kind = match &field.values {
                Values::Category { values, .. } => PreparedKind::Category {
                    column: field.columns[0].clone(),
                    values: values.clone(),
                },
                Values::Numbers(places) => {
                    let columns = places.clone().zip(&field.columns);
                    let learned = columns.map(|(place, name)| {
                        let number = &declared[place];
                        learn_column(name, number, &statistics, place).unwrap_or_else(|fault| {
                            let (code, message) = fault;
                            faults.push(
                                Diagnostic::new(code, column.name.span, message)
                                    .label("cannot be normalised"),
                            );
                            untouched(name, number)
                        })
                    });
                    PreparedKind::Numbers(learned.collect())
                }
            };
            PreparedField {
                role: field.role,
                name: field.name.clone(),
                declared: column.name.text.clone(),
                kind,
            }
        });
        let fields = fields.collect();
        if faults.is_empty() {
            Ok(Preparation { fields })
        } else {
            Err(faults)
        }
    }

    pub fn fields_of(&self, role: Role) -> impl Iterator<Item = &PreparedField> {
        self.fields.iter().filter(move |field| field.role == role)
    }

    /// How many features of a prepared matrix have the role.
    pub fn width(&self, role: Role) -> usize {
        self.fields_of(role).map(PreparedField::width).sum()
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

/// How each of a field's columns of numbers is declared.
fn numbers_of(field: &TableField, spec: &DataSpec) -> Vec<Number> {
    match (&field.values, &spec.columns[field.declared].kind) {
        (Values::Category { .. }, _) => Vec::new(),
        (Values::Numbers(places), ColumnKind::Number(number) | ColumnKind::Vector(number)) => {
            vec![*number; places.len()]
        }
        (Values::Numbers(_), ColumnKind::Category(_)) => {
            unreachable!("a category is never read as numbers")
        }
    }
}
