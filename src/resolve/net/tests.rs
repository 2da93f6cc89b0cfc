//! Networks as the text has them: what is refused, and what is not.

use crate::compile::{ModelSource, declare};
use crate::data::schema_from_spec;
use crate::diagnostics::{Sources, render_all};
use crate::graph::ops::Op;
use crate::graph::scalar::ScalarFunction;
use crate::graph::{Graph, Node};
use crate::resolve::Resolved;

/// The network of a model, or all its faults as they are shown.
fn resolved(text: &str) -> Result<Resolved, String> {
    let mut sources = Sources::new();
    let file = sources.add("model.nn", text);
    let declaration = declare(&ModelSource::new(&sources, file));
    let declaration = declaration.map_err(|faults| render_all(&faults, &sources))?;
    let schema = schema_from_spec(&declaration.data);
    let mut faults = Vec::new();
    let resolved = declaration.resolve(&schema, &mut faults);
    match resolved.filter(|_| faults.is_empty()) {
        Some(resolved) => Ok(resolved),
        None => Err(render_all(&faults, &sources)),
    }
}

/// A model of these blocks and this network, whose last layer is `Linear(1)`.
fn model(blocks: &str, net: &str) -> String {
    format!(
        "data {{ input x: number; target y: number }}\n{blocks}\nnet {{\n{net}\nLinear(1)\n}}\n\
         train {{ loss = MSE; epochs = 1 }}\n"
    )
}

/// How often a function is applied in a graph.
fn count(graph: &Graph, function: ScalarFunction) -> usize {
    let applied = |node: &&Node| matches!(node.op, Op::Map(found) if found == function);
    graph.nodes.iter().filter(applied).count()
}

#[test]
fn a_block_that_is_given_to_itself_is_no_recursion() {
    let twice = "block Twice(f) { f -> f }";
    for (blocks, net, tanhs) in [
        (twice, "Twice(Twice(Tanh))", 4),
        ("block B(f) { Twice(Twice(f)) }", "B(B(Tanh))", 16),
        // Without arguments of its own, and by way of another block's parameter.
        ("block B(f = Tanh) { Twice(f) }", "B(B)", 4),
        (
            "block B(f = Tanh) { C(f) }\nblock C(g) { g -> Twice(g) }",
            "B(B)",
            9,
        ),
        // By a param of the file, which stands for what it names.
        (
            "param inner = B\nblock B(f = Tanh) { Twice(f) }",
            "B(inner)",
            4,
        ),
    ] {
        let blocks = match blocks {
            same if same == twice => blocks.to_owned(),
            others => format!("{twice}\n{others}"),
        };
        let graph = resolved(&model(&blocks, net)).expect("a network").graph;
        assert_eq!(count(&graph, ScalarFunction::Tanh), tanhs, "{net}");
    }
}
