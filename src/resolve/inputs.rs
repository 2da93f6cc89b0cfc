//! The values that come from the table: each declared input by its name, and all of them side by
//! side.

use std::collections::HashMap;

use crate::catalog::layers::{self, LayerContext};
use crate::data::spec::{Embed, Field, FieldKind, Others, Schema};
use crate::diagnostics::Span;
use crate::graph::ops::{InputKind, Op};
use crate::graph::shape::Dim;
use crate::graph::{Graph, OriginId, SEVERAL_INPUTS, ValueId};

/// The inputs of a network, built when they are first named.
pub struct Inputs {
    fields: Vec<InputField>,
    /// The place of each field among them, by its name; of two of one name, of the first.
    places: HashMap<String, usize>,
    /// Features of the prepared matrix.
    matrix_width: Dim,
    matrix: Option<ValueId>,
    whole: Option<ValueId>,
    /// The place of all inputs together.
    origin: OriginId,
}

struct InputField {
    field: Field,
    start: Dim,
    value: Option<ValueId>,
}

impl Inputs {
    pub fn new(schema: &Schema, origin: OriginId) -> Self {
        let mut start = Dim::Known(0);
        let mut fields = Vec::new();
        let mut places = HashMap::new();
        for field in &schema.inputs {
            places.entry(field.name.clone()).or_insert(fields.len());
            let width = stored_width(field);
            let next = start.plus(&width);
            fields.push(InputField {
                field: field.clone(),
                start: std::mem::replace(&mut start, next),
                value: None,
            });
        }
        Inputs {
            fields,
            places,
            matrix_width: start,
            matrix: None,
            whole: None,
            origin,
        }
    }

    pub fn has(&self, name: &str) -> bool {
        self.places.contains_key(name)
    }

    pub fn span(&self, name: &str) -> Option<Span> {
        let place = self.places.get(name)?;
        Some(self.fields[*place].field.span)
    }

    /// The inputs that no line took.
    pub fn unused(&self) -> impl Iterator<Item = &Field> {
        let whole = self.whole.is_some();
        let unused = self
            .fields
            .iter()
            .filter(move |input| !whole && input.value.is_none());
        unused.map(|input| &input.field)
    }

    /// The names of the inputs with their places.
    pub fn places(&self) -> impl Iterator<Item = (&str, Span)> {
        let fields = self.fields.iter().map(|input| &input.field);
        fields.map(|field| (field.name.as_str(), field.span))
    }

    /// Where the first input is declared.
    pub fn place(&self) -> Option<Span> {
        self.fields.first().map(|input| input.field.span)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|input| input.field.name.as_str())
    }

    /// The width of all inputs side by side, as the network sees them.
    pub fn width(&self) -> Dim {
        let widths = self.fields.iter().map(|input| seen_width(&input.field));
        let mut total = Dim::Known(0);
        for width in widths {
            if total == Dim::Known(0) {
                total = width;
            } else {
                total = total.plus(&width);
            }
        }
        total
    }

    fn matrix(&mut self, graph: &mut Graph) -> ValueId {
        let width = self.matrix_width.clone();
        *self.matrix.get_or_insert_with(|| {
            let kind = InputKind::Features;
            graph.push(Op::Input { kind, width }, &[])
        })
    }

    fn slice(&mut self, start: Dim, length: Dim, graph: &mut Graph) -> ValueId {
        let matrix = self.matrix(graph);
        graph.push(Op::Slice { start, length }, &[matrix])
    }

    /// The value of one input.
    pub fn value(&mut self, name: &str, graph: &mut Graph) -> Option<ValueId> {
        let index = *self.places.get(name)?;
        if let Some(value) = self.fields[index].value {
            return Some(value);
        }
        let (field, start) = {
            let input = &self.fields[index];
            (input.field.clone(), input.start.clone())
        };
        let origin = graph.add_origin(&field.name, field.span);
        graph.current_origin = origin;
        let value = match &field.kind {
            FieldKind::Numbers { .. } => {
                let value = self.slice(start, stored_width(&field), graph);
                graph.nodes[value.index()].name = Some(field.name.as_str().into());
                value
            }
            FieldKind::Category {
                classes,
                embed,
                others,
            } => {
                let column = self.slice(start, Dim::Known(1), graph);
                graph.nodes[column.index()].name = Some(field.name.as_str().into());
                let width = embed.map(|embed| embedding_width(&field.name, embed, *classes));
                let classes = classes_dim(&field.name, *classes);
                match width {
                    None => one_hot(graph, classes, *others, column),
                    Some(width) => {
                        let mut context = LayerContext {
                            graph,
                            path: field.name.clone(),
                            prefix: String::new(),
                            span: field.span,
                            input_span: field.span,
                            use_number: 0,
                            advice: &mut Vec::new(),
                        };
                        layers::embedding(&mut context, classes, width, column)
                    }
                }
            }
        };
        self.fields[index].value = Some(value);
        Some(value)
    }

    /// All inputs side by side; `None` if there are none. Numbers that adjoin are one piece.
    pub fn whole(&mut self, graph: &mut Graph) -> Option<ValueId> {
        if self.whole.is_some() {
            return self.whole;
        }
        let names: Vec<String> = self.names().map(str::to_string).collect();
        let mut parts: Vec<ValueId> = Vec::new();
        let mut index = 0;
        while index < names.len() {
            let run = self.fields[index..]
                .iter()
                .take_while(|input| matches!(input.field.kind, FieldKind::Numbers { .. }))
                .count();
            if run > 1 {
                let start = self.fields[index].start.clone();
                let first = stored_width(&self.fields[index].field);
                let rest = self.fields[index + 1..index + run].iter();
                let length = rest.fold(first, |sum, input| sum.plus(&stored_width(&input.field)));
                // A place of its own, with its names one a line: to a picture it is no part of what joins all.
                let span = graph.origin(self.origin).span;
                graph.current_origin = graph.add_origin(SEVERAL_INPUTS, span);
                let names = names[index..index + run].join("\n");
                graph.show(graph.current_origin, &names);
                parts.push(self.slice(start, length, graph));
                index += run;
            } else {
                parts.push(self.value(&names[index], graph)?);
                index += 1;
            }
        }
        self.whole = match parts[..] {
            [] => None,
            [one] => Some(one),
            [..] => {
                graph.current_origin = self.origin;
                Some(graph.push(Op::Concat, &parts))
            }
        };
        self.whole
    }
}

fn classes_dim(name: &str, classes: Option<usize>) -> Dim {
    match classes {
        Some(count) => Dim::Known(count),
        None => Dim::deferred(format!("classes of {name}")),
    }
}

/// Features that the field takes in the prepared matrix.
fn stored_width(field: &Field) -> Dim {
    match field.kind.width() {
        Some(width) => Dim::Known(width),
        None => Dim::deferred(format!("columns of {}", field.name)),
    }
}

/// Features that the network sees.
fn seen_width(field: &Field) -> Dim {
    match &field.kind {
        FieldKind::Numbers { .. } => stored_width(field),
        FieldKind::Category {
            classes,
            embed: Some(embed),
            ..
        } => embedding_width(&field.name, *embed, *classes),
        FieldKind::Category {
            classes, others, ..
        } => match (others, classes) {
            (Others::Zeros | Others::Untrained, Some(classes)) => Dim::Known(classes - 1),
            (Others::Zeros | Others::Untrained, None) | (Others::Learned, _) => {
                classes_dim(&field.name, *classes)
            }
        },
    }
}

/// The width of a category's embedding.
fn embedding_width(name: &str, embed: Embed, classes: Option<usize>) -> Dim {
    match embed.width(classes) {
        Some(width) => Dim::Known(width),
        None => Dim::deferred(format!("embedding of {name}")),
    }
}

/// A 1 at the index; all zeros where the index stands for no value. That one's column is cut off: it is
/// the first for [`Others::Zeros`], which no `Embedding` may look up, else the last.
fn one_hot(graph: &mut Graph, classes: Dim, others: Others, index: ValueId) -> ValueId {
    let known = classes.known();
    let whole = graph.push(Op::OneHot { classes }, &[index]);
    let start = match others {
        Others::Learned => return whole,
        Others::Zeros => 1,
        Others::Untrained => 0,
    };
    let Some(classes) = known else {
        return whole;
    };
    let (start, length) = (Dim::Known(start), Dim::Known(classes - 1));
    graph.push(Op::Slice { start, length }, &[whole])
}
