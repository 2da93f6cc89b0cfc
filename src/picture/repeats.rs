//! Long repeats are drawn once, with their number: iterations that are the same, each taking of the one before.

use std::collections::BTreeMap;

use super::bodies::{BodyPart, parts};
use super::{Flow, Picture, Shown, text};

/// Fewer iterations are drawn one below the other.
const FEWEST: usize = 6;
/// Iterations of more parts are not looked for.
const MOST_PARTS: usize = 64;

/// Iterations by the places that they have.
struct Repeat {
    iterations: Vec<Vec<usize>>,
    /// How many bodies it stands in.
    depth: usize,
    /// Whether it is all of the body that it stands in.
    is_whole: bool,
    /// Whether an iteration is a body by itself.
    is_body: bool,
}

/// The picture with each long repeat as its first iteration: the outer are folded before the inner.
pub fn folded(mut picture: Picture) -> Picture {
    loop {
        let mut repeats = Vec::new();
        find(&picture, &parts(&picture), 0, &mut repeats);
        if repeats.is_empty() {
            return picture;
        }
        picture = fold(picture, &repeats);
    }
}

/// Adds the long repeats of these parts, and of the bodies that are not of these.
fn find(picture: &Picture, parts: &[BodyPart], depth: usize, repeats: &mut Vec<Repeat>) {
    let kinds = kinds(picture, parts, depth);
    let mut start = 0;
    while start < parts.len() {
        let periods = 1..=((parts.len() - start) / FEWEST).min(MOST_PARTS);
        let found = periods.into_iter().find_map(|period| {
            let first = &parts[start..start + period];
            // Stages of the network itself were written one by one.
            let has_body = || first.iter().any(|part| matches!(part, BodyPart::Body(_)));
            let times = times(&kinds[start..], period);
            if times < FEWEST || depth == 0 && !has_body() {
                return None;
            }
            let iterations = iterations(picture, &parts[start..start + times * period], period);
            let count = iterations.len() * period;
            let repeat = Repeat {
                is_whole: depth > 0 && count == parts.len(),
                is_body: period == 1 && has_body(),
                iterations,
                depth,
            };
            (repeat.iterations.len() >= FEWEST).then_some((repeat, count))
        });
        start += match (found, &parts[start]) {
            (Some((repeat, count)), _) => {
                repeats.push(repeat);
                count
            }
            (None, BodyPart::Body(body)) => {
                let depth = body.path.split('.').count();
                find(picture, &body.parts, depth, repeats);
                1
            }
            (None, BodyPart::Shown(_)) => 1,
        };
    }
}

/// A number for each part of a body: the same for those that differ in no more than the number of their
/// iteration.
fn kinds(picture: &Picture, parts: &[BodyPart], depth: usize) -> Vec<usize> {
    let mut known = BTreeMap::new();
    let kinds = parts.iter().map(|part| {
        let places = part.places().into_iter();
        let texts = places.map(|place| {
            let shown = &picture.shown[place];
            let own = shown.bodies.get(depth).filter(|own| !is_number(own));
            let within = shown.bodies.get(depth + 1..);
            (shown.bodies.len(), own, within, &shown.text, &shown.note)
        });
        let next = known.len();
        *known.entry(texts.collect::<Vec<_>>()).or_insert(next)
    });
    kinds.collect()
}

/// How often so many parts at the beginning of these stand one after the other.
fn times(kinds: &[usize], period: usize) -> usize {
    let mut all = kinds.chunks_exact(period);
    let first = all.next();
    1 + all.take_while(|next| Some(*next) == first).count()
}

/// The iterations of so many parts of these that take of each other as they should.
fn iterations(picture: &Picture, parts: &[BodyPart], period: usize) -> Vec<Vec<usize>> {
    let mut all = parts.chunks_exact(period).map(|parts| {
        let places = parts.iter().flat_map(BodyPart::places);
        places.collect::<Vec<usize>>()
    });
    let mut found: Vec<Vec<usize>> = all.next().into_iter().collect();
    for next in all {
        if !follows(picture, &found, &next) {
            break;
        }
        found.push(next);
    }
    found
}

/// Where a stage of an iteration takes a value from: by its order in an iteration, or its place.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    Within(usize),
    Before(usize),
    Outside(usize),
}

/// Whether an iteration takes what those before it take, and is the only one to take of the last of them.
fn follows(picture: &Picture, found: &[Vec<usize>], next: &[usize]) -> bool {
    let last = &found[found.len() - 1];
    let order = |places: &[usize], place| places.iter().position(|one| *one == place);
    // Flows are sorted by their beginnings.
    let from_on = |place| picture.flows.partition_point(|flow| flow.from < place);
    let (low, high) = last.iter().fold((usize::MAX, 0), |(low, high), place| {
        (low.min(*place), high.max(*place))
    });
    let of_last = picture.flows[from_on(low)..from_on(high + 1)].iter();
    let mut ends = of_last
        .filter(|flow| last.contains(&flow.from))
        .map(|flow| flow.to);
    if !ends.all(|to| last.contains(&to) || next.contains(&to)) {
        return false;
    }
    let sources = |iteration: &[usize], before: &[usize]| {
        let flows = picture.flows.iter();
        let entering = flows.filter_map(|flow| Some((order(iteration, flow.to)?, flow.from)));
        let mut sources: Vec<(usize, Source)> = entering
            .map(
                |(to, from)| match (order(iteration, from), order(before, from)) {
                    (Some(within), _) => (to, Source::Within(within)),
                    (None, Some(before)) => (to, Source::Before(before)),
                    (None, None) => (to, Source::Outside(from)),
                },
            )
            .collect();
        sources.sort_unstable();
        sources
    };
    let taken = sources(next, last);
    match found {
        [.., before, last] => taken == sources(last, before),
        // The first takes from without what the others take of the ones before them.
        [..] => {
            let rough = |sources: Vec<(usize, Source)>| {
                let sources = sources.into_iter().map(|(to, source)| match source {
                    Source::Within(within) => (to, Some(within)),
                    Source::Before(_) | Source::Outside(_) => (to, None),
                });
                sources.collect::<Vec<_>>()
            };
            rough(taken) == rough(sources(last, &[]))
        }
    }
}

/// Leaves the first iterations, from which flows what flowed from the last.
fn fold(mut picture: Picture, repeats: &[Repeat]) -> Picture {
    let mut gone = vec![false; picture.shown.len()];
    let mut stands_for: BTreeMap<usize, usize> = BTreeMap::new();
    for Repeat { iterations, .. } in repeats {
        let others = iterations[1..].iter().flatten();
        others.for_each(|place| gone[*place] = true);
        let last = iterations[iterations.len() - 1].iter().copied();
        stands_for.extend(last.zip(iterations[0].iter().copied()));
    }
    let moved: Vec<usize> = gone
        .iter()
        .scan(0, |kept, gone| {
            *kept += usize::from(!gone);
            Some((*kept).saturating_sub(1))
        })
        .collect();
    let flows = picture.flows.iter().filter(|flow| !gone[flow.to]);
    let flows = flows.filter_map(|flow| {
        let from = stands_for.get(&flow.from).copied().unwrap_or(flow.from);
        let (from, to) = (Some(from).filter(|from| !gone[*from])?, flow.to);
        let (from, to) = (moved[from], moved[to]);
        Some(Flow { from, to })
    });
    let mut flows: Vec<Flow> = flows.collect();
    flows.sort_unstable();
    flows.dedup();
    for repeat in repeats {
        for place in &repeat.iterations[0] {
            count(&mut picture.shown[*place], repeat);
        }
    }
    let shown = picture.shown.into_iter().zip(gone);
    Picture {
        name: picture.name,
        shown: shown
            .filter_map(|(shown, gone)| (!gone).then_some(shown))
            .collect(),
        flows,
    }
}

/// Writes how often a stage is repeated: on the body that encloses the repeat, on one of its own, or on the
/// stage if it is all that is repeated.
fn count(shown: &mut Shown, repeat: &Repeat) {
    let times = format!("× {}", repeat.iterations.len());
    let depth = repeat.depth;
    if repeat.iterations[0].len() == 1 {
        // There is no frame around a single stage to say it.
        let times = if repeat.is_whole {
            format!("{} {times}", shown.bodies[depth - 1])
        } else {
            times
        };
        shown.text = format!("{}\n{times}", shown.text);
        shown.lines.push(text::cut(&times, text::LONGEST_NAME));
        return;
    }
    let own = repeat.is_body.then(|| shown.bodies.remove(depth));
    if repeat.is_whole {
        let body = &mut shown.bodies[depth - 1];
        *body = format!("{body} {times}");
        return;
    }
    let own = own.filter(|own| !is_number(own));
    let times = own.map_or(times.clone(), |own| format!("{own} {times}"));
    shown.bodies.insert(depth, times);
}

/// Whether a part of a path is the number of an iteration or of a stage.
fn is_number(part: &str) -> bool {
    part.bytes().all(|byte| byte.is_ascii_digit())
}
