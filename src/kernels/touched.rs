//! What an action reads and writes, taken from its own fields as its kernel goes over them: nothing of
//! what was said of it when it was linked.

mod collect;

use super::action::Action;
use crate::plan::step::ReductionAxis;
use collect::{Collect, StridedBlock};

pub(super) use collect::{LinkedFor, Touched};

impl<T: Copy> Action<T> {
    /// Appends what is touched by the action done `times` over.
    pub(super) fn touched(&self, linked: LinkedFor, times: usize, touched: &mut Vec<Touched>) {
        let to = Collect {
            linked,
            times,
            touched,
        };
        match self {
            Action::Barrier => {}
            Action::Product(_) | Action::DotRow { .. } | Action::DotPanels { .. } => {
                self.products(to);
            }
            Action::Pack { .. } | Action::PackRight { .. } => self.packing(to),
            Action::Gather { .. }
            | Action::ScatterAdd { .. }
            | Action::CrossEntropy { .. }
            | Action::LogSoftmax { .. }
            | Action::Concat { .. } => self.columns(to),
            Action::Unary { .. }
            | Action::Binary { .. }
            | Action::Gradient { .. }
            | Action::Residual { .. }
            | Action::Update(_) => self.elementwise(to),
            Action::Fill { .. }
            | Action::Copy { .. }
            | Action::Spread { .. }
            | Action::OneHot { .. }
            | Action::Dropout { .. } => self.filling(to),
            Action::Reduce { .. } | Action::Combine { .. } => self.reducing(to),
        }
    }

    /// Products of matrices.
    fn products(&self, mut to: Collect) {
        if let Action::Product(product) = self {
            to.product(product);
        } else if let Action::DotRow {
            depth,
            columns,
            left,
            right,
            right_stride,
            streamed: _,
            start,
            result,
        } = *self
        {
            to.reads(left, StridedBlock::run(depth));
            to.reads(right, StridedBlock::new(depth, columns, right_stride));
            if let Some(start) = start {
                to.reads(start, StridedBlock::run(1));
            }
            to.writes(result, StridedBlock::run(columns));
        } else if let Action::DotPanels {
            rows,
            columns,
            depth,
            left,
            right,
            right_stride,
            result,
            result_stride,
        } = *self
        {
            for (panel, first) in (0..depth).step_by(left.height.max(1)).enumerate() {
                let height = (depth - first).min(left.height);
                let block = StridedBlock::new(height, rows, left.step);
                to.reads(left.at.plus(panel * left.stride), block);
            }
            to.reads(right, StridedBlock::new(depth, columns, right_stride));
            to.writes(result, StridedBlock::new(rows, columns, result_stride));
        } else {
            unreachable!("it is another kind of action")
        }
    }

    /// Copies of operands.
    fn packing(&self, mut to: Collect) {
        if let Action::Pack {
            rows,
            depth,
            from,
            from_row_stride,
            from_step,
            from_segment,
            from_segment_stride,
            to: panel,
        } = *self
        {
            for (segment, first) in (0..depth).step_by(from_segment.max(1)).enumerate() {
                let depth = (depth - first).min(from_segment);
                let block = match (from_row_stride, from_step) {
                    (1, step) => StridedBlock::new(rows, depth, step),
                    (stride, _) => StridedBlock::new(depth, rows, stride),
                };
                to.reads(from.plus(segment * from_segment_stride), block);
            }
            let height = to.linked.panel;
            to.writes(panel, StridedBlock::run(height * depth));
        } else if let Action::PackRight {
            columns,
            depth,
            from,
            step,
            stride,
            to: packed,
        } = *self
        {
            let block = match (step, stride) {
                (1, stride) => StridedBlock::new(depth, columns, stride),
                (step, _) => StridedBlock::new(columns, depth, step),
            };
            to.reads(from, block);
            to.writes(packed, StridedBlock::run(columns * depth));
        } else {
            unreachable!("it is another kind of action")
        }
    }

    /// Kernels that go by columns of matrices in the arena.
    fn columns(&self, mut to: Collect) {
        if let Action::Gather {
            table,
            index,
            tile,
            result,
        } = *self
        {
            to.whole(table);
            to.tile(index, tile);
            to.writes(result, StridedBlock::run(table.features * tile.columns));
        } else if let Action::ScatterAdd {
            gradient,
            index,
            tile,
            result,
        } = *self
        {
            to.whole(gradient);
            to.whole(index);
            to.writes(result, StridedBlock::run(gradient.features * tile.columns));
        } else if let Action::CrossEntropy {
            logits,
            index,
            on: _,
            off: _,
            tile,
            loss,
            gradient,
            scratch,
        } = *self
        {
            to.tile(logits, tile);
            to.tile(index, tile);
            if let Some(loss) = loss {
                to.writes(loss, StridedBlock::run(tile.columns));
            }
            let work = gradient.unwrap_or(scratch);
            to.writes(work, StridedBlock::run(logits.features * tile.columns));
        } else if let Action::LogSoftmax {
            input,
            tile,
            result,
            scratch,
        } = *self
        {
            to.tile(input, tile);
            for written in [result, scratch] {
                to.writes(written, StridedBlock::run(input.features * tile.columns));
            }
        } else if let Action::Concat {
            ref parts,
            to: result,
            tile,
        } = *self
        {
            for part in parts {
                to.tile(*part, tile);
            }
            to.matrix(result, tile.first, tile.columns, true);
        } else {
            unreachable!("it is another kind of action")
        }
    }

    /// Loops over runs that compute.
    fn elementwise(&self, mut to: Collect) {
        if let Action::Update(update) = self {
            to.update(update);
        } else if let Action::Unary {
            length,
            from,
            to: written,
            function: _,
            derivative: _,
        } = *self
        {
            to.value(from, StridedBlock::run(length));
            to.writes(written, StridedBlock::run(length));
        } else if let Action::Binary {
            length,
            left,
            right,
            to: written,
            operator: _,
        } = *self
        {
            to.value(left, StridedBlock::run(length));
            to.value(right, StridedBlock::run(length));
            to.writes(written, StridedBlock::run(length));
        } else if let Action::Gradient {
            length,
            left,
            from,
            to: written,
            function: _,
        } = *self
        {
            to.value(left, StridedBlock::run(length));
            to.reads(from, StridedBlock::run(length));
            to.writes(written, StridedBlock::run(length));
        } else if let Action::Residual {
            length,
            outputs,
            targets,
            function: _,
            scale,
            sum,
            resume: _,
            gradient,
        } = *self
        {
            to.reads(outputs, StridedBlock::run(length));
            to.reads(targets, StridedBlock::run(length));
            to.number(scale);
            to.writes(sum, StridedBlock::run(1));
            if let Some((slope, written)) = gradient {
                to.number(slope);
                to.writes(written, StridedBlock::run(length));
            }
        } else {
            unreachable!("it is another kind of action")
        }
    }

    /// Loops that fill temporaries, and copies.
    fn filling(&self, mut to: Collect) {
        if let Action::Fill {
            length,
            value,
            to: written,
        } = *self
        {
            to.number(value);
            to.writes(written, StridedBlock::run(length));
        } else if let Action::Copy {
            features,
            columns,
            from,
            from_stride,
            to: written,
            to_stride,
        } = *self
        {
            to.reads(from, StridedBlock::new(features, columns, from_stride));
            to.writes(written, StridedBlock::new(features, columns, to_stride));
        } else if let Action::Spread {
            features,
            columns,
            from,
            stride,
            to: written,
            to_stride,
        } = *self
        {
            to.value(from, StridedBlock::new(1, columns, stride));
            to.writes(written, StridedBlock::new(features, columns, to_stride));
        } else if let Action::OneHot {
            features,
            columns,
            index,
            stride,
            to: written,
        } = *self
        {
            to.reads(index, StridedBlock::new(1, columns, stride));
            to.writes(written, StridedBlock::run(features * columns));
        } else if let Action::Dropout {
            length,
            to: written,
            ..
        } = *self
        {
            to.writes(written, StridedBlock::run(length));
        } else {
            unreachable!("it is another kind of action")
        }
    }

    /// Reductions.
    fn reducing(&self, mut to: Collect) {
        if let Action::Reduce {
            features,
            columns,
            stride,
            from,
            axis,
            reduction: _,
            into,
            resume: _,
        } = *self
        {
            to.reads(from, StridedBlock::new(features, columns, stride));
            let results = match axis {
                ReductionAxis::Features => columns,
                ReductionAxis::Columns => features,
                ReductionAxis::All => 1,
            };
            to.writes(into, StridedBlock::run(results));
        } else if let Action::Combine {
            elements,
            tiles,
            reduction: _,
            partials,
            into,
        } = *self
        {
            to.reads(partials, StridedBlock::run(elements * tiles));
            to.writes(into, StridedBlock::run(elements));
        } else {
            unreachable!("it is another kind of action")
        }
    }
}
