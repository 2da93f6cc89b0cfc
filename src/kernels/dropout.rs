//! The dropout mask: a pure function of key, update and position.

use super::element::Element;
use crate::plan::step::RandomKey;
use crate::random::Stream;

/// Writes `1 / keep` with probability `keep`, else 0, for the elements from position `first` on.
///
/// Which elements are kept is said by [`Stream::keeps`].
pub fn dropout_mask<T: Element>(
    key: RandomKey,
    update: u64,
    first: usize,
    keep: f64,
    mask: &mut [T],
) {
    let mut keeps = Stream::from_key(key.0).keeps(update, first as u64, keep);
    let scale = T::constant(1.0 / keep);
    for element in mask {
        *element = if keeps.draw() { scale } else { T::ZERO };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_does_not_depend_on_where_it_is_cut() {
        let key = RandomKey([7; 32]);
        let mut whole = [0f32; 1000];
        dropout_mask(key, 3, 0, 0.8, &mut whole);
        for (first, last) in [(0, 1), (1, 18), (15, 16), (63, 300), (64, 65), (500, 1000)] {
            let mut part = vec![0f32; last - first];
            dropout_mask(key, 3, first, 0.8, &mut part);
            assert_eq!(part, whole[first..last]);
        }
        let mut other = [0f32; 1000];
        dropout_mask(key, 4, 0, 0.8, &mut other);
        assert_ne!(whole, other);
    }

    #[test]
    fn a_mask_keeps_the_share_it_should() {
        let mut mask = vec![0f64; 100_000];
        for keep in [0.1, 0.5, 0.9] {
            dropout_mask(RandomKey([1; 32]), 0, 0, keep, &mut mask);
            let kept = mask
                .iter()
                .filter(|&&element| element == 1.0 / keep)
                .count();
            let dropped = mask.iter().filter(|&&element| element == 0.0).count();
            assert_eq!(kept + dropped, mask.len());
            // Five standard deviations.
            let tolerance = 5.0 * (keep * (1.0 - keep) / 1e5).sqrt();
            assert!(
                (kept as f64 / 1e5 - keep).abs() < tolerance,
                "{kept} of 100,000 at {keep}"
            );
        }
        dropout_mask(RandomKey([1; 32]), 0, 0, 1.0, &mut mask);
        assert!(mask.iter().all(|&element| element == 1.0));
    }
}
