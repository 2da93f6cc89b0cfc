//! What must hold of a plan's kernels before they may run without checks: shapes agree, every place
//! lies in the arena, and no worker writes what another reads or writes.

use std::collections::HashSet;

use super::walk::vector;
use crate::plan::step::{
    Columns, Destination, Instruction, Kernel, Load, Matrix, Offset, ReductionAxis, Region,
    Scratch, Source,
};

/// Verifies one kernel for an arena of `elements` and batches of up to `rows`; where a weight lies in
/// several panels, each has a multiple of `panel` rows.
///
/// # Errors
/// The text of an internal bug.
#[expect(clippy::too_many_lines, reason = "one arm a kernel")]
pub fn verify_kernel(
    kernel: &Kernel,
    elements: usize,
    rows: usize,
    panel: usize,
) -> Result<(), String> {
    let mut step = Step {
        elements,
        rows,
        accesses: Vec::new(),
    };
    match kernel {
        Kernel::Loop { region } => step.region(region, 0, false)?,
        Kernel::Forward {
            weight,
            input,
            bias,
            region,
        } => {
            panels(panel, "weight", *weight, region.features, input.features)?;
            agree("columns of input and region", input.columns, region.columns)?;
            step.reads("weight", *weight)?;
            step.reads("input", *input)?;
            if let Some(bias) = bias {
                step.reads("bias", vector(*bias, region.features))?;
            }
            step.region(region, 0, true)?;
        }
        Kernel::DataGradient {
            weight,
            gradient,
            region,
        } => {
            panels(panel, "weight", *weight, gradient.features, region.features)?;
            agree(
                "columns of gradient and region",
                gradient.columns,
                region.columns,
            )?;
            step.reads("weight", *weight)?;
            step.reads("gradient", *gradient)?;
            step.region(region, 0, true)?;
        }
        Kernel::WeightGradient {
            gradient,
            input,
            weight,
            bias,
        } => {
            agree(
                "columns of gradient and input",
                gradient.columns,
                input.columns,
            )?;
            step.reads("gradient", *gradient)?;
            step.reads("input", *input)?;
            if let Some(region) = weight {
                let weight = Matrix {
                    columns: region.columns,
                    ..vector(Offset(0), region.features)
                };
                panels(panel, "weight", weight, gradient.features, input.features)?;
                agree(
                    "input and panel",
                    region.panel_columns.unwrap_or(input.features),
                    input.features,
                )?;
                step.region(region, 0, true)?;
            }
            if let Some(region) = bias {
                agree("gradient and bias", gradient.features, region.features)?;
                agree("columns of the bias", Columns::Fixed(1), region.columns)?;
                step.region(region, 1, true)?;
            }
            if weight.is_none() && bias.is_none() {
                return Err("neither weight nor bias".to_string());
            }
        }
        Kernel::Gather {
            table,
            index,
            region,
        } => {
            agree("features of the index", index.features, 1)?;
            agree("table and region", table.features, region.features)?;
            agree("columns of index and region", index.columns, region.columns)?;
            step.reads("table", *table)?;
            step.reads("index", *index)?;
            step.region(region, 0, true)?;
        }
        Kernel::ScatterAdd {
            gradient,
            index,
            region,
        } => {
            agree("features of the index", index.features, 1)?;
            agree("gradient and region", gradient.features, region.features)?;
            agree(
                "columns of gradient and index",
                gradient.columns,
                index.columns,
            )?;
            step.reads("gradient", *gradient)?;
            step.reads("index", *index)?;
            step.region(region, 0, true)?;
        }
        Kernel::CrossEntropy {
            logits,
            index,
            on: _,
            off: _,
            loss,
            gradient,
        } => {
            agree("features of the index", index.features, 1)?;
            agree("columns of logits and index", logits.columns, index.columns)?;
            step.access("logits", *logits, Some(0), false)?;
            step.reads("index", *index)?;
            for (region, features) in [(loss, 1), (gradient, logits.features)] {
                if let Some(region) = region {
                    agree("features of logits and region", features, region.features)?;
                    agree(
                        "columns of logits and region",
                        logits.columns,
                        region.columns,
                    )?;
                    step.region(region, 0, true)?;
                }
            }
            match (loss, gradient) {
                (Some(loss), Some(gradient)) => {
                    agree(
                        "tiles of loss and gradient",
                        loss.tile_columns,
                        gradient.tile_columns,
                    )?;
                }
                (Some(_), None) | (None, Some(_)) => {}
                (None, None) => return Err("neither loss nor gradient".to_string()),
            }
        }
        Kernel::LogSoftmax { input, region } => {
            agree(
                "features of input and region",
                input.features,
                region.features,
            )?;
            agree("columns of input and region", input.columns, region.columns)?;
            step.access("input", *input, Some(0), false)?;
            step.region(region, 0, true)?;
        }
        Kernel::Concat { parts, to } => {
            let mut features = 0usize;
            for part in parts {
                agree("columns of part and result", part.columns, to.columns)?;
                features = checked(features.checked_add(part.features))?;
                step.reads("part", *part)?;
            }
            agree("features of parts and result", features, to.features)?;
            step.access("result", *to, None, true)?;
        }
    }
    step.conflicts()
}

/// A weight of `out × inputs` lies in one panel of all its rows, or in several that every machine's
/// register tiles fit in.
fn panels(
    panel: usize,
    what: &str,
    matrix: Matrix,
    out: usize,
    inputs: usize,
) -> Result<(), String> {
    let height = matrix.features;
    let several = height < out;
    agree(
        what,
        matrix.columns,
        Columns::Fixed(if several {
            checked(out.div_ceil(height.max(1)).checked_mul(inputs))?
        } else {
            inputs
        }),
    )?;
    let fits = height > 0 && height.is_multiple_of(panel) && matrix.stride == height;
    match (several, height == out) {
        (false, true) => Ok(()),
        (true, _) if fits => Ok(()),
        (true | false, _) => Err(format!("{what} of {out} rows disagrees with {matrix:?}")),
    }
}

fn agree<T: PartialEq + std::fmt::Debug>(what: &str, left: T, right: T) -> Result<(), String> {
    if left == right {
        Ok(())
    } else {
        Err(format!("{what} disagree: {left:?} and {right:?}"))
    }
}

fn checked(size: Option<usize>) -> Result<usize, String> {
    size.ok_or_else(|| "a size overflows".to_string())
}

/// A place that a step reads or writes.
#[derive(Clone, Copy)]
struct Access {
    name: &'static str,
    matrix: Matrix,
    end: usize,
    /// Touched only by the worker of the tile, column by column, with others of the same number.
    tiled: Option<usize>,
    writes: bool,
}

impl Access {
    /// Whether the two, one of which writes, meet in an element that is not one worker's own.
    fn conflicts(&self, other: &Access, rows: usize) -> bool {
        let same_tile =
            self.tiled.is_some() && self.tiled == other.tiled && self.matrix == other.matrix;
        !same_tile && self.matrix.overlaps(&other.matrix, rows)
    }
}

struct Step {
    elements: usize,
    rows: usize,
    accesses: Vec<Access>,
}

impl Step {
    fn reads(&mut self, name: &'static str, matrix: Matrix) -> Result<(), String> {
        self.access(name, matrix, None, false)
    }

    fn access(
        &mut self,
        name: &'static str,
        matrix: Matrix,
        tiled: Option<usize>,
        writes: bool,
    ) -> Result<(), String> {
        let columns = matrix.columns.count(self.rows);
        let span = match (matrix.features, columns) {
            (0, _) | (_, 0) => 0,
            (features, columns) => {
                let gaps = checked((columns - 1).checked_mul(matrix.stride))?;
                checked(gaps.checked_add(features))?
            }
        };
        let end = checked(matrix.at.0.checked_add(span))?;
        if end > self.elements {
            return Err(format!(
                "{name} {matrix:?} ends beyond the arena of {}",
                self.elements
            ));
        }
        if writes && matrix.stride < matrix.features && columns > 1 {
            return Err(format!("columns of {name} {matrix:?} overlap"));
        }
        self.accesses.push(Access {
            name,
            matrix,
            end,
            tiled,
            writes,
        });
        Ok(())
    }

    /// Compares each access with those that begin before it and end behind its beginning, if one of
    /// the two writes.
    fn conflicts(&mut self) -> Result<(), String> {
        let mut seen = HashSet::new();
        self.accesses
            .retain(|access| seen.insert((access.matrix, access.tiled, access.writes)));
        self.accesses.sort_by_key(|access| access.matrix.at);
        let (mut reads, mut writes): (Vec<Access>, Vec<Access>) = (Vec::new(), Vec::new());
        for access in &self.accesses {
            let open = |before: &Access| before.end > access.matrix.at.0;
            writes.retain(open);
            let mut others = writes.clone();
            if access.writes {
                reads.retain(open);
                others.extend(&reads);
            }
            let conflict = |other: &&Access| access.conflicts(other, self.rows);
            if let Some(other) = others.iter().find(conflict) {
                return Err(format!(
                    "{} {:?} and {} {:?} overlap",
                    other.name, other.matrix, access.name, access.matrix
                ));
            }
            if access.writes {
                writes.push(*access);
            } else {
                reads.push(*access);
            }
        }
        Ok(())
    }

    #[expect(clippy::too_many_lines, reason = "one arm an instruction")]
    fn region(&mut self, region: &Region, group: usize, anchored: bool) -> Result<(), String> {
        if region.tile_columns == 0 || region.block_columns == 0 {
            return Err("a tile or block has no columns".to_string());
        }
        if let Some(panel) = region.panel_columns
            && !(panel > 0 && region.columns.count(self.rows).is_multiple_of(panel))
        {
            return Err(format!("{:?} are not of panels of {panel}", region.columns));
        }
        let features = region.features;
        let whole = |at| Matrix {
            at,
            features,
            columns: region.columns,
            stride: features,
        };
        if let Some(at) = region.accumulator {
            if !anchored {
                return Err("a loop has no result of its own".to_string());
            }
            self.access("result", whole(at), Some(group), true)?;
        }
        let scratch = |scratch: Scratch| {
            if scratch.0 < region.scratches {
                Ok(())
            } else {
                Err(format!("{scratch:?} of {}", region.scratches))
            }
        };
        let source = |step: &mut Step, source: Source| match source {
            Source::Scratch(number) => scratch(number),
            Source::Accumulator if anchored => Ok(()),
            Source::Accumulator => Err("a loop has no result of its own".to_string()),
            Source::Memory(at) => step.access("source", whole(at), Some(group), false),
            Source::Scalar(at) => step.reads("scalar", vector(at, 1)),
            Source::Constant(_) => Ok(()),
        };
        let destination = |step: &mut Step, destination: Destination| match destination {
            Destination::Scratch(number) => scratch(number),
            Destination::Memory(at) => step.access("destination", whole(at), Some(group), true),
        };
        for instruction in &region.program {
            match *instruction {
                Instruction::Load { to, ref load } => {
                    scratch(to)?;
                    self.load(region, group, load)?;
                }
                Instruction::Unary {
                    to,
                    from,
                    function: _,
                    derivative: _,
                } => {
                    source(self, from)?;
                    destination(self, to)?;
                }
                Instruction::Binary {
                    to,
                    left,
                    right,
                    operator: _,
                } => {
                    source(self, left)?;
                    source(self, right)?;
                    destination(self, to)?;
                }
                Instruction::Store { from, at, stride } => {
                    source(self, from)?;
                    self.access(
                        "store",
                        Matrix {
                            stride,
                            ..whole(at)
                        },
                        Some(group),
                        true,
                    )?;
                }
                Instruction::Reduce {
                    from,
                    axis,
                    reduction: _,
                    into,
                    partials,
                } => {
                    match from {
                        Source::Scratch(_) | Source::Accumulator | Source::Memory(_) => {}
                        Source::Scalar(_) | Source::Constant(_) => {
                            return Err("the reduction of a number".to_string());
                        }
                    }
                    source(self, from)?;
                    let elements = match axis {
                        ReductionAxis::Features => {
                            let into = Matrix {
                                features: 1,
                                stride: 1,
                                ..whole(into)
                            };
                            self.access("reduction", into, Some(group), true)?;
                            continue;
                        }
                        ReductionAxis::Columns => features,
                        ReductionAxis::All => 1,
                    };
                    self.access("reduction", vector(into, elements), None, true)?;
                    let tiles = region.tiling(self.rows).tiles();
                    if tiles > 1 {
                        let partial = Matrix {
                            at: partials,
                            features: elements,
                            columns: Columns::Fixed(tiles),
                            stride: elements,
                        };
                        self.access("partial reductions", partial, None, true)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn load(&mut self, region: &Region, group: usize, load: &Load) -> Result<(), String> {
        let features = region.features;
        let columns = region.columns;
        match *load {
            Load::Strided { at, stride } => {
                let matrix = Matrix {
                    at,
                    features,
                    columns,
                    stride,
                };
                self.access("load", matrix, Some(group), false)
            }
            Load::PerFeature { at } => self.reads("load per feature", vector(at, features)),
            Load::PerColumn { at, stride } | Load::OneHot { at, stride } => {
                let matrix = Matrix {
                    at,
                    features: 1,
                    columns,
                    stride,
                };
                self.access("load per column", matrix, Some(group), false)
            }
            Load::Scalar { at } => self.reads("load of a scalar", vector(at, 1)),
            Load::Constant(_) | Load::Rows => Ok(()),
            Load::Dropout { key: _, keep } => {
                if keep > 0.0 && keep <= 1.0 {
                    Ok(())
                } else {
                    Err(format!("dropout keeps {keep}"))
                }
            }
        }
    }
}
