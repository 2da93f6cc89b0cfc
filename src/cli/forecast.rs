//! What a run will take on this machine, told before it begins.

use std::io;

use nnc::Compiled;
use nnc::compile::PhasePlan;
use nnc::engine::Runner;
use nnc::graph::Phase;
use nnc::kernels::{Element, calibrate};
use nnc::plan::roofline::{PlanSchedule, Prediction, Roofline, working_set};
use nnc::plan::{Plan, Precision, bytes_text, count_text};

use super::memory;
use super::summary::{digits, duration, table};

/// The speeds of this machine in the plan's precision, with so many threads.
///
/// # Errors
/// The system refused a thread or memory.
pub fn measure(plan: &Plan, threads: usize) -> io::Result<Roofline> {
    match plan.precision {
        Precision::F32 => calibrate::<f32>(threads, working_set(plan)),
        Precision::F64 => calibrate::<f64>(threads, working_set(plan)),
    }
}

/// Predicts runs of a model's plans.
pub struct Forecast<'f> {
    pub compiled: &'f Compiled,
    pub roofline: &'f Roofline,
}

/// A plan's run: how its steps are divided, and what they are predicted to take.
pub struct Forecasted {
    pub schedule: PlanSchedule,
    pub prediction: Prediction,
}

impl Forecast<'_> {
    /// A run of a phase on a batch of `rows`.
    pub fn run(&self, phase: &PhasePlan, rows: usize) -> Forecasted {
        match phase.plan.precision {
            Precision::F32 => self.run_in::<f32>(phase, rows),
            Precision::F64 => self.run_in::<f64>(phase, rows),
        }
    }

    fn run_in<T: Element>(&self, phase: &PhasePlan, rows: usize) -> Forecasted {
        let plan = &phase.plan;
        let threads = self.roofline.workers;
        let mut runner = Runner::<T>::new(plan, self.compiled.arena_elements, threads);
        let schedule = runner.schedule(rows, threads);
        let prediction = self
            .roofline
            .predict(plan, rows, &schedule, self.data_bytes());
        Forecasted {
            schedule,
            prediction,
        }
    }

    /// The bytes of all prepared rows.
    fn data_bytes(&self) -> usize {
        let bytes = self.compiled.predict.plan.precision.bytes();
        self.rows() * self.width() * bytes
    }

    fn rows(&self) -> usize {
        let rows = self.compiled.schema.rows;
        rows.map_or(0, |rows| rows.train + rows.validate + rows.test)
    }

    fn width(&self) -> usize {
        let plan = &self
            .compiled
            .evaluate
            .as_ref()
            .unwrap_or(&self.compiled.predict)
            .plan;
        plan.inputs.features + plan.targets.map_or(0, |targets| targets.features)
    }

    /// Seconds of an epoch with its validation, if the model trains.
    fn epoch(&self) -> Option<f64> {
        let train = self.compiled.train.as_ref()?;
        let rows = self.compiled.schema.rows?;
        let spec = self.compiled.declaration.train.as_ref()?;
        let batches = spec.batches(rows.train);
        let seconds = |phase: &PhasePlan, rows: usize| match rows {
            0 => 0.0,
            rows => self.run(phase, rows).prediction.seconds(),
        };
        let training =
            batches.whole as f64 * seconds(train, batches.size) + seconds(train, batches.tail);
        let validation = self.compiled.evaluate.as_ref().map_or(0.0, |evaluate| {
            let batch = evaluate.plan.batch.unwrap_or(1).max(1);
            let whole = rows.validate / batch;
            whole as f64 * seconds(evaluate, batch) + seconds(evaluate, rows.validate % batch)
        });
        Some(training + validation)
    }

    /// The machine, the steps and the totals of a phase whose plan can run.
    pub fn text(&self, phase: &PhasePlan) -> String {
        let forecasted = self.run(phase, phase.plan.batch.unwrap_or(1));
        let text = [
            self.machine(&phase.plan),
            steps_table(&phase.plan, &forecasted),
            self.totals(phase, &forecasted.prediction),
        ];
        format!("{}\n", text.join("\n\n"))
    }

    fn machine(&self, plan: &Plan) -> String {
        let roofline = self.roofline;
        let giga = |value: f64| digits(value / 1e9);
        let working_set = working_set(plan);
        let bandwidth = |workers: usize| giga(roofline.bandwidth(working_set, workers));
        let mut lines = vec![
            format!(
                "  this machine: {}, vectors of {} {}, threads {}",
                std::env::consts::ARCH,
                roofline.lanes,
                plan.precision.name(),
                roofline.workers
            ),
            format!(
                "    arithmetic  {} GFLOP/s a core, {} in products of matrices",
                giga(roofline.peak),
                giga(roofline.product)
            ),
            format!(
                "    memory      {} GB/s a core, over the {} of this plan",
                bandwidth(1),
                bytes_text(working_set)
            ),
        ];
        if roofline.workers > 1 {
            lines.push(format!(
                "    threads     {} a barrier, {} GB/s together",
                duration(roofline.barrier),
                bandwidth(roofline.workers)
            ));
        }
        lines.join("\n")
    }

    /// What a step, an epoch and the whole run take.
    fn totals(&self, phase: &PhasePlan, prediction: &Prediction) -> String {
        let seconds = prediction.seconds();
        let flops: u64 = prediction.costs.iter().map(|cost| cost.flops).sum();
        let mut lines = vec![
            "  predicted".to_owned(),
            format!(
                "    one step   {} at {} GFLOP/s",
                duration(seconds),
                digits(flops as f64 / seconds / 1e9)
            ),
        ];
        let spec = self.compiled.declaration.train.as_ref();
        if let (Phase::Train, Some(epoch), Some(spec)) = (phase.plan.phase, self.epoch(), spec) {
            lines.push(format!("    one epoch  {}", duration(epoch)));
            lines.push(format!(
                "    whole run  {}, epochs {}",
                duration(epoch * spec.epochs as f64),
                spec.epochs
            ));
        }
        let needed = memory::needed(self.compiled, self.width(), self.rows());
        let needed = usize::try_from(needed).unwrap_or(usize::MAX);
        lines.push(format!("    memory     {}", bytes_text(needed)));
        lines.join("\n")
    }
}

/// The head of a table's first column, in which steps are named.
pub const STEP_HEAD: &str = "  step line  stages";
/// How much of a step's name is shown in a table.
const NAME_SHOWN: usize = 36;

/// A step as tables name it: its number, its line, its stages.
pub fn step_name(plan: &Plan, index: usize) -> String {
    let step = &plan.steps[index];
    let name = format!("  {:>4} {:>4}  {}", index + 1, step.line, plan.label(step));
    if name.chars().count() > NAME_SHOWN {
        name.chars().take(NAME_SHOWN - 1).chain(['…']).collect()
    } else {
        name
    }
}

/// A size in three digits or four, and a unit that suits it.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["B", "KiB", "MiB", "GiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1023.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    match unit {
        0 => format!("{bytes} B"),
        unit => format!("{} {}", digits(value), UNITS[unit]),
    }
}

/// What each step does, and what it is predicted to take.
fn steps_table(plan: &Plan, forecasted: &Forecasted) -> String {
    let Forecasted {
        schedule,
        prediction,
    } = forecasted;
    let head = [
        STEP_HEAD, "threads", "meets", "FLOP", "reads", "writes", "time", "limit",
    ];
    let mut rows: Vec<Vec<String>> = vec![head.map(str::to_owned).to_vec()];
    let element = plan.precision.bytes() as u64;
    let steps = prediction.costs.iter().zip(&prediction.steps);
    for (index, ((cost, time), divided)) in steps.zip(&schedule.steps).enumerate() {
        rows.push(vec![
            step_name(plan, index),
            divided.busy.to_string(),
            divided.barriers.to_string(),
            count_text(cost.flops).trim_end().to_owned(),
            size(cost.read * element),
            size(cost.written * element),
            duration(time.seconds()),
            time.limit().name().to_owned(),
        ]);
    }
    table(&rows)
}
