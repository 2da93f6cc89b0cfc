//! `key = value` settings of a section against the catalog's table of them.

use super::constant::names_in;
use crate::catalog::foreign;
use crate::catalog::settings::{Setting, TRAIN};
use crate::diagnostics::{Code, Diagnostic, Span, listed, near_miss};
use crate::syntax::ast::{Expr, Name};

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

    /// The sections that may stand beside the settings.
    fn sections(&self) -> &'static [&'static str] {
        match self.section {
            TRAIN_WORDS => &["params", "watch"],
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
        );
        let sections = self.sections();
        let exact = sections.iter().copied().find(|known| *known == name.text);
        let known = names.iter().chain(sections).copied();
        let near = exact.or_else(|| near_miss(&name.text, known));
        let section = near.filter(|near| alias.is_none() && sections.contains(near));
        if let Some(section) = section {
            return fault.label("unknown setting").help(format!(
                "`{section}` is a section: `{section} \"…\" {{ … }}`"
            ));
        }
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
        if self.section == TRAIN_WORDS && of_optimizer.contains(&name.text.as_str()) {
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
        if self.section == TRAIN_WORDS && of_split.contains(&name.text.as_str()) {
            return fault
                .label("unknown setting")
                .help("rows are divided in `data`: `split = random(validate = 20%)`");
        }
        // A value with a counterpart here tells more than the setting: `callbacks = EarlyStopping`.
        let mut values = names_in(value).into_iter();
        let advice = values.find_map(|(name, _)| foreign::advice(name));
        let advice = advice.or_else(|| foreign::advice(&name.text));
        if let (None, Some(advice)) = (alias, advice) {
            return fault.label("unknown setting").help(advice);
        }
        let fault = match self.section {
            TOP_LEVEL_WORDS => fault.help(format!("write `param {} = …`", name.text)),
            _ if TRAIN.iter().any(|setting| setting.name == name.text) => {
                fault.help("it is a setting of `train`")
            }
            _ => fault,
        };
        let names = listed(names);
        fault.note(match sections {
            [] => format!("there are: {names}"),
            sections => format!(
                "there are: {names}, and the sections {}",
                sections.join(", ")
            ),
        })
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
