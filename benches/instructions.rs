//! How many instructions a few fixed pieces of work take, held against committed figures: a change that
//! makes them slower shows here on any machine, however busy.
//!
//! ```sh
//! cargo bench --bench instructions               # compare; fails where a figure has risen
//! cargo bench --bench instructions -- --record   # write `benches/instructions.json` anew
//! ```
//!
//! Valgrind counts, on one thread and with AVX2, which it has everywhere. The same program takes the same
//! number of instructions each time, but another compiler makes another program, so the figures name
//! theirs, and with another one, with other options, or without valgrind nothing is compared.

mod support;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use nnc::engine::Prepared;
use nnc::kernels::INSTRUCTION_SET;
use nnc::train::weights::StateValues;
use nnc::train::{Ended, Predictor, Trainer};
use serde_json::{Value, json};
use support::{Network, network};

const RECORD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions.json");
const HOW_TO_RECORD: &str = "cargo bench --bench instructions -- --record";

/// What is counted with [`counted`], in the words of callgrind, which may see its name mangled or not.
const COUNTED: &str = "*instructions*counted*";

/// A figure may differ by this much of the committed one.
const TOLERANCE: f64 = 0.01;

/// Instructions of one repetition, by the names of the works.
type Figures = BTreeMap<String, u64>;

/// A fixed piece of work, repeated `repetitions` times after it was done once.
struct Work {
    name: &'static str,
    repetitions: usize,
    kind: Kind,
}

enum Kind {
    /// An epoch, in the trainer's hands: shuffled, unless all rows are one batch.
    Epoch {
        network: Network,
        rows: usize,
        validate: usize,
    },
    /// The output for one row.
    Row { network: Network },
}

fn works() -> Vec<Work> {
    let epoch = |network, rows, validate| Kind::Epoch {
        network,
        rows,
        validate,
    };
    let thermometer = network("", &[1, 8, 1], "Tanh", "MSE", "SGD(lr = 1e-3)", 9);
    let small = network("", &[11, 64, 64, 1], "ReLU", "MSE", "Adam", 64);
    let middle = network("", &[54, 256, 256, 7], "ReLU", "CrossEntropy", "Adam", 64);
    let wide = [784, 256, 128, 10];
    let wide = network("", &wide, "ReLU", "CrossEntropy", "Adam", 128);
    let work = |name, repetitions, kind| Work {
        name,
        repetitions,
        kind,
    };
    vec![
        work(
            "1-8-1 tanh, SGD: an epoch of 9 rows, validated by 2",
            1000,
            epoch(thermometer, 9, 2),
        ),
        work(
            "11-64-64-1 ReLU, Adam: an epoch of 4 batches of 64",
            20,
            epoch(small, 256, 0),
        ),
        work(
            "54-256-256-7 ReLU, Adam: an epoch of 4 batches of 64",
            2,
            epoch(middle, 256, 0),
        ),
        work(
            "784-256-128-10 ReLU: the output for one row",
            50,
            Kind::Row { network: wide },
        ),
    ]
}

impl Work {
    /// Does the work once, then as often as is counted.
    fn carry_out(&self) {
        match &self.kind {
            Kind::Epoch {
                network,
                rows,
                validate,
            } => {
                let compiled = network.compile(*rows, *validate);
                let [data, validation] =
                    [(*rows, 7), (*validate, 8)].map(|(rows, seed)| network.data(rows, seed));
                let mut trainer =
                    Trainer::new(&compiled, data, validation, 1).expect("there is memory");
                let mut run = |epochs| {
                    let ended = trainer.run(epochs, &|| false, &mut |_, _| {});
                    assert_eq!(ended, Ended::Finished);
                };
                run(1);
                counted(&mut || run(1 + self.repetitions));
            }
            Kind::Row { network } => {
                let compiled = network.compile(network.batch, 0);
                let mut predictor =
                    Predictor::new(&compiled, &StateValues::new(), 1).expect("there is memory");
                let row = Prepared {
                    targets: Vec::new(),
                    ..network.data(1, 7)
                };
                predictor.predict(&row);
                counted(&mut || {
                    for _ in 0..self.repetitions {
                        assert_eq!(predictor.predict(&row).len(), 10);
                    }
                });
            }
        }
    }

    /// Instructions of one repetition, in a process of its own.
    ///
    /// # Errors
    /// Valgrind could not count them: what it said.
    fn count(&self) -> Result<u64, String> {
        let this = env::current_exe().map_err(|error| error.to_string())?;
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(format!("--toggle-collect={COUNTED}"))
            .arg(this)
            .args(["--work", self.name])
            .env(INSTRUCTION_SET, "avx2")
            .output()
            .map_err(|error| error.to_string())?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let total = said
            .lines()
            .find_map(|line| line.split_once("Collected :"))
            .and_then(|(_, count)| count.trim().parse::<u64>().ok())
            .filter(|count| *count > 0 && output.status.success());
        let total = total.ok_or(said)?;
        Ok(total / self.repetitions as u64)
    }
}

/// What is done here is counted.
#[inline(never)]
fn counted(work: &mut dyn FnMut()) {
    work();
}

/// The compiler that `cargo` calls here.
fn compiler() -> Option<String> {
    let rustc = env::var_os("RUSTC").unwrap_or("rustc".into());
    let output = Command::new(rustc).arg("--version").output().ok()?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

/// Why figures of this process would say nothing, if they would.
fn excuse() -> Option<String> {
    if !has_avx2() {
        return Some("the figures are those of x86-64 with AVX2".to_owned());
    }
    let option = env::vars_os().map(|(name, _)| name).find(|name| {
        let name = name.to_string_lossy();
        name.starts_with("CARGO_PROFILE_") || name.ends_with("RUSTFLAGS")
    });
    if let Some(option) = option {
        return Some(format!("{} changes the program", option.display()));
    }
    let valgrind = Command::new("valgrind").arg("--version").output();
    valgrind.is_err().then(|| "there is no valgrind".to_owned())
}

fn has_avx2() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}

fn committed() -> Result<(String, Figures), String> {
    let text = fs::read_to_string(Path::new(RECORD)).map_err(|error| error.to_string())?;
    let value: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let compiler = value["compiler"].as_str().ok_or("no `compiler`")?;
    let figures = value["instructions"].as_object().ok_or("no figures")?;
    let figures = figures
        .iter()
        .map(|(name, count)| Some((name.clone(), count.as_u64()?)))
        .collect::<Option<Figures>>()
        .ok_or("a figure is not a whole number")?;
    Ok((compiler.to_owned(), figures))
}

fn record(compiler: &str) -> Result<(), String> {
    let mut figures = Figures::new();
    for work in works() {
        let count = work.count()?;
        println!("{count:>10}  {}", work.name);
        figures.insert(work.name.to_owned(), count);
    }
    let value = json!({ "compiler": compiler, "instructions": figures });
    let text = format!("{value:#}\n");
    fs::write(RECORD, text).map_err(|error| error.to_string())
}

/// Whether all works take as many instructions as the record says.
fn compare(compiler: &str) -> Result<bool, String> {
    let (recorded_with, figures) = committed()?;
    if recorded_with != compiler {
        println!("skipped: the figures are those of {recorded_with}, and this is {compiler}");
        println!("{HOW_TO_RECORD} records them anew");
        return Ok(true);
    }
    let mut holds = true;
    println!("{:>12} {:>12} {:>9}", "committed", "now", "change");
    for work in works() {
        let before = *figures
            .get(work.name)
            .ok_or(format!("there is no figure for `{}`", work.name))?;
        let now = work.count()?;
        let change = now as f64 / before as f64 - 1.0;
        let word = match change {
            more if more > TOLERANCE => "  more than allowed",
            less if less < -TOLERANCE => "  better: record it",
            _ => "",
        };
        holds &= change <= TOLERANCE;
        let percent = change * 100.0;
        println!(
            "{before:>12} {now:>12} {percent:>+8.2}%  {}{word}",
            work.name
        );
    }
    if !holds {
        println!(
            "a figure may rise by {:.0}%; if this is meant, {HOW_TO_RECORD}",
            TOLERANCE * 100.0
        );
    }
    Ok(holds)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    if let [flag, name] = &arguments[..]
        && flag == "--work"
    {
        let works = works();
        let work = works.iter().find(|work| work.name == name);
        work.expect("the name of a work").carry_out();
        return ExitCode::SUCCESS;
    }
    // `cargo test --benches` calls this too; there it is enough that it was compiled.
    if !has("--bench") {
        return ExitCode::SUCCESS;
    }
    if let Some(excuse) = excuse() {
        println!("skipped: {excuse}");
        return ExitCode::SUCCESS;
    }
    let compiler = compiler().expect("`cargo` has called it");
    let done = if has("--record") {
        record(&compiler).map(|()| true)
    } else {
        compare(&compiler)
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
