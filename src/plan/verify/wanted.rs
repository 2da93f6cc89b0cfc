//! What a plan is to compute: each node of its graph as a term.

use super::terms::{Head, Slope, TermId, Terms};
use crate::graph::ops::{BroadcastKind, DROPOUT, Op, broadcast_kind, row_major_values};
use crate::graph::shape::{Dim, Shape};
use crate::graph::{Graph, ValueId};
use crate::plan::layout::{MatrixLayout, extents};
use crate::plan::step::{Columns, RandomKey};
use crate::random::Stream;

/// The terms of a graph's values, in which its lengths are known.
pub fn terms_of(graph: &Graph, panel: usize, seed: u64, terms: &mut Terms) -> Vec<TermId> {
    let layouts = row_major_values(graph)
        .into_iter()
        .map(MatrixLayout::of)
        .collect();
    let mut wanted = Wanted {
        graph,
        layouts,
        panel,
        seed,
        terms,
        found: Vec::with_capacity(graph.nodes.len()),
    };
    for value in graph.values() {
        let term = wanted.term(value);
        wanted.found.push(term);
    }
    wanted.found
}

struct Wanted<'w> {
    graph: &'w Graph,
    layouts: Vec<MatrixLayout>,
    panel: usize,
    seed: u64,
    terms: &'w mut Terms,
    found: Vec<TermId>,
}

fn length(dim: &Dim) -> usize {
    dim.known().expect("a plan that can run knows all lengths")
}

fn width(shape: &Shape) -> usize {
    length(&shape.width())
}

impl Wanted<'_> {
    /// A value with its features and columns.
    fn whole(&self, value: ValueId) -> (TermId, usize, Columns) {
        let (shape, layout) = (self.graph.shape(value), self.layouts[value.index()]);
        let (features, columns) = extents(shape, layout, self.panel);
        (self.found[value.index()], features, columns)
    }

    fn of_whole(&mut self, head: Head, operands: &[ValueId]) -> TermId {
        let whole: Vec<_> = operands.iter().map(|id| self.whole(*id)).collect();
        self.terms.of_whole(head, &whole)
    }

    fn elementwise(&mut self, head: Head, operands: &[ValueId]) -> TermId {
        let operands: Vec<_> = operands.iter().map(|id| self.found[id.index()]).collect();
        self.terms.elementwise(head, &operands)
    }

    fn term(&mut self, value: ValueId) -> TermId {
        let node = self.graph.node(value);
        let operands = &node.operands[..];
        match &node.op {
            Op::Input { kind, .. } => self.terms.leaf(Head::Input(*kind)),
            Op::State(state) => self.terms.leaf(Head::State(*state)),
            Op::Constant(number) => self.terms.loose(Head::Constant(number.to_bits())),
            Op::Scalar(scalar) => self.terms.loose(Head::Scalar(*scalar)),
            Op::Map(function) => self.elementwise(Head::Map(*function, Slope::Function), operands),
            Op::MapDerivative(function) => {
                self.elementwise(Head::Map(*function, Slope::Derivative), operands)
            }
            Op::Binary(operator) => self.elementwise(Head::Binary(*operator), operands),
            Op::Broadcast { shape } => self.broadcast(operands[0], shape),
            Op::Reduce { axis, reduction } => {
                self.of_whole(Head::Reduce(*axis, *reduction), operands)
            }
            Op::MatMul(form) => self.of_whole(Head::MatMul(*form), operands),
            Op::Gather => self.of_whole(Head::Gather, operands),
            Op::ScatterAdd { entries } => {
                self.of_whole(Head::ScatterAdd(length(entries)), operands)
            }
            Op::OneHot { classes } => {
                let index = self.found[operands[0].index()];
                self.terms.one_hot(index, length(classes))
            }
            Op::Concat => self.of_whole(Head::Concat, operands),
            Op::Slice {
                start,
                length: part,
            } => {
                let all = width(self.graph.shape(operands[0]));
                let of = self.found[operands[0].index()];
                self.terms.slice(of, length(start), length(part), all)
            }
            Op::DropoutMask(mask) => {
                let key = RandomKey(Stream::new(self.seed, DROPOUT, &mask.stream).key());
                let mask = Head::Dropout(key, mask.keep.to_bits(), width(&mask.shape));
                self.terms.loose(mask)
            }
            Op::LogSoftmax => self.of_whole(Head::LogSoftmax, operands),
            Op::CrossEntropy { on, off } => {
                self.of_whole(Head::CrossEntropy(on.to_bits(), off.to_bits()), operands)
            }
            Op::CrossEntropyGradient { on, off } => {
                let head = Head::CrossEntropyGradient(on.to_bits(), off.to_bits());
                self.of_whole(head, operands)
            }
            Op::Reshape { .. } | Op::ByPhase => {
                unreachable!(
                    "the passes before a plan remove these, as the graph's verifier has seen"
                )
            }
        }
    }

    fn broadcast(&mut self, inner: ValueId, to: &Shape) -> TermId {
        let broadcast_kind =
            broadcast_kind(self.graph.shape(inner), to).expect("the node was built");
        let inner = self.found[inner.index()];
        match broadcast_kind {
            BroadcastKind::Scalar => self.terms.uniform(inner),
            BroadcastKind::PerFeature => self.terms.repeated(Head::PerFeature, inner),
            BroadcastKind::PerRow => self.terms.repeated(Head::PerColumn, inner),
        }
    }
}
