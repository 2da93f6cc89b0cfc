//! Layers that make one value of a list: `[a, b] -> Concat`. Under torch's names for what functions
//! do there, and Keras's for what is a layer only there.

use super::arguments::{ArgumentKind, Arguments, Default, named, positional};
use super::axes::flat_only;
use super::bilinear::bilinear;
use super::layers::LayerContext;
use super::{Entry, Meaning};
use crate::diagnostics::{Code, Diagnostic, Span};
use crate::graph::ops::{Axis, BinaryOperator, Op};
use crate::graph::shape::Shape;
use crate::graph::{Graph, ValueId};

/// A value that learns is written where values are, but is found among the layers.
const PARAMETER: Entry = Entry {
    name: "Parameter",
    summary: "A value that learns, the same for all rows.",
    formula: "init at first",
    source: "torch.nn.Parameter",
    example: "gain = Parameter([1], init = Ones)",
    parameters: &[
        positional(
            "shape",
            ArgumentKind::Shape,
            Default::Required,
            "its width, as a list of one number",
        ),
        named(
            "init",
            ArgumentKind::Initializer,
            Default::Absent("Zeros"),
            "its first values",
        ),
    ],
    also_known_as: &["Variable"],
    meaning: Meaning::Parameter,
};

pub const ENTRIES: &[Entry] = &[
    PARAMETER,
    Entry {
        name: "Concat",
        summary: "The values of a list side by side.",
        formula: "[a, b] of widths m and n gives width m + n",
        source: "torch.cat(dim = -1)",
        example: "[x, (x -> Linear(8))] -> Concat",
        parameters: &[],
        also_known_as: &["Concatenate", "cat", "hstack"],
        meaning: Meaning::Combination(concat),
    },
    Entry {
        name: "Add",
        summary: "The sum of equal shapes, element by element.",
        formula: "a + b + …",
        source: "torch.add; keras.layers.Add",
        example: "[(x -> Linear(8)), (x -> Linear(8))] -> Add",
        parameters: &[],
        also_known_as: &["Sum"],
        meaning: Meaning::Combination(|context, _, items| fold(context, items, Graph::add)),
    },
    Entry {
        name: "Multiply",
        summary: "The product of equal shapes, element by element.",
        formula: "a · b · …",
        source: "torch.mul; keras.layers.Multiply",
        example: "[(x -> Linear(8)), (x -> Linear(8) -> Sigmoid)] -> Multiply",
        parameters: &[],
        also_known_as: &["Mul", "Hadamard"],
        meaning: Meaning::Combination(|context, _, items| fold(context, items, Graph::multiply)),
    },
    Entry {
        name: "Mean",
        summary: "The mean of equal shapes, element by element.",
        formula: "(a + b + …) / n",
        source: "torch.mean over a stack; keras.layers.Average",
        example: "[(x -> Linear(8)), (x -> Linear(8))] -> Mean",
        parameters: &[],
        also_known_as: &["Average"],
        meaning: Meaning::Combination(|context, _, items| {
            let sum = fold(context, items, Graph::add)?;
            Ok(context.graph.scale(sum, 1.0 / items.len() as f64))
        }),
    },
    Entry {
        name: "Maximum",
        summary: "The larger of equal shapes, element by element.",
        formula: "max(a, b, …); where two are equal each gets half of the gradient",
        source: "torch.maximum",
        example: "[(x -> Linear(8)), (x -> Linear(8))] -> Maximum",
        parameters: &[],
        also_known_as: &["Max", "Maxout"],
        meaning: Meaning::Combination(|context, _, items| {
            fold(context, items, |graph, a, b| {
                graph.binary(BinaryOperator::Maximum, a, b)
            })
        }),
    },
    Entry {
        name: "Dot",
        summary: "The scalar product of two equal shapes, row by row.",
        formula: "Σ aᵢ · bᵢ, of width 1",
        source: "torch.linalg.vecdot; keras.layers.Dot",
        example: "[(x -> Linear(8)), (x -> Linear(8))] -> Dot",
        parameters: &[],
        also_known_as: &["DotProduct", "InnerProduct of two"],
        meaning: Meaning::Combination(dot),
    },
    Entry {
        name: "Bilinear",
        summary: "Every output is a weighted sum of all products of a feature of one value with one of another.",
        formula: "aᵀ · weightₒ · b + biasₒ of [a, b]; weight [out, in1, in2], bias [out], both uniform(±1/√in1) at first",
        source: "torch.nn.Bilinear",
        example: "[x, (x -> Linear(8))] -> both: Bilinear(4)",
        parameters: &[
            positional(
                "out_features",
                ArgumentKind::Size,
                Default::Required,
                "width of the result",
            ),
            named(
                "bias",
                ArgumentKind::Boolean,
                Default::Boolean(true),
                "whether a bias is added",
            ),
        ],
        also_known_as: &["BilinearDense"],
        meaning: Meaning::Combination(bilinear),
    },
];

fn concat(
    context: &mut LayerContext,
    _: &Arguments,
    items: &[(ValueId, Span)],
) -> Result<ValueId, Box<Diagnostic>> {
    for (value, span) in items {
        flat_only(context, "Concat", *value, *span)?;
    }
    let values: Vec<ValueId> = items.iter().map(|(value, _)| *value).collect();
    context
        .graph
        .try_push(Op::Concat, &values)
        .map_err(|fault| {
            let told = Diagnostic::new(Code::ShapeMismatch, context.input_span, fault.0);
            Box::new(told.label("combined here"))
        })
}

/// Combines the values from the left, if their shapes are equal.
fn fold(
    context: &mut LayerContext,
    items: &[(ValueId, Span)],
    combine: impl Fn(&mut Graph, ValueId, ValueId) -> ValueId,
) -> Result<ValueId, Box<Diagnostic>> {
    let (first, first_span) = items[0];
    let mut result = first;
    for (value, span) in &items[1..] {
        let [a, b] = [result, *value].map(|value| context.graph.shape(value));
        if !a.fits(b) {
            return Err(Box::new(unequal(
                context,
                [a, b].map(Shape::row_text),
                [first_span, *span],
            )));
        }
        result = combine(context.graph, result, *value);
    }
    Ok(result)
}

fn unequal(context: &LayerContext, shapes: [String; 2], spans: [Span; 2]) -> Diagnostic {
    let [a, b] = &shapes;
    Diagnostic::new(
        Code::ShapeMismatch,
        context.input_span,
        format!("a list of equal shapes is combined here, not {a} and {b}"),
    )
    .label("combined here")
    .also(spans[0], format!("this is {a}"))
    .also(spans[1], format!("this is {b}"))
    .help("`Concat` puts values of any widths side by side")
}

fn dot(
    context: &mut LayerContext,
    _: &Arguments,
    items: &[(ValueId, Span)],
) -> Result<ValueId, Box<Diagnostic>> {
    if items.len() != 2 {
        return Err(Box::new(
            Diagnostic::new(
                Code::WrongType,
                context.input_span,
                "`Dot` takes a list of two values",
            )
            .label(format!("a list of {} flows in", items.len())),
        ));
    }
    for (value, span) in items {
        flat_only(context, "Dot", *value, *span)?;
    }
    let product = fold(context, items, Graph::multiply)?;
    Ok(context.graph.sum(product, Axis::Last))
}
