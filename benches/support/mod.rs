//! What several benches need: dense networks with drawn data, the spread of many times, and what machine
//! this is.
#![allow(dead_code)]

use nnc::data::spec::{Field, FieldKind, Others, Schema, SplitRows};
use nnc::diagnostics::{Sources, render_all};
use nnc::engine::Prepared;
use nnc::plan::Target;
use nnc::random::Stream;
use nnc::{Compiled, ModelSource, compile};

/// A dense network for a bench: widths from input to output.
pub struct Network {
    pub name: String,
    pub widths: Vec<usize>,
    pub activation: &'static str,
    pub loss: &'static str,
    pub optimizer: &'static str,
    pub batch: usize,
}

impl Network {
    fn classes(&self) -> bool {
        self.loss == "CrossEntropy"
    }

    fn text(&self) -> String {
        let last = self.widths.len() - 1;
        let layers: Vec<String> = (1..=last)
            .map(|layer| {
                if layer == last {
                    format!("Linear({})", self.widths[layer])
                } else {
                    format!("Linear({}) -> {}", self.widths[layer], self.activation)
                }
            })
            .collect();
        let target = match (self.classes(), self.widths[last]) {
            (true, _) => "target y: category",
            (false, _) => "target y: vector from \"y*\"",
        };
        format!(
            "data {{ input x: vector from \"x*\"; {target} }}\nnet {{\n{}\n}}\ntrain {{ loss = {}; optimizer = {}; epochs = 1; batch = {} }}\n",
            layers.join("\n"),
            self.loss,
            self.optimizer,
            self.batch
        )
    }

    /// The plans for a table of so many rows to train on and to validate by.
    pub fn compile(&self, rows: usize, validate: usize) -> Compiled {
        let mut sources = Sources::new();
        let file = sources.add("bench.nn", self.text());
        let field = |name: &str, kind| Field {
            name: name.to_string(),
            span: Default::default(),
            kind,
        };
        let outputs = self.widths[self.widths.len() - 1];
        let schema = Schema {
            inputs: vec![field(
                "x",
                FieldKind::Numbers {
                    width: Some(self.widths[0]),
                },
            )],
            targets: vec![if self.classes() {
                field(
                    "y",
                    FieldKind::Category {
                        classes: Some(outputs),
                        embed: None,
                        others: Others::Learned,
                    },
                )
            } else {
                field(
                    "y",
                    FieldKind::Numbers {
                        width: Some(outputs),
                    },
                )
            }],
            rows: Some(SplitRows {
                train: rows,
                validate,
                test: 0,
            }),
        };
        compile(
            &ModelSource::new(&sources, file),
            Some(&schema),
            Target::Native,
        )
        .unwrap_or_else(|faults| panic!("{}", render_all(&faults, &sources)))
    }

    /// Rows of numbers from -1 to 1, or of classes, by a seed.
    pub fn data(&self, rows: usize, seed: u64) -> Prepared<f32> {
        let stream = Stream::new(seed, "bench", &self.name);
        let mut draws = stream.draws(0, 0);
        let mut uniform = || (draws.uniform() * 2.0 - 1.0) as f32;
        let outputs = self.widths[self.widths.len() - 1];
        let inputs = (0..rows * self.widths[0]).map(|_| uniform()).collect();
        let targets = if self.classes() {
            (0..rows)
                .map(|_| ((uniform() + 1.0) / 2.0 * outputs as f32).floor())
                .collect()
        } else {
            (0..rows * outputs).map(|_| uniform()).collect()
        };
        Prepared {
            inputs,
            targets,
            rows,
        }
    }
}

pub fn network(
    name: &str,
    widths: &[usize],
    activation: &'static str,
    loss: &'static str,
    optimizer: &'static str,
    batch: usize,
) -> Network {
    Network {
        name: name.to_string(),
        widths: widths.to_vec(),
        activation,
        loss,
        optimizer,
        batch,
    }
}

/// The quartiles of what was measured several times.
#[derive(Clone, Copy)]
pub struct Spread {
    pub lower: f64,
    pub median: f64,
    pub upper: f64,
}

impl Spread {
    /// # Panics
    /// Nothing was measured.
    pub fn of(mut values: Vec<f64>) -> Spread {
        values.sort_by(f64::total_cmp);
        let at = |quarter: usize| values[(values.len() - 1) * quarter / 4];
        Spread {
            lower: at(1),
            median: at(2),
            upper: at(3),
        }
    }
}

/// The processor's name and how many threads it runs at once.
pub fn machine() -> String {
    let information = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = information
        .lines()
        .find(|line| line.starts_with("model name"))
        .and_then(|line| line.split_once(": "))
        .map_or(std::env::consts::ARCH, |(_, name)| name);
    format!("{name}, {} threads", threads())
}

/// How many threads the machine runs at once.
pub fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
