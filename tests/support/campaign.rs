//! Campaigns: long tests of many items, such as networks or misspelt words, of which a run tries a share.
//!
//! The environment variable `NNC_CAMPAIGN` says which:
//! - unset: a fixed sample, small enough for `cargo test`;
//! - `HASH/N`: one in N, chosen by the hash, such as a commit's, so that other commits try others;
//! - `all`: every item.

use std::io::Write;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use nnc::random::Stream;

const VARIABLE: &str = "NNC_CAMPAIGN";

/// Which items of a campaign are tried.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Share {
    /// The fixed sample.
    Sample,
    /// One in so many, chosen by a hash.
    Hash {
        hash: String,
        one_in: NonZeroU64,
    },
    All,
}

/// The share that the environment asks for.
///
/// # Panics
/// It asks for something else.
pub fn share() -> Share {
    let Some(asked) = std::env::var_os(VARIABLE) else {
        return Share::Sample;
    };
    let asked = asked.to_string_lossy();
    if asked == "all" {
        return Share::All;
    }
    let hash = asked.split_once('/').and_then(|(hash, one_in)| {
        Some(Share::Hash {
            hash: hash.to_string(),
            one_in: one_in.parse().ok()?,
        })
    });
    hash.unwrap_or_else(|| panic!("{VARIABLE} is `all` or HASH/N, not `{asked}`"))
}

/// The numbers of the items to try, of `items`: one of every so many that follow one another, drawn for each
/// campaign and hash. The sample takes one in `sample`.
pub fn chosen(share: &Share, name: &str, items: usize, sample: u64) -> Vec<usize> {
    let (hash, one_in) = match share {
        Share::Sample => ("", sample),
        Share::Hash { hash, one_in } => (hash.as_str(), one_in.get()),
        Share::All => ("", 1),
    };
    let stream = Stream::new(0, name, hash);
    let mut chosen = Vec::new();
    for first in (0..items as u64).step_by(one_in as usize) {
        let number = first + stream.draws(first, 0).below(one_in);
        if number < items as u64 {
            chosen.push(number as usize);
        }
    }
    chosen
}

/// Tries the chosen ones of `items` on all cores; what each came to, in the order of the items.
///
/// Where `NNC_CAMPAIGN` is set, tells on the standard error how many were tried and in what time, uncaptured by
/// the test harness.
pub fn run<R: Send>(
    name: &str,
    items: usize,
    sample: u64,
    attempt: impl Fn(usize) -> R + Sync,
) -> Vec<R> {
    let share = share();
    let began = Instant::now();
    let chosen = chosen(&share, name, items, sample);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut results = Vec::new();
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(number) = chosen.get(place) else {
                return results;
            };
            results.push((place, attempt(*number)));
        }
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let mut results: Vec<(usize, R)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let results = workers.into_iter().flat_map(|worker| {
            worker
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        results.collect()
    });
    results.sort_unstable_by_key(|(place, _)| *place);
    if share != Share::Sample {
        let (tried, seconds) = (chosen.len(), began.elapsed().as_secs_f64());
        let line = format!("campaign: {name} {tried} of {items} in {seconds:.1} s\n");
        std::io::stderr()
            .write_all(line.as_bytes())
            .expect("the standard error");
    }
    results.into_iter().map(|(_, result)| result).collect()
}
