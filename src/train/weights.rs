//! Parameters and buffers as a safetensors file, with PyTorch's names, shapes and row-major order.

use std::collections::BTreeMap;

use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};

use super::initialize;
use crate::diagnostics::{Code, Diagnostic, Faults};
use crate::graph::state::StateKind;
use crate::kernels::{Arena, Element};
use crate::plan::Precision;
use crate::plan::layout::{StateLayout, StatePlace};

/// The parameters and buffers of a layout; slots belong to the optimizer.
fn saved(states: &StateLayout) -> impl Iterator<Item = (usize, &StatePlace)> {
    let places = states.places.iter().enumerate();
    places.filter(|(_, place)| match place.state.kind {
        StateKind::Parameter | StateKind::Buffer => true,
        StateKind::Slot(_) | StateKind::Average(_) => false,
    })
}

fn torch_shape(place: &StatePlace) -> Vec<usize> {
    let dims = place.state.shape.dims.iter();
    dims.map(|dim| dim.known().expect("a model that runs knows its shapes"))
        .collect()
}

/// The bytes of a safetensors file that PyTorch's `load_state_dict` takes. Whole-number buffers count
/// the batches on top of what they began with.
pub fn to_bytes<T: Element>(
    arena: &Arena<T>,
    states: &StateLayout,
    precision: Precision,
    batches: u64,
) -> Result<Vec<u8>, String> {
    let mut tensors: BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)> = BTreeMap::new();
    let averages = states.averages();
    for (index, place) in saved(states) {
        // Where parameters are averaged, the averages are what was trained.
        let average = averages.get(&index);
        let read = average.map_or(place, |average| &states.places[*average]);
        let values = initialize::read(arena, read);
        let values = values.into_iter().map(Element::to_f64);
        let (dtype, bytes) = match (place.state.integer, precision) {
            (true, _) => {
                let counted = batches.saturating_mul(place.state.uses) as i64;
                let counts = values.map(|value| value as i64 + counted);
                (Dtype::I64, counts.flat_map(i64::to_le_bytes).collect())
            }
            (false, Precision::F32) => {
                let bytes = values.flat_map(|value| (value as f32).to_le_bytes());
                (Dtype::F32, bytes.collect())
            }
            (false, Precision::F64) => (Dtype::F64, values.flat_map(f64::to_le_bytes).collect()),
        };
        let tensor = (dtype, torch_shape(place), bytes);
        for alias in &place.state.aliases {
            tensors.insert(alias.clone(), tensor.clone());
        }
        tensors.insert(place.state.name.clone(), tensor);
    }
    let views = tensors.iter().map(|(name, (dtype, shape, bytes))| {
        TensorView::new(*dtype, shape.clone(), bytes).map(|view| (name, view))
    });
    let views: Vec<_> = views
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())?;
    serialize(views, None).map_err(|error| error.to_string())
}

/// The values of each state, in PyTorch's order, by the state's number in the layout.
pub type StateValues = Vec<(usize, Vec<f64>)>;

/// Reads a safetensors file against a layout. Buffers may be missing; parameters may not.
///
/// # Errors
/// All names that are missing or unknown, and all shapes and types that differ.
pub fn from_bytes(bytes: &[u8], name: &str, states: &StateLayout) -> Result<StateValues, Faults> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| {
        vec![Diagnostic::without_place(
            Code::BadWeights,
            format!("`{name}` is not a safetensors file: {error}"),
        )]
    })?;
    let mut faults = Vec::new();
    let mut values = Vec::new();
    let known: Vec<&str> = saved(states)
        .flat_map(|(_, place)| {
            let aliases = place.state.aliases.iter();
            aliases.chain([&place.state.name]).map(String::as_str)
        })
        .collect();
    let found: Vec<&str> = file.names().into_iter().collect();
    let averages = states.averages();
    for (index, place) in saved(states) {
        let wanted = place.state.name.as_str();
        let Ok(tensor) = file.tensor(wanted) else {
            if place.state.kind == StateKind::Parameter {
                let unknown = found.iter().filter(|found| !known.contains(found));
                faults.push(missing(name, wanted, place, unknown.copied()));
            }
            continue;
        };
        if tensor.shape() != torch_shape(place) {
            faults.push(Diagnostic::without_place(
                Code::WeightShapes,
                format!(
                    "`{wanted}` has shape {:?} in `{name}`, but {:?} in the model",
                    tensor.shape(),
                    torch_shape(place)
                ),
            ));
            continue;
        }
        match numbers(tensor.dtype(), tensor.data()) {
            Some(numbers) if numbers.iter().all(|number| number.is_finite()) => {
                let average = averages.get(&index);
                values.extend(average.map(|average| (*average, numbers.clone())));
                values.push((index, numbers));
            }
            Some(_) => faults.push(Diagnostic::without_place(
                Code::BadWeights,
                format!("`{wanted}` in `{name}` holds a non-finite number"),
            )),
            None => faults.push(Diagnostic::without_place(
                Code::WeightShapes,
                format!(
                    "`{wanted}` in `{name}` is of type {:?}; F32, F64 and I64 are read",
                    tensor.dtype()
                ),
            )),
        }
    }
    let mut unknown: Vec<&str> = found
        .into_iter()
        .filter(|found| !known.contains(found))
        .collect();
    unknown.sort_unstable();
    faults.extend(unknown.into_iter().map(|unknown| {
        Diagnostic::without_place(
            Code::WeightNames,
            format!("`{unknown}` in `{name}` is not a parameter of the model"),
        )
    }));
    if faults.is_empty() {
        Ok(values)
    } else {
        Err(faults)
    }
}

fn missing<'n>(
    file: &str,
    wanted: &str,
    place: &StatePlace,
    unknown: impl Iterator<Item = &'n str>,
) -> Diagnostic {
    let fault = Diagnostic::without_place(
        Code::WeightNames,
        format!(
            "`{file}` has no `{wanted}` of shape {}",
            place.state.shape.row_text()
        ),
    );
    match crate::diagnostics::near_miss(wanted, unknown) {
        Some(near) => fault.help(format!("it has `{near}`")),
        None => fault,
    }
}

fn numbers(dtype: Dtype, bytes: &[u8]) -> Option<Vec<f64>> {
    fn words<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> {
        let chunks = bytes.chunks_exact(N);
        chunks.map(|chunk| chunk.try_into().expect("chunks have this length"))
    }
    match dtype {
        Dtype::F32 => Some(
            words(bytes)
                .map(|word| f64::from(f32::from_le_bytes(word)))
                .collect(),
        ),
        Dtype::F64 => Some(words(bytes).map(f64::from_le_bytes).collect()),
        Dtype::I64 => Some(
            words(bytes)
                .map(|word| i64::from_le_bytes(word) as f64)
                .collect(),
        ),
        _ => None,
    }
}
