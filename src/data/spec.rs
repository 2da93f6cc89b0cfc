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
    /// What stands for a missing value in every column, besides what always does.
    pub missing: Vec<String>,
    pub drop: Drop,
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

/// Which rows with missing cells are left out before the rows are divided.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Drop {
    #[default]
    None,
    /// Those with a missing cell in any column that is used.
    Missing,
    /// Those with a missing cell in a target.
    MissingTarget,
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
    /// What stands for a missing value here, in place of the table's [`DataSpec::missing`].
    pub missing: Option<Vec<String>>,
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
    Number(NumberPreparation),
    /// `vector(…) from "x*"`, each of its columns prepared like a number.
    Vector(NumberPreparation),
    Category(Category),
    /// `boolean`: yes or no in the usual spellings; an input is 0 or 1, a target two classes.
    Boolean(Option<CategoryFill>),
}

impl ColumnKind {
    /// How its numbers are prepared, if it holds such.
    pub fn number(&self) -> Option<&NumberPreparation> {
        match self {
            ColumnKind::Number(number) | ColumnKind::Vector(number) => Some(number),
            ColumnKind::Category(_) | ColumnKind::Boolean(_) => None,
        }
    }
}

/// How a number is prepared: `fill`, `x · scale + offset`, `clip`, `log`, then `normalize`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct NumberPreparation {
    pub fill: Option<NumberFill>,
    /// Whether a number beside it says where it was missing.
    pub indicator: bool,
    pub scale: f64,
    pub offset: f64,
    /// The least and the greatest value, which those beyond them get.
    pub clip: Option<(f64, f64)>,
    /// ln(1 + x).
    pub log: bool,
    pub normalize: Normalize,
}

impl Default for NumberPreparation {
    /// As it stands in the file.
    fn default() -> Self {
        NumberPreparation {
            fill: None,
            indicator: false,
            scale: 1.0,
            offset: 0.0,
            clip: None,
            log: false,
            normalize: Normalize::None,
        }
    }
}

/// What missing numbers become; statistics are those of the training rows.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum NumberFill {
    Median,
    Mean,
    /// The most frequent number, of equally frequent ones the least.
    Mode,
    Value(f64),
    /// The last number above it in the file.
    Forward,
}

/// Statistics are taken from the training rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Normalize {
    None,
    /// (x - mean) / standard deviation, the deviation over n as in scikit-learn's StandardScaler.
    ZScore,
    /// (x - min) / (max - min).
    MinMax,
    /// x / max |x|.
    MaxAbs,
    /// (x - median) / (third quartile - first quartile).
    Robust,
    /// To the normal distribution by ranks, scikit-learn's QuantileTransformer.
    Quantile,
    /// Yeo and Johnson's power transform, then as [`Normalize::ZScore`].
    Power,
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct Category {
    /// The values given by `values = [...]`, in that order; else those of the training rows, sorted
    /// numerically if all are numbers, else bytewise.
    pub values: Option<Vec<String>>,
    /// Whether an input is one number, the place of its value among [`Category::values`].
    pub ordered: bool,
    /// A learned row for each value; one-hot without it.
    pub embed: Option<Embed>,
    /// Whether `3` and `3.0` differ.
    pub exact: bool,
    /// Values with fewer training rows are rare, and treated as [`Category::unknown`] says.
    pub min_count: Option<usize>,
    pub unknown: Option<Unknown>,
    pub fill: Option<CategoryFill>,
}

/// The width of an embedding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Embed {
    Width(usize),
    /// min(600, round(1.6 · n^0.56)) for n rows of the table, the rule of fastai.
    Auto,
}

impl Embed {
    /// The width for so many rows of the table, if that is known.
    pub fn width(self, rows: Option<usize>) -> Option<usize> {
        match self {
            Embed::Width(width) => Some(width),
            Embed::Auto => rows.map(|rows| {
                let width = (1.6 * (rows as f64).powf(0.56)).round();
                width.clamp(1.0, 600.0) as usize
            }),
        }
    }
}

/// What a value becomes that is none of a category's, and a missing cell that nothing fills.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Unknown {
    /// One more value, which all of them share.
    Own,
    /// None of the values: all zeros.
    Zero,
    /// This value.
    Value(String),
}

/// What a missing cell of a category becomes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CategoryFill {
    /// The most frequent value of the training rows, of equally frequent ones the first.
    Mode,
    Value(String),
    /// The last value above it in the file.
    Forward,
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
        embed: Option<Embed>,
        others: Others,
    },
}

/// What the index of a category stands for that is none of its values.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Others {
    /// There is none, or it is one of the indices, as the others are.
    #[default]
    Learned,
    /// Index 0, which is all zeros.
    Zeros,
    /// The last index: no training row has it, so that it is all zeros; the row of an embedding is
    /// the mean of the others.
    Untrained,
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
