//! What a training spent its time on, beside what was predicted, and as a trace for a viewer.

use std::hint::black_box;
use std::io::{self, BufWriter, Write};
use std::time::Instant;

use nnc::kernels::Interval;
use nnc::plan::roofline::Prediction;
use nnc::plan::{Plan, StepPart};
use nnc::train::Profile;
use nnc::train::profile::{Medians, SampledUpdate};
use serde_json::{Value, json};

use super::forecast::{STEP_HEAD, step_name};
use super::record::{Members, members};
use super::summary::{digits, duration, table};

/// The medians of a profile beside the prediction for as many workers.
pub struct Measured<'m> {
    pub plan: &'m Plan,
    pub medians: &'m Medians,
    pub prediction: &'m Prediction,
}

/// Where stages stand in the column of steps.
const INDENT: &str = "             ";

/// A row's figures: seconds as measured and as predicted, and the work done in them.
struct Figures {
    name: String,
    measured: f64,
    waiting: Option<f64>,
    flops: u64,
    numbers: u64,
    predicted: f64,
}

impl Measured<'_> {
    /// The time of each step, and of all.
    pub fn table(&self) -> String {
        let several = self.medians.workers > 1;
        let mut head = vec![STEP_HEAD, "measured", "share"];
        head.extend(several.then_some("waiting"));
        head.extend(["GFLOP/s", "GB/s", "predicted", "ratio"]);
        let mut rows: Vec<Vec<String>> = vec![head.into_iter().map(str::to_owned).collect()];
        let figures = self.figures();
        let all = self.sum(&figures);
        for figures in figures.iter().chain([&all]) {
            rows.push(self.row(figures, all.measured, several));
        }
        let workers = match self.medians.workers {
            1 => "1 thread".to_owned(),
            workers => format!("{workers} threads"),
        };
        let mut lines = vec![
            format!(
                "  profile: medians of {} updates on {workers}, {} an update",
                self.medians.updates,
                duration(self.medians.whole)
            ),
            table(&rows),
        ];
        let clock = clock_seconds();
        if clock * self.medians.steps.len() as f64 > all.measured * CLOCK_NOTED {
            lines.push(format!(
                "{INDENT}each step includes {} for reading the clock",
                duration(clock)
            ));
        }
        lines.join("\n")
    }

    fn row(&self, figures: &Figures, all: f64, several: bool) -> Vec<String> {
        let speed = |amount: u64| match amount {
            0 => String::new(),
            amount => digits(amount as f64 / figures.measured.max(1e-9) / 1e9),
        };
        let bytes = figures.numbers * self.plan.precision.bytes() as u64;
        let mut row = vec![
            figures.name.clone(),
            duration(figures.measured),
            format!("{:.1} %", 100.0 * figures.measured / all.max(1e-9)),
        ];
        if several {
            row.push(figures.waiting.map_or(String::new(), duration));
        }
        row.extend([
            speed(figures.flops),
            speed(bytes),
            duration(figures.predicted),
            digits(figures.measured / figures.predicted),
        ]);
        row
    }

    /// The steps in their order, and bringing rows in.
    fn figures(&self) -> Vec<Figures> {
        let medians = self.medians.steps.iter().enumerate();
        let mut figures: Vec<Figures> = medians
            .map(|(index, median)| {
                let cost = &self.prediction.costs[index];
                Figures {
                    name: step_name(self.plan, index),
                    measured: median.seconds,
                    waiting: Some(median.waiting),
                    flops: cost.flops,
                    numbers: cost.read + cost.written,
                    predicted: self.prediction.steps[index].seconds(),
                }
            })
            .collect();
        figures.push(Figures {
            name: format!("{INDENT}rows brought in"),
            measured: self.medians.bringing,
            waiting: None,
            flops: 0,
            numbers: self.prediction.brought,
            predicted: self.prediction.around,
        });
        figures
    }

    fn sum(&self, figures: &[Figures]) -> Figures {
        let sum = |part: &dyn Fn(&Figures) -> f64| figures.iter().map(part).sum::<f64>();
        Figures {
            name: format!("{INDENT}all"),
            measured: sum(&|figures| figures.measured),
            waiting: Some(sum(&|figures| figures.waiting.unwrap_or(0.0))),
            flops: figures.iter().map(|figures| figures.flops).sum(),
            numbers: figures.iter().map(|figures| figures.numbers).sum(),
            predicted: sum(&|figures| figures.predicted),
        }
    }

    /// The same figures for a program to read: times in seconds, sizes in bytes.
    pub fn members(&self) -> Members {
        let bytes = self.plan.precision.bytes() as u64;
        let steps: Vec<Value> = self
            .plan
            .steps
            .iter()
            .enumerate()
            .map(|(index, step)| {
                let (median, cost) = (&self.medians.steps[index], &self.prediction.costs[index]);
                json!({
                    "step": index + 1,
                    "line": step.line,
                    "stages": self.plan.label(step),
                    "seconds": median.seconds,
                    "waiting": median.waiting,
                    "predicted": self.prediction.steps[index].seconds(),
                    "flops": cost.flops,
                    "read": cost.read * bytes,
                    "written": cost.written * bytes,
                })
            })
            .collect();
        members(json!({
            "updates": self.medians.updates,
            "threads": self.medians.workers,
            "seconds": self.medians.whole,
            "predicted": self.prediction.seconds(),
            "rows_brought_in": self.medians.bringing,
            "steps": steps,
        }))
    }
}

/// The share of all time beyond which reading the clock is told.
const CLOCK_NOTED: f64 = 0.05;

/// Seconds that it takes to read the clock.
fn clock_seconds() -> f64 {
    const LOOKS: u32 = 1000;
    let begun = Instant::now();
    for _ in 0..LOOKS {
        black_box(Instant::now());
    }
    begun.elapsed().as_secs_f64() / f64::from(LOOKS)
}

/// Writes the sampled updates as a trace in the format that chrome://tracing and Perfetto read: an
/// object whose `traceEvents` are complete events, one track a worker.
///
/// # Errors
/// That of the writer.
pub fn write_trace(plan: &Plan, profile: &Profile, to: impl Write) -> io::Result<()> {
    let mut trace = Trace {
        to: BufWriter::new(to),
        first: true,
    };
    write!(trace.to, "{{\"displayTimeUnit\":\"ns\",\"traceEvents\":[")?;
    trace.name("process_name", 0, &format!("nnc run {}", plan.name))?;
    let workers = profile.updates().map(|update| update.workers()).max();
    for worker in 0..workers.unwrap_or(1) {
        trace.name("thread_name", worker, &format!("worker {worker}"))?;
    }
    for epoch in profile.epochs() {
        let arguments = json!({"epoch": epoch.epoch});
        let name = format!("epoch {}", epoch.epoch);
        trace.event(&name, "epoch", 0, epoch.training, &arguments)?;
        if let Some(validation) = epoch.validation {
            trace.event("validation", "validation", 0, validation, &arguments)?;
        }
    }
    for update in profile.updates() {
        trace.update(plan, &update)?;
    }
    write!(trace.to, "\n]}}\n")?;
    trace.to.flush()
}

struct Trace<W: Write> {
    to: BufWriter<W>,
    first: bool,
}

impl<W: Write> Trace<W> {
    fn put(&mut self, event: &Value) -> io::Result<()> {
        let comma = if self.first { "" } else { "," };
        self.first = false;
        write!(self.to, "{comma}\n{event}")
    }

    /// Names a process or a thread.
    fn name(&mut self, what: &str, thread: usize, name: &str) -> io::Result<()> {
        self.put(&json!({
            "ph": "M", "name": what, "pid": 1, "tid": thread, "args": {"name": name},
        }))
    }

    /// A complete event; times are in microseconds.
    fn event(
        &mut self,
        name: &str,
        category: &str,
        thread: usize,
        interval: Interval,
        arguments: &Value,
    ) -> io::Result<()> {
        self.put(&json!({
            "ph": "X",
            "name": name,
            "cat": category,
            "pid": 1,
            "tid": thread,
            "ts": interval.begin as f64 / 1e3,
            "dur": interval.nanoseconds() as f64 / 1e3,
            "args": arguments,
        }))
    }

    fn update(&mut self, plan: &Plan, update: &SampledUpdate) -> io::Result<()> {
        let number = json!({"update": update.update()});
        let labels: Vec<String> = plan.steps.iter().map(|step| plan.label(step)).collect();
        let name = format!("update {}", update.update());
        self.event(&name, "update", 0, update.whole(), &number)?;
        self.event("rows brought in", "data", 0, update.bringing(), &number)?;
        for worker in 0..update.workers() {
            let moments = update.moments(worker);
            for (index, step) in plan.steps.iter().enumerate() {
                let category = match step.part {
                    StepPart::Forward => "forward",
                    StepPart::BackwardAndUpdate => "backward",
                };
                let (kernel, _) = step.kernel.parts();
                let arguments = json!({
                    "step": index + 1,
                    "line": step.line,
                    "kernel": kernel,
                    "update": update.update(),
                });
                let interval = moments.step(index);
                self.event(&labels[index], category, worker, interval, &arguments)?;
                for barrier in moments.barriers(index) {
                    self.event("waiting", "waiting", worker, barrier, &number)?;
                }
            }
        }
        Ok(())
    }
}
