//! A table in memory: the columns that a model names, typed, not yet prepared.

use std::ops::Range;

use crate::data::dialect::Dialect;
use crate::data::excerpt::RawRecord;
use crate::data::faults::TableFaults;
use crate::data::lines::Lines;
use crate::data::numbers::Numbers;
use crate::data::spec::Role;
use crate::diagnostics::{Diagnostic, Sources, Span};

/// The columns of a CSV that a model names.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Table {
    /// The name of the file.
    pub name: String,
    pub rows: usize,
    /// The names of all columns of the file, in its order, also of those that were not read.
    pub header: Vec<String>,
    /// How the file is written.
    pub dialect: Dialect,
    /// The line with the names of the columns, if there is one.
    pub(super) header_record: Option<RawRecord>,
    /// Warnings of numbers that may be meant otherwise than they are read.
    pub advice: Vec<Diagnostic>,
    /// The 128-bit XXH3 of the file's bytes, as 32 hexadecimal digits.
    pub fingerprint: String,
    /// The declared values in the order of the `data` section, a glob's columns in the file's order.
    /// A table read for prediction has the inputs alone; one whose rows are prepared for training has
    /// the targets alone.
    pub fields: Vec<TableField>,
    /// Those of each row, of all fields of numbers; NaN where one is missing.
    pub numbers: Numbers,
    /// How many numbers are missing at each place of a row.
    pub holes: Vec<usize>,
    /// The rows that are left where some are dropped for their missing cells.
    pub kept: Option<Vec<u32>>,
    /// Columns whose missing cells got the value above them, with the number of these cells.
    pub forward: Vec<(String, usize)>,
    pub lines: Lines,
    /// The part of each row, if the model says `split = column(…)`.
    pub parts: Option<Vec<Part>>,
    /// The value of each row that the model stratifies its split by.
    pub strata: Option<Vec<u32>>,
}

/// The labels: what predictions are compared with, and how much each row counts.
pub(super) const LABEL_ROLES: [Role; 2] = [Role::Target, Role::Weight];

impl Table {
    /// The weight of each of these rows in metrics, sklearn's `sample_weight`: 1 without a column of them.
    pub fn weights_of(&self, rows: &[u32]) -> Vec<f64> {
        let places = self.places_of(&[Role::Weight]);
        let Some(place) = places.first() else {
            return vec![1.0; rows.len()];
        };
        let mut numbers = self.numbers.lookup();
        let weights = rows.iter().map(|row| numbers.row(*row as usize)[*place]);
        weights.collect()
    }

    /// Where the name of a column of [`Table::header`] stands in the file, in an excerpt that is added to
    /// `sources`; `None` if the model names the columns.
    pub fn header_place(&self, column: usize, sources: &mut Sources) -> Option<Span> {
        let first = usize::from(self.dialect.row_names);
        let mut faults = TableFaults::new(&self.name, sources);
        let record = self.header_record.as_ref()?;
        Some(faults.place(record, column.saturating_sub(first)))
    }

    pub fn fields_of(&self, role: Role) -> impl Iterator<Item = &TableField> {
        self.fields.iter().filter(move |field| field.role == role)
    }

    /// The places in a row of [`Table::numbers`] that hold numbers of these roles.
    pub(super) fn places_of(&self, roles: &[Role]) -> Vec<usize> {
        let fields = self.fields.iter();
        let fields = fields.filter(|field| roles.contains(&field.role));
        let places = fields.map(|field| match &field.values {
            Values::Numbers(places) | Values::Indicators(places) => places.clone(),
            Values::Words { .. } => 0..0,
        });
        places.flatten().collect()
    }

    /// How many rows are left to divide.
    pub fn kept_rows(&self) -> usize {
        self.kept.as_ref().map_or(self.rows, Vec::len)
    }

    /// The bytes that the values of all fields take.
    pub fn bytes(&self) -> usize {
        let roles = [Role::Input, Role::Target, Role::Weight];
        roles.into_iter().map(|role| self.bytes_of(role)).sum()
    }

    /// The bytes that the values of a role take.
    pub fn bytes_of(&self, role: Role) -> usize {
        let fields = self.fields_of(role).map(|field| match &field.values {
            Values::Numbers(places) | Values::Indicators(places) => places.len() * size_of::<f64>(),
            Values::Words { .. } => size_of::<u32>(),
        });
        fields.sum::<usize>() * self.rows
    }

    /// Leaves nothing but the targets and the rows' weights, whose numbers are given anew.
    pub(super) fn keep_labels(&mut self, numbers: Numbers) {
        self.fields
            .retain(|field| LABEL_ROLES.contains(&field.role));
        let mut place = 0;
        for field in &mut self.fields {
            if let Values::Numbers(places) | Values::Indicators(places) = &mut field.values {
                *places = place..place + places.len();
                place = places.end;
            }
        }
        self.numbers = numbers;
    }
}

/// One value of the network.
#[derive(Clone, PartialEq, Debug)]
pub struct TableField {
    pub role: Role,
    pub name: String,
    /// Which of the spec's columns declares it.
    pub declared: usize,
    /// The names of its columns in the file.
    pub columns: Vec<String>,
    pub values: Values,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Values {
    /// The places of its columns' numbers in a row of [`Table::numbers`], as they stand in the file.
    Numbers(Range<usize>),
    /// The places of the same numbers once more: what counts is whether they are missing.
    Indicators(Range<usize>),
    /// For each row the position of its word among `words`, which are in the order of appearance;
    /// `None` stands for a missing one.
    Words {
        codes: Vec<u32>,
        words: Vec<Option<String>>,
    },
}

/// What a row is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Part {
    Train,
    Validate,
    Test,
}

impl Part {
    pub const ALL: [Part; 3] = [Part::Train, Part::Validate, Part::Test];

    /// The word that stands for it in the column of `split = column(…)`.
    pub fn word(self) -> &'static str {
        match self {
            Part::Train => "train",
            Part::Validate => "validate",
            Part::Test => "test",
        }
    }
}
