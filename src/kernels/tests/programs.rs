use super::*;
use crate::graph::scalar::ScalarFunction;

fn every_function() -> [ScalarFunction; 22] {
    use ScalarFunction::*;
    [
        Negate,
        Square,
        Abs,
        Sqrt,
        ReciprocalSqrt,
        Reciprocal,
        Exp,
        Log,
        Tanh,
        Sigmoid,
        ReLU,
        LeakyReLU {
            negative_slope: 0.1,
        },
        ELU { alpha: 1.5 },
        GELU,
        GELUTanh,
        SiLU,
        Softplus {
            beta: 2.0,
            threshold: 1.0,
        },
        Hardtanh {
            min_val: -0.5,
            max_val: 0.25,
        },
        Huber { delta: 0.5 },
        AtLeast { bound: 0.1 },
        AtMost { bound: 0.1 },
        Renorm { max_norm: 0.75 },
    ]
}

fn shapes() -> impl Iterator<Item = (usize, usize)> {
    (1..=40)
        .map(|features| (features, [1, 2, 9, 31][features % 4]))
        .chain([(200, 3), (3, 200)])
}

fn looped(case: &mut Case, features: usize, columns: Columns, program: Vec<Instruction>) {
    let tile = [2, 7, 50][features % 3];
    let mut region = region(features, columns, tile, [1, 3, 16][features % 3]);
    region.program = program;
    case.kernels.push(Kernel::Loop { region });
}

#[test]
fn every_function_agrees_on_every_source() {
    for (features, rows) in shapes() {
        let mut case = Case::new(rows, features as u64);
        let columns = Columns::Batch;
        let from = case.matrix(features, columns, 0).at;
        let scalar = case.numbers(1);
        // Sources away from the poles of 1/x, sqrt and log, whose conditioning no arithmetic helps.
        for number in &mut case.arena {
            *number = f64::from((number.abs() * 2.0 + 0.2) as f32);
        }
        for (index, function) in every_function().into_iter().enumerate() {
            let derivative = index % 2 == features % 2;
            let source = match index % 5 {
                0 => Source::Scalar(scalar),
                1 => Source::Constant(0.3),
                _ => Source::Memory(from),
            };
            let mut program = vec![];
            for source in [source, Source::Memory(from)] {
                let to = Destination::Memory(case.matrix(features, columns, 0).at);
                program.push(Instruction::Unary {
                    to,
                    from: source,
                    function,
                    derivative,
                });
            }
            looped(&mut case, features, columns, program);
        }
        case.check();
    }
}

#[test]
fn functions_agree_on_both_sides_of_zero() {
    use ScalarFunction::*;
    let mut case = Case::new(37, 1);
    let from = case.matrix(5, Columns::Batch, 0).at;
    for number in &mut case.arena {
        *number *= 4.0;
    }
    for function in every_function() {
        if matches!(function, Sqrt | ReciprocalSqrt | Reciprocal | Log) {
            continue;
        }
        for derivative in [false, true] {
            let to = Scratch(1);
            let at = case.matrix(5, Columns::Batch, 0).at;
            let program = vec![
                Instruction::Load {
                    to,
                    load: Load::Strided {
                        at: from,
                        stride: 5,
                    },
                },
                Instruction::Unary {
                    to: Destination::Scratch(to),
                    from: Source::Scratch(to),
                    function,
                    derivative,
                },
                Instruction::Store {
                    from: Source::Scratch(to),
                    at,
                    stride: 5,
                },
            ];
            looped(&mut case, 5, Columns::Batch, program);
        }
    }
    case.check();
}

#[test]
fn every_operator_agrees_on_every_pair_of_sources() {
    use BinaryOperator::*;
    for (features, rows) in shapes() {
        let mut case = Case::new(rows, features as u64);
        let columns = Columns::Fixed(rows);
        let left = case.matrix(features, columns, 0).at;
        let right = case.matrix(features, columns, 0).at;
        for number in &mut case.arena {
            *number += number.signum() * 0.5;
        }
        let scalar = case.numbers(1);
        for operator in [Add, Subtract, Multiply, Divide, Maximum, Minimum] {
            let mut program = vec![];
            for (left, right) in [
                (Source::Memory(left), Source::Memory(right)),
                (Source::Scalar(scalar), Source::Memory(right)),
                (Source::Memory(left), Source::Constant(0.75)),
                (Source::Constant(2.0), Source::Constant(3.0)),
            ] {
                let to = Destination::Memory(case.matrix(features, columns, 0).at);
                program.push(Instruction::Binary {
                    to,
                    left,
                    right,
                    operator,
                });
            }
            looped(&mut case, features, columns, program);
        }
        case.check();
    }
}

#[test]
fn every_load_and_store_agrees() {
    for (features, rows) in shapes() {
        let mut case = Case::new(rows, features as u64);
        let strided = case.matrix(features, Columns::Batch, 3);
        let row = case.indices(Columns::Batch, features, 2);
        let per_feature = case.numbers(features);
        let (at, stride) = (row.at, row.stride);
        let key = RandomKey([3; 32]);
        let loads = [
            Load::Strided {
                at: strided.at,
                stride: strided.stride,
            },
            Load::PerFeature { at: per_feature },
            Load::PerColumn { at, stride },
            Load::Scalar { at: per_feature },
            Load::Constant(0.5),
            Load::Rows,
            Load::OneHot { at, stride },
            Load::Dropout { key, keep: 0.75 },
        ];
        let mut program = vec![];
        for (index, load) in loads.into_iter().enumerate() {
            let to = Scratch(index as u32 % 3);
            program.push(Instruction::Load { to, load });
            let place = case.matrix(features, Columns::Batch, index % 3);
            let from = Source::Scratch(to);
            program.push(Instruction::Store {
                from,
                at: place.at,
                stride: place.stride,
            });
        }
        for (from, gap) in [(Source::Constant(2.5), 1), (Source::Scalar(per_feature), 0)] {
            let place = case.matrix(features, Columns::Batch, gap);
            program.push(Instruction::Store {
                from,
                at: place.at,
                stride: place.stride,
            });
        }
        looped(&mut case, features, Columns::Batch, program);
        case.check();
    }
}

#[test]
fn every_reduction_agrees() {
    for (features, rows) in shapes() {
        let mut case = Case::new(rows, features as u64);
        let from = Source::Memory(case.matrix(features, Columns::Batch, 0).at);
        let mut program = vec![];
        let mut wanted = vec![];
        for reduction in [Reduction::Sum, Reduction::Maximum] {
            for axis in [
                ReductionAxis::Features,
                ReductionAxis::Columns,
                ReductionAxis::All,
            ] {
                let into = case.numbers(match axis {
                    ReductionAxis::Features => rows,
                    ReductionAxis::Columns => features,
                    ReductionAxis::All => 1,
                });
                wanted.push((axis, reduction, into));
            }
        }
        for (axis, reduction, into) in wanted {
            let partials = case.partials(rows * features);
            program.push(Instruction::Reduce {
                from,
                axis,
                reduction,
                into,
                partials,
            });
        }
        looped(&mut case, features, Columns::Batch, program);
        case.check();
    }
}

#[test]
fn a_weight_is_updated_in_its_gradients_epilogue() {
    for size in [1, 8, 30] {
        let mut case = Case::new(9, size as u64);
        let gradient = case.matrix(size, Columns::Batch, 0);
        let input = case.matrix(7, Columns::Batch, 1);
        let rate = case.numbers(1);
        let mut update = |features: usize, columns: usize| {
            let columns = Columns::Fixed(columns);
            let parameter = case.matrix(features, columns, 0).at;
            let step = Scratch(0);
            let mut region = region(features, columns, 3, 2);
            region.program = vec![
                Instruction::Binary {
                    to: Destination::Scratch(step),
                    left: Source::Accumulator,
                    right: Source::Scalar(rate),
                    operator: BinaryOperator::Multiply,
                },
                Instruction::Binary {
                    to: Destination::Scratch(step),
                    left: Source::Memory(parameter),
                    right: Source::Scratch(step),
                    operator: BinaryOperator::Subtract,
                },
                Instruction::Store {
                    from: Source::Scratch(step),
                    at: parameter,
                    stride: features,
                },
            ];
            Some(region)
        };
        let (weight, bias) = (update(size, 7), update(size, 1));
        case.kernels.push(Kernel::WeightGradient {
            gradient,
            input,
            weight,
            bias,
        });
        case.check();
    }
}

#[test]
fn steps_run_one_by_one_as_all_at_once() {
    let mut case = Case::new(4, 1);
    let first = case.matrix(3, Columns::Batch, 0).at;
    let second = case.matrix(3, Columns::Batch, 0).at;
    for (from, to) in [(first, second), (second, first)] {
        let to = Destination::Memory(to);
        let from = Source::Memory(from);
        let function = ScalarFunction::Exp;
        let unary = Instruction::Unary {
            to,
            from,
            function,
            derivative: false,
        };
        looped(&mut case, 3, Columns::Batch, vec![unary]);
    }
    let mut arena = Arena::<f64>::zeroed(24).unwrap();
    arena.as_mut_slice().copy_from_slice(&case.arena);
    let mut executable = Executable::new(&case.kernels, 24, 4).unwrap();
    let mut team = Team::new(2).unwrap();
    for index in 0..executable.steps() {
        executable.run_step(index, &mut arena, &mut team, 4, 5);
    }
    assert_eq!(arena.as_slice(), case.run::<f64>(1, 5));
}
