//! The plan as the verifier shows it: a line a step, whatever a reader's text may fold, and where all
//! that outlives a run lies.

use std::fmt::Write;

use crate::plan::Plan;
use crate::plan::step::{Columns, Kernel, Matrix};
use crate::plan::text::Namer;

/// A line of that text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PlanLine {
    Arena,
    State(usize),
    Scalar(usize),
    Inputs,
    Targets,
    Step(usize),
    Prediction,
    Loss,
    Probe(usize),
}

fn matrix_text(matrix: &Matrix) -> String {
    let columns = match matrix.columns {
        Columns::Batch => "batch".to_string(),
        Columns::Fixed(count) => count.to_string(),
    };
    let stride = if matrix.stride == matrix.features {
        String::new()
    } else {
        format!(", a column every {}", matrix.stride)
    };
    format!(
        "[{} × {columns}] at {}{stride}",
        matrix.features, matrix.at.0
    )
}

/// The plan with one line marked; behind a marked step stand its operands and instructions.
pub fn marked(plan: &Plan, marked: PlanLine) -> String {
    let mut text = String::new();
    let mut line = |line: PlanLine, content: String| {
        let mark = if line == marked { ">" } else { " " };
        text.push_str(&format!("{mark} {content}\n"));
    };
    let rows = plan.batch.unwrap_or(1);
    let own = plan.arena_end.saturating_sub(plan.own_elements);
    line(
        PlanLine::Arena,
        format!(
            "plan {}: {}{}, {}, batch {rows} · states to {}, own part {own} to {}",
            plan.name,
            plan.phase.name(),
            plan.variant.title(),
            plan.precision.name(),
            plan.states.end,
            plan.arena_end
        ),
    );
    for (index, place) in plan.states.places.iter().enumerate() {
        let content = format!("{} {}", place.state.name, matrix_text(&place.matrix));
        line(PlanLine::State(index), content);
    }
    for (index, (scalar, at)) in plan.scalars.iter().enumerate() {
        line(
            PlanLine::Scalar(index),
            format!("{} at {}", scalar.text(), at.0),
        );
    }
    line(
        PlanLine::Inputs,
        format!("inputs {}", matrix_text(&plan.inputs)),
    );
    if let Some(targets) = &plan.targets {
        line(
            PlanLine::Targets,
            format!("targets {}", matrix_text(targets)),
        );
    }
    let namer = Namer::new(&plan.graph, &plan.fusion, plan.batch);
    for (index, step) in plan.steps.iter().enumerate() {
        let results = namer.results(plan.group(step)).into_iter();
        let results: Vec<String> = results.map(|result| result.text).collect();
        let mut content = format!("{index:>3}  {}: {}", plan.label(step), results.join("; "));
        if marked == PlanLine::Step(index) {
            content.push_str(&kernel_text(&step.kernel));
        }
        line(PlanLine::Step(index), content);
    }
    if let Some(prediction) = &plan.prediction {
        line(
            PlanLine::Prediction,
            format!("prediction {}", matrix_text(prediction)),
        );
    }
    if let Some(loss) = plan.loss {
        line(PlanLine::Loss, format!("loss at {}", loss.0));
    }
    for (index, probe) in plan.probes.iter().enumerate() {
        let content = format!("watch {} {}", probe.watch.name, matrix_text(&probe.matrix));
        line(PlanLine::Probe(index), content);
    }
    text
}

/// A kernel's operands and its regions, each with its instructions.
fn kernel_text(kernel: &Kernel) -> String {
    let (name, regions) = kernel.parts();
    let operands: Vec<String> = kernel.operands().iter().map(matrix_text).collect();
    let mut text = format!("\n      {name} of {}", operands.join(", "));
    let mut write = |line: String| write!(text, "\n      {line}").expect("a String takes it");
    if let Kernel::Forward {
        bias: Some(bias), ..
    } = kernel
    {
        write(format!("bias at {}", bias.0));
    }
    if let Kernel::Concat { to, .. } = kernel {
        write(format!("result {}", matrix_text(to)));
    }
    for region in regions {
        let columns = match region.columns {
            Columns::Batch => "batch".to_string(),
            Columns::Fixed(count) => count.to_string(),
        };
        let at = region.accumulator;
        let result = at.map_or(String::new(), |at| format!(", result at {}", at.0));
        write(format!(
            "region [{} × {columns}] in tiles of {}{result}",
            region.features, region.tile_columns
        ));
        for (number, instruction) in region.program.iter().enumerate() {
            write(format!("{number:>3}  {instruction:?}"));
        }
    }
    text
}
