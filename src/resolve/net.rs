//! The `net` section: lines become nodes of the graph, shapes checked as they are built.

use std::collections::HashMap;

use super::arguments;
use super::constant::{Facts, Number, Scope};
use super::inputs::Inputs;
use crate::catalog::layers::Context;
use crate::catalog::{self, Kind, Meaning};
use crate::data::spec::Schema;
use crate::diagnostics::{Code, Diagnostic, Span};
use crate::graph::shape::Shape;
use crate::graph::{Graph, OriginId, ValueId};
use crate::syntax::ast::{
    ColumnName, Expr, ExprKind, Name, Operator, Section, Statement, StatementKind,
};

/// What a name of the body stands for.
#[derive(Clone, Debug)]
enum Bound {
    Value(ValueId),
    Number(Number),
    Shared {
        layer: Expr,
        uses: usize,
    },
    /// A stage's label: it names parameters, not a value.
    Label,
    /// What it was bound to is faulty and has been reported.
    Faulty,
}

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

/// The largest tensor: more elements than any machine's memory holds.
const MOST_ELEMENTS: usize = 1 << 40;

#[derive(Clone, Debug)]
struct Binding {
    bound: Bound,
    span: Span,
    used: bool,
}

/// What an expression gives.
#[derive(Clone, Debug)]
enum Operand {
    Value(ValueId),
    Number(Number),
}

/// The result of a line that the next line may continue from.
#[derive(Clone, Copy)]
struct Flow {
    value: ValueId,
    span: Span,
    used: bool,
}

/// The network's part of a graph, and where its result was written.
pub struct Network {
    pub graph: Graph,
    pub result: Option<ValueId>,
    pub result_span: Span,
}

/// Builds the network of a `net` section.
pub fn resolve(
    section: &Section,
    schema: &Schema,
    scope: &Scope,
    faults: &mut Vec<Diagnostic>,
) -> Network {
    let mut graph = Graph::new();
    let origin = graph.add_origin("inputs", section.keyword.span);
    let inputs = Inputs::new(schema, origin);
    let mut scope = scope.clone();
    scope.facts = Some(facts(schema, &inputs));
    let mut net = Net {
        graph,
        inputs,
        scope,
        names: HashMap::new(),
        faults,
        stages: 0,
        line_name: None,
    };
    let result = net.body(&section.body, section.keyword.span);
    net.report_unused();
    Network {
        graph: net.graph,
        result: result.map(|flow| flow.value),
        result_span: result.map_or(section.keyword.span, |flow| flow.span),
    }
}

fn facts(schema: &Schema, inputs: &Inputs) -> Facts {
    use crate::data::spec::FieldKind;
    let deferred = |name: &str| crate::graph::shape::Dim::Deferred(name.into());
    let classes = match schema.targets.first().map(|field| &field.kind) {
        Some(FieldKind::Category { classes, .. }) => {
            Some(classes.map_or_else(|| deferred("classes"), Into::into))
        }
        Some(FieldKind::Numbers { .. }) | None => None,
    };
    Facts {
        classes,
        features: inputs.width(),
        rows: schema
            .rows
            .map_or_else(|| deferred("rows"), |rows| rows.train.into()),
    }
}

struct Net<'n> {
    graph: Graph,
    inputs: Inputs,
    scope: Scope,
    names: HashMap<String, Binding>,
    faults: &'n mut Vec<Diagnostic>,
    /// Stages of the body so far; unlabelled ones are numbered by it.
    stages: usize,
    /// The name that the line being built binds.
    line_name: Option<String>,
}

impl Net<'_> {
    fn body(&mut self, statements: &[Statement], span: Span) -> Option<Flow> {
        if statements.is_empty() {
            self.faults.push(
                Diagnostic::new(Code::MissingSetting, span, "the network has no lines")
                    .label("nothing in this body")
                    .help("write `Linear(1)`, say"),
            );
            return None;
        }
        let mut flow: Option<Flow> = None;
        let mut first = true;
        for statement in statements {
            let (name, value) = match &statement.kind {
                StatementKind::Assign { name, value } => (Some(name), value),
                StatementKind::Line(value) => (None, value),
                StatementKind::Declare {
                    keyword,
                    names,
                    kind,
                    from,
                } => {
                    self.declare(keyword, names, kind.as_ref(), from.as_ref());
                    continue;
                }
                StatementKind::Section(section) => {
                    self.misplaced_section(section);
                    continue;
                }
                StatementKind::Param { .. } | StatementKind::Use { .. } => {
                    self.faults.push(
                        Diagnostic::new(
                            Code::Misplaced,
                            statement.span,
                            "`param` and `use` stand at the top level of the file",
                        )
                        .label("inside of a body"),
                    );
                    continue;
                }
            };
            self.line_name = name.map(|name| name.text.clone());
            let continues = self.is_stage(head(value));
            let start = match (continues, flow) {
                (true, Some(mut before)) => {
                    before.used = true;
                    flow = Some(before);
                    Some(before)
                }
                (true, None) if first => self.whole_input(head(value).span).map(|value| Flow {
                    value,
                    span,
                    used: true,
                }),
                (true, None) | (false, _) => None,
            };
            if continues && start.is_none() {
                // What flows in is faulty and has been reported.
                first = false;
                if let Some(name) = name {
                    self.bind_unknown(name);
                }
                continue;
            }
            let before = flow;
            let operand = self.line(value, start);
            first = false;
            match operand {
                Some(Operand::Value(id)) => {
                    self.report_dropped(before, continues);
                    if let Some(name) = name {
                        self.bind(name, Bound::Value(id));
                        let node = &mut self.graph.nodes[id.index()];
                        node.name.get_or_insert_with(|| name.text.as_str().into());
                    }
                    flow = Some(Flow {
                        value: id,
                        span: value.span,
                        used: name.is_some(),
                    });
                }
                Some(Operand::Number(number)) => match name {
                    Some(name) => self.bind(name, Bound::Number(number)),
                    None => self.faults.push(
                        Diagnostic::new(Code::UnusedResult, value.span, "a number alone on a line")
                            .label("nothing uses this number"),
                    ),
                },
                None => {
                    flow = None;
                    if let Some(name) = name {
                        self.bind_unknown(name);
                    }
                }
            }
        }
        // The last line is the result: a name that it binds is used.
        if let Some(Statement {
            kind: StatementKind::Assign { name, .. },
            ..
        }) = statements.last()
            && let Some(binding) = self.names.get_mut(&name.text)
        {
            binding.used = true;
        }
        flow
    }

    /// Whether a line that begins with this expression continues from the line above.
    fn is_stage(&self, head: &Expr) -> bool {
        match &head.kind {
            ExprKind::Call { .. }
            | ExprKind::Labelled { .. }
            | ExprKind::Repeat { .. }
            | ExprKind::Residual { .. } => true,
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

    fn is_layer_name(&self, name: &str) -> bool {
        if let Some(binding) = self.names.get(name) {
            return matches!(binding.bound, Bound::Shared { .. });
        }
        if self.inputs.has(name) {
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

    fn whole_input(&mut self, span: Span) -> Option<ValueId> {
        let value = self.inputs.whole(&mut self.graph);
        if value.is_none() {
            self.faults.push(
                Diagnostic::new(Code::NoInput, span, "the network has no input")
                    .label("nothing flows in here")
                    .help("declare one in the `data` section: `input x: number`"),
            );
        }
        value
    }

    fn line(&mut self, expr: &Expr, flow: Option<Flow>) -> Option<Operand> {
        match (&expr.kind, flow) {
            (ExprKind::Pipeline { head, stages }, Some(flow)) if self.is_stage(head) => {
                let first = self.stage(head, flow)?;
                self.stages_of(stages, first).map(Operand::Value)
            }
            (_, Some(flow)) => {
                let result = self.stage(expr, flow)?;
                Some(Operand::Value(result.value))
            }
            (_, None) => self.expression(expr),
        }
    }

    fn stages_of(&mut self, stages: &[Expr], mut flow: Flow) -> Option<ValueId> {
        for stage in stages {
            flow = self.stage(stage, flow)?;
        }
        Some(flow.value)
    }

    /// A value or a number.
    fn expression(&mut self, expr: &Expr) -> Option<Operand> {
        match &expr.kind {
            ExprKind::Number { value, .. } => Some(Operand::Number(Number::Known(*value))),
            ExprKind::Name(name) => self.name(name, expr.span),
            ExprKind::Negate(inner) => match self.expression(inner)? {
                Operand::Number(Number::Known(value)) => {
                    Some(Operand::Number(Number::Known(-value)))
                }
                Operand::Number(Number::Deferred(text)) => {
                    Some(Operand::Number(Number::Deferred(format!("-{text}"))))
                }
                Operand::Value(value) => {
                    self.begin_arithmetic(expr.span);
                    let function = crate::graph::scalar::ScalarFunction::Negate;
                    Some(Operand::Value(self.graph.map(function, value)))
                }
            },
            ExprKind::Binary {
                operator,
                left,
                right,
                ..
            } => {
                let left_operand = self.expression(left);
                let right_operand = self.expression(right);
                let (a, b) = (left_operand?, right_operand?);
                self.arithmetic(*operator, (a, left.span), (b, right.span), expr.span)
            }
            ExprKind::Pipeline { head, stages } => {
                if self.is_stage(head) {
                    self.faults.push(layer_without_input(head));
                    return None;
                }
                match self.expression(head)? {
                    Operand::Value(value) => {
                        let flow = Flow {
                            value,
                            span: head.span,
                            used: true,
                        };
                        self.stages_of(stages, flow).map(Operand::Value)
                    }
                    Operand::Number(_) => {
                        self.faults.push(
                            Diagnostic::new(
                                Code::WrongType,
                                head.span,
                                "a number cannot flow into a layer",
                            )
                            .label("this is a number, not a value of the network"),
                        );
                        None
                    }
                }
            }
            ExprKind::Call { .. } | ExprKind::Labelled { .. } => {
                self.faults.push(layer_without_input(expr));
                None
            }
            ExprKind::List(_) => {
                self.not_supported(expr.span, "lists of values");
                None
            }
            ExprKind::Repeat { .. } => {
                self.not_supported(expr.span, "`repeat`");
                None
            }
            ExprKind::Residual { .. } => {
                self.not_supported(expr.span, "`residual`");
                None
            }
            ExprKind::Text(_) | ExprKind::Bool(_) => {
                self.faults.push(
                    Diagnostic::new(
                        Code::WrongType,
                        expr.span,
                        "a value or a number is expected",
                    )
                    .label(format!("this is {}", super::constant::kind_text(expr))),
                );
                None
            }
        }
    }

    fn not_supported(&mut self, span: Span, what: &str) {
        self.faults.push(
            Diagnostic::new(
                Code::NotSupported,
                span,
                format!("{what}: not supported yet"),
            )
            .label("part of the language, without a meaning in this version"),
        );
    }

    fn name(&mut self, name: &str, span: Span) -> Option<Operand> {
        if let Some(binding) = self.names.get_mut(name) {
            binding.used = true;
            return match &binding.bound {
                Bound::Value(value) => Some(Operand::Value(*value)),
                Bound::Number(number) => Some(Operand::Number(number.clone())),
                Bound::Shared { .. } => {
                    self.faults.push(
                        Diagnostic::new(
                            Code::Misplaced,
                            span,
                            format!("`{name}` is a layer and gives no value by itself"),
                        )
                        .label(format!("apply it: `x -> {name}`")),
                    );
                    None
                }
                Bound::Faulty => None,
                Bound::Label => {
                    let declared = binding.span;
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
            return self.whole_input(span).map(Operand::Value);
        }
        if let Some(value) = self.inputs.value(name, &mut self.graph) {
            return Some(Operand::Value(value));
        }
        if self.scope.parameter(name).is_some() || self.scope.fact(name).is_some() {
            let expr = Expr {
                kind: ExprKind::Name(name.to_string()),
                span,
            };
            return match self.scope.number(&expr) {
                Ok(number) => Some(Operand::Number(number)),
                Err(fault) => {
                    self.faults.push(*fault);
                    None
                }
            };
        }
        if self.is_layer_name(name) {
            let expr = Expr {
                kind: ExprKind::Name(name.to_string()),
                span,
            };
            self.faults.push(layer_without_input(&expr));
            return None;
        }
        let fault = self.unknown_name(name, span);
        self.faults.push(fault);
        None
    }

    fn unknown_name(&self, name: &str, span: Span) -> Diagnostic {
        let bound = self.names.keys().map(String::as_str);
        let columns = self.inputs.names();
        let mut known: Vec<&str> = bound.chain(columns).chain(self.scope.names()).collect();
        known.push("in");
        known.sort_unstable();
        Diagnostic::new(
            Code::UnknownName,
            span,
            format!("nothing is called `{name}` here"),
        )
        .label("not a column, a value or a `param`")
        .near(name, span, known.iter().copied())
        .note(format!("there are: {}", known.join(", ")))
    }

    fn begin_arithmetic(&mut self, span: Span) {
        let label = self
            .line_name
            .clone()
            .unwrap_or_else(|| "value".to_string());
        self.begin(&label, span);
    }

    fn begin(&mut self, label: &str, span: Span) -> OriginId {
        let origin = self.graph.add_origin(label, span);
        self.graph.current_origin = origin;
        origin
    }

    fn arithmetic(
        &mut self,
        operator: Operator,
        (left, left_span): (Operand, Span),
        (right, right_span): (Operand, Span),
        span: Span,
    ) -> Option<Operand> {
        use crate::graph::ops::BinaryOperator;
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
        };
        let [left_shape, right_shape] = [left, right].map(|value| self.graph.shape(value).clone());
        if !left_shape.fits(&right_shape) {
            self.faults.push(
                Diagnostic::new(
                    Code::ShapeMismatch,
                    span,
                    format!(
                        "`{}` takes two equal shapes, not {} and {}",
                        operator.symbol(),
                        left_shape.row_text(),
                        right_shape.row_text()
                    ),
                )
                .label("combined here")
                .also(left_span, format!("this is {}", left_shape.row_text()))
                .also(right_span, format!("this is {}", right_shape.row_text())),
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
                self.faults.push(
                    Diagnostic::new(
                        Code::NotSupported,
                        span,
                        format!("`{text}` in arithmetic with values needs the data"),
                    )
                    .label("only known with the data"),
                );
                let _ = shape;
                None
            }
        }
    }

    /// Applies one stage to what flows in.
    fn stage(&mut self, expr: &Expr, flow: Flow) -> Option<Flow> {
        let position = self.stages;
        self.stages += 1;
        let (label, layer) = match &expr.kind {
            ExprKind::Labelled { label, stage } => (Some(label), &**stage),
            _ => (None, expr),
        };
        if let Some(label) = label {
            self.bind(label, Bound::Label);
            if let Some(binding) = self.names.get_mut(&label.text) {
                binding.used = true;
            }
        }
        match &layer.kind {
            ExprKind::Repeat { .. } => {
                self.not_supported(layer.span, "`repeat`");
                return None;
            }
            ExprKind::Residual { .. } => {
                self.not_supported(layer.span, "`residual`");
                return None;
            }
            ExprKind::Name(name) => {
                if self.names.contains_key(name) {
                    return self.bound_stage(name.clone(), layer.span, flow);
                }
            }
            _ => {}
        }
        let path = match label {
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
    fn bound_stage(&mut self, name: String, span: Span, flow: Flow) -> Option<Flow> {
        let binding = self.names.get_mut(&name).expect("the name was just found");
        binding.used = true;
        match &mut binding.bound {
            Bound::Faulty => None,
            Bound::Shared { layer, uses } => {
                let layer = layer.clone();
                let use_number = *uses;
                *uses += 1;
                let site = Site {
                    path: name.clone(),
                    shown: match use_number {
                        0 => name.clone(),
                        count => format!("{name}#{}", count + 1),
                    },
                    span,
                    declared: binding.span,
                    use_number,
                };
                self.apply(&layer, site, flow)
            }
            Bound::Value(_) | Bound::Number(_) | Bound::Label => {
                let declared = binding.span;
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
    fn apply(&mut self, layer: &Expr, site: Site, flow: Flow) -> Option<Flow> {
        match &layer.kind {
            ExprKind::Name(_) | ExprKind::Call { .. } => {}
            _ => {
                self.faults.push(
                    Diagnostic::new(
                        Code::WrongType,
                        layer.span,
                        "a layer is expected after `->`",
                    )
                    .label(format!("this is {}", super::constant::kind_text(layer))),
                );
                return None;
            }
        }
        if let Some(fault) = self.not_a_layer(layer) {
            self.faults.push(fault);
            return None;
        }
        let call = arguments::call(layer, Kind::Layer, &self.scope, self.faults)?;
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
        self.report_too_big(states, site.span);
        match result {
            Ok(value) => Some(Flow {
                value,
                span: site.span,
                used: true,
            }),
            Err(fault) => {
                self.faults.push(*fault);
                None
            }
        }
    }

    /// Reports parameters beyond what any machine can hold.
    fn report_too_big(&mut self, first: usize, span: Span) {
        let too_big = |shape: &Shape| {
            let known = shape.dims.iter().all(|dim| dim.known().is_some());
            known
                && shape
                    .elements()
                    .is_none_or(|elements| elements > MOST_ELEMENTS)
        };
        let big = self.graph.states[first..]
            .iter()
            .find(|state| too_big(&state.shape));
        if let Some(state) = big {
            self.faults.push(
                Diagnostic::new(
                    Code::TooBig,
                    span,
                    format!(
                        "`{}` of shape {} is too big",
                        state.name,
                        state.shape.row_text()
                    ),
                )
                .label("no machine holds this many numbers"),
            );
        }
    }

    /// The fault of a value's or column's name in the place of a layer.
    fn not_a_layer(&self, layer: &Expr) -> Option<Diagnostic> {
        let ExprKind::Name(name) = &layer.kind else {
            return None;
        };
        let value = self.inputs.has(name) || name == "in" || self.scope.fact(name).is_some();
        value.then(|| {
            Diagnostic::new(
                Code::Misplaced,
                layer.span,
                format!("`{name}` is a value, so nothing can flow into it"),
            )
            .label("a layer is expected after `->`")
        })
    }

    fn declare(
        &mut self,
        keyword: &Name,
        names: &[ColumnName],
        kind: Option<&Expr>,
        from: Option<&ColumnName>,
    ) {
        if keyword.text != "shared" {
            let known = ["shared"];
            self.faults.push(
                Diagnostic::new(
                    Code::Misplaced,
                    keyword.span,
                    format!("`{}` does not begin a line of a body", keyword.text),
                )
                .label("expected a layer, a value, or `shared name: Layer`")
                .near(&keyword.text, keyword.span, known),
            );
            return;
        }
        if let Some(from) = from {
            self.faults.push(
                Diagnostic::new(Code::Misplaced, from.span, "a shared layer takes no `from`")
                    .label("has no meaning here"),
            );
        }
        let Some(kind) = kind else {
            self.faults.push(
                Diagnostic::new(
                    Code::MissingArgument,
                    keyword.span,
                    "which layer is shared?",
                )
                .label("write `shared enc: Linear(64)`"),
            );
            return;
        };
        // The layer is checked where it is declared, whether it is used or not.
        let checked = arguments::call(kind, Kind::Layer, &self.scope, self.faults).is_some();
        for name in names {
            let name = Name {
                text: name.text.clone(),
                span: name.span,
            };
            match checked {
                true => self.bind(
                    &name,
                    Bound::Shared {
                        layer: kind.clone(),
                        uses: 0,
                    },
                ),
                false => self.bind_unknown(&name),
            }
        }
    }

    /// Binds a name whose meaning was faulty, so that its uses are not reported again.
    fn bind_unknown(&mut self, name: &Name) {
        self.bind(name, Bound::Faulty);
        if let Some(binding) = self.names.get_mut(&name.text) {
            binding.used = true;
        }
    }

    fn bind(&mut self, name: &Name, bound: Bound) {
        let taken = self.taken(&name.text);
        if let Some(first) = taken {
            let mut fault = Diagnostic::new(
                Code::DuplicateName,
                name.span,
                format!("the name `{}` is taken", name.text),
            )
            .label("bound again here");
            if let Some(first) = first {
                fault = fault.also(first, "bound first here");
            }
            self.faults
                .push(fault.note("columns, values, labels and parameters share one namespace"));
            return;
        }
        let binding = Binding {
            bound,
            span: name.span,
            used: false,
        };
        self.names.insert(name.text.clone(), binding);
    }

    /// Where a name is bound already, if it is.
    fn taken(&self, name: &str) -> Option<Option<Span>> {
        if let Some(binding) = self.names.get(name) {
            return Some(Some(binding.span));
        }
        if let Some((_, span)) = self.scope.parameters.get(name) {
            return Some(Some(*span));
        }
        if let Some(span) = self.inputs.span(name) {
            return Some(Some(span));
        }
        let reserved = name == "in" || ["classes", "features", "rows"].contains(&name);
        reserved.then_some(None)
    }

    fn misplaced_section(&mut self, section: &Section) {
        self.faults.push(
            Diagnostic::new(
                Code::Misplaced,
                section.keyword.span,
                format!(
                    "a section `{}` cannot stand inside of `net`",
                    section.keyword.text
                ),
            )
            .label("has no meaning here"),
        );
    }

    /// A line that starts from a value leaves the result of the line above without a user.
    fn report_dropped(&mut self, before: Option<Flow>, continues: bool) {
        if let (Some(flow), false) = (before, continues)
            && !flow.used
        {
            self.faults.push(
                Diagnostic::new(
                    Code::UnusedResult,
                    flow.span,
                    "nothing uses the result of this line",
                )
                .label("the next line starts from another value")
                .help("name it (`h = …`) and use the name, or remove the line"),
            );
        }
    }

    fn report_unused(&mut self) {
        let mut unused: Vec<(&String, &Binding)> = self
            .names
            .iter()
            .filter(|(_, binding)| !binding.used)
            .collect();
        unused.sort_by_key(|(_, binding)| binding.span);
        for (name, binding) in unused {
            let what = match binding.bound {
                Bound::Shared { .. } => "shared layer",
                Bound::Value(_) | Bound::Number(_) | Bound::Label | Bound::Faulty => "value",
            };
            self.faults.push(
                Diagnostic::new(
                    Code::UnusedResult,
                    binding.span,
                    format!("nothing uses the {what} `{name}`"),
                )
                .label("bound here and not used"),
            );
        }
    }
}

/// The expression that a line begins with.
fn head(expr: &Expr) -> &Expr {
    match &expr.kind {
        ExprKind::Pipeline { head, .. } => head,
        _ => expr,
    }
}

fn layer_name(layer: &Expr) -> &str {
    match &layer.kind {
        ExprKind::Name(name) => name,
        ExprKind::Call { name, .. } => &name.text,
        _ => "stage",
    }
}

fn layer_without_input(layer: &Expr) -> Diagnostic {
    let name = match &layer.kind {
        ExprKind::Labelled { stage, .. } => layer_name(stage),
        _ => layer_name(layer),
    };
    let fault = Diagnostic::new(
        Code::Misplaced,
        layer.span,
        format!("`{name}` is a layer; nothing flows into it here"),
    )
    .label("a value is expected");
    match catalog::find(Kind::Layer, name) {
        Some(_) => fault.help(format!(
            "write `(in -> {name}…)`, or begin the line with it"
        )),
        None => fault,
    }
}
