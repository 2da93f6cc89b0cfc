//! A table in memory: the columns that a model names, typed, not yet prepared.

use crate::data::spec::Role;

/// The columns of a CSV that a model names.
#[derive(Clone, PartialEq, Debug)]
pub struct Table {
    /// The name of the file.
    pub name: String,
    pub rows: usize,
    /// The names of all columns of the file, in its order, also of those that were not read.
    pub header: Vec<String>,
    /// The character between two cells: `,`, `;` or a tab.
    pub delimiter: char,
    /// The 128-bit XXH3 of the file's bytes, as 32 hexadecimal digits.
    pub fingerprint: String,
    /// The declared values in the order of the `data` section, a glob's columns in the file's order.
    /// A table read for prediction has the inputs alone.
    pub fields: Vec<TableField>,
    /// The part of each row, if the model says `split = column(…)`.
    pub parts: Option<Vec<Part>>,
    /// The category of each row, if the model stratifies its split.
    pub strata: Option<Vec<u32>>,
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
    /// The numbers of each column, as they stand in the file.
    Numbers(Vec<Vec<f64>>),
    /// For each row the position of its value among `values`.
    Category {
        codes: Vec<u32>,
        values: Vec<String>,
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
