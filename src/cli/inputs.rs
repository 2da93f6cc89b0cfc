//! The files that commands read, and arguments that stand in each other's place.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use nnc::data::unpack;
use nnc::diagnostics::{Code, Diagnostic, Faults};

use super::unreadable;

/// What stands for standard input among the arguments.
const STANDARD_INPUT: &str = "-";

/// A table's name in reports.
pub fn table_name(path: &Path) -> String {
    if is_standard_input(path) {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    }
}

/// Opens a table's file, or standard input.
///
/// # Errors
/// The file cannot be read.
pub fn open_table(path: &Path) -> Result<Box<dyn Read>, Faults> {
    if is_standard_input(path) {
        return Ok(Box::new(io::stdin()));
    }
    let refused = |error: io::Error| vec![unreadable(&table_name(path), &error)];
    let file = File::open(path).map_err(refused)?;
    if file.metadata().is_ok_and(|it| it.is_dir()) {
        return Err(refused(io::ErrorKind::IsADirectory.into()));
    }
    Ok(Box::new(file))
}

/// All bytes of a table, unpacked.
///
/// # Errors
/// The file cannot be read, or is damaged.
pub fn read_table_bytes(path: &Path) -> Result<Vec<u8>, Faults> {
    let mut bytes = Vec::new();
    let read = open_table(path)?.read_to_end(&mut bytes);
    let unpacked = read.and_then(|_| unpack(bytes));
    unpacked.map_err(|error| vec![unreadable(&table_name(path), &error)])
}

fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == STANDARD_INPUT
}

fn is_model(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "nn")
}

/// Refuses a table in the place of the model.
///
/// # Errors
/// The model is the second argument, and a table the first.
pub fn check_order(command: &str, model: &Path, data: Option<&Path>) -> Result<(), Faults> {
    let Some(data) = data.filter(|data| is_model(data) && !is_model(model)) else {
        return Ok(());
    };
    let (model, data) = (model.display(), data.display());
    let message = format!("the model comes before the table: `nnc {command} {data} {model}`");
    Err(vec![Diagnostic::without_place(Code::Io, message)])
}

/// Refuses what is no run's folder: a model, a table, or the folder of several runs.
///
/// # Errors
/// What it is, and what to write instead.
pub fn check_run(run: &Path, data: &Path) -> Result<(), Faults> {
    let (run_name, data_name) = (run.display(), data.display());
    let message = if is_model(run) {
        let stem = run.file_stem().unwrap_or_default().display();
        format!(
            "`{run_name}` is a model; predictions come from the folder that its training left behind: `nnc \
             predict runs/{stem}/1 {data_name}`"
        )
    } else if run.is_file() && data.is_dir() {
        format!("the run comes before the table: `nnc predict {data_name} {run_name}`")
    } else if let Some(last) = last_run(run) {
        let last = last.display();
        format!("`{run_name}` holds runs; give one of them: `nnc predict {last} {data_name}`")
    } else {
        return Ok(());
    };
    Err(vec![Diagnostic::without_place(Code::Io, message)])
}

/// The run of the highest number in a folder that is none itself.
fn last_run(folder: &Path) -> Option<std::path::PathBuf> {
    const RECORD: &str = "run.json";
    if folder.join(RECORD).exists() {
        return None;
    }
    let entries = fs::read_dir(folder).ok()?;
    let runs = entries.filter_map(|entry| {
        let path = entry.ok()?.path();
        let number: Option<u64> = path.file_name()?.to_str()?.parse().ok();
        path.join(RECORD).exists().then_some((number, path))
    });
    runs.max().map(|(_, path)| path)
}
