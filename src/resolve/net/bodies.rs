//! Bodies within the network: `repeat` and `residual`, unfolded where they stand, and their frames.

use super::super::constant::{Number, number_text};
use super::names::Binding;
use super::stages::Site;
use super::{Flow, Frame, Net};
use crate::diagnostics::{Code, Diagnostic, Span};
use crate::graph::ValueId;
use crate::syntax::ast::{Expr, ExprKind, Name, Statement, StatementKind};

/// Lines and stages of a network, blocks and repetitions unfolded.
pub(super) const MOST_LINES: usize = 60_000;
/// Bodies within one another, blocks unfolded.
const DEEPEST_BODY: usize = 128;

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
    pub(super) fn enter(
        &mut self,
        body: &[Statement],
        span: Span,
        what: &str,
        frame: Frame,
    ) -> Option<Flow> {
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
    pub(super) fn frame_at(&self, path: &str, site: &Site, flow: Flow) -> Frame {
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
        let faulty = count == Err(());
        let count = count.unwrap_or_default();
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
            let result = self.enter(repeat.body, repeat.span, "the repetition", frame);
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
        (!faulty).then_some(flow.value)
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

    /// How often a body is repeated; `None` if only the data tells, which then stands once for all.
    fn repetitions(&mut self, count: &Expr) -> Result<Option<usize>, ()> {
        let fault = match self.scope.number(count) {
            Ok(number) => match (number.size().and_then(|dim| dim.known()), number) {
                (Some(count), _) => return Ok(Some(count)),
                (None, Number::Known(value)) => {
                    let fault = Diagnostic::new(
                        Code::OutOfRange,
                        count.span,
                        "`repeat` takes a whole number of at least 1",
                    );
                    let fault = fault.label(format!("this is {}", number_text(value)));
                    self.scope.told(fault, count)
                }
                (None, Number::Deferred(text)) => {
                    self.deferred.push(format!("repeat {text}"));
                    self.shortened = true;
                    return Ok(None);
                }
            },
            Err(fault) => *fault,
        };
        self.faults.push(fault);
        Err(())
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
        let origin = self.begin(&site.shown, site.span);
        self.graph.classify(origin, "residual");
        Some(self.graph.add(flow.value, result.value))
    }
}

pub(super) fn number_expr(value: f64, span: Span) -> Expr {
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
