//! The kernels' meaning as plain loops in f64, a whole matrix at a time.

use crate::graph::ops::{BinaryOperator, Reduction};
use crate::graph::scalar::Exact;
use crate::kernels::dropout_mask;
use crate::plan::step::*;

pub struct Reference {
    pub arena: Vec<f64>,
    pub rows: usize,
    pub update: u64,
}

/// A matrix' elements, column by column.
type Values = Vec<f64>;

/// The weight `[outs × ins]`, column by column, of one in panels of that height.
fn out_of_panels(panels: &[f64], height: usize, outs: usize, ins: usize) -> Values {
    let element = |k: usize, out: usize| panels[(out / height * ins + k) * height + out % height];
    let columns = (0..ins).flat_map(|k| (0..outs).map(move |out| element(k, out)));
    columns.collect()
}

impl Reference {
    fn read(&self, matrix: Matrix) -> Values {
        let mut values = vec![];
        for column in 0..matrix.columns.count(self.rows) {
            let at = matrix.at.0 + column * matrix.stride;
            values.extend_from_slice(&self.arena[at..at + matrix.features]);
        }
        values
    }

    fn write(&mut self, matrix: Matrix, values: &[f64]) {
        for column in 0..matrix.columns.count(self.rows) {
            for feature in 0..matrix.features {
                let at = matrix.at.0 + column * matrix.stride + feature;
                self.arena[at] = values[column * matrix.features + feature];
            }
        }
    }

    #[expect(clippy::too_many_lines, reason = "one arm a kernel")]
    pub fn run(&mut self, kernel: &Kernel) {
        match kernel {
            Kernel::Loop { region } => self.region(region, vec![]),
            Kernel::Forward {
                weight,
                input,
                bias,
                region,
            } => {
                let x = self.read(*input);
                let (outs, ins) = (region.features, input.features);
                let w = out_of_panels(&self.read(*weight), weight.features, outs, ins);
                let mut result = vec![];
                for column in 0..region.columns.count(self.rows) {
                    for out in 0..outs {
                        let bias = bias.map_or(0.0, |bias| self.arena[bias.0 + out]);
                        let products = (0..ins).map(|k| w[k * outs + out] * x[column * ins + k]);
                        result.push(bias + products.sum::<f64>());
                    }
                }
                self.region(region, result);
            }
            Kernel::DataGradient {
                weight,
                gradient,
                region,
            } => {
                let g = self.read(*gradient);
                let (outs, ins) = (gradient.features, region.features);
                let w = out_of_panels(&self.read(*weight), weight.features, outs, ins);
                let mut result = vec![];
                for column in 0..region.columns.count(self.rows) {
                    for k in 0..ins {
                        let products =
                            (0..outs).map(|out| w[k * outs + out] * g[column * outs + out]);
                        result.push(products.sum());
                    }
                }
                self.region(region, result);
            }
            Kernel::WeightGradient {
                gradient,
                input,
                weight,
                bias,
            } => {
                let (g, x) = (self.read(*gradient), self.read(*input));
                let (outs, ins) = (gradient.features, input.features);
                let rows = gradient.columns.count(self.rows);
                let sum = |out: usize, factor: &dyn Fn(usize) -> f64| -> f64 {
                    (0..rows).map(|row| g[row * outs + out] * factor(row)).sum()
                };
                let height = weight.as_ref().map_or(outs, |region| region.features);
                let mut weights = vec![];
                for first in (0..outs).step_by(height) {
                    for k in 0..ins {
                        weights.extend((first..first + height).map(|out| {
                            if out < outs {
                                sum(out, &|row| x[row * ins + k])
                            } else {
                                0.0
                            }
                        }));
                    }
                }
                let biases = (0..outs).map(|out| sum(out, &|_| 1.0)).collect();
                if let Some(region) = weight {
                    self.region(region, weights);
                }
                if let Some(region) = bias {
                    self.region(region, biases);
                }
            }
            Kernel::Gather {
                table,
                index,
                region,
            } => {
                let (table_values, index) = (self.read(*table), self.read(*index));
                let width = table.features;
                let mut result = vec![];
                for entry in index {
                    result.extend_from_slice(&table_values[entry as usize * width..][..width]);
                }
                self.region(region, result);
            }
            Kernel::ScatterAdd {
                gradient,
                index,
                region,
            } => {
                let (g, index) = (self.read(*gradient), self.read(*index));
                let width = gradient.features;
                let mut result = vec![0.0; width * region.columns.count(self.rows)];
                for (row, entry) in index.into_iter().enumerate() {
                    for feature in 0..width {
                        result[entry as usize * width + feature] += g[row * width + feature];
                    }
                }
                self.region(region, result);
            }
            Kernel::CrossEntropy {
                logits,
                index,
                on,
                off,
                loss,
                gradient,
            } => {
                let (z, index) = (self.read(*logits), self.read(*index));
                let (mut losses, mut gradients) = (vec![], vec![]);
                for (z, class) in z.chunks(logits.features).zip(index) {
                    let total: f64 = z.iter().map(|z| z.exp()).sum();
                    let target = |k: usize| off + if k == class as usize { *on } else { 0.0 };
                    let targets: f64 = (0..z.len()).map(target).sum();
                    let logs = z.iter().map(|z| z - total.ln());
                    losses.push(
                        -logs
                            .enumerate()
                            .map(|(k, log)| target(k) * log)
                            .sum::<f64>(),
                    );
                    let parts = z.iter().enumerate();
                    gradients.extend(parts.map(|(k, z)| z.exp() / total * targets - target(k)));
                }
                if let Some(region) = loss {
                    self.region(region, losses);
                }
                if let Some(region) = gradient {
                    self.region(region, gradients);
                }
            }
            Kernel::LogSoftmax { input, region } => {
                let mut result = self.read(*input);
                for z in result.chunks_mut(input.features) {
                    let total: f64 = z.iter().map(|z| z.exp()).sum();
                    z.iter_mut().for_each(|z| *z -= total.ln());
                }
                self.region(region, result);
            }
            Kernel::Concat { parts, to } => {
                let mut feature = 0;
                for part in parts {
                    let values = self.read(*part);
                    let at = Offset(to.at.0 + feature);
                    self.write(
                        Matrix {
                            at,
                            features: part.features,
                            ..*to
                        },
                        &values,
                    );
                    feature += part.features;
                }
            }
        }
    }

    #[expect(clippy::too_many_lines, reason = "one arm an instruction")]
    fn region(&mut self, region: &Region, accumulator: Values) {
        let features = region.features;
        let columns = region.columns.count(self.rows);
        let length = features * columns;
        let matrix = |at, stride| Matrix {
            at,
            features,
            columns: region.columns,
            stride,
        };
        if let Some(at) = region.accumulator {
            self.write(matrix(at, features), &accumulator);
        }
        let mut scratches = vec![vec![0.0; length]; region.scratches as usize];
        let put =
            |to: Destination, values: Values, scratches: &mut [Values], this: &mut Self| match to {
                Destination::Scratch(scratch) => scratches[scratch.index()] = values,
                Destination::Memory(at) => this.write(matrix(at, features), &values),
            };
        for instruction in &region.program {
            let value = |source: Source, scratches: &[Values], this: &Self| match source {
                Source::Scratch(scratch) => scratches[scratch.index()].clone(),
                Source::Accumulator => accumulator.clone(),
                Source::Memory(at) => this.read(matrix(at, features)),
                Source::Scalar(at) => vec![this.arena[at.0]; length],
                Source::Constant(value) => vec![value; length],
            };
            match *instruction {
                Instruction::Load { to, ref load } => {
                    let values = self.load(load, features, region.columns);
                    put(Destination::Scratch(to), values, &mut scratches, self);
                }
                Instruction::Unary {
                    to,
                    from,
                    function,
                    derivative,
                } => {
                    let mut values = value(from, &scratches, self);
                    for x in &mut values {
                        *x = if derivative {
                            function.derivative(Exact(*x)).0
                        } else {
                            function.value(Exact(*x)).0
                        };
                    }
                    put(to, values, &mut scratches, self);
                }
                Instruction::Binary {
                    to,
                    left,
                    right,
                    operator,
                } => {
                    let mut values = value(left, &scratches, self);
                    for (x, y) in values.iter_mut().zip(value(right, &scratches, self)) {
                        *x = match operator {
                            BinaryOperator::Add => *x + y,
                            BinaryOperator::Subtract => *x - y,
                            BinaryOperator::Multiply => *x * y,
                            BinaryOperator::Divide => *x / y,
                            BinaryOperator::Maximum => x.max(y),
                            BinaryOperator::Minimum => x.min(y),
                        };
                    }
                    put(to, values, &mut scratches, self);
                }
                Instruction::Store { from, at, stride } => {
                    let values = value(from, &scratches, self);
                    self.write(matrix(at, stride), &values);
                }
                Instruction::Reduce {
                    from,
                    axis,
                    reduction,
                    into,
                    partials: _,
                } => {
                    let values = value(from, &scratches, self);
                    let results = match axis {
                        ReductionAxis::Features => columns,
                        ReductionAxis::Columns => features,
                        ReductionAxis::All => 1,
                    };
                    for result in 0..results {
                        let of_result = |position: &usize| match axis {
                            ReductionAxis::Features => position / features == result,
                            ReductionAxis::Columns => position % features == result,
                            ReductionAxis::All => true,
                        };
                        let chosen = (0..length)
                            .filter(of_result)
                            .map(|position| values[position]);
                        self.arena[into.0 + result] = match reduction {
                            Reduction::Sum => chosen.sum(),
                            Reduction::Maximum => chosen.fold(f64::NEG_INFINITY, f64::max),
                        };
                    }
                }
            }
        }
    }

    fn load(&self, load: &Load, features: usize, columns: Columns) -> Values {
        let count = columns.count(self.rows);
        let by_element = |value: &dyn Fn(usize, usize) -> f64| {
            let column = |column| (0..features).map(move |feature| (feature, column));
            let all = (0..count).flat_map(column);
            all.map(|(feature, column)| value(feature, column))
                .collect()
        };
        match *load {
            Load::Strided { at, stride } => self.read(Matrix {
                at,
                features,
                columns,
                stride,
            }),
            Load::PerFeature { at } => by_element(&|feature, _| self.arena[at.0 + feature]),
            Load::PerColumn { at, stride } => {
                by_element(&|_, column| self.arena[at.0 + column * stride])
            }
            Load::Scalar { at } => by_element(&|_, _| self.arena[at.0]),
            Load::Constant(value) => by_element(&|_, _| value),
            Load::Rows => by_element(&|_, _| self.rows as f64),
            Load::OneHot { at, stride } => by_element(&|feature, column| {
                let class = self.arena[at.0 + column * stride] as usize;
                if class == feature { 1.0 } else { 0.0 }
            }),
            Load::Dropout { key, keep } => {
                let mut mask = vec![0.0; features * count];
                dropout_mask(key, self.update, 0, keep, &mut mask);
                mask
            }
        }
    }
}
