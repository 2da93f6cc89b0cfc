//! Stages: layers applied to what flows in.

use super::super::arguments;
use super::super::constant::kind_text;
use super::names::Bound;
use super::{Flow, Net};
use crate::catalog::layers::Context;
use crate::catalog::{Kind, Meaning};
use crate::diagnostics::{Code, Diagnostic, Span};
use crate::graph::ValueId;
use crate::syntax::ast::{Expr, ExprKind, Name};

/// Where a stage stands: how its parameters are called, how the plan shows it.
struct Site {
    path: String,
    shown: String,
    span: Span,
    /// Where the layer is declared: the same place, unless it is shared.
    declared: Span,
    /// How often the layer was applied before.
    use_number: usize,
}

impl Net<'_> {
    /// Applies one stage to what flows in. After a fault what flows on has an unknown width.
    pub(super) fn stage(&mut self, expr: &Expr, flow: Flow) -> Flow {
        let value = match self.applied(expr, flow) {
            Some(value) => value,
            None => self.placeholder(),
        };
        Flow {
            value,
            span: expr.span,
            name: None,
            used: true,
        }
    }

    /// `None` after a fault.
    fn applied(&mut self, expr: &Expr, flow: Flow) -> Option<ValueId> {
        let position = self.stages;
        self.stages += 1;
        let (label, layer) = match &expr.kind {
            ExprKind::Labelled { label, stage } => (Some(label), &**stage),
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
            | ExprKind::Residual { .. } => (None, expr),
        };
        // A label that is taken names no parameters either: they would be another stage's.
        let named = label.filter(|label| self.bind(label, Bound::Label));
        self.mark_used(label.map(|label| label.text.as_str()));
        if let ExprKind::Name(name) = &layer.kind
            && self.names.contains_key(name)
        {
            return self.bound_stage(name.clone(), label, layer.span, flow);
        }
        let path = match named {
            Some(label) => label.text.clone(),
            None => position.to_string(),
        };
        let shown = match label {
            Some(label) => label.text.clone(),
            None => match &self.line_name {
                Some(name) => name.clone(),
                None => format!("{position}:{}", layer_name(layer)),
            },
        };
        let site = Site {
            path,
            shown,
            span: expr.span,
            declared: expr.span,
            use_number: 0,
        };
        self.apply(layer, site, flow)
    }

    /// Applies what a name of the body is bound to.
    fn bound_stage(
        &mut self,
        name: String,
        label: Option<&Name>,
        span: Span,
        flow: Flow,
    ) -> Option<ValueId> {
        let binding = self.names.get_mut(&name).expect("the name was just found");
        binding.used = true;
        let declared = binding.span;
        match &mut binding.bound {
            Bound::Faulty | Bound::FaultyLayer => None,
            Bound::Shared { layer, uses } => {
                let layer = layer.clone();
                let use_number = *uses;
                *uses += 1;
                if let Some(label) = label {
                    self.faults.push(
                        Diagnostic::new(
                            Code::Misplaced,
                            label.span,
                            "a shared layer has the label that it is declared by",
                        )
                        .label("names nothing")
                        .also(declared, "declared here")
                        .help(format!("write `{name}` alone")),
                    );
                }
                let site = Site {
                    path: name.clone(),
                    shown: match use_number {
                        0 => name.clone(),
                        count => format!("{name}#{}", count + 1),
                    },
                    span,
                    declared,
                    use_number,
                };
                self.apply(&layer, site, flow)
            }
            Bound::Value(_) | Bound::Number(_) | Bound::Label => {
                self.faults.push(
                    Diagnostic::new(
                        Code::Misplaced,
                        span,
                        format!("`{name}` is not a layer, so nothing can flow into it"),
                    )
                    .label("a layer is expected after `->`")
                    .also(declared, format!("`{name}` is bound here"))
                    .help(format!(
                        "to share a layer, write `shared {name}: Linear(8)`"
                    )),
                );
                None
            }
        }
    }

    /// Applies a layer to what flows in.
    fn apply(&mut self, layer: &Expr, site: Site, flow: Flow) -> Option<ValueId> {
        match &layer.kind {
            ExprKind::Name(name) => {
                if let Some(fault) = self.not_a_layer(name, layer.span) {
                    self.faults.push(fault);
                    return None;
                }
            }
            ExprKind::Call { .. } => {}
            ExprKind::Repeat { .. } => {
                self.not_supported(layer.span, "`repeat`");
                self.mark_names(layer);
                return None;
            }
            ExprKind::Residual { .. } => {
                self.not_supported(layer.span, "`residual`");
                self.mark_names(layer);
                return None;
            }
            ExprKind::Number { .. }
            | ExprKind::Text(_)
            | ExprKind::Bool(_)
            | ExprKind::List(_)
            | ExprKind::Negate(_)
            | ExprKind::Binary { .. }
            | ExprKind::Pipeline { .. }
            | ExprKind::Labelled { .. } => {
                self.faults.push(
                    Diagnostic::new(
                        Code::WrongType,
                        layer.span,
                        "a layer is expected after `->`",
                    )
                    .label(format!("this is {}", kind_text(layer))),
                );
                self.mark_names(layer);
                return None;
            }
        }
        let Some(call) = arguments::call(layer, Kind::Layer, &self.scope, self.faults) else {
            self.mark_names(layer);
            return None;
        };
        self.begin(&site.shown, site.span);
        let states = self.graph.states.len();
        let result = match &call.entry.meaning {
            Meaning::Activation(function) => {
                Ok(self.graph.map(function(&call.arguments), flow.value))
            }
            Meaning::Layer(build) => {
                let mut context = Context {
                    graph: &mut self.graph,
                    path: site.path,
                    span: site.declared,
                    input_span: flow.span,
                    use_number: site.use_number,
                };
                build(&mut context, &call.arguments, flow.value)
            }
            Meaning::Loss(_)
            | Meaning::Optimizer(_)
            | Meaning::Initializer(_)
            | Meaning::Metric(_)
            | Meaning::ColumnKind
            | Meaning::Split => unreachable!("the entry is a layer"),
        };
        if self.report_too_big(states) {
            return None;
        }
        result.map_err(|fault| self.faults.push(*fault)).ok()
    }

    /// The fault of a value's or column's name in the place of a layer.
    fn not_a_layer(&self, name: &str, span: Span) -> Option<Diagnostic> {
        let value = self.inputs.has(name) || name == "in" || self.scope.fact(name).is_some();
        value.then(|| {
            let fault = Diagnostic::new(
                Code::Misplaced,
                span,
                format!("`{name}` is a value, so nothing can flow into it"),
            )
            .label("a layer is expected after `->`");
            match self.inputs.span(name) {
                Some(declared) => fault.also(declared, "the column is declared here"),
                None => fault,
            }
        })
    }
}

/// What a stage applies, by name.
pub(super) fn layer_name(layer: &Expr) -> &str {
    match &layer.kind {
        ExprKind::Name(name) => name,
        ExprKind::Call { name, .. } => &name.text,
        ExprKind::Number { .. }
        | ExprKind::Text(_)
        | ExprKind::Bool(_)
        | ExprKind::List(_)
        | ExprKind::Negate(_)
        | ExprKind::Binary { .. }
        | ExprKind::Pipeline { .. }
        | ExprKind::Labelled { .. }
        | ExprKind::Repeat { .. }
        | ExprKind::Residual { .. } => "stage",
    }
}
