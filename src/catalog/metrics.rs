//! Metrics, under scikit-learn's names, computed in the target's own units after training.

use super::{Entry, Meaning, Metric};

pub const ENTRIES: &[Entry] = &[
    Entry {
        name: "accuracy",
        summary: "The share of rows whose most probable class is the right one.",
        formula: "mean([prediction = target])",
        source: "sklearn.metrics.accuracy_score",
        example: "metrics = [accuracy]",
        parameters: &[],
        also_known_as: &[
            "acc",
            "accuracy_score",
            "categorical_accuracy",
            "binary_accuracy",
        ],
        meaning: Meaning::Metric(Metric::Accuracy),
    },
    Entry {
        name: "mae",
        summary: "Mean absolute error.",
        formula: "mean(|y - t|)",
        source: "sklearn.metrics.mean_absolute_error",
        example: "metrics = [mae, rmse]",
        parameters: &[],
        also_known_as: &["mean_absolute_error", "l1"],
        meaning: Meaning::Metric(Metric::MeanAbsoluteError),
    },
    Entry {
        name: "rmse",
        summary: "Root of the mean squared error.",
        formula: "√mean((y - t)²)",
        source: "sklearn.metrics.root_mean_squared_error",
        example: "metrics = [rmse]",
        parameters: &[],
        also_known_as: &["root_mean_squared_error"],
        meaning: Meaning::Metric(Metric::RootMeanSquaredError),
    },
    Entry {
        name: "r2",
        summary: "Coefficient of determination.",
        formula: "1 - Σ(y - t)² / Σ(t - mean(t))²",
        source: "sklearn.metrics.r2_score",
        example: "metrics = [r2]",
        parameters: &[],
        also_known_as: &["r2_score", "r_squared"],
        meaning: Meaning::Metric(Metric::R2),
    },
];
