//! Shapes: rank n, in PyTorch's order, the batch a symbolic first axis.

use std::fmt;
use std::sync::Arc;

use smallvec::{SmallVec, smallvec};

/// The length of one axis: a number, or the name of a fact that only the data tells
/// (`classes`, `2 * features`).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Dim {
    Known(usize),
    /// A text of its own behind a thin pointer: dimensions are many.
    Deferred(Arc<String>),
    /// More than a `usize` holds: what has such an axis is reported as too big.
    TooLarge,
}

impl Dim {
    /// The length that only the data tells, by its name.
    pub fn deferred(name: impl Into<String>) -> Self {
        Dim::Deferred(Arc::new(name.into()))
    }

    pub fn known(&self) -> Option<usize> {
        match self {
            Dim::Known(length) => Some(*length),
            Dim::Deferred(_) | Dim::TooLarge => None,
        }
    }

    /// Whether the two could be the same length: they are, or one of them is not known yet.
    pub fn fits(&self, other: &Dim) -> bool {
        match (self, other) {
            (Dim::Known(a), Dim::Known(b)) => a == b,
            (Dim::Deferred(_), _) | (_, Dim::Deferred(_)) | (Dim::TooLarge, Dim::TooLarge) => true,
            (Dim::Known(_), Dim::TooLarge) | (Dim::TooLarge, Dim::Known(_)) => false,
        }
    }

    /// The product of two lengths.
    pub fn times(&self, other: &Dim) -> Dim {
        let part = |dim: &Dim| match dim {
            Dim::Deferred(name) if name.contains(' ') => format!("({name})"),
            Dim::Known(_) | Dim::Deferred(_) | Dim::TooLarge => dim.to_string(),
        };
        match (self, other) {
            (Dim::TooLarge, _) | (_, Dim::TooLarge) => Dim::TooLarge,
            (Dim::Known(a), Dim::Known(b)) => a.checked_mul(*b).map_or(Dim::TooLarge, Dim::Known),
            (Dim::Known(1), other) | (other, Dim::Known(1)) => other.clone(),
            (Dim::Deferred(_), _) | (_, Dim::Deferred(_)) => {
                let [a, b] = [self, other].map(part);
                Dim::deferred(format!("{a} * {b}"))
            }
        }
    }

    /// The sum of two lengths.
    pub fn plus(&self, other: &Dim) -> Dim {
        match (self, other) {
            (Dim::TooLarge, _) | (_, Dim::TooLarge) => Dim::TooLarge,
            (Dim::Known(a), Dim::Known(b)) => a.checked_add(*b).map_or(Dim::TooLarge, Dim::Known),
            (Dim::Known(0), other) | (other, Dim::Known(0)) => other.clone(),
            (Dim::Deferred(_), _) | (_, Dim::Deferred(_)) => {
                Dim::deferred(bounded_sum(format!("{self} + {other}")))
            }
        }
    }
}

/// The text of a sum, its middle left out where it has become too long to be read: that of a thousand
/// lengths would be built a thousand times.
fn bounded_sum(text: String) -> String {
    const LONGEST: usize = 200;
    const LEFT_OUT: &str = " + … + ";
    if text.len() <= LONGEST {
        return text;
    }
    let parts = text.split_once(" + ").zip(text.rsplit_once(" + "));
    parts.map_or_else(String::new, |((first, _), (_, last))| {
        format!("{first}{LEFT_OUT}{last}")
    })
}

impl From<usize> for Dim {
    fn from(length: usize) -> Self {
        Dim::Known(length)
    }
}

impl fmt::Display for Dim {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Dim::Known(length) => write!(formatter, "{length}"),
            Dim::Deferred(name) => write!(formatter, "{name}"),
            Dim::TooLarge => formatter.write_str("too large"),
        }
    }
}

const _: () = assert!(size_of::<Dim>() == 2 * size_of::<usize>());

/// The lengths of axes: seldom more than two.
pub type Dims = SmallVec<[Dim; 2]>;

/// The shape of a value. `[]` without a batch is one number.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Shape {
    /// Whether the first axis is the batch.
    pub batch: bool,
    /// The other axes.
    pub dims: Dims,
}

impl Shape {
    /// One number.
    pub fn scalar() -> Self {
        Shape {
            batch: false,
            dims: Dims::new(),
        }
    }

    /// A shape with the batch as its first axis.
    pub fn batched(dims: impl IntoIterator<Item = Dim>) -> Self {
        Shape {
            batch: true,
            dims: dims.into_iter().collect(),
        }
    }

    /// A shape that does not depend on the batch.
    pub fn fixed(dims: impl IntoIterator<Item = Dim>) -> Self {
        Shape {
            batch: false,
            dims: dims.into_iter().collect(),
        }
    }

    pub fn is_scalar(&self) -> bool {
        !self.batch && self.dims.is_empty()
    }

    /// The shape with all axes but the batch as one.
    pub fn flat(&self) -> Shape {
        Shape {
            batch: self.batch,
            dims: smallvec![product(&self.dims)],
        }
    }

    /// The shape with all axes but the first as one: how a parameter of more than two is computed with.
    pub fn as_matrix(&self) -> Shape {
        let Some((first, rest)) = self.dims.split_first().filter(|_| self.dims.len() > 2) else {
            return self.clone();
        };
        Shape {
            batch: self.batch,
            dims: smallvec![first.clone(), product(rest)],
        }
    }

    /// The length of the last axis; 1 for a shape without axes of its own.
    pub fn width(&self) -> Dim {
        self.dims.last().cloned().unwrap_or(Dim::Known(1))
    }

    pub fn fits(&self, other: &Shape) -> bool {
        self.batch == other.batch
            && self.dims.len() == other.dims.len()
            && self.dims.iter().zip(&other.dims).all(|(a, b)| a.fits(b))
    }

    /// The number of elements of one row (of the whole value, without a batch). `None` if a length
    /// is deferred or the product cannot be held.
    pub fn elements(&self) -> Option<usize> {
        self.dims
            .iter()
            .try_fold(1usize, |product, dim| product.checked_mul(dim.known()?))
    }

    /// The shape without its batch, as messages show it: `[8]`.
    pub fn row_text(&self) -> String {
        let dims: Vec<String> = self.dims.iter().map(Dim::to_string).collect();
        format!("[{}]", dims.join(", "))
    }

    /// The shape with a text in place of the batch: `[9, 8]`.
    pub fn text(&self, batch: &str) -> String {
        let batch = self.batch.then(|| batch.to_string());
        let dims: Vec<String> = batch
            .into_iter()
            .chain(self.dims.iter().map(Dim::to_string))
            .collect();
        format!("[{}]", dims.join(", "))
    }
}

fn product(dims: &[Dim]) -> Dim {
    dims.iter()
        .fold(Dim::Known(1), |product, dim| product.times(dim))
}

impl fmt::Display for Shape {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(&self.text("batch"))
    }
}
