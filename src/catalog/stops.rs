//! Ways to end a training before its last epoch.

use super::arguments::{ArgumentKind, Default, Range, named, positional};
use super::{Entry, Meaning};

pub const ENTRIES: &[Entry] = &[Entry {
    name: "early",
    summary: "Ends when the validation loss has not fallen for some epochs.",
    formula: "after `patience` epochs without a loss below best - min_delta",
    source: "keras.callbacks.EarlyStopping; Prechelt 1998",
    example: "stop = early(patience = 10)",
    parameters: &[
        positional(
            "patience",
            ArgumentKind::Size,
            Default::Required,
            "epochs without a better loss that are borne",
        ),
        named(
            "min_delta",
            ArgumentKind::Number(Range::NOT_NEGATIVE),
            Default::Number(0.0),
            "by how much a better loss must be below the best",
        ),
    ],
    also_known_as: &["EarlyStopping", "early_stopping"],
    meaning: Meaning::Stop,
}];
