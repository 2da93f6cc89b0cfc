//! `nnc plan`: the steps that will run.

use nnc::Compiled;
use nnc::compile::PhasePlan;
use nnc::diagnostics::{Code, Diagnostic, Faults, Sources};
use nnc::plan::{Target, explain};

use super::arguments::{PhaseName, PlanArguments, TargetName};
use super::check::compiled;
use super::console::Console;
use super::forecast::{self, Forecast};
use super::run::all_threads;
use super::{Exit, Outcome, unreadable};

pub fn plan(arguments: &PlanArguments, console: &Console, sources: &mut Sources) -> Outcome {
    let target = match arguments.target {
        TargetName::Reference => Target::Reference,
        TargetName::Native => Target::Native,
    };
    let compiled = compiled(
        &arguments.model,
        arguments.data.as_deref(),
        &arguments.parameters,
        target,
        sources,
    )?;
    console.diagnostics(&compiled.advice, sources);
    let (train, evaluate) = (compiled.train.as_ref(), compiled.evaluate.as_ref());
    let phase = match arguments.phase {
        Some(PhaseName::Train) => train,
        Some(PhaseName::Evaluate) => evaluate,
        Some(PhaseName::Predict) => Some(&compiled.predict),
        None => train.or(evaluate).or(Some(&compiled.predict)),
    };
    let Some(phase) = phase else {
        let message = match evaluate {
            Some(_) => format!("`{}` has no parameter to train", compiled.name),
            None => format!("`{}` has no loss, so it can only predict", compiled.name),
        };
        let fault = Diagnostic::without_place(Code::MissingSection, message);
        return Err(vec![fault.help("there is `--phase predict`")]);
    };
    if arguments.explain {
        console.put(explain(&phase.graph, &phase.plan).as_bytes());
        return Ok(Exit::Success);
    }
    console.put(phase.plan.to_string().as_bytes());
    if target == Target::Native {
        console.put(forecast(&compiled, phase)?.as_bytes());
    }
    Ok(Exit::Success)
}

/// What the plan takes on this machine, or why that is not known.
fn forecast(compiled: &Compiled, phase: &PhasePlan) -> Result<String, Faults> {
    if !phase.plan.deferred.is_empty() {
        return Ok("\n  what it takes on this machine is told with a table\n".to_owned());
    }
    let roofline = forecast::measure(&phase.plan, all_threads())
        .map_err(|error| vec![unreadable("the speed of this machine", &error)])?;
    let forecast = Forecast {
        compiled,
        roofline: &roofline,
    };
    Ok(format!("\n{}", forecast.text(phase)))
}
