//! The bodies of a picture, one within another: what a block, a `repeat` or a `residual` encloses.

use super::Picture;
use super::text::{LONGEST_NAME, cut};

/// What stands in a body, or in the network itself.
#[derive(Clone, PartialEq, Debug)]
pub enum BodyPart {
    /// A stage, input, target or loss by its place in the picture.
    Shown(usize),
    Body(Body),
}

/// One use of a body, with two parts or more.
#[derive(Clone, PartialEq, Debug)]
pub struct Body {
    /// What its path says beyond the path of the body around it: `body.0`.
    pub name: String,
    pub path: String,
    pub parts: Vec<BodyPart>,
}

impl Body {
    /// Its name as it is written on its frame.
    pub fn label(&self) -> String {
        cut(&self.name, LONGEST_NAME)
    }

    /// The places of all that stands in it.
    pub fn places(&self) -> Vec<usize> {
        let parts = self.parts.iter();
        parts.flat_map(BodyPart::places).collect()
    }
}

impl BodyPart {
    pub fn places(&self) -> Vec<usize> {
        match self {
            BodyPart::Shown(place) => vec![*place],
            BodyPart::Body(body) => body.places(),
        }
    }
}

/// The parts of a picture, in an order in which all flows go forward.
pub fn parts(picture: &Picture) -> Vec<BodyPart> {
    let mut entered = vec![false; picture.shown.len()];
    picture
        .flows
        .iter()
        .for_each(|flow| entered[flow.to] = true);
    let all: Vec<usize> = (0..picture.shown.len()).collect();
    parts_of(picture, &entered, &all, 0)
}

/// The parts of the given places, which share so many bodies. A use of a body is a run of places: flows go
/// forward, so none leaves it and comes back.
fn parts_of(picture: &Picture, entered: &[bool], places: &[usize], depth: usize) -> Vec<BodyPart> {
    let body_of = |place: usize| picture.shown[place].bodies.get(depth);
    let mut parts = Vec::new();
    let mut run: Vec<usize> = Vec::new();
    for place in places {
        let interrupts = match body_of(*place) {
            // What nothing flows into may as well stand before the run.
            None => entered[*place],
            body => run.first().is_some_and(|first| body_of(*first) != body),
        };
        if interrupts {
            for one in uses(picture, &std::mem::take(&mut run)) {
                parts.push(part_of(picture, entered, one, depth));
            }
        }
        match body_of(*place) {
            None => parts.push(BodyPart::Shown(*place)),
            Some(_) => run.push(*place),
        }
    }
    for one in uses(picture, &run) {
        parts.push(part_of(picture, entered, one, depth));
    }
    parts
}

/// The uses of a body that follow each other: what is shared has the same stages again.
fn uses<'a>(picture: &Picture, run: &'a [usize]) -> impl Iterator<Item = &'a [usize]> {
    let stage = |place: &usize| (&picture.shown[*place].bodies, &picture.shown[*place].own);
    let recurs = |period: usize| {
        let mut later = run[period..].iter().zip(run);
        later.all(|(place, before)| stage(place) == stage(before))
    };
    let mut periods = (1..=run.len() / 2).filter(|period| run.len().is_multiple_of(*period));
    let period = periods.find(|period| recurs(*period));
    run.chunks(period.unwrap_or(run.len()).max(1))
}

/// The places of one use as a part: a body around a single part is no more than that part.
fn part_of(picture: &Picture, entered: &[bool], run: &[usize], depth: usize) -> BodyPart {
    let first = run[0];
    if run.len() == 1 {
        return BodyPart::Shown(first);
    }
    let bodies = &picture.shown[first].bodies;
    let name = bodies[depth].clone();
    match <[BodyPart; 1]>::try_from(parts_of(picture, entered, run, depth + 1)) {
        Ok([BodyPart::Body(inner)]) => BodyPart::Body(Body {
            name: format!("{name}.{}", inner.name),
            ..inner
        }),
        Ok([shown @ BodyPart::Shown(_)]) => shown,
        Err(parts) => BodyPart::Body(Body {
            name,
            path: bodies[..=depth].join("."),
            parts,
        }),
    }
}
