//! The edges of a body: flows as it sees them, from and to its parts, and from and to what is without.

use std::collections::{BTreeMap, BTreeSet};

use super::rows::{Item, join};

/// Points that edges pass in one body: beyond so many they go straight, behind the boxes.
const MOST_POINTS: usize = 20_000;

/// A flow as a body sees it: from and to one of its parts, or from and to what is without.
pub struct Edge {
    pub flow: usize,
    pub source: usize,
    pub from: Option<usize>,
    pub to: Option<usize>,
    /// How far right of the middles of these parts it leaves the one and enters the other.
    pub leaves: f64,
    pub enters: f64,
    /// Its items from the upper to the lower.
    pub chain: Vec<usize>,
}

/// The row of each part: below all that it takes, and below the row where flows enter. What takes nothing
/// stands just above its first user.
pub fn rows(count: usize, edges: &[Edge]) -> Vec<usize> {
    let first = usize::from(edges.iter().any(|edge| edge.from.is_none()));
    let mut rows = vec![first; count];
    // Parts stand in an order in which flows go forward.
    let mut within: Vec<(usize, usize)> = edges
        .iter()
        .filter_map(|edge| Some((edge.to?, edge.from?)))
        .collect();
    within.sort_unstable();
    for (to, from) in &within {
        rows[*to] = rows[*to].max(rows[*from] + 1);
    }
    let mut takes = vec![false; count];
    let mut first_user: Vec<Option<usize>> = vec![None; count];
    for edge in edges {
        if let Some(to) = edge.to {
            takes[to] = true;
        }
        if let (Some(from), Some(to)) = (edge.from, edge.to) {
            let row = rows[to];
            first_user[from] = Some(first_user[from].map_or(row, |first| first.min(row)));
        }
    }
    for (part, row) in rows.iter_mut().enumerate() {
        if let (false, Some(first)) = (takes[part], first_user[part]) {
            *row = first - 1;
        }
    }
    rows
}

/// Adds to the items those of the edges: a point in each row that one passes, and where it enters or
/// leaves. Edges of the same source pass a row at the same point.
pub fn chain(items: &mut Vec<Item>, edges: &mut [Edge]) {
    let below = items.iter().map(|item| item.row + 1).max().unwrap_or(0);
    let span = |edge: &Edge, items: &[Item]| {
        let first = edge.from.map_or(0, |from| items[from].row + 1);
        (first, edge.to.map_or(below + 1, |to| items[to].row))
    };
    let spans = edges.iter().map(|edge| span(edge, items));
    let points: usize = spans.map(|(first, end)| end - first).sum();
    let mut points_of: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    let mut joined: BTreeSet<(usize, usize, usize)> = BTreeSet::new();
    for edge in edges {
        let (first, end) = span(edge, items);
        edge.chain.extend(edge.from);
        for row in first..end {
            let outside = row == 0 && edge.from.is_none() || row == below;
            if outside || points <= MOST_POINTS {
                let point = points_of.entry((edge.source, row)).or_insert_with(|| {
                    items.push(Item::new(row, 0.0));
                    items.len() - 1
                });
                edge.chain.push(*point);
            }
        }
        edge.chain.extend(edge.to);
        for pair in edge.chain.windows(2) {
            let (upper, lower) = (pair[0], pair[1]);
            let leaves = if edge.from == Some(upper) {
                edge.leaves
            } else {
                0.0
            };
            let enters = if edge.to == Some(lower) {
                edge.enters
            } else {
                0.0
            };
            if joined.insert((upper, lower, edge.source)) {
                join(items, (upper, leaves), (lower, enters));
            }
        }
    }
}
