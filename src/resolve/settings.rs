//! `key = value` settings of a section against the catalog's table of them.

use crate::catalog::settings::Setting;
use crate::diagnostics::{Code, Diagnostic, Span, listed};
use crate::syntax::ast::{Expr, Name};

/// The settings of one section, as they are found.
pub struct Settings {
    /// What holds the settings, in words.
    section: &'static str,
    known: &'static [Setting],
    found: Vec<(&'static str, Span, Expr)>,
}

impl Settings {
    pub fn new(section: &'static str, known: &'static [Setting]) -> Self {
        Settings {
            section,
            known,
            found: Vec::new(),
        }
    }

    /// Takes a setting up, or reports why it cannot be.
    pub fn add(&mut self, name: &Name, value: &Expr, faults: &mut Vec<Diagnostic>) {
        let Some(setting) = self.known.iter().find(|setting| setting.name == name.text) else {
            faults.push(self.unknown(name));
            return;
        };
        if !setting.supported {
            faults.push(
                Diagnostic::new(
                    Code::NotSupported,
                    name.span,
                    format!("the setting `{}` is not supported yet", setting.name),
                )
                .label(format!(
                    "{}: without a meaning in this version",
                    setting.summary
                )),
            );
            return;
        }
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
        let alias = match name.text.as_str() {
            "batch_size" => Some("batch"),
            "epoch" | "max_epochs" | "num_epochs" | "n_epochs" | "max_iter" => Some("epochs"),
            "criterion" | "objective" | "loss_fn" => Some("loss"),
            "optim" | "solver" => Some("optimizer"),
            "random_state" | "random_seed" => Some("seed"),
            "dtype" => Some("precision"),
            "clip" | "clip_grad_norm" | "clipnorm" | "gradient_clipping" => Some("clip_norm"),
            "initializer" => Some("init"),
            "lr_scheduler" | "scheduler" | "lr_schedule" => Some("schedule"),
            "early_stopping" | "early_stop" => Some("stop"),
            _ => None,
        };
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
        fault.note(format!("there are: {}", listed(names)))
    }

    /// The value of a setting that was found.
    pub fn take(&mut self, name: &str) -> Option<Expr> {
        let index = self.found.iter().position(|(known, _, _)| *known == name)?;
        Some(self.found.remove(index).2)
    }
}
