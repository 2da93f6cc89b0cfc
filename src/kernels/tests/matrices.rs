use super::*;

/// Sizes around every remainder of lanes and register tiles, and a few beyond a packed panel.
fn sizes() -> impl Iterator<Item = usize> {
    (1..=40).chain([47, 64, 65, 100])
}

fn stored(case: &mut Case, mut region: Region) -> Region {
    region.accumulator = Some(case.matrix(region.features, region.columns, 0).at);
    region
}

/// A result that stays in scratch and leaves by a store.
fn passing(case: &mut Case, mut region: Region) -> Region {
    let to = case.matrix(region.features, region.columns, 2);
    let instruction = Instruction::Store {
        from: Source::Accumulator,
        at: to.at,
        stride: to.stride,
    };
    region.program.push(instruction);
    region
}

fn forward(case: &mut Case, outs: usize, ins: usize, columns: Columns, tile: usize, gap: usize) {
    let weight = case.matrix(outs, Columns::Fixed(ins), gap);
    let input = case.matrix(ins, columns, gap);
    let bias = (gap == 0).then(|| case.numbers(outs));
    let region = region(outs, columns, tile, tile.div_ceil(2));
    let region = match gap {
        0 => stored(case, region),
        _ => passing(case, region),
    };
    case.kernels.push(Kernel::Forward {
        weight,
        input,
        bias,
        region,
    });
}

fn data_gradient(case: &mut Case, outs: usize, ins: usize, tile: usize, gap: usize) {
    let weight = case.matrix(outs, Columns::Fixed(ins), gap);
    let gradient = case.matrix(outs, Columns::Batch, gap);
    let region = region(ins, Columns::Batch, tile, tile);
    let region = match gap {
        0 => stored(case, region),
        _ => passing(case, region),
    };
    case.kernels.push(Kernel::DataGradient {
        weight,
        gradient,
        region,
    });
}

fn weight_gradient(case: &mut Case, outs: usize, ins: usize, tile: usize, gap: usize) {
    let gradient = case.matrix(outs, Columns::Batch, gap);
    let input = case.matrix(ins, Columns::Batch, gap);
    let weight = region(outs, Columns::Fixed(ins), tile, tile);
    let bias = region(outs, Columns::Fixed(1), 1, 1);
    let (weight, bias) = match gap {
        0 => (Some(stored(case, weight)), Some(stored(case, bias))),
        1 => (Some(passing(case, weight)), None),
        _ => (None, Some(passing(case, bias))),
    };
    case.kernels.push(Kernel::WeightGradient {
        gradient,
        input,
        weight,
        bias,
    });
}

#[test]
fn products_agree_for_every_size() {
    for (index, size) in sizes().enumerate() {
        for rows in [1, 7, 26] {
            let mut case = Case::new(rows, size as u64 + 1000 * rows as u64);
            let other = [1, 3, 18, 33][index % 4];
            let tile = [4, 5, 100][index % 3];
            for (outs, ins) in [(size, other), (other, size)] {
                for gap in [0, 1, 3] {
                    forward(&mut case, outs, ins, Columns::Batch, tile, gap);
                    data_gradient(&mut case, outs, ins, tile, gap);
                    weight_gradient(&mut case, outs, ins, tile, gap.min(2));
                }
                forward(&mut case, outs, ins, Columns::Fixed(size), tile, 0);
            }
            case.check();
        }
    }
}

#[test]
fn weight_gradients_by_split_k_agree() {
    for (outs, ins, rows) in [
        (1, 33, 65),
        (1, 1, 33),
        // From far away: as few streams.
        (1, 700, 200),
        (7, 40, 96),
        (64, 64, 64),
        (97, 64, 200),
    ] {
        let mut case = Case::new(rows, outs as u64);
        for gap in [0, 1, 2, 0] {
            weight_gradient(&mut case, outs, ins, 16, gap);
            forward(&mut case, outs, ins, Columns::Batch, 16, gap);
        }
        case.check();
    }
}

#[test]
fn products_of_weights_in_one_panel_agree() {
    let sizes = [
        (130, 70, 50),
        (70, 131, 90),
        (65, 129, 24),
        (97, 64, 200),
        // Data gradients that go along the depth, and sums of one column side by side.
        (33, 236, 1),
        (67, 100, 2),
        (110, 40, 3),
        (229, 31, 1),
        (142, 64, 4),
    ];
    for (outs, ins, rows) in sizes {
        let mut case = Case::new(rows, outs as u64);
        for gap in [0, 1] {
            forward(&mut case, outs, ins, Columns::Batch, 32, gap);
            data_gradient(&mut case, outs, ins, 32, gap);
            weight_gradient(&mut case, outs, ins, 16, gap);
        }
        case.check();
    }
}

/// A weight in panels of 32 rows, the last filled up with zeros.
fn in_panels(case: &mut Case, outs: usize, ins: usize) -> Matrix {
    let panels = outs.div_ceil(32);
    let weight = case.matrix(32, Columns::Fixed(panels * ins), 0);
    for column in (panels - 1) * ins..panels * ins {
        for row in outs - (panels - 1) * 32..32 {
            case.arena[weight.at.0 + column * 32 + row] = 0.0;
        }
    }
    weight
}

#[test]
fn products_of_weights_in_panels_agree() {
    // Two have columns so far apart that the right operand is copied into strips.
    let sizes = [
        (33, 5, 7),
        (40, 70, 3),
        (250, 300, 1),
        (97, 400, 2),
        (320, 129, 4),
        (300, 200, 20),
        (64, 31, 50),
        (95, 100, 40),
        (161, 1024, 33),
        (512, 514, 21),
        // Gradients of these are summed in halves.
        (64, 64, 64),
        (40, 24, 70),
        (48, 11, 600),
    ];
    for (outs, ins, rows) in sizes {
        let mut case = Case::new(rows, outs as u64);
        let (weight, bias) = (in_panels(&mut case, outs, ins), case.numbers(outs));
        let input = case.matrix(ins, Columns::Batch, 0);
        let gradient = case.matrix(outs, Columns::Batch, 0);
        let tiled = region(outs, Columns::Batch, 16, 16);
        let result = stored(&mut case, tiled);
        case.kernels.push(Kernel::Forward {
            weight,
            input,
            bias: Some(bias),
            region: result,
        });
        let tiled = region(ins, Columns::Batch, 16, 16);
        let result = stored(&mut case, tiled);
        case.kernels.push(Kernel::DataGradient {
            weight,
            gradient,
            region: result,
        });
        let mut tiled = region(32, weight.columns, 28, 28);
        tiled.panel_columns = Some(ins);
        let result = stored(&mut case, tiled);
        let tiled = region(outs, Columns::Fixed(1), 1, 1);
        let bias = stored(&mut case, tiled);
        case.kernels.push(Kernel::WeightGradient {
            gradient,
            input,
            weight: Some(result),
            bias: Some(bias),
        });
        case.check();
    }
}

#[test]
fn a_row_has_the_same_bits_in_any_batch() {
    let run = |outputs: usize, rows: usize| {
        let mut case = Case::new(30, 3);
        forward(&mut case, 65, 130, Columns::Batch, 8, 0);
        data_gradient(&mut case, outputs, 90, 8, 0);
        case.rows = rows;
        let results = case.kernels.iter().map(|kernel| {
            let (Kernel::Forward { region, .. } | Kernel::DataGradient { region, .. }) = kernel
            else {
                unreachable!("the case has no other kernels");
            };
            (region.accumulator.unwrap().0, region.features)
        });
        let results: Vec<_> = results.collect();
        let arena = case.run::<f32>(1, 0);
        results
            .into_iter()
            .flat_map(|(at, length)| arena[at..][..length].to_vec())
            .collect::<Vec<_>>()
    };
    let whole = run(30, 30);
    for rows in [1, 2, 7, 23, 29] {
        assert_eq!(run(30, rows), whole);
    }
    // Data gradients of more outputs go along the depth where the columns are few.
    let (few, many) = (run(70, 1), run(70, 30));
    for rows in [2, 3, 4] {
        assert_eq!(run(70, rows), few);
    }
    for rows in [5, 7, 23, 29] {
        assert_eq!(run(70, rows), many);
    }
}

#[test]
fn tables_agree() {
    for (index, width) in sizes().enumerate() {
        let rows = [1, 5, 40][index % 3];
        let mut case = Case::new(rows, width as u64);
        let entries = 1 + index % 7;
        for gap in [0, 2] {
            let table = case.matrix(width, Columns::Fixed(entries), gap);
            let gradient = case.matrix(width, Columns::Batch, gap);
            let index = case.indices(Columns::Batch, entries, gap);
            let tiled = region(width, Columns::Batch, 3, 2);
            let section_of_rows = passing(&mut case, tiled);
            case.kernels.push(Kernel::Gather {
                table,
                index,
                region: section_of_rows,
            });
            let tiled = region(width, Columns::Fixed(entries), 2, 2);
            let region = stored(&mut case, tiled);
            case.kernels.push(Kernel::ScatterAdd {
                gradient,
                index,
                region,
            });
        }
        case.check();
    }
}

#[test]
fn softmax_agrees() {
    for (index, classes) in sizes().enumerate() {
        let rows = [1, 6, 19][index % 3];
        let mut case = Case::new(rows, classes as u64);
        for (gap, on, off) in [(0, 1.0, 0.0), (1, 0.9, 0.1 / classes as f64)] {
            let logits = case.matrix(classes, Columns::Batch, gap);
            let labels = case.indices(Columns::Batch, classes, gap);
            for present in [(true, true), (true, false), (false, true)] {
                let tiled = region(1, Columns::Batch, 4, 3);
                let loss = present.0.then(|| passing(&mut case, tiled));
                let tiled = region(classes, Columns::Batch, 4, 2);
                let gradient = present.1.then(|| stored(&mut case, tiled));
                case.kernels.push(Kernel::CrossEntropy {
                    logits,
                    index: labels,
                    on,
                    off,
                    loss,
                    gradient,
                });
            }
            let tiled = region(classes, Columns::Batch, 4, 4);
            let region = stored(&mut case, tiled);
            case.kernels.push(Kernel::LogSoftmax {
                input: logits,
                region,
            });
        }
        case.check();
    }
}

#[test]
fn softmax_is_stable_and_shows_a_bad_class() {
    let mut case = Case::new(3, 1);
    let logits = case.matrix(2, Columns::Batch, 0);
    let index = case.matrix(1, Columns::Batch, 0);
    case.arena[..6].copy_from_slice(&[1000.0, -1000.0, -1e30, 1e30, 0.0, 0.0]);
    case.arena[6..9].copy_from_slice(&[0.0, 1.0, 2.0]);
    let tiled = region(1, Columns::Batch, 2, 2);
    let loss = stored(&mut case, tiled);
    let tiled = region(2, Columns::Batch, 2, 2);
    let gradient = stored(&mut case, tiled);
    let (loss_at, gradient_at) = (loss.accumulator.unwrap().0, gradient.accumulator.unwrap().0);
    let (loss, gradient) = (Some(loss), Some(gradient));
    case.kernels.push(Kernel::CrossEntropy {
        logits,
        index,
        on: 1.0,
        off: 0.0,
        loss,
        gradient,
    });
    let arena = case.run::<f32>(1, 0);
    assert_eq!(arena[loss_at..][..2], [0.0, 0.0]);
    assert!(arena[loss_at + 2].is_nan());
    assert_eq!(arena[gradient_at..][..4], [0.0; 4]);
    assert!(arena[gradient_at + 4].is_nan() && arena[gradient_at + 5].is_nan());
}

#[test]
fn concatenation_agrees() {
    for rows in [1, 9, 3000] {
        let mut case = Case::new(rows, rows as u64);
        let parts: Vec<_> = [(1, 0), (8, 3), (17, 0)]
            .map(|(features, gap)| case.matrix(features, Columns::Batch, gap))
            .to_vec();
        for gap in [0, 4] {
            let to = case.matrix(26, Columns::Batch, gap);
            case.kernels.push(Kernel::Concat {
                parts: parts.clone(),
                to,
            });
        }
        case.check();
    }
}
