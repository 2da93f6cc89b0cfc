//! What a column may hold, and how rows are divided.

use super::arguments::{ArgumentKind, Default, Parameter, Range, named};
use super::{Entry, Meaning};

const NUMBER: ArgumentKind = ArgumentKind::Number(Range::ANY);
const SHARE: ArgumentKind = ArgumentKind::Number(Range::BELOW_ONE);

const MISSING: Parameter = named(
    "missing",
    ArgumentKind::TextOrTexts,
    Default::Absent("the section's `missing`"),
    "what else stands for a missing value here",
);

const PREPARATION: &[Parameter] = &[
    named(
        "fill",
        ArgumentKind::WordOrNumber(&["median", "mean", "mode", "forward"]),
        Default::Absent("a missing number is an error"),
        "what a missing number becomes: that of the training rows, a number, or the one above it",
    ),
    named(
        "indicator",
        ArgumentKind::Boolean,
        Default::Boolean(false),
        "whether an input `name.missing` beside it is 1 where it is missing, else 0",
    ),
    MISSING,
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
        "clip",
        ArgumentKind::Pair(Range::ANY),
        Default::Absent("any number"),
        "the least and the greatest value, which those beyond them get",
    ),
    named(
        "log",
        ArgumentKind::Boolean,
        Default::Boolean(false),
        "whether ln(1 + x) comes next",
    ),
    named(
        "normalize",
        ArgumentKind::Word(&[
            "none", "zscore", "minmax", "maxabs", "robust", "quantile", "power",
        ]),
        Default::Word("none"),
        "what follows, with statistics of the training rows",
    ),
];

pub const ENTRIES: &[Entry] = &[
    Entry {
        name: "number",
        summary: "One number.",
        formula: "filled, x · scale + offset, clipped, ln(1 + x), normalised: in this order",
        source: "sklearn.preprocessing.StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler, QuantileTransformer, PowerTransformer; sklearn.impute.SimpleImputer, MissingIndicator",
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
        formula: "each column: filled, x · scale + offset, clipped, ln(1 + x), normalised",
        source: "sklearn.preprocessing.StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler, QuantileTransformer, PowerTransformer; sklearn.impute.SimpleImputer, MissingIndicator",
        example: "input pixels: vector(scale = 0.00392) from \"px*\"",
        parameters: PREPARATION,
        also_known_as: &["array", "numbers"],
        meaning: Meaning::ColumnKind,
    },
    Entry {
        name: "category",
        summary: "One of several values; as an input one-hot, or embedded.",
        formula: "values of the training rows, sorted numerically if all are numbers, else bytewise",
        source: "sklearn.preprocessing.OneHotEncoder; torch.nn.Embedding",
        example: "input city: category(embed = 4)",
        parameters: &[
            named(
                "values",
                ArgumentKind::Texts,
                Default::Absent("those of the training rows"),
                "the values, in order",
            ),
            named(
                "ordered",
                ArgumentKind::Texts,
                Default::Absent("the values have no order"),
                "the values in their order: an input is one number, 0, 1, 2, …",
            ),
            named(
                "embed",
                ArgumentKind::WordOrSize(&["auto"]),
                Default::Absent("one-hot"),
                "width of a learned embedding; `auto` is min(600, round(1.6 · n^0.56)) for n values",
            ),
            named(
                "exact",
                ArgumentKind::Boolean,
                Default::Boolean(false),
                "whether `3`, `3.0` and `03` differ",
            ),
            named(
                "unknown",
                ArgumentKind::WordOrValue(&["own", "zero"]),
                Default::Absent("an error"),
                "what other values and missing cells become: one more value, all zeros, or this value",
            ),
            named(
                "min_count",
                ArgumentKind::Size,
                Default::Absent("1"),
                "values with fewer training rows are as `unknown` says",
            ),
            named(
                "fill",
                ArgumentKind::WordOrValue(&["mode", "forward"]),
                Default::Absent("as `unknown` says"),
                "what a missing cell becomes: the most frequent value, the one above it, or this value",
            ),
            MISSING,
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
            "onehot",
            "one_hot",
            "label",
        ],
        meaning: Meaning::ColumnKind,
    },
    Entry {
        name: "boolean",
        summary: "Yes or no: an input is 1 or 0, a target two classes.",
        formula: "yes/no, true/false, t/f or 1/0, in any case",
        source: "pandas.read_csv(true_values, false_values)",
        example: "input smoker: boolean",
        parameters: &[
            named(
                "fill",
                ArgumentKind::WordOrValue(&["mode", "forward"]),
                Default::Absent("a missing cell is an error"),
                "what a missing cell becomes: the more frequent value, the one above it, or this value",
            ),
            MISSING,
        ],
        also_known_as: &["bool", "binary", "flag"],
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
