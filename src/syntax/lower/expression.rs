//! Expressions: from pipelines down to literals.

use pest::iterators::Pair;

use super::{Lowerer, Stages, child};
use crate::diagnostics::{Code, Diagnostic};
use crate::syntax::ast::{Argument, Expr, ExprKind, Operator, Statement};
use crate::syntax::parse::Rule;
use crate::syntax::token::TokenKind;

/// How many nodes of an expression may stand in one another; keeps every walk over the tree within
/// a small stack.
const MAX_TREE_DEPTH: usize = 256;

type Lower<'l> = fn(&mut Lowerer<'l>, Pair<'_, Rule>) -> Expr;

impl<'l> Lowerer<'l> {
    /// Lowers one level deeper; beyond the limit reports it and gives a value in its place.
    fn deeper(&mut self, levels: usize, pair: Pair<'_, Rule>, lower: Lower<'l>) -> Expr {
        if self.depth + levels > MAX_TREE_DEPTH {
            return self.too_deep(&pair);
        }
        self.depth += levels;
        let result = lower(self, pair);
        self.depth -= levels;
        result
    }

    /// Reports, once, an expression that goes too deep before `pair`; gives what stands for it.
    fn too_deep(&mut self, pair: &Pair<'_, Rule>) -> Expr {
        let span = self.span(pair);
        let last = self.faults.last();
        if last.is_none_or(|last| last.code != Code::TooLarge) {
            let message = format!("an expression of more than {MAX_TREE_DEPTH} steps");
            let fault = Diagnostic::new(Code::TooLarge, span, message)
                .label("too much of it before this")
                .help("give names to its parts and combine the names");
            self.faults.push(fault);
        }
        Expr {
            kind: ExprKind::Bool(false),
            span,
        }
    }

    pub(super) fn flow(&mut self, pair: Pair<'_, Rule>, allowed: Stages) -> Expr {
        self.deeper(
            1,
            pair,
            match allowed {
                Stages::Layers => |lowerer, pair| lowerer.flow_of(pair, Stages::Layers),
                Stages::Values => |lowerer, pair| lowerer.flow_of(pair, Stages::Values),
            },
        )
    }

    fn flow_of(&mut self, pair: Pair<'_, Rule>, allowed: Stages) -> Expr {
        let span = self.span(&pair);
        let mut parts = pair
            .into_inner()
            .filter(|part| part.as_rule() != Rule::arrow);
        let head = self.part(parts.next().expect("a flow has a head"));
        let stages: Vec<Expr> = parts.map(|part| self.part(part)).collect();
        if stages.is_empty() {
            return head;
        }
        if allowed == Stages::Layers {
            for stage in &stages {
                self.check_stage(stage);
            }
        }
        Expr {
            kind: ExprKind::Pipeline {
                head: Box::new(head),
                stages,
            },
            span,
        }
    }

    fn check_stage(&mut self, stage: &Expr) {
        let found = match &stage.kind {
            ExprKind::Name(_)
            | ExprKind::Call { .. }
            | ExprKind::Labelled { .. }
            | ExprKind::Repeat { .. }
            | ExprKind::Residual { .. } => return,
            ExprKind::Number { .. } => "a number",
            ExprKind::Text(_) => "a string",
            ExprKind::Bool(_) => "a truth value",
            ExprKind::List(_) => "a list",
            ExprKind::Negate(_) | ExprKind::Binary { .. } => "arithmetic",
            ExprKind::Pipeline { .. } => "a pipeline in parentheses",
        };
        let fault = Diagnostic::new(Code::Syntax, stage.span, "`->` leads into a layer")
            .label(format!("this is {found}"));
        let fault = match stage.kind {
            ExprKind::Binary { .. } => fault.help(
                "to calculate with the result of a pipeline, put the pipeline in parentheses: \
                 `(x -> Linear(8)) + y`",
            ),
            ExprKind::Pipeline { .. } => fault.help("leave the parentheses out"),
            ExprKind::List(_) => {
                fault.help("a list is the beginning of a pipeline: `[a, b] -> Concat`")
            }
            ExprKind::Number { .. }
            | ExprKind::Text(_)
            | ExprKind::Bool(_)
            | ExprKind::Name(_)
            | ExprKind::Call { .. }
            | ExprKind::Negate(_)
            | ExprKind::Labelled { .. }
            | ExprKind::Repeat { .. }
            | ExprKind::Residual { .. } => fault,
        };
        self.faults.push(fault);
    }

    fn part(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let span = self.span(&pair);
        let kind = match pair.as_rule() {
            Rule::sum => return self.chain(pair),
            Rule::call => self.call(pair),
            Rule::labelled => {
                let mut parts = pair
                    .into_inner()
                    .filter(|part| part.as_rule() != Rule::colon);
                let label = self.name(&parts.next().expect("a label has a name"));
                let stage = self.part(parts.next().expect("a label has a stage"));
                ExprKind::Labelled {
                    label,
                    stage: Box::new(stage),
                }
            }
            Rule::repeat => {
                let mut count = None;
                let mut index = None;
                let mut body = Vec::new();
                for part in pair.into_inner() {
                    match part.as_rule() {
                        Rule::sum => count = Some(self.chain(part)),
                        Rule::word => index = Some(self.name(&part)),
                        Rule::body => body = self.deeper_body(part),
                        _ => {}
                    }
                }
                ExprKind::Repeat {
                    count: Box::new(count.expect("`repeat` has a count")),
                    index,
                    body,
                }
            }
            Rule::residual => ExprKind::Residual {
                body: self.deeper_body(child(pair, Rule::body)),
            },
            rule => unreachable!("{rule:?} is no part of a flow"),
        };
        Expr { kind, span }
    }

    fn deeper_body(&mut self, pair: Pair<'_, Rule>) -> Vec<Statement> {
        self.depth += 1;
        let body = self.body(pair);
        self.depth -= 1;
        body
    }

    /// A sum or a product: operands with operators between them, the leftmost deepest in the tree.
    fn chain(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let mut parts: Vec<Pair<'_, Rule>> = pair.into_inner().collect();
        let lower: Lower<'l> = match parts[0].as_rule() {
            Rule::product => |lowerer, pair| lowerer.chain(pair),
            _ => |lowerer, pair| lowerer.unary(pair),
        };
        let mut levels = parts.len() / 2;
        // A tree that is too deep is not built: to drop it would take as much of the stack.
        if self.depth + levels > MAX_TREE_DEPTH {
            return self.too_deep(&parts[0]);
        }
        let mut rest = parts.drain(..);
        let first = rest.next().expect("a sum has an operand");
        let mut left = self.deeper(levels, first, lower);
        while let Some((operator, right)) = rest.next().zip(rest.next()) {
            let operator_span = self.span(&operator);
            let right = self.deeper(levels, right, lower);
            levels -= 1;
            left = Expr {
                span: left.span.to(right.span),
                kind: ExprKind::Binary {
                    operator: match operator.as_rule() {
                        Rule::plus => Operator::Add,
                        Rule::minus => Operator::Subtract,
                        Rule::times => Operator::Multiply,
                        Rule::over => Operator::Divide,
                        rule => unreachable!("{rule:?} is no operator"),
                    },
                    operator_span,
                    left: Box::new(left),
                    right: Box::new(right),
                },
            };
        }
        left
    }

    fn unary(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let span = self.span(&pair);
        let mut parts = pair.into_inner();
        let first = parts.next().expect("an operand is not empty");
        if first.as_rule() != Rule::minus {
            return self.primary(first);
        }
        let value = self.primary(parts.next().expect("a value follows a sign"));
        Expr {
            kind: ExprKind::Negate(Box::new(value)),
            span,
        }
    }

    fn primary(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let span = self.span(&pair);
        let kind = match pair.as_rule() {
            Rule::number => match self.token(&pair) {
                TokenKind::Number(number) => ExprKind::Number {
                    value: number.value,
                    integer: number.integer,
                    percent: number.percent,
                },
                token => unreachable!("the layout writes a number for {token:?}"),
            },
            Rule::string => ExprKind::Text(self.string(&pair)),
            Rule::boolean => ExprKind::Bool(pair.as_str() == "true"),
            Rule::list => {
                let elements = pair
                    .into_inner()
                    .filter(|part| part.as_rule() == Rule::flow);
                ExprKind::List(
                    elements
                        .map(|part| self.flow(part, Stages::Layers))
                        .collect(),
                )
            }
            Rule::group => {
                let inner = self.flow(child(pair, Rule::flow), Stages::Layers);
                return Expr { span, ..inner };
            }
            Rule::call => self.call(pair),
            rule => unreachable!("{rule:?} is no value"),
        };
        Expr { kind, span }
    }

    fn call(&mut self, pair: Pair<'_, Rule>) -> ExprKind {
        let mut parts = pair.into_inner();
        let name = self.name(&parts.next().expect("a call has a name"));
        let Some(arguments) = parts.next() else {
            return ExprKind::Name(name.text);
        };
        let arguments = arguments
            .into_inner()
            .filter(|part| part.as_rule() == Rule::argument);
        ExprKind::Call {
            name,
            arguments: arguments.map(|part| self.argument(part)).collect(),
        }
    }

    fn argument(&mut self, pair: Pair<'_, Rule>) -> Argument {
        let mut name = None;
        let mut value = None;
        let mut equals = None;
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::word => name = Some(self.name(&part)),
                Rule::flow => {
                    let colon = part
                        .clone()
                        .into_inner()
                        .next()
                        .filter(|head| head.as_rule() == Rule::labelled);
                    equals = colon
                        .map(|head| child(head, Rule::colon))
                        .map(|pair| self.span(&pair));
                    value = Some(self.flow(part, Stages::Values));
                }
                _ => {}
            }
        }
        if let Some(colon) = equals {
            let fault = Diagnostic::new(Code::Syntax, colon, "an argument is set with `=`")
                .label("write `=`")
                .suggest(colon, " =");
            self.faults.push(fault);
        }
        let value = value.expect("an argument has a value");
        Argument { name, value }
    }
}
