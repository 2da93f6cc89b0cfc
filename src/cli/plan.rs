//! `nnc plan`: the steps that will run.

use std::path::Path;

use nnc::Compiled;
use nnc::compile::PhasePlan;
use nnc::diagnostics::{Code, Diagnostic, Faults, Sources};
use nnc::picture::{self, Picture};
use nnc::plan::{Target, explain, layers};

use super::arguments::{PhaseName, PlanArguments, TargetName};
use super::check::compiled;
use super::console::Console;
use super::forecast::{self, Forecast};
use super::inputs::check_order;
use super::interrupts::Interrupts;
use super::run::all_threads;
use super::{Exit, Outcome, folder, unreadable, unwritable};

pub fn plan(arguments: &PlanArguments, console: &Console, sources: &mut Sources) -> Outcome {
    let draw = match &arguments.graph {
        Some(path) => Some((path.as_path(), form_of(path)?)),
        None => None,
    };
    let target = match arguments.target {
        TargetName::Reference => Target::Reference,
        TargetName::Native => Target::Native,
    };
    check_order("plan", &arguments.model, arguments.data.as_deref())?;
    let (compiled, _) = compiled(
        &arguments.model,
        arguments.data.as_deref(),
        &arguments.parameters,
        target,
        sources,
    )?;
    console.diagnostics(&compiled.advice, sources);
    if let Some((path, form)) = draw {
        let text = |span| sources.text(span).to_owned();
        let picture = Picture::new(&compiled.name, &compiled.network, &text);
        return write_picture(path, &form(&picture), console);
    }
    let (train, evaluate) = (compiled.train.as_ref(), compiled.evaluate.as_ref());
    let phase = match arguments.phase {
        Some(PhaseName::Train) => train,
        Some(PhaseName::Accumulate) => compiled.accumulate.as_ref(),
        Some(PhaseName::Watch) => compiled.watch.as_ref(),
        Some(PhaseName::Evaluate) => evaluate,
        Some(PhaseName::Predict) => Some(&compiled.predict),
        None => train.or(evaluate).or(Some(&compiled.predict)),
    };
    let Some(phase) = phase else {
        let name = &compiled.name;
        let (message, phase) = match (arguments.phase, train, evaluate) {
            (Some(PhaseName::Accumulate), Some(_), _) => (
                format!("each batch of `{name}` makes an update: it does not `accumulate`"),
                "train",
            ),
            (Some(PhaseName::Watch), Some(_), _) => {
                (format!("`{name}` has no `watch` section"), "train")
            }
            (_, _, Some(_)) => (format!("`{name}` has no parameter to train"), "predict"),
            (_, _, None) => (
                format!("`{name}` has no loss, so it can only predict"),
                "predict",
            ),
        };
        let fault = Diagnostic::without_place(Code::MissingSection, message);
        return Err(vec![fault.help(format!("there is `--phase {phase}`"))]);
    };
    if arguments.explain {
        console.text(&explain(&phase.plan));
        return Ok(Exit::Success);
    }
    if arguments.layers {
        console.text(&layers(&compiled.network, &phase.plan));
        return Ok(Exit::Success);
    }
    console.text(&phase.plan.to_string());
    if target == Target::Native {
        console.text(&forecast(&compiled, phase)?);
    }
    Ok(Exit::Success)
}

/// How the picture is written, by the ending of its file.
fn form_of(path: &Path) -> Result<fn(&Picture) -> String, Faults> {
    let ending = path.extension().and_then(|ending| ending.to_str());
    match ending.map(str::to_lowercase).as_deref() {
        Some("svg") => Ok(picture::svg),
        Some("dot" | "gv") => Ok(picture::dot),
        Some(_) | None => {
            let message = format!("`{}` is no picture's name", path.display());
            let fault = Diagnostic::without_place(Code::Io, message);
            Err(vec![
                fault.help("end it in `.svg`, or in `.dot` for Graphviz"),
            ])
        }
    }
}

fn write_picture(path: &Path, text: &str, console: &Console) -> Outcome {
    let name = path.display().to_string();
    Interrupts::install()
        .and_then(|interrupts| folder::write_file(path, text.as_bytes(), &interrupts, None))
        .map_err(|error| vec![unwritable(&name, &error)])?;
    console.line(&format!("the network is drawn in {name}"));
    Ok(Exit::Success)
}

/// What the plan takes on this machine, or why that is not known.
fn forecast(compiled: &Compiled, phase: &PhasePlan) -> Result<String, Faults> {
    if !phase.plan.deferred.is_empty() {
        return Ok("\n  give a table to see what it takes on this machine\n".to_owned());
    }
    let roofline = forecast::measure(&phase.plan, all_threads())
        .map_err(|error| vec![unreadable("the speed of this machine", &error)])?;
    let forecast = Forecast {
        compiled,
        roofline: &roofline,
    };
    Ok(format!("\n{}", forecast.text(phase)))
}
