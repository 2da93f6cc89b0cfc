//! The `schedule` setting: schedules that follow one another.

use super::arguments::{self, Call};
use super::constant::Scope;
use crate::catalog::arguments::{ArgumentValue, Arguments, Length};
use crate::catalog::schedules::RunLengths;
use crate::catalog::{Kind, Meaning, schedules};
use crate::diagnostics::{Code, Diagnostic};
use crate::graph::schedule::{RateSchedule, SchedulePiece};
use crate::syntax::ast::{Expr, ExprKind};

/// Checks `A -> B -> …` of a run of so many epochs, if that is known; `None` after a fault.
pub fn resolve(
    value: &Expr,
    epochs: Option<usize>,
    scope: &Scope,
    faults: &mut Vec<Diagnostic>,
) -> Option<Vec<Call>> {
    let value = scope.followed(value);
    let parts: Vec<&Expr> = match &value.kind {
        ExprKind::Pipeline { head, stages } => std::iter::once(&**head).chain(stages).collect(),
        _ => vec![value],
    };
    let calls: Vec<Option<Call>> = parts
        .iter()
        .map(|part| arguments::call(part, Kind::Schedule, scope, faults))
        .collect();
    let before = faults.len();
    let known = calls.iter().flatten();
    faults.extend(known.filter_map(|call| milestones(&call.arguments, epochs)));
    let calls: Vec<Call> = calls.into_iter().collect::<Option<_>>()?;
    for (call, next) in calls.iter().zip(calls.iter().skip(1)) {
        faults.extend(endless(call, next));
    }
    (faults.len() == before).then_some(calls)
}

fn meaning(call: &Call) -> &'static schedules::Schedule {
    let Meaning::Schedule(schedule) = &call.entry.meaning else {
        unreachable!("the call was resolved as a schedule")
    };
    schedule
}

/// The fault of a schedule that another follows although nothing says when.
fn endless(call: &Call, next: &Call) -> Option<Diagnostic> {
    let name = call.entry.name;
    let length = meaning(call).length;
    if length.is_some_and(|length| call.arguments.get(length).is_some()) {
        return None;
    }
    let fault = Diagnostic::new(
        Code::MissingArgument,
        call.span,
        format!("`{name}` lasts to the end of the run, so nothing can follow it"),
    )
    .label("has no length")
    .also(next.span, "would begin when it ends");
    Some(match length {
        Some(length) => fault.help(format!("say how long it lasts: `{length} = 20%`")),
        None => fault.help("let it be the last"),
    })
}

/// The fault of milestones that are none, or that do not follow one another.
fn milestones(arguments: &Arguments, epochs: Option<usize>) -> Option<Diagnostic> {
    let Some(ArgumentValue::Lengths(lengths)) = arguments.get("milestones") else {
        return None;
    };
    let fault = |message: &str| {
        Diagnostic::new(Code::OutOfRange, arguments.span_of("milestones"), message)
            .help("write `MultiStep([50%, 75%])`, say")
    };
    if lengths.is_empty() {
        return Some(fault("`MultiStep` needs a milestone").label("an empty list"));
    }
    let pairs = lengths.iter().zip(lengths.iter().skip(1));
    let mut falling = pairs.filter(|(first, second)| match (first, second) {
        (Length::Epochs(first), Length::Epochs(second))
        | (Length::Share(first), Length::Share(second)) => first >= second,
        (Length::Epochs(first), Length::Share(second)) => {
            epochs.is_some_and(|epochs| *first >= second * epochs as f64)
        }
        (Length::Share(first), Length::Epochs(second)) => {
            epochs.is_some_and(|epochs| first * epochs as f64 >= *second)
        }
    });
    let (first, second) = falling.next()?;
    Some(
        fault("each milestone of `MultiStep` is later than the one before").label(format!(
            "{} does not come after {}",
            second.text(),
            first.text()
        )),
    )
}

/// The schedule of a run of so many updates, `epoch` of them in an epoch.
pub fn schedule(calls: &[Call], epoch: u64, total: u64) -> RateSchedule {
    let mut before = 0;
    let pieces = calls.iter().map(|call| {
        let run = RunLengths {
            epoch,
            total,
            before,
        };
        let meaning = meaning(call);
        let given = meaning.length.and_then(|name| {
            let given = call.arguments.get(name).is_some();
            given.then(|| call.arguments.length(name))
        });
        let updates = given.map_or(u64::MAX, |length| run.updates(length));
        before = before.saturating_add(updates);
        SchedulePiece {
            rule: (meaning.rule)(&call.arguments, &run),
            updates,
        }
    });
    RateSchedule {
        pieces: pieces.collect(),
    }
}

/// The schedules as the plan writes them.
pub fn text(calls: &[Call]) -> String {
    let texts: Vec<String> = calls.iter().map(Call::text).collect();
    texts.join(" -> ")
}
