//! The settings of each section: name, what it takes, default.

/// One `key = value` of a section.
#[derive(Debug)]
pub struct Setting {
    pub name: &'static str,
    pub takes: &'static str,
    pub default: &'static str,
    pub summary: &'static str,
    pub supported: bool,
}

const fn supported(
    name: &'static str,
    takes: &'static str,
    default: &'static str,
    summary: &'static str,
) -> Setting {
    Setting {
        name,
        takes,
        default,
        summary,
        supported: true,
    }
}

const fn later(name: &'static str, takes: &'static str, summary: &'static str) -> Setting {
    Setting {
        name,
        takes,
        default: "",
        summary,
        supported: false,
    }
}

pub const TRAIN: &[Setting] = &[
    supported(
        "loss",
        "a loss",
        "none, required to train",
        "what training makes small",
    ),
    supported(
        "optimizer",
        "an optimizer",
        "SGD(lr = 1e-3)",
        "how parameters move",
    ),
    supported(
        "epochs",
        "a whole number of at least 1",
        "none, required to train",
        "passes over the training rows",
    ),
    supported("batch", "`all` or a whole number", "32", "rows in a step"),
    supported(
        "seed",
        "a whole number",
        "drawn and printed",
        "what all random numbers follow from",
    ),
    supported(
        "shuffle",
        "`true` or `false`",
        "true",
        "whether each epoch visits the rows in a new order",
    ),
    supported(
        "precision",
        "`f32` or `f64`",
        "f32",
        "the numbers that training computes with",
    ),
    supported(
        "clip_norm",
        "a number more than 0",
        "no clipping",
        "the largest norm of all gradients together",
    ),
    supported(
        "drop_last",
        "`true` or `false`",
        "false",
        "whether a smaller last batch is left out",
    ),
    supported(
        "metrics",
        "a list of metrics",
        "those of the target's type",
        "what is reported for each split",
    ),
    later("schedule", "a schedule", "how the learning rate changes"),
    later(
        "clip_value",
        "a number",
        "the largest element of a gradient",
    ),
    later(
        "accumulate",
        "a whole number",
        "batches whose gradients make one update",
    ),
    later("stop", "early(…)", "when to end before the last epoch"),
    later("restore", "`last` or `best`", "which parameters are kept"),
    later("average", "EMA(…)", "averaged weights"),
];

pub const DATA: &[Setting] = &[supported(
    "split",
    "random(…), ordered(…) or column(name)",
    "all rows train",
    "how rows are divided",
)];

pub const PARAMS: &[Setting] = &[
    supported(
        "init",
        "an initializer",
        "the layer's own",
        "the parameters' first values",
    ),
    later("lr", "a number", "learning rate of these parameters"),
    later(
        "weight_decay",
        "a number",
        "weight decay of these parameters",
    ),
    later(
        "freeze",
        "`true` or `false`",
        "whether these parameters stay as they are",
    ),
];

pub const TOP_LEVEL: &[Setting] = &[later(
    "allow",
    "a list of codes",
    "warnings that are silenced",
)];
