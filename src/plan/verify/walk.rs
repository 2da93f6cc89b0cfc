//! A run of a plan in terms instead of numbers: every step reads what lies in memory, and what it
//! computes must be a value of the graph.

use super::memory::{Stored, SymbolicMemory, Writer};
use super::terms::{Head, Slope, TermId, Terms};
use crate::graph::ops::{Axis, MatMulForm};
use crate::graph::ops::{BinaryOperator, Reduction};
use crate::plan::Plan;
use crate::plan::step::{
    Columns, Destination, Instruction, Kernel, Load, Matrix, Offset, ReductionAxis, Region, Source,
};

/// Why a step is refused.
pub type Walked<R = ()> = Result<R, String>;

/// One column of adjoining elements.
pub fn vector(at: Offset, features: usize) -> Matrix {
    Matrix {
        at,
        features,
        columns: Columns::Fixed(1),
        stride: features,
    }
}

pub struct Walk<'w> {
    pub plan: &'w Plan,
    pub terms: &'w mut Terms,
    /// So many of the terms are values of the graph.
    pub wanted: usize,
    pub memory: SymbolicMemory,
    /// The step that runs.
    pub step: usize,
}

/// A region while its program runs, tile by tile.
struct Running<'s> {
    region: &'s Region,
    /// What the kernel gives.
    accumulator: Option<TermId>,
    scratches: Vec<Option<TermId>>,
}

impl Running<'_> {
    /// A matrix of the region's shape.
    fn whole(&self, at: Offset, stride: usize) -> Matrix {
        Matrix {
            at,
            features: self.region.features,
            columns: self.region.columns,
            stride,
        }
    }

    fn adjoining(&self, at: Offset) -> Matrix {
        self.whole(at, self.region.features)
    }

    /// One number a column.
    fn row(&self, at: Offset, stride: usize) -> Matrix {
        Matrix {
            features: 1,
            ..self.whole(at, stride)
        }
    }
}

impl Walk<'_> {
    /// What a matrix holds.
    pub fn read(&mut self, what: &str, matrix: Matrix) -> Walked<TermId> {
        let place = matrix.at.0;
        let Some(found) = self.memory.read(&matrix, self.terms) else {
            return Err(format!("reads {what} at {place}, where no such value is"));
        };
        if found.writer == Writer::StepEnd(self.step) {
            return Err(format!("reads {what} at {place} before it is whole"));
        }
        if found.writer == Writer::Step(self.step) && !found.whole {
            return Err(format!("reads {what} at {place} while others write it"));
        }
        if found.writer != Writer::Before
            && let Some(name) = self.state_at(place)
        {
            return Err(format!("reads `{name}` after its update"));
        }
        Ok(found.term)
    }

    /// The state that lies at a place.
    fn state_at(&self, place: usize) -> Option<&str> {
        let states = &self.plan.states;
        if place >= states.end {
            return None;
        }
        let places = &states.places;
        let after = places.partition_point(|state| state.matrix.at.0 <= place);
        Some(places[after.checked_sub(1)?].state.name.as_str())
    }

    fn write(&mut self, what: &str, matrix: Matrix, term: TermId, writer: Writer) -> Walked {
        self.may_write(what, &matrix)?;
        self.memory.write(Stored {
            matrix,
            term,
            writer,
        });
        Ok(())
    }

    /// A plan writes whole states, and what is its own.
    fn may_write(&self, what: &str, matrix: &Matrix) -> Walked {
        let (plan, at) = (self.plan, matrix.at.0);
        let own = plan.arena_end - plan.own_elements;
        let end = at + matrix.extent(plan.batch.unwrap_or(1));
        if end > plan.arena_end {
            return Err(format!("writes {what} at {at} beyond the arena"));
        }
        if at >= own || end <= plan.states.end {
            return Ok(());
        }
        Err(format!("writes {what} at {at}, which is another plan's"))
    }

    fn computed(&self, what: &str, term: TermId) -> Walked<TermId> {
        if self.terms.is_among(term, self.wanted) {
            Ok(term)
        } else {
            Err(format!("{what} is no value of the graph"))
        }
    }

    /// What a kernel gives that reads matrices, each with its part in it.
    fn gives(&mut self, head: Head, operands: &[(&str, Matrix)]) -> Walked<TermId> {
        let operands = operands.iter().map(|(what, matrix)| {
            let term = self.read(what, *matrix)?;
            Ok((term, matrix.features, matrix.columns))
        });
        let operands = operands.collect::<Walked<Vec<_>>>()?;
        let term = self.terms.of_whole(head, &operands);
        self.computed("the kernel's result", term)
    }

    pub fn kernel(&mut self, kernel: &Kernel) -> Walked {
        match kernel {
            Kernel::Loop { region } => self.region(region, None),
            Kernel::Forward {
                weight,
                input,
                bias,
                region,
            } => {
                let head = Head::MatMul(MatMulForm::RightTransposed);
                let result = self.gives(head, &[("its input", *input), ("its weight", *weight)])?;
                let result = self.with_bias(result, *bias, region.features)?;
                self.region(region, Some(result))
            }
            Kernel::DataGradient {
                weight,
                gradient,
                region,
            } => {
                let operands = [("a gradient", *gradient), ("its weight", *weight)];
                let result = self.gives(Head::MatMul(MatMulForm::Plain), &operands)?;
                self.region(region, Some(result))
            }
            Kernel::WeightGradient {
                gradient,
                input,
                weight,
                bias,
            } => {
                let (gradient, input) = (("a gradient", *gradient), ("its input", *input));
                let product = Head::MatMul(MatMulForm::LeftTransposed);
                self.optional(weight.as_ref(), product, &[gradient, input])?;
                let sum = Head::Reduce(Axis::Batch, Reduction::Sum);
                self.optional(bias.as_ref(), sum, &[gradient])
            }
            Kernel::Gather {
                table,
                index,
                region,
            } => {
                let operands = [("its table", *table), ("its index", *index)];
                let result = self.gives(Head::Gather, &operands)?;
                self.region(region, Some(result))
            }
            Kernel::ScatterAdd {
                gradient,
                index,
                region,
            } => {
                let entries = region.columns.count(self.plan.batch.unwrap_or(1));
                let operands = [("a gradient", *gradient), ("its index", *index)];
                let result = self.gives(Head::ScatterAdd(entries), &operands)?;
                self.region(region, Some(result))
            }
            Kernel::CrossEntropy {
                logits,
                index,
                on,
                off,
                loss,
                gradient,
            } => {
                let (on, off) = (on.to_bits(), off.to_bits());
                let operands = [("its logits", *logits), ("its index", *index)];
                self.optional(loss.as_ref(), Head::CrossEntropy(on, off), &operands)?;
                let slope = Head::CrossEntropyGradient(on, off);
                self.optional(gradient.as_ref(), slope, &operands)
            }
            Kernel::LogSoftmax { input, region } => {
                let result = self.gives(Head::LogSoftmax, &[("its input", *input)])?;
                self.region(region, Some(result))
            }
            Kernel::Concat { parts, to } => {
                let parts: Vec<_> = parts.iter().map(|part| ("a part", *part)).collect();
                let result = self.gives(Head::Concat, &parts)?;
                self.write("its result", *to, result, Writer::Step(self.step))
            }
        }
    }

    /// A product with the bias that it begins from.
    fn with_bias(
        &mut self,
        product: TermId,
        bias: Option<Offset>,
        features: usize,
    ) -> Walked<TermId> {
        let Some(bias) = bias else {
            return Ok(product);
        };
        let bias = self.read("its bias", vector(bias, features))?;
        let bias = self.terms.repeated(Head::PerFeature, bias);
        let sum = Head::Binary(BinaryOperator::Add);
        let sum = self.terms.elementwise(sum, &[product, bias]);
        self.computed("the sum with the bias", sum)
    }

    /// One of the two results of a kernel, if it is wanted.
    fn optional(
        &mut self,
        region: Option<&Region>,
        head: Head,
        operands: &[(&str, Matrix)],
    ) -> Walked {
        let Some(region) = region else {
            return Ok(());
        };
        let result = self.gives(head, operands)?;
        self.region(region, Some(result))
    }

    fn region(&mut self, region: &Region, accumulator: Option<TermId>) -> Walked {
        let mut tile = Running {
            region,
            accumulator,
            scratches: vec![None; region.scratches as usize],
        };
        if let (Some(at), Some(term)) = (region.accumulator, accumulator) {
            let matrix = tile.adjoining(at);
            self.write("its result", matrix, term, Writer::Step(self.step))?;
        }
        for (number, instruction) in region.program.iter().enumerate() {
            let refused = |rule| format!("{rule}, in instruction {number}");
            self.instruction(&mut tile, instruction).map_err(refused)?;
        }
        Ok(())
    }

    fn instruction(&mut self, tile: &mut Running, instruction: &Instruction) -> Walked {
        match *instruction {
            Instruction::Load { to, ref load } => {
                let term = self.load(tile, load)?;
                self.put(tile, Destination::Scratch(to), term)
            }
            Instruction::Unary {
                to,
                from,
                function,
                derivative,
            } => {
                apart(to, &[from])?;
                let from = self.source(tile, from)?;
                let head = Head::Map(function, Slope::of(derivative));
                let term = self.terms.elementwise(head, &[from]);
                let term = self.computed("its result", term)?;
                self.put(tile, to, term)
            }
            Instruction::Binary {
                to,
                left,
                right,
                operator,
            } => {
                apart(to, &[left, right])?;
                let operands = [self.source(tile, left)?, self.source(tile, right)?];
                let head = Head::Binary(operator);
                let term = self.terms.elementwise(head, &operands);
                let term = self.computed("its result", term)?;
                self.put(tile, to, term)
            }
            Instruction::Store { from, at, stride } => {
                let term = self.source(tile, from)?;
                let matrix = tile.whole(at, stride);
                self.write("a value", matrix, term, Writer::Step(self.step))
            }
            Instruction::Reduce {
                from,
                axis,
                reduction,
                into,
                partials,
            } => {
                let region = tile.region;
                let from = self.source(tile, from)?;
                let whole = (from, region.features, region.columns);
                let (along, result, writer) = match axis {
                    ReductionAxis::Features => {
                        (Axis::Last, tile.row(into, 1), Writer::Step(self.step))
                    }
                    ReductionAxis::Columns => {
                        let result = vector(into, region.features);
                        (Axis::Batch, result, Writer::StepEnd(self.step))
                    }
                    ReductionAxis::All => (Axis::All, vector(into, 1), Writer::StepEnd(self.step)),
                };
                let term = self
                    .terms
                    .of_whole(Head::Reduce(along, reduction), &[whole]);
                let term = self.computed("its result", term)?;
                let tiles = region.tiling(self.plan.batch.unwrap_or(1)).tiles();
                if axis != ReductionAxis::Features && tiles > 1 {
                    let partials = vector(partials, result.features * tiles);
                    self.may_write("partial results", &partials)?;
                    self.memory.forget(&partials);
                }
                self.write("its result", result, term, writer)
            }
        }
    }

    fn source(&mut self, tile: &Running, source: Source) -> Walked<TermId> {
        match source {
            Source::Scratch(scratch) => match tile.scratches.get(scratch.index()) {
                Some(Some(term)) => Ok(*term),
                Some(None) => Err(format!(
                    "reads temporary {} before it is written",
                    scratch.0
                )),
                None => Err(format!("reads temporary {}, which there is not", scratch.0)),
            },
            Source::Accumulator => tile
                .accumulator
                .ok_or_else(|| "reads the result of a kernel that has none".to_string()),
            Source::Memory(at) => self.read("a value", tile.adjoining(at)),
            Source::Scalar(at) => {
                let number = self.number(at)?;
                Ok(self.terms.uniform(number))
            }
            Source::Constant(number) => Ok(self.terms.loose(Head::Constant(number.to_bits()))),
        }
    }

    /// One number, whole before the step begins.
    fn number(&mut self, at: Offset) -> Walked<TermId> {
        self.read("a number", vector(at, 1))
    }

    fn load(&mut self, tile: &Running, load: &Load) -> Walked<TermId> {
        match *load {
            Load::Strided { at, stride } => self.read("a value", tile.whole(at, stride)),
            Load::PerFeature { at } => {
                let inner = self.read("a value", vector(at, tile.region.features))?;
                Ok(self.terms.repeated(Head::PerFeature, inner))
            }
            Load::PerColumn { at, stride } => {
                let inner = self.read("a value", tile.row(at, stride))?;
                Ok(self.terms.repeated(Head::PerColumn, inner))
            }
            Load::Scalar { at } => {
                let number = self.number(at)?;
                Ok(self.terms.uniform(number))
            }
            Load::Constant(number) => Ok(self.terms.loose(Head::Constant(number.to_bits()))),
            Load::Rows => Ok(self.terms.loose(Head::Rows)),
            Load::OneHot { at, stride } => {
                let index = self.read("an index", tile.row(at, stride))?;
                Ok(self.terms.one_hot(index, tile.region.features))
            }
            Load::Dropout { key, keep } => {
                let mask = Head::Dropout(key, keep.to_bits(), tile.region.features);
                Ok(self.terms.loose(mask))
            }
        }
    }

    fn put(&mut self, tile: &mut Running, to: Destination, term: TermId) -> Walked {
        match to {
            Destination::Scratch(scratch) => {
                let slot = tile.scratches.get_mut(scratch.index());
                let missing = || format!("writes temporary {}, which there is not", scratch.0);
                *slot.ok_or_else(missing)? = Some(term);
                Ok(())
            }
            Destination::Memory(at) => {
                let matrix = tile.adjoining(at);
                self.write("a value", matrix, term, Writer::Step(self.step))
            }
        }
    }
}

/// An instruction does not write where it reads.
fn apart(to: Destination, reads: &[Source]) -> Walked {
    let written = match to {
        Destination::Memory(at) => Source::Memory(at),
        Destination::Scratch(scratch) => Source::Scratch(scratch),
    };
    if reads.contains(&written) {
        return Err("writes where it reads".to_string());
    }
    Ok(())
}
