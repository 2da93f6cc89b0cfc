//! The `schedule` setting: schedules that follow one another.

use super::arguments::{self, Call};
use super::constant::Scope;
use crate::catalog::schedules::Run;
use crate::catalog::{Kind, Meaning, schedules};
use crate::diagnostics::{Code, Diagnostic};
use crate::graph::schedule::{Piece, RateSchedule};
use crate::syntax::ast::{Expr, ExprKind};

/// Checks `A -> B -> …`; `None` after a fault.
pub fn resolve(value: &Expr, scope: &Scope, faults: &mut Vec<Diagnostic>) -> Option<Vec<Call>> {
    let value = scope.followed(value);
    let parts: Vec<&Expr> = match &value.kind {
        ExprKind::Pipeline { head, stages } => std::iter::once(&**head).chain(stages).collect(),
        _ => vec![value],
    };
    let calls: Vec<Option<Call>> = parts
        .iter()
        .map(|part| arguments::call(part, Kind::Schedule, scope, faults))
        .collect();
    let calls: Vec<Call> = calls.into_iter().collect::<Option<_>>()?;
    let before = faults.len();
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

/// The schedule of a run of so many updates, `epoch` of them in an epoch.
pub fn schedule(calls: &[Call], epoch: u64, total: u64) -> RateSchedule {
    let mut before = 0;
    let pieces = calls.iter().map(|call| {
        let run = Run {
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
        Piece {
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
