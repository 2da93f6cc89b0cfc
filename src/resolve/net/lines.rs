//! The lines of a body: each begins with a value, or goes on from the line above.

use super::expressions::Operand;
use super::names::Bound;
use super::{Flow, Net, PARAMETER};
use crate::diagnostics::{Code, Diagnostic, Span};
use crate::graph::ValueId;
use crate::graph::ops::Op;
use crate::resolve::watch::Stage;
use crate::syntax::ast::{Expr, ExprKind, Name, Statement, StatementKind};

impl Net<'_> {
    /// Builds the lines of a body; without a result there is a fault.
    pub(super) fn body(
        &mut self,
        statements: &[Statement],
        span: Span,
        what: &str,
    ) -> Option<Flow> {
        if statements.is_empty() {
            self.faults.push(
                Diagnostic::new(Code::MissingSection, span, format!("{what} has no lines"))
                    .label("nothing between the braces")
                    .help("write `Linear(1)`, say"),
            );
            return None;
        }
        let before = self.faults.len();
        let mut flow: Option<Flow> = None;
        for statement in statements {
            if let Some((name, value)) = self.line_of(statement) {
                if !self.spend(statement.span) {
                    break;
                }
                flow = self.line(name, value, flow);
            }
        }
        // With several targets the last line is a line as any other.
        let of_targets = self.frames.len() == 1 && self.targets.len() > 1;
        match &flow {
            Some(_) if of_targets => {}
            Some(flow) => self.mark_used(flow.name.as_deref()),
            None => {
                let names = &mut self.frame_mut().names;
                names.values_mut().for_each(|name| name.used = true);
                if self.faults.len() == before {
                    self.faults.push(
                        Diagnostic::new(
                            Code::MissingSection,
                            span,
                            format!("{what} has no result"),
                        )
                        .label("none of its lines gives a value")
                        .help("end it with a layer or a value: `Linear(1)`, say"),
                    );
                }
            }
        }
        flow
    }

    /// The name and the value of a line; what is no line is declared or reported.
    pub(super) fn line_of<'s>(
        &mut self,
        statement: &'s Statement,
    ) -> Option<(Option<&'s Name>, &'s Expr)> {
        match &statement.kind {
            StatementKind::Assign { name, value } => return Some((Some(name), value)),
            StatementKind::Line(value) => return Some((None, value)),
            StatementKind::Declare {
                keyword,
                names,
                kind,
                from,
            } => self.declare(keyword, names, kind.as_ref(), from.as_ref()),
            StatementKind::Section(section) => self.misplaced_section(section),
            StatementKind::Param { name, .. } => {
                self.faults.push(
                    Diagnostic::new(
                        Code::Misplaced,
                        statement.span,
                        "a `param` stands at the top level of the file",
                    )
                    .label("inside of a body")
                    .help("move it above the sections"),
                );
                self.bind_faulty(name);
            }
            StatementKind::Use { .. } => self.faults.push(
                Diagnostic::new(
                    Code::Misplaced,
                    statement.span,
                    "`use` stands at the top level of the file",
                )
                .label("inside of a body"),
            ),
        }
        None
    }

    /// Builds a line; gives what the next one may continue from.
    fn line(&mut self, name: Option<&Name>, value: &Expr, before: Option<Flow>) -> Option<Flow> {
        self.frame_mut().line_name = name.map(|name| name.text.clone());
        // Whether a parameter without a value is a layer or a number, only a use of its block tells.
        if self.scope.is_waiting(value) {
            name.iter().for_each(|name| self.bind_faulty(name));
            return Some(self.faulty_flow(value.span));
        }
        let first = head(value);
        if self.is_stage(first) {
            let start = match before {
                Some(before) => {
                    self.mark_used(before.name.as_deref());
                    before
                }
                None => self.body_input(first.span),
            };
            let result = self.pipeline_from(value, start);
            return Some(self.result(name, value.span, result));
        }
        let operand = self.expression(value);
        match operand {
            Some(Operand::Value(result)) => {
                // A label stands for no value: most likely its stage's result was meant, which is used.
                let of_label = self.is_label(first);
                self.report_dropped(before.filter(|_| !of_label));
                Some(self.result(name, value.span, result))
            }
            Some(Operand::List(items)) => {
                self.list_as_value(value.span, items.len());
                if let Some(name) = name {
                    self.bind_faulty(name);
                }
                self.report_dropped(before);
                Some(self.faulty_flow(value.span))
            }
            Some(Operand::Number(number)) => {
                match name {
                    Some(name) => {
                        self.bind(name, Bound::Number(number));
                    }
                    None => self.faults.push(
                        Diagnostic::new(Code::UnusedResult, value.span, "a number alone on a line")
                            .label("this number is unused"),
                    ),
                }
                before
            }
            None => {
                if let Some(name) = name {
                    self.bind_faulty(name);
                }
                Some(self.faulty_flow(value.span))
            }
        }
    }

    pub(super) fn faulty_flow(&mut self, span: Span) -> Flow {
        Flow {
            value: self.placeholder(),
            span,
            name: None,
            used: true,
        }
    }

    /// Binds the result of a line to its name.
    fn result(&mut self, name: Option<&Name>, span: Span, value: ValueId) -> Flow {
        if let Some(name) = name {
            self.bind(name, Bound::Value(value));
            let path = self.frame().path_of(&name.text);
            let node = &mut self.graph.nodes[value.index()];
            node.name.get_or_insert_with(|| path.as_str().into());
            // A parameter is recorded as such.
            if !matches!(node.op, Op::State(_)) {
                self.stages.push(Stage { path, value });
            }
        }
        Flow {
            value,
            span,
            name: name.map(|name| name.text.clone()),
            used: false,
        }
    }

    /// Applies the stages of a line that begins with one.
    fn pipeline_from(&mut self, expr: &Expr, start: Flow) -> ValueId {
        match &expr.kind {
            ExprKind::Pipeline { head, stages } => {
                let first = self.stage(head, start);
                self.stages_of(stages, first)
            }
            ExprKind::Number { .. }
            | ExprKind::Text(_)
            | ExprKind::Bool(_)
            | ExprKind::Name(_)
            | ExprKind::List(_)
            | ExprKind::Call { .. }
            | ExprKind::Negate(_)
            | ExprKind::Binary { .. }
            | ExprKind::Labelled { .. }
            | ExprKind::Repeat { .. }
            | ExprKind::Residual { .. } => self.stage(expr, start).value,
        }
    }

    pub(super) fn stages_of(&mut self, stages: &[Expr], mut flow: Flow) -> ValueId {
        for stage in stages {
            flow = self.stage(stage, flow);
        }
        flow.value
    }

    /// Whether a line that begins with this expression continues from the line above.
    pub(super) fn is_stage(&self, head: &Expr) -> bool {
        match &head.kind {
            ExprKind::Call { name, .. } => name.text != PARAMETER,
            ExprKind::Labelled { .. } | ExprKind::Repeat { .. } | ExprKind::Residual { .. } => true,
            ExprKind::Name(name) => self.is_layer_name(name),
            ExprKind::Number { .. }
            | ExprKind::Text(_)
            | ExprKind::Bool(_)
            | ExprKind::List(_)
            | ExprKind::Negate(_)
            | ExprKind::Binary { .. }
            | ExprKind::Pipeline { .. } => false,
        }
    }

    pub(super) fn is_layer_name(&self, name: &str) -> bool {
        if let Some(binding) = self.binding(name) {
            return matches!(binding.bound, Bound::Shared { .. } | Bound::FaultyLayer);
        }
        if name == PARAMETER || self.sees_inputs() && self.inputs.has(name) {
            return false;
        }
        let layer = match self.scope.parameter(name).map(|expr| &expr.kind) {
            Some(ExprKind::Name(value)) => value,
            Some(ExprKind::Call { .. }) => return true,
            Some(_) => return false,
            None => name,
        };
        layer.starts_with(|first: char| first.is_uppercase())
    }

    /// A line that starts from a value leaves the result of the line above without a user.
    pub(super) fn report_dropped(&mut self, before: Option<Flow>) {
        let Some(flow) = before else {
            return;
        };
        // A result with a name may be used by it further on.
        if !flow.used && flow.name.is_none() {
            self.faults.push(
                Diagnostic::new(
                    Code::UnusedResult,
                    flow.span,
                    "the result of this line is unused",
                )
                .label("the next line starts from another value")
                .help("name it (`h = …`) and use the name, or remove the line"),
            );
        }
    }
}

/// The expression that a line begins with.
pub(super) fn head(expr: &Expr) -> &Expr {
    if let ExprKind::Pipeline { head, .. } = &expr.kind {
        return head;
    }
    expr
}
