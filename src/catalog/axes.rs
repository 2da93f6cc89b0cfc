//! Values whose rows have several axes: what makes them, what takes them, and layers along the last axis.

use super::BuildLayer;
use super::arguments::{ArgumentValue, Arguments};
use super::layers::LayerContext;
use crate::diagnostics::{Code, Diagnostic, Span};
use crate::graph::ValueId;
use crate::graph::ops::Op;
use crate::graph::shape::{Dim, Shape};

/// A layer along the last axis is written out for each place on the other axes, so there is a limit.
const MOST_PLACES: usize = 1024;

/// torch.nn.Flatten: the features of each row on one axis.
pub fn flatten(
    context: &mut LayerContext,
    _: &Arguments,
    x: ValueId,
) -> Result<ValueId, Box<Diagnostic>> {
    Ok(flat(context, x))
}

fn flat(context: &mut LayerContext, x: ValueId) -> ValueId {
    let shape = context.graph.shape(x);
    let dims = shape.flat().dims;
    match shape.dims.len() {
        1 => x,
        _ => context.graph.push(Op::Reshape { dims }, &[x]),
    }
}

/// torch.nn.Unflatten(1, unflattened_size): the features of each row on several axes.
pub fn unflatten(
    context: &mut LayerContext,
    arguments: &Arguments,
    x: ValueId,
) -> Result<ValueId, Box<Diagnostic>> {
    let Some(ArgumentValue::Shape(dims)) = arguments.get("unflattened_size") else {
        panic!("internal: Unflatten without sizes");
    };
    let span = arguments.span_of("unflattened_size");
    flat_only(context, "Unflatten", x, context.input_span)?;
    let width = context.graph.shape(x).width();
    let wanted = Shape::fixed(dims.clone());
    let product = wanted.flat().width();
    if dims.is_empty() || !product.fits(&width) {
        let whole = width.known().zip(dims.split_last());
        // The last size that makes the others right.
        let last = whole.and_then(|(width, (_, others))| {
            let others = Shape::fixed(others.iter().cloned())
                .elements()
                .filter(|others| *others > 0)?;
            (width % others == 0).then_some(width / others)
        });
        let sizes = |last: Dim| {
            let mut dims = dims.clone();
            dims.pop();
            dims.push(last);
            Shape::fixed(dims).row_text()
        };
        let fault = Diagnostic::new(
            Code::ShapeMismatch,
            span,
            format!(
                "{width} features cannot be reshaped to {}, which has {product}",
                wanted.row_text()
            ),
        )
        .label(format!("{product} features"))
        .also(
            context.input_span,
            format!(
                "{width} come from here: shape {}",
                context.graph.shape(x).row_text()
            ),
        );
        return Err(Box::new(match last {
            Some(last) => fault
                .help(format!("write `Unflatten({})`", sizes(last.into())))
                .suggest(span, sizes(last.into())),
            None => fault.help("the product of the sizes is the width that flows in"),
        }));
    }
    let dims = dims.clone();
    Ok(context.graph.push(Op::Reshape { dims: dims.into() }, &[x]))
}

/// Refuses a value whose rows have several axes, in front of what takes one.
///
/// # Errors
/// It has several.
pub fn flat_only(
    context: &LayerContext,
    name: &str,
    x: ValueId,
    span: Span,
) -> Result<(), Box<Diagnostic>> {
    let shape = context.graph.shape(x);
    if shape.dims.len() == 1 {
        return Ok(());
    }
    Err(Box::new(
        Diagnostic::new(
            Code::ShapeMismatch,
            span,
            format!(
                "`{name}` takes rows of one axis, not of shape {}",
                shape.row_text()
            ),
        )
        .label(format!("shape {}", shape.row_text()))
        .help("put `Flatten` in front of it"),
    ))
}

/// Applies a layer along the last axis, with the same parameters at every place on the others.
pub fn along(
    context: &mut LayerContext,
    build: BuildLayer,
    arguments: &Arguments,
    x: ValueId,
) -> Result<ValueId, Box<Diagnostic>> {
    let shape = context.graph.shape(x).clone();
    let (length, others) = match shape.dims.split_last() {
        Some((length, others)) if !others.is_empty() => (length, others),
        Some(_) | None => return build(context, arguments, x),
    };
    // Where only the data tells how many places there are, one stands for all.
    let places = Shape::fixed(others.iter().cloned()).elements().unwrap_or(1);
    if places > MOST_PLACES {
        return Err(Box::new(
            Diagnostic::new(
                Code::TooLarge,
                context.input_span,
                format!("a layer is applied at no more than {MOST_PLACES} places of a row"),
            )
            .label(format!("shape {}: {places} places", shape.row_text())),
        ));
    }
    let whole = flat(context, x);
    let mut parts = Vec::with_capacity(places);
    for place in 0..places {
        let start = Dim::Known(place).times(length);
        let slice = Op::Slice {
            start,
            length: length.clone(),
        };
        let part = context.graph.push(slice, &[whole]);
        parts.push(build(context, arguments, part)?);
    }
    let mut dims = others.to_vec();
    dims.push(context.graph.shape(parts[0]).width());
    let joined = match parts[..] {
        [only] => only,
        _ => context.graph.push(Op::Concat, &parts),
    };
    Ok(context
        .graph
        .push(Op::Reshape { dims: dims.into() }, &[joined]))
}
