//! Blocks that the network does not apply: tried with parameters that are not known, for their faults.

use std::collections::HashSet;
use std::mem;
use std::sync::Arc;

use super::super::block::Block;
use super::bodies::MOST_LINES;
use super::stages::Site;
use super::{Frame, Net};
use crate::diagnostics::{Code, Diagnostic, Span};
use crate::graph::Graph;
use crate::syntax::ast::{Argument, Expr, ExprKind};

impl Net<'_> {
    /// Adds the faults of blocks that nothing has applied; of the network nothing changes.
    pub(super) fn try_unused_blocks(&mut self) {
        let blocks = self.scope.blocks.values();
        let mut unused: Vec<Arc<Block>> = blocks
            .filter(|block| !self.applied.contains(&block.span()))
            .cloned()
            .collect();
        if unused.is_empty() {
            return;
        }
        unused.sort_by_key(|block| block.span());
        let graph = mem::replace(&mut self.graph, Graph::new());
        let frames = mem::replace(&mut self.frames, vec![Frame::default()]);
        let stages = mem::take(&mut self.stages);
        let advice = mem::take(&mut self.advice);
        let deferred = mem::take(&mut self.deferred);
        let (shortened, spent) = (self.shortened, self.spent);
        for block in unused {
            let before = self.faults.len();
            self.try_block(&block);
            // What does not fit within the limits has not been looked at to its end.
            let mut found = self.faults[before..].iter();
            if found.any(|fault| fault.code == Code::TooLarge) || self.spent > MOST_LINES {
                self.faults.truncate(before);
                continue;
            }
            let mut at = 0;
            self.faults.retain(|fault| {
                at += 1;
                at <= before || holds_for_all(fault, block.span())
            });
        }
        (self.graph, self.frames) = (graph, frames);
        (self.stages, self.advice, self.deferred) = (stages, advice, deferred);
        (self.shortened, self.spent) = (shortened, spent);
    }

    fn try_block(&mut self, block: &Arc<Block>) {
        let (name, span) = (&block.name, block.span());
        let required = block.parameters.iter();
        let required = required.filter(|parameter| parameter.default.is_none());
        // Nothing in a file can be called so.
        let arguments = required.map(|parameter| Argument {
            name: Some(parameter.name.clone()),
            value: Expr {
                kind: ExprKind::Name(format!("{}.{}", name.text, parameter.name.text)),
                span,
            },
        });
        let arguments: Vec<Argument> = arguments.collect();
        let waiting = arguments
            .iter()
            .filter_map(|given| match &given.value.kind {
                ExprKind::Name(name) => Some(name.clone()),
                _ => None,
            });
        let waiting: Arc<HashSet<String>> = Arc::new(waiting.collect());
        for scope in [&mut self.scope, &mut self.file_scope] {
            scope.waiting = waiting.clone();
        }
        let layer = Expr {
            kind: ExprKind::Call {
                name: name.clone(),
                arguments,
            },
            span,
        };
        let site = Site {
            path: name.text.clone(),
            prefix: String::new(),
            shown: name.text.clone(),
            span,
            declared: span,
            use_number: 0,
            label: None,
        };
        let flow = self.faulty_flow(span);
        self.block(block, &layer, &site, flow);
        for scope in [&mut self.scope, &mut self.file_scope] {
            scope.waiting = Arc::default();
        }
    }
}

/// Whether a fault does not depend on what flows into a block, which is said to come from where the block
/// is declared, nor on its arguments.
fn holds_for_all(fault: &Diagnostic, declared: Span) -> bool {
    let about_input = fault.labels.iter().any(|label| label.span == declared);
    !(fault.code == Code::WrongType && about_input)
        && matches!(
            fault.code,
            Code::UnknownName
                | Code::UnknownEntry
                | Code::UnknownArgument
                | Code::MissingArgument
                | Code::DuplicateArgument
                | Code::DuplicateName
                | Code::UnusedResult
                | Code::Misplaced
                | Code::MissingSection
                | Code::NotSupported
                | Code::OutOfRange
                | Code::WrongType
        )
}
