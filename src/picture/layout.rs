//! Where the boxes of a picture stand: in rows from the inputs down. A body is laid out by itself, and stands in
//! its row as one item: so no body reaches into another, and flows meet only what they are of.

use std::collections::{BTreeMap, BTreeSet};

use super::bodies::{Body, BodyPart, parts};
use super::edges::{Edge, chain, rows};
use super::rows::{Item, arrange};
use super::{Flow, Picture, Shown};

/// A rectangle, by its upper left corner.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Frame {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

/// The frame of a body, with its name at the upper left corner from `label` on.
#[derive(Clone, PartialEq, Debug)]
pub struct Framed {
    pub frame: Frame,
    pub label: f64,
    pub name: String,
    pub path: String,
}

/// Boxes and flows in the order of the picture's, bodies the outer before the inner, and the size of all.
/// The points of a flow lead from the lower edge of a box to the upper edge of the other.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Layout {
    pub boxes: Vec<Frame>,
    pub bodies: Vec<Framed>,
    pub lines: Vec<Vec<(f64, f64)>>,
    pub width: f64,
    pub height: f64,
}

const LETTER: f64 = 7.6;
const SMALL_LETTER: f64 = 6.8;
/// A box of one line and a note.
const HEIGHT: f64 = 46.0;
/// From a line of a box to the next.
pub const LINE: f64 = 16.0;
const LEAST_WIDTH: f64 = 96.0;
/// Room at the sides of a text.
const PADDING: f64 = 14.0;
const BETWEEN_ROWS: f64 = 40.0;
const MARGIN: f64 = 36.0;
/// Room between a body's edge and what it encloses.
const BODY_PADDING: f64 = 12.0;
/// Room for the name of a body.
const BODY_NAME: f64 = 20.0;
/// Beside the name.
pub const BODY_NAME_INDENT: f64 = 8.0;

pub fn layout(picture: &Picture) -> Layout {
    let flows: Vec<usize> = (0..picture.flows.len()).collect();
    let group = Group::new(picture, &parts(picture), &flows, None);
    let mut layout = Layout {
        boxes: vec![Frame::default(); picture.shown.len()],
        bodies: group.bodies,
        lines: group.lines.into_values().collect(),
        width: group.width,
        height: group.height,
    };
    for (place, frame) in group.boxes {
        layout.boxes[place] = frame;
    }
    layout
}

/// The parts of a body, or of the network, laid out from (0, 0).
#[derive(Default)]
struct Group {
    boxes: Vec<(usize, Frame)>,
    bodies: Vec<Framed>,
    /// Of each flow what is within, by its place in the picture.
    lines: BTreeMap<usize, Vec<(f64, f64)>>,
    /// Where flows enter and leave, by the box that they come from.
    entries: BTreeMap<usize, f64>,
    exits: BTreeMap<usize, f64>,
    width: f64,
    height: f64,
}

impl Group {
    /// Lays out parts with the flows that touch them; the network itself is no body.
    fn new(picture: &Picture, parts: &[BodyPart], flows: &[usize], body: Option<&Body>) -> Group {
        let mut part_of: BTreeMap<usize, usize> = BTreeMap::new();
        for (index, part) in parts.iter().enumerate() {
            part_of.extend(part.places().into_iter().map(|place| (place, index)));
        }
        let mut edges: Vec<Edge> = Vec::new();
        let mut touching: Vec<Vec<usize>> = vec![Vec::new(); parts.len()];
        for index in flows {
            let Flow { from, to } = picture.flows[*index];
            let edge = Edge {
                flow: *index,
                source: from,
                from: part_of.get(&from).copied(),
                to: part_of.get(&to).copied(),
                leaves: 0.0,
                enters: 0.0,
                chain: Vec::new(),
            };
            let ends = BTreeSet::from([edge.from, edge.to]);
            ends.into_iter()
                .flatten()
                .for_each(|end| touching[end].push(*index));
            if edge.from != edge.to {
                edges.push(edge);
            }
        }
        let groups: Vec<Group> = parts
            .iter()
            .zip(&touching)
            .map(|(part, flows)| match part {
                BodyPart::Shown(place) => {
                    Group::of_box(*place, &picture.shown[*place], flows, picture)
                }
                BodyPart::Body(body) => Group::new(picture, &body.parts, flows, Some(body)),
            })
            .collect();
        let rows = rows(parts.len(), &edges);
        let mut items: Vec<Item> = groups
            .iter()
            .zip(&rows)
            .map(|(group, row)| Item::new(*row, group.width))
            .collect();
        for edge in &mut edges {
            let shift = |group: &Group, x: f64| x - group.width / 2.0;
            let from = edge.from.map(|from| &groups[from]);
            let to = edge.to.map(|to| &groups[to]);
            edge.leaves = from.map_or(0.0, |group| shift(group, group.exits[&edge.source]));
            edge.enters = to.map_or(0.0, |group| shift(group, group.entries[&edge.source]));
        }
        chain(&mut items, &mut edges);
        arrange(&mut items);
        Group::placed(groups, &items, &edges, body)
    }

    /// A box, which flows enter and leave in its middle.
    fn of_box(place: usize, shown: &Shown, flows: &[usize], picture: &Picture) -> Group {
        let width = |text: &String, letter: f64| text.chars().count() as f64 * letter;
        let lines = shown.lines.iter().map(|line| width(line, LETTER));
        let widest = lines.fold(width(&shown.note, SMALL_LETTER), f64::max);
        let width = (widest + 2.0 * PADDING).max(LEAST_WIDTH);
        let height = HEIGHT + LINE * (shown.lines.len() - 1) as f64;
        let mut group = Group {
            width,
            height,
            ..Group::default()
        };
        let frame = Frame {
            x: 0.0,
            y: 0.0,
            width,
            height,
        };
        group.boxes.push((place, frame));
        for index in flows {
            let Flow { from, to } = picture.flows[*index];
            if from == place {
                group.exits.insert(from, width / 2.0);
                group.lines.insert(*index, vec![(width / 2.0, height)]);
            }
            if to == place {
                group.entries.insert(from, width / 2.0);
                group.lines.insert(*index, vec![(width / 2.0, 0.0)]);
            }
        }
        group
    }

    /// The parts with their places in their rows, in a frame if they are a body's.
    fn placed(groups: Vec<Group>, items: &[Item], edges: &[Edge], body: Option<&Body>) -> Group {
        let mut whole = Group::default();
        let sides = items
            .iter()
            .map(|item| (item.x - item.width / 2.0, item.x + item.width / 2.0));
        let (left, right) = sides.fold((f64::INFINITY, f64::NEG_INFINITY), |all, one| {
            (all.0.min(one.0), all.1.max(one.1))
        });
        let ends = |of: fn(&Edge) -> (bool, Option<&usize>)| {
            let ends = edges.iter().map(move |edge| (edge, of(edge)));
            let ends = ends.filter_map(|(edge, (passes, item))| {
                Some((edge.source, items[*item.filter(|_| passes)?].x))
            });
            ends.collect::<BTreeMap<usize, f64>>()
        };
        whole.entries = ends(|edge| (edge.from.is_none(), edge.chain.first()));
        whole.exits = ends(|edge| (edge.to.is_none(), edge.chain.last()));
        let (start, end, label) = whole.sides(left, right, body);
        whole.width = end - start;
        whole
            .entries
            .values_mut()
            .chain(whole.exits.values_mut())
            .for_each(|x| *x -= start);
        let bands = bands(&groups, items, body.is_some(), &whole);
        let last = bands.last().map_or(0.0, |band| band.1);
        whole.height = match (body, whole.exits.is_empty()) {
            (None, _) => last + MARGIN,
            (Some(_), true) => last + BODY_PADDING,
            (Some(_), false) => last,
        };
        if let Some(body) = body {
            whole.bodies.push(Framed {
                frame: Frame {
                    x: 0.0,
                    y: 0.0,
                    width: whole.width,
                    height: whole.height,
                },
                label: label - start,
                name: body.label(),
                path: body.path.clone(),
            });
        }
        let corners: Vec<(f64, f64)> = groups
            .iter()
            .zip(items)
            .map(|(group, item)| {
                let (top, bottom) = bands[item.row];
                let x = item.x - item.width / 2.0 - start;
                (x, (top + bottom - group.height) / 2.0)
            })
            .collect();
        for edge in edges {
            let mut line: Vec<(f64, f64)> = Vec::new();
            for (at, index) in edge.chain.iter().enumerate() {
                let (top, bottom) = bands[items[*index].row];
                let Some(group) = groups.get(*index) else {
                    let x = items[*index].x - start;
                    line.extend([(x, top), (x, bottom)]);
                    continue;
                };
                let within = group.lines[&edge.flow].iter();
                let within = within.map(|point| moved(*point, corners[*index]));
                // From the part down to the edge of its row, or from that down to the part.
                let before = line.len();
                line.extend(within);
                match at {
                    0 => line.push((line[line.len() - 1].0, bottom)),
                    _ => line.insert(before, (line[before].0, top)),
                }
            }
            line.dedup();
            whole.lines.insert(edge.flow, line);
        }
        for (group, corner) in groups.into_iter().zip(corners) {
            whole.take(group, corner);
        }
        whole
    }

    /// The left and the right edge, and where a body's name stands: no flow enters through it. For parts that
    /// stand from the left to the right.
    fn sides(&self, left: f64, right: f64, body: Option<&Body>) -> (f64, f64, f64) {
        let Some(body) = body else {
            return (left - MARGIN, right + MARGIN, left);
        };
        let (start, end) = (left - BODY_PADDING, right + BODY_PADDING);
        let name = body.label().chars().count() as f64 * SMALL_LETTER + 2.0 * BODY_NAME_INDENT;
        let entries = || self.entries.values().copied();
        let first = entries().fold(f64::INFINITY, f64::min);
        let last = entries().fold(f64::NEG_INFINITY, f64::max);
        if first - start < name && end - last >= name {
            return (start, end, end - name);
        }
        let start = start.min(first - name);
        (start, end.max(start + name), start)
    }

    /// Takes what is within one of its parts.
    fn take(&mut self, group: Group, corner: (f64, f64)) {
        let at = |frame: Frame| {
            let (x, y) = moved((frame.x, frame.y), corner);
            Frame { x, y, ..frame }
        };
        let boxes = group.boxes.into_iter();
        self.boxes
            .extend(boxes.map(|(place, frame)| (place, at(frame))));
        self.bodies
            .extend(group.bodies.into_iter().map(|framed| Framed {
                frame: at(framed.frame),
                label: framed.label + corner.0,
                ..framed
            }));
        for (flow, line) in group.lines {
            // Of the others the whole has more.
            self.lines
                .entry(flow)
                .or_insert_with(|| line.into_iter().map(|point| moved(point, corner)).collect());
        }
    }
}

fn moved(point: (f64, f64), by: (f64, f64)) -> (f64, f64) {
    (point.0 + by.0, point.1 + by.1)
}

/// The upper and the lower edge of each row.
fn bands(groups: &[Group], items: &[Item], is_body: bool, whole: &Group) -> Vec<(f64, f64)> {
    let count = items.iter().map(|item| item.row + 1).max().unwrap_or(0);
    let mut heights = vec![0.0; count];
    for (group, item) in groups.iter().zip(items) {
        heights[item.row] = group.height.max(heights[item.row]);
    }
    // Where flows enter and leave they bend seldom.
    let straight = |from: usize| {
        let mut upper = items.iter().filter(|item| item.row == from);
        upper.all(|item| {
            let mut links = item.below.iter();
            links.all(|link| (items[link.item].x + link.shift - item.x).abs() < 0.5)
        })
    };
    let mut at = if is_body { BODY_NAME } else { MARGIN };
    let mut bands = Vec::with_capacity(count);
    for (row, height) in heights.iter().enumerate() {
        bands.push((at, at + height));
        let enters = row == 0 && !whole.entries.is_empty();
        let leaves = row + 2 == count && !whole.exits.is_empty();
        at += height;
        at += if !(enters || leaves) {
            BETWEEN_ROWS
        } else if straight(row) {
            BODY_PADDING / 2.0
        } else {
            BETWEEN_ROWS * 0.6
        };
    }
    bands
}
