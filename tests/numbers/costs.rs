//! What steps cost, against figures worked out by hand, and what they are predicted to take.

use nnc::Compiled;
use nnc::compile::PhasePlan;
use nnc::engine::Runner;
use nnc::graph::arithmetic::Arithmetic;
use nnc::kernels::{Element, calibrate};
use nnc::plan::Precision;
use nnc::plan::cost::{Cost, ProductShape};
use nnc::plan::roofline::{Bandwidth, Limit, PlanSchedule, Roofline, StepSchedule};

use crate::support;
use crate::support::networks::generate;

fn costs(phase: &PhasePlan, rows: usize) -> Vec<Cost> {
    let steps = phase.plan.steps.iter();
    steps.map(|step| Cost::new(&step.kernel, rows)).collect()
}

fn thermometer() -> Compiled {
    let model = support::text("models/thermometer.nn");
    let csv = support::text("models/thermometer.csv");
    support::load("thermometer", &model, &csv).compiled
}

#[test]
fn the_thermometers_steps_cost_what_they_do_by_hand() {
    let compiled = thermometer();
    let phase = compiled.train.as_ref().unwrap();
    let rows = phase.plan.batch.unwrap() as u64;
    assert_eq!(rows, 9);
    let costs = costs(phase, 9);
    let found: Vec<(u64, u64, u64)> = costs
        .iter()
        .map(|cost| (cost.flops, cost.read, cost.written))
        .collect();
    let expected = [
        // tanh(t_u · w + b): w, b and t_u; h.
        (2 * 8 * rows + 8 * rows, 8 + 8 + rows, 8 * rows),
        // h · w + b, six operations a row for loss and gradient; w, b, h, t_c, 1/rows; loss, dy.
        (
            2 * 8 * rows + 6 * rows,
            8 + 1 + 8 * rows + rows + 1,
            1 + rows,
        ),
        // dy · w, times 1 - h²; w, dy, h; dh.
        (2 * 8 * rows + 2 * 8 * rows, 8 + rows + 8 * rows, 8 * rows),
        // dyᵀ · h, the sum of dy, w -= lr · g and b -= lr · g; dy, h, lr, w, b; w, b.
        (
            2 * 8 * rows + rows + 2 * 8 + 2,
            rows + 8 * rows + 1 + 8 + 1,
            8 + 1,
        ),
        // dhᵀ · t_u, the sum of dh, the updates; dh, t_u, lr, w, b; w, b.
        (
            2 * 8 * rows + 8 * rows + 2 * 8 + 2 * 8,
            8 * rows + rows + 1 + 8 + 8,
            8 + 8,
        ),
    ];
    assert_eq!(found, expected);
    let product = |rows, columns, depth| {
        Some(ProductShape {
            rows,
            columns,
            depth,
        })
    };
    let products: Vec<Option<ProductShape>> = costs.iter().map(|cost| cost.product).collect();
    let expected = [
        product(8, 9, 1),
        product(1, 9, 8),
        product(8, 9, 1),
        product(1, 8, 9),
        product(8, 1, 9),
    ];
    assert_eq!(products, expected);
    let tanh: Vec<u64> = costs
        .iter()
        .map(|cost| cost.operations.of(Arithmetic::Tanh))
        .collect();
    assert_eq!(tanh, [8 * rows, 0, 0, 0, 0]);
    assert_eq!(
        phase.plan.flops(),
        costs.iter().map(|cost| cost.flops).sum::<u64>()
    );
}

/// Of a table of a thousand rows, a batch reads those that its index names.
#[test]
fn a_look_up_reads_what_it_looks_up() {
    let values: Vec<String> = (0..1000).map(|value| format!("v{value}")).collect();
    let model = format!(
        "data {{ input c: category(values = [{}], embed = 4); target y: number }}
         net {{ out: Linear(1) }}
         train {{ loss = MSE; optimizer = SGD; epochs = 1; batch = 2 }}",
        values.join(", ")
    );
    let csv = "c,y\nv1,1\nv2,2\nv3,3\nv4,4\n";
    let compiled = support::load("look-up", &model, csv).compiled;
    let cost = &costs(compiled.train.as_ref().unwrap(), 2)[0];
    assert_eq!((cost.read, cost.written), (2 + 2 * 4, 2 * 4));
}

/// A machine whose figures are easy to reckon with.
fn machine() -> Roofline {
    let mut arithmetic = [1e-9; Arithmetic::ALL.len()];
    arithmetic[Arithmetic::Tanh.index()] = 10e-9;
    Roofline {
        workers: 2,
        lanes: 4,
        peak: 2e9,
        product: 1e9,
        pass: 1e-9,
        arithmetic,
        loop_start: 1e-6,
        barrier: 1e-3,
        fork: 1.0,
        bandwidths: vec![
            Bandwidth {
                working_set: 1024,
                alone: 1e9,
                together: 2e9,
            },
            Bandwidth {
                working_set: 1 << 20,
                alone: 1e6,
                together: 2e6,
            },
        ],
    }
}

#[test]
fn a_prediction_is_arithmetic_or_memory_and_what_begins() {
    let compiled = thermometer();
    let plan = &compiled.train.as_ref().unwrap().plan;
    let schedule = |workers, share, barriers| PlanSchedule {
        workers,
        steps: vec![
            StepSchedule {
                busy: workers,
                share,
                barriers,
                loops: 1,
                passes: 72 / workers as u64,
            };
            plan.steps.len()
        ],
    };
    let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12 * b, "{a} {b}");

    let alone = machine().predict(plan, 9, &schedule(1, 1.0, 0), 1 << 20);
    // [8, 1] · [1, 9] in vectors of 4, and 72 times tanh.
    let product = 2.0 * 8.0 * 9.0 * 1e-9;
    let step = alone.steps[0];
    close(step.arithmetic, product + 72.0 * (1e-9 + 10e-9));
    close(step.overhead, 1e-6);
    // The plan's working set is beyond 1 KiB: the second bandwidth.
    close(step.memory, 4.0 * (25.0 + 72.0) / 1e6);
    assert_eq!(step.limit(), Limit::Memory);
    close(step.seconds(), step.memory + step.overhead);
    // One row of weights: 72 multiply-adds, six operations for each of 9 rows, 72 passes.
    close(alone.steps[1].arithmetic, (144.0 + 54.0 + 72.0) * 1e-9);
    // [8, 9] · [9, 1] is as slow as with eight vectors of 4; the sum of dh, two operations each for
    // weight and bias.
    let product = 2.0 * 8.0 * 4.0 * 9.0;
    let others = 72.0 + 16.0 + 16.0;
    close(alone.steps[4].arithmetic, (product + others + 72.0) * 1e-9);
    // Two numbers a row, read and written.
    close(alone.around, 2.0 * 4.0 * 2.0 * 9.0 / 1e6);
    let steps: f64 = alone.steps.iter().map(|step| step.seconds()).sum();
    close(alone.seconds(), steps + alone.around);

    let both = machine().predict(plan, 9, &schedule(2, 0.5, 3), 1 << 20);
    close(both.steps[0].arithmetic, step.arithmetic / 2.0);
    close(both.steps[0].memory, step.memory / 2.0);
    close(both.steps[0].overhead, step.overhead + 3e-3);
    close(both.around, alone.around + 1.0);
    assert_eq!(both.steps[0].limit(), Limit::Overhead);
}

fn check<T: Element>(name: &str, compiled: &Compiled, roofline: &Roofline) {
    let phases = compiled.train.iter().chain(&compiled.evaluate);
    for phase in phases.chain([&compiled.predict]) {
        let plan = &phase.plan;
        let rows = plan.batch.unwrap();
        for threads in [1, 2, 3] {
            let mut runner = Runner::<T>::new(plan, compiled.arena_elements, threads);
            let schedule = runner.schedule(rows, threads);
            let workers = if plan.parallel { threads } else { 1 };
            assert_eq!(schedule.workers, workers, "{name}");
            assert_eq!(schedule.steps.len(), plan.steps.len(), "{name}");
            for step in &schedule.steps {
                assert!((1..=workers).contains(&step.busy), "{name}: {step:?}");
                let least = 1.0 / step.busy as f64;
                assert!((least..=1.0).contains(&step.share), "{name}: {step:?}");
                assert!(workers > 1 || step.barriers == 0, "{name}: {step:?}");
            }
            let prediction = roofline.predict(plan, rows, &schedule, 1 << 16);
            assert_eq!(prediction.steps.len(), plan.steps.len());
            let times = prediction.steps.iter().map(|step| step.seconds());
            for seconds in times.chain([prediction.seconds()]) {
                assert!(seconds > 0.0 && seconds.is_finite(), "{name}: {seconds}");
            }
            for cost in &prediction.costs {
                // What only writes a number everywhere reads nothing.
                let fills = cost.flops == 0;
                assert!(
                    cost.written > 0 && (cost.read > 0 || fills),
                    "{name}: {cost:?}"
                );
            }
        }
    }
}

#[test]
fn every_prediction_is_a_time() {
    let single = calibrate::<f32>(2, 0).unwrap();
    let double = calibrate::<f64>(2, 0).unwrap();
    let check = |name: &str, compiled: &Compiled| match compiled.predict.plan.precision {
        Precision::F32 => check::<f32>(name, compiled, &single),
        Precision::F64 => check::<f64>(name, compiled, &double),
    };
    for name in ["thermometer", "iris", "neurons"] {
        let model = support::text(&format!("models/{name}.nn"));
        let csv = support::text(&format!("models/{name}.csv"));
        check(name, &support::load(name, &model, &csv).compiled);
    }
    for number in 0..50 {
        let generated = generate(number);
        let name = format!("network{number}");
        let compiled = support::load(&name, &generated.model, &generated.csv).compiled;
        check(&name, &compiled);
    }
}
