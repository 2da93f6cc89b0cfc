//! Sections that select by a glob of paths and hold settings: `params "*.weight" { … }`,
//! `watch "head.*" { … }`.

use super::settings::Settings;
use crate::catalog::settings::Setting;
use crate::diagnostics::{Code, Diagnostic, listed, near_miss};
use crate::syntax::ast::{ColumnName, Section, StatementKind};

/// What such a section is called, what it selects, and what it may say.
pub struct Selecting {
    pub keyword: &'static str,
    /// The section in messages.
    pub words: &'static str,
    /// In messages: `parameters`, say.
    pub what: &'static str,
    /// What may be selected, as an example.
    pub glob: &'static str,
    /// One of its settings, as an example.
    pub example: &'static str,
    pub settings: &'static [Setting],
}

impl Selecting {
    /// The selector and the settings of a section; `None` if it selects nothing.
    pub fn resolve(
        &self,
        section: &Section,
        faults: &mut Vec<Diagnostic>,
    ) -> Option<(ColumnName, Settings)> {
        let keyword = self.keyword;
        let Some(selector) = &section.selector else {
            faults.push(
                Diagnostic::new(
                    Code::MissingArgument,
                    section.keyword.span,
                    format!("`{keyword}` selects {} by a glob of their path", self.what),
                )
                .label(format!("write `{keyword} \"{}\" {{ … }}`", self.glob)),
            );
            return None;
        };
        let mut settings = Settings::new(self.words, self.settings);
        for statement in &section.body {
            match &statement.kind {
                StatementKind::Assign { name, value } => settings.add(name, value, faults),
                StatementKind::Declare { .. }
                | StatementKind::Param { .. }
                | StatementKind::Use { .. }
                | StatementKind::Line(_)
                | StatementKind::Section(_) => faults.push(
                    Diagnostic::new(
                        Code::Misplaced,
                        statement.span,
                        format!("{} holds settings, each `name = value`", self.words),
                    )
                    .label("has no meaning here"),
                ),
            }
        }
        if section.body.is_empty() {
            faults.push(
                Diagnostic::new(
                    Code::MissingSetting,
                    section.keyword.span,
                    format!("this `{keyword}` section sets nothing"),
                )
                .label("no settings in it")
                .help(format!("write `{}`, say", self.example)),
            );
        }
        Some((selector.clone(), settings))
    }
}

/// The fault of a selector that matches none of these paths.
pub fn selects_nothing(selector: &ColumnName, one: &str, names: Vec<&str>) -> Diagnostic {
    let fault = Diagnostic::new(
        Code::UnknownName,
        selector.span,
        format!("no {one}'s path matches `{}`", selector.text),
    )
    .label("selects nothing");
    if names.is_empty() {
        return fault.note(format!("the network has no {one}"));
    }
    // Globs of one label, or of one kind of parameter, beside the names themselves.
    let globs = names.iter().flat_map(|name| {
        let (label, kind) = name.rsplit_once('.').unwrap_or((name, name));
        [format!("{label}.*"), format!("*.{kind}")]
    });
    let mut known: Vec<String> = globs.collect();
    known.sort_unstable();
    known.dedup();
    let known = known
        .iter()
        .map(String::as_str)
        .chain(names.iter().copied());
    let meant = near_miss(&selector.text, known).map(|meant| format!("\"{meant}\""));
    let fault = match meant {
        Some(meant) => fault
            .help(format!("did you mean `{meant}`?"))
            .suggest(selector.span, meant),
        None => fault,
    };
    fault.note(format!("there are: {}", listed(names)))
}
