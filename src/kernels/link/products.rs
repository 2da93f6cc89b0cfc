//! The products of a layer: forward, and the gradient of its input.

use std::ops::Range;

use super::packed::Unpacked;
use super::{Link, PACKED_ALONE, along_depth, packs_right};
use crate::kernels::action::{Action, Address, Left, ProductAction};
use crate::kernels::element::Element;
use crate::kernels::product::dot::MOST_DOT_COLUMNS;
use crate::plan::step::{Matrix, Offset, Region, Tile};

impl<T: Element> Link<'_, T> {
    pub(super) fn forward(
        &mut self,
        weight: Matrix,
        input: Matrix,
        bias: Option<Offset>,
        region: &Region,
    ) {
        let (rows, depth) = (region.features, input.features);
        let along_depth = along_depth(weight, depth, region, self.target.lanes);
        let left = Left {
            at: Address::arena(weight.at.0),
            height: weight.features,
            stride: weight.features * depth,
            step: weight.stride,
        };
        let start = bias.map(|bias| Address::arena(bias.0));
        let inputs = self.target.place(input.at.0);
        if let Some(start) = start {
            self.touch(start, rows, false);
        }
        let product = |rows: Range<usize>, tile: Tile, result: Address| {
            let panel = rows.start / left.height;
            let place = left.at.plus(panel * left.stride + rows.start % left.height);
            ProductAction {
                rows: rows.len(),
                columns: tile.columns,
                depth,
                left: Left { at: place, ..left },
                right: inputs.plus(tile.first * input.stride),
                right_step: 1,
                right_stride: input.stride,
                start: start.map(|start| start.plus(rows.start)),
                result: result.plus(rows.start),
                result_stride: region.features,
                ..ProductAction::default()
            }
        };
        if !along_depth && self.shares_rows(region, depth) {
            return self.by_rows(region, |link, rows, tile, result| {
                link.reads(input, tile.first, tile.columns);
                let panels = rows.start / left.height..rows.end.div_ceil(left.height);
                link.touch(
                    left.at.plus(panels.start * left.stride),
                    panels.len() * left.stride,
                    false,
                );
                let action = link.product(product(rows, tile, result));
                link.push(action);
            });
        }
        self.reads_whole(weight);
        self.tiles(region, |link, tile, result| {
            link.reads(input, tile.first, tile.columns);
            let product = product(0..rows, tile, result);
            let action = if along_depth {
                Action::DotRow {
                    depth,
                    columns: tile.columns,
                    left: left.at,
                    right: product.right,
                    right_stride: input.stride,
                    streamed: link.is_streamed(input),
                    start,
                    result,
                }
            } else {
                link.product(product)
            };
            link.push(action);
        });
    }

    fn product(&mut self, product: ProductAction) -> Action<T> {
        Action::Product(self.stripped(product))
    }

    /// The product, its right operand copied into strips first if that pays.
    fn stripped(&mut self, product: ProductAction) -> ProductAction {
        if !packs_right::<T>(product.rows, product.right_step.max(product.right_stride)) {
            return product;
        }
        let strips = Address::work(self.target.scratch + self.step.strips);
        self.push(Action::PackRight {
            columns: product.columns,
            depth: product.depth,
            from: product.right,
            step: product.right_step,
            stride: product.right_stride,
            to: strips,
        });
        ProductAction {
            right: strips,
            right_packed: true,
            ..product
        }
    }

    pub(super) fn data_gradient(&mut self, weight: Matrix, gradient: Matrix, region: &Region) {
        let (rows, depth) = (region.features, gradient.features);
        let columns = region.columns.count(self.target.rows);
        if depth > 2 * T::CHUNK && columns <= MOST_DOT_COLUMNS {
            return self.dot_panels(weight, gradient, region);
        }
        if self.shares_rows(region, depth) && rows * depth > PACKED_ALONE {
            return self.by_rows(region, |link, rows, tile, result| {
                link.gradient_rows(weight, gradient, region.features, rows, (tile, result));
            });
        }
        let left = self.transposed(weight, rows, depth);
        self.tiles(region, |link, tile, result| {
            link.reads(gradient, tile.first, tile.columns);
            let product = link.product(ProductAction {
                rows,
                columns: tile.columns,
                depth,
                left,
                right: Address::arena(gradient.at.0 + tile.first * gradient.stride),
                right_step: 1,
                right_stride: gradient.stride,
                result,
                result_stride: rows,
                ..ProductAction::default()
            });
            link.push(product);
        });
    }

    /// Some rows of the data gradient: a panel of the transposed weight is packed and used while it is in
    /// a near cache, then the next in the same place.
    fn gradient_rows(
        &mut self,
        weight: Matrix,
        gradient: Matrix,
        inputs: usize,
        rows: Range<usize>,
        (tile, result): (Tile, Address),
    ) {
        let (panel, depth) = (self.target.panel, gradient.features);
        let source = Unpacked {
            at: Address::arena(weight.at.0),
            depth,
            row_stride: weight.stride,
            step: 1,
            segment: weight.features,
            segment_stride: weight.features * inputs,
        };
        self.reads(gradient, tile.first, tile.columns);
        let packed = Address::work(self.target.scratch + self.step.packed);
        let product = self.stripped(ProductAction {
            rows: rows.len(),
            columns: tile.columns,
            depth,
            left: self.packed(packed, depth),
            right: Address::arena(gradient.at.0 + tile.first * gradient.stride),
            right_step: 1,
            right_stride: gradient.stride,
            result,
            result_stride: inputs,
            ..ProductAction::default()
        });
        for first in rows.clone().step_by(panel) {
            self.pack_panel(first / panel, inputs, source, packed);
            self.push(Action::Product(ProductAction {
                rows: panel.min(rows.end - first),
                result: result.plus(first),
                ..product
            }));
        }
    }

    /// The data gradient of so few columns that the weight is read in place.
    fn dot_panels(&mut self, weight: Matrix, gradient: Matrix, region: &Region) {
        let (inputs, depth) = (region.features, gradient.features);
        self.reads_whole(weight);
        // One panel of all rows may have any number of them.
        let height = weight.features.next_multiple_of(2 * T::CHUNK);
        let dot = |rows: Range<usize>, tile: Tile, result: Address| Action::DotPanels {
            rows: rows.len(),
            columns: tile.columns,
            depth,
            left: Left {
                at: Address::arena(weight.at.0 + rows.start * weight.features),
                height,
                stride: weight.features * inputs,
                step: weight.stride,
            },
            right: Address::arena(gradient.at.0 + tile.first * gradient.stride),
            right_stride: gradient.stride,
            result: result.plus(rows.start),
            result_stride: inputs,
        };
        if self.shares_rows(region, depth) {
            return self.by_rows(region, |link, rows, tile, result| {
                link.reads(gradient, tile.first, tile.columns);
                link.push(dot(rows, tile, result));
            });
        }
        self.tiles(region, |link, tile, result| {
            link.reads(gradient, tile.first, tile.columns);
            link.push(dot(0..inputs, tile, result));
        });
    }

    /// The transposed weight, packed: by each worker for itself if it is small, else by all together.
    fn transposed(&mut self, weight: Matrix, rows: usize, depth: usize) -> Left {
        let at = Address::arena(weight.at.0);
        if depth == 1 && weight.stride == 1 {
            // A single row of weights lies as the vectors need it.
            self.reads_whole(weight);
            return Left {
                at,
                height: rows,
                stride: 0,
                step: 1,
            };
        }
        let source = Unpacked {
            at,
            depth,
            row_stride: weight.stride,
            step: 1,
            segment: weight.features,
            segment_stride: weight.features * rows,
        };
        let panels = rows.div_ceil(self.target.panel);
        let alone = rows * depth <= PACKED_ALONE;
        let to = if alone {
            Address::work(self.target.scratch + self.step.packed)
        } else {
            Address::work(0)
        };
        let share = if alone { 0..panels } else { self.share(panels) };
        self.pack(share, rows, source, to);
        if !alone {
            self.next_phase();
            self.touch(to, panels * self.target.panel * depth, false);
        }
        self.packed(to, depth)
    }
}
