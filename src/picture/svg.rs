//! A picture as SVG.

use std::fmt::Write as _;

use super::layout::{BODY_NAME_INDENT, Frame, Framed, LINE, Layout, layout};
use super::{Picture, Shown, ShownRole};

const TEXT_GROWS: &str = "a string takes any text";

/// The picture as an SVG file. Its elements have the classes `body`, `flow` and `box`, and titles with the
/// whole of what is cut.
pub fn svg(picture: &Picture) -> String {
    let Layout {
        boxes,
        bodies,
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
    for framed in &bodies {
        svg.push_str(&body(framed));
    }
    for line in &lines {
        writeln!(
            svg,
            "<path class=\"flow\" d=\"{}\" fill=\"none\" stroke=\"#5b6673\" stroke-width=\"1.4\" marker-end=\"url(#tip)\"/>",
            curve(line)
        )
        .expect(TEXT_GROWS);
    }
    for (shown, frame) in picture.shown.iter().zip(&boxes) {
        svg.push_str(&stage(shown, frame));
    }
    svg.push_str("</svg>\n");
    svg
}

fn body(framed: &Framed) -> String {
    format!(
        "<g class=\"body\"><title>{}</title>{}\
         <text x=\"{:.1}\" y=\"{:.1}\" font-size=\"11\" fill=\"#66717f\">{}</text></g>\n",
        escaped(&framed.path),
        rect(
            &framed.frame,
            "rx=\"10\" fill=\"#dfe5ec\" fill-opacity=\"0.35\" stroke=\"#aeb8c4\" stroke-dasharray=\"4 3\""
        ),
        framed.label + BODY_NAME_INDENT,
        framed.frame.y + 14.0,
        escaped(&framed.name)
    )
}

fn stage(shown: &Shown, frame: &Frame) -> String {
    let (fill, stroke) = match shown.role {
        ShownRole::Input => ("#e7f1fb", "#4a86c5"),
        ShownRole::Stage => ("#ffffff", "#5b6673"),
        ShownRole::Target => ("#eaf6ec", "#4b9a5b"),
        ShownRole::Loss => ("#fdeeea", "#cc6a4b"),
    };
    let paint = format!("rx=\"7\" fill=\"{fill}\" stroke=\"{stroke}\" stroke-width=\"1.4\"");
    let mut stage = format!(
        "<g class=\"box\"><title>{}</title>{}",
        escaped(&shown.whole()),
        rect(frame, &paint)
    );
    let bold = "font-weight=\"600\" fill=\"#1d2733\"";
    let small = "font-size=\"11.5\" fill=\"#5b6673\"";
    let lines = shown.lines.iter().map(|line| (bold, line));
    let note = Some((small, &shown.note)).filter(|(_, note)| !note.is_empty());
    let texts: Vec<(&str, &String)> = lines.chain(note).collect();
    let first = frame.y + (frame.height - (texts.len() - 1) as f64 * LINE) / 2.0 + 4.5;
    for (at, (style, text)) in texts.into_iter().enumerate() {
        write!(
            stage,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" {style}>{}</text>",
            frame.x + frame.width / 2.0,
            first + at as f64 * LINE,
            escaped(text)
        )
        .expect(TEXT_GROWS);
    }
    stage + "</g>\n"
}

fn rect(frame: &Frame, paint: &str) -> String {
    let Frame {
        x,
        y,
        width,
        height,
    } = frame;
    format!("<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" {paint}/>")
}

/// A smooth line: straight beside what it passes, bent between the rows.
fn curve(points: &[(f64, f64)]) -> String {
    let mut path = String::new();
    for (at, (x, y)) in points.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| points[before]);
        let step = match before {
            None => write!(path, "M{x:.1} {y:.1}"),
            Some((from_x, _)) if (from_x - x).abs() < 0.05 => write!(path, " L{x:.1} {y:.1}"),
            Some((from_x, from_y)) => {
                let middle = (from_y + y) / 2.0;
                write!(
                    path,
                    " C{from_x:.1} {middle:.1} {x:.1} {middle:.1} {x:.1} {y:.1}"
                )
            }
        };
        step.expect(TEXT_GROWS);
    }
    path
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push('\n'),
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
