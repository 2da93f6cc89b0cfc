//! The settings of each section: name, what it takes, default.

/// One `key = value` of a section.
#[derive(Debug)]
pub struct Setting {
    pub name: &'static str,
    pub takes: &'static str,
    pub default: &'static str,
    pub summary: &'static str,
    /// A line with it, as it stands in its section.
    pub example: &'static str,
}

const fn setting(
    name: &'static str,
    takes: &'static str,
    default: &'static str,
    summary: &'static str,
    example: &'static str,
) -> Setting {
    Setting {
        name,
        takes,
        default,
        summary,
        example,
    }
}

pub const TRAIN: &[Setting] = &[
    setting(
        "loss",
        "a loss",
        "none, required to train",
        "what training makes small",
        "loss = MSE",
    ),
    setting(
        "optimizer",
        "an optimizer",
        "SGD(lr = 1e-3)",
        "how parameters move",
        "optimizer = Adam(lr = 1e-3)",
    ),
    setting(
        "epochs",
        "a whole number of at least 1",
        "none, required to train",
        "passes over the training rows",
        "epochs = 100",
    ),
    setting(
        "batch",
        "`all` or a whole number",
        "32",
        "rows in a step",
        "batch = all",
    ),
    setting(
        "seed",
        "a whole number",
        "drawn and printed",
        "what all random numbers follow from",
        "seed = 42",
    ),
    setting(
        "shuffle",
        "`true` or `false`",
        "true",
        "whether each epoch visits the rows in a new order",
        "shuffle = false",
    ),
    setting(
        "precision",
        "`f32` or `f64`",
        "f32",
        "the numbers that training computes with",
        "precision = f64",
    ),
    setting(
        "clip_norm",
        "a number more than 0",
        "no clipping",
        "the largest norm of all gradients together",
        "clip_norm = 1.0",
    ),
    setting(
        "drop_last",
        "`true` or `false`",
        "false",
        "whether a smaller last batch is left out",
        "drop_last = true",
    ),
    setting(
        "metrics",
        "a list of metrics",
        "those of the target's type",
        "what is reported for each split",
        "metrics = [mae, r2]",
    ),
    setting(
        "schedule",
        "a schedule, or several joined by `->`",
        "the optimizer's rate throughout",
        "how the learning rate changes",
        "schedule = Warmup(5%) -> CosineAnnealing",
    ),
    setting(
        "clip_value",
        "a number more than 0",
        "no clipping",
        "the largest magnitude of an element of a gradient",
        "clip_value = 0.5",
    ),
    setting(
        "accumulate",
        "a whole number of at least 1",
        "1",
        "batches whose gradients make one update",
        "accumulate = 4",
    ),
    setting(
        "stop",
        "early(…)",
        "after the last epoch",
        "when to end before the last epoch",
        "stop = early(patience = 10)",
    ),
    setting(
        "restore",
        "`last` or `best`",
        "last; with `stop`: best",
        "which epoch's parameters are kept",
        "restore = best",
    ),
    setting(
        "average",
        "ema(…)",
        "the last weights",
        "averaged weights, which are evaluated, kept and predicted with",
        "average = ema(decay = 0.99)",
    ),
];

pub const DATA: &[Setting] = &[
    setting(
        "split",
        "random(…), ordered(…) or column(name)",
        "all rows train",
        "how rows are divided",
        "split = random(validate = 20%)",
    ),
    setting(
        "header",
        "a list of names, or `none` for c1, c2, …",
        "the first line",
        "the names of the columns, of a table without a line of them",
        "header = [age, job, income]",
    ),
    setting(
        "comment",
        "a text",
        "no comments",
        "what lines begin with that are skipped",
        "comment = \"#\"",
    ),
    setting(
        "skip",
        "a whole number up to 1000",
        "0",
        "how many lines are skipped at the beginning, before the header",
        "skip = 3",
    ),
    setting(
        "decimal",
        "`\".\"` or `\",\"`",
        "\".\"",
        "the decimal sign of numbers",
        "decimal = \",\"",
    ),
    setting(
        "thousands",
        "`\".\"`, `\",\"`, `\"'\"`, `\" \"` or `\"_\"`",
        "none",
        "what stands between groups of three digits",
        "thousands = \"'\"",
    ),
    setting(
        "missing",
        "a value or a list of values",
        "nothing more than always counts",
        "what stands for a missing value in any column, besides the empty cell and, in numbers, words such as `NA`, `?` and `null`",
        "missing = [\"-\", -999]",
    ),
    setting(
        "drop",
        "`missing` or `missing_target`",
        "no row is dropped",
        "which rows with missing cells are left out before the rows are divided: those with one in any column that is used, or in a target",
        "drop = missing",
    ),
];

pub const PARAMS: &[Setting] = &[
    setting(
        "init",
        "an initializer",
        "the layer's own",
        "the parameters' first values",
        "params \"*.bias\" { init = Zeros }",
    ),
    setting(
        "lr",
        "a number of at least 0",
        "the optimizer's",
        "learning rate of these parameters",
        "params \"*.weight\" { lr = 1e-4 }",
    ),
    setting(
        "weight_decay",
        "a number of at least 0",
        "the optimizer's",
        "weight decay of these parameters",
        "params \"*.bias\" { weight_decay = 0 }",
    ),
    setting(
        "l1",
        "a number of at least 0",
        "0",
        "adds so many times the sum of their magnitudes to the loss",
        "params \"*.weight\" { l1 = 1e-4 }",
    ),
    setting(
        "l2",
        "a number of at least 0",
        "0",
        "adds so many times the sum of their squares to the loss",
        "params \"*.weight\" { l2 = 1e-4 }",
    ),
    setting(
        "max_norm",
        "a number more than 0",
        "no bound",
        "after each update, rows of a weight (one for each output) of a larger norm are scaled to it, as torch.renorm(p = 2, dim = 0) does",
        "params \"*.weight\" { max_norm = 2 }",
    ),
    setting(
        "freeze",
        "`true` or `false`",
        "false",
        "whether these parameters stay as they are",
        "params \"*.bias\" { freeze = true }",
    ),
];

pub const WATCH: &[Setting] = &[
    setting(
        "output",
        "`norm`, `stats`, `histogram`, or a list of them",
        "nothing",
        "what is recorded of the stages' results, for the rows of the update's last batch",
        "watch \"head\" { output = stats }",
    ),
    setting(
        "grad",
        "`norm`, `stats`, `histogram`, or a list of them",
        "nothing",
        "what is recorded of the parameters' gradients, before they are clipped",
        "watch \"head.*\" { grad = norm }",
    ),
    setting(
        "weight",
        "`norm`, `stats`, `histogram`, or a list of them",
        "nothing",
        "what is recorded of the parameters after the update",
        "watch \"*.weight\" { weight = [stats, histogram] }",
    ),
    setting(
        "every",
        "a whole number of at least 1",
        "100",
        "the updates whose number is a multiple of it are recorded, and the first",
        "watch \"head\" { output = norm; every = 10 }",
    ),
];

pub const TOP_LEVEL: &[Setting] = &[setting(
    "allow",
    "a list of codes",
    "[]",
    "warnings that are silenced",
    "allow = [W0105]",
)];

/// All sections with settings, by their names.
pub const SECTIONS: &[(&str, &[Setting])] = &[
    ("train", TRAIN),
    ("params", PARAMS),
    ("watch", WATCH),
    ("data", DATA),
    ("top level", TOP_LEVEL),
];
