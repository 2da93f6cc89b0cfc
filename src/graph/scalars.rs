//! The numbers of a graph that are set before each step, equal ones once.

use std::collections::HashMap;
use std::mem::{Discriminant, discriminant};
use std::ops::Deref;

use super::state::{ScalarId, StepScalar};

/// A list in the order of the first uses, and where each stands in it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Scalars {
    list: Vec<StepScalar>,
    places: HashMap<Key, ScalarId>,
}

type Key = (Discriminant<StepScalar>, [u64; 2]);

impl Scalars {
    /// The id of a number, which is added if it is a new one.
    pub fn id_of(&mut self, scalar: StepScalar) -> ScalarId {
        *self.places.entry(key(scalar)).or_insert_with(|| {
            let index = u32::try_from(self.list.len()).expect("fewer than 2^32 scalars");
            self.list.push(scalar);
            ScalarId(index)
        })
    }
}

impl Deref for Scalars {
    type Target = [StepScalar];

    fn deref(&self) -> &[StepScalar] {
        &self.list
    }
}

/// What tells two numbers apart: their kinds and the bits of what they are computed from.
fn key(scalar: StepScalar) -> Key {
    let (a, b) = match scalar {
        StepScalar::LearningRate { lr } => (lr, 0.0),
        StepScalar::DecoupledDecay { lr, weight_decay } => (lr, weight_decay),
        StepScalar::AdamStepSize { lr, beta1 } => (lr, beta1),
        StepScalar::AdamRootCorrection { beta2 } => (beta2, 0.0),
        StepScalar::Undamped { dampening } => (dampening, 0.0),
        StepScalar::MeanScale { factor } => (factor, 0.0),
        StepScalar::AverageDecay { decay } => (decay, 0.0),
        StepScalar::BesselCorrection | StepScalar::Share => (0.0, 0.0),
    };
    (discriminant(&scalar), [a, b].map(f64::to_bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_numbers_share_an_id() {
        let mut scalars = Scalars::default();
        let given = [
            StepScalar::LearningRate { lr: 0.5 },
            StepScalar::AverageDecay { decay: 0.5 },
            StepScalar::Share,
            StepScalar::LearningRate { lr: 0.5 },
            StepScalar::LearningRate { lr: 0.25 },
            StepScalar::Share,
        ];
        let ids = given.map(|scalar| scalars.id_of(scalar).0);
        assert_eq!(ids, [0, 1, 2, 0, 3, 2]);
        assert_eq!(scalars[..3], given[..3]);
        assert_eq!(scalars.len(), 4);
    }
}
