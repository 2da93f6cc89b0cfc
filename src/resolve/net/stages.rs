//! Stages: layers applied to what flows in.

use super::super::arguments::{self, Call};
use super::super::constant::kind_text;
use super::super::watch::Stage;
use super::bodies::{MOST_LINES, Repeat};
use super::names::Bound;
use super::{Flow, Net};
use crate::catalog::axes::along;
use crate::catalog::layers::LayerContext;
use crate::catalog::{Kind, Meaning};
use crate::diagnostics::{Code, Diagnostic, Span};
use crate::graph::ValueId;
use crate::syntax::ast::{Expr, ExprKind, Name};

/// Uses of one shared layer stay below 2 to this: a network has fewer stages.
const USES_BITS: u32 = 16;
const _: () = assert!(MOST_LINES < 1 << USES_BITS);

/// Where a stage stands: how its parameters are called, how the plan shows it.
pub(super) struct Site {
    pub path: String,
    /// What the paths of the body begin with.
    pub prefix: String,
    pub shown: String,
    pub span: Span,
    /// Where the layer is declared: the same place, unless it is shared.
    pub declared: Span,
    /// How often the layer was applied before.
    pub use_number: usize,
    /// Its label, or the name that a shared layer is declared by.
    pub label: Option<String>,
}

impl Net<'_> {
    /// Applies one stage to what flows in. After a fault what flows on has an unknown width.
    pub(super) fn stage(&mut self, expr: &Expr, flow: Flow) -> Flow {
        let value = self.applied(expr, flow);
        self.flow_on(value, expr.span)
    }

    /// What a stage hands on; after a fault a value of unknown width.
    fn flow_on(&mut self, value: Option<ValueId>, span: Span) -> Flow {
        Flow {
            value: value.unwrap_or_else(|| self.placeholder()),
            span,
            name: None,
            used: true,
        }
    }

    /// `None` after a fault.
    fn applied(&mut self, expr: &Expr, flow: Flow) -> Option<ValueId> {
        if !self.spend(expr.span) {
            return None;
        }
        let (site, layer, label) = self.site(expr);
        if let ExprKind::Name(name) = &layer.kind
            && self.binding(name).is_some()
        {
            let (layer, site) = self.shared_use(name, label, layer.span)?;
            return self.apply(&layer, site, flow);
        }
        self.apply(layer, site, flow)
    }

    /// Applies one stage to the values of a list. After a fault what flows on has an unknown width.
    pub(super) fn combination(&mut self, expr: &Expr, items: &[(ValueId, Span)]) -> Flow {
        let value = self.combined(expr, items);
        self.flow_on(value, expr.span)
    }

    fn combined(&mut self, expr: &Expr, items: &[(ValueId, Span)]) -> Option<ValueId> {
        if !self.spend(expr.span) {
            return None;
        }
        let (mut site, used, label) = self.site(expr);
        let mut layer = used;
        let shared;
        if let ExprKind::Name(name) = &layer.kind
            && self.binding(name).is_some()
        {
            (shared, site) = self.shared_use(name, label, layer.span)?;
            layer = &shared;
        }
        if self.block_of(layer).is_some() {
            self.mark_names(layer);
            self.faults.push(list_flows(used, items.len()));
            return None;
        }
        let Some(call) = arguments::call(layer, Kind::Layer, &self.scope, self.faults) else {
            self.mark_names(layer);
            return None;
        };
        self.deferred.extend(call.arguments.deferred());
        let Meaning::Combination(build) = &call.entry.meaning else {
            self.faults.push(list_flows(used, items.len()));
            return None;
        };
        self.begin_call(&site, &call);
        let mut context = LayerContext {
            graph: &mut self.graph,
            path: site.path,
            prefix: site.prefix,
            span: site.declared,
            input_span: expr.span,
            use_number: site.use_number,
            advice: &mut self.advice,
        };
        let path = context.path.clone();
        let result = build(&mut context, &call.arguments, items);
        let value = result.map_err(|fault| self.faults.push(*fault)).ok()?;
        self.stages.push(Stage { path, value });
        Some(value)
    }

    /// Gives a stage its place among those of its body.
    fn site<'e>(&mut self, expr: &'e Expr) -> (Site, &'e Expr, Option<&'e Name>) {
        let position = self.frame().stages;
        self.frame_mut().stages += 1;
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
        let frame = self.frame();
        let path = match (named, &frame.sole) {
            (Some(label), _) => frame.path_of(&label.text),
            (None, Some(sole)) => sole.clone(),
            (None, None) => frame.path_of(&position.to_string()),
        };
        let shown = match (label, &frame.line_name) {
            (Some(label), _) => frame.path_of(&label.text),
            (None, Some(name)) => frame.path_of(name),
            (None, None) => format!("{path}:{}", layer_name(self.scope.followed(layer))),
        };
        let site = Site {
            path,
            prefix: frame.prefix.clone(),
            shown,
            span: expr.span,
            declared: expr.span,
            use_number: frame.use_number,
            label: label.map(|label| label.text.clone()),
        };
        (site, layer, label)
    }

    /// The layer that a name of the body is bound to, and where it is applied.
    fn shared_use(&mut self, name: &str, label: Option<&Name>, span: Span) -> Option<(Expr, Site)> {
        let (outer, prefix) = (self.frame().use_number, self.frame().prefix.clone());
        let binding = self.binding_mut(name).expect("the name was just found");
        binding.used = true;
        let declared = binding.span;
        match &mut binding.bound {
            Bound::Faulty | Bound::FaultyLayer => None,
            Bound::Shared { layer, path, uses } => {
                let (layer, path) = (layer.clone(), path.clone());
                // A shared layer within a shared block draws anew for each use of both.
                let use_number = (outer << USES_BITS) + *uses;
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
                    shown: use_of(&path, use_number),
                    path,
                    prefix,
                    span,
                    declared,
                    use_number,
                    label: Some(name.to_string()),
                };
                Some((layer, site))
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

    /// Applies a layer to what flows in, and keeps its result in mind by its path.
    fn apply(&mut self, layer: &Expr, site: Site, flow: Flow) -> Option<ValueId> {
        let path = use_of(&site.path, site.use_number);
        let value = self.result_of(layer, site, flow)?;
        self.stages.push(Stage { path, value });
        Some(value)
    }

    fn result_of(&mut self, layer: &Expr, site: Site, flow: Flow) -> Option<ValueId> {
        match &layer.kind {
            ExprKind::Name(name) => {
                if let Some(fault) = self.not_a_layer(name, layer.span, site.label.as_deref()) {
                    self.faults.push(fault);
                    return None;
                }
            }
            ExprKind::Call { .. } => {}
            ExprKind::Repeat { count, index, body } => {
                let repeat = Repeat {
                    count,
                    index: index.as_ref(),
                    body,
                    span: layer.span,
                };
                return self.repeat(&repeat, &site, flow);
            }
            ExprKind::Residual { body } => {
                return self.residual(body, &site, flow);
            }
            ExprKind::Number { .. }
            | ExprKind::Text(_)
            | ExprKind::Bool(_)
            | ExprKind::List(_)
            | ExprKind::Negate(_)
            | ExprKind::Binary { .. }
            | ExprKind::Pipeline { .. }
            | ExprKind::Labelled { .. } => {
                self.faults.push(no_layer(layer));
                self.mark_names(layer);
                return None;
            }
        }
        if let Some(block) = self.block_of(layer) {
            return self.block(&block, layer, &site, flow);
        }
        let Some(call) = arguments::call(layer, Kind::Layer, &self.scope, self.faults) else {
            self.mark_names(layer);
            return None;
        };
        self.deferred.extend(call.arguments.deferred());
        self.begin_call(&site, &call);
        let states = self.graph.states.len();
        let result = match &call.entry.meaning {
            Meaning::Activation(function) => {
                Ok(self.graph.map(function(&call.arguments), flow.value))
            }
            Meaning::Layer(build) | Meaning::LastAxis(build) => {
                let mut context = LayerContext {
                    graph: &mut self.graph,
                    path: site.path,
                    prefix: site.prefix,
                    span: site.declared,
                    input_span: flow.span,
                    use_number: site.use_number,
                    advice: &mut self.advice,
                };
                if matches!(call.entry.meaning, Meaning::LastAxis(_)) {
                    along(&mut context, *build, &call.arguments, flow.value)
                } else {
                    build(&mut context, &call.arguments, flow.value)
                }
            }
            Meaning::Combination(_) => Err(Box::new(one_flows(layer))),
            Meaning::Parameter => Err(Box::new(nothing_flows_into_a_parameter(layer))),
            Meaning::Loss(_)
            | Meaning::Optimizer(_)
            | Meaning::Schedule(_)
            | Meaning::Stop
            | Meaning::Average
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

    /// Makes new nodes come from a stage.
    fn begin_call(&mut self, site: &Site, call: &Call) {
        let origin = self.begin(&site.shown, site.span);
        self.graph.classify(origin, call.entry.name);
        let text = call.short_text();
        let text = match &site.label {
            Some(label) => format!("{label}: {text}"),
            None => text,
        };
        self.graph.show(origin, &text);
    }

    /// The fault of a value's or column's name in the place of a layer, with a label before it or not.
    fn not_a_layer(&self, name: &str, span: Span, label: Option<&str>) -> Option<Diagnostic> {
        let value = self.inputs.has(name) || name == "in" || self.scope.fact(name).is_some();
        value.then(|| {
            let fault = Diagnostic::new(
                Code::Misplaced,
                span,
                format!("`{name}` is a value, so nothing can flow into it"),
            );
            let fault = match label {
                Some(label) => fault
                    .label(format!("a layer is expected after `{label}:`"))
                    .help(format!(
                        "a result is named with `=`: `{label} = {name} -> …`"
                    )),
                None => fault.label("a layer is expected after `->`"),
            };
            match self.inputs.span(name) {
                Some(declared) => fault.also(declared, "the column is declared here"),
                None => fault,
            }
        })
    }
}

/// What a use of a shared layer is called.
fn use_of(path: &str, use_number: usize) -> String {
    match use_number {
        0 => path.to_string(),
        count => format!("{path}#{}", count + 1),
    }
}

/// The fault of a list in front of what takes one value.
fn list_flows(layer: &Expr, count: usize) -> Diagnostic {
    let name = layer_name(layer);
    let values = if count == 1 { "value" } else { "values" };
    Diagnostic::new(
        Code::WrongType,
        layer.span,
        format!("`{name}` takes one value, but a list of {count} {values} flows in"),
    )
    .label("one value is expected here")
    .help(format!(
        "combine the list first: `[a, b] -> Concat -> {name}…`; Add, Multiply, Mean, Maximum and Dot combine too"
    ))
}

fn no_layer(found: &Expr) -> Diagnostic {
    Diagnostic::new(
        Code::WrongType,
        found.span,
        "a layer is expected after `->`",
    )
    .label(format!("this is {}", kind_text(found)))
}

fn nothing_flows_into_a_parameter(layer: &Expr) -> Diagnostic {
    Diagnostic::new(
        Code::Misplaced,
        layer.span,
        "a `Parameter` is a value, so nothing can flow into it",
    )
    .label("a layer is expected after `->`")
    .help("name it, then use the name: `p = Parameter([8])`, `h * p`")
}

/// The fault of one value in front of what combines a list.
fn one_flows(layer: &Expr) -> Diagnostic {
    let name = layer_name(layer);
    Diagnostic::new(
        Code::WrongType,
        layer.span,
        format!("`{name}` combines a list of values, but one value flows in"),
    )
    .label("a list is expected here")
    .help(format!("write `[a, b] -> {name}`"))
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
        | ExprKind::Labelled { .. } => "stage",
        ExprKind::Repeat { .. } => "repeat",
        ExprKind::Residual { .. } => "residual",
    }
}
