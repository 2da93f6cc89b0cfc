//! Random choices, each a function of a purpose and a number alone.

use nnc::random::{Draws, Stream};

/// The draws of one item of a test.
pub struct Random(Draws);

impl Random {
    pub fn new(purpose: &str, number: usize) -> Self {
        Random(Stream::new(7, purpose, "").draws(number as u64, 0))
    }

    pub fn uniform(&mut self) -> f64 {
        self.0.uniform()
    }

    pub fn below(&mut self, limit: usize) -> usize {
        self.0.below(limit as u64) as usize
    }

    pub fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }

    /// Whether an event of one in `of` happens.
    pub fn one_in(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }

    pub fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}
