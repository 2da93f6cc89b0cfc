//! Bodies within the network: `repeat`, `residual` and blocks, unfolded where they stand.

use std::mem;
use std::sync::Arc;

use super::super::block::Block;
use super::super::constant::{Number, Scope, number_text};
use super::names::Binding;
use super::stages::Site;
use super::{Flow, Frame, Net, OpenBlock};
use crate::diagnostics::{Code, Diagnostic, Label, Span, listed};
use crate::graph::ValueId;
use crate::syntax::ast::{Argument, Expr, ExprKind, Name, Statement, StatementKind};

/// Lines and stages of a network, blocks and repetitions unfolded.
const MOST_LINES: usize = 25_000;
/// Bodies within one another, blocks unfolded.
const DEEPEST_BODY: usize = 128;
/// Places that a fault within blocks names.
const MOST_LABELS: usize = 4;
/// Words, numbers and signs of one argument, what it stands for written out.
const LARGEST_ARGUMENT: usize = 10_000;

/// `repeat 4 as i { … }`.
pub(super) struct Repeat<'e> {
    pub count: &'e Expr,
    pub index: Option<&'e Name>,
    pub body: &'e [Statement],
    pub span: Span,
}

impl Net<'_> {
    pub(super) fn frame(&self) -> &Frame {
        self.frames.last().expect("a body is being built")
    }

    pub(super) fn frame_mut(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("a body is being built")
    }

    /// The bodies whose names can be seen, the innermost first: those around a block cannot.
    pub(super) fn seen_frames(&self) -> impl Iterator<Item = &Frame> {
        let outermost = self.frames.iter().rposition(|frame| frame.of_block);
        self.frames[outermost.unwrap_or(0)..].iter().rev()
    }

    pub(super) fn binding(&self, name: &str) -> Option<&Binding> {
        self.seen_frames().find_map(|frame| frame.names.get(name))
    }

    pub(super) fn binding_mut(&mut self, name: &str) -> Option<&mut Binding> {
        let outermost = self.frames.iter().rposition(|frame| frame.of_block);
        let mut seen = self.frames[outermost.unwrap_or(0)..].iter_mut().rev();
        seen.find_map(|frame| frame.names.get_mut(name))
    }

    /// Whether the columns can be seen: not from within a block.
    pub(super) fn sees_inputs(&self) -> bool {
        self.open_blocks.is_empty()
    }

    /// Counts a line or a stage; gives whether the network may have it. What is unfolded from a small
    /// file can be larger than any machine.
    pub(super) fn spend(&mut self, span: Span) -> bool {
        self.spent += 1;
        if self.spent == MOST_LINES + 1 {
            let place = self.open_blocks.first().map_or(span, |open| open.used);
            self.faults.push(
                Diagnostic::new(
                    Code::TooLarge,
                    place,
                    format!("the network has more than {MOST_LINES} lines and stages"),
                )
                .label("with blocks and repetitions written out, too many by here"),
            );
        }
        self.spent <= MOST_LINES
    }

    /// Builds the lines of a body within the network.
    fn enter(&mut self, body: &[Statement], span: Span, what: &str, frame: Frame) -> Option<Flow> {
        if self.frames.len() >= DEEPEST_BODY {
            self.faults.push(
                Diagnostic::new(
                    Code::TooLarge,
                    span,
                    format!("bodies stand more than {DEEPEST_BODY} deep in one another"),
                )
                .label("with blocks written out, too deep here"),
            );
            return None;
        }
        self.frames.push(frame);
        let flow = self.body(body, span, what);
        self.report_unused();
        let frame = self.frames.pop().expect("the body's frame was pushed");
        for name in frame.names.keys() {
            self.scope.values.remove(name);
        }
        flow
    }

    /// A body at a stage's place.
    fn frame_at(&self, path: &str, site: &Site, flow: Flow) -> Frame {
        Frame {
            prefix: format!("{path}."),
            input: Some(flow),
            use_number: site.use_number,
            ..Frame::default()
        }
    }

    /// The same body several times in a row, each with its own parameters. `None` after a fault.
    pub(super) fn repeat(&mut self, repeat: &Repeat, site: &Site, flow: Flow) -> Option<ValueId> {
        let count = self.repetitions(repeat.count);
        let index = repeat.index.filter(|index| self.is_free(index));
        let mut flow = flow;
        let mut iteration = 0;
        // Without a known count the faults of the body are still told.
        while iteration < count.unwrap_or(1) {
            let path = format!("{}.{iteration}", site.path);
            if let Some(index) = index {
                let number = number_expr(iteration as f64, index.span);
                let place = (number, index.span);
                self.scope.parameters.insert(index.text.clone(), place);
            }
            let mut frame = self.frame_at(&path, site, flow);
            frame.sole = is_one_stage(repeat.body).then_some(path);
            let before = self.faults.len();
            let result = match self.spend(repeat.span) {
                true => self.enter(repeat.body, repeat.span, "the repetition", frame),
                false => None,
            };
            let faultless = self.faults.len() == before;
            match result.filter(|_| faultless) {
                Some(result) => flow = result,
                None => {
                    self.forget_index(index);
                    return None;
                }
            }
            flow.used = true;
            flow.name = None;
            iteration += 1;
        }
        self.forget_index(index);
        count.map(|_| flow.value)
    }

    fn forget_index(&mut self, index: Option<&Name>) {
        if let Some(index) = index {
            self.scope.parameters.remove(&index.text);
        }
    }

    /// Whether nothing else is called like the index of a repetition.
    fn is_free(&mut self, index: &Name) -> bool {
        let Some(first) = self.taken(&index.text) else {
            return true;
        };
        let fault = Diagnostic::new(
            Code::DuplicateName,
            index.span,
            format!("the name `{}` is taken", index.text),
        )
        .label("bound again here");
        self.faults.push(match first {
            Some(first) => fault.also(first, "bound first here"),
            None => fault.label("a word of the language"),
        });
        false
    }

    /// How often a body is repeated; `None` after a fault.
    fn repetitions(&mut self, count: &Expr) -> Option<usize> {
        let fault = match self.scope.number(count) {
            Ok(number) => match (number.size().and_then(|dim| dim.known()), number) {
                (Some(count), _) => return Some(count),
                (None, Number::Known(value)) => Diagnostic::new(
                    Code::OutOfRange,
                    count.span,
                    "`repeat` takes a whole number of at least 1",
                )
                .label(format!("this is {}", number_text(value))),
                (None, Number::Deferred(text)) => Diagnostic::new(
                    Code::WrongType,
                    count.span,
                    format!("`repeat` cannot depend on `{text}`, which only the data tells"),
                )
                .label("only known with the data")
                .help("write the number, or a `param`"),
            },
            Err(fault) => *fault,
        };
        self.faults.push(fault);
        None
    }

    /// What flows in plus what the body makes of it. `None` after a fault.
    pub(super) fn residual(
        &mut self,
        body: &[Statement],
        site: &Site,
        flow: Flow,
    ) -> Option<ValueId> {
        let frame = self.frame_at(&site.path, site, flow.clone());
        let before = self.faults.len();
        let result = self.enter(body, site.span, "the residual body", frame)?;
        if self.faults.len() > before {
            return None;
        }
        let [into, out] = [flow.value, result.value].map(|value| self.graph.shape(value).clone());
        if !into.fits(&out) {
            let (into, out) = (into.row_text(), out.row_text());
            self.faults.push(
                Diagnostic::new(
                    Code::ShapeMismatch,
                    result.span,
                    format!("`residual` adds its body's result {out} to what flows in, {into}"),
                )
                .label(format!("the body's result is {out}"))
                .also(flow.span, format!("{into} flows in from here"))
                .help("let the body end with the width that it begins with"),
            );
            return None;
        }
        self.begin(&site.shown, site.span);
        Some(self.graph.add(flow.value, result.value))
    }

    /// The block that a layer's name means, `param`s and the parameters of blocks followed.
    pub(super) fn block_of(&self, layer: &Expr) -> Option<Arc<Block>> {
        let followed = self.scope.followed(layer);
        let name = if let ExprKind::Name(name) = &followed.kind {
            name
        } else if let ExprKind::Call { name, .. } = &followed.kind {
            &name.text
        } else {
            return None;
        };
        self.scope.blocks.get(name).cloned()
    }

    /// Applies a block to what flows in. `None` after a fault.
    pub(super) fn block(
        &mut self,
        block: &Arc<Block>,
        layer: &Expr,
        site: &Site,
        flow: Flow,
    ) -> Option<ValueId> {
        let name = &block.name.text;
        let mut open = self.open_blocks.iter();
        if let Some(first) = open.find(|open| open.declared == block.span()) {
            self.faults.push(
                Diagnostic::new(
                    Code::Misplaced,
                    layer.span,
                    format!("the block `{name}` contains itself"),
                )
                .label("used again within its own body")
                .also(block.span(), "the block")
                .also(first.used, "the use that began")
                .help("a network is finite: write `repeat`, or another block"),
            );
            return None;
        }
        let followed = self.scope.followed(layer).clone();
        let given: &[Argument] = match &followed.kind {
            ExprKind::Call { arguments, .. } => arguments,
            _ => &[],
        };
        let before = self.faults.len();
        // A block of another file sees what its own file has.
        let home = block.home.as_ref().map(|home| Scope {
            facts: self.file_scope.facts.clone(),
            ..(**home).clone()
        });
        let scope = home.as_ref().unwrap_or(&self.file_scope).clone();
        let scope = self.block_scope(block, given, followed.span, scope);
        if self.faults.len() > before {
            return None;
        }
        let mut frame = self.frame_at(&site.path, site, flow);
        frame.of_block = true;
        let outside = mem::replace(&mut self.scope, scope);
        let file_scope = home.map(|home| mem::replace(&mut self.file_scope, home));
        self.open_blocks.push(OpenBlock {
            declared: block.span(),
            used: layer.span,
        });
        let what = format!("the block `{name}`");
        let result = self.enter(&block.body, block.span(), &what, frame);
        self.open_blocks.pop();
        self.scope = outside;
        if let Some(file_scope) = file_scope {
            self.file_scope = file_scope;
        }
        for fault in &mut self.faults[before..] {
            let here = |label: &Label| {
                let (inner, outer) = (label.span.range(), layer.span.range());
                label.span.file == layer.span.file
                    && outer.start <= inner.start
                    && inner.end <= outer.end
            };
            if fault.labels.len() < MOST_LABELS && !fault.labels.iter().any(here) {
                let moved = fault.clone();
                *fault = moved.also(layer.span, format!("`{name}` is used here"));
            }
        }
        match self.faults.len() > before {
            true => None,
            false => result.map(|flow| flow.value),
        }
    }

    /// What the body of a block sees: what all blocks see, and its parameters with what is given here.
    fn block_scope(
        &mut self,
        block: &Block,
        given: &[Argument],
        span: Span,
        mut scope: Scope,
    ) -> Scope {
        let abroad = block.home.is_some();
        let mut positions = block.parameters.iter();
        let mut seen: Vec<(&str, Span)> = Vec::new();
        let mut unknown = false;
        for argument in given {
            let place = argument.name.as_ref();
            let place = place.map_or(argument.value.span, |name| name.span);
            let parameter = match &argument.name {
                Some(name) => {
                    let mut known = block.parameters.iter();
                    known.find(|parameter| parameter.name.text == name.text)
                }
                None => positions.next(),
            };
            let Some(parameter) = parameter else {
                unknown = true;
                let fault = unknown_parameter(block, argument, place);
                self.faults.push(fault);
                continue;
            };
            let name = parameter.name.text.as_str();
            if let Some((_, first)) = seen.iter().find(|(known, _)| *known == name) {
                self.faults.push(
                    Diagnostic::new(
                        Code::DuplicateArgument,
                        place,
                        format!("`{name}` is given twice"),
                    )
                    .label("given again here")
                    .also(*first, "given first here"),
                );
                continue;
            }
            seen.push((name, place));
            match self.written_out(&argument.value, abroad) {
                Ok(value) => {
                    if let Some(fault) = self.captured(&value, block) {
                        self.faults.push(*fault);
                        continue;
                    }
                    if abroad {
                        self.send_blocks(&value, &mut scope);
                    }
                    let place = (value, argument.value.span);
                    scope.parameters.insert(name.to_string(), place);
                }
                Err(fault) => self.faults.push(*fault),
            }
        }
        for parameter in &block.parameters {
            let name = &parameter.name;
            if seen.iter().any(|(known, _)| *known == name.text) {
                continue;
            }
            match &parameter.default {
                Some(default) => {
                    let place = (default.clone(), name.span);
                    scope.parameters.insert(name.text.clone(), place);
                }
                // An argument of an unknown name is most likely the missing one.
                None if unknown => {}
                None => self.faults.push(
                    Diagnostic::new(
                        Code::MissingArgument,
                        span,
                        format!("`{}` needs its `{}`", block.name.text, name.text),
                    )
                    .label(format!("`{}` is missing", name.text))
                    .also(name.span, "a parameter without a default")
                    .help(format!("the block is `{}`", block.text())),
                ),
            }
        }
        scope
    }

    /// An argument of a block as it means the same everywhere: parameters of the block around it and
    /// indices replaced by what they stand for, arithmetic computed.
    /// In another file the `param`s of this one have no meaning either.
    fn written_out(&self, expr: &Expr, abroad: bool) -> Result<Expr, Box<Diagnostic>> {
        let mut budget = LARGEST_ARGUMENT;
        let replaced = self.replaced(expr, abroad, &mut budget).ok_or_else(|| {
            Diagnostic::new(
                Code::TooLarge,
                expr.span,
                format!("the argument has more than {LARGEST_ARGUMENT} words when written out"),
            )
            .label("too large")
        })?;
        let arithmetic = matches!(
            replaced.kind,
            ExprKind::Negate(_) | ExprKind::Binary { .. } | ExprKind::Name(_)
        );
        if !arithmetic {
            return Ok(replaced);
        }
        let number = match self.scope.number(&replaced) {
            Ok(number) => number,
            // A word, a layer, or what has a fault that is told where it is used.
            Err(_) if matches!(replaced.kind, ExprKind::Name(_)) => return Ok(replaced),
            Err(fault) => return Err(fault),
        };
        Ok(match number {
            Number::Known(value) => number_expr(value, expr.span),
            Number::Deferred(_) => replaced,
        })
    }

    /// The fault of an argument that still names what only the block itself has, its parameters: here
    /// nothing is called so.
    fn captured(&self, value: &Expr, block: &Block) -> Option<Box<Diagnostic>> {
        let mut names = Vec::new();
        names_in(value, &mut names);
        let known = |name: &str| {
            let mut parameters = block.parameters.iter();
            parameters.any(|parameter| parameter.name.text == name)
        };
        let (name, span) = names.into_iter().find(|(name, _)| known(name))?;
        let word = Expr {
            kind: ExprKind::Name(name.to_owned()),
            span,
        };
        self.scope.number(&word).err()
    }

    /// Gives the blocks that an argument names to a block of another file, which may apply them.
    fn send_blocks(&mut self, value: &Expr, scope: &mut Scope) {
        let mut names = Vec::new();
        names_in(value, &mut names);
        for (name, span) in names {
            let Some(block) = self.scope.blocks.get(name) else {
                continue;
            };
            match scope.blocks.get(name) {
                Some(theirs) if theirs.span() == block.span() => {}
                Some(theirs) => self.faults.push(
                    Diagnostic::new(
                        Code::DuplicateName,
                        span,
                        format!("the other file has a block `{name}` of its own"),
                    )
                    .label("not the same block there")
                    .also(theirs.span(), "the other one")
                    .help("give one of the two another name"),
                ),
                None => {
                    let mut block = (**block).clone();
                    block
                        .home
                        .get_or_insert_with(|| Arc::new(self.file_scope.clone()));
                    Arc::make_mut(&mut scope.blocks).insert(name.to_owned(), Arc::new(block));
                }
            }
        }
    }

    /// `None` when the budget of words is used up.
    fn replaced(&self, expr: &Expr, abroad: bool, budget: &mut usize) -> Option<Expr> {
        *budget = budget.checked_sub(1)?;
        let kind = match &expr.kind {
            ExprKind::Name(name) => {
                let of_file = !abroad && self.file_scope.parameters.contains_key(name);
                match self.scope.parameters.get(name).filter(|_| !of_file) {
                    // What a parameter stands for may name others of the same block by its default.
                    Some((value, _)) => {
                        let value = self.replaced(value, abroad, budget)?;
                        return Some(Expr {
                            span: expr.span,
                            ..value
                        });
                    }
                    None => expr.kind.clone(),
                }
            }
            ExprKind::Number { .. } | ExprKind::Text(_) | ExprKind::Bool(_) => expr.kind.clone(),
            ExprKind::List(items) => {
                let items = items.iter().map(|item| self.replaced(item, abroad, budget));
                ExprKind::List(items.collect::<Option<_>>()?)
            }
            ExprKind::Call { name, arguments } => {
                let arguments = arguments.iter().map(|argument| {
                    Some(Argument {
                        name: argument.name.clone(),
                        value: self.replaced(&argument.value, abroad, budget)?,
                    })
                });
                ExprKind::Call {
                    name: name.clone(),
                    arguments: arguments.collect::<Option<_>>()?,
                }
            }
            ExprKind::Negate(inner) => {
                ExprKind::Negate(Box::new(self.replaced(inner, abroad, budget)?))
            }
            ExprKind::Binary {
                operator,
                operator_span,
                left,
                right,
            } => ExprKind::Binary {
                operator: *operator,
                operator_span: *operator_span,
                left: Box::new(self.replaced(left, abroad, budget)?),
                right: Box::new(self.replaced(right, abroad, budget)?),
            },
            ExprKind::Pipeline { head, stages } => {
                let head = Box::new(self.replaced(head, abroad, budget)?);
                let stages = stages
                    .iter()
                    .map(|stage| self.replaced(stage, abroad, budget));
                ExprKind::Pipeline {
                    head,
                    stages: stages.collect::<Option<_>>()?,
                }
            }
            ExprKind::Labelled { .. } | ExprKind::Repeat { .. } | ExprKind::Residual { .. } => {
                expr.kind.clone()
            }
        };
        Some(Expr {
            kind,
            span: expr.span,
        })
    }
}

fn unknown_parameter(block: &Block, argument: &Argument, place: Span) -> Diagnostic {
    let name = &block.name.text;
    let names = || {
        block
            .parameters
            .iter()
            .map(|known| known.name.text.as_str())
    };
    let fault = match &argument.name {
        Some(given) => Diagnostic::new(
            Code::UnknownArgument,
            place,
            format!("the block `{name}` has no parameter `{}`", given.text),
        )
        .label("unknown parameter")
        .near(&given.text, place, names()),
        None => Diagnostic::new(
            Code::UnknownArgument,
            place,
            match block.parameters.len() {
                0 => format!("the block `{name}` has no parameters"),
                1 => format!("the block `{name}` has one parameter"),
                count => format!("the block `{name}` has {count} parameters"),
            },
        )
        .label("one too many"),
    };
    let fault = fault.also(block.span(), format!("declared as `{}`", block.text()));
    match block.parameters.is_empty() {
        true => fault,
        false => fault.note(format!("there are: {}", listed(names()))),
    }
}

fn number_expr(value: f64, span: Span) -> Expr {
    let whole = value.fract() == 0.0 && (0.0..9e15).contains(&value);
    Expr {
        kind: ExprKind::Number {
            value,
            integer: whole.then_some(value as u64),
            percent: false,
        },
        span,
    }
}

/// Whether a body is one stage without a label, which then takes the body's own path.
fn is_one_stage(body: &[Statement]) -> bool {
    let [statement] = body else {
        return false;
    };
    let (StatementKind::Line(value) | StatementKind::Assign { value, .. }) = &statement.kind else {
        return false;
    };
    matches!(
        value.kind,
        ExprKind::Name(_)
            | ExprKind::Call { .. }
            | ExprKind::Repeat { .. }
            | ExprKind::Residual { .. }
    )
}

/// The names in an argument.
fn names_in<'e>(expr: &'e Expr, names: &mut Vec<(&'e str, Span)>) {
    match &expr.kind {
        ExprKind::Name(name) => names.push((name, expr.span)),
        ExprKind::Call { name, arguments } => {
            names.push((&name.text, name.span));
            for argument in arguments {
                names_in(&argument.value, names);
            }
        }
        ExprKind::List(items) => items.iter().for_each(|item| names_in(item, names)),
        ExprKind::Negate(inner) => names_in(inner, names),
        ExprKind::Binary { left, right, .. } => {
            names_in(left, names);
            names_in(right, names);
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
