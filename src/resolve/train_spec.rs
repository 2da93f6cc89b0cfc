//! The checked `train` section: what a training is told.

use super::arguments::Call;
use super::constant::Number;
use super::groups::ParameterGroup;
use super::loss_terms::LossTerms;
use super::schedule;
use super::watch::WatchSpec;
use crate::catalog::Metric;
use crate::diagnostics::Span;
use crate::graph::schedule::RateSchedule;
use crate::plan::Precision;

/// Rows in a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BatchSize {
    All,
    Rows(usize),
}

/// The checked `train` section.
#[derive(Clone, Debug)]
pub struct TrainSpec {
    pub loss: LossTerms,
    pub optimizer: Option<Call>,
    pub epochs: usize,
    pub batch: BatchSize,
    /// Where `batch` is set, if it is.
    pub batch_span: Option<Span>,
    pub seed: Option<u64>,
    pub shuffle: bool,
    pub precision: Precision,
    pub clip_norm: Option<f64>,
    pub drop_last: bool,
    /// The metrics asked for, with their places; `None` for those of the target's type.
    pub metrics: Option<Vec<(Metric, &'static str, Span)>>,
    /// Schedules that follow one another.
    pub schedule: Vec<Call>,
    pub clip_value: Option<f64>,
    /// Batches whose gradients make one update.
    pub accumulate: usize,
    /// Where `accumulate` is set, if it is.
    pub accumulate_span: Option<Span>,
    /// The decay of the moving average of the weights, if one is kept.
    pub average: Option<f64>,
    pub stop: Option<Early>,
    /// Where `stop` or `restore` asks for validation rows.
    pub watched: Option<Span>,
    pub restore: Restore,
    /// Settings that wait for facts of the data, with their expressions; something stands for their
    /// values until then.
    pub deferred: Vec<(&'static str, String)>,
    /// What is said of parameters by their paths.
    pub groups: Vec<ParameterGroup>,
    /// What is recorded of the training.
    pub watches: Vec<WatchSpec>,
    pub span: Span,
}

/// Which epoch's parameters a training leaves behind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Restore {
    Last,
    /// Those of the best epoch by validation loss; a better one must be better by `min_delta`.
    Best,
}

/// When a training ends before its last epoch (keras.callbacks.EarlyStopping).
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Early {
    /// Epochs without a better validation loss after which the training ends.
    pub patience: usize,
    /// By how much a better loss must be below the best.
    pub min_delta: f64,
}

/// How the rows of an epoch are divided into batches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Batches {
    /// Rows of a whole batch.
    pub size: usize,
    pub whole: usize,
    /// Rows of the smaller last batch; 0 if there is none, or it is left out.
    pub tail: usize,
}

impl Batches {
    pub fn count(&self) -> usize {
        self.whole + usize::from(self.tail > 0)
    }
}

impl TrainSpec {
    /// The batches of an epoch over so many rows.
    pub fn batches(&self, rows: usize) -> Batches {
        let size = match self.batch {
            BatchSize::All => rows,
            BatchSize::Rows(batch) => batch.min(rows),
        };
        let whole = rows / size.max(1);
        let rest = rows % size.max(1);
        Batches {
            size,
            whole,
            tail: if self.drop_last && whole > 0 { 0 } else { rest },
        }
    }

    /// What only the data tells of a setting.
    pub fn deferred(&self, setting: &str) -> Option<&str> {
        let found = self.deferred.iter().find(|(name, _)| *name == setting);
        found.map(|(_, text)| text.as_str())
    }

    /// Notes that a setting's call waits for the data.
    pub(super) fn defer(&mut self, setting: &'static str, call: Option<&Call>) {
        let waiting = call.filter(|call| call.arguments.deferred().next().is_some());
        self.deferred
            .extend(waiting.map(|call| (setting, call.text())));
    }

    /// All that waits for the data, as expressions of its facts.
    pub fn waits(&self) -> Vec<String> {
        let weights = self.loss.terms.iter().filter_map(|term| match term.weight {
            Number::Known(_) => None,
            Number::Deferred(_) => Some(term.weight.part()),
        });
        let settings = self.deferred.iter().map(|(_, text)| text.clone());
        let terms = self.loss.terms.iter().map(|term| &term.call);
        let calls = terms.chain(&self.optimizer).chain(&self.schedule);
        let arguments = calls.flat_map(|call| call.arguments.deferred());
        weights.chain(settings).chain(arguments).collect()
    }

    /// The schedule of a training over so many rows, if one is set.
    pub fn schedule_for(&self, rows: usize) -> Option<RateSchedule> {
        let epoch = self.batches(rows).count().div_ceil(self.accumulate) as u64;
        let total = epoch.saturating_mul(self.epochs as u64);
        let set = !self.schedule.is_empty();
        set.then(|| schedule::schedule(&self.schedule, epoch, total))
    }
}

/// Rows in a step when the file does not say (Keras's default).
const DEFAULT_BATCH: usize = 32;

impl Default for TrainSpec {
    fn default() -> Self {
        TrainSpec {
            loss: LossTerms::default(),
            optimizer: None,
            epochs: 0,
            batch: BatchSize::Rows(DEFAULT_BATCH),
            batch_span: None,
            seed: None,
            shuffle: true,
            precision: Precision::F32,
            clip_norm: None,
            drop_last: false,
            metrics: None,
            schedule: Vec::new(),
            clip_value: None,
            accumulate: 1,
            accumulate_span: None,
            average: None,
            stop: None,
            watched: None,
            restore: Restore::Last,
            deferred: Vec::new(),
            groups: Vec::new(),
            watches: Vec::new(),
            span: Span::default(),
        }
    }
}
