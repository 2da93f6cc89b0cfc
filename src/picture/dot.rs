//! A picture in the language of Graphviz.

use std::fmt::Write as _;

use super::{Picture, Role};

const TEXT_GROWS: &str = "a string takes any text";

/// The picture as a DOT file.
pub fn dot(picture: &Picture) -> String {
    let mut dot = format!("digraph {} {{\n", quoted(&picture.name));
    dot.push_str("    node [shape=box, style=rounded, fontname=\"Helvetica\"]\n");
    for (place, shown) in picture.shown.iter().enumerate() {
        let label = match shown.note.is_empty() {
            true => shown.text.clone(),
            false => format!("{}\n{}", shown.text, shown.note),
        };
        let color = match shown.role {
            Role::Stage => "",
            Role::Input => ", color=\"#4a86c5\"",
            Role::Target => ", color=\"#4b9a5b\"",
            Role::Loss => ", color=\"#cc6a4b\"",
        };
        writeln!(dot, "    n{place} [label={}{color}]", quoted(&label)).expect(TEXT_GROWS);
    }
    for flow in &picture.flows {
        writeln!(dot, "    n{} -> n{}", flow.from, flow.to).expect(TEXT_GROWS);
    }
    dot.push_str("}\n");
    dot
}

fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", text.replace('\n', "\\n"))
}
