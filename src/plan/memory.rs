//! Places in the arena for values that live only within a run of the plan: by lifetime, the largest
//! first.

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

/// For each lifetime a place from `start`, and the end of all of them. Two that overlap in time do
/// not overlap in place.
pub fn place(lifetimes: &[Lifetime], start: usize) -> (Vec<Offset>, usize) {
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
