//! Where a network's numbers ceased to be finite: the epoch is repeated up to the step at fault, and
//! that step is evaluated by the reference evaluator.

use super::initialize;
use super::trainer::Trainer;
use crate::diagnostics::Span;
use crate::graph::reference::{self, StepContext, Tensor};
use crate::kernels::Element;
use crate::plan::Precision;

/// Where the numbers of a network ceased to be finite.
#[derive(Clone, PartialEq, Debug)]
pub struct NonFinite {
    pub epoch: usize,
    /// The update within the run, from 1.
    pub update: u64,
    pub loss: f64,
    /// The stage whose result is the first that is not finite, with its place in the text; `None` if
    /// the reference evaluation of the step is finite throughout.
    pub stage: Option<(String, Span)>,
    /// Rows of the batch, by their position in the training rows, whose values are not finite.
    pub rows: Vec<u32>,
}

impl<T: Element> Trainer<'_, T> {
    /// Repeats the epoch from its beginning up to the step whose loss was not finite, and that step by
    /// the reference evaluator.
    pub(super) fn find_non_finite(&mut self, batch_index: usize) -> NonFinite {
        self.put_back();
        for index in 0..batch_index {
            self.step(index);
        }
        let update = self.updates_done + 1;
        let draw = match self.accumulation {
            Some(_) => self.batches_done() + batch_index as u64 + 1,
            None => update,
        };
        let range = self.batch_rows(batch_index);
        let rows: Vec<u32> = match self.shuffle {
            Some(_) => self.order[range].to_vec(),
            None => range.map(|row| row as u32).collect(),
        };
        let phase = self
            .compiled
            .train
            .as_ref()
            .expect("a model that trains has a plan for it");
        let states: Vec<Tensor> = self.reference_states();
        let inputs = batch_tensor(&self.data.inputs, phase.plan.inputs.features, &rows);
        let width = phase.plan.targets.map_or(0, |targets| targets.features);
        let targets = batch_tensor(&self.data.targets, width, &rows);
        let moment = StepContext {
            rows: rows.len(),
            update: draw,
            seed: self.compiled.seed,
            inputs: &inputs,
            targets: &targets,
            states: &states,
            scalars: &reference::scalars(&phase.graph, update, rows.len(), 1.0),
        };
        let values = match phase.plan.precision {
            Precision::F32 => {
                reference::evaluate(&phase.graph, &moment, |value| value as f32 as f64)
            }
            Precision::F64 => reference::evaluate(&phase.graph, &moment, |value| value),
        };
        let first = reference::first_non_finite(&values);
        let loss = phase
            .graph
            .loss
            .map_or(f64::NAN, |loss| values[loss.index()].data[0]);
        let stage = first.map(|value| {
            let origin = phase.graph.origin(phase.graph.node(value).origin);
            (origin.label.to_string(), origin.span)
        });
        let bad_rows = first.map_or(Vec::new(), |value| {
            let tensor = &values[value.index()];
            if phase.graph.shape(value).batch {
                let width = tensor.width().max(1);
                let chunks = tensor.data.chunks(width).zip(&rows);
                chunks
                    .filter(|(chunk, _)| chunk.iter().any(|value| !value.is_finite()))
                    .map(|(_, row)| *row)
                    .collect()
            } else {
                Vec::new()
            }
        });
        NonFinite {
            epoch: self.epochs_done + 1,
            update,
            loss,
            stage,
            rows: bad_rows,
        }
    }

    fn reference_states(&self) -> Vec<Tensor> {
        let places = self.compiled.states.places.iter();
        places
            .map(|place| {
                let dims = place.state.shape.dims.iter();
                Tensor {
                    shape: dims
                        .map(|dim| dim.known().expect("a model that runs knows its shapes"))
                        .collect(),
                    data: initialize::read(&self.arena, place)
                        .into_iter()
                        .map(Element::to_f64)
                        .collect(),
                }
            })
            .collect()
    }
}

fn batch_tensor<T: Element>(data: &[T], width: usize, rows: &[u32]) -> Tensor {
    let values = rows.iter().flat_map(|row| {
        let first = *row as usize * width;
        data[first..first + width]
            .iter()
            .map(|value| value.to_f64())
    });
    Tensor {
        shape: vec![rows.len(), width],
        data: values.collect(),
    }
}
