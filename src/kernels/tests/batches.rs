//! Rows are brought to their places, and only to places that are there.

use super::*;
use crate::kernels::{BatchLoader, Rows};

const ROWS: usize = 5;
const ARENA: usize = 100;
/// As many rows of a table as the batch has, some of them twice.
const CHOSEN: [u32; ROWS] = [2, 0, 2, 1, 1];

/// Runs a loop that reads nothing of what is brought; gives what the arena then holds.
fn run(workers: usize, loaders: &[BatchLoader<'_, f32>], rows: usize) -> Vec<f32> {
    let mut region = region(4, Columns::Batch, 3, 2);
    region.program = vec![Instruction::Unary {
        from: Source::Constant(0.0),
        to: Destination::Memory(Offset(80)),
        function: crate::graph::scalar::ScalarFunction::Negate,
        derivative: false,
    }];
    let mut executable = Executable::new(&[Kernel::Loop { region }], ARENA, ROWS).unwrap();
    let mut arena = Arena::zeroed(ARENA).unwrap();
    executable.run(
        &mut arena,
        &mut Team::new(workers).unwrap(),
        loaders,
        rows,
        1,
    );
    arena.as_slice().to_vec()
}

fn matrix(at: usize, features: usize) -> Matrix {
    Matrix {
        at: Offset(at),
        features,
        columns: Columns::Batch,
        stride: features,
    }
}

fn loader<'f>(at: usize, features: usize, from: &'f [f32], rows: Rows<'f>) -> BatchLoader<'f, f32> {
    BatchLoader {
        to: matrix(at, features),
        from,
        rows,
    }
}

const RANGE: Rows<'static> = Rows::Range {
    first: 1,
    count: ROWS,
};

fn table() -> Vec<f32> {
    (1..=40).map(|number| number as f32).collect()
}

#[test]
fn rows_come_to_their_places() {
    let table = table();
    for workers in [1, 2, 3, 8] {
        let loaders = [
            loader(10, 3, &table, Rows::Chosen(&CHOSEN)),
            loader(10 + 3 * ROWS, 4, &table, RANGE),
        ];
        let arena = run(workers, &loaders, ROWS);
        let chosen: Vec<f32> = CHOSEN
            .iter()
            .flat_map(|row| &table[*row as usize * 3..][..3])
            .copied()
            .collect();
        assert_eq!(arena[10..10 + 3 * ROWS], chosen);
        assert_eq!(arena[10 + 3 * ROWS..][..4 * ROWS], table[4..4 + 4 * ROWS]);
        assert!(arena[..10].iter().all(|number| *number == 0.0));
        assert!(arena[10 + 7 * ROWS..].iter().all(|number| *number == 0.0));
    }
}

#[test]
#[should_panic(expected = "a batch is no larger than planned")]
fn more_rows_than_planned_are_refused() {
    run(1, &[], ROWS + 1);
}

#[test]
#[should_panic(expected = "there is a place for the rows")]
fn a_place_beyond_the_arena_is_refused() {
    run(1, &[loader(ARENA - 3 * ROWS + 1, 3, &table(), RANGE)], ROWS);
}

#[test]
#[should_panic(expected = "which are those of the batch")]
fn fewer_rows_than_the_batch_are_refused() {
    run(
        1,
        &[loader(0, 3, &table(), Rows::Chosen(&CHOSEN[1..]))],
        ROWS,
    );
}

#[test]
#[should_panic(expected = "each loader has a place of its own")]
fn two_loaders_to_one_place_are_refused() {
    let table = table();
    let first = loader(10, 3, &table, RANGE);
    let second = loader(10 + 3 * ROWS - 1, 4, &table, RANGE);
    run(1, &[first, second], ROWS);
}
