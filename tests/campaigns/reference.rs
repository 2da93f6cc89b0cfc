//! The fused plans agree with the reference evaluator on random networks over all that the language
//! gives a meaning to: loss, parameters, buffers and slots after every update, and the outputs of the
//! evaluation and prediction plans.
//!
//! Agreement is |a - b| ≤ tolerance · max(|b|, s), s the first loss, or the largest magnitude in a tensor:
//! 1 at least for outputs, parameters and buffers, and for a slot a tenth of the largest of its kind,
//! since a gradient may be what is left of larger terms. Both start each update from the same states.
//!
//! Where rounding decides, no two ways to compute agree, so four things are left out, and the test
//! bounds how often, over the fixed sample and over all networks:
//! - an update whose forward pass comes next to a kink, which rounding puts on either side of it;
//! - an element of a parameter that the reference evaluator itself misses by as much when it rounds every
//!   value to f32, or of a slot where it misses any slot of the kind so: BatchNorm divides by small
//!   deviations, and what it enlarges cancels further back. The reference rounds a sum once, a kernel each
//!   of its terms, so what is missed counts [`OF_A_SUM`] times, and more where sums are long;
//! - a step of Adam on a gradient that is rounding (terms that cancel, such as those of a layer before
//!   BatchNorm's mean): it divides the gradient by its own size, which makes it a whole step up or down;
//! - what follows in a training that has diverged: activations that are all saturated leave columns of
//!   rounding, which BatchNorm enlarges.

use nnc::compile::PhasePlan;
use nnc::data::MatrixElement as Prepares;
use nnc::data::table::Part;
use nnc::graph::reference::{Tensor, assign};
use nnc::graph::state::StateKind;
use nnc::kernels::Element;
use nnc::plan::Precision;

use super::drawn::Drawn;
use super::workers;
use crate::support::campaign::{self, Share};
use crate::support::networks::{Generated, NETWORKS, generate};
use crate::support::stepper::{Stepper, kink_distances, reference, reference_in_group};
use crate::support::{self, Loaded, agree};

/// One network in so many is in the sample.
const SAMPLE: u64 = 16;

/// One network in so many also runs on several workers, as all do that are large enough for them.
const ONE_ON_WORKERS: usize = 20;

const EPOCHS: usize = 2;

/// How many times what the reference evaluator in f32 misses a kernel may miss: so many times in networks whose
/// sums are short, and for each root of a term where one is longer than [`SHORT_SUM`].
const OF_A_SUM: f64 = 10.0;
const OF_A_TERM: f64 = 6.0;
const SHORT_SUM: usize = 64;

/// A training has diverged when its loss is more than so many times the first.
const DIVERGED: f64 = 1e6;

struct Tolerance {
    relative: f64,
    /// The share of the step's largest first moment below which one may be rounding.
    rounding: f64,
    /// Next to a kink: nearer than this, and not on it.
    kink: f64,
}

const F64: Tolerance = Tolerance {
    relative: 1e-10,
    rounding: 1e-6,
    kink: 1e-12,
};
const F32: Tolerance = Tolerance {
    relative: 1e-4,
    rounding: 1e-3,
    kink: 1e-5,
};

/// The smallest gradient, and slot of gradients, that is not taken for what is left of larger terms.
const SMALLEST_GRADIENT: f64 = 1e-3;

/// What was compared, and what of it was left out.
#[derive(Default)]
struct Compared {
    elements: usize,
    rounding: usize,
    updates: usize,
    kinks: usize,
    diverged: usize,
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

/// One update, by the plan and by the reference evaluator.
struct Update<'u> {
    loaded: &'u Loaded,
    tolerance: &'u Tolerance,
    /// States after the update, the plan's and the reference's.
    found: &'u [Tensor],
    expected: &'u [Tensor],
    /// By how much the reference in f32 misses them.
    missed: &'u [Tensor],
    /// How many terms the longest sum has.
    longest_sum: usize,
}

impl Update<'_> {
    /// The tolerance of a state, and the least magnitude that it is relative to.
    fn tolerance(&self, state: usize) -> (f64, f64) {
        let place = &self.loaded.compiled.states.places[state];
        let relative = self.tolerance.relative;
        let name = &place.state.name;
        match place.state.kind {
            StateKind::Parameter | StateKind::Buffer => (relative, 1.0),
            StateKind::Slot(_) | StateKind::Average(_) => {
                let largest = 0.1 * largest_slot(self.loaded, self.expected, name);
                if name.ends_with("_sq") {
                    // A square is as exact as what is squared, twice over.
                    (2.0 * relative, largest.max(SMALLEST_GRADIENT.powi(2)))
                } else {
                    (relative, largest.max(SMALLEST_GRADIENT))
                }
            }
        }
    }

    /// Compares a state; gives how many of its elements differ as rounding does.
    fn compare(&self, state: usize) -> Result<usize, String> {
        let (relative, floor) = self.tolerance(state);
        let places = &self.loaded.compiled.states.places;
        let name = &places[state].state.name;
        let [found, expected, missed] =
            [self.found, self.expected, self.missed].map(|states| &states[state].data);
        // An average follows its parameter.
        let parameter = name.strip_suffix(".average").unwrap_or(name);
        let moment = format!("{parameter}.exp_avg");
        let moment = places.iter().position(|place| place.state.name == moment);
        let spec = self.loaded.compiled.declaration.train.as_ref().unwrap();
        let lr = spec.optimizer.as_ref().unwrap().arguments.number("lr");
        let of_a_sum = if self.longest_sum > SHORT_SUM {
            OF_A_TERM * (self.longest_sum as f64).sqrt()
        } else {
            OF_A_SUM
        };
        let missed_slots = largest_slot(self.loaded, self.missed, name);
        let largest_moment = largest_slot(self.loaded, self.expected, ".exp_avg");
        let mut as_rounding = 0;
        let mut compared = found.clone();
        for element in 0..found.len() {
            let difference = (found[element] - expected[element]).abs();
            let missed = match places[state].state.kind {
                StateKind::Slot(_) | StateKind::Average(_) => missed_slots,
                StateKind::Parameter | StateKind::Buffer => missed[element],
            };
            let whole_step = moment.is_some_and(|moment| {
                let gradient = self.expected[moment].data[element].abs();
                gradient <= self.tolerance.rounding * largest_moment && difference <= 2.0 * lr
            });
            let differs = difference > relative * expected[element].abs().max(floor);
            if differs && (whole_step || difference <= of_a_sum * missed) {
                as_rounding += 1;
                compared[element] = expected[element];
            }
        }
        compare(name, &compared, expected, floor, relative)?;
        Ok(as_rounding)
    }
}

/// Compares the training, if there is something to train, and then what the trained network gives.
fn check<T: Element + Prepares>(
    loaded: &Loaded,
    batch: usize,
    tolerance: &Tolerance,
    compared: &mut Compared,
) -> Result<(), String> {
    let rows = loaded.part::<T>(Part::Train).rows as u32;
    let rows: Vec<u32> = (0..rows).rev().collect();
    let states = match &loaded.compiled.train {
        Some(train) => trained::<T>(loaded, train, rows.chunks(batch), tolerance, compared)?,
        None => Some(Vec::new()),
    };
    let Some(states) = states else {
        return Ok(());
    };
    outputs::<T>(loaded, &states, &rows, tolerance)
}

/// Trains by the plan and by the reference evaluator, and compares after each update. The states at the end, or
/// none of a training that has diverged.
fn trained<'r, T: Element + Prepares>(
    loaded: &Loaded,
    train: &PhasePlan,
    batches: impl Iterator<Item = &'r [u32]> + Clone,
    tolerance: &Tolerance,
    compared: &mut Compared,
) -> Result<Option<Vec<Tensor>>, String> {
    let compiled = &loaded.compiled;
    // Over the rows of a batch, or over the features of a row.
    let widths = train
        .graph
        .nodes
        .iter()
        .filter_map(|node| node.shape.width().known());
    let rows = batches.clone().map(<[u32]>::len);
    let longest_sum = widths.chain(rows).max().unwrap_or(1);
    let mut trains = Stepper::<T>::new(loaded, train);
    let adds = compiled.accumulate.as_ref();
    let mut adds = adds.map(|adds| (adds, Stepper::<T>::new(loaded, adds)));
    let group = compiled.declaration.train.as_ref().unwrap().accumulate;
    let mut states = trains.states();
    let mut first_loss = None;
    let batches = (0..EPOCHS).flat_map(|_| batches.clone());
    let mut updates = 1;
    let mut in_group = 0;
    for (index, batch) in batches.enumerate() {
        let number = index as u64 + 1;
        in_group += 1;
        let share = 1.0 / in_group as f64;
        let turn = (number, updates, share);
        let ends = in_group == group;
        let (phase, stepper) = match &mut adds {
            Some((phase, stepper)) if !ends => (*phase, stepper),
            Some(_) | None => (train, &mut trains),
        };
        if ends {
            in_group = 0;
            updates += 1;
        }
        stepper.set_states(&states);
        states = stepper.states();
        stepper.run_in_group(batch, turn.0, turn.1, share);
        let values = reference_in_group::<T>(loaded, phase, &states, batch, turn, |value| value);
        let mut rounded = states.clone();
        let in_f32 = match phase.plan.precision {
            Precision::F32 => {
                reference_in_group::<T>(loaded, phase, &states, batch, turn, |value| {
                    f64::from(value as f32)
                })
            }
            Precision::F64 => values.clone(),
        };
        assign(&phase.graph, &in_f32, &mut rounded);
        assign(&phase.graph, &values, &mut states);
        let next_to_kink = kink_distances(phase, &values)
            .into_iter()
            .any(|distance| distance > 0.0 && distance < tolerance.kink);
        compared.updates += 1;
        compared.kinks += usize::from(next_to_kink);
        if !next_to_kink {
            let at = |fault: String| format!("update {number}: {fault}");
            let loss = values[phase.graph.loss.unwrap().index()].data[0];
            let scale = *first_loss.get_or_insert(loss.abs());
            let found = [stepper.loss()];
            if loss.is_nan() || loss.abs() > DIVERGED * scale {
                compared.diverged += 1;
                return Ok(None);
            }
            compare("loss", &found, &[loss], scale, tolerance.relative).map_err(at)?;
            let pairs = rounded.iter().zip(&states);
            let missed = pairs.map(|(rounded, state)| rounded.zip(state, |a, b| (a - b).abs()));
            let update = Update {
                loaded,
                tolerance,
                found: &stepper.states(),
                expected: &states,
                missed: &missed.collect::<Vec<Tensor>>(),
                longest_sum,
            };
            for (index, place) in compiled.states.places.iter().enumerate() {
                compared.elements += place.elements();
                compared.rounding += update.compare(index).map_err(at)?;
            }
        }
    }
    trains.set_states(&states);
    Ok(Some(trains.states()))
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
            let values = reference::<T>(loaded, phase, states, rows, 0, |value| value);
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

/// A network in one precision, by the plan and by the reference evaluator.
fn check_in(
    loaded: &Loaded,
    precision: Precision,
    batch: usize,
    compared: &mut Compared,
) -> Result<(), String> {
    match precision {
        Precision::F32 => check::<f32>(loaded, batch, &F32, compared),
        Precision::F64 => check::<f64>(loaded, batch, &F64, compared),
    }
}

/// Which networks were drawn, and what was compared of them.
#[derive(Default)]
struct Networks {
    drawn: Drawn,
    compared: Compared,
    faults: Vec<String>,
}

impl Networks {
    /// The network of a number: in the precision that it was drawn with, and in f64, where nothing is left to
    /// rounding.
    fn of(number: usize) -> Networks {
        let Generated {
            kind,
            model,
            csv,
            batch,
        } = generate(number);
        let load = |model: &str| {
            let loaded = support::try_load(&format!("network{number}"), model, &csv);
            loaded.unwrap_or_else(|(found, sources)| {
                let rendered = nnc::diagnostics::render_all(&found, &sources);
                panic!("network {number}:\n{model}\n{rendered}")
            })
        };
        let mut networks = Networks::default();
        let Networks {
            drawn,
            compared,
            faults,
        } = &mut networks;
        let mut add = |result: Result<(), String>, model: &str| {
            faults.extend(
                result
                    .err()
                    .map(|fault| format!("network {number}: {fault}\n{model}")),
            );
        };
        *drawn.of(kind) += 1;
        let loaded = load(&model);
        let precision = loaded.compiled.predict.plan.precision;
        let train = loaded.compiled.train.as_ref();
        let parallel = train.is_some_and(|phase| phase.plan.parallel);
        drawn.in_f64 += usize::from(precision == Precision::F64);
        drawn.parallel += usize::from(parallel);
        add(check_in(&loaded, precision, batch, compared), &model);
        if precision == Precision::F32 {
            let model = model.replace("precision = f32", "precision = f64");
            let result = check_in(&load(&model), Precision::F64, batch, compared);
            add(result, &model);
        }
        if parallel || number.is_multiple_of(ONE_ON_WORKERS) {
            drawn.on_workers += 1;
            add(workers::same_bits(loaded, batch), &model);
        }
        networks
    }

    fn add(&mut self, other: Networks) {
        self.drawn.add(&other.drawn);
        self.compared.add(&other.compared);
        self.faults.extend(other.faults);
    }
}

impl Compared {
    fn add(&mut self, other: &Compared) {
        self.elements += other.elements;
        self.rounding += other.rounding;
        self.updates += other.updates;
        self.kinks += other.kinks;
        self.diverged += other.diverged;
    }
}

#[test]
fn fused_plans_agree_with_the_reference_evaluator() {
    let mut all = Networks::default();
    for network in campaign::run("networks", NETWORKS, SAMPLE, Networks::of) {
        all.add(network);
    }
    let Networks {
        drawn,
        compared,
        mut faults,
    } = all;
    let count = faults.len();
    faults.truncate(5);
    assert!(count == 0, "{count} networks differ\n{}", faults.join("\n"));
    let Compared {
        elements,
        rounding,
        updates,
        kinks,
        diverged,
    } = compared;
    println!(
        "{rounding} of {elements} elements as rounding, {kinks} of {updates} updates at kinks, \
         {diverged} trainings diverged"
    );
    match campaign::share() {
        Share::Sample => assert_eq!(drawn, Drawn::IN_SAMPLE),
        // What is left out is rare among the networks. Of few that a hash draws, one may hold most of it.
        Share::Hash { .. } => return,
        Share::All => assert_eq!(drawn, Drawn::IN_ALL),
    }
    assert!(
        rounding * 1000 < elements,
        "{rounding} of {elements} elements"
    );
    assert!(kinks * 20 < updates, "{kinks} of {updates} updates");
    assert!(
        diverged * 50 < drawn.networks(),
        "{diverged} trainings diverged"
    );
}

/// A table of more rows than a panel has beside a weight of its shape, whose updates wait for one norm:
/// they lie in unlike orders, so no step may go over both.
#[test]
fn a_table_and_a_weight_of_one_shape() {
    let model = "data { input city: category; target y: category }\n\
        net { city -> table: Embedding(3) -> Tanh -> out: Linear(classes) }\n\
        train { loss = CrossEntropy; optimizer = Adam(lr = 0.1); epochs = 1; batch = 8; seed = 1\n\
        precision = f64; clip_norm = 1; average = ema(0.5)\n\
        params \"*\" { l2 = 0.1 }\n params \"*.weight\" { max_norm = 1 } }";
    let rows = (0..45).map(|row| format!("c{},d{}\n", row % 35, row * 3 % 35));
    let csv = format!("city,y\n{}", rows.collect::<String>());
    let loaded = support::load("order", model, &csv);
    check::<f64>(&loaded, 8, &F64, &mut Compared::default()).unwrap();
}
