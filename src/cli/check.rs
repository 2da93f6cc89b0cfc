//! `nnc check`: all diagnostics of a model and its table, without training.

use nnc::data::Table;
use nnc::data::report::TableReport;
use nnc::diagnostics::{Faults, Sources};
use nnc::plan::{Target, bytes_text};
use nnc::{Compiled, compile, declare};
use serde_json::json;

use super::arguments::{CheckArguments, ParameterArguments};
use super::console::Console;
use super::inputs::{check_order, open_table, table_name};
use super::job::{Job, TableFile};
use super::recognised::{table_lines, table_to_json};
use super::record::{elements_members, members, rows_to_json};
use super::run::all_threads;
use super::source::ModelText;
use super::{Exit, Outcome};

pub fn check(arguments: &CheckArguments, console: &Console, sources: &mut Sources) -> Outcome {
    check_order("check", &arguments.model, arguments.data.as_deref())?;
    let (checked, table) = compiled(
        &arguments.model,
        arguments.data.as_deref(),
        &arguments.parameters,
        Target::Reference,
        sources,
    )?;
    console.diagnostics(&checked.advice, sources);
    let mut deferred = checked.predict.plan.deferred.clone();
    let settings = checked.declaration.train.iter();
    for wait in settings.flat_map(|train| train.waits()) {
        if !deferred.contains(&wait) {
            deferred.push(wait);
        }
    }
    let elements = checked.states.elements();
    let rows = checked.schema.rows;
    console.event(
        "ok",
        members(json!({
            "model": checked.name,
            "data": table.as_ref().map(|(table, report)| table_to_json(table, report)),
            "depends_on": deferred,
            "rows": rows.map(rows_to_json),
        }))
        .into_iter()
        .chain(elements_members(deferred.is_empty().then_some(elements)))
        .collect(),
    );
    let sizes = match (deferred.is_empty(), rows) {
        (false, _) => format!("depends on the data: {}", deferred.join(", ")),
        (true, None) => elements.to_string(),
        (true, Some(rows)) => format!(
            "{elements} · rows: train {}, validate {}, test {} · arena {}",
            rows.train,
            rows.validate,
            rows.test,
            bytes_text(
                checked
                    .arena_elements
                    .saturating_mul(checked.predict.plan.precision.bytes())
            )
        ),
    };
    if let Some((table, report)) = &table {
        let lines = table_lines(table, report);
        lines.iter().for_each(|line| console.line(line));
    }
    console.line(&format!("{}: OK · {sizes}", checked.name));
    Ok(Exit::Success)
}

/// A model compiled for its table, which is given back with what was done to it, or as far as it can be
/// without one.
///
/// # Errors
/// All faults of both.
pub fn compiled(
    model: &std::path::Path,
    data: Option<&std::path::Path>,
    parameters: &ParameterArguments,
    target: Target,
    sources: &mut Sources,
) -> Result<(Compiled, Option<(Table, TableReport)>), Faults> {
    let text = ModelText::read(model, &parameters.settings, sources);
    let data = data.map(|path| {
        open_table(path).map(|reader| TableFile {
            name: table_name(path),
            reader,
            threads: all_threads(),
        })
    });
    let (text, data) = match (text, data.transpose()) {
        (Ok(text), Ok(data)) => (text, data),
        (Err(mut faults), Err(others)) => {
            faults.extend(others);
            return Err(faults);
        }
        (Err(faults), Ok(_)) | (Ok(_), Err(faults)) => return Err(faults),
    };
    let Some(data) = data else {
        let compiled = compile(&text.source(sources, None), None, target)?;
        return Ok((compiled, None));
    };
    let declaration = declare(&text.source(sources, None))?;
    // What is drawn by it is not checked.
    let seed = declaration.train.as_ref().and_then(|train| train.seed);
    let job = Job::prepare(
        &text,
        &declaration,
        data,
        seed.unwrap_or(0),
        target,
        sources,
    )?;
    Ok((job.compiled, Some((job.table, job.report))))
}
