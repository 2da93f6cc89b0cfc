//! Appends gradients and, from them, each parameter's update as the optimizer's entry builds it.

use std::collections::HashMap;

use super::autodiff::differentiate;
use super::{Accumulation, Updates, max_norm};
use crate::catalog::arguments::{ArgumentValue, Arguments};
use crate::catalog::optimizers::UpdateContext;
use crate::graph::ops::{Axis, tables};
use crate::graph::scalar::ScalarFunction;
use crate::graph::shape::Shape;
use crate::graph::state::{StateId, StepScalar, Training};
use crate::graph::watch::Subject;
use crate::graph::{Assignment, Graph, GraphPart, ValueId};

/// What PyTorch's clip_grad_norm_ adds to the norm before it divides.
const CLIP_GUARD: f64 = 1e-6;

pub fn append(mut graph: Graph, updates: &Updates) -> Graph {
    let gradients = differentiate(&mut graph);
    graph.current_part = GraphPart::Update;
    let mut reached: Vec<(StateId, ValueId)> = gradients
        .iter()
        .filter_map(|entry| Some((entry.parameter, entry.gradient?)))
        .collect();
    match updates.accumulation {
        Accumulation::None => {}
        Accumulation::Adds => {
            let means = accumulate(&mut graph, &mut reached);
            graph.assignments.extend(means);
            return graph;
        }
        // The next group begins anew, and nobody reads this one's means again.
        Accumulation::Ends => drop(accumulate(&mut graph, &mut reached)),
    }
    watch(&mut graph, &reached);
    if let Some(bound) = updates.clip_value {
        for (_, gradient) in &mut reached {
            graph.current_origin = graph.node(*gradient).origin;
            let clipped = ScalarFunction::Hardtanh {
                min_val: -bound,
                max_val: bound,
            };
            *gradient = graph.map(clipped, *gradient);
        }
    }
    if let Some(max_norm) = updates.clip_norm {
        clip(&mut graph, &mut reached, max_norm);
    }
    let tables = tables(&graph);
    for (parameter, gradient) in reached {
        graph.current_origin = graph.node(gradient).origin;
        let value = graph.state_value(parameter);
        let training = graph.state(parameter).training;
        let arguments = arguments_for(updates, training);
        let mut context = UpdateContext {
            graph: &mut graph,
            parameter,
        };
        let mut value = (updates.build)(&mut context, &arguments, value, gradient);
        if let Some(bound) = training.max_norm {
            let table = tables[parameter.0 as usize];
            value = max_norm::bound(context.graph, parameter, value, bound, table);
        }
        if let Some(decay) = updates.average {
            average(&mut context, value, decay);
        }
        graph.assignments.push(Assignment {
            state: parameter,
            value,
        });
    }
    graph
}

/// Says which values the watched gradients are.
fn watch(graph: &mut Graph, gradients: &[(StateId, ValueId)]) {
    if graph.watches.is_empty() {
        return;
    }
    let gradients: HashMap<StateId, ValueId> = gradients.iter().copied().collect();
    for watch in &mut graph.watches {
        if let Subject::Gradient(state) = watch.subject {
            watch.value = gradients.get(&state).copied();
        }
    }
}

/// Lets each gradient enter the mean over a group of batches, in whose place it then stands:
/// m + share · (g - m), where the first batch's share is 1. Gives the slots with their new means.
fn accumulate(graph: &mut Graph, gradients: &mut [(StateId, ValueId)]) -> Vec<Assignment> {
    let mut means = Vec::with_capacity(gradients.len());
    for (parameter, gradient) in gradients.iter_mut() {
        graph.current_origin = graph.node(*gradient).origin;
        let mut context = UpdateContext {
            graph,
            parameter: *parameter,
        };
        let (slot, mean) = context.slot("accumulated");
        let difference = context.graph.subtract(*gradient, mean);
        let moved = context.graph.scale_by(difference, StepScalar::Share);
        *gradient = context.graph.add(mean, moved);
        means.push(Assignment {
            state: slot,
            value: *gradient,
        });
    }
    means
}

/// Moves the parameter's average: value + decay · (average - value), where the first decay is 0.
fn average(context: &mut UpdateContext, value: ValueId, decay: f64) {
    let (state, old) = context.average();
    let difference = context.graph.subtract(old, value);
    let kept = context
        .graph
        .scale_by(difference, StepScalar::AverageDecay { decay });
    let new = context.graph.add(value, kept);
    context.assign(state, new);
}

/// The optimizer's arguments for one parameter.
fn arguments_for(updates: &Updates, training: Training) -> Arguments {
    let mut arguments = updates.arguments.clone();
    let own = [("lr", training.lr), ("weight_decay", training.weight_decay)];
    for (name, value) in own {
        if let Some(value) = value {
            arguments = arguments.with(name, ArgumentValue::Number(value));
        }
    }
    arguments
}

/// Scales all gradients by min(1, max_norm / (norm + 1e-6)), the norm taken over all of them.
fn clip(graph: &mut Graph, gradients: &mut [(StateId, ValueId)], max_norm: f64) {
    let mut total: Option<ValueId> = None;
    for (_, gradient) in gradients.iter() {
        graph.current_origin = graph.node(*gradient).origin;
        let square = graph.map(ScalarFunction::Square, *gradient);
        let sum = graph.sum(square, Axis::All);
        total = Some(match total {
            Some(total) => graph.add(total, sum),
            None => sum,
        });
    }
    let Some(total) = total else {
        return;
    };
    let norm = graph.map(ScalarFunction::Sqrt, total);
    graph.nodes[norm.index()].name = Some("gradient_norm".into());
    let guarded = graph.offset(norm, CLIP_GUARD);
    let limit = graph.constant(max_norm, &Shape::scalar());
    let ratio = graph.divide(limit, guarded);
    let factor = graph.map(ScalarFunction::AtMost { bound: 1.0 }, ratio);
    graph.nodes[factor.index()].name = Some("clip_factor".into());
    for (_, gradient) in gradients.iter_mut() {
        graph.current_origin = graph.node(*gradient).origin;
        let shape = graph.shape(*gradient).clone();
        let wide = graph.broadcast(factor, &shape);
        *gradient = graph.multiply(*gradient, wide);
    }
}
