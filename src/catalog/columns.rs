//! What a column may hold, and how rows are divided.

use super::arguments::{ArgumentKind, Default, Parameter, Range, named};
use super::{Entry, Meaning};

const NUMBER: ArgumentKind = ArgumentKind::Number(Range::ANY);
const SHARE: ArgumentKind = ArgumentKind::Number(Range::BELOW_ONE);

const PREPARATION: &[Parameter] = &[
    named(
        "scale",
        NUMBER,
        Default::Number(1.0),
        "factor applied first",
    ),
    named(
        "offset",
        NUMBER,
        Default::Number(0.0),
        "term added to the scaled number",
    ),
    named(
        "normalize",
        ArgumentKind::Word(&["none", "zscore", "minmax"]),
        Default::Word("none"),
        "what follows, with statistics of the training rows",
    ),
];

pub const ENTRIES: &[Entry] = &[
    Entry {
        name: "number",
        summary: "One number.",
        formula: "x · scale + offset, then normalised",
        source: "sklearn.preprocessing.StandardScaler, MinMaxScaler",
        example: "input width, height: number(normalize = zscore)",
        parameters: PREPARATION,
        also_known_as: &[
            "numeric",
            "numerical",
            "continuous",
            "float",
            "float32",
            "float64",
            "double",
            "int",
            "integer",
            "real",
        ],
        meaning: Meaning::ColumnKind,
    },
    Entry {
        name: "vector",
        summary: "Many number columns as one value, taken `from` a glob.",
        formula: "each column: x · scale + offset, then normalised",
        source: "sklearn.preprocessing.StandardScaler, MinMaxScaler",
        example: "input pixels: vector(scale = 0.00392) from \"px*\"",
        parameters: PREPARATION,
        also_known_as: &["array", "numbers"],
        meaning: Meaning::ColumnKind,
    },
    Entry {
        name: "category",
        summary: "One of several values; as an input one-hot, or embedded.",
        formula: "values sorted numerically if all are numbers, else bytewise",
        source: "sklearn.preprocessing.OneHotEncoder; torch.nn.Embedding",
        example: "input city: category(embed = 4)",
        parameters: &[
            named(
                "values",
                ArgumentKind::Texts,
                Default::Absent("those found in the data"),
                "the values, in order",
            ),
            named(
                "embed",
                ArgumentKind::Size,
                Default::Absent("one-hot"),
                "width of a learned embedding",
            ),
        ],
        also_known_as: &[
            "categorical",
            "nominal",
            "discrete",
            "class",
            "classes",
            "enum",
            "string",
            "text",
            "bool",
            "boolean",
            "binary",
            "onehot",
            "one_hot",
            "label",
        ],
        meaning: Meaning::ColumnKind,
    },
    Entry {
        name: "random",
        summary: "Rows drawn by the split's own seed.",
        formula: "floor(validate · rows) and floor(test · rows) rows; the rest trains",
        source: "sklearn.model_selection.train_test_split",
        example: "split = random(validate = 20%, test = 10%)",
        parameters: &[
            named("validate", SHARE, Default::Number(0.0), "share of the rows"),
            named("test", SHARE, Default::Number(0.0), "share of the rows"),
            named(
                "stratify",
                ArgumentKind::Column,
                Default::Absent("no column"),
                "category column whose shares each part keeps",
            ),
            named(
                "seed",
                ArgumentKind::Count,
                Default::Number(0.0),
                "what the draw follows from; the seed of the training moves no row",
            ),
        ],
        also_known_as: &["shuffle", "train_test_split"],
        meaning: Meaning::Split,
    },
    Entry {
        name: "ordered",
        summary: "The last rows of the file.",
        formula: "first training, then validation, then test rows",
        source: "keras.Model.fit(validation_split)",
        example: "split = ordered(validate = 20%)",
        parameters: &[
            named("validate", SHARE, Default::Number(0.0), "share of the rows"),
            named("test", SHARE, Default::Number(0.0), "share of the rows"),
        ],
        also_known_as: &["sequential", "last"],
        meaning: Meaning::Split,
    },
    Entry {
        name: "column",
        summary: "A column that says for each row `train`, `validate` or `test`.",
        formula: "the column's words",
        source: "nnc",
        example: "split = column(fold)",
        parameters: &[super::arguments::positional(
            "name",
            ArgumentKind::Column,
            Default::Required,
            "the column",
        )],
        also_known_as: &["predefined", "fold"],
        meaning: Meaning::Split,
    },
];
