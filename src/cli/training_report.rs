//! What a run says: as it begins, where it fails, and at its end.

use nnc::data::table::{Part, Table, TableField, Values as Column};
use nnc::diagnostics::{Code, Diagnostic, Sources};
use nnc::train::monitor::Best;
use nnc::train::{Ended, NonFinite};

use super::Exit;
use super::predicted::Predicted;
use super::recognised::table_lines;
use super::record::{Members, PartScores};
use super::run::RunRequest;
use super::summary::{figure, scores_table, table};

/// How many rows a diagnostic or a table names.
const ROWS_SHOWN: usize = 10;
/// How many inputs stand beside a prediction.
const INPUTS_SHOWN: usize = 4;

/// Says what begins; a network with nothing to train gets a note.
pub fn announce(request: &RunRequest, start: &Members, sources: &Sources) {
    let compiled = &request.job.compiled;
    request.console.event("start", start.clone());
    let lines = table_lines(&request.job.table, &request.job.report);
    lines.iter().for_each(|line| request.console.line(line));
    let rows = request.job.division.rows();
    let parts = [(Part::Validate, rows.validate), (Part::Test, rows.test)];
    let parts: String = parts
        .into_iter()
        .filter(|(_, rows)| *rows > 0)
        .map(|(part, rows)| format!(", {} {rows}", part.word()))
        .collect();
    let batches = match compiled.train {
        Some(_) => format!(" · batches an epoch: {}", start["batches"]),
        None => String::new(),
    };
    let seed = if request.draws() {
        format!(" · seed {}", request.seed)
    } else {
        String::new()
    };
    request.console.line(&format!(
        "{} · rows: train {}{parts} · {}{batches}{seed}",
        compiled.name,
        rows.train,
        compiled.states.elements()
    ));
    if compiled.train.is_none() {
        let train = compiled.declaration.train.as_ref();
        let watches = train.is_some_and(|train| !train.watches.is_empty());
        let unwatched = if watches {
            ", and `watch` records nothing"
        } else {
            ""
        };
        let note = Diagnostic::without_place(
            Code::NothingToTrain,
            format!(
                "`{}` has no parameter to train; it is evaluated once{unwatched}",
                compiled.name
            ),
        );
        request.console.diagnostics(&[note], sources);
    }
}

/// What is said of an end before the last epoch, and of the epoch whose parameters are kept.
pub fn kept_line(ended: Option<&Ended>, kept: Option<Best>, epochs: usize) -> Option<String> {
    let stopped = match ended {
        Some(Ended::Early) => Some(format!("stopped after epoch {epochs}")),
        Some(Ended::Finished | Ended::Interrupted | Ended::NonFinite(_)) | None => None,
    };
    let kept = kept.map(|Best { epoch, loss }| {
        let loss = figure(loss);
        format!("kept epoch {epoch}, the best one, with the validation loss {loss}")
    });
    match (stopped, kept) {
        (Some(stopped), Some(kept)) => Some(format!("{stopped}, {kept}")),
        (stopped, kept) => stopped.or(kept),
    }
}

pub fn report_non_finite(request: &RunRequest, ended: Option<&Ended>, sources: &Sources) {
    if let Some(Ended::NonFinite(found)) = ended {
        let fault = non_finite(found, request);
        request.console.diagnostics(&[fault], sources);
    }
}

fn non_finite(found: &NonFinite, request: &RunRequest) -> Diagnostic {
    let message = format!(
        "the loss of update {}, in epoch {}, is {}",
        found.update, found.epoch, found.loss
    );
    let fault = match &found.stage {
        Some((label, span)) => Diagnostic::new(Code::NonFiniteLoss, *span, message).label(format!(
            "`{label}` is the first step with a non-finite result"
        )),
        None => Diagnostic::without_place(Code::NonFiniteLoss, message),
    };
    let training = request.job.division.part(Part::Train);
    let rows = found.rows.iter();
    let rows: Vec<String> = rows
        .take(ROWS_SHOWN)
        .map(|row| (u64::from(training[*row as usize]) + 1).to_string())
        .collect();
    let more = match found.rows.len().saturating_sub(ROWS_SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let fault = if rows.is_empty() {
        fault
    } else {
        fault.note(format!(
            "it is so in row {}{more} of `{}`",
            rows.join(", "),
            request.job.table.name
        ))
    };
    fault.help("try a smaller learning rate, or `normalize` the inputs")
}

/// Prints the scores, or the first predictions of a model without a loss.
pub fn conclude(request: &RunRequest, scores: &[PartScores], predicted: Option<&Predicted>) {
    if !scores.is_empty() {
        request.console.table(&scores_table(scores));
    }
    let Some(predicted) = predicted.filter(|_| request.console.shows_text()) else {
        return;
    };
    let inputs = &request.job.table.fields;
    let names = inputs.iter().take(INPUTS_SHOWN).map(|field| &field.name);
    let head = std::iter::once("row").chain(names.map(String::as_str));
    let head = head.chain(predicted.names().iter().map(String::as_str));
    let mut rows: Vec<Vec<String>> = vec![head.map(str::to_owned).collect()];
    for row in 0..request.job.table.rows.min(ROWS_SHOWN) {
        let mut cells = vec![(row + 1).to_string()];
        cells.extend(
            inputs
                .iter()
                .take(INPUTS_SHOWN)
                .map(|field| input_text(&request.job.table, field, row)),
        );
        let mut found = Vec::new();
        predicted.cells(row, &mut found);
        cells.extend(found.into_iter().map(|cell| match cell.parse::<f64>() {
            Ok(value) => figure(value),
            Err(_) => cell,
        }));
        rows.push(cells);
    }
    request.console.table(&table(&rows));
}

/// Says what was saved where, above all when the training did not come to its end.
pub fn say_end(request: &RunRequest, ended: Option<Ended>, epochs: usize, path: &str) -> Exit {
    let state = match epochs {
        0 => "the initial values, before the first whole epoch, are".to_owned(),
        epochs => format!("the state after epoch {epochs} is"),
    };
    let (exit, said) = match ended {
        None | Some(Ended::Finished | Ended::Early) => (Exit::Success, None),
        Some(Ended::Interrupted) => (Exit::Interrupted, Some("interrupted")),
        Some(Ended::NonFinite(_)) => (Exit::TrainingFailed, Some("stopped")),
    };
    match said {
        None => request.console.line(&format!("saved to {path}")),
        Some(said) => request
            .console
            .error_line(&format!("{said}; {state} saved to {path}")),
    }
    exit
}

fn input_text(table: &Table, field: &TableField, row: usize) -> String {
    match &field.values {
        Column::Numbers(places) => match &table.numbers.lookup().row(row)[places.clone()] {
            [number] if number.is_nan() => String::new(),
            [number] => format!("{number}"),
            numbers => format!("{} numbers", numbers.len()),
        },
        Column::Indicators(places) => {
            let numbers = &table.numbers.lookup().row(row)[places.clone()];
            let missing = numbers.iter().filter(|number| number.is_nan());
            missing.count().to_string()
        }
        Column::Words { codes, words } => words[codes[row] as usize].clone().unwrap_or_default(),
    }
}
