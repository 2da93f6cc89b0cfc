//! Pictures in SVG as rectangles and lines: whether all on them can be read.

use nnc::picture::Picture;

/// A rectangle, by its edges.
#[derive(Clone, Copy, Debug)]
pub struct Area {
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

impl Area {
    pub fn middle(&self) -> f64 {
        (self.left + self.right) / 2.0
    }

    fn meets(&self, other: &Area) -> bool {
        let beside = self.right <= other.left || other.right <= self.left;
        let above = self.bottom <= other.top || other.bottom <= self.top;
        !beside && !above
    }

    fn encloses(&self, other: &Area) -> bool {
        let across = self.left < other.left && other.right < self.right;
        across && self.top < other.top && other.bottom < self.bottom
    }

    fn has(&self, (x, y): (f64, f64)) -> bool {
        // An arrow touches the edge of its box.
        let near = 0.2;
        let across = self.left + near < x && x < self.right - near;
        across && self.top + near < y && y < self.bottom - near
    }
}

#[derive(Clone, Debug)]
pub struct Body {
    pub path: String,
    pub name: String,
    area: Area,
    label: Area,
}

fn groups<'a>(svg: &'a str, class: &str) -> Vec<&'a str> {
    let start = format!("<g class=\"{class}\">");
    svg.split(&*start)
        .skip(1)
        .map(|rest| rest.split("</g>").next().unwrap_or(""))
        .collect()
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let rest = text.split_once(before).map_or("", |(_, rest)| rest);
    rest.split(after).next().unwrap_or("")
}

fn number(element: &str, attribute: &str) -> f64 {
    let text = between(element, &format!(" {attribute}=\""), "\"");
    text.parse().expect("a number")
}

fn area(group: &str) -> Area {
    let rect = between(group, "<rect", "/>");
    let (left, top) = (number(rect, "x"), number(rect, "y"));
    Area {
        left,
        top,
        right: left + number(rect, "width"),
        bottom: top + number(rect, "height"),
    }
}

pub fn boxes(svg: &str) -> Vec<Area> {
    groups(svg, "box").into_iter().map(area).collect()
}

pub fn bodies(svg: &str) -> Vec<Body> {
    let body = |group: &str| {
        let text = between(group, "<text", "</text>");
        let (left, base) = (number(text, "x"), number(text, "y"));
        let name = between(text, ">", "<").to_owned();
        Body {
            path: between(group, "<title>", "</title>").to_owned(),
            area: area(group),
            label: Area {
                left,
                top: base - 9.0,
                // A letter of a sans serif of 11 is 6 wide at the mean.
                right: left + 6.0 * name.chars().count() as f64,
                bottom: base + 3.0,
            },
            name,
        }
    };
    groups(svg, "body").into_iter().map(body).collect()
}

/// Points along each flow, close together.
fn lines(svg: &str) -> Vec<Vec<(f64, f64)>> {
    let paths = svg.split("<path class=\"flow\" d=\"").skip(1);
    paths
        .map(|path| along(path.split('"').next().unwrap_or("")))
        .collect()
}

fn along(path: &str) -> Vec<(f64, f64)> {
    const STEPS: usize = 40;
    let mut points: Vec<(f64, f64)> = Vec::new();
    for step in path.split_inclusive(['M', 'L', 'C']).skip(1) {
        let numbers = step.trim_end_matches(['M', 'L', 'C']);
        let numbers: Vec<f64> = numbers
            .split_whitespace()
            .map(|number| number.parse().expect("a number"))
            .collect();
        let Some(last) = points.last().copied() else {
            points.push((numbers[0], numbers[1]));
            continue;
        };
        let end = (numbers[numbers.len() - 2], numbers[numbers.len() - 1]);
        // A straight line is a curve with its middle points on it.
        let (first, second) = match numbers[..] {
            [a, b, c, d, _, _] => ((a, b), (c, d)),
            [..] => (last, end),
        };
        for at in 1..=STEPS {
            let t = at as f64 / STEPS as f64;
            let curve = |from: f64, first: f64, second: f64, to: f64| {
                let u = 1.0 - t;
                u * u * u * from
                    + 3.0 * u * u * t * first
                    + 3.0 * u * t * t * second
                    + t * t * t * to
            };
            points.push((
                curve(last.0, first.0, second.0, end.0),
                curve(last.1, first.1, second.1, end.1),
            ));
        }
    }
    points
}

/// Nothing on a picture hides anything else on it, and all bodies have frames around what they enclose.
pub fn assert_clear(name: &str, picture: &Picture, svg: &str) {
    let (boxes, bodies, lines) = (boxes(svg), bodies(svg), lines(svg));
    assert_eq!(boxes.len(), picture.shown.len(), "{name}");
    for (at, one) in boxes.iter().enumerate() {
        let text = &picture.shown[at].text;
        assert!(
            !boxes[..at].iter().any(|other| one.meets(other)),
            "{name}: {text} lies on another box"
        );
        for body in &bodies {
            let path = &body.path;
            assert!(
                body.area.encloses(one) || !body.area.meets(one),
                "{name}: {text} lies across the frame of {path}"
            );
            assert!(
                !body.label.meets(one),
                "{name}: {text} lies on the name of {path}"
            );
        }
    }
    for (at, body) in bodies.iter().enumerate() {
        let path = &body.path;
        assert!(body.area.encloses(&body.label), "{name}: {path}");
        for other in &bodies[at + 1..] {
            let nested = body.area.encloses(&other.area);
            assert!(
                nested || !body.area.meets(&other.area),
                "{name}: {path} and {other:?} overlap"
            );
            assert!(
                !body.label.meets(&other.area),
                "{name}: {other:?} lies on the name of {path}"
            );
            assert!(!body.label.meets(&other.label), "{name}: {path}, {other:?}");
        }
    }
    for (flow, line) in picture.flows.iter().zip(&lines) {
        let text = |place: usize| &picture.shown[place].text;
        let (from, to) = (text(flow.from), text(flow.to));
        for point in line {
            let hit = bodies.iter().find(|body| body.label.has(*point));
            assert!(hit.is_none(), "{name}: {from} -> {to} crosses {hit:?}");
            let hit = boxes.iter().position(|one| one.has(*point));
            assert!(
                hit.is_none(),
                "{name}: {from} -> {to} crosses {}",
                text(hit.unwrap_or(0))
            );
        }
        let (first, last) = (line[0], line[line.len() - 1]);
        let (from, to) = (boxes[flow.from], boxes[flow.to]);
        assert!((first.1 - from.bottom).abs() < 0.2 && (first.0 - from.middle()).abs() < 0.2);
        assert!((last.1 - to.top).abs() < 0.2 && (last.0 - to.middle()).abs() < 0.2);
    }
    // Of a body with several stages side by side in the text each stands in a frame of its name.
    for (at, pair) in picture.shown.windows(2).enumerate() {
        let [one, next] = pair else { continue };
        let shared = one.bodies.iter().zip(&next.bodies);
        let shared = shared.take_while(|(one, next)| one == next).count();
        for depth in 1..=shared {
            let path = one.bodies[..depth].join(".");
            let framed = bodies.iter().any(|body| {
                let named = body.path == path || body.path.starts_with(&format!("{path}."));
                named && body.area.encloses(&boxes[at]) && body.area.encloses(&boxes[at + 1])
            });
            assert!(framed, "{name}: no frame of {path} around {}", one.text);
        }
    }
}
