//! `key = value` settings of a section against the catalog's table of them.

use crate::catalog::foreign;
use crate::catalog::settings::{Setting, TRAIN};
use crate::diagnostics::{Code, Diagnostic, Span, listed};
use crate::syntax::ast::{Expr, Name};

/// What holds settings outside of any section.
pub const TOP_LEVEL_WORDS: &str = "the top level of a file";

/// The settings of one section, as they are found.
pub struct Settings {
    /// What holds the settings, in words.
    section: &'static str,
    known: &'static [Setting],
    found: Vec<(&'static str, Span, Expr)>,
    /// What settings of unknown names were most likely meant to be.
    meant: Vec<&'static str>,
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
            let fault = self.unknown(name);
            let names = self.known.iter().map(|setting| setting.name);
            let edit = fault.suggestion.as_ref();
            let meant = edit.and_then(|edit| names.into_iter().find(|it| *it == edit.replacement));
            self.meant.extend(meant);
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

    fn unknown(&self, name: &Name) -> Diagnostic {
        let names: Vec<&str> = self.known.iter().map(|setting| setting.name).collect();
        let alias = foreign::setting(&name.text);
        let fault = Diagnostic::new(
            Code::UnknownSetting,
            name.span,
            format!("{} has no setting `{}`", self.section, name.text),
        );
        let fault = match alias.filter(|alias| names.contains(alias)) {
            Some(alias) => fault
                .label(format!("this is called `{alias}` here"))
                .suggest(name.span, alias),
            None => {
                fault
                    .label("unknown setting")
                    .near(&name.text, name.span, names.iter().copied())
            }
        };
        let of_optimizer = ["lr", "learning_rate", "weight_decay", "momentum", "betas"];
        if self.section == "a `train` section" && of_optimizer.contains(&name.text.as_str()) {
            let argument = match name.text.as_str() {
                "learning_rate" => "lr",
                other => other,
            };
            return fault.label("unknown setting").help(format!(
                "it is an argument of the optimizer: `optimizer = SGD({argument} = …)`"
            ));
        }
        let of_split = [
            "val_split",
            "validation_split",
            "validation",
            "test_split",
            "split",
        ];
        if self.section == "a `train` section" && of_split.contains(&name.text.as_str()) {
            return fault
                .label("unknown setting")
                .help("rows are divided in `data`: `split = random(validate = 20%)`");
        }
        if let (None, Some(advice)) = (alias, foreign::advice(&name.text)) {
            return fault.label("unknown setting").help(advice);
        }
        let fault = match self.section {
            TOP_LEVEL_WORDS => fault.help(format!("write `param {} = …`", name.text)),
            _ if TRAIN.iter().any(|setting| setting.name == name.text) => {
                fault.help("it is a setting of `train`")
            }
            _ => fault,
        };
        fault.note(format!("there are: {}", listed(names)))
    }

    /// Whether a setting of an unknown name was most likely meant to be this one.
    pub fn was_meant(&self, name: &str) -> bool {
        self.meant.contains(&name)
    }

    /// The value of a setting that was found.
    pub fn take(&mut self, name: &str) -> Option<Expr> {
        let index = self.found.iter().position(|(known, _, _)| *known == name)?;
        Some(self.found.remove(index).2)
    }
}
