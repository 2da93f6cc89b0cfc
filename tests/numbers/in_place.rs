//! Rows that adjoin in the table may be read where they lie; any others are brought in first. Both give
//! the same bits.

use nnc::compile::PhasePlan;
use nnc::data::MatrixElement as Prepares;
use nnc::data::table::Part;
use nnc::engine::{Rows, Runner, Threads};
use nnc::kernels::{Arena, Element};
use nnc::train::initialize;

use crate::support::tables::{Cells, table};
use crate::support::{self, Loaded};

const ROWS: usize = 900;
/// The last batch is shorter.
const BATCH: usize = 400;

/// What a phase leaves of all batches, brought in by choice or not.
fn bits<T: Element + Prepares>(
    loaded: &Loaded,
    phase: &PhasePlan,
    threads: usize,
    chosen: bool,
) -> Vec<u64> {
    let compiled = &loaded.compiled;
    let data = loaded.part::<T>(Part::Train);
    let mut arena = Arena::<T>::zeroed(compiled.arena_elements).unwrap();
    initialize::initialize(&mut arena, &compiled.states, compiled.seed);
    let mut threads = Threads::new(threads).unwrap();
    let mut runner = Runner::new(&phase.plan, compiled.arena_elements, 3);
    let order: Vec<u32> = (0..).take(data.rows).collect();
    let mut outputs = Vec::new();
    for (update, first) in (0..data.rows).step_by(BATCH).enumerate() {
        let count = BATCH.min(data.rows - first);
        let rows = if chosen {
            Rows::Chosen(&order[first..first + count])
        } else {
            Rows::Range { first, count }
        };
        runner.run_on(&mut arena, &mut threads, &data, rows, update as u64 + 1);
        if phase.plan.loss.is_some() {
            outputs.push(runner.loss(&arena));
        }
        if phase.plan.prediction.is_some() {
            runner.append_prediction(&arena, count, &mut outputs);
        }
    }
    let states = initialize::all(&arena, &compiled.states);
    let states = states.iter().map(|number| number.to_f64());
    outputs
        .into_iter()
        .chain(states)
        .map(f64::to_bits)
        .collect()
}

fn check<T: Element + Prepares>(
    net: &str,
    loss: &str,
    precision: &str,
    (inputs, outputs): (usize, usize),
) {
    let model = format!(
        "data {{ input x: vector from \"x*\"; target y: vector from \"y*\" }}
         net {{ {net} }}
         train {{
             loss = {loss}; optimizer = Adam; batch = {BATCH}; shuffle = false
             epochs = 1; precision = {precision}; seed = 5
         }}"
    );
    let names = |letter: &str, count: usize| -> Vec<String> {
        (0..count).map(|index| format!("{letter}{index}")).collect()
    };
    let names = [names("x", inputs), names("y", outputs)].concat();
    let columns = names.iter().map(|name| (name.as_str(), Cells::Numbers));
    let csv = table(&columns.collect::<Vec<(&str, Cells)>>(), ROWS);
    let loaded = support::load("case", &model, &csv);
    let compiled = &loaded.compiled;
    assert!(compiled.train.as_ref().unwrap().plan.parallel);
    let phases = [&compiled.train, &compiled.evaluate];
    let phases = phases.into_iter().flatten().chain([&compiled.predict]);
    for phase in phases {
        let name = phase.plan.phase.name();
        let expected = bits::<T>(&loaded, phase, 1, true);
        for threads in [1, 2, 3] {
            let found = bits::<T>(&loaded, phase, threads, false);
            assert!(
                found == expected,
                "{net}, {loss}, {precision}, {name}: {threads} threads"
            );
        }
    }
}

#[test]
fn rows_read_in_place_give_the_same_bits() {
    for (net, sizes) in [
        // More than a near cache holds of the inputs.
        ("Linear(1)", (800, 1)),
        ("Dropout(0.5) -> Linear(1)", (800, 1)),
        ("Linear(1) -> Tanh -> Linear(3)", (800, 3)),
        ("Linear(60) -> ReLU -> Linear(33) -> Sigmoid", (40, 33)),
    ] {
        for loss in ["MSE", "L1", "Huber(delta = 0.5)"] {
            check::<f32>(net, loss, "f32", sizes);
        }
        check::<f64>(net, "MSE", "f64", sizes);
    }
}
