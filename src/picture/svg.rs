//! A picture as SVG.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::layout::{Frame, Layout, layout};
use super::{Picture, Role};

const TEXT_GROWS: &str = "a string takes any text";
/// Room between a body's edge and its stages.
const BODY_PADDING: f64 = 10.0;

/// The picture as an SVG file.
pub fn svg(picture: &Picture) -> String {
    let Layout {
        frames,
        lines,
        width,
        height,
    } = layout(picture);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\" \
         font-family=\"Inter, Helvetica, Arial, sans-serif\" font-size=\"13\">\n\
         <title>{}</title>\n\
         <defs><marker id=\"tip\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"7\" \
         markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0 L10 5 L0 10 z\" fill=\"#5b6673\"/></marker></defs>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
        escaped(&picture.name)
    );
    let bodies = bodies(picture, &frames);
    for (_, _, around) in &bodies {
        let Frame {
            x,
            y,
            width,
            height,
        } = around;
        writeln!(
            svg,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"10\" \
             fill=\"#f3f5f8\" fill-opacity=\"0.7\" stroke=\"#c9d1db\" stroke-dasharray=\"4 3\"/>"
        )
        .expect(TEXT_GROWS);
    }
    for (name, depth, Frame { x, y, width, .. }) in &bodies {
        // The names of bodies that begin together stand at either side.
        let (at, anchor) = match depth % 2 {
            0 => (x + 7.0, "start"),
            _ => (x + width - 7.0, "end"),
        };
        writeln!(
            svg,
            "<text x=\"{at:.1}\" y=\"{:.1}\" font-size=\"11\" fill=\"#7a8593\" text-anchor=\"{anchor}\">{}</text>",
            y + 12.0,
            escaped(name)
        )
        .expect(TEXT_GROWS);
    }
    for line in &lines {
        writeln!(
            svg,
            "<path d=\"{}\" fill=\"none\" stroke=\"#5b6673\" stroke-width=\"1.4\" marker-end=\"url(#tip)\"/>",
            curve(line)
        )
        .expect(TEXT_GROWS);
    }
    for (shown, frame) in picture.shown.iter().zip(&frames) {
        let (fill, stroke) = match shown.role {
            Role::Input => ("#e7f1fb", "#4a86c5"),
            Role::Stage => ("#ffffff", "#5b6673"),
            Role::Target => ("#eaf6ec", "#4b9a5b"),
            Role::Loss => ("#fdeeea", "#cc6a4b"),
        };
        let Frame {
            x,
            y,
            width,
            height,
        } = *frame;
        writeln!(
            svg,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"7\" \
             fill=\"{fill}\" stroke=\"{stroke}\" stroke-width=\"1.4\"/>",
            x - width / 2.0,
            y - height / 2.0
        )
        .expect(TEXT_GROWS);
        let one = shown.note.is_empty();
        let mut text = |at: f64, size: &str, fill: &str, text: &str| {
            writeln!(
                svg,
                "<text x=\"{x:.1}\" y=\"{at:.1}\" text-anchor=\"middle\" {size} fill=\"{fill}\">{}</text>",
                escaped(text)
            )
            .expect(TEXT_GROWS);
        };
        text(
            if one { y + 4.5 } else { y - 3.0 },
            "font-weight=\"600\"",
            "#1d2733",
            &shown.text,
        );
        if !one {
            text(y + 14.0, "font-size=\"11.5\"", "#5b6673", &shown.note);
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// A smooth line: straight beside the boxes that it passes, bent between the rows.
fn curve(points: &[(f64, f64)]) -> String {
    let mut path = String::new();
    for (at, (x, y)) in points.iter().enumerate() {
        let step = match at {
            0 => write!(path, "M{x:.1} {y:.1}"),
            // From the lower edge of a row to the upper edge of the next.
            at if at % 2 == 1 => {
                let (from_x, from_y) = points[at - 1];
                let middle = (from_y + y) / 2.0;
                write!(
                    path,
                    " C{from_x:.1} {middle:.1} {x:.1} {middle:.1} {x:.1} {y:.1}"
                )
            }
            _ => write!(path, " L{x:.1} {y:.1}"),
        };
        step.expect(TEXT_GROWS);
    }
    path
}

/// The bodies of several stages that nothing else stands among, with their corners and sizes, the outer
/// before the inner.
fn bodies(picture: &Picture, frames: &[Frame]) -> Vec<(String, usize, Frame)> {
    let mut members: BTreeMap<Vec<String>, Vec<usize>> = BTreeMap::new();
    for (place, shown) in picture.shown.iter().enumerate() {
        for depth in 1..=shown.bodies.len() {
            let body = shown.bodies[..depth].to_vec();
            members.entry(body).or_default().push(place);
        }
    }
    let mut seen: Vec<&Vec<usize>> = Vec::new();
    let mut bodies = Vec::new();
    for (body, places) in &members {
        if places.len() < 2 || seen.contains(&places) {
            continue;
        }
        let outer = members
            .keys()
            .filter(|other| other.len() > body.len() && other.starts_with(body));
        let padding = BODY_PADDING
            + 7.0
                * outer
                    .map(|inner| inner.len() - body.len())
                    .max()
                    .unwrap_or(0)
                    .min(2) as f64;
        let edge = |of: fn(&Frame) -> f64, pick: fn(f64, f64) -> f64| {
            let edges = places.iter().map(|place| of(&frames[*place]));
            edges.reduce(pick).unwrap_or(0.0)
        };
        let left = edge(|frame| frame.x - frame.width / 2.0, f64::min) - padding;
        let right = edge(|frame| frame.x + frame.width / 2.0, f64::max) + padding;
        let top = edge(|frame| frame.y - frame.height / 2.0, f64::min) - padding - 5.0;
        let bottom = edge(|frame| frame.y + frame.height / 2.0, f64::max) + padding - 2.0;
        let strange = frames.iter().enumerate().any(|(place, frame)| {
            let beside = frame.x + frame.width / 2.0 < left || frame.x - frame.width / 2.0 > right;
            let above = frame.y + frame.height / 2.0 < top || frame.y - frame.height / 2.0 > bottom;
            !places.contains(&place) && !beside && !above
        });
        if !strange {
            seen.push(places);
            let frame = Frame {
                x: left,
                y: top,
                width: right - left,
                height: bottom - top,
            };
            bodies.push((body.join("."), body.len(), frame));
        }
    }
    bodies
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // No control character may stand in XML.
            letter if letter.is_control() => escaped.push(' '),
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn texts_cannot_end_their_element() {
        assert_eq!(escaped("a<b & \"c\"\u{1}"), "a&lt;b &amp; &quot;c&quot; ");
    }
}
