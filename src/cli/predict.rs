//! `nnc predict`: a table with the predictions of a trained model added to its rows.

use std::fs;
use std::path::Path;

use nnc::data::report::TableReport;
use nnc::data::spec::Role;
use nnc::data::{Division, Preparation, Purpose, Table, read_table};
use nnc::diagnostics::{Code, Diagnostic, Faults, Sources};
use nnc::engine::Prepared;
use nnc::plan::{Precision, Target};
use nnc::train::Predictor;
use nnc::train::weights::{self, StateValues};
use nnc::{Compiled, compile, declare};
use serde_json::Value;

use super::arguments::PredictArguments;
use super::console::Console;
use super::inputs::{check_run, read_table_bytes, table_name};
use super::interrupts::Interrupts;
use super::predicted::PredictedColumns;
use super::record::RunHead;
use super::refused::refused_cells;
use super::run::{ModelElement, all_threads};
use super::save::MODEL;
use super::source::ModelText;
use super::{Exit, Outcome, folder, unreadable, unwritable};

pub fn predict(arguments: &PredictArguments, console: &Console, sources: &mut Sources) -> Outcome {
    check_run(&arguments.run, &arguments.data)?;
    let name = table_name(&arguments.data);
    let csv = read_table_bytes(&arguments.data);
    let (trained, csv) = match (Trained::load(&arguments.run, sources), csv) {
        (Ok(trained), Ok(csv)) => (trained, csv),
        (Err(mut faults), Err(others)) => {
            faults.extend(others);
            return Err(faults);
        }
        (Err(faults), Ok(_)) | (Ok(_), Err(faults)) => return Err(faults),
    };
    let spec = &trained.compiled.declaration.data;
    let purpose = Purpose::Predict(&trained.preparation);
    let table = read_table(csv.as_slice(), &name, spec, purpose, sources)?;
    let advice = trained
        .compiled
        .declaration
        .unsilenced(table.advice.clone());
    console.diagnostics(&advice, sources);
    let columns = PredictedColumns::new(&trained.compiled, &trained.preparation);
    columns.check(&table, sources)?;
    let rows = trained.preparation.answerable(&table);
    if rows.len() < table.rows && !arguments.skip {
        let text = Some((csv.as_slice(), &spec.format, sources));
        return Err(refused_cells(&trained.preparation, &table, text));
    }
    let outputs = match trained.compiled.predict.plan.precision {
        Precision::F32 => trained.outputs::<f32>(&table, &rows),
        Precision::F64 => trained.outputs::<f64>(&table, &rows),
    }?;
    let division = Division {
        train: rows,
        ..Division::default()
    };
    let report = TableReport::new(&table, &division, &trained.preparation);
    let rows = division.train;
    let filled = report.lines();
    filled.iter().for_each(|line| console.error_line(line));
    if rows.len() < table.rows {
        let skipped = table.rows - rows.len();
        let all = table.rows;
        console.error_line(&format!(
            "skipped {skipped} of {all} rows, for cells that are missing or that training did not see"
        ));
    }
    let result = columns.of(outputs).added_to(&csv, &table, &rows);
    match &arguments.out {
        None => console.data(&result),
        Some(path) => {
            let written = Interrupts::install()
                .and_then(|interrupts| folder::write_file(path, &result, &interrupts, None));
            written.map_err(|error| vec![unwritable(&path.display().to_string(), &error)])?;
        }
    }
    Ok(Exit::Success)
}

/// What a run left behind, compiled again.
struct Trained {
    compiled: Compiled,
    preparation: Preparation,
    values: StateValues,
}

impl Trained {
    /// Reads a run's folder.
    ///
    /// # Errors
    /// A file cannot be read, is damaged, or does not fit the others.
    fn load(run: &Path, sources: &mut Sources) -> Result<Trained, Faults> {
        let damaged = |file: &str, error: &str| {
            let name = run.join(file).display().to_string();
            vec![Diagnostic::without_place(
                Code::BadRun,
                format!("`{name}` is not what a run leaves behind: {error}"),
            )]
        };
        let json = |file: &str| {
            let bytes = read(run, file)?;
            serde_json::from_slice::<Value>(&bytes)
                .map_err(|error| damaged(file, &error.to_string()))
        };
        let head =
            RunHead::from_json(&json("run.json")?).map_err(|error| damaged("run.json", &error))?;
        let preparation = Preparation::from_json(&json("preparation.json")?)
            .map_err(|error| damaged("preparation.json", &error))?;
        let text = ModelText::read(&run.join(MODEL), &head.settings, sources)?;
        let source = text.source(sources, Some(head.seed));
        let declaration = declare(&source)?;
        let mut schema = preparation.schema(&declaration.data).ok_or_else(|| {
            damaged(
                "preparation.json",
                "its fields are not those that `model.nn` declares",
            )
        })?;
        schema.rows = Some(head.rows);
        let compiled = compile(&source, Some(&schema), Target::Reference)?;
        let file = run.join("weights.safetensors").display().to_string();
        let bytes = read(run, "weights.safetensors")?;
        let values = weights::from_bytes(&bytes, &file, &compiled.states)?;
        Ok(Trained {
            compiled,
            preparation,
            values,
        })
    }

    /// The network's outputs for these rows of a table.
    ///
    /// # Errors
    /// A prepared number is beyond the precision, or there is no memory for the model.
    fn outputs<T: ModelElement>(&self, table: &Table, rows: &[u32]) -> Result<Vec<f64>, Faults> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let data = Prepared::<T> {
            inputs: self.preparation.matrix(Role::Input, table, rows)?,
            targets: Vec::new(),
            rows: rows.len(),
        };
        let threads = all_threads();
        let predictor = Predictor::new(&self.compiled, &self.values, threads);
        let mut predictor = predictor.map_err(|_| {
            let message = "the system refuses the memory or the threads that the model needs";
            vec![Diagnostic::without_place(Code::Memory, message)]
        })?;
        Ok(predictor.predict(&data))
    }
}

fn read(run: &Path, file: &str) -> Result<Vec<u8>, Faults> {
    let path = run.join(file);
    fs::read(&path).map_err(|error| vec![unreadable(&path.display().to_string(), &error)])
}
