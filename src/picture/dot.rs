//! A picture in the language of Graphviz.

use std::fmt::Write as _;

use super::bodies::{BodyPart, parts};
use super::{Picture, Shown, ShownRole};

const TEXT_GROWS: &str = "a string takes any text";

/// The picture as a DOT file.
pub fn dot(picture: &Picture) -> String {
    let mut dot = format!("digraph {} {{\n", quoted(&picture.name));
    dot.push_str("    node [shape=box, style=rounded, fontname=\"Helvetica\"]\n");
    dot.push_str("    graph [fontname=\"Helvetica\", fontsize=11]\n");
    write_parts(&mut dot, picture, &parts(picture), &mut 0, 1);
    for flow in &picture.flows {
        writeln!(dot, "    n{} -> n{}", flow.from, flow.to).expect(TEXT_GROWS);
    }
    dot.push_str("}\n");
    dot
}

/// Boxes, and bodies as clusters, which are numbered in the order of the text.
fn write_parts(
    dot: &mut String,
    picture: &Picture,
    parts: &[BodyPart],
    clusters: &mut usize,
    depth: usize,
) {
    let indent = "    ".repeat(depth);
    for part in parts {
        match part {
            BodyPart::Shown(place) => {
                writeln!(
                    dot,
                    "{indent}n{place} {}",
                    attributes(&picture.shown[*place])
                )
                .expect(TEXT_GROWS);
            }
            BodyPart::Body(body) => {
                writeln!(dot, "{indent}subgraph cluster_{clusters} {{").expect(TEXT_GROWS);
                writeln!(
                    dot,
                    "{indent}    label={}; tooltip={}; labeljust=l; style=\"rounded,dashed\"; color=\"#8793a0\"",
                    quoted(&body.label()),
                    quoted(&body.path)
                )
                .expect(TEXT_GROWS);
                *clusters += 1;
                write_parts(dot, picture, &body.parts, clusters, depth + 1);
                writeln!(dot, "{indent}}}").expect(TEXT_GROWS);
            }
        }
    }
}

fn attributes(shown: &Shown) -> String {
    let mut label = shown.lines.join("\n");
    if !shown.note.is_empty() {
        label = format!("{label}\n{}", shown.note);
    }
    let color = match shown.role {
        ShownRole::Stage => "",
        ShownRole::Input => ", color=\"#4a86c5\"",
        ShownRole::Target => ", color=\"#4b9a5b\"",
        ShownRole::Loss => ", color=\"#cc6a4b\"",
    };
    // Without one Graphviz takes the label.
    let tooltip = match shown.whole() {
        whole if whole == label => String::new(),
        whole => format!(", tooltip={}", quoted(&whole)),
    };
    format!("[label={}{color}{tooltip}]", quoted(&label))
}

fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", text.replace('\n', "\\n"))
}
