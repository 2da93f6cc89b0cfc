//! What other libraries call things: Keras's, TensorFlow's, scikit-learn's and PyTorch's own long
//! names, by what they are here. Used in suggestions and in `nnc explain` only, never understood.
//!
//! Names that mean the same as an entry stand in its own `also_known_as`; here are those of what has
//! no entry, and of arguments and settings. Case, `_` and what stands before a `.` do not count.

use super::{Kind, entries, planned};

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
    (&["decay", "l2", "kernel_regularizer"], &["weight_decay"]),
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
    ("freeze", &["trainable", "requires_grad", "frozen"]),
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
        "restore",
        &["restore_best_weights", "load_best_model_at_end"],
    ),
    (
        "accumulate",
        &["gradient_accumulation_steps", "accumulate_grad_batches"],
    ),
];

/// Words for which the language has another way.
const ADVICE: &[(&[&str], &str)] = &[
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
        &["Sequential", "Model", "Module", "ModuleList"],
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

/// The setting that another library calls `name`.
pub fn setting(name: &str) -> Option<&'static str> {
    let wanted = plain(name);
    let found = SETTINGS.iter().find(|(here, words)| {
        plain(here) == wanted || words.iter().any(|word| plain(word) == wanted)
    });
    found.map(|(here, _)| *here)
}

/// The way of the language to what another library has a word for.
pub fn advice(name: &str) -> Option<&'static str> {
    let wanted = plain(name);
    let found = ADVICE
        .iter()
        .find(|(words, _)| words.iter().any(|word| plain(word) == wanted));
    found.map(|(_, advice)| *advice)
}

#[cfg(test)]
mod tests {
    use super::super::arguments::Parameter;
    use super::super::settings::SECTIONS;
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
        let settings = || SECTIONS.iter().flat_map(|(_, settings)| *settings);
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
