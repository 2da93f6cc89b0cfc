//! What a share of a campaign is.

use std::num::NonZeroU64;

use crate::support::campaign::{Share, chosen};

#[test]
fn a_share_is_one_of_every_so_many() {
    let hash = |hash: &str, one_in| Share::Hash {
        hash: hash.to_string(),
        one_in: NonZeroU64::new(one_in).expect("not 0"),
    };
    let all = chosen(&Share::All, "typos", 100, 7);
    assert_eq!(all, (0..100).collect::<Vec<usize>>());
    let sample = chosen(&Share::Sample, "typos", 98, 7);
    assert_eq!(sample.len(), 14);
    for (place, number) in sample.iter().enumerate() {
        assert_eq!(number / 7, place);
    }
    // Every item's turn comes.
    let mut tried = [false; 100];
    for commit in 0..60 {
        for number in chosen(&hash(&commit.to_string(), 8), "typos", 100, 7) {
            tried[number] = true;
        }
    }
    assert!(tried.iter().all(|tried| *tried));
    let [a, b] = ["a1", "a2"].map(|commit| chosen(&hash(commit, 8), "typos", 96, 7));
    assert_ne!(a, b);
    assert_ne!(a, chosen(&hash("a1", 8), "texts", 96, 7));
}
