//! Places in the arena for values that live only within a run of the plan: by lifetime, the largest
//! first, or of very many in the order of time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::step::Offset;

/// Elements to which every place is aligned: 64 bytes of f32.
const ALIGNMENT: usize = 16;

/// The number of elements, rounded up to the alignment.
pub fn align(elements: usize) -> usize {
    elements.next_multiple_of(ALIGNMENT)
}

/// A value that needs memory from one step to another, both included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lifetime {
    pub elements: usize,
    pub first: usize,
    pub last: usize,
}

/// Up to so many lifetimes each is compared with all others, which takes least memory.
const MOST_COMPARED: usize = 4096;

/// For each lifetime a place from `start`, and the end of all of them. Two that overlap in time do
/// not overlap in place.
pub fn place(lifetimes: &[Lifetime], start: usize) -> (Vec<Offset>, usize) {
    if lifetimes.len() <= MOST_COMPARED {
        largest_first(lifetimes, start)
    } else {
        in_time(lifetimes, start)
    }
}

/// In the order of time, each at the first place that is free: in a time that grows little more than
/// the number of lifetimes.
fn in_time(lifetimes: &[Lifetime], start: usize) -> (Vec<Offset>, usize) {
    let mut order: Vec<usize> = (0..lifetimes.len()).collect();
    order.sort_by_key(|index| (lifetimes[*index].first, *index));
    let mut offsets = vec![Offset(start); lifetimes.len()];
    // Free places by their beginnings, none next to another; all from `end` on is free.
    let mut free: BTreeMap<usize, usize> = BTreeMap::new();
    let mut taken: BinaryHeap<Reverse<(usize, usize)>> = BinaryHeap::new();
    let mut end = start;
    for index in order {
        let lifetime = &lifetimes[index];
        while let Some(Reverse((last, over))) = taken.peek().copied() {
            if last >= lifetime.first {
                break;
            }
            taken.pop();
            give_back(&mut free, offsets[over].0, align(lifetimes[over].elements));
        }
        let size = align(lifetime.elements);
        let fitting = free.iter().find(|(_, length)| **length >= size);
        let at = match fitting.map(|(at, length)| (*at, *length)) {
            Some((at, length)) => {
                free.remove(&at);
                if length > size {
                    free.insert(at + size, length - size);
                }
                at
            }
            None => {
                let at = end;
                end += size;
                at
            }
        };
        offsets[index] = Offset(at);
        taken.push(Reverse((lifetime.last, index)));
    }
    (offsets, end)
}

/// Adds a place to those that are free, as one with those that it touches.
fn give_back(free: &mut BTreeMap<usize, usize>, at: usize, length: usize) {
    let (mut at, mut length) = (at, length);
    if length == 0 {
        return;
    }
    if let Some(after) = free.remove(&(at + length)) {
        length += after;
    }
    if let Some((before, size)) = free.range(..at).next_back().map(|(at, size)| (*at, *size))
        && before + size == at
    {
        free.remove(&before);
        (at, length) = (before, length + size);
    }
    free.insert(at, length);
}

/// The largest first, each at the lowest place that no other takes at its time.
fn largest_first(lifetimes: &[Lifetime], start: usize) -> (Vec<Offset>, usize) {
    let mut order: Vec<usize> = (0..lifetimes.len()).collect();
    order.sort_by_key(|index| {
        let lifetime = &lifetimes[*index];
        (std::cmp::Reverse(lifetime.elements), lifetime.first, *index)
    });
    let mut offsets = vec![Offset(start); lifetimes.len()];
    let mut placed: Vec<usize> = Vec::with_capacity(lifetimes.len());
    let mut end = start;
    for index in order {
        let lifetime = &lifetimes[index];
        let size = align(lifetime.elements);
        let mut taken: Vec<(usize, usize)> = placed
            .iter()
            .filter(|other| {
                let other = &lifetimes[**other];
                other.first <= lifetime.last && lifetime.first <= other.last
            })
            .map(|other| {
                let at = offsets[*other].0;
                (at, at + align(lifetimes[*other].elements))
            })
            .collect();
        taken.sort_unstable();
        let mut at = start;
        for (from, to) in taken {
            if at + size <= from {
                break;
            }
            at = at.max(to);
        }
        offsets[index] = Offset(at);
        placed.push(index);
        end = end.max(at + size);
    }
    (offsets, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_the_order_of_time_nothing_overlaps_either() {
        let lifetimes: Vec<Lifetime> = (0..600)
            .map(|index: usize| {
                let first = index * 7919 % 400;
                Lifetime {
                    elements: 1 + index * 31 % 90,
                    first,
                    last: first + index * 17 % 60,
                }
            })
            .collect();
        let (offsets, end) = in_time(&lifetimes, 64);
        for (i, a) in lifetimes.iter().enumerate() {
            assert!(offsets[i].0 >= 64 && offsets[i].0 + a.elements <= end);
            for (j, b) in lifetimes.iter().enumerate().skip(i + 1) {
                let together = a.first <= b.last && b.first <= a.last;
                let apart = offsets[i].0 + a.elements <= offsets[j].0
                    || offsets[j].0 + b.elements <= offsets[i].0;
                assert!(!together || apart, "{i} and {j} overlap");
            }
        }
        // It takes not much more than the other way.
        let (_, least) = largest_first(&lifetimes, 64);
        assert!(end <= 2 * least, "{end}, {least}");
    }

    #[test]
    fn values_that_live_at_the_same_time_do_not_overlap_and_others_share() {
        let life = |elements, first, last| Lifetime {
            elements,
            first,
            last,
        };
        let lifetimes = [
            life(100, 0, 1),
            life(50, 1, 2),
            life(100, 2, 3),
            life(20, 0, 3),
        ];
        let (offsets, end) = place(&lifetimes, 32);
        assert_eq!(offsets[0], offsets[2]);
        assert_eq!(end, 32 + 112 + 64 + 32);
        for (i, a) in lifetimes.iter().enumerate() {
            for (j, b) in lifetimes.iter().enumerate().skip(i + 1) {
                let together = a.first <= b.last && b.first <= a.last;
                let apart = offsets[i].0 + a.elements <= offsets[j].0
                    || offsets[j].0 + b.elements <= offsets[i].0;
                assert!(!together || apart, "{i} and {j} overlap");
            }
        }
    }
}
