//! Blocks within the network: applied where they stand, in the scope of the file that declares them.

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;

use super::super::block::Block;
use super::super::constant::{Number, Scope, names_in};
use super::bodies::number_expr;
use super::stages::Site;
use super::{Flow, Net, OpenBlock};
use crate::diagnostics::{Code, Diagnostic, Label, MOST_LABELS, Span, listed};
use crate::graph::ValueId;
use crate::syntax::ast::{Argument, BlockParameter, Expr, ExprKind};

/// Words, numbers and signs of one argument, what it stands for written out.
const LARGEST_ARGUMENT: usize = 10_000;

impl Net<'_> {
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
        self.applied.insert(block.span());
        let place = self.written_at(layer);
        let mut open = self.open_blocks.iter();
        let writer = open.rposition(|open| open.text.contains(place));
        if let Some(first) = self.recursive_use(block, writer) {
            self.faults.push(
                Diagnostic::new(
                    Code::Misplaced,
                    place,
                    format!("the block `{name}` contains itself"),
                )
                .label("used again within itself")
                .also(block.span(), "the block")
                .also(first, "the use that began")
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
            waiting: self.file_scope.waiting.clone(),
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
            text: block.whole_span(),
            used: layer.span,
            writer,
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
            // What is only tried is used nowhere.
            let tried = layer.span == block.span();
            if !tried && fault.labels.len() < MOST_LABELS && !fault.labels.iter().any(here) {
                let moved = fault.clone();
                *fault = moved.also(layer.span, format!("`{name}` is used here"));
            }
        }
        if self.faults.len() > before {
            None
        } else {
            result.map(|flow| flow.value)
        }
    }

    /// Where a use of a block was written: an argument where it is given, wherever it is used. A `param` of
    /// the file stands for what it names where it is named.
    fn written_at(&self, layer: &Expr) -> Span {
        let mut layer = layer;
        let mut place = layer.span;
        while let ExprKind::Name(name) = &layer.kind
            && let Some((value, _)) = self.scope.parameters.get(name)
        {
            if !self.file_scope.parameters.contains_key(name) {
                place = value.span;
            }
            layer = value;
        }
        place
    }

    /// The use that one written in the block `writer` would repeat for ever: a block that leads to itself by
    /// what is written in it, and in the blocks that it uses. Blocks that were given as arguments to one
    /// another lead nowhere by that.
    fn recursive_use(&self, block: &Block, writer: Option<usize>) -> Option<Span> {
        let mut writer = writer;
        while let Some(open) = writer.map(|at| &self.open_blocks[at]) {
            if open.declared == block.span() {
                return Some(open.used);
            }
            writer = open.writer;
        }
        None
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
        let names = block.parameters.iter();
        let named: HashMap<&str, &BlockParameter> = names
            .map(|parameter| (parameter.name.text.as_str(), parameter))
            .collect();
        let mut positions = block.parameters.iter();
        let mut seen: HashMap<&str, Span> = HashMap::new();
        let mut unknown = false;
        for argument in given {
            let place = argument.name.as_ref();
            let place = place.map_or(argument.value.span, |name| name.span);
            let parameter = match &argument.name {
                Some(name) => named.get(name.text.as_str()).copied(),
                None => positions.next(),
            };
            let Some(parameter) = parameter else {
                unknown = true;
                let fault = unknown_parameter(block, argument, place);
                self.faults.push(fault);
                continue;
            };
            let name = parameter.name.text.as_str();
            if let Some(first) = seen.get(name) {
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
            seen.insert(name, place);
            match self.written_out(&argument.value, abroad) {
                Ok(value) => {
                    if let Some(fault) = self.captured(&value, &named) {
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
            if seen.contains_key(name.text.as_str()) {
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
    /// indices replaced by what they stand for, arithmetic computed. For a block of another file also the
    /// `param`s of this one, which have no meaning there.
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
    fn captured(
        &self,
        value: &Expr,
        parameters: &HashMap<&str, &BlockParameter>,
    ) -> Option<Box<Diagnostic>> {
        let known =
            |name: &str| parameters.contains_key(name) && !self.scope.parameters.contains_key(name);
        let mut names = names_in(value).into_iter();
        let (name, span) = names.find(|(name, _)| known(name))?;
        let word = Expr {
            kind: ExprKind::Name(name.to_owned()),
            span,
        };
        self.scope.number(&word).err()
    }

    /// Gives the blocks that an argument names to a block of another file, which may apply them.
    fn send_blocks(&mut self, value: &Expr, scope: &mut Scope) {
        for (name, span) in names_in(value) {
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
                        // A block stays where it was written, which tells whether it leads to itself.
                        let given = !self.file_scope.parameters.contains_key(name);
                        let stays = given && self.block_of(&value).is_some();
                        let span = if stays { value.span } else { expr.span };
                        return Some(Expr { span, ..value });
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
    if block.parameters.is_empty() {
        fault
    } else {
        fault.note(format!("there are: {}", listed(names())))
    }
}
