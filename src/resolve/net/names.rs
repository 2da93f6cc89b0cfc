//! The names of a body: what they stand for, and whether something uses them.

use std::collections::HashSet;

use super::super::constant::{FACTS, Number, kind_text};
use super::Net;
use super::expressions::{as_word, called_by_word};
use crate::catalog::{Kind, foreign};
use crate::diagnostics::{Code, Diagnostic, MOST_FAULTS, Span, listed, near_miss};
use crate::graph::ValueId;
use crate::syntax::ast::{Expr, ExprKind, Name, Statement, StatementKind};

/// What a name of the body stands for.
#[derive(Clone, Debug)]
pub(super) enum Bound {
    Value(ValueId),
    Number(Number),
    Shared {
        layer: Expr,
        path: String,
        uses: usize,
    },
    /// A stage's label: it names parameters, not a value.
    Label,
    /// What it was bound to is faulty and has been reported.
    Faulty,
    /// The same, of a shared layer.
    FaultyLayer,
}

#[derive(Clone, Debug)]
pub(super) struct Binding {
    pub bound: Bound,
    pub span: Span,
    pub used: bool,
}

impl Net<'_> {
    /// Binds a name whose meaning was faulty, so that its uses are not reported again.
    pub(super) fn bind_faulty(&mut self, name: &Name) {
        self.bind(name, Bound::Faulty);
        self.mark_used(Some(&name.text));
    }

    pub(super) fn bind_faulty_layer(&mut self, name: &Name) {
        self.bind(name, Bound::FaultyLayer);
        self.mark_used(Some(&name.text));
    }

    pub(super) fn mark_used(&mut self, name: Option<&str>) {
        if let Some(binding) = name.and_then(|name| self.binding_mut(name)) {
            binding.used = true;
        }
    }

    pub(super) fn is_label(&self, expr: &Expr) -> bool {
        let ExprKind::Name(name) = &expr.kind else {
            return false;
        };
        let binding = self.binding(name);
        binding.is_some_and(|binding| matches!(binding.bound, Bound::Label))
    }

    /// Gives whether the name was free.
    pub(super) fn bind(&mut self, name: &Name, bound: Bound) -> bool {
        if let Some(first) = self.taken(&name.text) {
            let mut fault = Diagnostic::new(
                Code::DuplicateName,
                name.span,
                format!("the name `{}` is taken", name.text),
            )
            .label("bound again here");
            fault = match first {
                Some(first) => fault.also(first, "bound first here"),
                None => fault.label("a word of the language"),
            };
            self.faults
                .push(fault.note("columns, values, labels and `param`s share one namespace"));
            return false;
        }
        let binding = Binding {
            bound,
            span: name.span,
            used: false,
        };
        self.scope.values.insert(name.text.clone(), name.span);
        let names = &mut self.frame_mut().names;
        names.insert(name.text.clone(), binding);
        true
    }

    /// Where a name is bound already, if it is.
    pub(super) fn taken(&self, name: &str) -> Option<Option<Span>> {
        if let Some(binding) = self.binding(name) {
            return Some(Some(binding.span));
        }
        if let Some((_, span)) = self.scope.parameters.get(name) {
            return Some(Some(*span));
        }
        if self.sees_inputs()
            && let Some(span) = self.inputs.span(name)
        {
            return Some(Some(span));
        }
        let reserved = name == "in" || FACTS.contains(&name);
        reserved.then_some(None)
    }

    /// The fault of a name that nothing declares. A name that was most likely meant counts as used.
    pub(super) fn unknown_name(&mut self, name: &str, span: Span) -> Diagnostic {
        if let Some((what, place)) = self.out_of_sight(name) {
            return Diagnostic::new(
                Code::UnknownName,
                span,
                format!("a block does not see the {what} `{name}`"),
            )
            .label("a block sees its parameters, and `in`")
            .also(place, format!("the {what}"))
            .help(format!("let the value flow in: `{name} -> Block(…)`"));
        }
        if let Some((what, place)) = self.unseen.get(name) {
            return Diagnostic::new(
                Code::Misplaced,
                span,
                format!("the network cannot see `{name}`, {what}"),
            )
            .label("an input or a value is expected here")
            .also(*place, "declared here")
            .help("what the network takes is declared by `input`");
        }
        if let Some(target) = self.targets.get(name) {
            return Diagnostic::new(
                Code::Misplaced,
                span,
                format!("`{name}` is the target, which the network cannot see"),
            )
            .label("an input or a value is expected here")
            .also(*target, "the target");
        }
        let fault = Diagnostic::new(
            Code::UnknownName,
            span,
            format!("nothing is called `{name}` here"),
        )
        .label("not a column, a value or a `param`");
        if self.faults.len() >= MOST_FAULTS {
            return fault;
        }
        let bound = self.seen_frames().flat_map(|frame| frame.names.keys());
        let bound = bound.map(String::as_str);
        let columns = self.inputs.names().filter(|_| self.sees_inputs());
        let mut known: Vec<&str> = bound.chain(columns).chain(self.scope.names()).collect();
        known.push("in");
        known.sort_unstable();
        known.dedup();
        // A layer in another library's words, where a value could stand too.
        if let Some(layer) = foreign::entry(Kind::Layer, name) {
            return fault
                .label(format!("the layer is called `{layer}` here"))
                .suggest(span, layer);
        }
        let meant = near_miss(name, known.iter().copied()).map(str::to_string);
        let fault = match meant
            .as_deref()
            .and_then(|meant| Some((meant, as_word(meant)?)))
        {
            Some((meant, word)) => fault.help(called_by_word(meant, &word)),
            None => fault.near(name, span, meant.as_deref()),
        };
        let fault = fault.note(format!("there are: {}", listed(known)));
        self.mark_used(meant.as_deref());
        fault
    }

    /// A column, or a value around the block that is being built, by its name: what it is, and where it
    /// is declared. A value counts as used.
    fn out_of_sight(&mut self, name: &str) -> Option<(&'static str, Span)> {
        if self.sees_inputs() {
            return None;
        }
        if let Some(column) = self.inputs.span(name) {
            return Some(("column", column));
        }
        let mut around = self.frames.iter_mut().rev();
        let binding = around.find_map(|frame| frame.names.get_mut(name))?;
        binding.used = true;
        Some(("value", binding.span))
    }

    /// Checks the values of the file's `param`s that are numbers, used or not.
    pub(super) fn check_parameters(&mut self) {
        let mut parameters: Vec<(&String, &(Expr, Span))> = self.scope.parameters.iter().collect();
        parameters.sort_by_key(|(_, (_, span))| *span);
        let mut told: HashSet<&str> = HashSet::new();
        let mut too_deep = false;
        for (name, (value, span)) in parameters {
            let fault = match &value.kind {
                ExprKind::Negate(_) | ExprKind::Binary { .. } => {
                    self.scope.number(value).err().map(|fault| *fault)
                }
                ExprKind::Name(_) if told.contains(name.as_str()) => None,
                ExprKind::Name(_) if self.scope.parameter(name).is_none() => {
                    told.extend(self.scope.circle_of(name));
                    Some(self.scope.circle(name))
                }
                ExprKind::Pipeline { .. }
                | ExprKind::Labelled { .. }
                | ExprKind::Repeat { .. }
                | ExprKind::Residual { .. } => Some(
                    Diagnostic::new(
                        Code::WrongType,
                        value.span,
                        format!("the param `{name}` is a number, a word or a layer"),
                    )
                    .label(format!("this is {}", kind_text(value))),
                ),
                ExprKind::Number { .. }
                | ExprKind::Text(_)
                | ExprKind::Bool(_)
                | ExprKind::Name(_)
                | ExprKind::List(_)
                | ExprKind::Call { .. } => None,
            };
            let deep = fault.iter().any(|fault| fault.code == Code::TooLarge);
            // Of a chain that is too deep, all that is above is.
            self.faults.extend(fault.filter(|_| !(deep && too_deep)));
            too_deep |= deep;
            let column = self.inputs.span(name).or(self.targets.get(name).copied());
            if let Some(column) = column {
                self.faults.push(
                    Diagnostic::new(
                        Code::DuplicateName,
                        *span,
                        format!("`{name}` is both a `param` and a column"),
                    )
                    .label("the `param`")
                    .also(column, "the column")
                    .note("columns, values, labels and `param`s share one namespace"),
                );
            }
        }
    }

    /// Marks the names within an expression as used, when a fault keeps it from being built.
    pub(super) fn mark_names(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Name(name) => self.mark_used(Some(name)),
            ExprKind::Number { .. } | ExprKind::Text(_) | ExprKind::Bool(_) => {}
            ExprKind::List(items) => items.iter().for_each(|item| self.mark_names(item)),
            ExprKind::Call { name, arguments } => {
                self.mark_used(Some(&name.text));
                let values = arguments.iter().map(|argument| &argument.value);
                values.for_each(|value| self.mark_names(value));
            }
            ExprKind::Negate(inner) => self.mark_names(inner),
            ExprKind::Binary { left, right, .. } => {
                self.mark_names(left);
                self.mark_names(right);
            }
            ExprKind::Pipeline { head, stages } => {
                self.mark_names(head);
                stages.iter().for_each(|stage| self.mark_names(stage));
            }
            ExprKind::Labelled { stage, .. } => self.mark_names(stage),
            ExprKind::Repeat { count, body, .. } => {
                self.mark_names(count);
                self.mark_names_of(body);
            }
            ExprKind::Residual { body } => self.mark_names_of(body),
        }
    }

    fn mark_names_of(&mut self, body: &[Statement]) {
        for statement in body {
            match &statement.kind {
                StatementKind::Assign { value, .. }
                | StatementKind::Param { value, .. }
                | StatementKind::Line(value) => self.mark_names(value),
                StatementKind::Declare { kind, .. } => {
                    kind.iter().for_each(|kind| self.mark_names(kind));
                }
                StatementKind::Section(section) => self.mark_names_of(&section.body),
                StatementKind::Use { .. } => {}
            }
        }
    }

    pub(super) fn report_unused(&mut self) {
        let frame = self.frames.last().expect("a body is being built");
        let mut unused: Vec<(&String, &Binding)> = frame
            .names
            .iter()
            .filter(|(_, binding)| !binding.used)
            .collect();
        unused.sort_by_key(|(_, binding)| binding.span);
        for (name, binding) in unused {
            let what = match binding.bound {
                Bound::Shared { .. } | Bound::FaultyLayer => "shared layer",
                Bound::Value(_) | Bound::Number(_) | Bound::Label | Bound::Faulty => "value",
            };
            self.faults.push(
                Diagnostic::new(
                    Code::UnusedResult,
                    binding.span,
                    format!("the {what} `{name}` is unused"),
                )
                .label("bound here and not used"),
            );
        }
    }
}
