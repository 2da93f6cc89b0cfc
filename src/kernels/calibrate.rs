//! The speeds of this machine, measured by kernels at work: a few milliseconds for small working sets, some
//! more where others use the cores.

use std::hint::black_box;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use pulp::{Arch, Simd, WithSimd};

use super::arena::{Arena, OutOfMemory};
use super::element::Element;
use super::executable::{Executable, extents};
use super::instruction_set::chosen;
use super::team::{Team, Worker};
use crate::graph::arithmetic::Arithmetic;
use crate::graph::ops::BinaryOperator;
use crate::graph::scalar::ScalarFunction;
use crate::plan::roofline::{Bandwidth, Roofline};
use crate::plan::step::{
    Columns, Destination, Instruction, Kernel, Load, Matrix, Offset, RandomKey, Region, Scratch,
    Source,
};

/// A measurement repeats what it measures for so long, and is the best of several such rounds, as
/// anything else on the machine only makes it slower.
const ROUND: Duration = Duration::from_micros(20);
const ROUNDS: usize = 5;
/// What takes long is measured in fewer rounds, two at least.
const LONG: Duration = Duration::from_millis(2);
/// Elements of a loop that stays in the nearest cache.
const NEAR_ELEMENTS: usize = 1024;
/// The same steps one after the other, so that what begins and ends a run does not count.
const CHAIN: usize = 16;
/// Rows, columns and depth of a product that fits into every second-level cache.
const PRODUCT: (usize, usize, usize) = (128, 96, 128);
/// The working sets whose bandwidth is measured, in bytes: for most machines, one in each of three
/// caches, one between, and one in memory.
const WORKING_SETS: [usize; 5] = [16 << 10, 128 << 10, 1 << 20, 8 << 20, 64 << 20];
/// The system is given so long to let each worker have a core.
const WARM_UP: Duration = Duration::from_millis(20);
const NAP: Duration = Duration::from_millis(1);
/// Workers that have a core each meet sooner, for each of them.
const SOON: f64 = 0.5e-6;
/// Beginning a run together takes less, unless a worker waits for a core.
const DISTURBED: f64 = 50e-6;
/// What seems to be disturbed is measured again, for so long in all.
const PATIENCE: Duration = Duration::from_millis(200);
/// Barriers of one measurement.
const BARRIERS: usize = 100;

/// Measures the speeds of this machine with `workers`, for working sets of up to `largest_set` bytes.
///
/// # Errors
/// The system refused a thread, or memory.
pub fn calibrate<T: Element>(workers: usize, largest_set: usize) -> io::Result<Roofline> {
    let mut team = Team::new(workers)?;
    let mut alone = Team::new(1)?;
    let arch = chosen();
    let (_, lanes) = extents::<T>(arch);
    let peak = peak::<T>(arch, lanes);
    // A simple operation takes a slot of the units that multiply and add.
    let simple = 2.0 / peak;
    let loop_start = loop_start::<T>(&mut alone)?;
    let mut by_element = |instruction: Instruction| -> io::Result<f64> {
        let loops = seconds::<T>(&near_loop(instruction), 2 * NEAR_ELEMENTS, &mut alone)?;
        Ok((loops - loop_start).max(0.0) / NEAR_ELEMENTS as f64)
    };
    let pass = (by_element(unary(ScalarFunction::Negate))? - simple).max(0.0);
    let mut arithmetic = [simple; Arithmetic::ALL.len()];
    for kind in Arithmetic::ALL {
        if kind == Arithmetic::Simple {
            continue;
        }
        let (instruction, others) = match kind.example() {
            Some(function) => {
                let operations = function.operations(false);
                (unary(function), operations.of(Arithmetic::Simple))
            }
            None => (draw(), 0),
        };
        let own = by_element(instruction)? - pass - others as f64 * simple;
        arithmetic[kind.index()] = own.max(simple);
    }
    let soon = SOON * workers as f64;
    warm_up(&mut team, soon);
    let patience = Instant::now() + PATIENCE;
    Ok(Roofline {
        workers,
        lanes,
        peak,
        product: product::<T>(&mut alone)?,
        pass,
        arithmetic,
        loop_start,
        barrier: undisturbed(soon, patience, || {
            Ok(best_seconds(|| barrier(&mut team)) / BARRIERS as f64)
        })?,
        fork: undisturbed(DISTURBED, patience, || {
            Ok(best_seconds(|| team.run(&|_: Worker<'_>| ())))
        })?,
        bandwidths: bandwidths::<T>(largest_set, patience, &mut alone, &mut team)?,
    })
}

/// The shortest time of one call, from rounds of many.
fn best_seconds(mut call: impl FnMut()) -> f64 {
    let mut calls = 1u32;
    let mut best = f64::INFINITY;
    let mut rounds = 0;
    let all_begun = Instant::now();
    while rounds < 2 || rounds < ROUNDS && all_begun.elapsed() < LONG {
        let begun = Instant::now();
        for _ in 0..calls {
            call();
        }
        let time = begun.elapsed();
        if time < ROUND {
            calls = calls.saturating_mul(2);
            continue;
        }
        best = best.min(time.as_secs_f64() / f64::from(calls));
        rounds += 1;
    }
    best
}

/// Kernels that run one after the other, and their memory.
struct Chain<T> {
    arena: Arena<T>,
    executable: Executable<T>,
}

impl<T: Element> Chain<T> {
    fn new(kernels: &[Kernel], elements: usize) -> io::Result<Self> {
        let mut arena = Arena::<T>::zeroed(elements).map_err(out_of_memory)?;
        // Ordinary numbers: zeros and the like take some functions another time.
        for (index, element) in arena.as_mut_slice().iter_mut().enumerate() {
            *element = T::constant(0.25 + (index % 16) as f64 / 16.0);
        }
        let executable = Executable::new(kernels, elements, 1)
            .unwrap_or_else(|fault| panic!("internal: {fault}"));
        Ok(Chain { arena, executable })
    }

    /// Seconds of a run.
    fn seconds(&mut self, team: &mut Team) -> io::Result<f64> {
        let Chain { arena, executable } = self;
        executable
            .prepare(1, team.workers())
            .map_err(out_of_memory)?;
        Ok(best_seconds(|| executable.run(arena, team, &[], 1, 1)))
    }
}

/// Seconds that a kernel takes on an arena of so many elements.
fn seconds<T: Element>(kernel: &Kernel, elements: usize, alone: &mut Team) -> io::Result<f64> {
    let kernels = vec![kernel.clone(); CHAIN];
    let chain = Chain::<T>::new(&kernels, elements)?.seconds(alone)?;
    Ok(chain / CHAIN as f64)
}

fn out_of_memory(_: OutOfMemory) -> io::Error {
    io::ErrorKind::OutOfMemory.into()
}

/// From the arena's first elements to as many behind them.
fn unary(function: ScalarFunction) -> Instruction {
    Instruction::Unary {
        to: Destination::Memory(Offset(NEAR_ELEMENTS)),
        from: Source::Memory(Offset(0)),
        function,
        derivative: false,
    }
}

fn draw() -> Instruction {
    Instruction::Load {
        to: Scratch(0),
        load: Load::Dropout {
            key: RandomKey([1; 32]),
            keep: 0.5,
        },
    }
}

/// A loop over elements that adjoin.
fn near_loop(instruction: Instruction) -> Kernel {
    Kernel::Loop {
        region: region(NEAR_ELEMENTS, 1, (1, 1), vec![instruction]),
    }
}

fn region(
    features: usize,
    columns: usize,
    (tile_columns, block_columns): (usize, usize),
    program: Vec<Instruction>,
) -> Region {
    Region {
        features,
        columns: Columns::Fixed(columns),
        tile_columns,
        panel_columns: None,
        block_columns,
        accumulator: None,
        scratches: 1,
        program,
    }
}

/// Seconds that a loop over hardly anything takes.
fn loop_start<T: Element>(alone: &mut Team) -> io::Result<f64> {
    let one = Instruction::Unary {
        to: Destination::Memory(Offset(1)),
        from: Source::Memory(Offset(0)),
        function: ScalarFunction::Negate,
        derivative: false,
    };
    let kernel = Kernel::Loop {
        region: region(1, 1, (1, 1), vec![one; CHAIN]),
    };
    Ok(seconds::<T>(&kernel, 2, alone)? / CHAIN as f64)
}

/// Floating-point operations a second in a product of matrices.
fn product<T: Element>(alone: &mut Team) -> io::Result<f64> {
    let (rows, columns, depth) = PRODUCT;
    let matrix = |at: usize, features: usize, columns: usize| Matrix {
        at: Offset(at),
        features,
        columns: Columns::Fixed(columns),
        stride: features,
    };
    // As weights lie: in panels of two chunks.
    let panel = 2 * T::CHUNK;
    let input = rows * depth;
    let result = input + depth * columns;
    let kernel = Kernel::Forward {
        weight: matrix(0, panel, rows / panel * depth),
        input: matrix(input, depth, columns),
        bias: None,
        region: Region {
            accumulator: Some(Offset(result)),
            ..region(rows, columns, (columns, columns), Vec::new())
        },
    };
    let elements = result + rows * columns;
    let seconds = Chain::<T>::new(&[kernel], elements)?.seconds(alone)?;
    Ok((2 * rows * columns * depth) as f64 / seconds)
}

/// Lets the workers meet until each has a core of its own, or it seems that there are not so many.
fn warm_up(team: &mut Team, soon: f64) {
    let begun = Instant::now();
    while begun.elapsed() < WARM_UP {
        let round = Instant::now();
        barrier(team);
        if round.elapsed().as_secs_f64() < soon * BARRIERS as f64 {
            return;
        }
        // Workers fall asleep, and may wake on a core that is idle.
        thread::sleep(NAP);
    }
}

fn barrier(team: &mut Team) {
    team.run(&|worker: Worker<'_>| {
        for _ in 0..BARRIERS {
            worker.barrier();
        }
    });
}

/// The speed of a sum of two arrays into a third, by working set.
fn bandwidths<T: Element>(
    largest_set: usize,
    patience: Instant,
    alone: &mut Team,
    team: &mut Team,
) -> io::Result<Vec<Bandwidth>> {
    let mut measured = Vec::new();
    for working_set in WORKING_SETS {
        measured.push(bandwidth::<T>(working_set, patience, alone, team)?);
        if working_set >= largest_set {
            break;
        }
    }
    Ok(measured)
}

/// A stream's features, into how many parts its columns are cut for the workers, and how many of its
/// columns a loop goes over.
const STREAM_FEATURES: usize = 64;
const STREAM_TILES: usize = 16;
const STREAM_BLOCK: usize = 16;

fn bandwidth<T: Element>(
    working_set: usize,
    patience: Instant,
    alone: &mut Team,
    team: &mut Team,
) -> io::Result<Bandwidth> {
    let columns = working_set / size_of::<T>() / 3 / STREAM_FEATURES;
    let elements = columns * STREAM_FEATURES;
    let sum = Instruction::Binary {
        to: Destination::Memory(Offset(2 * elements)),
        left: Source::Memory(Offset(0)),
        right: Source::Memory(Offset(elements)),
        operator: BinaryOperator::Add,
    };
    let tiles = (columns.div_ceil(STREAM_TILES), STREAM_BLOCK);
    let kernel = Kernel::Loop {
        region: region(STREAM_FEATURES, columns, tiles, vec![sum]),
    };
    let mut chain = Chain::<T>::new(&[kernel], 3 * elements)?;
    let bytes = (3 * elements * size_of::<T>()) as f64;
    let seconds_alone = chain.seconds(alone)?;
    let seconds_together = match team.workers() {
        1 => seconds_alone,
        _ => undisturbed(seconds_alone + DISTURBED, patience, || chain.seconds(team))?,
    };
    Ok(Bandwidth {
        working_set,
        alone: bytes / seconds_alone,
        together: bytes / seconds_together,
    })
}

/// The least of some measurements, which are repeated as long as all are longer than `most` seconds, at most
/// until the end of patience: a worker has waited for a core that others use.
fn undisturbed(
    most: f64,
    patience: Instant,
    mut measure: impl FnMut() -> io::Result<f64>,
) -> io::Result<f64> {
    let mut least = measure()?;
    while least > most && Instant::now() < patience {
        least = least.min(measure()?);
    }
    Ok(least)
}

/// Floating-point operations a second of multiply-adds on numbers in registers.
fn peak<T: Element>(arch: Arch, lanes: usize) -> f64 {
    let seconds = best_seconds(|| {
        black_box(arch.dispatch(MultiplyAdds(black_box(T::constant(0.5)))));
    });
    (2 * lanes * SUMS * STEPS) as f64 / seconds
}

/// More sums than the units have results in the making, and fewer than the oldest set of registers.
const SUMS: usize = 12;
const STEPS: usize = 2000;

/// Multiplies and adds in registers alone, beginning with a number.
struct MultiplyAdds<T>(T);

impl<T: Element> WithSimd for MultiplyAdds<T> {
    type Output = T;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> T {
        let factor = T::splat(simd, self.0);
        let mut sums = [factor; SUMS];
        for _ in 0..STEPS {
            for sum in &mut sums {
                *sum = T::mul_add(simd, *sum, factor, factor);
            }
        }
        let all = sums
            .into_iter()
            .fold(factor, |all, sum| T::add_vectors(simd, all, sum));
        T::sum_lanes(simd, all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: Element>() {
        let roofline = calibrate::<T>(2, 1 << 20).expect("threads and memory");
        let speeds = [roofline.peak, roofline.product];
        let times = [roofline.loop_start, roofline.barrier, roofline.fork];
        let positive = |value: f64| value > 0.0 && value.is_finite();
        assert!(speeds.into_iter().chain(times).all(positive));
        assert!(roofline.arithmetic.into_iter().all(positive));
        assert!(roofline.pass >= 0.0);
        let sets: Vec<usize> = roofline
            .bandwidths
            .iter()
            .map(|bandwidth| bandwidth.working_set)
            .collect();
        assert_eq!(sets, [16 << 10, 128 << 10, 1 << 20]);
        for bandwidth in &roofline.bandwidths {
            assert!(positive(bandwidth.alone) && positive(bandwidth.together));
        }
    }

    #[test]
    fn every_speed_is_measured() {
        check::<f32>();
        check::<f64>();
    }

    #[test]
    fn what_was_disturbed_is_measured_again() {
        let measured = |times: &[f64], patience| {
            let mut times = times.iter();
            undisturbed(1e-5, patience, || {
                Ok(*times.next().expect("no more is measured"))
            })
            .unwrap()
        };
        let hour = Instant::now() + Duration::from_secs(3600);
        assert_eq!(measured(&[2e-6, 1e-6], hour), 2e-6);
        assert_eq!(measured(&[3e-3, 4e-3, 2e-6, 1e-6], hour), 2e-6);
        // Patience is at its end: one measurement must do.
        assert_eq!(measured(&[3e-3, 2e-6], Instant::now()), 3e-3);
        let mut calls = 0;
        let soon = Instant::now() + Duration::from_millis(5);
        let growing = undisturbed(1e-5, soon, || {
            calls += 1;
            Ok(1e-3 * f64::from(calls))
        });
        assert_eq!(growing.unwrap(), 1e-3);
    }
}
