//! A step ready to be linked: what it needs of each worker's scratch and of what all workers share, and where.

use super::split_k::SplitK;
use super::weights::updated_space;
use super::{PACKED_ALONE, combines, most_shared_columns, packs_right};
use crate::kernels::element::Element;
use crate::kernels::update::recognise::{Recognised, recognise};
use crate::plan::step::{Kernel, Matrix, Region};

/// One step: its kernel, and where a worker's scratch has space for it.
pub(in crate::kernels) struct LinkedStep {
    pub kernel: Kernel,
    /// For each region in turn, in elements of the worker's scratch.
    pub(super) regions: [RegionScratch; 2],
    /// The kernel's own, as large as a tile of a softmax.
    pub(super) work: usize,
    /// The right operand of a product, copied into strips.
    pub(super) strips: usize,
    /// The left operand of a product, packed.
    pub(super) packed: usize,
    /// The two sums of a weight's gradient, in what all workers share, where new parameters may wait, too.
    pub(super) split_k: Option<SplitK>,
    pub(super) combines: bool,
    /// For each region, the optimizer's update that its program is.
    pub updates: [Option<Recognised>; 2],
}

/// A region's space in a worker's scratch.
#[derive(Clone, Copy, Default)]
pub(super) struct RegionScratch {
    pub accumulator: usize,
    pub temporaries: usize,
}

/// Divides a worker's scratch, each part on lines of its own; gives the step, the size of the
/// scratch, and that of what all workers share. `None` if a size overflows.
pub(in crate::kernels) fn lay_out<T: Element>(
    kernel: Kernel,
    panel: usize,
    rows: usize,
) -> Option<(LinkedStep, usize, usize)> {
    let mut elements = 0usize;
    let mut space = |size: usize| -> Option<usize> {
        let at = elements;
        elements = elements
            .checked_add(size)?
            .checked_next_multiple_of(T::CHUNK)?;
        Some(at)
    };
    let mut places = [RegionScratch::default(); 2];
    let mut has_combination = false;
    let updates = kernel.regions().map(|region| region.and_then(recognise));
    let parts = kernel.regions().into_iter().zip(&updates);
    for (place, (region, update)) in places.iter_mut().zip(parts) {
        let Some(region) = region else { continue };
        let accumulator = match (region.accumulator, update) {
            (Some(_), _) => 0,
            (None, Some(_)) => updated_space::<T>(region.features, region.tile_columns)?,
            (None, None) => region.features.checked_mul(region.tile_columns)?,
        };
        let block = region.features.checked_mul(region.block_columns)?;
        *place = RegionScratch {
            accumulator: space(accumulator)?,
            temporaries: space(block.checked_mul(region.scratches as usize)?)?,
        };
        has_combination |= combines(region);
    }
    let work = match &kernel {
        Kernel::LogSoftmax { input, region } => {
            space(input.features.checked_mul(region.tile_columns)?)?
        }
        Kernel::CrossEntropy {
            logits,
            loss: Some(loss),
            gradient: None,
            ..
        } => space(logits.features.checked_mul(loss.tile_columns)?)?,
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
    let (strips, packed) = (space(copies.strips)?, space(copies.packed)?);
    let step = LinkedStep {
        split_k: SplitK::new::<T>(&kernel, rows),
        kernel,
        regions: places,
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
pub(in crate::kernels) fn place_split_k<T: Element>(
    steps: &mut [LinkedStep],
    shared: usize,
) -> Option<usize> {
    let sums = steps.iter_mut().filter_map(|step| step.split_k.as_mut());
    let sums: Vec<&mut SplitK> = sums.collect();
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
    let shared_columns = |region: &Region, depth: usize| {
        let most = most_shared_columns(region.features, depth);
        region.columns.count(rows).min(most)
    };
    let shared = |region: &Region, depth: usize| {
        let columns = shared_columns(region, depth);
        region.features.checked_mul(columns)
    };
    let strips = |region: &Region, right: &Matrix, depth: usize| {
        if packs_right::<T>(region.features, right.stride) {
            depth.checked_mul(region.tile_columns.max(shared_columns(region, depth)))
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
        Kernel::Forward { input, region, .. } => Copies {
            strips: strips(region, input, input.features)?,
            shared: shared(region, input.features)?,
            ..none
        },
        Kernel::DataGradient {
            gradient, region, ..
        } => {
            let depth = gradient.features;
            let height = region.features.checked_next_multiple_of(panel)?;
            let elements = height.checked_mul(depth)?;
            let alone = region.features.checked_mul(depth)? <= PACKED_ALONE;
            Copies {
                strips: strips(region, gradient, depth)?,
                packed: if alone {
                    elements
                } else {
                    panel.checked_mul(depth)?
                },
                shared: shared(region, depth)?.max(if alone { 0 } else { elements }),
            }
        }
        Kernel::WeightGradient {
            gradient,
            input,
            weight: Some(region),
            ..
        } => {
            let depth = gradient.columns.count(rows);
            let height = gradient
                .features
                .checked_next_multiple_of(region.features)?;
            let height = height.checked_next_multiple_of(panel)?;
            Copies {
                packed: height.checked_mul(depth)?,
                shared: if packs_right::<T>(gradient.features, input.stride) {
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
