//! Values as terms, by which a plan is held against the graph that it was made from: two values with
//! the same term are the same numbers. Each term is kept once, so that equal terms have equal ids.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem::{Discriminant, discriminant};

use smallvec::{SmallVec, smallvec};

use crate::graph::ops::{Axis, InputKind, MatMulForm};
use crate::graph::ops::{BinaryOperator, Reduction};
use crate::graph::scalar::ScalarFunction;
use crate::graph::state::{ScalarId, StateId};
use crate::plan::step::{Columns, RandomKey};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TermId(u32);

/// What a term does with its operands. Numbers are compared bit by bit.
#[derive(Clone, PartialEq, Debug)]
pub enum Head {
    Input(InputKind),
    /// A state as it was before the run.
    State(StateId),
    Constant(u64),
    Scalar(ScalarId),
    /// The number of rows of the batch.
    Rows,
    Map(ScalarFunction, Slope),
    Binary(BinaryOperator),
    /// One number for all elements.
    Uniform,
    /// One number a feature, the same in every column.
    PerFeature,
    /// One number a column, the same in all its features.
    PerColumn,
    /// What has no shape by itself, as a matrix of so many features and columns.
    Whole(usize, Columns),
    Reduce(Axis, Reduction),
    MatMul(MatMulForm),
    Gather,
    ScatterAdd(usize),
    OneHot(usize),
    Concat,
    /// Features from one on, so many.
    Slice(usize, usize),
    Dropout(RandomKey, u64, usize),
    LogSoftmax,
    CrossEntropy(u64, u64),
    CrossEntropyGradient(u64, u64),
}

/// Whether a function or its derivative is meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Slope {
    Function,
    Derivative,
}

impl Slope {
    pub fn of(derivative: bool) -> Slope {
        if derivative {
            Slope::Derivative
        } else {
            Slope::Function
        }
    }
}

type TermIds = SmallVec<[TermId; 4]>;

struct Term {
    head: Head,
    operands: TermIds,
    /// Whether the term alone says how many features and columns there are.
    shaped: bool,
}

#[derive(Default)]
pub struct Terms {
    terms: Vec<Term>,
    known: HashMap<(Discriminant<Head>, u64, TermIds), SmallVec<[TermId; 2]>>,
}

impl Terms {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.terms.len()
    }

    /// Whether a term is among the first so many.
    pub fn is_among(&self, term: TermId, first: usize) -> bool {
        (term.0 as usize) < first
    }

    fn term(&self, id: TermId) -> &Term {
        &self.terms[id.0 as usize]
    }

    fn is_shaped(&self, id: TermId) -> bool {
        self.term(id).shaped
    }

    fn add(&mut self, head: Head, operands: TermIds, shaped: bool) -> TermId {
        let key = (discriminant(&head), own_number(&head), operands.clone());
        let alike = self.known.entry(key).or_default();
        let terms = &self.terms;
        let same = |id: &&TermId| terms[id.0 as usize].head == head;
        if let Some(found) = alike.iter().find(same) {
            return *found;
        }
        let id = TermId(u32::try_from(self.terms.len()).expect("fewer than 2^32 terms"));
        alike.push(id);
        self.terms.push(Term {
            head,
            operands,
            shaped,
        });
        id
    }

    /// What is there before anything is computed and has a shape.
    pub fn leaf(&mut self, head: Head) -> TermId {
        self.add(head, TermIds::new(), true)
    }

    /// A number that is the same wherever it is used, or a mask.
    pub fn loose(&mut self, head: Head) -> TermId {
        self.add(head, TermIds::new(), false)
    }

    /// What goes element by element.
    pub fn elementwise(&mut self, head: Head, operands: &[TermId]) -> TermId {
        let shaped = operands.iter().any(|id| self.is_shaped(*id));
        self.add(head, operands.into(), shaped)
    }

    /// What takes its operands whole, with the features and columns of each.
    pub fn of_whole(&mut self, head: Head, operands: &[(TermId, usize, Columns)]) -> TermId {
        let whole = operands.iter();
        let whole = whole.map(|(id, features, columns)| self.whole(*id, *features, *columns));
        let whole: TermIds = whole.collect();
        self.add(head, whole, true)
    }

    fn whole(&mut self, id: TermId, features: usize, columns: Columns) -> TermId {
        if self.is_shaped(id) {
            return id;
        }
        self.add(Head::Whole(features, columns), smallvec![id], true)
    }

    /// One number for all elements.
    pub fn uniform(&mut self, number: TermId) -> TermId {
        if self.is_shaped(number) {
            self.add(Head::Uniform, smallvec![number], false)
        } else {
            number
        }
    }

    pub fn repeated(&mut self, head: Head, inner: TermId) -> TermId {
        self.add(head, smallvec![inner], false)
    }

    pub fn one_hot(&mut self, index: TermId, classes: usize) -> TermId {
        let shaped = self.is_shaped(index);
        self.add(Head::OneHot(classes), smallvec![index], shaped)
    }

    /// Some features of a value that has `all`; a part of a part is a part of the whole.
    pub fn slice(&mut self, of: TermId, start: usize, length: usize, all: usize) -> TermId {
        if start == 0 && length == all {
            return of;
        }
        let term = self.term(of);
        let (of, start) = if let Head::Slice(first, _) = term.head {
            (term.operands[0], first + start)
        } else {
            (of, start)
        };
        let shaped = self.is_shaped(of);
        self.add(Head::Slice(start, length), smallvec![of], shaped)
    }
}

/// A number that sets heads without operands apart, so that few are compared.
fn own_number(head: &Head) -> u64 {
    if let Head::State(state) = head {
        u64::from(state.0)
    } else if let Head::Constant(bits) = head {
        *bits
    } else if let Head::Scalar(scalar) = head {
        u64::from(scalar.0)
    } else if let Head::Slice(start, _) = head {
        *start as u64
    } else if let Head::Dropout(key, ..) = head {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        hasher.finish()
    } else {
        0
    }
}
