//! `key = value` settings of a section against the catalog's table of them.

use super::constant::names_in;
use crate::catalog::foreign;
use crate::catalog::settings::{SECTIONS, Setting};
use crate::diagnostics::{Code, Diagnostic, Span, listed, near_miss};
use crate::syntax::ast::{Expr, ExprKind, Name};

/// What holds settings outside of any section.
pub const TOP_LEVEL_WORDS: &str = "the top level of a file";

/// The `train` section in messages.
pub const TRAIN_WORDS: &str = "a `train` section";

/// The settings of one section, as they are found.
pub struct Settings {
    /// What holds the settings, in words.
    section: &'static str,
    known: &'static [Setting],
    found: Vec<(&'static str, Span, Expr)>,
    /// What settings of unknown names were most likely meant to be: their values are checked too.
    meant: Vec<(&'static str, Expr)>,
}

impl Settings {
    pub fn new(section: &'static str, known: &'static [Setting]) -> Self {
        Settings {
            section,
            known,
            found: Vec::new(),
            meant: Vec::new(),
        }
    }

    /// Takes a setting up, or reports why it cannot be.
    pub fn add(&mut self, name: &Name, value: &Expr, faults: &mut Vec<Diagnostic>) {
        let Some(setting) = self.known.iter().find(|setting| setting.name == name.text) else {
            let fault = self.unknown(name, value);
            let mut names = self.known.iter().map(|setting| setting.name);
            let edit = fault.suggestion.as_ref();
            let meant = edit.and_then(|edit| names.find(|it| *it == edit.replacement));
            self.meant.extend(meant.map(|meant| (meant, value.clone())));
            faults.push(fault);
            return;
        };
        let mut earlier = self.found.iter();
        if let Some((_, first, _)) = earlier.find(|(known, _, _)| *known == setting.name) {
            faults.push(
                Diagnostic::new(
                    Code::DuplicateName,
                    name.span,
                    format!("`{}` is set twice", setting.name),
                )
                .label("set again here")
                .also(*first, "set first here"),
            );
            return;
        }
        self.found.push((setting.name, name.span, value.clone()));
    }

    /// The sections that may stand beside the settings, each with what follows its word.
    fn sections(&self) -> &'static [(&'static str, &'static str)] {
        match self.section {
            TRAIN_WORDS => &[("params", " \"…\""), ("watch", " \"…\"")],
            TOP_LEVEL_WORDS => &[("data", ""), ("net", ""), ("train", "")],
            _ => &[],
        }
    }

    fn unknown(&self, name: &Name, value: &Expr) -> Diagnostic {
        let names: Vec<&str> = self.known.iter().map(|setting| setting.name).collect();
        let alias = foreign::setting(&name.text);
        let fault = Diagnostic::new(
            Code::UnknownSetting,
            name.span,
            format!("{} has no setting `{}`", self.section, name.text),
        )
        .label("unknown setting");
        let sections = || self.sections().iter().map(|(section, _)| *section);
        let exact = sections().find(|known| *known == name.text);
        let known = names.iter().copied().chain(sections());
        let near = exact.or_else(|| near_miss(&name.text, known));
        let near = near
            .filter(|_| alias.is_none() && (exact.is_some() || self.section != TOP_LEVEL_WORDS));
        let mut known = self.sections().iter();
        if let Some((section, selector)) = known.find(|(section, _)| Some(*section) == near) {
            return fault.help(format!(
                "`{section}` is a section: `{section}{selector} {{ … }}`"
            ));
        }
        if let Some(switch) = foreign::switch(&name.text) {
            return self.switched(fault, switch, name, value);
        }
        let fault = match alias.filter(|alias| names.contains(alias)) {
            Some(alias) => fault
                .label(format!("this is called `{alias}` here"))
                .suggest(name.span, alias),
            None => fault.near(&name.text, name.span, names.iter().copied()),
        };
        let of_optimizer = ["lr", "learning_rate", "weight_decay", "momentum", "betas"];
        if self.section == TRAIN_WORDS && of_optimizer.contains(&name.text.as_str()) {
            let argument = match name.text.as_str() {
                "learning_rate" => "lr",
                other => other,
            };
            return fault.help(format!(
                "it is an argument of the optimizer: `optimizer = SGD({argument} = …)`"
            ));
        }
        let mut elsewhere = SECTIONS
            .iter()
            .flat_map(|(section, settings)| settings.iter().map(move |setting| (section, setting)));
        if let Some((section, setting)) = elsewhere.find(|(_, it)| it.name == name.text) {
            return fault.help(format!(
                "it is a setting of `{section}`: `{}`",
                setting.example
            ));
        }
        // A value with a counterpart here tells more than the setting: `callbacks = EarlyStopping`.
        let mut values = names_in(value).into_iter();
        let advice = values.find_map(|(name, _)| foreign::advice(name));
        let advice = advice.or_else(|| foreign::advice(&name.text));
        if let (None, Some(advice)) = (alias, advice) {
            return fault.help(advice);
        }
        let meant = fault.suggestion.is_some();
        let fault = match self.section {
            TOP_LEVEL_WORDS if !meant => {
                let written = format!("param {}", name.text);
                let fault = fault.help(format!("write `{written} = …`"));
                fault.suggest(name.span, written)
            }
            _ => fault,
        };
        let names = listed(names);
        let beside: Vec<&str> = sections().collect();
        fault.note(match self.section {
            TRAIN_WORDS => format!("there are: {names}, and the sections {}", beside.join(", ")),
            _ => format!("there are: {names}"),
        })
    }

    /// A setting that another library switches on and off, and that is written otherwise here.
    fn switched(
        &self,
        fault: Diagnostic,
        switch: &foreign::Switch,
        name: &Name,
        value: &Expr,
    ) -> Diagnostic {
        let (on, off) = (switch.on, switch.off);
        let ExprKind::Bool(truth) = value.kind else {
            return fault.help(format!("write `{on}` for `true`, and `{off}` for `false`"));
        };
        let written = if truth { on } else { off };
        let is_meant = |setting: &&Setting| written.split(' ').next() == Some(setting.name);
        let Some(setting) = self.known.iter().find(is_meant) else {
            let mut sections = SECTIONS.iter();
            let section = sections.find(|(_, settings)| settings.iter().any(|it| is_meant(&it)));
            let section = section.map_or("train", |(section, _)| *section);
            return fault.help(format!("write `{written}` in `{section}`"));
        };
        let fault = fault
            .label(format!("this is `{written}` here"))
            .suggest(name.span.to(value.span), written);
        if written.ends_with(&format!("= {}", setting.default)) {
            fault.help("that is the default: remove it")
        } else {
            fault
        }
    }

    /// The value of a setting that was found, or of one that was most likely meant to be it.
    pub fn take(&mut self, name: &str) -> Option<Expr> {
        match self.found.iter().position(|(known, _, _)| *known == name) {
            Some(index) => Some(self.found.remove(index).2),
            None => {
                let index = self.meant.iter().position(|(known, _)| *known == name)?;
                Some(self.meant.remove(index).1)
            }
        }
    }
}
