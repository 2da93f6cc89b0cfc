//! A step ready to be linked: what it needs of each worker's scratch and of what all workers share, and where.

use super::halves::HalfSums;
use super::weights::updated_room;
use super::{PACKED_ALONE, combines, in_strips, most_shared_columns};
use crate::kernels::element::Element;
use crate::kernels::update::recognise::{Recognised, recognise};
use crate::plan::step::{Kernel, Matrix, Section};

/// One step: its kernel, and where a worker's scratch has room for it.
pub(in crate::kernels) struct Step {
    pub kernel: Kernel,
    /// For each section in turn, in elements of the worker's scratch.
    pub(super) sections: [SectionScratch; 2],
    /// The kernel's own, as large as a tile of a softmax.
    pub(super) work: usize,
    /// The right operand of a product, copied into strips.
    pub(super) strips: usize,
    /// The left operand of a product, packed.
    pub(super) packed: usize,
    /// The two sums of a weight's gradient, in what all workers share, where new parameters may wait, too.
    pub(super) half_sums: Option<HalfSums>,
    pub(super) combines: bool,
    /// For each section, the optimizer's update that its program is.
    pub updates: [Option<Recognised>; 2],
}

/// A section's room in a worker's scratch.
#[derive(Clone, Copy, Default)]
pub(super) struct SectionScratch {
    pub anchor: usize,
    pub temporaries: usize,
}

/// Divides a worker's scratch, each part on lines of its own; gives the step, the size of the
/// scratch, and that of what all workers share. `None` if a size overflows.
pub(in crate::kernels) fn lay_out<T: Element>(
    kernel: Kernel,
    panel: usize,
    rows: usize,
) -> Option<(Step, usize, usize)> {
    let mut elements = 0usize;
    let mut room = |size: usize| -> Option<usize> {
        let at = elements;
        elements = elements
            .checked_add(size)?
            .checked_next_multiple_of(T::CHUNK)?;
        Some(at)
    };
    let mut places = [SectionScratch::default(); 2];
    let mut has_combination = false;
    let updates = kernel.sections().map(|section| section.and_then(recognise));
    let parts = kernel.sections().into_iter().zip(&updates);
    for (place, (section, update)) in places.iter_mut().zip(parts) {
        let Some(section) = section else { continue };
        let anchor = match (section.anchor, update) {
            (Some(_), _) => 0,
            (None, Some(_)) => updated_room::<T>(section.features, section.tile_columns)?,
            (None, None) => section.features.checked_mul(section.tile_columns)?,
        };
        let block = section.features.checked_mul(section.block_columns)?;
        *place = SectionScratch {
            anchor: room(anchor)?,
            temporaries: room(block.checked_mul(section.scratches.into())?)?,
        };
        has_combination |= combines(section);
    }
    let work = match &kernel {
        Kernel::LogSoftmax { input, section } => {
            room(input.features.checked_mul(section.tile_columns)?)?
        }
        Kernel::CrossEntropy {
            logits,
            loss: Some(loss),
            gradient: None,
            ..
        } => room(logits.features.checked_mul(loss.tile_columns)?)?,
        Kernel::CrossEntropy { .. }
        | Kernel::Loop { .. }
        | Kernel::Forward { .. }
        | Kernel::DataGradient { .. }
        | Kernel::WeightGradient { .. }
        | Kernel::Gather { .. }
        | Kernel::ScatterAdd { .. }
        | Kernel::Concat { .. } => 0,
    };
    let copies = copies::<T>(&kernel, panel, rows)?;
    let (strips, packed) = (room(copies.strips)?, room(copies.packed)?);
    let step = Step {
        half_sums: HalfSums::new::<T>(&kernel, rows),
        kernel,
        sections: places,
        work,
        strips,
        packed,
        combines: has_combination,
        updates,
    };
    Some((step, elements, copies.shared))
}

/// Places all sums of halves behind what else the workers share, and gives the size of everything;
/// `None` if it overflows. Steps take turns between two places: where one writes its sums, the workers
/// have met since they read those that were there.
pub(in crate::kernels) fn place_half_sums<T: Element>(
    steps: &mut [Step],
    shared: usize,
) -> Option<usize> {
    let sums = steps.iter_mut().filter_map(|step| step.half_sums.as_mut());
    let sums: Vec<&mut HalfSums> = sums.collect();
    let most = sums.iter().map(|sums| sums.elements()).max().unwrap_or(0);
    let shared = shared.checked_next_multiple_of(T::CHUNK)?;
    for (turn, sums) in sums.into_iter().enumerate() {
        sums.at = shared.checked_add(turn % 2 * most)?;
    }
    shared.checked_add(most.checked_mul(2)?)
}

/// What a step needs for copies of its operands, in elements.
struct Copies {
    /// Each worker's, of a tile's right operand in strips.
    strips: usize,
    /// Each worker's, of a left operand in panels.
    packed: usize,
    /// For all workers together.
    shared: usize,
}

/// The copies that a step needs on a machine with register tiles of `panel` rows; `None` if a size
/// overflows.
fn copies<T>(kernel: &Kernel, panel: usize, rows: usize) -> Option<Copies> {
    // Columns of which several workers share the rows.
    let shared_columns = |section: &Section, depth: usize| {
        let most = most_shared_columns(section.features, depth);
        section.columns.count(rows).min(most)
    };
    let shared = |section: &Section, depth: usize| {
        let columns = shared_columns(section, depth);
        section.features.checked_mul(columns)
    };
    let strips = |section: &Section, right: &Matrix, depth: usize| {
        if in_strips::<T>(section.features, right.stride) {
            depth.checked_mul(section.tile_columns.max(shared_columns(section, depth)))
        } else {
            Some(0)
        }
    };
    let none = Copies {
        strips: 0,
        packed: 0,
        shared: 0,
    };
    Some(match kernel {
        Kernel::Forward { input, section, .. } => Copies {
            strips: strips(section, input, input.features)?,
            shared: shared(section, input.features)?,
            ..none
        },
        Kernel::DataGradient {
            gradient, section, ..
        } => {
            let depth = gradient.features;
            let height = section.features.checked_next_multiple_of(panel)?;
            let elements = height.checked_mul(depth)?;
            let alone = section.features.checked_mul(depth)? <= PACKED_ALONE;
            Copies {
                strips: strips(section, gradient, depth)?,
                packed: if alone {
                    elements
                } else {
                    panel.checked_mul(depth)?
                },
                shared: shared(section, depth)?.max(if alone { 0 } else { elements }),
            }
        }
        Kernel::WeightGradient {
            gradient,
            input,
            weight: Some(section),
            ..
        } => {
            let depth = gradient.columns.count(rows);
            let height = gradient
                .features
                .checked_next_multiple_of(section.features)?;
            let height = height.checked_next_multiple_of(panel)?;
            Copies {
                packed: height.checked_mul(depth)?,
                shared: if in_strips::<T>(gradient.features, input.stride) {
                    input.features.checked_mul(depth)?
                } else {
                    0
                },
                ..none
            }
        }
        Kernel::WeightGradient { weight: None, .. }
        | Kernel::Loop { .. }
        | Kernel::Gather { .. }
        | Kernel::ScatterAdd { .. }
        | Kernel::CrossEntropy { .. }
        | Kernel::LogSoftmax { .. }
        | Kernel::Concat { .. } => none,
    })
}
