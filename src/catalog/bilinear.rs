//! Bilinear: a weighted sum of the products of two values' features.

use super::arguments::{ArgumentValue, Arguments};
use super::axes::flat_only;
use super::layers::{Fans, LayerContext};
use crate::diagnostics::{Code, Diagnostic, Span};
use crate::graph::ValueId;
use crate::graph::ops::{Axis, MatMulForm, Op};
use crate::graph::shape::{Dim, Shape};
use crate::graph::state::Initializer;

/// The features of the first value are written out one by one, so there is a limit to them.
const MOST_FEATURES: usize = 1024;

/// torch.nn.Bilinear: y_o = x1ᵀ A_o x2 + b_o, the weight `[out, in1, in2]`.
pub fn bilinear(
    context: &mut LayerContext,
    arguments: &Arguments,
    items: &[(ValueId, Span)],
) -> Result<ValueId, Box<Diagnostic>> {
    for (value, span) in items {
        flat_only(context, "Bilinear", *value, *span)?;
    }
    let [(first, first_span), (second, _)] = items[..] else {
        return Err(Box::new(
            Diagnostic::new(
                Code::WrongType,
                context.input_span,
                "`Bilinear` takes a list of two values",
            )
            .label(format!("a list of {} flows in", items.len())),
        ));
    };
    let Some(ArgumentValue::Size(output)) = arguments.get("out_features") else {
        panic!("internal: Bilinear without a width");
    };
    let widths = [first, second].map(|value| context.graph.shape(value).width());
    if let Some(features) = widths[0].known().filter(|width| *width > MOST_FEATURES) {
        return Err(Box::new(
            Diagnostic::new(
                Code::TooLarge,
                first_span,
                format!("the first value of a `Bilinear` has at most {MOST_FEATURES} features"),
            )
            .label(format!("this has {features}"))
            .help("put the narrower value first, or a `Linear` in front of this one"),
        ));
    }
    let [in1, in2] = widths.clone();
    let columns = in1.times(&in2);
    let initializer = Initializer::InverseRoot {
        features: in1.known(),
    };
    let fans = Fans {
        fan_in: columns.clone(),
        fan_out: output.times(&in2),
    };
    let shape = Shape::fixed([output.clone(), in1, in2]);
    let weight = context.parameter("weight", shape, initializer, fans);
    // It is reported with the weight, which is then too big.
    if columns == Dim::TooLarge {
        return Ok(first);
    }
    let outer = outer(context, [first, second], &columns);
    let product = Op::MatMul(MatMulForm::RightTransposed);
    let Ok(product) = context.graph.try_push(product, &[outer, weight]) else {
        return Err(Box::new(shared_mismatch(context, widths)));
    };
    if !arguments.boolean("bias") {
        return Ok(product);
    }
    let fans = Fans {
        fan_in: columns,
        fan_out: output.clone(),
    };
    let shape = Shape::fixed([output.clone()]);
    let bias = context.parameter("bias", shape, initializer, fans);
    let shape = context.graph.shape(product).clone();
    let bias = context.graph.broadcast(bias, &shape);
    Ok(context.graph.add(product, bias))
}

/// The products of all features of two values, those of the first value's first feature first.
fn outer(context: &mut LayerContext, [first, second]: [ValueId; 2], columns: &Dim) -> ValueId {
    let graph = &mut *context.graph;
    let wide = graph.shape(second).clone();
    let widths = [first, second].map(|value| graph.shape(value).width().known());
    let outer = match widths {
        [Some(features), Some(_)] => {
            let parts: Vec<ValueId> = (0..features)
                .map(|feature| {
                    let one = Op::Slice {
                        start: Dim::Known(feature),
                        length: Dim::Known(1),
                    };
                    let one = graph.push(one, &[first]);
                    let repeated = graph.broadcast(one, &wide);
                    graph.multiply(repeated, second)
                })
                .collect();
            match parts[..] {
                [only] => only,
                _ => graph.push(Op::Concat, &parts),
            }
        }
        // The products are written out when the data has told the widths.
        [None, _] | [_, None] => {
            let [a, b] = [first, second].map(|value| graph.sum(value, Axis::Last));
            let product = graph.multiply(a, b);
            graph.broadcast(product, &Shape::batched([columns.clone()]))
        }
    };
    context.name(outer, "products");
    outer
}

/// A shared layer is applied to values of other widths than its first ones.
fn shared_mismatch(context: &LayerContext, widths: [Dim; 2]) -> Diagnostic {
    let weight = context.graph.state_of(&format!("{}.weight", context.path));
    let weight = weight.map(|weight| context.graph.state(weight).shape.row_text());
    let [first, second] = widths;
    Diagnostic::new(
        Code::ShapeMismatch,
        context.input_span,
        format!(
            "the weight of `{}` is {} since its first use, but widths of {first} and {second} flow in here",
            context.path,
            weight.unwrap_or_default()
        ),
    )
    .label(format!("widths of {first} and {second}"))
    .also(context.span, "the shared layer is declared here")
}
