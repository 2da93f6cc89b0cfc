//! What a step costs: arithmetic, and the numbers that it reads and writes. Whether a plan is worth
//! several threads follows from it.

use std::collections::HashSet;

use super::Step;
use super::step::{
    Columns, Destination, Instruction, Kernel, Load, Matrix, Offset, ReductionAxis, Region, Source,
};
use crate::graph::arithmetic::{Arithmetic, Operations};
use crate::graph::ops::BinaryOperator;

/// A product of matrices, `rows × depth` by `depth × columns`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProductShape {
    pub rows: usize,
    pub columns: usize,
    pub depth: usize,
}

impl ProductShape {
    /// A multiplication and a sum for each of its terms.
    pub fn flops(&self) -> u64 {
        2 * (self.rows * self.columns * self.depth) as u64
    }
}

/// What a step costs on a batch.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Cost {
    /// Floating-point operations. A scalar function counts as one.
    pub flops: u64,
    pub product: Option<ProductShape>,
    /// The arithmetic outside of the product.
    pub operations: Operations,
    /// Numbers read from values in memory, each once.
    pub read: u64,
    /// Numbers written to values in memory, each once.
    pub written: u64,
}

impl Cost {
    /// The cost of a step on a batch of `rows`.
    pub fn new(kernel: &Kernel, rows: usize) -> Cost {
        let mut count = Count {
            rows,
            cost: Cost::default(),
            read: HashSet::new(),
            written: HashSet::new(),
        };
        count.kernel(kernel);
        let (_, regions) = kernel.parts();
        for region in regions {
            count.region(region, kernel);
        }
        count.cost
    }
}

/// How many elements each instruction of a region's program works on, for a batch of `rows`.
pub fn region_elements(kernel: &Kernel, region: &Region, rows: usize) -> u64 {
    let (features, columns) = worked_on(kernel, region, rows);
    features * columns
}

/// The features and columns of a region.
fn worked_on(kernel: &Kernel, region: &Region, rows: usize) -> (u64, u64) {
    if let (
        Kernel::WeightGradient {
            gradient, input, ..
        },
        Some(_),
    ) = (kernel, region.panel_columns)
    {
        // Not what fills up the last panel.
        return (gradient.features as u64, input.features as u64);
    }
    (region.features as u64, region.columns.count(rows) as u64)
}

/// A step's cost while it is counted.
struct Count {
    rows: usize,
    cost: Cost,
    /// The places that are counted already.
    read: HashSet<Offset>,
    written: HashSet<Offset>,
}

impl Count {
    fn columns(&self, columns: Columns) -> u64 {
        columns.count(self.rows) as u64
    }

    /// What was written in this step is at hand.
    fn reads(&mut self, at: Offset, elements: u64) {
        if !self.written.contains(&at) && self.read.insert(at) {
            self.cost.read += elements;
        }
    }

    fn reads_matrix(&mut self, matrix: &Matrix) {
        let elements = matrix.features as u64 * self.columns(matrix.columns);
        self.reads(matrix.at, elements);
    }

    fn writes(&mut self, at: Offset, elements: u64) {
        if self.written.insert(at) {
            self.cost.written += elements;
        }
    }

    fn product(&mut self, rows: usize, columns: u64, depth: usize) {
        let product = ProductShape {
            rows,
            columns: columns as usize,
            depth,
        };
        self.cost.flops += product.flops();
        self.cost.product = Some(product);
    }

    /// What the kernel does before its regions' programs.
    fn kernel(&mut self, kernel: &Kernel) {
        match kernel {
            Kernel::Loop { .. } => {}
            Kernel::Forward {
                weight,
                input,
                bias,
                region,
            } => {
                let (rows, depth) = (region.features, input.features);
                self.reads(weight.at, (rows * depth) as u64);
                self.reads_matrix(input);
                if let Some(bias) = bias {
                    self.reads(*bias, rows as u64);
                }
                self.product(rows, self.columns(input.columns), depth);
            }
            Kernel::DataGradient {
                weight,
                gradient,
                region,
            } => {
                let (rows, depth) = (region.features, gradient.features);
                self.reads(weight.at, (rows * depth) as u64);
                self.reads_matrix(gradient);
                self.product(rows, self.columns(gradient.columns), depth);
            }
            Kernel::WeightGradient {
                gradient,
                input,
                weight,
                bias,
            } => {
                self.reads_matrix(gradient);
                let rows = self.columns(gradient.columns);
                if weight.is_some() {
                    self.reads_matrix(input);
                    self.product(gradient.features, input.features as u64, rows as usize);
                }
                if bias.is_some() {
                    let elements = gradient.features as u64 * rows;
                    self.cost.flops += elements;
                    self.cost.operations.add(Arithmetic::Simple, elements);
                }
            }
            Kernel::Gather {
                table,
                index,
                region,
            } => {
                self.reads_matrix(index);
                // Of the table only what the index names.
                let looked_up = region.features as u64 * self.columns(region.columns);
                self.reads(table.at, looked_up);
            }
            Kernel::ScatterAdd {
                gradient, index, ..
            } => {
                self.reads_matrix(gradient);
                self.reads_matrix(index);
                let elements = gradient.features as u64 * self.columns(gradient.columns);
                self.cost.flops += elements;
                self.cost.operations.add(Arithmetic::Simple, elements);
            }
            Kernel::CrossEntropy { logits, index, .. } => {
                self.reads_matrix(index);
                self.softmax(logits);
            }
            Kernel::LogSoftmax { input, .. } => self.softmax(input),
            Kernel::Concat { parts, to } => {
                for part in parts {
                    self.reads_matrix(part);
                }
                self.writes(to.at, to.features as u64 * self.columns(to.columns));
            }
        }
    }

    /// Largest element, shift, exp, sum and what is made of it, column by column.
    fn softmax(&mut self, input: &Matrix) {
        self.reads_matrix(input);
        let columns = self.columns(input.columns);
        let elements = input.features as u64 * columns;
        self.cost.flops += 4 * elements;
        let operations = &mut self.cost.operations;
        operations.add(Arithmetic::Simple, 5 * elements);
        operations.add(Arithmetic::Exponential, elements);
        operations.add(Arithmetic::Logarithm, columns);
        operations.add(Arithmetic::Division, columns);
    }

    /// A region's program.
    fn region(&mut self, region: &Region, kernel: &Kernel) {
        let (features, columns) = worked_on(kernel, region, self.rows);
        if let Some(accumulator) = region.accumulator {
            self.writes(accumulator, features * columns);
        }
        for instruction in &region.program {
            self.instruction(instruction, features, columns);
        }
    }

    fn instruction(&mut self, instruction: &Instruction, features: u64, columns: u64) {
        let elements = features * columns;
        let (operations, flops) = match *instruction {
            Instruction::Load { ref load, .. } => {
                self.load(load, features, columns);
                match load {
                    Load::Dropout { .. } => (each(&[(Arithmetic::Draw, 1)]), 0),
                    Load::Strided { .. }
                    | Load::PerFeature { .. }
                    | Load::PerColumn { .. }
                    | Load::Scalar { .. }
                    | Load::Constant(_)
                    | Load::Rows
                    | Load::OneHot { .. } => (Operations::default(), 0),
                }
            }
            Instruction::Unary {
                to,
                from,
                function,
                derivative,
            } => {
                self.source(from, elements);
                self.destination(to, elements);
                (function.operations(derivative), elements)
            }
            Instruction::Binary {
                to,
                left,
                right,
                operator,
            } => {
                self.source(left, elements);
                self.source(right, elements);
                self.destination(to, elements);
                (each(&[(arithmetic(operator), 1)]), elements)
            }
            Instruction::Store { from, at, .. } => {
                self.source(from, elements);
                self.writes(at, elements);
                (Operations::default(), 0)
            }
            Instruction::Reduce {
                from, axis, into, ..
            } => {
                self.source(from, elements);
                let results = match axis {
                    ReductionAxis::Features => columns,
                    ReductionAxis::Columns => features,
                    ReductionAxis::All => 1,
                };
                self.writes(into, results);
                (each(&[(Arithmetic::Simple, 1)]), elements)
            }
        };
        self.cost.flops += flops;
        self.cost.operations.add_for_each(elements, operations);
    }

    fn source(&mut self, source: Source, elements: u64) {
        match source {
            Source::Memory(at) => self.reads(at, elements),
            Source::Scalar(at) => self.reads(at, 1),
            Source::Scratch(_) | Source::Accumulator | Source::Constant(_) => {}
        }
    }

    fn destination(&mut self, destination: Destination, elements: u64) {
        match destination {
            Destination::Memory(at) => self.writes(at, elements),
            Destination::Scratch(_) => {}
        }
    }

    fn load(&mut self, load: &Load, features: u64, columns: u64) {
        match *load {
            Load::Strided { at, .. } => self.reads(at, features * columns),
            Load::PerFeature { at } => self.reads(at, features),
            Load::PerColumn { at, .. } | Load::OneHot { at, .. } => self.reads(at, columns),
            Load::Scalar { at } => self.reads(at, 1),
            Load::Constant(_) | Load::Rows | Load::Dropout { .. } => {}
        }
    }
}

/// The arithmetic for one element.
fn each(counts: &[(Arithmetic, u64)]) -> Operations {
    let mut operations = Operations::default();
    for (kind, count) in counts {
        operations.add(*kind, *count);
    }
    operations
}

fn arithmetic(operator: BinaryOperator) -> Arithmetic {
    match operator {
        BinaryOperator::Divide => Arithmetic::Division,
        BinaryOperator::Add
        | BinaryOperator::Subtract
        | BinaryOperator::Multiply
        | BinaryOperator::Maximum
        | BinaryOperator::Minimum => Arithmetic::Simple,
    }
}

/// Floating-point operations that several threads can share before their barriers cost more than
/// they bring: about 10 µs on one core.
const PARALLEL_FLOPS: u64 = 1_000_000;

/// Whether a run of the steps is worth several threads: enough of its work stands in steps of at
/// least two tiles.
pub fn parallel(steps: &[Step], batch: usize) -> bool {
    let divisible = steps.iter().filter(|step| {
        let (_, regions) = step.kernel.parts();
        let tiles = |region: &&Region| region.tiling(batch).tiles();
        regions.iter().map(tiles).max().unwrap_or(0) >= 2
    });
    divisible.map(|step| step.flops).sum::<u64>() >= PARALLEL_FLOPS
}
