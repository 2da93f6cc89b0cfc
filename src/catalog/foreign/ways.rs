//! What other libraries have that the language does in another way, or leaves out.

use super::plain;
use crate::catalog::{Entry, Kind};

/// Arguments that other libraries have: those of all entries of a kind, or of the ones that are named.
pub(super) struct Foreign {
    pub(super) kind: Kind,
    pub(super) entries: &'static [&'static str],
    pub(super) arguments: &'static [&'static str],
    /// Why nothing is given here, or what to write instead.
    pub(super) words: &'static str,
}

/// Why an argument that an entry has elsewhere is removed here.
pub fn needless(entry: &Entry, name: &str) -> Option<&'static str> {
    of_argument(NEEDLESS, entry, name)
}

/// The way of the language to what an entry has an argument for elsewhere.
pub fn elsewhere(entry: &Entry, name: &str) -> Option<&'static str> {
    of_argument(ELSEWHERE, entry, name)
}

/// What an argument of another library's entry means, if the one here of the same name means
/// something else.
pub fn otherwise(entry: &str, argument: &str) -> Option<&'static str> {
    let wanted = plain(entry);
    let found = OTHERWISE
        .iter()
        .find(|(entry, known, _)| plain(entry) == wanted && *known == argument);
    found.map(|(_, _, words)| *words)
}

/// The way of the language to what another library has a word for.
pub fn advice(name: &str) -> Option<&'static str> {
    let wanted = plain(name);
    let found = ADVICE
        .iter()
        .find(|(words, _)| words.iter().any(|word| plain(word) == wanted));
    found.map(|(_, advice)| *advice)
}

fn of_argument(table: &'static [Foreign], entry: &Entry, name: &str) -> Option<&'static str> {
    let wanted = plain(name);
    let found = table.iter().find(|row| {
        row.kind == entry.meaning.kind()
            && (row.entries.is_empty() || row.entries.contains(&entry.name))
            && row.arguments.iter().any(|word| plain(word) == wanted)
    });
    found.map(|row| row.words)
}

/// Arguments to remove here, and why.
pub(super) const NEEDLESS: &[Foreign] = &[
    Foreign {
        kind: Kind::Layer,
        entries: &["Embedding"],
        arguments: &["num_embeddings", "input_dim", "vocab_size"],
        words: "a category has as many values as the column tells",
    },
    Foreign {
        kind: Kind::Layer,
        entries: &[],
        arguments: &[
            "in_features",
            "in1_features",
            "in2_features",
            "num_features",
            "num_channels",
            "normalized_shape",
            "input_dim",
            "input_shape",
            "input_size",
        ],
        words: "the width that flows in is inferred",
    },
    Foreign {
        kind: Kind::Layer,
        entries: &["Softmax", "LogSoftmax"],
        arguments: &["dim", "axis"],
        words: "it goes along the last axis of each row",
    },
    Foreign {
        kind: Kind::Layer,
        entries: &[],
        arguments: &["dim", "axis", "start_dim", "end_dim"],
        words: "it takes the features of each row, never the batch",
    },
    Foreign {
        kind: Kind::Layer,
        entries: &[],
        arguments: &["inplace"],
        words: "where results are kept is the compiler's to plan",
    },
    Foreign {
        kind: Kind::Layer,
        entries: &[],
        arguments: &["device"],
        words: "nnc computes on the processor",
    },
    Foreign {
        kind: Kind::Optimizer,
        entries: &[],
        arguments: &[
            "foreach",
            "fused",
            "capturable",
            "differentiable",
            "use_locking",
        ],
        words: "how an update is computed is the compiler's to plan",
    },
    Foreign {
        kind: Kind::Optimizer,
        entries: &[],
        arguments: &["params", "parameters"],
        words: "all parameters are trained that are not frozen",
    },
    Foreign {
        kind: Kind::Stop,
        entries: &[],
        arguments: &["monitor", "mode"],
        words: "it follows the validation loss",
    },
    Foreign {
        kind: Kind::Stop,
        entries: &[],
        arguments: &["verbose"],
        words: "nnc reports by itself",
    },
    Foreign {
        kind: Kind::Split,
        entries: &[],
        arguments: &["train_size", "train"],
        words: "the rows that `validate` and `test` do not take are for training",
    },
];

/// Arguments for which the language has another way.
pub(super) const ELSEWHERE: &[Foreign] = &[
    Foreign {
        kind: Kind::Layer,
        entries: &[],
        arguments: &["activation"],
        words: "an activation is a layer of its own: `Linear(8) -> ReLU`",
    },
    Foreign {
        kind: Kind::Layer,
        entries: &[],
        arguments: &["kernel_initializer", "bias_initializer"],
        words: "initial values are set in `train`: `params \"*.weight\" { init = XavierUniform }`",
    },
    Foreign {
        kind: Kind::Layer,
        entries: &[],
        arguments: &["trainable", "requires_grad"],
        words: "parameters are frozen in `train`: `params \"label.*\" { freeze = true }`",
    },
    Foreign {
        kind: Kind::Layer,
        entries: &[],
        arguments: &["dtype"],
        words: "all numbers have one precision, which is set in `train`: `precision = f64`",
    },
    Foreign {
        kind: Kind::Layer,
        entries: &["Dropout"],
        arguments: &["keep_prob"],
        words: "`p` is the share that becomes 0: of `keep_prob = 0.9` it is `Dropout(0.1)`",
    },
    Foreign {
        kind: Kind::Optimizer,
        entries: &[],
        arguments: &["decay"],
        words: "a rate that falls is a `schedule` of `train`: `schedule = CosineAnnealing`; a penalty on weights is `weight_decay`",
    },
    Foreign {
        kind: Kind::Stop,
        entries: &[],
        arguments: &["restore_best_weights"],
        words: "which parameters are kept is set in `train`: `restore = best`, which `stop` brings with it",
    },
];

/// Arguments that have their name elsewhere too, but not their meaning: of what is called so there.
pub(super) const OTHERWISE: &[(&str, &str, &str)] = &[(
    "BatchNormalization",
    "momentum",
    "Keras's `momentum` is the share of the past that is kept, here it is the share of the batch: 0.99 there is `momentum = 0.01`",
)];

/// Words for which the language has another way.
const ADVICE: &[(&[&str], &str)] = &[
    (
        &["sep", "delimiter", "separator", "encoding", "quotechar"],
        "the delimiter, quotes and UTF-8 are recognised by what the table holds: remove this",
    ),
    (
        &["StandardScaler", "Normalization", "Rescaling"],
        "inputs are normalised in `data`: `input x: number(normalize = zscore)`",
    ),
    (
        &["MinMaxScaler"],
        "inputs are brought between 0 and 1 in `data`: `input x: number(normalize = minmax)`",
    ),
    (
        &[
            "OneHotEncoder",
            "LabelEncoder",
            "CategoryEncoding",
            "StringLookup",
        ],
        "a column of words is declared in `data`: `input job: category`",
    ),
    (
        &["Sequential", "Model", "Module", "ModuleList", "ModuleDict"],
        "layers follow one another line by line in `net`, or by `->`",
    ),
    (
        &["Input", "InputLayer"],
        "inputs are columns, declared in `data`: `input x: number`",
    ),
    (
        &["Activation", "activation"],
        "an activation is a layer of its own: `Linear(8) -> ReLU`",
    ),
    (
        &["hidden_layer_sizes", "hidden_size", "hidden_units", "units"],
        "each width is a layer in `net`: `Linear(64) -> ReLU`",
    ),
    (
        &["MLPClassifier", "MLPRegressor"],
        "a network is written layer by layer in `net`: `Linear(64) -> ReLU`",
    ),
    (
        &[
            "CosineAnnealingLR",
            "StepLR",
            "ExponentialLR",
            "OneCycleLR",
            "ReduceLROnPlateau",
            "LambdaLR",
        ],
        "a change of the learning rate is a `schedule` of `train`: `schedule = CosineAnnealing`",
    ),
    (
        &["Constant", "ConstantLR", "ConstantSchedule"],
        "without a `schedule` the rate stays as the optimizer says: `optimizer = SGD(lr = 1e-2)`",
    ),
    (
        &["ModelCheckpoint"],
        "the best epoch's parameters are kept by `restore = best` of `train`",
    ),
    (
        &[
            "normalize",
            "normalise",
            "standardize",
            "standardise",
            "scaler",
            "scale",
        ],
        "each column says how it is normalised: `input x: number(normalize = zscore)`",
    ),
    (
        &["warmup", "warmup_steps", "warmup_epochs", "warmup_ratio"],
        "a rate that rises at first is a `schedule`: `schedule = Warmup(5%)`",
    ),
    (
        &["ema", "use_ema", "ema_decay", "swa", "moving_average"],
        "averaged weights are kept by `average` of `train`: `average = ema(decay = 0.999)`",
    ),
    (
        &["dropout", "keep_prob", "drop_prob"],
        "dropout is a layer in `net`: `Linear(8) -> ReLU -> Dropout(0.2)`",
    ),
    (
        &["monitor"],
        "`stop` and `restore = best` of `train` follow the validation loss",
    ),
    (
        &[
            "val_split",
            "validation_split",
            "validation_fraction",
            "validation",
            "val_size",
            "test_split",
            "test_size",
            "train_size",
            "train_split",
        ],
        "rows are divided in `data`: `split = random(validate = 20%)`",
    ),
    (
        &["LogCosh", "log_cosh"],
        "the loss `Huber` is close to it: squared for small differences, absolute for large ones",
    ),
    (
        &["EarlyStopping"],
        "to end early is the setting `stop` of `train`: `stop = early(patience = 10)`",
    ),
    (
        &["kernel_constraint", "MaxNorm", "UnitNorm"],
        "norms are bounded by the paths of parameters, in `train`: `params \"*.weight\" { max_norm = 2 }`",
    ),
    (
        &["callbacks", "verbose", "DataLoader", "n_jobs"],
        "nnc reports and reads the table by itself; `nnc run --help` lists what can be changed",
    ),
];
