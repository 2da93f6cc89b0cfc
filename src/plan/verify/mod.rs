//! The plan's verifier: what must hold for a plan to be run, and to compute what its graph says.
//!
//! A run is followed in terms instead of numbers. Each node of the graph is a [term](terms); what lies
//! in memory is a term; a step makes terms from those that it reads. So a step that reads what another
//! has overwritten or not written yet, that reads another value, or computes anything that is no value
//! of the graph, is refused at once; and what is left in memory at the end must be the results. It
//! knows nothing of groups, lifetimes and how places were found.

mod kernel;
mod memory;
mod terms;
mod text;
mod walk;
mod wanted;

use super::Plan;
use super::step::Matrix;
use crate::graph::ops::{InputKind, Op};
use crate::graph::state::{ScalarId, StateId};
use crate::graph::watch::Subject;
use crate::graph::{Graph, ValueId};
use crate::violation::Violation;
use memory::{Stored, SymbolicMemory, Writer};
use terms::{Head, TermId, Terms};
use text::{PlanLine, marked};
use walk::{Walk, vector};
use wanted::terms_of;

pub use kernel::verify_kernel;

/// A broken rule, and where.
struct Refusal {
    line: PlanLine,
    rule: String,
}

type Verified = Result<(), Refusal>;

fn hold(holds: bool, line: PlanLine, rule: impl Into<String>) -> Verified {
    if holds {
        Ok(())
    } else {
        let rule = rule.into();
        Err(Refusal { line, rule })
    }
}

/// Holds a plan to its graph; `seed` is that of its random draws. A plan that waits for the data is held
/// to nothing: its lengths are not known.
///
/// # Errors
/// The first rule that the plan breaks, and its text with that line marked.
pub fn verify(plan: &Plan, seed: u64) -> Result<(), Violation> {
    let Some(rows) = plan.batch.filter(|_| plan.deferred.is_empty()) else {
        return Ok(());
    };
    let graph = &plan.graph;
    let mut terms = Terms::default();
    let wanted = terms_of(graph, plan.states.panel, seed, &mut terms);
    let verifier = Verifier {
        plan,
        graph,
        wanted: &wanted,
        rows,
    };
    let verified = verifier.verify(&mut terms);
    verified.map_err(|Refusal { line, rule }| Violation {
        rule,
        text: marked(plan, line),
    })
}

struct Verifier<'v> {
    plan: &'v Plan,
    graph: &'v Graph,
    /// For each value of the graph.
    wanted: &'v [TermId],
    rows: usize,
}

impl Verifier<'_> {
    fn verify(&self, terms: &mut Terms) -> Verified {
        let count = terms.count();
        let memory = self.before(terms)?;
        let mut walk = Walk {
            plan: self.plan,
            terms,
            wanted: count,
            memory,
            step: 0,
        };
        for (index, step) in self.plan.steps.iter().enumerate() {
            let refused = |rule| Refusal {
                line: PlanLine::Step(index),
                rule,
            };
            let (arena, panel) = (self.plan.arena_end, self.plan.states.panel);
            verify_kernel(&step.kernel, arena, self.rows, panel).map_err(refused)?;
            walk.step = index;
            walk.kernel(&step.kernel).map_err(refused)?;
        }
        let Walk { terms, memory, .. } = walk;
        self.kept(&memory, terms)?;
        self.states_after(&memory, terms)?;
        self.results(&memory, terms)
    }

    /// What lies in memory before a run.
    fn before(&self, terms: &mut Terms) -> Result<SymbolicMemory, Refusal> {
        let (plan, graph) = (self.plan, self.graph);
        let own = plan.arena_end.checked_sub(plan.own_elements);
        let own = own.filter(|own| *own >= plan.states.end);
        let Some(own) = own else {
            let rule = "the plan's part of the arena begins within the states".to_string();
            let line = PlanLine::Arena;
            return Err(Refusal { line, rule });
        };
        let mut memory = SymbolicMemory::new(self.rows);
        let mut put = |line, matrix: Matrix, (start, end): (usize, usize), term| {
            let to = matrix.at.0.checked_add(matrix.extent(self.rows));
            let within = matrix.at.0 >= start && to.is_some_and(|to| to <= end);
            hold(within, line, "a place is outside of its part of the arena")?;
            let free = memory.is_free(&matrix);
            hold(free, line, "a place overlaps another")?;
            memory.write(Stored {
                matrix,
                term,
                writer: Writer::Before,
            });
            Ok(())
        };

        let known = plan.states.places.len() >= graph.states.len();
        hold(known, PlanLine::Arena, "a state has no place")?;
        for (index, place) in plan.states.places.iter().enumerate() {
            let line = PlanLine::State(index);
            let state = graph.states.get(index);
            let same = state.is_none_or(|state| state.name == place.state.name);
            hold(same, line, "a state has the place of another")?;
            let term = terms.leaf(Head::State(StateId(index as u32)));
            put(line, place.matrix, (0, plan.states.end), term)?;
        }
        let scalars = plan.scalars.iter().map(|(scalar, _)| scalar);
        let same = scalars.eq(graph.scalars.iter());
        hold(same, PlanLine::Arena, "the scalars are not the graph's")?;
        for (index, (_, at)) in plan.scalars.iter().enumerate() {
            let term = terms.loose(Head::Scalar(ScalarId(index as u32)));
            let line = PlanLine::Scalar(index);
            put(line, vector(*at, 1), (own, plan.arena_end), term)?;
        }
        let inputs = [
            (PlanLine::Inputs, InputKind::Features, Some(plan.inputs)),
            (PlanLine::Targets, InputKind::Targets, plan.targets),
        ];
        for (line, kind, matrix) in inputs {
            self.hold_width(line, kind, matrix)?;
            if let Some(matrix) = matrix {
                let term = terms.leaf(Head::Input(kind));
                put(line, matrix, (own, plan.arena_end), term)?;
            }
        }
        Ok(memory)
    }

    /// The inputs have the width that the graph reads.
    fn hold_width(&self, line: PlanLine, kind: InputKind, matrix: Option<Matrix>) -> Verified {
        let mut nodes = self.graph.nodes.iter();
        let read = nodes.find(|node| matches!(node.op, Op::Input { kind: of, .. } if of == kind));
        let Some(read) = read else {
            return Ok(());
        };
        let width = read.shape.width().known();
        let same = matrix.is_some_and(|matrix| Some(matrix.features) == width);
        hold(same, line, "a matrix of the batch has another width")
    }

    /// What a run may not change is as it was: the next one reads it again.
    fn kept(&self, memory: &SymbolicMemory, terms: &mut Terms) -> Verified {
        let mut unchanged = |line, matrix: Matrix| {
            let found = memory.read(&matrix, terms);
            let kept = found.is_some_and(|found| found.writer == Writer::Before);
            let empty = matrix.extent(self.rows) == 0;
            hold(
                kept || empty,
                line,
                "a run overwrites what the next one reads",
            )
        };
        for (index, (_, at)) in self.plan.scalars.iter().enumerate() {
            unchanged(PlanLine::Scalar(index), vector(*at, 1))?;
        }
        unchanged(PlanLine::Inputs, self.plan.inputs)?;
        if let Some(targets) = self.plan.targets {
            unchanged(PlanLine::Targets, targets)?;
        }
        Ok(())
    }

    fn states_after(&self, memory: &SymbolicMemory, terms: &mut Terms) -> Verified {
        let mut assigned: Vec<Option<ValueId>> = vec![None; self.plan.states.places.len()];
        for assignment in &self.graph.assignments {
            assigned[assignment.state.0 as usize] = Some(assignment.value);
        }
        for (index, place) in self.plan.states.places.iter().enumerate() {
            let found = memory.read(&place.matrix, terms);
            let found = found.map(|found| found.term);
            let before = terms.leaf(Head::State(StateId(index as u32)));
            let wanted = assigned[index].map(|value| self.wanted[value.index()]);
            let rule = match wanted {
                Some(_) if found == Some(before) => "a state is not updated",
                Some(_) => "a state is updated to another value than the graph's",
                None => "a state is overwritten that the graph keeps",
            };
            let right = found == Some(wanted.unwrap_or(before)) || place.span() == 0;
            hold(right, PlanLine::State(index), rule)?;
        }
        Ok(())
    }

    fn results(&self, memory: &SymbolicMemory, terms: &mut Terms) -> Verified {
        let (plan, graph) = (self.plan, self.graph);
        let mut holds = |line, what: &str, matrix: Matrix, value: ValueId| {
            let found = memory.read(&matrix, terms).map(|found| found.term);
            let right = found == Some(self.wanted[value.index()]);
            hold(
                right,
                line,
                format!("the place of {what} holds another value"),
            )
        };
        match (plan.loss, graph.loss) {
            (Some(at), Some(loss)) => holds(PlanLine::Loss, "the loss", vector(at, 1), loss)?,
            (None, None) => {}
            (Some(_), None) | (None, Some(_)) => {
                hold(false, PlanLine::Loss, "the graph or the plan has no loss")?;
            }
        }
        if let (Some(matrix), Some(value)) = (plan.prediction, graph.prediction) {
            holds(PlanLine::Prediction, "the prediction", matrix, value)?;
        }
        for (index, probe) in plan.probes.iter().enumerate() {
            let line = PlanLine::Probe(index);
            match probe.watch.subject {
                Subject::Output | Subject::Gradient(_) => {
                    let value = probe.watch.value;
                    let value = value.filter(|value| value.index() < graph.nodes.len());
                    let rule = "what is watched is not computed";
                    hold(value.is_some(), line, rule)?;
                    let value = value.expect("it is there");
                    holds(line, "what is watched", probe.matrix, value)?;
                }
                Subject::Weight(state) => {
                    let place = plan.states.places.get(state.0 as usize);
                    let same = place.is_some_and(|place| place.matrix == probe.matrix);
                    hold(
                        same,
                        line,
                        "the place of what is watched holds another value",
                    )?;
                }
            }
        }
        Ok(())
    }
}
