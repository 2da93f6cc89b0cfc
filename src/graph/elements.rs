//! How many numbers a model keeps, in the words in which every total says it.

use std::collections::HashMap;
use std::fmt;

use super::ops::Op;
use super::state::{State, StateId, StateKind};
use super::{Graph, OriginId};

/// The elements of parameters and buffers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct Elements {
    pub trainable: usize,
    pub frozen: usize,
    pub buffers: usize,
}

impl Elements {
    /// Those of one state: slots and averages belong to the training, not to the model.
    pub fn of(state: &State, elements: usize) -> Elements {
        let mut of = Elements::default();
        match state.kind {
            StateKind::Parameter if state.training.frozen => of.frozen = elements,
            StateKind::Parameter => of.trainable = elements,
            StateKind::Buffer => of.buffers = elements,
            StateKind::Slot(_) | StateKind::Average(_) => {}
        }
        of
    }

    /// Trainable and frozen ones.
    pub fn parameters(&self) -> usize {
        self.trainable.saturating_add(self.frozen)
    }

    pub fn plus(self, other: Elements) -> Elements {
        Elements {
            trainable: self.trainable.saturating_add(other.trainable),
            frozen: self.frozen.saturating_add(other.frozen),
            buffers: self.buffers.saturating_add(other.buffers),
        }
    }
}

impl std::iter::Sum for Elements {
    fn sum<I: Iterator<Item = Elements>>(all: I) -> Elements {
        all.fold(Elements::default(), Elements::plus)
    }
}

impl fmt::Display for Elements {
    /// `62 parameters (12 frozen) · 9 buffer elements`: frozen ones and buffers where there are any.
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        let parameters = self.parameters();
        write!(formatter, "{parameters} parameter{}", plural(parameters))?;
        if self.frozen > 0 {
            write!(formatter, " ({} frozen)", self.frozen)?;
        }
        if self.buffers > 0 {
            let buffers = self.buffers;
            write!(formatter, " · {buffers} buffer element{}", plural(buffers))?;
        }
        Ok(())
    }
}

/// The states that no node reads, such as counts of batches, with the layers whose paths their names
/// continue.
pub fn unread(graph: &Graph) -> Vec<(StateId, OriginId)> {
    let mut read = vec![false; graph.states.len()];
    let mut layers: HashMap<&str, OriginId> = HashMap::new();
    for node in &graph.nodes {
        if let Op::State(state) = node.op {
            read[state.0 as usize] = true;
        }
        let label = &*graph.origin(node.origin).label;
        let path = label.split([':', '#']).next().unwrap_or(label);
        layers.entry(path).or_insert(node.origin);
    }
    let unread = graph.state_ids().zip(read).filter(|(_, read)| !read);
    let layer_of = |state: StateId| {
        let (path, _) = graph.state(state).name.rsplit_once('.')?;
        layers.get(path).copied()
    };
    unread
        .filter_map(|(state, _)| Some((state, layer_of(state)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::Elements;

    #[test]
    fn totals_tell_apart_what_there_is() {
        let text = |trainable, frozen, buffers| {
            let elements = Elements {
                trainable,
                frozen,
                buffers,
            };
            elements.to_string()
        };
        assert_eq!(text(25, 0, 0), "25 parameters");
        assert_eq!(text(0, 1, 0), "1 parameter (1 frozen)");
        assert_eq!(
            text(50, 12, 9),
            "62 parameters (12 frozen) · 9 buffer elements"
        );
        assert_eq!(text(0, 0, 1), "0 parameters · 1 buffer element");
    }
}
