use super::*;
use crate::graph::scalar::ScalarFunction;

/// The verifier's complaint about one loop of 4 × batch (at most 10 rows) over an arena of 100.
fn refusal(change: impl FnOnce(&mut Region)) -> String {
    let mut region = region(4, Columns::Batch, 3, 2);
    region.program = vec![unary(
        Source::Memory(Offset(0)),
        Destination::Memory(Offset(50)),
    )];
    change(&mut region);
    match Executable::<f32>::new(&[Kernel::Loop { region }], 100, 10) {
        Ok(_) => "accepted".to_string(),
        Err(fault) => fault,
    }
}

fn unary(from: Source, to: Destination) -> Instruction {
    Instruction::Unary {
        to,
        from,
        function: ScalarFunction::Tanh,
        derivative: false,
    }
}

fn of_program(program: Vec<Instruction>) -> String {
    refusal(|region| region.program = program)
}

#[track_caller]
fn assert_refused(fault: String, part: &str) {
    assert!(
        fault.starts_with("step 0: ") && fault.contains(part),
        "{fault}"
    );
}

#[test]
fn a_sound_loop_is_accepted() {
    assert_eq!(refusal(|_| ()), "accepted");
    let memory = |at| Source::Memory(Offset(at));
    // In place, as the worker of a tile reads each element before it writes it.
    assert_eq!(
        of_program(vec![unary(memory(8), Destination::Memory(Offset(8)))]),
        "accepted"
    );
    // Two halves of columns of 10 interleave.
    let from = Scratch(0);
    let load = Load::Strided {
        at: Offset(0),
        stride: 10,
    };
    let store = Instruction::Store {
        from: Source::Scratch(from),
        at: Offset(5),
        stride: 10,
    };
    assert_eq!(
        of_program(vec![Instruction::Load { to: from, load }, store]),
        "accepted"
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "one refusal an instruction")]
fn places_beyond_the_arena_are_refused() {
    let memory = |at| Source::Memory(Offset(at));
    let to = Destination::Scratch(Scratch(0));
    let beyond = "ends beyond the arena of 100";
    assert_refused(of_program(vec![unary(memory(61), to)]), beyond);
    assert_refused(
        of_program(vec![unary(memory(usize::MAX - 1), to)]),
        "overflows",
    );
    assert_refused(
        of_program(vec![unary(Source::Scalar(Offset(100)), to)]),
        beyond,
    );
    assert_refused(
        of_program(vec![unary(memory(0), Destination::Memory(Offset(70)))]),
        beyond,
    );
    for (load, fault) in [
        (
            Load::Strided {
                at: Offset(0),
                stride: 11,
            },
            beyond,
        ),
        (
            Load::Strided {
                at: Offset(0),
                stride: usize::MAX / 2,
            },
            "overflows",
        ),
        (Load::PerFeature { at: Offset(97) }, beyond),
        (
            Load::PerColumn {
                at: Offset(91),
                stride: 1,
            },
            beyond,
        ),
        (
            Load::OneHot {
                at: Offset(0),
                stride: 12,
            },
            beyond,
        ),
        (Load::Scalar { at: Offset(100) }, beyond),
        (
            Load::Dropout {
                key: RandomKey([0; 32]),
                keep: 0.0,
            },
            "dropout keeps 0",
        ),
    ] {
        assert_refused(
            of_program(vec![Instruction::Load {
                to: Scratch(0),
                load,
            }]),
            fault,
        );
    }
    let store = |at, stride| Instruction::Store {
        from: memory(0),
        at: Offset(at),
        stride,
    };
    assert_refused(of_program(vec![store(50, 6)]), beyond);
    assert_refused(of_program(vec![store(50, 3)]), "columns of store");
    let reduce = |axis, into, partials| Instruction::Reduce {
        from: memory(0),
        axis,
        reduction: Reduction::Sum,
        into: Offset(into),
        partials: Offset(partials),
    };
    assert_refused(
        of_program(vec![reduce(ReductionAxis::Features, 91, 0)]),
        beyond,
    );
    assert_refused(
        of_program(vec![reduce(ReductionAxis::Columns, 97, 60)]),
        beyond,
    );
    assert_refused(
        of_program(vec![reduce(ReductionAxis::Columns, 60, 90)]),
        beyond,
    );
    assert_refused(of_program(vec![reduce(ReductionAxis::All, 60, 97)]), beyond);
    assert_eq!(
        of_program(vec![reduce(ReductionAxis::All, 60, 96)]),
        "accepted"
    );
}

#[test]
fn what_workers_would_race_for_is_refused() {
    let memory = |at| Source::Memory(Offset(at));
    assert_refused(
        of_program(vec![unary(memory(0), Destination::Memory(Offset(4)))]),
        "overlap",
    );
    let load = Load::PerFeature { at: Offset(50) };
    let program = vec![
        Instruction::Load {
            to: Scratch(0),
            load,
        },
        unary(memory(0), Destination::Memory(Offset(50))),
    ];
    assert_refused(of_program(program), "overlap");
    let reduce = Instruction::Reduce {
        from: memory(0),
        axis: ReductionAxis::All,
        reduction: Reduction::Sum,
        into: Offset(40),
        partials: Offset(40),
    };
    assert_refused(of_program(vec![reduce]), "overlap");
    let matrix = |at, features, columns| Matrix {
        at: Offset(at),
        features,
        columns,
        stride: features,
    };
    let mut result = region(2, Columns::Batch, 4, 4);
    result.accumulator = Some(Offset(7));
    let forward = Kernel::Forward {
        weight: matrix(0, 2, Columns::Fixed(3)),
        input: matrix(8, 3, Columns::Batch),
        bias: None,
        region: result,
    };
    let fault = Executable::<f32>::new(&[forward], 100, 10).err().unwrap();
    assert_refused(fault, "overlap");
}

#[test]
fn malformed_sections_are_refused() {
    assert_refused(refusal(|region| region.tile_columns = 0), "no columns");
    assert_refused(refusal(|region| region.block_columns = 0), "no columns");
    assert_refused(
        refusal(|region| region.accumulator = Some(Offset(90))),
        "no result of its own",
    );
    let to = Destination::Scratch(Scratch(0));
    assert_refused(
        of_program(vec![unary(Source::Accumulator, to)]),
        "no result of its own",
    );
    let from = Source::Scratch(Scratch(4));
    assert_refused(of_program(vec![unary(from, to)]), "Scratch(4) of 4");
    let reduce = Instruction::Reduce {
        from: Source::Constant(1.0),
        axis: ReductionAxis::All,
        reduction: Reduction::Sum,
        into: Offset(40),
        partials: Offset(50),
    };
    assert_refused(of_program(vec![reduce]), "reduction of a number");
}

#[test]
fn shapes_that_disagree_are_refused() {
    let matrix = |at, features, columns| Matrix {
        at: Offset(at),
        features,
        columns,
        stride: features,
    };
    let batch = Columns::Batch;
    let tiled = |features, columns| region(features, columns, 4, 4);
    let weight = matrix(0, 2, Columns::Fixed(3));
    let kernels = [
        Kernel::Forward {
            weight,
            input: matrix(10, 4, batch),
            bias: None,
            region: tiled(2, batch),
        },
        Kernel::DataGradient {
            weight,
            gradient: matrix(10, 3, batch),
            region: tiled(3, batch),
        },
        Kernel::WeightGradient {
            gradient: matrix(0, 2, batch),
            input: matrix(20, 3, batch),
            weight: Some(tiled(2, Columns::Fixed(2))),
            bias: None,
        },
        Kernel::WeightGradient {
            gradient: matrix(0, 2, batch),
            input: matrix(20, 3, batch),
            weight: None,
            bias: None,
        },
        Kernel::Gather {
            table: weight,
            index: matrix(10, 1, batch),
            region: tiled(2, Columns::Fixed(10)),
        },
        Kernel::ScatterAdd {
            gradient: matrix(0, 2, batch),
            index: matrix(20, 2, batch),
            region: tiled(2, Columns::Fixed(3)),
        },
        Kernel::CrossEntropy {
            logits: matrix(0, 3, batch),
            index: matrix(30, 1, batch),
            on: 1.0,
            off: 0.0,
            loss: Some(tiled(1, batch)),
            gradient: Some(tiled(2, batch)),
        },
        Kernel::LogSoftmax {
            input: matrix(0, 3, batch),
            region: tiled(2, batch),
        },
        Kernel::Concat {
            parts: vec![matrix(0, 3, batch)],
            to: matrix(40, 4, batch),
        },
    ];
    for kernel in kernels {
        let fault = Executable::<f32>::new(std::slice::from_ref(&kernel), 100, 10).err();
        let fault = fault.unwrap_or_else(|| panic!("accepted: {kernel:?}"));
        assert!(
            fault.contains("disagree") || fault.contains("neither"),
            "{fault}"
        );
    }
}
