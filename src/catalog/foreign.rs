//! What other libraries call things: Keras's, TensorFlow's, scikit-learn's and PyTorch's own long
//! names, by what they are here. Used in suggestions and in `nnc explain` only, never understood.
//!
//! Names that mean the same as an entry stand in its own `also_known_as`; here are those of what has
//! no entry, and of arguments and settings; [`ways`] has what is done in another way. Case, `_` and what stands before a `.` do not count.

mod ways;

use super::{Entry, Kind, entries, planned};

pub use ways::{advice, elsewhere, needless, otherwise};

/// Entries that the language reserves.
const PLANNED: &[(Kind, &str, &[&str])] = &[
    (Kind::Layer, "Conv1d", &["Convolution1D"]),
    (Kind::Layer, "Conv2d", &["Convolution2D"]),
    (Kind::Layer, "MaxPool1d", &["MaxPooling1D"]),
    (Kind::Layer, "MaxPool2d", &["MaxPooling2D"]),
    (Kind::Layer, "AvgPool1d", &["AveragePooling1D"]),
    (Kind::Layer, "AvgPool2d", &["AveragePooling2D"]),
    (
        Kind::Layer,
        "AdaptiveAvgPool2d",
        &["GlobalAveragePooling2D"],
    ),
    (Kind::Layer, "MeanPool", &["GlobalAveragePooling1D"]),
    (Kind::Layer, "Dropout2d", &["SpatialDropout2D"]),
    (Kind::Layer, "RNN", &["SimpleRNN"]),
    (
        Kind::Layer,
        "MultiheadAttention",
        &["MultiHeadAttention", "Attention"],
    ),
    (Kind::Layer, "PositionEmbedding", &["PositionalEncoding"]),
    (Kind::Loss, "KLDiv", &["KLDivergence", "kl_divergence"]),
    (Kind::Loss, "PoissonNLL", &["Poisson"]),
    (Kind::Optimizer, "LBFGS", &["L-BFGS"]),
    (
        Kind::Initializer,
        "TruncNormal",
        &["TruncatedNormal", "truncated_normal"],
    ),
    (
        Kind::Initializer,
        "Uniform",
        &["RandomUniform", "random_uniform"],
    ),
    (
        Kind::Initializer,
        "Normal",
        &["RandomNormal", "random_normal"],
    ),
    (Kind::Metric, "f1", &["f1_score", "F1Score"]),
    (Kind::Metric, "precision", &["precision_score"]),
    (Kind::Metric, "recall", &["recall_score"]),
    (Kind::Metric, "roc_auc", &["auc", "roc_auc_score"]),
    (Kind::Metric, "mse", &["mean_squared_error"]),
    (Kind::Metric, "mape", &["mean_absolute_percentage_error"]),
];

/// Arguments: of several names here, the one that the entry has is meant.
const ARGUMENTS: &[(&[&str], &[&str])] = &[
    (&["learning_rate", "eta", "learning_rate_init"], &["lr"]),
    (
        &["alpha", "slope"],
        &["negative_slope", "lr", "weight_decay"],
    ),
    (&["beta", "threshold"], &["delta"]),
    (
        &["units", "out", "width", "n", "output_dim", "n_units"],
        &["out_features", "embedding_dim"],
    ),
    (&["use_bias"], &["bias"]),
    (
        &["rate", "prob", "probability", "drop_prob", "dropout"],
        &["p"],
    ),
    (&["epsilon"], &["eps"]),
    (&["l2", "kernel_regularizer"], &["weight_decay"]),
    (&["nesterovs_momentum"], &["nesterov"]),
    (
        &["normalise", "norm", "standardize", "scaler"],
        &["normalize"],
    ),
    (
        &[
            "validation",
            "val",
            "valid",
            "validation_split",
            "validation_fraction",
            "val_size",
        ],
        &["validate"],
    ),
    (&["test_size", "test_split"], &["test"]),
    (&["beta_1", "beta_2", "beta1", "beta2"], &["betas"]),
    (&["categories", "classes"], &["values"]),
    (&["embedding_dim", "embedding", "embed_dim"], &["embed"]),
];

/// Settings of any section.
const SETTINGS: &[(&str, &[&str])] = &[
    ("header", &["names", "col_names", "column_names"]),
    ("skip", &["skiprows", "skip_rows", "skiplines"]),
    ("comment", &["comment_char", "comment_prefix"]),
    ("decimal", &["dec", "decimal_comma"]),
    ("thousands", &["grouping_mark", "big_mark"]),
    ("batch", &["batch_size", "minibatch", "mini_batch"]),
    (
        "epochs",
        &[
            "epoch",
            "max_epochs",
            "num_epochs",
            "n_epochs",
            "max_iter",
            "num_iterations",
        ],
    ),
    (
        "loss",
        &["criterion", "objective", "loss_fn", "loss_function"],
    ),
    ("optimizer", &["optim", "solver"]),
    ("seed", &["random_state", "random_seed", "manual_seed"]),
    ("precision", &["dtype"]),
    (
        "clip_norm",
        &[
            "clip",
            "clip_grad_norm",
            "global_clipnorm",
            "gradient_clipping",
            "grad_clip",
            "gradient_clip",
            "gradient_clip_norm",
            "clipnorm",
            "max_grad_norm",
        ],
    ),
    ("clip_value", &["clip_grad_value"]),
    (
        "max_norm",
        &["max_value", "kernel_constraint", "constraint"],
    ),
    ("lr", &["learning_rate"]),
    ("freeze", &["frozen"]),
    (
        "l2",
        &["regularizer", "kernel_regularizer", "bias_regularizer"],
    ),
    ("init", &["initializer", "kernel_initializer"]),
    ("output", &["activations", "outputs"]),
    ("grad", &["grads", "gradient", "gradients"]),
    ("weight", &["weights", "params", "parameters"]),
    (
        "every",
        &[
            "freq",
            "log_freq",
            "frequency",
            "interval",
            "histogram_freq",
        ],
    ),
    ("schedule", &["lr_scheduler", "scheduler", "lr_schedule"]),
    ("stop", &["early_stopping", "early_stop"]),
    (
        "accumulate",
        &["gradient_accumulation_steps", "accumulate_grad_batches"],
    ),
];

/// What another library says by `true` and by `false`, as it is written here.
pub struct Switch {
    words: &'static [&'static str],
    pub on: &'static str,
    pub off: &'static str,
}

/// Settings that are truth values elsewhere, and something else here.
const SWITCHES: &[Switch] = &[
    Switch {
        words: &["trainable", "requires_grad"],
        on: "freeze = false",
        off: "freeze = true",
    },
    Switch {
        words: &["restore_best_weights", "load_best_model_at_end"],
        on: "restore = best",
        off: "restore = last",
    },
];

/// Words that stand for values of settings and arguments.
const VALUES: &[(&str, &[&str])] = &[
    ("true", &["yes", "on"]),
    ("false", &["no", "off"]),
    ("all", &["full", "full_batch"]),
    ("f32", &["float32", "float", "single", "fp32"]),
    ("f64", &["float64", "double", "fp64"]),
    (
        "zscore",
        &[
            "standard",
            "standardize",
            "standardise",
            "StandardScaler",
            "z",
        ],
    ),
    ("minmax", &["MinMaxScaler"]),
];

/// PyTorch's arguments in its order, of entries that take fewer here: what is given without a name may
/// be meant so.
const SIGNATURES: &[(&str, &[&str])] = &[
    ("Linear", &["in_features", "out_features", "bias"]),
    ("Embedding", &["num_embeddings", "embedding_dim"]),
    (
        "Bilinear",
        &["in1_features", "in2_features", "out_features", "bias"],
    ),
    (
        "BatchNorm1d",
        &["num_features", "eps", "momentum", "affine"],
    ),
    (
        "LayerNorm",
        &["normalized_shape", "eps", "elementwise_affine", "bias"],
    ),
    (
        "RMSNorm",
        &["normalized_shape", "eps", "elementwise_affine"],
    ),
    (
        "GroupNorm",
        &["num_groups", "num_channels", "eps", "affine"],
    ),
    ("Flatten", &["start_dim", "end_dim"]),
    ("Unflatten", &["dim", "unflattened_size"]),
    ("Softmax", &["dim"]),
    ("LogSoftmax", &["dim"]),
    ("Dropout", &["p", "inplace"]),
    ("ReLU", &["inplace"]),
    ("SiLU", &["inplace"]),
    ("LeakyReLU", &["negative_slope", "inplace"]),
    ("ELU", &["alpha", "inplace"]),
    ("Hardtanh", &["min_val", "max_val", "inplace"]),
];

/// The name, without what a module puts before it, in small letters without `_`.
fn plain(name: &str) -> String {
    let last = name.rsplit('.').next().unwrap_or(name);
    last.to_lowercase().replace(['_', '-'], "")
}

/// What an entry of a kind that another library calls `name` is called here. It may be one that this
/// version gives no meaning yet.
pub fn entry(kind: Kind, name: &str) -> Option<&'static str> {
    let wanted = plain(name);
    let of_kind = || entries().filter(move |entry| entry.meaning.kind() == kind);
    let is_wanted = |word: &&str| plain(word) == wanted;
    let by_entry = of_kind().find(|entry| entry.also_known_as.iter().any(is_wanted));
    if let Some(entry) = by_entry {
        return Some(entry.name);
    }
    let mut planned_words = PLANNED.iter();
    let by_word = planned_words.find(|(of, _, words)| *of == kind && words.iter().any(is_wanted));
    if let Some((_, here, _)) = by_word {
        return Some(here);
    }
    // The names of the language in another case, or with what torch adds to them.
    let without_suffix = wanted.strip_suffix("loss").filter(|_| kind == Kind::Loss);
    let own = of_kind().map(|entry| entry.name);
    own.chain(planned(kind).iter().copied())
        .find(|own| plain(own) == wanted || Some(plain(own).as_str()) == without_suffix)
}

/// The arguments that another library calls `name`: that of them which an entry has is meant.
pub fn arguments(name: &str) -> &'static [&'static str] {
    let wanted = plain(name);
    let found = ARGUMENTS
        .iter()
        .find(|(words, _)| words.iter().any(|word| plain(word) == wanted));
    found.map_or(&[], |(_, here)| here)
}

/// PyTorch's arguments of an entry in its order, where that takes others here.
pub fn signature(entry: &Entry) -> &'static [&'static str] {
    let found = SIGNATURES.iter().find(|(name, _)| *name == entry.name);
    found.map_or(&[], |(_, arguments)| arguments)
}

/// The setting that another library switches by `name`.
pub fn switch(name: &str) -> Option<&'static Switch> {
    let wanted = plain(name);
    let is_wanted = |switch: &&Switch| switch.words.iter().any(|word| plain(word) == wanted);
    SWITCHES.iter().find(is_wanted)
}

/// Which of the known words another library's word stands for.
pub fn value<'n>(word: &str, known: &[&'n str]) -> Option<&'n str> {
    let wanted = plain(word);
    let mut known = known.iter().copied();
    known.find(|here| {
        let mut rows = VALUES.iter().filter(|(value, _)| value == here);
        rows.any(|(_, words)| words.iter().any(|word| plain(word) == wanted))
    })
}

/// The setting that another library calls `name`.
pub fn setting(name: &str) -> Option<&'static str> {
    let wanted = plain(name);
    let found = SETTINGS.iter().find(|(here, words)| {
        plain(here) == wanted || words.iter().any(|word| plain(word) == wanted)
    });
    found.map(|(here, _)| *here)
}

#[cfg(test)]
mod tests {
    use super::super::arguments::Parameter;
    use super::super::settings::SECTIONS;
    use super::ways::{ELSEWHERE, NEEDLESS, OTHERWISE};
    use super::*;

    #[test]
    fn words_lead_to_what_there_is() {
        for (kind, here, _) in PLANNED {
            assert!(planned(*kind).contains(here), "{here}");
        }
        let parameters: Vec<&Parameter> = entries().flat_map(|entry| entry.parameters).collect();
        for name in ARGUMENTS.iter().flat_map(|(_, here)| *here) {
            assert!(parameters.iter().any(|known| known.name == *name), "{name}");
        }
        for (entry, arguments) in SIGNATURES {
            let entry = entries().find(|known| known.name == *entry);
            let entry = entry.expect("a signature is an entry's");
            for name in *arguments {
                let known = entry.parameters.iter().any(|known| known.name == *name);
                assert_ne!(known, needless(entry, name).is_some(), "{name}");
            }
        }
        for row in NEEDLESS.iter().chain(ELSEWHERE) {
            for name in row.entries {
                assert!(super::super::find(row.kind, name).is_some(), "{name}");
            }
        }
        for (entry_name, argument, _) in OTHERWISE {
            let here = entries().find(|known| known.also_known_as.contains(entry_name));
            let parameters = here.expect("an entry's other name").parameters;
            assert!(parameters.iter().any(|known| known.name == *argument));
        }
        let settings = || SECTIONS.iter().flat_map(|(_, settings)| *settings);
        for line in SWITCHES.iter().flat_map(|switch| [switch.on, switch.off]) {
            let name = line.split(" = ").next().unwrap_or("");
            assert!(settings().any(|known| known.name == name), "{line}");
        }
        for (here, _) in SETTINGS {
            assert!(settings().any(|known| known.name == *here), "{here}");
        }
    }

    #[test]
    fn modules_case_and_suffixes_do_not_count() {
        for (kind, name, here) in [
            (Kind::Layer, "nn.Linear", "Linear"),
            (Kind::Layer, "keras.layers.Dense", "Linear"),
            (Kind::Layer, "relu", "ReLU"),
            (Kind::Layer, "MaxPooling2D", "MaxPool2d"),
            (Kind::Loss, "mse", "MSE"),
            (Kind::Loss, "nn.MSELoss", "MSE"),
            (Kind::Loss, "NLLLoss", "NLL"),
            (
                Kind::Loss,
                "sparse_categorical_crossentropy",
                "CrossEntropy",
            ),
            (Kind::Optimizer, "torch.optim.adamw", "AdamW"),
            (Kind::Initializer, "glorot_uniform", "XavierUniform"),
            (Kind::Metric, "f1_score", "f1"),
        ] {
            assert_eq!(entry(kind, name), Some(here), "{name}");
        }
        assert_eq!(entry(Kind::Layer, "Frobnicate"), None);
    }
}
