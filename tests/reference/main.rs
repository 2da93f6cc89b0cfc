//! The fused plans agree with the reference evaluator on random networks over all that the language
//! gives a meaning to: loss, parameters, buffers and slots after every update, and the outputs of the
//! evaluation and prediction plans.
//!
//! Agreement is |a - b| ≤ tolerance · max(|b|, s), s the first loss, or the largest magnitude in a tensor:
//! 1 at least for outputs, parameters and buffers, and for a slot a tenth of the largest of its kind,
//! since a gradient may be what is left of larger terms. Both start each update from the same states.
//!
//! Adam divides a gradient by its own size, so where a gradient is rounding (terms that cancel, such as
//! those of a layer before BatchNorm's mean) its step is rounding blown up to ±lr. There, and only
//! there, a parameter may differ by two steps; a test bounds how often.

#[path = "../support/calls.rs"]
mod calls;
mod generate;
#[path = "../support/stepper.rs"]
mod stepper;
#[path = "../support/mod.rs"]
mod support;

use generate::{Generated, generate};
use nnc::data::Element as Prepares;
use nnc::graph::reference::{Tensor, assign};
use nnc::graph::state::StateKind;
use nnc::kernels::Element;
use nnc::plan::Precision;
use stepper::{Stepper, reference};
use support::{Loaded, agree};

const NETWORKS: u64 = 600;
const EPOCHS: usize = 2;

struct Tolerance {
    relative: f64,
    /// The share of the step's largest first moment below which one may be rounding.
    rounding: f64,
}

const F64: Tolerance = Tolerance {
    relative: 1e-10,
    rounding: 1e-6,
};
const F32: Tolerance = Tolerance {
    relative: 1e-4,
    rounding: 1e-3,
};

/// How many elements of parameters were compared, and how many of them as Adam's rounding.
#[derive(Default)]
struct Compared {
    all: usize,
    rounding: usize,
}

fn compare(
    what: &str,
    found: &[f64],
    expected: &[f64],
    floor: f64,
    tolerance: f64,
) -> Result<(), String> {
    assert_eq!(found.len(), expected.len(), "{what}");
    let scale = expected
        .iter()
        .fold(floor, |scale, value| scale.max(value.abs()));
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        if !agree(*found, *expected, scale, tolerance) {
            return Err(format!(
                "{what}[{index}]: {found:e} instead of {expected:e}"
            ));
        }
    }
    Ok(())
}

/// The largest magnitude in the slots that end as this one does, over all parameters.
fn largest_slot(loaded: &Loaded, states: &[Tensor], name: &str) -> f64 {
    let suffix = |name: &str| name.rsplit('.').next().map(str::to_string);
    let places = loaded.compiled.states.places.iter().zip(states);
    places
        .filter(|(place, _)| suffix(&place.state.name) == suffix(name))
        .flat_map(|(_, tensor)| &tensor.data)
        .fold(0.0, |largest: f64, value| largest.max(value.abs()))
}

/// Trains by the plan and by the reference evaluator, and compares after each update.
fn check<T: Element + Prepares>(
    loaded: &Loaded,
    generated: &Generated,
    tolerance: &Tolerance,
    compared: &mut Compared,
) -> Result<(), String> {
    let compiled = &loaded.compiled;
    let phase = compiled.train.as_ref().unwrap();
    let optimizer = compiled.declaration.train.as_ref().unwrap();
    let lr = optimizer.optimizer.as_ref().unwrap().arguments.number("lr");
    let mut stepper = Stepper::<T>::new(loaded, phase);
    let mut states = stepper.states();
    let rows: Vec<u32> = (0..generated.rows as u32).rev().collect();
    let mut first_loss = None;
    let mut update = 0;
    for batch in (0..EPOCHS).flat_map(|_| rows.chunks(generated.batch)) {
        update += 1;
        stepper.run(batch, update);
        let values = reference::<T>(loaded, phase, &states, batch, update);
        assign(&phase.graph, &values, &mut states);
        let loss = values[phase.graph.loss.unwrap().index()].data[0];
        let scale = *first_loss.get_or_insert(loss.abs());
        let at = |name: &str| format!("update {update}: {name}");
        compare(
            &at("loss"),
            &[stepper.loss()],
            &[loss],
            scale,
            tolerance.relative,
        )?;
        let mut found = stepper.states();
        for (index, place) in compiled.states.places.iter().enumerate() {
            let name = &place.state.name;
            let floor = match place.state.kind {
                StateKind::Parameter | StateKind::Buffer => 1.0,
                StateKind::Slot(_) => 0.1 * largest_slot(loaded, &states, name),
            };
            let moment = format!("{name}.exp_avg");
            let places = &compiled.states.places;
            if let Some(moment) = places.iter().position(|place| place.state.name == moment) {
                let bound = tolerance.rounding * largest_slot(loaded, &states, ".exp_avg");
                for element in 0..place.elements() {
                    let expected = states[index].data[element];
                    let difference = (found[index].data[element] - expected).abs();
                    let rounding = states[moment].data[element].abs() <= bound
                        && difference > tolerance.relative * expected.abs().max(floor);
                    if rounding && difference <= 2.0 * lr {
                        compared.rounding += 1;
                        found[index].data[element] = expected;
                    }
                }
            }
            if place.state.kind == StateKind::Parameter {
                compared.all += place.elements();
            }
            let (found, expected) = (&found[index].data, &states[index].data);
            compare(&at(name), found, expected, floor, tolerance.relative)?;
        }
        stepper.set_states(&states);
        states = stepper.states();
    }
    outputs::<T>(loaded, &states, &rows, tolerance)
}

/// The outputs of the plans that do not train, and the loss of the evaluation plan.
fn outputs<T: Element + Prepares>(
    loaded: &Loaded,
    states: &[Tensor],
    rows: &[u32],
    tolerance: &Tolerance,
) -> Result<(), String> {
    let compiled = &loaded.compiled;
    for phase in [compiled.evaluate.as_ref().unwrap(), &compiled.predict] {
        let name = phase.plan.phase.name();
        let mut stepper = Stepper::<T>::new(loaded, phase);
        stepper.set_states(states);
        // All rows, and a part of them as a tail batch is.
        for rows in [rows, &rows[..rows.len() / 3 + 1]] {
            stepper.run(rows, 0);
            let values = reference::<T>(loaded, phase, states, rows, 0);
            let expected = &values[phase.graph.prediction.unwrap().index()].data;
            let found = stepper.prediction(rows.len());
            let what = format!("{name}: output");
            compare(&what, &found, expected, 1.0, tolerance.relative)?;
            if let Some(loss) = phase.graph.loss {
                let expected = values[loss.index()].data[0];
                let what = format!("{name}: loss");
                compare(
                    &what,
                    &[stepper.loss()],
                    &[expected],
                    1.0,
                    tolerance.relative,
                )?;
            }
        }
        let unchanged = stepper.states();
        assert_eq!(unchanged, states, "the {name} plan changed a state");
    }
    Ok(())
}

#[test]
fn fused_plans_agree_with_the_reference_evaluator() {
    let mut faults = Vec::new();
    let mut compared = Compared::default();
    for number in 0..NETWORKS {
        let generated = generate(number);
        let name = format!("network{number}");
        let loaded = support::try_load(&name, &generated.model, &generated.csv).unwrap_or_else(
            |(found, sources)| {
                let rendered = nnc::diagnostics::render_all(&found, &sources);
                panic!("network {number}:\n{}\n{rendered}", generated.model)
            },
        );
        let checked = match loaded.compiled.predict.plan.precision {
            Precision::F32 => check::<f32>(&loaded, &generated, &F32, &mut compared),
            Precision::F64 => check::<f64>(&loaded, &generated, &F64, &mut compared),
        };
        if let Err(fault) = checked {
            faults.push(format!("network {number}: {fault}\n{}", generated.model));
        }
    }
    let count = faults.len();
    faults.truncate(5);
    assert!(count == 0, "{count} networks differ\n{}", faults.join("\n"));
    let Compared { all, rounding } = compared;
    assert!(
        rounding * 1000 < all,
        "{rounding} of {all} elements were compared as rounding"
    );
}
