//! Left operands of products, packed in panels.

use std::ops::Range;

use super::Link;
use crate::kernels::action::{Action, Address, Left};
use crate::kernels::element::Element;

/// A left operand as it lies before it is packed: left[m, k] at
/// `m · row_stride + k / segment · segment_stride + k % segment · step`.
#[derive(Clone, Copy)]
pub(super) struct Unpacked {
    pub at: Address,
    pub depth: usize,
    pub row_stride: usize,
    pub step: usize,
    pub segment: usize,
    pub segment_stride: usize,
}

impl<T: Element> Link<'_, T> {
    /// Packs the panels `of` a left operand, one after the other.
    pub(super) fn pack(&mut self, of: Range<usize>, height: usize, source: Unpacked, to: Address) {
        for index in of {
            let to = to.plus(index * self.target.panel * source.depth);
            self.pack_panel(index, height, source, to);
        }
    }

    /// Packs a panel of a left operand of `height` rows.
    pub(super) fn pack_panel(
        &mut self,
        index: usize,
        height: usize,
        source: Unpacked,
        to: Address,
    ) {
        let panel = self.target.panel;
        let rows = height.saturating_sub(index * panel).min(panel);
        let from = source.at.plus(match rows {
            0 => 0,
            _ => index * panel * source.row_stride,
        });
        let segments = source.depth.div_ceil(source.segment.max(1)).max(1);
        let last = source.depth - (segments - 1) * source.segment.min(source.depth);
        let span = match (rows, source.depth) {
            (0, _) | (_, 0) => 0,
            (rows, _) => {
                (rows - 1) * source.row_stride
                    + (segments - 1) * source.segment_stride
                    + (last.max(source.segment.min(source.depth)) - 1) * source.step
                    + 1
            }
        };
        self.touch(from, span, false);
        self.touch(to, panel * source.depth, true);
        self.push(Action::Pack {
            rows,
            depth: source.depth,
            from,
            from_row_stride: source.row_stride,
            from_step: source.step,
            from_segment: source.segment,
            from_segment_stride: source.segment_stride,
            to,
        });
    }

    /// A left operand whose panels have been packed to a place.
    pub(super) fn packed(&self, at: Address, depth: usize) -> Left {
        Left {
            at,
            height: self.target.panel,
            stride: self.target.panel * depth,
            step: self.target.panel,
        }
    }
}
