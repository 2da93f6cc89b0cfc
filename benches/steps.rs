//! The time of one training step of six networks, of the thermometer's 5000 epochs, and of twenty tiny
//! networks drawn by a fixed seed: `cargo bench`. Ours alone; medians of several rounds.

mod support;

use std::time::Instant;

use nnc::engine::{Rows, Runner, Threads};
use nnc::kernels::Arena;
use nnc::random::Stream;
use nnc::train::{Trainer, initialize};
use support::{Network, Spread, machine, network};

/// Median seconds of a training step on resident data, and the plan's FLOPs.
fn step(network: &Network, threads: usize) -> (f64, u64) {
    let compiled = network.compile(network.batch, 0);
    let phase = compiled.train.as_ref().expect("the network learns");
    let mut arena = Arena::<f32>::zeroed(compiled.arena_elements).expect("there is memory");
    initialize::initialize(&mut arena, &compiled.states, 1);
    let mut runner = Runner::new(&phase.plan, compiled.arena_elements, threads);
    let mut threads = Threads::new(threads).expect("threads start");
    let data = network.data(network.batch, 7);
    let rows = Rows::Range {
        first: 0,
        count: network.batch,
    };
    runner.load(&mut arena, &data, rows);
    let mut update = 0;
    let mut run = |count: u64| {
        let begin = Instant::now();
        for _ in 0..count {
            update += 1;
            runner.run(&mut arena, &mut threads, network.batch, update);
        }
        begin.elapsed().as_secs_f64() / count as f64
    };
    let once = run(3).max(1e-7);
    let count = ((0.02 / once) as u64).clamp(3, 200_000);
    (
        Spread::of((0..15).map(|_| run(count)).collect()).median,
        phase.plan.flops(),
    )
}

/// Seconds of `epochs` of full-batch training with a validation after each, by the trainer.
fn epochs(network: &Network, rows: usize, validate: usize, epochs: usize) -> (f64, u64) {
    let compiled = network.compile(rows, validate);
    let flops = compiled
        .train
        .as_ref()
        .map_or(0, |phase| phase.plan.flops());
    let seconds = (0..9).map(|_| {
        let mut trainer = Trainer::new(
            &compiled,
            network.data(rows, 7),
            network.data(validate, 8),
            1,
        )
        .expect("there is memory");
        let begin = Instant::now();
        trainer.run(epochs, &|| false, &mut |_, _| {});
        begin.elapsed().as_secs_f64()
    });
    (Spread::of(seconds.collect()).median, flops)
}

fn networks() -> [Network; 6] {
    let wide: Vec<usize> = std::iter::once(64).chain([64; 32]).chain([64]).collect();
    [
        network("1-8-1 tanh", &[1, 8, 1], "Tanh", "MSE", "SGD", 9),
        network(
            "11-64-64-1 relu",
            &[11, 64, 64, 1],
            "ReLU",
            "MSE",
            "Adam",
            64,
        ),
        network(
            "54-256-256-7 relu",
            &[54, 256, 256, 7],
            "ReLU",
            "CrossEntropy",
            "Adam",
            256,
        ),
        network(
            "784-256-128-10 relu",
            &[784, 256, 128, 10],
            "ReLU",
            "CrossEntropy",
            "Adam",
            128,
        ),
        network(
            "1024-1024-1024-1024 gelu",
            &[1024; 4],
            "GELU",
            "MSE",
            "SGD",
            512,
        ),
        network("33 layers of 64 tanh", &wide, "Tanh", "MSE", "Adam", 64),
    ]
}

fn main() {
    // `cargo test --benches` calls this too; there it is enough that it was compiled.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    println!("{}\n", machine());
    let thermometer = network(
        "thermometer",
        &[1, 8, 1],
        "Tanh",
        "MSE",
        "SGD(lr = 1e-3)",
        9,
    );
    let (seconds, flops) = epochs(&thermometer, 9, 2, 5000);
    let thermometer_per_flop = seconds / 5000.0 / flops as f64;
    println!(
        "thermometer, 5000 epochs with validation: {:.2} ms, {:.0} ns an epoch, {:.2} ns a FLOP\n",
        seconds * 1e3,
        seconds / 5000.0 * 1e9,
        thermometer_per_flop * 1e9
    );

    println!(
        "{:<28} {:>12} {:>12} {:>10} {:>10}",
        "network", "1 thread", "2 threads", "GFLOP/s", "speed-up"
    );
    for network in networks() {
        let (one, flops) = step(&network, 1);
        let (two, _) = step(&network, 2);
        println!(
            "{:<28} {:>9.2} µs {:>9.2} µs {:>10.1} {:>10.2}",
            network.name,
            one * 1e6,
            two * 1e6,
            flops as f64 / one / 1e9,
            one / two
        );
    }

    println!(
        "\n{:<28} {:>12} {:>12} {:>24}",
        "tiny network", "an epoch", "ns a FLOP", "against the thermometer"
    );
    let mut worst: f64 = 0.0;
    for tiny in tiny_networks() {
        let (seconds, flops) = epochs(&tiny, tiny.batch, 2, 1000);
        let per_flop = seconds / 1000.0 / flops as f64;
        worst = worst.max(per_flop / thermometer_per_flop);
        println!(
            "{:<28} {:>9.0} ns {:>12.2} {:>24.2}",
            tiny.name,
            seconds / 1000.0 * 1e9,
            per_flop * 1e9,
            per_flop / thermometer_per_flop
        );
    }
    println!("worst: {worst:.2} times the thermometer's time a FLOP");
}

/// Twenty networks of widths 1 to 16, one to three hidden layers, 4 to 32 rows.
fn tiny_networks() -> Vec<Network> {
    let stream = Stream::new(20, "bench", "tiny");
    let mut draws = stream.draws(0, 0);
    let mut below = |limit: u64| draws.below(limit) as usize;
    (0..20)
        .map(|_| {
            let hidden = 1 + below(3);
            let mut widths = vec![1 + below(8)];
            widths.extend((0..hidden).map(|_| 2 + below(15)));
            let classes = below(3) == 0;
            widths.push(if classes { 2 + below(3) } else { 1 + below(2) });
            let batch = 4 + below(29);
            let activation = ["Tanh", "ReLU", "Sigmoid", "GELU", "SiLU", "ELU"][below(6)];
            let optimizer = ["SGD", "SGD(momentum = 0.9)", "Adam", "AdamW"][below(4)];
            let loss = if classes {
                "CrossEntropy"
            } else {
                ["MSE", "L1", "Huber"][below(3)]
            };
            let text: Vec<String> = widths.iter().map(usize::to_string).collect();
            Network {
                name: format!("{} {activation}, {batch} rows", text.join("-")),
                widths,
                activation,
                loss,
                optimizer,
                batch,
            }
        })
        .collect()
}
