//! What a model's `data` section declares, with every name and argument checked, before any table
//! is seen; and the [`Schema`] that a table adds to it.

use crate::data::format::TableFormat;
use crate::diagnostics::Span;

/// The checked `data` section.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct DataSpec {
    /// Inputs, targets and the weight of rows, in the order of the text.
    pub columns: Vec<ColumnSpec>,
    /// Columns named by `ignore`: taken from the table's globs, read by nothing.
    pub ignored: Vec<ColumnPattern>,
    pub split: Split,
    /// How the tables are written.
    pub format: TableFormat,
    /// The section's place, for faults that belong to no line of it.
    pub span: Span,
}

impl DataSpec {
    /// Whether rows have weights: the last feature of the prepared targets.
    pub fn weighted(&self) -> bool {
        let mut columns = self.columns.iter();
        columns.any(|column| column.role == Role::Weight)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    Input,
    Target,
    /// How much a row counts in the loss.
    Weight,
}

/// A column's name, or a glob (`*` any characters, `?` one) over the names of the table's header.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ColumnPattern {
    pub text: String,
    pub glob: bool,
    pub span: Span,
}

/// One declared name with what it is. `input a, b: number` gives two.
#[derive(Clone, PartialEq, Debug)]
pub struct ColumnSpec {
    pub role: Role,
    /// The value's name in the network. For a glob without `from` each column found is a value of
    /// its own, under the column's name.
    pub name: ColumnPattern,
    /// `from "x*"`: the columns that together are this one value, in the file's order; or the one column
    /// of it, under its own name.
    pub from: Option<ColumnPattern>,
    pub kind: ColumnKind,
}

impl ColumnSpec {
    /// What the table calls it.
    pub fn source(&self) -> &ColumnPattern {
        self.from.as_ref().unwrap_or(&self.name)
    }
}

#[derive(Clone, PartialEq, Debug)]
pub enum ColumnKind {
    /// `number(…)`, one column.
    Number(Number),
    /// `vector(…) from "x*"`, each of its columns prepared like a number.
    Vector(Number),
    Category(Category),
}

/// How a number is prepared: `x · scale + offset`, then `normalize`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Number {
    pub scale: f64,
    pub offset: f64,
    pub normalize: Normalize,
}

/// Statistics are taken from the training rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Normalize {
    None,
    /// (x - mean) / standard deviation, the deviation over n as in scikit-learn's StandardScaler.
    ZScore,
    /// (x - min) / (max - min).
    MinMax,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Category {
    /// The values given by `values = [...]`, in that order; else those found in the data, sorted
    /// numerically if all are numbers, else bytewise.
    pub values: Option<Vec<String>>,
    /// The width of an embedding; one-hot without it.
    pub embed: Option<usize>,
}

/// How rows are divided. Counts are `floor(p · rows)`; training gets the rest.
#[derive(Clone, PartialEq, Debug, Default)]
pub enum Split {
    /// All rows train.
    #[default]
    None,
    /// Drawn by the split's own seed; with `stratify`, within each value of a category column.
    Random {
        validate: f64,
        test: f64,
        stratify: Option<ColumnPattern>,
        seed: u64,
        span: Span,
    },
    /// The last rows: training, then validation, then test, in the file's order.
    Ordered {
        validate: f64,
        test: f64,
        span: Span,
    },
    /// A column that holds the words `train`, `validate`, `test`.
    Column { name: ColumnPattern, span: Span },
}

/// What the compiler knows of the table. A fact that is `None` is not known without the data.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Schema {
    /// One field for each input value, in the order of the `data` section.
    pub inputs: Vec<Field>,
    pub targets: Vec<Field>,
    /// Rows in each split.
    pub rows: Option<SplitRows>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SplitRows {
    pub train: usize,
    pub validate: usize,
    pub test: usize,
}

/// One value of the network that comes from the table.
#[derive(Clone, PartialEq, Debug)]
pub struct Field {
    pub name: String,
    pub span: Span,
    pub kind: FieldKind,
}

#[derive(Clone, PartialEq, Debug)]
pub enum FieldKind {
    /// `width` prepared numbers side by side (1 for `number`).
    Numbers { width: Option<usize> },
    /// One index into `classes` values.
    Category {
        classes: Option<usize>,
        embed: Option<usize>,
    },
}

impl FieldKind {
    /// How many features of the prepared matrix the field takes.
    pub fn width(&self) -> Option<usize> {
        match self {
            FieldKind::Numbers { width } => *width,
            FieldKind::Category { .. } => Some(1),
        }
    }
}
