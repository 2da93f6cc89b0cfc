//! Values and numbers: names, arithmetic, and what flows from a value through layers.

use super::super::arguments;
use super::super::constant::{Number, kind_text};
use super::lines::head;
use super::names::Bound;
use super::{Flow, Net, PARAMETER};
use crate::catalog::arguments::{ArgumentValue, DEFERRED};
use crate::catalog::{self, Kind};
use crate::diagnostics::{Code, Diagnostic, Span};
use crate::graph::ValueId;
use crate::graph::ops::{BinaryOperator, Op};
use crate::graph::scalar::ScalarFunction;
use crate::graph::shape::Shape;
use crate::graph::state::{Initializer, State, StateKind, Training};
use crate::syntax::ast::{Expr, ExprKind, Operator};

/// What an expression gives.
#[derive(Clone, Debug)]
pub(super) enum Operand {
    Value(ValueId),
    Number(Number),
    /// Values with their places, for a layer that combines them.
    List(Vec<(ValueId, Span)>),
}

impl Net<'_> {
    /// A value or a number; `None` after a fault.
    pub(super) fn expression(&mut self, expr: &Expr) -> Option<Operand> {
        match &expr.kind {
            ExprKind::Number { value, .. } => Some(Operand::Number(Number::Known(*value))),
            ExprKind::Name(name) => self.name(name, expr.span),
            ExprKind::Negate(inner) => self.negated(inner, expr.span),
            ExprKind::Binary {
                operator,
                operator_span,
                left,
                right,
            } => {
                let left_operand = self.expression(left);
                let right_operand = self.expression(right);
                let (a, b) = (left_operand?, right_operand?);
                let operator = (*operator, *operator_span);
                self.arithmetic(operator, (a, left.span), (b, right.span), expr.span)
            }
            ExprKind::Pipeline { head, stages } => self.pipeline(head, stages),
            ExprKind::Call { name, .. } if name.text == PARAMETER => {
                self.parameter(expr).map(Operand::Value)
            }
            ExprKind::Call { .. }
            | ExprKind::Labelled { .. }
            | ExprKind::Repeat { .. }
            | ExprKind::Residual { .. } => {
                self.layer_without_input(expr);
                None
            }
            ExprKind::List(items) => self.list(expr.span, items),
            ExprKind::Text(text) => {
                let fault = self.quoted(text, expr.span);
                self.faults.push(fault);
                None
            }
            ExprKind::Bool(_) => {
                self.faults.push(
                    Diagnostic::new(
                        Code::WrongType,
                        expr.span,
                        "a value or a number is expected",
                    )
                    .label(format!("this is {}", kind_text(expr))),
                );
                None
            }
        }
    }

    fn negated(&mut self, inner: &Expr, span: Span) -> Option<Operand> {
        match self.expression(inner)? {
            Operand::Number(Number::Known(value)) => Some(Operand::Number(Number::Known(-value))),
            Operand::Number(number @ Number::Deferred(_)) => {
                let negated = format!("-{}", number.part());
                Some(Operand::Number(Number::Deferred(negated)))
            }
            Operand::Value(value) => {
                self.begin_arithmetic(span);
                let negated = self.graph.map(ScalarFunction::Negate, value);
                Some(Operand::Value(negated))
            }
            Operand::List(items) => {
                self.list_as_value(span, items.len());
                None
            }
        }
    }

    /// What flows from a value through layers.
    fn pipeline(&mut self, head: &Expr, stages: &[Expr]) -> Option<Operand> {
        if self.is_stage(head) {
            self.layer_without_input(head);
            return None;
        }
        let value = match self.expression(head) {
            Some(Operand::Value(value)) => value,
            Some(Operand::List(items)) => {
                let combined = self.combination(&stages[0], &items);
                return Some(Operand::Value(self.stages_of(&stages[1..], combined)));
            }
            Some(Operand::Number(_)) => {
                self.faults.push(
                    Diagnostic::new(
                        Code::WrongType,
                        head.span,
                        "a number cannot flow into a layer",
                    )
                    .label("this is a number, not a value of the network"),
                );
                self.placeholder()
            }
            // What combined a faulty list has nothing more to tell; the stages have.
            None if matches!(head.kind, ExprKind::List(_)) => {
                self.mark_names(&stages[0]);
                self.frame_mut().stages += 1;
                let flow = self.faulty_flow(head.span);
                return Some(Operand::Value(self.stages_of(&stages[1..], flow)));
            }
            None => self.placeholder(),
        };
        let flow = Flow {
            value,
            span: head.span,
            name: None,
            used: true,
        };
        Some(Operand::Value(self.stages_of(stages, flow)))
    }

    /// The fault of a text in the place of a value: the names of values are words.
    fn quoted(&mut self, text: &str, span: Span) -> Diagnostic {
        let fault = Diagnostic::new(Code::WrongType, span, "a value or a number is expected")
            .label("this is a text");
        let known = self.binding(text).is_some() || self.sees_inputs() && self.inputs.has(text);
        if !known {
            return fault;
        }
        self.mark_used(Some(text));
        match as_word(text) {
            None => fault
                .help(format!("without quotes: `{text}`"))
                .suggest(span, text),
            Some(word) => fault.help(called_by_word(text, &word)),
        }
    }

    /// `p = Parameter([8], init = Zeros)`: the same for all rows, under the line's name.
    fn parameter(&mut self, expr: &Expr) -> Option<ValueId> {
        let call = arguments::call(expr, Kind::Layer, &self.scope, self.faults)?;
        let fault = |message: &str| Diagnostic::new(Code::NotSupported, expr.span, message);
        let Some(name) = self.frame().line_name.clone() else {
            self.faults.push(
                Diagnostic::new(
                    Code::MissingArgument,
                    expr.span,
                    "a `Parameter` is called after the line that names it",
                )
                .label("this line has no name")
                .help("write `p = Parameter([8])`, and use `p`"),
            );
            return None;
        };
        let Some(ArgumentValue::Shape(dims)) = call.arguments.get("shape") else {
            return None;
        };
        let [width] = &dims[..] else {
            self.faults.push(
                fault("a `Parameter` of several axes is not supported yet")
                    .label(format!("{} axes", dims.len())),
            );
            return None;
        };
        let initializer = match call.arguments.get("init") {
            Some(ArgumentValue::Initializer(initializer)) => *initializer,
            _ => Initializer::Constant(0.0),
        };
        if initializer.needs_two_axes() {
            self.faults.push(
                Diagnostic::new(
                    Code::WrongType,
                    call.arguments.span_of("init"),
                    "this initializer is for tensors of two axes, as torch.nn.init's is",
                )
                .label("a `Parameter` of one axis has no fans"),
            );
            return None;
        }
        let path = self.frame().path_of(&name);
        let origin = self.begin(&path, expr.span);
        self.graph.classify(origin, call.entry.name);
        let text = format!("{name} = {}", call.short_text());
        self.graph.show(origin, &text);
        let width = width.clone();
        let state = self.graph.add_state(State {
            name: path,
            aliases: Vec::new(),
            kind: StateKind::Parameter,
            shape: Shape::fixed([width.clone()]),
            initializer,
            fan_in: width.clone(),
            fan_out: width.clone(),
            integer: false,
            uses: 0,
            span: expr.span,
            training: Training::default(),
        });
        let value = self.graph.state_value(state);
        Some(self.graph.broadcast(value, &Shape::batched([width])))
    }

    /// Values beside one another.
    fn list(&mut self, span: Span, items: &[Expr]) -> Option<Operand> {
        if items.is_empty() {
            self.faults.push(
                Diagnostic::new(Code::WrongType, span, "this list holds no values")
                    .label("nothing to combine")
                    .help("write `[a, b] -> Concat`"),
            );
            return None;
        }
        let mut values = Vec::with_capacity(items.len());
        let mut whole = true;
        for item in items {
            match self.expression(item) {
                Some(Operand::Value(value)) => values.push((value, item.span)),
                Some(Operand::Number(_)) => {
                    whole = false;
                    self.faults.push(
                        Diagnostic::new(
                            Code::WrongType,
                            item.span,
                            "a list combines values of the network, not numbers",
                        )
                        .label("this is a number"),
                    );
                }
                Some(Operand::List(inner)) => {
                    whole = false;
                    self.list_as_value(item.span, inner.len());
                }
                None => whole = false,
            }
        }
        whole.then_some(Operand::List(values))
    }

    /// Reports a list in the place of one value.
    pub(super) fn list_as_value(&mut self, span: Span, count: usize) {
        self.faults.push(
            Diagnostic::new(
                Code::WrongType,
                span,
                "a list is no value until a layer combines it",
            )
            .label(format!("a list of {count}"))
            .help("write `([a, b] -> Concat)`, say"),
        );
    }

    fn name(&mut self, name: &str, span: Span) -> Option<Operand> {
        if let Some(binding) = self.binding_mut(name) {
            binding.used = true;
            let declared = binding.span;
            return match &binding.bound {
                Bound::Value(value) => Some(Operand::Value(*value)),
                Bound::Number(number) => Some(Operand::Number(number.clone())),
                Bound::Faulty | Bound::FaultyLayer => None,
                Bound::Shared { .. } => {
                    self.faults.push(
                        Diagnostic::new(
                            Code::Misplaced,
                            span,
                            format!("`{name}` is a layer and gives no value by itself"),
                        )
                        .label("a value is expected here")
                        .also(declared, "the shared layer")
                        .help(format!("apply it to a value: `(in -> {name})`")),
                    );
                    None
                }
                Bound::Label => {
                    self.faults.push(
                        Diagnostic::new(
                            Code::Misplaced,
                            span,
                            format!("`{name}` labels a stage; it is not a value"),
                        )
                        .label("a value is expected here")
                        .also(declared, "the label")
                        .help("name the line's result: `h = …`, then use `h`"),
                    );
                    None
                }
            };
        }
        if name == "in" {
            let value = self.body_input(span).value;
            return Some(Operand::Value(value));
        }
        if self.sees_inputs()
            && let Some(value) = self.inputs.value(name, &mut self.graph)
        {
            return Some(Operand::Value(value));
        }
        let expr = Expr {
            kind: ExprKind::Name(name.to_string()),
            span,
        };
        if self.is_layer_name(name) {
            self.layer_without_input(&expr);
            return None;
        }
        let parameter = self.scope.parameters.contains_key(name);
        if parameter || self.scope.fact(name).is_some() {
            return match self.scope.number(&expr) {
                Ok(number) => Some(Operand::Number(number)),
                Err(fault) => {
                    self.faults.push(*fault);
                    None
                }
            };
        }
        let fault = self.unknown_name(name, span);
        self.faults.push(fault);
        None
    }

    fn begin_arithmetic(&mut self, span: Span) {
        let frame = self.frame();
        let name = frame.line_name.as_deref().unwrap_or("value");
        let label = frame.path_of(name);
        self.begin(&label, span);
    }

    fn arithmetic(
        &mut self,
        (operator, operator_span): (Operator, Span),
        (left, left_span): (Operand, Span),
        (right, right_span): (Operand, Span),
        span: Span,
    ) -> Option<Operand> {
        let primitive = match operator {
            Operator::Add => BinaryOperator::Add,
            Operator::Subtract => BinaryOperator::Subtract,
            Operator::Multiply => BinaryOperator::Multiply,
            Operator::Divide => BinaryOperator::Divide,
        };
        let (left, right) = match (left, right) {
            (Operand::Number(a), Operand::Number(b)) => {
                return match self.scope.arithmetic(operator, a, b, span) {
                    Ok(number) => Some(Operand::Number(number)),
                    Err(fault) => {
                        self.faults.push(*fault);
                        None
                    }
                };
            }
            (Operand::Value(a), Operand::Number(b)) => {
                let shape = self.graph.shape(a).clone();
                let b = self.number_value(b, &shape, right_span)?;
                (a, b)
            }
            (Operand::Number(a), Operand::Value(b)) => {
                let shape = self.graph.shape(b).clone();
                let a = self.number_value(a, &shape, left_span)?;
                (a, b)
            }
            (Operand::Value(a), Operand::Value(b)) => (a, b),
            (Operand::List(items), _) => {
                self.list_as_value(left_span, items.len());
                return None;
            }
            (_, Operand::List(items)) => {
                self.list_as_value(right_span, items.len());
                return None;
            }
        };
        let [left_shape, right_shape] = [left, right].map(|value| self.graph.shape(value).clone());
        if !left_shape.fits(&right_shape) {
            let shapes = [&left_shape, &right_shape].map(Shape::row_text);
            self.faults.push(
                Diagnostic::new(
                    Code::ShapeMismatch,
                    operator_span,
                    format!(
                        "`{}` takes two equal shapes, not {} and {}",
                        operator.symbol(),
                        shapes[0],
                        shapes[1]
                    ),
                )
                .label("combined here")
                .also(left_span, format!("this is {}", shapes[0]))
                .also(right_span, format!("this is {}", shapes[1])),
            );
            return None;
        }
        self.begin_arithmetic(span);
        Some(Operand::Value(self.graph.binary(primitive, left, right)))
    }

    fn number_value(&mut self, number: Number, shape: &Shape, span: Span) -> Option<ValueId> {
        match number {
            Number::Known(value) => {
                self.begin_arithmetic(span);
                Some(self.graph.constant(value, shape))
            }
            Number::Deferred(text) => {
                self.begin_arithmetic(span);
                let number = self.graph.push(Op::Constant(DEFERRED), &[]);
                self.graph.nodes[number.index()].name = Some(text.as_str().into());
                self.deferred.push(text);
                Some(self.graph.broadcast(number, shape))
            }
        }
    }

    /// Reports a layer in the place of a value, with the faults of its own arguments.
    fn layer_without_input(&mut self, layer: &Expr) {
        self.mark_names(layer);
        let name = match &head(layer).kind {
            ExprKind::Labelled { stage, .. } => super::stages::layer_name(stage),
            ExprKind::Number { .. }
            | ExprKind::Text(_)
            | ExprKind::Bool(_)
            | ExprKind::Name(_)
            | ExprKind::List(_)
            | ExprKind::Call { .. }
            | ExprKind::Negate(_)
            | ExprKind::Binary { .. }
            | ExprKind::Pipeline { .. }
            | ExprKind::Repeat { .. }
            | ExprKind::Residual { .. } => super::stages::layer_name(layer),
        };
        let fault = Diagnostic::new(
            Code::Misplaced,
            layer.span,
            format!("`{name}` is a layer; nothing flows into it here"),
        )
        .label("a value is expected");
        let known =
            catalog::find(Kind::Layer, name).is_some() || self.scope.blocks.contains_key(name);
        self.faults.push(match known.then_some(()) {
            Some(()) => fault.help(format!(
                "write `(in -> {name}…)`, or begin the line with it"
            )),
            None => fault,
        });
    }
}

/// How a column whose name is no word gets one.
pub(super) fn called_by_word(name: &str, word: &str) -> String {
    format!(
        "a value is called by a word: declare `{word}: … from \"{name}\"` in `data`, and use `{word}`"
    )
}

/// The word that a name which is none could be written as.
pub(super) fn as_word(name: &str) -> Option<String> {
    let part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let begins = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    if begins && name.chars().all(part) {
        return None;
    }
    let word = name.replace(|letter| !part(letter), "_");
    Some(if begins { word } else { format!("x_{word}") })
}
