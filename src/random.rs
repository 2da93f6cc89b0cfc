//! Random numbers as pure functions of (seed, purpose, path, step, element), never of call order or
//! of the number of threads: a new layer changes no other layer's weights, and a resumed run draws
//! what the uninterrupted one would have drawn.
//!
//! A [`Stream`] is a ChaCha8 key stream (D. J. Bernstein, "ChaCha, a variant of Salsa20", 2008; the
//! original form with a 64-bit counter and a 64-bit nonce). Its key comes from (seed, purpose, path),
//! the nonce is the step, and element `i` is the `i`-th little-endian `u64` of the stream. Everything
//! made of these bits is defined here, so that no change in another crate changes a draw.

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};
use xxhash_rust::xxh3::xxh3_128_with_seed;

/// All random numbers of one purpose at one path, such as the initial weights of `hidden_linear.weight`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stream {
    key: [u8; 32],
}

impl Stream {
    /// The stream of (seed, purpose, path).
    ///
    /// The encoding is the seed (`u64`, little-endian), then for purpose and path each the length in
    /// bytes (`u64`, little-endian) and the UTF-8 text. The key is its 128-bit XXH3 under the hash
    /// seeds 0 and 1, both little-endian, in this order.
    pub fn new(seed: u64, purpose: &str, path: &str) -> Self {
        let mut encoding = seed.to_le_bytes().to_vec();
        for text in [purpose, path] {
            encoding.extend((text.len() as u64).to_le_bytes());
            encoding.extend(text.as_bytes());
        }
        let mut key = [0; 32];
        key[..16].copy_from_slice(&xxh3_128_with_seed(&encoding, 0).to_le_bytes());
        key[16..].copy_from_slice(&xxh3_128_with_seed(&encoding, 1).to_le_bytes());
        Stream { key }
    }

    /// The stream of a key that [`Stream::key`] gave.
    pub fn from_key(key: [u8; 32]) -> Self {
        Stream { key }
    }

    /// The ChaCha8 key.
    pub fn key(&self) -> [u8; 32] {
        self.key
    }

    /// Which elements of a step, beginning with `element`, an event of probability `keep` happens to:
    /// those whose 32-bit word of the stream is below `keep · 2³²`.
    pub fn keeps(&self, step: u64, element: u64, keep: f64) -> Keeps {
        let mut generator = ChaCha8Rng::from_seed(self.key);
        generator.set_stream(step);
        generator.set_word_pos(u128::from(element));
        Keeps {
            generator,
            bound: (keep * 2f64.powi(32)) as u64,
        }
    }

    /// The elements of a step in their order, beginning with `element`.
    pub fn draws(&self, step: u64, element: u64) -> Draws {
        let mut generator = ChaCha8Rng::from_seed(self.key);
        generator.set_stream(step);
        generator.set_word_pos(2 * u128::from(element));
        Draws { generator }
    }

    /// The 64 random bits of one element.
    pub fn bits(&self, step: u64, element: u64) -> u64 {
        self.draws(step, element).bits()
    }

    /// A number uniform in [0, 1): the top 53 bits of the element, over 2⁵³.
    pub fn uniform(&self, step: u64, element: u64) -> f64 {
        self.draws(step, element).uniform()
    }

    /// A number of the standard normal distribution, by Box and Muller ("A note on the generation of
    /// random normal deviates", 1958): elements `2k` and `2k + 1` come from the uniform numbers u and v at
    /// the same two places, as `r cos(2πv)` and `r sin(2πv)` with `r = √(-2 ln(1 - u))`.
    pub fn normal(&self, step: u64, element: u64) -> f64 {
        let (even, odd) = normal_pair(&mut self.draws(step, element & !1));
        match element & 1 {
            0 => even,
            _ => odd,
        }
    }

    /// Writes [`Stream::uniform`] of the elements 0, 1, … of a step.
    pub fn fill_uniform(&self, step: u64, numbers: &mut [f64]) {
        let mut draws = self.draws(step, 0);
        for number in numbers {
            *number = draws.uniform();
        }
    }

    /// Writes [`Stream::normal`] of the elements 0, 1, … of a step.
    pub fn fill_normal(&self, step: u64, numbers: &mut [f64]) {
        let mut draws = self.draws(step, 0);
        for pair in numbers.chunks_mut(2) {
            let (even, odd) = normal_pair(&mut draws);
            pair[0] = even;
            if let Some(second) = pair.get_mut(1) {
                *second = odd;
            }
        }
    }

    /// Brings the items into a random order (Fisher and Yates, from the last place down), without
    /// allocation. The result depends on the order that the items came in: who shuffles the rows of
    /// an epoch begins with the same order in every epoch.
    pub fn shuffle(&self, step: u64, items: &mut [u32]) {
        let mut draws = self.draws(step, 0);
        for place in (1..items.len()).rev() {
            let other = draws.below(place as u64 + 1);
            items.swap(
                place,
                usize::try_from(other).expect("an index below the slice's length"),
            );
        }
    }
}

fn normal_pair(draws: &mut Draws) -> (f64, f64) {
    let radius = libm::sqrt(-2.0 * libm::log(1.0 - draws.uniform()));
    let angle = std::f64::consts::TAU * draws.uniform();
    (radius * libm::cos(angle), radius * libm::sin(angle))
}

/// The draws of [`Stream::keeps`].
#[derive(Debug)]
pub struct Keeps {
    generator: ChaCha8Rng,
    bound: u64,
}

impl Keeps {
    /// Whether the next element is kept.
    #[inline]
    pub fn draw(&mut self) -> bool {
        u64::from(self.generator.next_u32()) < self.bound
    }
}

/// Consecutive elements of a [`Stream`].
pub struct Draws {
    generator: ChaCha8Rng,
}

impl Draws {
    /// The next element's 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.generator.next_u64()
    }

    /// The next element as a number uniform in [0, 1).
    pub fn uniform(&mut self) -> f64 {
        const STEP: f64 = 1.0 / (1_u64 << 53) as f64;
        (self.bits() >> 11) as f64 * STEP
    }

    /// A whole number uniform in 0..limit, without bias (D. Lemire, "Fast random integer generation in
    /// an interval", 2019); takes more than one element now and then. A limit of 0 gives 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        loop {
            let product = u128::from(self.bits()) * u128::from(limit);
            let low = product as u64;
            if low >= limit || low >= limit.wrapping_neg() % limit {
                return (product >> 64) as u64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_bits_are_the_chacha8_key_stream() {
        // draft-strombergson-chacha-test-vectors-01, TC1 and TC2 with 8 rounds and a 256-bit key.
        let of_key = |key| {
            let mut draws = Stream::from_key(key).draws(0, 0);
            let bytes: Vec<u8> = (0..8).flat_map(|_| draws.bits().to_le_bytes()).collect();
            hex(&bytes)
        };
        assert_eq!(
            of_key([0; 32]),
            "3e00ef2f895f40d67f5bb8e81f09a5a12c840ec3ce9a7f3b181be188ef711a1e\
             984ce172b9216f419f445367456d5619314a42a3da86b001387bfdb80e0cfe42"
        );
        let mut key = [0; 32];
        key[0] = 1;
        assert_eq!(
            of_key(key),
            "cf5ee9a0494aa9613e05d5ed725b804b12f4a465ee635acc3a311de8740489ea\
             289d04f43c7518db56eb4433e498a1238cd8464d3763ddbb9222ee3bd8fae3c8"
        );
    }

    #[test]
    fn the_key_comes_from_seed_purpose_and_path() {
        let key = Stream::new(42, "init", "hidden_linear.weight").key();
        assert_eq!(
            hex(&key),
            "5005179edd10e795eb8cc22438551dc90c363c50966b68b4146f5f040d4b7c40"
        );
        let others = [
            Stream::new(43, "init", "hidden_linear.weight"),
            Stream::new(42, "dropout", "hidden_linear.weight"),
            Stream::new(42, "init", "hidden_linear.bias"),
            Stream::new(42, "inith", "idden_linear.weight"),
        ];
        for other in others {
            assert_ne!(other.key(), key);
        }
    }

    // The figures are those of tests/oracles/random_vectors.py.
    #[test]
    fn draws_are_those_of_the_committed_vectors() {
        let stream = Stream::new(42, "init", "hidden_linear.weight");
        let bits: Vec<u64> = (0..4).map(|element| stream.bits(0, element)).collect();
        assert_eq!(
            bits,
            [
                1620924368079341080,
                16944075008185000594,
                12799682367933227737,
                5875443874258034634
            ]
        );
        assert_eq!(stream.bits(7, 1_000_000_007), 279_267_289_017_115_079);
        assert_eq!(stream.uniform(0, 0), 0.08787048606531567);
        assert_eq!(stream.uniform(3, 12), 0.8552595493123992);
        let normals: Vec<f64> = (0..4).map(|element| stream.normal(0, element)).collect();
        let expected = [
            0.37392810945525584,
            -0.21005795665345742,
            -0.6420576628624255,
            1.3983086232403181,
        ];
        for (normal, expected) in normals.iter().zip(expected) {
            // The oracle's sine and cosine are another library's.
            assert!((normal - expected).abs() <= 1e-15, "{normal} {expected}");
        }
        let mut draws = stream.draws(0, 0);
        let below: Vec<u64> = (0..8).map(|_| draws.below(6)).collect();
        assert_eq!(below, [0, 5, 4, 1, 3, 2, 4, 2]);
        let mut order: Vec<u32> = (0..12).collect();
        stream.shuffle(5, &mut order);
        assert_eq!(order, [11, 4, 10, 6, 8, 0, 1, 9, 2, 3, 7, 5]);
    }

    #[test]
    fn an_element_does_not_depend_on_how_it_is_reached() {
        let stream = Stream::new(1, "init", "w");
        for (step, length) in [(0, 0), (0, 1), (3, 1001)] {
            let mut uniform = vec![0.0; length];
            stream.fill_uniform(step, &mut uniform);
            let mut normal = vec![0.0; length];
            stream.fill_normal(step, &mut normal);
            for element in 0..length {
                assert_eq!(uniform[element], stream.uniform(step, element as u64));
                assert_eq!(normal[element], stream.normal(step, element as u64));
            }
        }
    }

    #[test]
    fn the_draws_have_their_distributions() {
        let stream = Stream::new(9, "test", "");
        let count = 200_000;
        let mut numbers = vec![0.0; count];
        stream.fill_uniform(0, &mut numbers);
        assert!(numbers.iter().all(|number| (0.0..1.0).contains(number)));
        let mean = numbers.iter().sum::<f64>() / count as f64;
        // Four standard errors.
        assert!((mean - 0.5).abs() < 4.0 * (1.0 / 12.0 / count as f64).sqrt());
        stream.fill_normal(0, &mut numbers);
        let mean = numbers.iter().sum::<f64>() / count as f64;
        let variance = numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count as f64;
        let inside = numbers.iter().filter(|x| x.abs() < 1.0).count() as f64 / count as f64;
        assert!(mean.abs() < 4.0 * (1.0 / count as f64).sqrt());
        assert!((variance - 1.0).abs() < 4.0 * (2.0 / count as f64).sqrt());
        assert!((inside - 0.682_689_492_137_086).abs() < 0.0042);
        let mut counts = [0_u32; 7];
        let mut draws = stream.draws(1, 0);
        for _ in 0..70_000 {
            counts[draws.below(7) as usize] += 1;
        }
        let chi_square: f64 = counts
            .iter()
            .map(|&found| (f64::from(found) - 10_000.0).powi(2) / 10_000.0)
            .sum();
        // The 99.9 % quantile of six degrees of freedom.
        assert!(chi_square < 22.46);
    }

    #[test]
    fn below_rejects_what_would_be_biased() {
        // Half of all elements are rejected for this limit, so the draws skip elements.
        let limit = (1_u64 << 63) + 1;
        let mut draws = Stream::new(2, "test", "").draws(0, 0);
        assert!((0..100).all(|_| draws.below(limit) < limit));
        assert_ne!(
            draws.bits(),
            Stream::new(2, "test", "").bits(0, 100),
            "a hundred draws took more than a hundred elements"
        );
        assert_eq!(draws.below(1), 0);
    }

    #[test]
    fn a_shuffle_reaches_every_order_alike() {
        let stream = Stream::new(3, "shuffle", "");
        let mut counts = std::collections::BTreeMap::new();
        for step in 0..24_000 {
            let mut order = [0, 1, 2, 3];
            stream.shuffle(step, &mut order);
            *counts.entry(order).or_insert(0_u32) += 1;
        }
        assert_eq!(counts.len(), 24);
        let chi_square: f64 = counts
            .values()
            .map(|&found| (f64::from(found) - 1000.0).powi(2) / 1000.0)
            .sum();
        // The 99.9 % quantile of 23 degrees of freedom.
        assert!(chi_square < 49.73);
        stream.shuffle(0, &mut []);
        stream.shuffle(0, &mut [7]);
    }
}
