//! How texts read: the tree of each in one line, every operation in parentheses.

use super::ast::{ColumnName, Expr, ExprKind, Statement, StatementKind};
use super::{parse, parse_expression};
use crate::diagnostics::{FileId, Span};

fn expression(expr: &Expr) -> String {
    let list = |parts: &[Expr]| parts.iter().map(expression).collect::<Vec<_>>();
    match &expr.kind {
        ExprKind::Number {
            value,
            integer,
            percent,
        } => match (integer, percent) {
            (Some(integer), _) => format!("{integer}"),
            (None, true) => format!("{value:?}%"),
            (None, false) => format!("{value:?}"),
        },
        ExprKind::Text(text) => format!("{text:?}"),
        ExprKind::Bool(value) => format!("{value}!"),
        ExprKind::Name(name) => name.clone(),
        ExprKind::List(elements) => format!("[{}]", list(elements).join(", ")),
        ExprKind::Call { name, arguments } => {
            let arguments: Vec<String> = arguments
                .iter()
                .map(|argument| match &argument.name {
                    Some(name) => format!("{}={}", name.text, expression(&argument.value)),
                    None => expression(&argument.value),
                })
                .collect();
            format!("{}({})", name.text, arguments.join(", "))
        }
        ExprKind::Negate(value) => format!("(-{})", expression(value)),
        ExprKind::Binary {
            operator,
            left,
            right,
            ..
        } => format!(
            "({} {} {})",
            expression(left),
            operator.symbol(),
            expression(right)
        ),
        ExprKind::Pipeline { head, stages } => {
            format!("<{} -> {}>", expression(head), list(stages).join(" -> "))
        }
        ExprKind::Labelled { label, stage } => format!("{}:{}", label.text, expression(stage)),
        ExprKind::Repeat { count, index, body } => {
            let index = index
                .as_ref()
                .map_or(String::new(), |name| format!(" as {}", name.text));
            format!("repeat {}{index} {}", expression(count), block(body))
        }
        ExprKind::Residual { body } => format!("residual {}", block(body)),
    }
}

fn column(name: &ColumnName) -> String {
    if name.quoted {
        format!("{:?}", name.text)
    } else {
        name.text.clone()
    }
}

fn block(body: &[Statement]) -> String {
    format!(
        "{{{}}}",
        body.iter().map(statement).collect::<Vec<_>>().join("; ")
    )
}

fn statement(statement: &Statement) -> String {
    match &statement.kind {
        StatementKind::Assign { name, value } => format!("{} = {}", name.text, expression(value)),
        StatementKind::Param { name, value } => {
            format!("param {} = {}", name.text, expression(value))
        }
        StatementKind::Use { path } => format!("use {:?}", path.text),
        StatementKind::Declare {
            keyword,
            names,
            kind,
            from,
        } => {
            let names: Vec<String> = names.iter().map(column).collect();
            let kind = kind
                .as_ref()
                .map_or(String::new(), |kind| format!(": {}", expression(kind)));
            let from = from
                .as_ref()
                .map_or(String::new(), |from| format!(" from {}", column(from)));
            format!("declare {} {}{kind}{from}", keyword.text, names.join(", "))
        }
        StatementKind::Line(value) => format!("line {}", expression(value)),
        StatementKind::Section(section) => {
            let selector = section.selector.as_ref().map(column);
            let name = section.name.as_ref().map(|name| name.text.clone());
            let parameters: Vec<String> = section
                .parameters
                .iter()
                .map(|parameter| match &parameter.default {
                    Some(default) => format!("{}={}", parameter.name.text, expression(default)),
                    None => parameter.name.text.clone(),
                })
                .collect();
            let head: Vec<String> = [Some(section.keyword.text.clone()), selector, name]
                .into_iter()
                .flatten()
                .collect();
            format!(
                "{}({}) {}",
                head.join(" "),
                parameters.join(", "),
                block(&section.body)
            )
        }
    }
}

fn tree(text: &str) -> String {
    let parsed = parse(text, FileId(0));
    assert_eq!(parsed.faults, [], "{text}");
    parsed
        .file
        .statements
        .iter()
        .map(statement)
        .collect::<Vec<_>>()
        .join("; ")
}

fn reads_as(text: &str, expected: &str) {
    assert_eq!(tree(text), expected, "{text}");
}

#[test]
fn arrows_bind_loosest_then_sums_then_products_then_signs() {
    reads_as("a + b * c -> F", "line <(a + (b * c)) -> F>");
    reads_as("h = a - b - c / -d", "h = ((a - b) - (c / (-d)))");
    reads_as("a = x * -2 - 1.25 -> F", "a = <((x * (-2)) - 1.25) -> F>");
    reads_as("y = (h -> F) + (-p)", "y = (<h -> F> + (-p))");
    reads_as("x -> F -> G", "line <x -> F -> G>");
}

#[test]
fn two_words_declare_and_a_colon_after_one_word_labels() {
    reads_as("ignore id", "declare ignore id");
    reads_as("ignore \"c*\"", "declare ignore \"c*\"");
    reads_as(
        "input a, \"b c\": number(scale = 2) from \"x*\"",
        "declare input a, \"b c\": number(scale=2) from \"x*\"",
    );
    reads_as("shared enc: Linear(64)", "declare shared enc: Linear(64)");
    reads_as("fc: Linear(8) -> ReLU", "line <fc:Linear(8) -> ReLU>");
    reads_as(
        "h = fc: Linear(8) -> g: ReLU",
        "h = <fc:Linear(8) -> g:ReLU>",
    );
    reads_as(
        "trunk: repeat 2 { Dense(w) }",
        "line trunk:repeat 2 {line Dense(w)}",
    );
}

#[test]
fn sections_are_generic() {
    reads_as("net { }", "net() {}");
    reads_as(
        "anything { a = 1; b { c } }",
        "anything() {a = 1; b() {line c}}",
    );
    reads_as(
        "params \"*.bias\" { lr = 0 }",
        "params \"*.bias\"() {lr = 0}",
    );
    reads_as(
        "block D(out, p = 0.2,) { F }",
        "block D(out, p=0.2) {line F}",
    );
    reads_as("repeats { }; residuals { }", "repeats() {}; residuals() {}");
}

#[test]
fn keywords_are_ordinary_words_elsewhere() {
    reads_as("param = 1", "param = 1");
    reads_as("use = from", "use = from");
    reads_as("param param = as", "param param = as");
    reads_as(
        "input from: number from \"x\"",
        "declare input from: number from \"x\"",
    );
    reads_as("use \"b.nn\"", "use \"b.nn\"");
}

#[test]
fn literals_have_their_values() {
    reads_as(
        "a = [8, 0.5, 1e-3, 20%, \"x\\\"y\", true, b.c.0.w]",
        "a = [8, 0.5, 0.001, 0.2%, \"x\\\"y\", true!, b.c.0.w]",
    );
    reads_as("a = []", "a = []");
    reads_as(
        "F(1 -> 8, w = d -> 2 * d,)",
        "line F(<1 -> 8>, w=<d -> (2 * d)>)",
    );
    reads_as("F()", "line F()");
}

#[test]
fn newlines_end_statements_except_in_brackets_and_before_arrows() {
    reads_as("a\nb;c\n\n;\nd", "line a; line b; line c; line d");
    reads_as("F(\n1,\n2\n)", "line F(1, 2)");
    reads_as("a = [1,\n2]\nb", "a = [1, 2]; line b");
    reads_as(
        "a\n # why\n\n  -> F\n -> G\nb",
        "line <a -> F -> G>; line b",
    );
    reads_as("F(repeat 2 { a\nb })", "line F(repeat 2 {line a; line b})");
    reads_as("net {\r\n\ta\r\n\t-> F\r\n}\r\n", "net() {line <a -> F>}");
    reads_as(
        "repeat n as i { F }\n-> G",
        "line <repeat n as i {line F} -> G>",
    );
}

#[test]
fn spans_are_those_of_the_source() {
    let text = "\u{feff}# Größe\nnet {\n    h = (a +\n b) -> F  # end\n}\n";
    let parsed = parse(text, FileId(3));
    assert_eq!(parsed.faults, []);
    let under = |span: Span| &text[span.range()];
    let comments: Vec<_> = parsed
        .file
        .comments
        .iter()
        .map(|c| (c.text.as_str(), under(c.span)))
        .collect();
    assert_eq!(comments, [(" Größe", "# Größe"), (" end", "# end")]);
    let StatementKind::Section(net) = &parsed.file.statements[0].kind else {
        panic!("a section");
    };
    assert_eq!(under(net.keyword.span), "net");
    assert_eq!(under(net.body[0].span), "h = (a +\n b) -> F");
    assert_eq!(net.body[0].span.file, FileId(3));
    let StatementKind::Assign { value, .. } = &net.body[0].kind else {
        panic!("a setting");
    };
    let ExprKind::Pipeline { head, stages } = &value.kind else {
        panic!("a pipeline");
    };
    assert_eq!(under(head.span), "(a +\n b)");
    assert_eq!(under(stages[0].span), "F");
}

#[test]
fn a_fault_leaves_the_other_statements() {
    let parsed = parse(
        "a = 1\nb = = 2\nnet { F; G(8 9); H }\nc = 3,\nd := 4",
        FileId(0),
    );
    let kept: Vec<String> = parsed.file.statements.iter().map(statement).collect();
    assert_eq!(kept, ["a = 1", "net() {line F; line H}", "c = 3", "d = 4"]);
    assert_eq!(parsed.faults.len(), 4);
}

#[test]
fn parentheses_around_several_values_are_read_as_a_list() {
    let read = |text: &str| {
        let parsed = parse(text, FileId(0));
        let edits = parsed.faults.iter().flat_map(|it| it.suggestion.clone());
        let edits: Vec<String> = edits.map(|edit| edit.replacement).collect();
        let kept: Vec<String> = parsed.file.statements.iter().map(statement).collect();
        (kept.join("; "), edits)
    };
    assert_eq!(
        read("F(b = (0.9, 0.99), c = (3,))"),
        (
            "line F(b=[0.9, 0.99], c=[3])".to_owned(),
            vec!["[0.9, 0.99]".to_owned(), "[3]".to_owned()]
        )
    );
    assert_eq!(read("F(a, b)").1, [""; 0]);
    assert_eq!(read("(a + b) -> F").1, [""; 0]);
}

#[test]
fn an_unclosed_bracket_ends_with_its_line() {
    let parsed = parse("net {\n F(8\n G\n}\ntrain { a = 1 }", FileId(0));
    let kept: Vec<String> = parsed.file.statements.iter().map(statement).collect();
    assert_eq!(kept, ["net() {line G}", "train() {a = 1}"]);
    assert_eq!(parsed.faults.len(), 1);
}

#[test]
fn values_of_set_are_expressions() {
    let value = |text: &str| parse_expression(text, FileId(0)).map(|value| expression(&value));
    assert_eq!(value("128").as_deref(), Ok("128"));
    assert_eq!(value(" 2 * (d + 1)\n").as_deref(), Ok("(2 * (d + 1))"));
    assert_eq!(value("LeakyReLU(0.1)").as_deref(), Ok("LeakyReLU(0.1)"));
    for wrong in [
        "",
        " ",
        "1 2",
        "a = 1",
        "1\n2",
        "(",
        "*",
        "a;b",
        "# x",
        "F(repeat 2 { = })",
    ] {
        assert_eq!(value(wrong).expect_err(wrong).len(), 1, "{wrong}");
    }
}
