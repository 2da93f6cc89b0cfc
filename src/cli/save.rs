//! The files of a run's folder.

use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

use nnc::diagnostics::Sources;
use nnc::train::{Trainer, weights};
use serde_json::{Value, json};

use super::folder::RunFolder;
use super::predicted::Predicted;
use super::record::{Members, header};
use super::run::{ModelElement, RunRequest};

/// The model's text in a run's folder.
pub const MODEL: &str = "model.nn";

/// What a run came to.
pub struct Results<'r> {
    pub start: Members,
    pub done: Members,
    pub predicted: Option<&'r Predicted<'r>>,
}

/// Writes the files and gives the folder its name, which is returned.
///
/// # Errors
/// The file system refuses; nothing is left behind.
pub fn save<T: ModelElement>(
    request: &RunRequest,
    sources: &Sources,
    trainer: &Trainer<T>,
    mut folder: RunFolder,
    results: Results,
) -> io::Result<PathBuf> {
    let job = &request.job;
    let compiled = &job.compiled;
    let precision = compiled.predict.plan.precision;
    let bytes = weights::to_bytes(
        trainer.arena(),
        &compiled.states,
        precision,
        trainer.batches_done(),
    );
    folder.write("weights.safetensors", &bytes.map_err(io::Error::other)?)?;
    folder.write(
        "preparation.json",
        pretty(&job.preparation.to_json()).as_bytes(),
    )?;
    folder.write("plan.txt", plans(request).as_bytes())?;
    let text = &sources.get(request.model.file).text;
    folder.write(MODEL, text.as_bytes())?;
    for (path, file) in request.model.library.files() {
        folder.write(path, sources.get(file).text.as_bytes())?;
    }
    if let (Some(predicted), Some(csv)) = (results.predicted, &request.csv) {
        let table = &request.job.table;
        let rows: Vec<u32> = (0..).take(table.rows).collect();
        folder.write("predictions.csv", &predicted.added_to(csv, table, &rows))?;
    }
    folder.write("run.json", pretty(&record(request, results)).as_bytes())?;
    folder.publish()
}

/// The plans that ran, as text that is the same on every machine.
fn plans(request: &RunRequest) -> String {
    let compiled = &request.job.compiled;
    let shown: Vec<String> = compiled
        .trained()
        .map(|phase| phase.plan.to_string())
        .collect();
    if shown.is_empty() {
        compiled.predict.plan.to_string()
    } else {
        shown.join("\n")
    }
}

fn record(request: &RunRequest, results: Results) -> Value {
    let settings = request.arguments.parameters.settings.iter();
    let settings: Vec<&str> = settings.map(|setting| setting.text.as_str()).collect();
    let mut record = header();
    record.extend(results.start);
    record.extend(results.done);
    record.insert("set".to_owned(), json!(settings));
    Value::Object(record)
}

fn pretty(value: &Value) -> String {
    let mut text = String::new();
    write!(text, "{value:#}").expect("a string takes any text");
    text.push('\n');
    text
}
