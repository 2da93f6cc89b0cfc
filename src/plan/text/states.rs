//! The plan's table of parameters and buffers.

use std::fmt;

use super::fold::{Folded, fold};
use super::signatures;
use super::table::TextTable;
use crate::graph::Phase;
use crate::graph::state::StateKind;
use crate::plan::layout::StatePlace;
use crate::plan::{Plan, Target};

impl Plan {
    pub(super) fn write_states(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let kept = |place: &&StatePlace| match place.state.kind {
            StateKind::Parameter | StateKind::Buffer => true,
            StateKind::Slot(_) | StateKind::Average(_) => {
                self.phase == Phase::Train && self.target == Target::Native
            }
        };
        let places: Vec<&StatePlace> = self.states.places.iter().filter(kept).collect();
        if places.is_empty() {
            return Ok(());
        }
        writeln!(formatter, "\n  parameters")?;
        let folded = match self.target {
            Target::Reference => {
                let signatures = places.iter().map(|place| signatures::of_state(place));
                fold(signatures.map(Some).collect())
            }
            // The places of equal iterations differ.
            Target::Native => (0..places.len()).map(Folded::One).collect(),
        };
        let mut table = TextTable::new("      ");
        table.folded(&folded, &mut |at| self.state_row(places[at]));
        write!(formatter, "{table}")
    }

    fn state_row(&self, place: &StatePlace) -> Vec<String> {
        let state = &place.state;
        let distribution = state
            .initializer
            .distribution(&state.fan_in, &state.fan_out);
        let initial = match (state.integer, distribution) {
            (true, _) => "counts batches".to_string(),
            (false, Some(distribution)) => distribution.text(),
            (false, None) => "depends on the data".to_string(),
        };
        let initial = match place.state.training.text() {
            own if own.is_empty() => initial,
            own => format!("{initial}, {own}"),
        };
        let at = match self.target {
            Target::Reference => String::new(),
            Target::Native => format!("at {} {}", place.matrix.at.0, place.layout.name()),
        };
        vec![state.name.clone(), state.shape.row_text(), initial, at]
    }
}
