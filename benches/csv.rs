//! The time and the memory that reading a table takes, from the file to the prepared matrices, on a
//! million rows of 30 columns: `cargo bench --bench csv`.
//!
//! Of several kinds of numbers; the best of several rounds. The memory is the most that a process of
//! its own had in use. `benches/peers/run --tables` compares with others, for which this writes the tables
//! (`--write TABLE PATH`) and reads them (`--read THREADS TABLE PATH`).

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use nnc::data::spec::DataSpec;
use nnc::data::{Preparation, Purpose, Reading, Table, divide, read_table_by};
use nnc::diagnostics::{Sources, render_all};
use nnc::random::{Draws, Stream};
use nnc::{ModelSource, declare};
use serde_json::{Value, json};

const ROWS: usize = 1_000_000;
const COLUMNS: usize = 30;
const ROUNDS: usize = 5;

/// One cell in so many is empty in a table with holes.
const ONE_IN: u64 = 20;

/// A table to read.
#[derive(Clone, Copy)]
struct Made {
    cells: Cells,
    /// Whether cells are empty, which the model fills with the median.
    holes: bool,
}

/// What stands in the columns before the last.
#[derive(Clone, Copy)]
enum Cells {
    /// Numbers of six digits, as `%.6g` writes them.
    SixDigits,
    /// Numbers with all digits that a double needs.
    AllDigits,
    /// Half of them whole numbers, half with three decimals; a category without quotes before them.
    Mixed,
    /// The same with the category in quotes.
    Quoted,
}

impl Cells {
    const ALL: [(&str, Cells); 4] = [
        ("six digits", Cells::SixDigits),
        ("all digits", Cells::AllDigits),
        ("whole, three decimals, category", Cells::Mixed),
        ("the same, category in quotes", Cells::Quoted),
    ];

    fn has_category(self) -> bool {
        match self {
            Cells::SixDigits | Cells::AllDigits => false,
            Cells::Mixed | Cells::Quoted => true,
        }
    }

    fn cell(self, column: usize, draws: &mut Draws) -> String {
        let mut normal = || {
            let sum: f64 = (0..6).map(|_| draws.uniform()).sum();
            (sum - 3.0) * std::f64::consts::SQRT_2
        };
        match self {
            Cells::SixDigits => {
                let text = format!("{:.5e}", normal());
                text.parse::<f64>().expect("a number").to_string()
            }
            Cells::AllDigits => normal().to_string(),
            Cells::Mixed | Cells::Quoted if column.is_multiple_of(2) => {
                draws.below(100_000).to_string()
            }
            Cells::Mixed | Cells::Quoted => format!("{:.3}", normal()),
        }
    }
}

impl Made {
    /// The tables by their numbers: first without holes, then with.
    fn all() -> impl Iterator<Item = (String, Made)> {
        let made = |holes| {
            Cells::ALL.into_iter().map(move |(name, cells)| {
                let name = if holes {
                    format!("{name}, 5% empty")
                } else {
                    name.to_owned()
                };
                (name, Made { cells, holes })
            })
        };
        made(false).chain(made(true))
    }

    fn numbered(number: &str) -> Made {
        let number: usize = number.parse().expect("the number of a table");
        Made::all().nth(number).expect("a table").1
    }

    /// Writes the table: ten thousand rows, again and again.
    fn write(self, path: &Path) -> std::io::Result<()> {
        const DIFFERENT: usize = 10_000;
        let mut draws = Stream::new(5, "bench", "csv").draws(0, 0);
        let mut names: Vec<String> = (1..COLUMNS).map(|at| format!("x{at}")).collect();
        if self.cells.has_category() {
            names.push("c".to_owned());
        }
        names.push("y".to_owned());
        let rows = (0..DIFFERENT).map(|_| {
            let mut cells: Vec<String> = (0..COLUMNS)
                .map(|column| self.cells.cell(column, &mut draws))
                .collect();
            if self.holes {
                let inputs = cells[..COLUMNS - 1].iter_mut();
                let empty = inputs.filter(|_| draws.below(ONE_IN) == 0);
                empty.for_each(String::clear);
            }
            if self.cells.has_category() {
                let word = ["red", "green", "blue", "dark violet"][draws.below(4) as usize];
                let word = match self.cells {
                    Cells::Quoted => format!("\"{word}\""),
                    Cells::SixDigits | Cells::AllDigits | Cells::Mixed => word.to_owned(),
                };
                cells.insert(COLUMNS - 1, word);
            }
            cells.join(",") + "\n"
        });
        let rows: String = rows.collect();
        let mut file = BufWriter::new(File::create(path)?);
        writeln!(file, "{}", names.join(","))?;
        for _ in 0..ROWS / DIFFERENT {
            file.write_all(rows.as_bytes())?;
        }
        file.flush()
    }

    fn spec(self, sources: &mut Sources) -> DataSpec {
        let fill = if self.holes { ", fill = median" } else { "" };
        let category = if self.cells.has_category() {
            "input c: category;"
        } else {
            ""
        };
        let text = format!(
            "data {{ input x: vector(normalize = zscore{fill}) from \"x*\"; {category} target y: number; \
             split = random(validate = 20%) }}\n\
             net {{ Linear(1) }}\ntrain {{ loss = MSE; optimizer = SGD; epochs = 1 }}\n"
        );
        let file = sources.add("bench.nn", text);
        let declaration = declare(&ModelSource::new(sources, file));
        declaration
            .unwrap_or_else(|faults| panic!("{}", render_all(&faults, sources)))
            .data
    }
}

fn read(path: &Path, spec: &DataSpec, threads: usize) -> Table {
    let mut sources = Sources::new();
    let file = File::open(path).expect("the table was written");
    let reading = Reading::by(threads);
    read_table_by(
        &reading,
        file,
        "bench.csv",
        spec,
        Purpose::Train,
        &mut sources,
    )
    .unwrap_or_else(|faults| panic!("{}", render_all(&faults, &sources)))
}

/// Seconds to read a table, and to prepare its rows.
fn once(path: &Path, spec: &DataSpec, threads: usize) -> (f64, f64) {
    let begin = Instant::now();
    let mut table = read(path, spec, threads);
    let read = begin.elapsed().as_secs_f64();
    let begin = Instant::now();
    let division = divide(&table, spec).expect("there are rows");
    let preparation = Preparation::learn(&table, spec, &division).expect("no column is constant");
    let parts = preparation.take_parts::<f32>(&mut table, &division, true);
    let prepared = begin.elapsed().as_secs_f64();
    let elements: usize = parts
        .expect("all numbers are finite")
        .iter()
        .map(|part| part.inputs.len() + part.targets.len())
        .sum();
    let category = ROWS * usize::from(table.strata.is_none() && spec.columns.len() > 2);
    assert_eq!(elements, ROWS * COLUMNS + category);
    (read, prepared)
}

/// The most memory that this process had in use, in bytes, as Linux tells; `None` elsewhere.
fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// How often [`read_alone`] reads.
const READS: usize = 3;

/// Reads the table several times, and prepares it once: a line of JSON with the `seconds` of each reading,
/// the `peak` in bytes after the first was prepared, and the `sums` of the numbers in each column.
fn read_alone(made: Made, path: &Path, threads: usize) -> String {
    let spec = made.spec(&mut Sources::new());
    let (first, _) = once(path, &spec, threads);
    let peak = peak_memory();
    let mut seconds = vec![first];
    let mut sums = Vec::new();
    while seconds.len() < READS {
        let begin = Instant::now();
        let table = read(path, &spec, threads);
        seconds.push(begin.elapsed().as_secs_f64());
        sums = (0..table.numbers.width())
            .map(|place| {
                let present = table.numbers.column(place).into_iter();
                present.filter(|number| !number.is_nan()).sum::<f64>()
            })
            .collect();
    }
    json!({ "seconds": seconds, "peak": peak, "sums": sums }).to_string()
}

/// What a process says that reads and prepares a table.
fn told_by_another(number: usize, path: &Path) -> Option<Value> {
    let this = std::env::current_exe().ok()?;
    let output = Command::new(this)
        .args(["--read", "2", &number.to_string()])
        .arg(path)
        .output()
        .ok()?;
    serde_json::from_slice(&output.stdout).ok()
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--write", number, path] => {
            return Made::numbered(number)
                .write(Path::new(path))
                .expect("the table is written");
        }
        ["--read", threads, number, path] => {
            let threads = threads.parse().expect("a number of threads");
            return println!(
                "{}",
                read_alone(Made::numbered(number), Path::new(path), threads)
            );
        }
        _ => {}
    }
    // `cargo test --benches` calls this too; there it is enough that it was compiled.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    let folder = std::env::temp_dir().join(format!("nnc-bench-csv-{}", std::process::id()));
    fs::create_dir(&folder).expect("a folder for the tables");
    println!(
        "{:<44} {:>7} {:>10} {:>10} {:>8} {:>10} {:>9}",
        "1,000,000 rows of 30", "MB", "1 thread", "2 threads", "MB/s", "prepare", "peak"
    );
    for (number, (name, made)) in Made::all().enumerate() {
        let path: PathBuf = folder.join(format!("{number}.csv"));
        made.write(&path).expect("the table is written");
        let megabytes = fs::metadata(&path).expect("the table").len() as f64 / 1e6;
        let spec = made.spec(&mut Sources::new());
        let best = |threads| {
            let rounds = (0..ROUNDS).map(|_| once(&path, &spec, threads));
            rounds.fold((f64::MAX, f64::MAX), |best, round| {
                (best.0.min(round.0), best.1.min(round.1))
            })
        };
        let ((one, _), (two, prepare)) = (best(1), best(2));
        println!(
            "{name:<44} {megabytes:>7.0} {one:>8.3} s {two:>8.3} s {:>8.0} {prepare:>8.3} s {:>6.0} MB",
            megabytes / two,
            told_by_another(number, &path)
                .and_then(|told| told["peak"].as_f64())
                .map_or(f64::NAN, |bytes| bytes / 1e6)
        );
        fs::remove_file(&path).expect("the table is removed");
    }
    fs::remove_dir(&folder).expect("the folder is empty");
}
