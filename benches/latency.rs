//! How soon nnc answers: `cargo bench --bench latency`. From the start of the process to the first
//! training step of a small table, and one row through a loaded network. Medians and quartiles of many
//! repetitions.

mod support;

use std::fs;
use std::hint::black_box;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use nnc::engine::Prepared;
use nnc::train::Predictor;
use nnc::train::weights::StateValues;
use support::{Spread, machine, network, threads};

const STARTS: usize = 200;
const ROWS: usize = 20_000;

/// Seconds from the start to the first step, and for one row, that are wanted.
const START_GOAL: f64 = 5e-3;
const ROW_GOAL: f64 = 10e-6;

/// Seconds from the start of `nnc run` until the losses of its first epoch are out, and until its end.
fn start(model: &Path, table: &Path, out: &Path) -> (f64, f64) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nnc"));
    command.arg("run").args([model, table]);
    command.args(["--format", "json", "--out"]).arg(out);
    let begin = Instant::now();
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .expect("nnc was built");
    let mut output = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut line = String::new();
    while !line.starts_with("{\"event\":\"epoch\"") {
        line.clear();
        let length = output.read_line(&mut line).expect("nnc prints text");
        assert!(length > 0, "there is a first epoch");
    }
    let first = begin.elapsed().as_secs_f64();
    output.read_to_string(&mut line).expect("nnc prints text");
    assert!(child.wait().expect("nnc ends").success());
    (first, begin.elapsed().as_secs_f64())
}

/// The spreads of many starts with a model of the repository, cut to one epoch.
fn starts(name: &str, folder: &Path) -> (Spread, Spread) {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let text = fs::read_to_string(models.join(name).with_extension("nn")).expect("a model");
    let lines = text.lines().map(|line| {
        if line.trim_start().starts_with("epochs") {
            "epochs = 1"
        } else {
            line
        }
    });
    let text = lines.collect::<Vec<&str>>().join("\n");
    let model = folder.join(name).with_extension("nn");
    fs::write(&model, text).expect("the model is written");
    let table = models.join(name).with_extension("csv");
    let times = (0..STARTS).map(|number| {
        let out = folder.join(format!("{name}-{number}"));
        let times = start(&model, &table, &out);
        fs::remove_dir_all(&out).expect("the run's folder is removed");
        times
    });
    let (first, end): (Vec<f64>, Vec<f64>) = times.collect();
    (Spread::of(first), Spread::of(end))
}

/// The spread of the seconds that one row takes through 784-256-128-10.
fn one_row(threads: usize) -> Spread {
    let network = network(
        "784-256-128-10 relu",
        &[784, 256, 128, 10],
        "ReLU",
        "CrossEntropy",
        "Adam",
        128,
    );
    let compiled = network.compile(network.batch, 0);
    let mut predictor =
        Predictor::new(&compiled, &StateValues::new(), threads).expect("there is memory");
    let row = Prepared {
        targets: Vec::new(),
        ..network.data(1, 7)
    };
    let mut once = || {
        let begin = Instant::now();
        black_box(predictor.predict(black_box(&row)));
        begin.elapsed().as_secs_f64()
    };
    for _ in 0..ROWS / 10 {
        once();
    }
    Spread::of((0..ROWS).map(|_| once()).collect())
}

fn print(name: &str, unit: &str, scale: f64, spread: Spread, goal: Option<f64>) {
    let [lower, median, upper] =
        [spread.lower, spread.median, spread.upper].map(|seconds| seconds * scale);
    let goal = goal.map_or(String::new(), |goal| {
        let word = if spread.median < goal {
            "met"
        } else {
            "missed"
        };
        format!("  goal {:.0} {unit}: {word}", goal * scale)
    });
    println!("{name:<44} {median:>8.2} {unit} ({lower:.2} to {upper:.2}){goal}");
}

fn main() {
    // `cargo test --benches` calls this too; there it is enough that it was compiled.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    println!("{}\n", machine());
    let folder = std::env::temp_dir().join(format!("nnc-bench-latency-{}", std::process::id()));
    fs::create_dir(&folder).expect("a folder for the runs");
    for name in ["thermometer", "iris"] {
        let (first, end) = starts(name, &folder);
        let first_name = format!("{name}: start to first epoch's end");
        print(&first_name, "ms", 1e3, first, Some(START_GOAL));
        let end_name = format!("{name}: start to end of process, saved");
        print(&end_name, "ms", 1e3, end, None);
    }
    fs::remove_dir_all(&folder).expect("the folder is removed");
    let all = threads();
    for threads in (1..=all).filter(|count| [1, all].contains(count)) {
        let name = format!("784-256-128-10, one row, threads allowed: {threads}");
        print(&name, "µs", 1e6, one_row(threads), Some(ROW_GOAL));
    }
}
