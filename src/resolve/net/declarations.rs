//! What a body declares beside its lines, and sections that do not belong there.

use super::Net;
use super::names::Bound;
use crate::catalog::Kind;
use crate::diagnostics::{Code, Diagnostic};
use crate::resolve::arguments;
use crate::syntax;
use crate::syntax::ast::{ColumnName, Expr, Name, Section};

impl Net<'_> {
    /// `shared enc: Linear(64)`.
    pub(super) fn declare(
        &mut self,
        keyword: &Name,
        names: &[ColumnName],
        kind: Option<&Expr>,
        from: Option<&ColumnName>,
    ) {
        let names = names.iter().map(|name| Name {
            text: name.text.clone(),
            span: name.span,
        });
        if keyword.text != "shared" {
            let names: Vec<Name> = names.collect();
            let fault = self.not_shared(keyword, &names);
            self.faults.push(fault);
            self.mark_used(Some(&keyword.text));
            for name in names {
                match self.taken(&name.text) {
                    Some(_) => self.mark_used(Some(&name.text)),
                    None => self.bind_faulty(&name),
                }
            }
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
                    "`shared` does not say which layer is shared",
                )
                .label("write `shared enc: Linear(64)`"),
            );
            names.for_each(|name| self.bind_faulty_layer(&name));
            return;
        };
        // The layer is checked where it is declared, whether it is used or not; a block's body, where
        // it is used.
        let checked = self.block_of(kind).is_some()
            || arguments::call(kind, Kind::Layer, &self.scope, self.faults).is_some();
        for name in names {
            if !checked {
                self.bind_faulty_layer(&name);
                continue;
            }
            let shared = Bound::Shared {
                layer: kind.clone(),
                path: self.frame().path_of(&name.text),
                uses: 0,
            };
            self.bind(&name, shared);
        }
    }

    /// The fault of a line that begins with two words, of which the first declares nothing.
    fn not_shared(&self, keyword: &Name, names: &[Name]) -> Diagnostic {
        if let (Some(Some(_)), Some(second)) = (self.taken(&keyword.text), names.first())
            && self.taken(&second.text).is_some()
        {
            return Diagnostic::new(
                Code::Misplaced,
                second.span,
                format!(
                    "nothing stands between `{}` and `{}`",
                    keyword.text, second.text
                ),
            )
            .label("expected an operator before this");
        }
        let fault = Diagnostic::new(
            Code::Misplaced,
            keyword.span,
            format!("`{}` does not begin a line of a network", keyword.text),
        )
        .label("expected a layer, a value, or `shared name: Layer`")
        .near(&keyword.text, keyword.span, ["shared"]);
        match keyword.text.as_str() {
            "input" | "target" | "ignore" | "weight" => {
                fault.help("columns are declared in the `data` section")
            }
            other => match syntax::foreign_statement(other) {
                Some(help) => fault.help(help),
                None => fault,
            },
        }
    }

    pub(super) fn misplaced_section(&mut self, section: &Section) {
        let fault = Diagnostic::new(
            Code::Misplaced,
            section.keyword.span,
            format!(
                "a section `{}` is not allowed in a body",
                section.keyword.text
            ),
        )
        .label("has no meaning here")
        .near(
            &section.keyword.text,
            section.keyword.span,
            ["residual", "repeat"],
        );
        self.faults
            .push(match syntax::foreign_statement(&section.keyword.text) {
                Some(help) => fault.help(help),
                None => fault,
            });
    }
}
