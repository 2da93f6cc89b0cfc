//! Where the boxes of a picture stand: in rows from the inputs down, in an order that crosses few flows.

use super::{Flow, Picture};

/// A box, by its middle and its size; or a point that a long flow passes, of no height.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Frame {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

/// Boxes in the order of the picture's, the points of each flow from its box to the other's, and the size
/// of all.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Layout {
    pub frames: Vec<Frame>,
    pub lines: Vec<Vec<(f64, f64)>>,
    pub width: f64,
    pub height: f64,
}

const LETTER: f64 = 7.6;
const HEIGHT: f64 = 46.0;
const LEAST_WIDTH: f64 = 96.0;
/// Room at the sides of a text.
const PADDING: f64 = 14.0;
const BETWEEN_ROWS: f64 = 40.0;
const BETWEEN_BOXES: f64 = 32.0;
/// Room for a flow that passes a row.
const LANE: f64 = 14.0;
pub const MARGIN: f64 = 36.0;
const SWEEPS: usize = 12;

/// Points that flows pass: beyond so many they go straight, behind the boxes.
const MOST_POINTS: usize = 20_000;

/// An item of a row: a box, or a flow that passes.
struct Item {
    row: usize,
    frame: Frame,
    above: Vec<usize>,
    below: Vec<usize>,
}

pub fn layout(picture: &Picture) -> Layout {
    let rows = rows(picture);
    let mut items: Vec<Item> = picture
        .shown
        .iter()
        .zip(&rows)
        .map(|(shown, row)| {
            let letters = shown.text.chars().count().max(shown.note.chars().count());
            let width = (letters as f64 * LETTER + 2.0 * PADDING).max(LEAST_WIDTH);
            item(*row, width, HEIGHT)
        })
        .collect();
    let passed = picture.flows.iter();
    let passed = passed.map(|flow| rows[flow.to] - rows[flow.from] - 1);
    let lanes = passed.sum::<usize>() <= MOST_POINTS;
    let chains: Vec<Vec<usize>> = picture
        .flows
        .iter()
        .map(|flow| chain(&mut items, *flow, lanes))
        .collect();
    let count = items.iter().map(|item| item.row + 1).max().unwrap_or(0);
    let mut order: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (index, item) in items.iter().enumerate() {
        order[item.row].push(index);
    }
    for row in &order {
        pack(&mut items, row);
    }
    for sweep in 0..SWEEPS {
        let down = sweep % 2 == 0;
        for step in 0..count {
            let row = if down { step } else { count - 1 - step };
            sort_and_move(&mut items, &mut order[row], down);
        }
    }
    for (row, members) in order.iter().enumerate() {
        for index in members {
            items[*index].frame.y = MARGIN + HEIGHT / 2.0 + row as f64 * (HEIGHT + BETWEEN_ROWS);
        }
    }
    let left = items
        .iter()
        .map(|item| item.frame.x - item.frame.width / 2.0);
    let left = left.fold(f64::INFINITY, f64::min);
    let shift = MARGIN - if left.is_finite() { left } else { 0.0 };
    items.iter_mut().for_each(|item| item.frame.x += shift);
    let right = items
        .iter()
        .map(|item| item.frame.x + item.frame.width / 2.0);
    let lines = chains.iter().map(|chain| line(&items, chain)).collect();
    Layout {
        lines,
        width: right.fold(0.0, f64::max) + MARGIN,
        height: 2.0 * MARGIN + count as f64 * (HEIGHT + BETWEEN_ROWS) - BETWEEN_ROWS,
        frames: items[..picture.shown.len()]
            .iter()
            .map(|item| item.frame)
            .collect(),
    }
}

fn item(row: usize, width: f64, height: f64) -> Item {
    Item {
        row,
        frame: Frame {
            width,
            height,
            ..Frame::default()
        },
        above: Vec::new(),
        below: Vec::new(),
    }
}

/// The row of each box: below all that it takes. What takes nothing stands just above its first user.
fn rows(picture: &Picture) -> Vec<usize> {
    let mut rows = vec![0; picture.shown.len()];
    // Flows are sorted by their beginnings, which come before their ends.
    let mut by_end: Vec<&Flow> = picture.flows.iter().collect();
    by_end.sort_by_key(|flow| flow.to);
    for flow in by_end {
        rows[flow.to] = rows[flow.to].max(rows[flow.from] + 1);
    }
    let mut takes = vec![false; rows.len()];
    let mut first_user = vec![usize::MAX; rows.len()];
    for flow in &picture.flows {
        takes[flow.to] = true;
        first_user[flow.from] = first_user[flow.from].min(rows[flow.to]);
    }
    for (place, row) in rows.iter_mut().enumerate() {
        if !takes[place] && first_user[place] < usize::MAX {
            *row = first_user[place] - 1;
        }
    }
    rows
}

/// The items of a flow: its boxes and, with lanes, a point in each row between them.
fn chain(items: &mut Vec<Item>, flow: Flow, lanes: bool) -> Vec<usize> {
    let mut chain = vec![flow.from];
    let between = items[flow.from].row + 1..items[flow.to].row;
    for row in between.filter(|_| lanes) {
        items.push(item(row, LANE, 0.0));
        chain.push(items.len() - 1);
    }
    chain.push(flow.to);
    for pair in chain.windows(2) {
        items[pair[0]].below.push(pair[1]);
        items[pair[1]].above.push(pair[0]);
    }
    chain
}

/// Puts the items of a row side by side, their middle at 0.
fn pack(items: &mut [Item], row: &[usize]) {
    let widths = row
        .iter()
        .map(|index| items[*index].frame.width + BETWEEN_BOXES);
    let mut at = -widths.sum::<f64>() / 2.0;
    for index in row {
        let frame = &mut items[*index].frame;
        frame.x = at + frame.width / 2.0;
        at += frame.width + BETWEEN_BOXES;
    }
}

/// Orders a row by the middles of its neighbours, and moves its items towards them as far as there is
/// room.
fn sort_and_move(items: &mut [Item], row: &mut [usize], down: bool) {
    let wanted = |items: &[Item], index: usize| {
        let item = &items[index];
        let (first, other) = match down {
            true => (&item.above, &item.below),
            false => (&item.below, &item.above),
        };
        let near = if first.is_empty() { other } else { first };
        match near.len() {
            0 => item.frame.x,
            count => near.iter().map(|near| items[*near].frame.x).sum::<f64>() / count as f64,
        }
    };
    let mut places: Vec<(f64, usize)> = row
        .iter()
        .map(|index| (wanted(items, *index), *index))
        .collect();
    places.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let half = |items: &[Item], index: usize| (items[index].frame.width + BETWEEN_BOXES) / 2.0;
    // From the left each as near to its place as those before it let it; the same from the right; between.
    let mut from_left: Vec<f64> = Vec::with_capacity(places.len());
    for (at, (place, index)) in places.iter().enumerate() {
        let least = match at {
            0 => f64::NEG_INFINITY,
            _ => from_left[at - 1] + half(items, places[at - 1].1) + half(items, *index),
        };
        from_left.push(place.max(least));
    }
    let mut right = f64::INFINITY;
    for (at, (place, index)) in places.iter().enumerate().rev() {
        let most = right - half(items, *index);
        let x = place.min(most);
        right = x - half(items, *index);
        row[at] = *index;
        items[*index].frame.x = (x + from_left[at]) / 2.0;
    }
}

/// The points of a flow, from the lower edge of a box to the upper edge of the other.
fn line(items: &[Item], chain: &[usize]) -> Vec<(f64, f64)> {
    let last = chain.len() - 1;
    let mut points = Vec::new();
    for (at, index) in chain.iter().enumerate() {
        let Frame { x, y, .. } = items[*index].frame;
        if at > 0 {
            points.push((x, y - HEIGHT / 2.0));
        }
        if at < last {
            points.push((x, y + HEIGHT / 2.0));
        }
    }
    points
}
