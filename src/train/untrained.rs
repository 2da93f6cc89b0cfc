//! Rows of embeddings that no training row looks up.

use crate::compile::Compiled;
use crate::data::category::PreparedUnknown;
use crate::data::prepare::{Preparation, PreparedField, PreparedKind};
use crate::data::spec::Role;
use crate::graph::ops::Op;
use crate::graph::shape::Dim;
use crate::graph::{Graph, ValueId};
use crate::kernels::Element;
use crate::train::{Trainer, initialize};

/// Gives the row of `unknown = own` in an embedding the mean of the others where no training row has
/// trained it, for it would be what it was drawn as.
pub fn fill_untrained_rows<T: Element>(
    trainer: &mut Trainer<T>,
    compiled: &Compiled,
    preparation: &Preparation,
) {
    let averages = compiled.states.averages();
    for (feature, rows) in untrained(preparation) {
        for table in tables_of(&compiled.network, feature) {
            for index in [Some(&table), averages.get(&table)].into_iter().flatten() {
                let place = &compiled.states.places[*index];
                let values = initialize::read(trainer.arena(), place);
                let mut values: Vec<f64> = values.into_iter().map(Element::to_f64).collect();
                let width = values.len() / rows;
                let (trained, last) = values.split_at_mut(width * (rows - 1));
                for (at, value) in last.iter_mut().enumerate() {
                    let column = trained.iter().skip(at).step_by(width);
                    *value = column.sum::<f64>() / (rows - 1) as f64;
                }
                trainer.set_state(*index, &values);
            }
        }
    }
}

/// The features of inputs whose last index no training row has, with the number of indices.
fn untrained(preparation: &Preparation) -> Vec<(usize, usize)> {
    let mut feature = 0;
    let inputs = preparation.fields_of(Role::Input);
    let found = inputs.filter_map(|field: &PreparedField| {
        let own = feature;
        feature += field.width();
        match &field.kind {
            PreparedKind::Category(category) => {
                let untrained = category.unknown == PreparedUnknown::Own { trained: false };
                untrained.then(|| (own, category.indices()))
            }
            PreparedKind::Numbers(_) | PreparedKind::Indicators(_) => None,
        }
    });
    found.collect()
}

/// The states, by their places, in which a network looks up the rows of a feature.
fn tables_of(network: &Graph, feature: usize) -> Vec<usize> {
    let is_feature = |index: ValueId| match &network.node(index).op {
        Op::Slice { start, .. } => *start == Dim::Known(feature),
        Op::Input { .. } => feature == 0,
        _ => false,
    };
    let gathers = network
        .nodes
        .iter()
        .filter(|node| matches!(node.op, Op::Gather));
    let gathers = gathers.filter(|node| is_feature(node.operands[1]));
    let tables = gathers.filter_map(|node| match &network.node(node.operands[0]).op {
        Op::State(state) => Some(state.0 as usize),
        _ => None,
    });
    let mut tables: Vec<usize> = tables.collect();
    tables.sort_unstable();
    tables.dedup();
    tables
}
