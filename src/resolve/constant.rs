//! Compile-time values: numbers with arithmetic, parameters of the file, facts of the data.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::block::Block;
use super::parameters::Parameters;
use crate::catalog;
use crate::diagnostics::{Code, Diagnostic, Span, listed};
use crate::graph::shape::Dim;
use crate::syntax::ast::{Expr, ExprKind, Operator};

/// A number that is known now, or the text of one that only the data tells.
#[derive(Clone, PartialEq, Debug)]
pub enum Number {
    Known(f64),
    Deferred(String),
}

impl Number {
    pub fn text(&self) -> String {
        match self {
            Number::Known(value) => number_text(*value),
            Number::Deferred(text) => text.clone(),
        }
    }

    /// The text as a part of a longer one.
    pub fn part(&self) -> String {
        match self {
            Number::Deferred(text) if text.contains(' ') => format!("({text})"),
            Number::Known(_) | Number::Deferred(_) => self.text(),
        }
    }

    /// The number as a length: whole, at least 1, and small enough to be exact.
    pub fn size(&self) -> Option<Dim> {
        const LARGEST: f64 = 9_007_199_254_740_992.0;
        match self {
            Number::Known(value) if value.fract() == 0.0 && (1.0..=LARGEST).contains(value) => {
                Some(Dim::Known(*value as usize))
            }
            Number::Known(_) => None,
            Number::Deferred(text) => Some(Dim::deferred(text.as_str())),
        }
    }
}

/// A number in a message: without needless digits, and never hundreds of them.
pub fn number_text(value: f64) -> String {
    match value.abs() {
        size if size.is_nan() => "…".to_owned(),
        size if size != 0.0 && !(1e-5..1e16).contains(&size) => format!("{value:e}"),
        _ => format!("{value}"),
    }
}

/// Facts of the data that are numbers in arguments and arithmetic.
#[derive(Clone, PartialEq, Debug)]
pub struct Facts {
    pub classes: Option<Dim>,
    /// The category targets, if there are several: then no number of classes is meant by itself.
    pub categories: Arc<[String]>,
    pub features: Dim,
    pub rows: Dim,
}

/// What a bare word can mean at compile time.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// The file's `param`s, with what `--set` made of them.
    pub parameters: Parameters,
    pub facts: Option<Facts>,
    /// Columns, values and labels of the network: known by name, never numbers at compile time.
    pub values: HashMap<String, Span>,
    /// Blocks by their names.
    pub blocks: Arc<HashMap<String, Arc<Block>>>,
    /// Parameters of a block that is tried without anything for them.
    pub waiting: Arc<HashSet<String>>,
    /// Whether the file uses another one that could not be read: what that has is not known, only that
    /// its fault is told.
    pub imports: bool,
}

/// Names of the facts.
pub const FACTS: [&str; 3] = ["classes", "features", "rows"];

/// Parameters may refer to each other this many times.
const DEEPEST_REFERENCE: usize = 32;

/// A longer expression of facts is of no use to anyone.
const LONGEST_DEFERRED: usize = 200;

impl Scope {
    /// What a parameter of the file stands for, references to other parameters followed; `None` too
    /// for one that leads back to itself.
    pub fn parameter(&self, name: &str) -> Option<&Expr> {
        let mut found = &self.parameters.get(name)?.0;
        for _ in 0..self.parameters.len() {
            let ExprKind::Name(next) = &found.kind else {
                return Some(found);
            };
            match self.parameters.get(next) {
                Some((expr, _)) => found = expr,
                None => return Some(found),
            }
        }
        None
    }

    /// The value of a bare word that is a `param`; any other expression is itself.
    pub fn followed<'e>(&'e self, expr: &'e Expr) -> &'e Expr {
        let ExprKind::Name(name) = &expr.kind else {
            return expr;
        };
        self.parameter(name).unwrap_or(expr)
    }

    /// Names that stand for something here.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let facts = self.facts.iter().flat_map(|_| FACTS);
        self.parameters.keys().map(String::as_str).chain(facts)
    }

    /// The fact of a name.
    pub fn fact(&self, name: &str) -> Option<Number> {
        if self.waiting.contains(name) {
            return Some(Number::Deferred(name.to_owned()));
        }
        let facts = self.facts.as_ref()?;
        let dim = match name {
            "classes" => facts.classes.as_ref()?,
            "features" => &facts.features,
            "rows" => &facts.rows,
            _ => return None,
        };
        Some(match dim {
            Dim::Known(value) => Number::Known(*value as f64),
            Dim::Deferred(text) => Number::Deferred(text.to_string()),
            Dim::TooLarge => Number::Deferred(name.to_string()),
        })
    }

    /// Whether an expression is a parameter that has no value yet.
    pub fn is_waiting(&self, expr: &Expr) -> bool {
        let followed = &self.followed(expr).kind;
        matches!(followed, ExprKind::Name(name) if self.waiting.contains(name))
    }

    /// Whether an expression depends on a parameter that has no value yet.
    pub fn waits(&self, expr: &Expr) -> bool {
        !self.waiting.is_empty() && self.leads_to_waiting(expr, DEEPEST_REFERENCE)
    }

    fn leads_to_waiting(&self, expr: &Expr, depth: usize) -> bool {
        names_in(expr).into_iter().any(|(name, _)| {
            let value = self.parameters.get(name).filter(|_| depth > 0);
            self.waiting.contains(name)
                || value.is_some_and(|(value, _)| self.leads_to_waiting(value, depth - 1))
        })
    }

    /// The value of an expression of numbers.
    pub fn number(&self, expr: &Expr) -> Result<Number, Box<Diagnostic>> {
        let mut evaluation = Evaluation {
            scope: self,
            known: HashMap::new(),
            open: Vec::new(),
        };
        let number = evaluation.number(expr);
        number.map_err(|fault| match fault.code {
            Code::OutOfRange => Box::new(self.told(*fault, expr)),
            _ => fault,
        })
    }

    /// The fault of a number, with what the data tells of the facts that it was computed from.
    pub fn told(&self, fault: Diagnostic, expr: &Expr) -> Diagnostic {
        let mut named: Vec<&str> = names_in(expr).into_iter().map(|(name, _)| name).collect();
        let mut at = 0;
        while let Some(name) = named.get(at) {
            let behind = self.references(name).into_iter();
            let value = self.parameters.get(name).map(|(value, _)| value);
            let facts = value.into_iter().flat_map(names_in).map(|(name, _)| name);
            for name in behind.chain(facts).collect::<Vec<_>>() {
                if !named.contains(&name) {
                    named.push(name);
                }
            }
            at += 1;
        }
        let facts = FACTS.into_iter().filter(|fact| named.contains(fact));
        let known = facts.filter_map(|name| match self.fact(name)? {
            Number::Known(value) => Some(format!("`{name}` is {}", number_text(value))),
            Number::Deferred(_) => None,
        });
        let known: Vec<String> = known.collect();
        if known.is_empty() {
            fault
        } else {
            fault.note(format!("of this data, {}", known.join(" and ")))
        }
    }

    /// The result of an operation on two numbers.
    pub fn arithmetic(
        &self,
        operator: Operator,
        left: Number,
        right: Number,
        span: Span,
    ) -> Result<Number, Box<Diagnostic>> {
        let symbol = operator.symbol();
        let (Number::Known(a), Number::Known(b)) = (&left, &right) else {
            let text = format!("{} {symbol} {}", left.part(), right.part());
            return if text.len() > LONGEST_DEFERRED {
                Err(Box::new(
                    Diagnostic::new(
                        Code::TooBig,
                        span,
                        "the arithmetic with facts of the data is too long",
                    )
                    .label(format!(
                        "more than {LONGEST_DEFERRED} characters when written out"
                    )),
                ))
            } else {
                Ok(Number::Deferred(text))
            };
        };
        let value = match operator {
            Operator::Add => a + b,
            Operator::Subtract => a - b,
            Operator::Multiply => a * b,
            Operator::Divide => a / b,
        };
        if value.is_finite() {
            return Ok(Number::Known(value));
        }
        let (a, b) = (number_text(*a), number_text(*b));
        Err(Box::new(
            Diagnostic::new(
                Code::OutOfRange,
                span,
                format!("{a} {symbol} {b} is not a finite number"),
            )
            .label("computed here"),
        ))
    }

    fn unknown(&self, name: &str, span: Span) -> Diagnostic {
        if let Some(declared) = self.values.get(name) {
            return Diagnostic::new(
                Code::Misplaced,
                span,
                format!("`{name}` is not a number that is known before training"),
            )
            .label("an argument is a number, a `param` or a fact of the data")
            .also(*declared, format!("`{name}` is declared here"))
            .help(format!(
                "a value flows into a layer by an arrow: `{name} -> Linear(8)`"
            ));
        }
        if let Some(entry) = catalog::entries().find(|entry| entry.name == name) {
            let noun = entry.meaning.kind().noun();
            return Diagnostic::new(Code::WrongType, span, "a number is expected here").label(
                format!("`{name}` is {} {noun}", super::unknown::article(noun)),
            );
        }
        let fault = Diagnostic::new(
            Code::UnknownName,
            span,
            format!("nothing is called `{name}` here"),
        );
        match (name, &self.facts) {
            ("classes", Some(facts)) => match &facts.categories[..] {
                [] => fault
                    .label("the number of classes of a category target")
                    .help("declare `target name: category`, or write the number itself"),
                several => fault
                    .label(format!(
                        "of several category targets none is meant: {}",
                        listed(several.iter().map(String::as_str))
                    ))
                    .help("write the number itself, or a `param` for each"),
            },
            ("classes" | "features" | "rows", None) => {
                fault.label("a fact of the data; only `net` and `train` can use it")
            }
            _ => fault
                .label("not a number, a `param` or a fact of the data")
                .near(name, span, self.names()),
        }
    }

    /// The fault of parameters whose values lead back to themselves. Of all of them it is told of the
    /// one that is declared last, wherever the circle was entered.
    pub fn circle(&self, name: &str) -> Diagnostic {
        let members = self.circle_of(name);
        let place = |name: &&str| self.parameters.get(name).map(|(_, span)| *span);
        let last = members.last().copied().unwrap_or(name);
        let span = place(&last).unwrap_or_default();
        let mut fault = Diagnostic::new(
            Code::Misplaced,
            span,
            format!("the param `{last}` is defined by itself"),
        )
        .label("its value leads back to it");
        for other in members.iter().rev().skip(1).take(3) {
            if let Some(span) = place(other) {
                fault = fault.also(span, format!("by way of `{other}`"));
            }
        }
        fault
    }

    /// The parameters of such a circle, in the order of their declarations.
    pub fn circle_of<'s>(&'s self, name: &'s str) -> Vec<&'s str> {
        // Those that `name` leads to, and of them those that lead back to it.
        let mut named_by: HashMap<&str, Vec<&str>> = HashMap::new();
        let mut seen = HashSet::from([name]);
        let mut open = vec![name];
        while let Some(from) = open.pop() {
            for to in self.references(from) {
                named_by.entry(to).or_default().push(from);
                if seen.insert(to) {
                    open.push(to);
                }
            }
        }
        let mut back = HashSet::from([name]);
        let mut open = vec![name];
        while let Some(to) = open.pop() {
            for from in named_by.get(to).into_iter().flatten() {
                if back.insert(from) {
                    open.push(from);
                }
            }
        }
        let mut members: Vec<&str> = back.into_iter().collect();
        members.sort_by_key(|name| self.parameters.get(name).map(|(_, span)| *span));
        members
    }

    /// The parameters that a parameter's value names.
    fn references(&self, name: &str) -> Vec<&str> {
        let value = self.parameters.get(name);
        let names = value.into_iter().flat_map(|(value, _)| names_in(value));
        let known = names.filter_map(|(name, _)| self.parameters.get_key_value(name));
        known.map(|(name, _)| name.as_str()).collect()
    }
}

/// One evaluation: each parameter is computed once, however often it is named.
struct Evaluation<'s> {
    scope: &'s Scope,
    known: HashMap<&'s str, Number>,
    open: Vec<&'s str>,
}

impl Evaluation<'_> {
    fn number(&mut self, expr: &Expr) -> Result<Number, Box<Diagnostic>> {
        match &expr.kind {
            ExprKind::Number { value, .. } => Ok(Number::Known(*value)),
            ExprKind::Name(name) => self.name(name, expr.span),
            ExprKind::Negate(inner) => {
                let inner = self.number(inner)?;
                Ok(match inner {
                    Number::Known(value) => Number::Known(-value),
                    Number::Deferred(_) => Number::Deferred(format!("-{}", inner.part())),
                })
            }
            ExprKind::Binary {
                operator,
                left,
                right,
                ..
            } => {
                let left = self.number(left)?;
                let right = self.number(right)?;
                self.scope.arithmetic(*operator, left, right, expr.span)
            }
            ExprKind::Text(_)
            | ExprKind::Bool(_)
            | ExprKind::List(_)
            | ExprKind::Call { .. }
            | ExprKind::Pipeline { .. }
            | ExprKind::Labelled { .. }
            | ExprKind::Repeat { .. }
            | ExprKind::Residual { .. } => Err(Box::new(
                Diagnostic::new(Code::WrongType, expr.span, "a number is expected here")
                    .label(format!("this is {}", kind_text(expr))),
            )),
        }
    }

    fn name(&mut self, name: &str, span: Span) -> Result<Number, Box<Diagnostic>> {
        let scope = self.scope;
        let Some((name, (value, declared))) = scope.parameters.get_key_value(name) else {
            let fact = scope.fact(name);
            return fact.ok_or_else(|| Box::new(scope.unknown(name, span)));
        };
        if let Some(number) = self.known.get(name.as_str()) {
            return Ok(number.clone());
        }
        if self.open.contains(&name.as_str()) {
            return Err(Box::new(scope.circle(name)));
        }
        if self.open.len() == DEEPEST_REFERENCE {
            return Err(Box::new(
                Diagnostic::new(
                    Code::TooLarge,
                    *declared,
                    format!("`param`s refer to one another more than {DEEPEST_REFERENCE} deep"),
                )
                .label("too far down"),
            ));
        }
        self.open.push(name);
        let number = self.number(value);
        self.open.pop();
        let number = number?;
        self.known.insert(name, number.clone());
        Ok(number)
    }
}

/// What an expression is, in words.
pub fn kind_text(expr: &Expr) -> &'static str {
    match &expr.kind {
        ExprKind::Number { .. } => "a number",
        ExprKind::Text(_) => "a text",
        ExprKind::Bool(_) => "a truth value",
        ExprKind::Name(_) => "a name",
        ExprKind::List(_) => "a list",
        ExprKind::Call { .. } => "a call",
        ExprKind::Negate(_) | ExprKind::Binary { .. } => "arithmetic",
        ExprKind::Pipeline { .. } => "a pipeline",
        ExprKind::Labelled { .. } => "a labelled stage",
        ExprKind::Repeat { .. } => "a repetition",
        ExprKind::Residual { .. } => "a residual body",
    }
}

/// The names in an expression, with their places: parameters, layers and words of arguments.
pub fn names_in(expr: &Expr) -> Vec<(&str, Span)> {
    let mut found = Vec::new();
    let mut open = vec![expr];
    while let Some(expr) = open.pop() {
        match &expr.kind {
            ExprKind::Name(name) => found.push((name.as_str(), expr.span)),
            ExprKind::Negate(inner) => open.push(inner),
            ExprKind::Binary { left, right, .. } => open.extend([&**left, &**right]),
            ExprKind::List(items) => open.extend(items),
            ExprKind::Call { name, arguments } => {
                found.push((&name.text, name.span));
                open.extend(arguments.iter().map(|argument| &argument.value));
            }
            ExprKind::Number { .. }
            | ExprKind::Text(_)
            | ExprKind::Bool(_)
            | ExprKind::Pipeline { .. }
            | ExprKind::Labelled { .. }
            | ExprKind::Repeat { .. }
            | ExprKind::Residual { .. } => {}
        }
    }
    found
}
