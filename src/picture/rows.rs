//! Where the items of rows stand from left to right: in an order that crosses few flows, and near what they
//! are joined to.

/// An item of a row: a box, a body, or a flow that passes, which has no width.
pub struct Item {
    pub row: usize,
    /// Its middle.
    pub x: f64,
    pub width: f64,
    pub above: Vec<Neighbour>,
    pub below: Vec<Neighbour>,
}

/// A flow to an item of a neighbouring row.
#[derive(Clone, Copy)]
pub struct Neighbour {
    pub item: usize,
    /// How far right of the other's middle the flow would have this item's.
    pub shift: f64,
}

const BETWEEN_BOXES: f64 = 32.0;
/// Room for a flow that passes.
const LANE: f64 = 16.0;
/// How much more a box weighs than a flow that passes: these give way, and what flows stays straight.
const BOX_WEIGHT: f64 = 1000.0;
/// The last goes down: what flows out of a single item stands below it.
const SWEEPS: usize = 13;

impl Item {
    pub fn new(row: usize, width: f64) -> Item {
        Item {
            row,
            x: 0.0,
            width,
            above: Vec::new(),
            below: Vec::new(),
        }
    }

    /// From its middle to where its neighbour's room begins.
    fn half(&self) -> f64 {
        if self.width > 0.0 {
            (self.width + BETWEEN_BOXES) / 2.0
        } else {
            LANE / 2.0
        }
    }

    fn weight(&self) -> f64 {
        if self.width > 0.0 { BOX_WEIGHT } else { 1.0 }
    }

    /// The flows to the row before it in a sweep.
    fn links(&self, down: bool) -> &[Neighbour] {
        if down { &self.above } else { &self.below }
    }
}

/// Joins two items by a flow that leaves the upper and enters the lower so far right of their middles.
pub fn join(items: &mut [Item], upper: (usize, f64), lower: (usize, f64)) {
    items[upper.0].below.push(Neighbour {
        item: lower.0,
        shift: lower.1 - upper.1,
    });
    items[lower.0].above.push(Neighbour {
        item: upper.0,
        shift: upper.1 - lower.1,
    });
}

/// Gives each item its place in its row.
pub fn arrange(items: &mut [Item]) {
    let count = items.iter().map(|item| item.row + 1).max().unwrap_or(0);
    let mut rows: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (index, item) in items.iter().enumerate() {
        rows[item.row].push(index);
    }
    for row in &rows {
        pack(items, row);
    }
    for sweep in 0..SWEEPS {
        let down = sweep % 2 == 0;
        for step in 0..count {
            let row = if down { step } else { count - 1 - step };
            sort_and_move(items, &mut rows[row], down);
        }
    }
}

/// Puts the items of a row side by side, their middle at 0.
fn pack(items: &mut [Item], row: &[usize]) {
    let halves = row.iter().map(|index| items[*index].half());
    let mut at = -halves.sum::<f64>();
    for index in row {
        let half = items[*index].half();
        items[*index].x = at + half;
        at += 2.0 * half;
    }
}

/// Items side by side without room between them.
struct Cluster {
    weight: f64,
    /// Where the first would stand, times the weight.
    moment: f64,
    count: usize,
}

/// Orders a row by the middles of its neighbours, and moves its items towards them: the sum of the weighted
/// squares of what they miss them by is least.
fn sort_and_move(items: &mut [Item], row: &mut [usize], down: bool) {
    let mut places: Vec<(f64, usize)> = row
        .iter()
        .map(|index| (wanted(items, *index, down), *index))
        .collect();
    places.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut offsets: Vec<f64> = Vec::with_capacity(places.len());
    let mut clusters: Vec<Cluster> = Vec::new();
    let mut offset = 0.0;
    for (at, (place, index)) in places.iter().enumerate() {
        if at > 0 {
            offset += items[places[at - 1].1].half() + items[*index].half();
        }
        offsets.push(offset);
        // What is joined to nothing before it gives way too.
        let weight = if items[*index].links(down).is_empty() {
            1.0
        } else {
            items[*index].weight()
        };
        let mut last = Cluster {
            weight,
            moment: weight * (place - offset),
            count: 1,
        };
        while let Some(before) =
            clusters.pop_if(|before| before.moment * last.weight > last.moment * before.weight)
        {
            last.weight += before.weight;
            last.moment += before.moment;
            last.count += before.count;
        }
        clusters.push(last);
    }
    let starts = clusters
        .iter()
        .flat_map(|cluster| std::iter::repeat_n(cluster.moment / cluster.weight, cluster.count));
    for (at, start) in starts.enumerate() {
        row[at] = places[at].1;
        items[row[at]].x = start + offsets[at];
    }
}

/// The middle of what an item is joined to in the row before it, or else in the one behind it.
fn wanted(items: &[Item], index: usize, down: bool) -> f64 {
    let item = &items[index];
    let links = match item.links(down) {
        [] => item.links(!down),
        links => links,
    };
    let weight: f64 = links.iter().map(|link| items[link.item].weight()).sum();
    let moment = links.iter().map(|link| {
        let other = &items[link.item];
        other.weight() * (other.x + link.shift)
    });
    if links.is_empty() {
        item.x
    } else {
        moment.sum::<f64>() / weight
    }
}
