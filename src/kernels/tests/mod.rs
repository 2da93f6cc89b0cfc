//! The kernels against plain loops, on every remainder of lanes, tiles and workers.

mod barriers;
mod batches;
mod matrices;
mod programs;
mod reference;
mod refusals;
mod updates;

use pulp::Arch;

use super::instruction_set::available;
use super::{Arena, Element, Executable, Team};
use crate::graph::ops::{BinaryOperator, Reduction};
use crate::plan::step::*;
use reference::Reference;

/// A generator for the tests' own numbers (Marsaglia's xorshift64).
pub struct Numbers(pub u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// From -1 to 1.
    pub fn number(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

/// The machine's instruction sets, the best first.
fn arches() -> Vec<Arch> {
    available().into_iter().map(|(_, arch)| arch).collect()
}

/// The steps of a test and the arena that they run on.
pub struct Case {
    pub arena: Vec<f64>,
    pub kernels: Vec<Kernel>,
    pub rows: usize,
    /// From here on the arena holds partial reductions, which are nobody's result.
    partials: Option<usize>,
    numbers: Numbers,
}

impl Case {
    pub fn new(rows: usize, seed: u64) -> Case {
        let numbers = Numbers(seed * 0x9e37_79b9 + 88_172_645_463_325_252);
        Case {
            arena: vec![],
            kernels: vec![],
            rows,
            partials: None,
            numbers,
        }
    }

    /// A matrix of random numbers, its columns `gap` apart, away from a line's beginning.
    pub fn matrix(&mut self, features: usize, columns: Columns, gap: usize) -> Matrix {
        let stride = features + gap;
        let at = Offset(self.arena.len());
        for _ in 0..stride * columns.count(self.rows) {
            let number = self.numbers.number();
            self.arena.push(f64::from(number as f32));
        }
        Matrix {
            at,
            features,
            columns,
            stride,
        }
    }

    pub fn numbers(&mut self, count: usize) -> Offset {
        self.matrix(count, Columns::Fixed(1), 0).at
    }

    /// A row of whole numbers below the bound.
    pub fn indices(&mut self, columns: Columns, bound: usize, gap: usize) -> Matrix {
        let index = self.matrix(1, columns, gap);
        for column in 0..columns.count(self.rows) {
            self.arena[index.at.0 + column * index.stride] = self.numbers.below(bound) as f64;
        }
        index
    }

    /// AddressSpace for partial reductions; everything else comes before.
    pub fn partials(&mut self, count: usize) -> Offset {
        self.partials.get_or_insert(self.arena.len());
        self.numbers(count)
    }

    /// Runs the case in both types and on several teams, and compares with the plain loops.
    pub fn check(&self) {
        self.check_as::<f32>(2e-5);
        self.check_as::<f64>(1e-12);
    }

    fn check_as<T: Element>(&self, tolerance: f64) {
        let update = 5;
        let compared = self.partials.unwrap_or(self.arena.len());
        let [best, others @ ..] = &arches()[..] else {
            unreachable!("there is a best instruction set");
        };
        let alone = self.run_on::<T>(*best, 1, update);
        let mut reference = Reference {
            arena: self.arena.clone(),
            rows: self.rows,
            update,
        };
        for kernel in &self.kernels {
            reference.run(kernel);
        }
        let agrees = |results: &[T]| {
            let pairs = results.iter().zip(&reference.arena).take(compared);
            for (at, (found, wanted)) in pairs.enumerate() {
                let error = (found.to_f64() - wanted).abs();
                assert!(
                    error <= tolerance * wanted.abs().max(1.0),
                    "element {at} is {found:?} instead of {wanted} after {:?}",
                    self.kernels
                );
            }
        };
        agrees(&alone);
        for arch in others {
            agrees(&self.run_on::<T>(*arch, 1, update));
        }
        for workers in [2, 3, 5, 8] {
            assert_eq!(
                self.run::<T>(workers, update)[..compared],
                alone[..compared],
                "{workers} workers"
            );
        }
    }

    fn run<T: Element>(&self, workers: usize, update: u64) -> Vec<T> {
        self.run_on(Arch::new(), workers, update)
    }

    fn run_on<T: Element>(&self, arch: Arch, workers: usize, update: u64) -> Vec<T> {
        thread_local! {
            static TEAMS: std::cell::RefCell<Vec<Team>> = const { std::cell::RefCell::new(vec![]) };
        }
        let mut arena = Arena::<T>::zeroed(self.arena.len()).unwrap();
        for (to, from) in arena.as_mut_slice().iter_mut().zip(&self.arena) {
            *to = T::constant(*from);
        }
        let (kernels, elements) = (&self.kernels, self.arena.len());
        let executable = Executable::<T>::for_arch(arch, kernels, elements, self.rows);
        let mut executable = executable.unwrap();
        TEAMS.with_borrow_mut(|teams| {
            if !teams.iter().any(|team| team.workers() == workers) {
                teams.push(Team::new(workers).unwrap());
            }
            let team = teams
                .iter_mut()
                .find(|team| team.workers() == workers)
                .unwrap();
            executable.run(&mut arena, team, &[], self.rows, update);
        });
        arena.as_slice().to_vec()
    }
}

pub fn region(features: usize, columns: Columns, tile: usize, block: usize) -> Region {
    Region {
        features,
        columns,
        tile_columns: tile,
        panel_columns: None,
        block_columns: block,
        accumulator: None,
        scratches: 4,
        program: vec![],
    }
}
