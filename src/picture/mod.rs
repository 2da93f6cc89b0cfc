//! The network as a picture: its stages as the model's text has them, with the shapes that flow.

mod bodies;
mod dot;
mod edges;
mod layout;
mod places;
mod repeats;
mod rows;
mod svg;
mod text;

use crate::diagnostics::Span;
use crate::graph::elements::Elements;
use crate::graph::shape::Shape;
use crate::graph::{Graph, SEVERAL_INPUTS};

use places::{Place, Places};

pub use dot::dot;
pub use svg::svg;

/// What a stage is to the eye.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ShownRole {
    Input,
    Stage,
    Target,
    Loss,
}

/// One stage, input, target or loss.
#[derive(Clone, PartialEq, Debug)]
pub struct Shown {
    pub role: ShownRole,
    /// As the model's text has it.
    pub text: String,
    /// The same as it is written in the box, cut where it is long.
    pub lines: Vec<String>,
    /// Its shape for a row, and how many numbers it keeps.
    pub note: String,
    /// The bodies it stands in, the outermost first: parts of its path.
    pub bodies: Vec<String>,
    /// The last part of its path, and where it is written: each use of a shared stage has the same.
    pub own: (String, Span),
}

impl Shown {
    /// Its text uncut, and its note.
    fn whole(&self) -> String {
        if self.note.is_empty() {
            self.text.clone()
        } else {
            format!("{}\n{}", self.text, self.note)
        }
    }
}

/// What flows from one to another, by their places in the picture.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Flow {
    pub from: usize,
    pub to: usize,
}

/// A network's stages in an order in which all flows go forward.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Picture {
    pub name: String,
    pub shown: Vec<Shown>,
    pub flows: Vec<Flow>,
}

impl Picture {
    /// The picture of a network before it is divided into phases. `text` gives what stands at a place of
    /// the model.
    pub fn new(name: &str, graph: &Graph, text: &dyn Fn(Span) -> String) -> Picture {
        let Places { places, flows } = places::of(graph);
        let shown: Vec<Shown> = places
            .iter()
            .map(|place| shown(graph, place, text))
            .collect();
        // A number in a line of arithmetic is no stage.
        let is_number = |place: usize| places[place].constant && !places[place].entered;
        let stages: Vec<usize> = (0..shown.len())
            .filter(|place| !is_number(*place))
            .collect();
        let moved = |place: usize| stages.binary_search(&place).ok();
        repeats::folded(Picture {
            name: name.to_owned(),
            flows: flows
                .iter()
                .filter_map(|flow| {
                    let (from, to) = (moved(flow.from)?, moved(flow.to)?);
                    Some(Flow { from, to })
                })
                .collect(),
            shown: stages.iter().map(|place| shown[*place].clone()).collect(),
        })
    }
}

/// What a place of the picture shows.
fn shown(graph: &Graph, place: &Place, text: &dyn Fn(Span) -> String) -> Shown {
    let origin = graph.origin(place.origin);
    let node = graph.node(place.last);
    let scalar = graph.loss.is_some() && node.shape.is_scalar() && place.entered;
    let is_loss = graph.loss.map(|loss| graph.node(loss).origin) == Some(place.origin);
    let role = if is_loss || scalar {
        ShownRole::Loss
    } else if place.of_targets == Some(true) {
        ShownRole::Target
    } else if place.entered {
        ShownRole::Stage
    } else {
        ShownRole::Input
    };
    // The name of an input, and what a loss is called, are no paths.
    let of_table = role == ShownRole::Input && place.of_table;
    let mut bodies: Vec<String> = match role {
        ShownRole::Target | ShownRole::Loss => Vec::new(),
        ShownRole::Input if of_table => Vec::new(),
        ShownRole::Input | ShownRole::Stage => path_of(&origin.label),
    };
    let own = bodies.pop().unwrap_or_default();
    let text = match &origin.shown {
        Some(names) if of_table => names.lines().collect::<Vec<_>>().join(", "),
        None if of_table => origin.label.to_string(),
        Some(shown) => text::in_one_line(&named(shown, node.name.as_deref(), role)),
        // Its place is the whole section.
        None if &*origin.label == SEVERAL_INPUTS => SEVERAL_INPUTS.to_owned(),
        // A penalty: its place is a parameter's.
        None if role == ShownRole::Loss => origin.label.to_string(),
        None => text::in_one_line(&named(&text(origin.span), node.name.as_deref(), role)),
    };
    Shown {
        role,
        lines: match &origin.shown {
            Some(names) if of_table => vec![text::names(names)],
            Some(_) | None => text::lines(&text),
        },
        text,
        note: note(&node.shape, place.kept, place.shares.is_some(), role),
        bodies,
        own: (own, origin.span),
    }
}

/// What a stage is written as, with the name that the text gives to its result.
fn named(text: &str, name: Option<&str>, role: ShownRole) -> String {
    let name = name.and_then(|name| name.rsplit('.').next());
    match (name, role) {
        // The text of a line of arithmetic has its name already.
        (Some(name), ShownRole::Stage) if !text.starts_with(name) => format!("{name} = {text}"),
        (_, ShownRole::Input | ShownRole::Stage | ShownRole::Target | ShownRole::Loss) => {
            text.to_owned()
        }
    }
}

/// The shape for a row, and the parameters and buffers.
fn note(shape: &Shape, kept: Option<Elements>, shares: bool, role: ShownRole) -> String {
    let shape = match role {
        ShownRole::Loss => String::new(),
        ShownRole::Input | ShownRole::Stage | ShownRole::Target => shape.row_text(),
    };
    let nothing = Elements::default();
    match kept.filter(|_| !shape.is_empty()) {
        Some(kept) if kept == nothing && shares => format!("{shape} · shared"),
        Some(kept) if kept != nothing => format!("{shape} · {kept}"),
        Some(_) | None => shape,
    }
}

/// The parts of a stage's path, which the number of its use may follow.
fn path_of(label: &str) -> Vec<String> {
    let path = label.split('#').next().unwrap_or("");
    path.split('.').map(str::to_owned).collect()
}
