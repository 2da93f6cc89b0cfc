//! How the walk grows with the network: counted in values that it looks at, not in seconds.

use std::fmt::Write;

use super::fuse;
use crate::diagnostics::Sources;
use crate::graph::Phase;
use crate::plan::Target;
use crate::{ModelSource, compile};

/// For a network of so many lines, how many values the graph of its training has, and how many the walk
/// looks at.
fn looks(net: fn(usize) -> String, lines: usize) -> (usize, usize) {
    let text = format!(
        "data {{ input x: number; target y: number }}\nnet {{\n{}\n}}\n\
         train {{ loss = MSE; epochs = 1; batch = 4 }}\n",
        net(lines)
    );
    let mut sources = Sources::new();
    let file = sources.add("m.nn", &text);
    let compiled = compile(&ModelSource::new(&sources, file), None, Target::Reference);
    let train = compiled.expect("a sound model").train;
    let graph = train.expect("it has parameters").graph;
    (graph.nodes.len(), fuse(&graph, Phase::Train).looks)
}

/// Twice the lines take no more than twice the looks, and a few more.
fn grows_as_the_lines(net: fn(usize) -> String) {
    let [(nodes, once), (_, twice)] = [300, 600].map(|lines| looks(net, lines));
    assert!(twice <= 2 * once + 100, "{once}, {twice}");
    assert!(once <= 20 * nodes, "{once} for {nodes} values");
}

fn lines(first: &str, count: usize, line: impl Fn(usize) -> String, last: &str) -> String {
    let mut text = format!("{first}\n");
    for index in 1..=count {
        writeln!(text, "{}", line(index)).expect("a text grows");
    }
    text + last
}

#[test]
fn parameters_that_are_used_twice() {
    grows_as_the_lines(|count| {
        let line = |at: usize| format!("p{at} = p{} * p{}", at - 1, at - 1);
        let last = format!("h = x -> Linear(4)\nh * p{count} -> Linear(1)");
        lines("p0 = Parameter([4], init = Ones)", count, line, &last)
    });
}

#[test]
fn a_column_that_is_used_twice_in_every_line() {
    grows_as_the_lines(|count| {
        let line = |at: usize| format!("y{} = y{at} * 0.5 + y{}", at + 1, at - 1);
        let last = format!("y{} -> Linear(1)", count + 1);
        lines("y0 = x\ny1 = y0 -> Tanh", count, line, &last)
    });
    grows_as_the_lines(|count| format!("repeat {count} {{ residual {{ Tanh }} }}\nLinear(1)"));
}

#[test]
fn a_long_chain() {
    grows_as_the_lines(|count| {
        let line = |at: usize| format!("y{at} = y{} * 0.999 + 0.001", at - 1);
        let last = format!("y{count} -> Linear(1)");
        lines("y0 = x -> Linear(1)", count, line, &last)
    });
    grows_as_the_lines(|count| {
        let line = |at: usize| format!("y{at} = y{} * 0.999 + 0.001", at - 1);
        lines("y0 = x", count, line, &format!("y{count} -> Linear(1)"))
    });
}

#[test]
fn parameters_that_are_read_one_after_the_other() {
    grows_as_the_lines(|count| {
        let line = |at: usize| {
            let before = at - 1;
            format!("p{at} = p{before} * 0.5\nh{at} = h{before} * p{at}")
        };
        let first = "p0 = Parameter([4], init = Ones)\nh0 = x -> Linear(4)";
        lines(first, count, line, &format!("h{count} -> Linear(1)"))
    });
}

#[test]
fn the_sum_of_many() {
    grows_as_the_lines(|count| {
        let line = |at: usize| format!("h{at} = x * {at}.5");
        let values: Vec<String> = (1..=count).map(|at| format!("h{at}")).collect();
        lines(
            "",
            count,
            line,
            &format!("[{}] -> Add -> Linear(1)", values.join(", ")),
        )
    });
}
