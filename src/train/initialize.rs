//! First values of parameters and buffers: a function of (seed, path, element) alone.

use crate::graph::state::{Distribution, StateKind};
use crate::kernels::{Arena, Element};
use crate::plan::layout::{StateLayout, StatePlace};
use crate::plan::step::Offset;
use crate::random::Stream;

/// What the random stream of initial values is for.
const PURPOSE: &str = "init";

/// The values of a state in PyTorch's order, as its initializer draws them.
pub fn initial_values(place: &StatePlace, seed: u64) -> Vec<f64> {
    let state = &place.state;
    let distribution = state
        .initializer
        .distribution(&state.fan_in, &state.fan_out)
        .expect("a model that runs knows its shapes");
    let mut values = vec![0.0; place.elements()];
    let stream = Stream::new(seed, PURPOSE, &state.name);
    match distribution {
        Distribution::Constant(value) => values.fill(value),
        Distribution::Uniform { bound } => {
            stream.fill_uniform(0, &mut values);
            for value in &mut values {
                *value = (2.0 * *value - 1.0) * bound;
            }
        }
        Distribution::Normal { deviation } => {
            stream.fill_normal(0, &mut values);
            for value in &mut values {
                *value *= deviation;
            }
        }
    }
    values
}

/// Writes the first values of all parameters, their averages and buffers; slots stay zero.
pub fn initialize<T: Element>(arena: &mut Arena<T>, states: &StateLayout, seed: u64) {
    for place in &states.places {
        match place.state.kind {
            StateKind::Parameter | StateKind::Buffer => {
                write(arena, place, &initial_values(place, seed));
            }
            // Until there is an average, it is the parameter.
            StateKind::Average(parameter) => {
                let parameter = states.place(parameter);
                write(arena, place, &initial_values(parameter, seed));
            }
            StateKind::Slot(_) => {}
        }
    }
}

/// Writes a state from values in PyTorch's order.
pub fn write<T: Element>(arena: &mut Arena<T>, place: &StatePlace, values: &[f64]) {
    let to = arena.slice_mut(place.matrix.at, place.span());
    for (position, value) in place.positions().zip(values) {
        to[position] = T::constant(*value);
    }
}

/// Reads a state in PyTorch's order.
pub fn read<T: Element>(arena: &Arena<T>, place: &StatePlace) -> Vec<T> {
    let from = arena.slice(place.matrix.at, place.span());
    place.positions().map(|position| from[position]).collect()
}

/// All states as they lie, for keeping and putting back.
pub fn all<'a, T: Element>(arena: &'a Arena<T>, states: &StateLayout) -> &'a [T] {
    arena.slice(Offset(0), states.end)
}
