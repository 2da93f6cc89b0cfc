//! What to say about a name, or an argument, that the catalog does not have.

use super::constant::Scope;
use super::habits;
use crate::catalog::{self, Entry, Kind, foreign};
use crate::diagnostics::{Code, Diagnostic, Span, listed, near_miss};
use crate::syntax::ast::{Expr, ExprKind};

/// A way to write an entry of a kind.
pub fn example(kind: Kind) -> &'static str {
    match kind {
        Kind::Layer => "Linear(8)",
        Kind::Loss => "MSE",
        Kind::Optimizer => "Adam(lr = 1e-3)",
        Kind::Schedule => "CosineAnnealing",
        Kind::Stop => "early(patience = 10)",
        Kind::Average => "ema(decay = 0.999)",
        Kind::Initializer => "Zeros",
        Kind::Metric => "accuracy",
        Kind::ColumnKind => "number",
        Kind::Split => "random(validate = 20%)",
    }
}

/// `a` or `an`, as the word that follows asks for.
pub fn article(noun: &str) -> &'static str {
    if noun.starts_with(['a', 'e', 'i', 'o', 'u']) {
        "an"
    } else {
        "a"
    }
}

/// The fault of a name that is known, but as something else: reserved, or the file's own.
fn not_an_entry(name: &str, span: Span, kind: Kind, scope: &Scope) -> Option<Diagnostic> {
    let noun = kind.noun();
    if catalog::planned(kind).contains(&name) {
        let fault = Diagnostic::new(
            Code::NotSupported,
            span,
            format!("the {noun} `{name}` is not supported yet"),
        )
        .label("reserved, not implemented yet");
        return Some(fault);
    }
    if let Some((_, declared)) = scope.parameters.get(name) {
        let fault = Diagnostic::new(
            Code::UnknownEntry,
            span,
            format!("`{name}` is a parameter, which takes no arguments where it is used"),
        )
        .label("has its arguments where it is bound")
        .also(*declared, "declared here")
        .help(format!(
            "write `{name}` alone, and `{name} = {}` where it is bound, say",
            example(kind)
        ));
        return Some(fault);
    }
    if let (Kind::Layer, Some(declared)) = (kind, scope.values.get(name)) {
        let fault = Diagnostic::new(
            Code::UnknownEntry,
            span,
            format!("`{name}` is a name of this network, not a layer"),
        )
        .label("takes no arguments")
        .also(*declared, "declared here")
        .help("what flows into a layer stands before it: `h -> ReLU`")
        .help(format!(
            "a layer has another name by `param {name} = ReLU` above the sections"
        ));
        return Some(fault);
    }
    None
}

/// The fault of a name that the catalog does not have in this place, nor the file, whose blocks may
/// stand where layers do.
pub fn unknown_entry(name: &str, span: Span, kind: Kind, scope: &Scope) -> Diagnostic {
    if let Some(fault) = not_an_entry(name, span, kind, scope) {
        return fault;
    }
    let noun = kind.noun();
    let fault = Diagnostic::new(
        Code::UnknownEntry,
        span,
        format!("no {noun} is called `{name}`"),
    );
    if let Some(here) = foreign::entry(kind, name) {
        let fault = fault
            .label(format!("this is called `{here}` here"))
            .suggest(span, here);
        return if catalog::planned(kind).contains(&here) {
            fault.note(format!("`{here}` is reserved, not implemented yet"))
        } else {
            fault
        };
    }
    let elsewhere = catalog::entries().find(|entry| entry.name == name);
    // An initializer is called `Constant` too.
    let elsewhere = elsewhere.filter(|_| kind != Kind::Schedule || foreign::advice(name).is_none());
    if let Some(entry) = elsewhere {
        let found = entry.meaning.kind().noun();
        return fault
            .label(format!(
                "this is {} {found}, not {} {noun}",
                article(found),
                article(noun)
            ))
            .help(format!("write `{}`, say", example(kind)));
    }
    if let Some(advice) = foreign::advice(name) {
        return fault.label("not in the catalog").help(advice);
    }
    let known = || {
        catalog::entries()
            .filter(move |entry| entry.meaning.kind() == kind)
            .map(|entry| entry.name)
    };
    let mut blocks: Vec<&str> = match kind {
        Kind::Layer => scope.blocks.keys().map(String::as_str).collect(),
        Kind::Loss
        | Kind::Optimizer
        | Kind::Schedule
        | Kind::Stop
        | Kind::Average
        | Kind::Initializer
        | Kind::Metric
        | Kind::ColumnKind
        | Kind::Split => Vec::new(),
    };
    blocks.sort_unstable();
    let own = blocks.iter().copied().chain(known());
    let own = own.chain(catalog::planned(kind).iter().copied());
    // A layer may stand behind a parameter's name, and a shared one has a label.
    let named = scope.parameters.keys().chain(scope.values.keys());
    let named = named.map(String::as_str).filter(|_| kind == Kind::Layer);
    let own = own.chain(named);
    let meant = near_miss(name, own).or_else(|| {
        // A near miss of what another library calls it.
        let entries = catalog::entries().filter(|entry| entry.meaning.kind() == kind);
        let foreign = entries.flat_map(|entry| entry.also_known_as.iter().copied());
        let found = near_miss(name, foreign)?;
        Some(catalog::find_foreign(kind, found)?.name)
    });
    let fault = fault.label("not in the catalog");
    let fault = match meant {
        Some(meant) => fault
            .help(format!("did you mean `{meant}`?"))
            .suggest(span, meant),
        None => fault,
    };
    let all = blocks.iter().copied().chain(known());
    fault.note(format!("there are: {}", listed(all)))
}

/// Adds which of the known words of a setting or an argument was most likely meant by another one.
pub fn near_value(fault: Diagnostic, word: &str, span: Span, known: &[&str]) -> Diagnostic {
    let meant = foreign::value(word, known).unwrap_or(word);
    fault.near(meant, span, known.iter().copied())
}

fn takes(entry: &Entry) -> String {
    let names = entry.parameters.iter().map(|parameter| parameter.name);
    if entry.parameters.is_empty() {
        format!("`{}` takes no arguments", entry.name)
    } else {
        format!("`{}` takes: {}", entry.name, listed(names))
    }
}

/// Arguments of PyTorch, or of the language, that have no meaning in this version.
const PLANNED: [&str; 11] = [
    "cycle_momentum",
    "bins",
    "encode",
    "reduction",
    "weight",
    "pos_weight",
    "ignore_index",
    "init",
    "track_running_stats",
    "padding_idx",
    "max_norm",
];

/// The fault of an argument that the entry does not have.
pub fn unknown_argument(entry: &Entry, name: &str, span: Span) -> Diagnostic {
    if PLANNED.contains(&name) {
        return Diagnostic::new(
            Code::NotSupported,
            span,
            format!(
                "the argument `{name}` of `{}` is not supported yet",
                entry.name
            ),
        )
        .label("reserved, not implemented yet")
        .note(takes(entry));
    }
    let names = || entry.parameters.iter().map(|known| known.name);
    let aliases = foreign::arguments(name);
    let fault = Diagnostic::new(
        Code::UnknownArgument,
        span,
        format!("`{}` has no argument `{name}`", entry.name),
    );
    if let Some(reason) = foreign::needless(entry, name) {
        let fault = fault.label("not needed here");
        return match (entry.name, name) {
            ("Linear", "in_features") => {
                fault.help(format!("{reason}; `Linear(3 -> 8)` states it"))
            }
            _ => fault.help(format!("{reason}: remove this")),
        };
    }
    if let Some(advice) = foreign::elsewhere(entry, name) {
        return fault.label("unknown argument").help(advice);
    }
    let alias = aliases
        .iter()
        .copied()
        .find(|alias| names().any(|known| known == *alias));
    match alias {
        // One number is not yet the list that `betas` takes, so the name alone mends nothing.
        Some("betas") => fault
            .label("this is part of `betas` here")
            .help("write both: `betas = [0.9, 0.999]`"),
        Some(alias) => fault
            .label(format!("this is called `{alias}` here"))
            .suggest(span, alias)
            .note(takes(entry)),
        None => fault
            .label("unknown argument")
            .near(name, span, names())
            .note(takes(entry)),
    }
}

/// The fault of an argument without a name where the entry expects none.
pub fn too_many(entry: &Entry, argument: &Expr, scope: &Scope) -> Diagnostic {
    let span = argument.span;
    let kind = entry.meaning.kind();
    if let (Kind::Loss, ExprKind::Name(target)) = (kind, &argument.kind) {
        return Diagnostic::new(
            Code::NotSupported,
            span,
            "naming the target of a loss is not supported yet",
        )
        .label("with one target there is nothing to choose")
        .help(format!("remove `{target}`: write `{}`", entry.name));
    }
    let positional = entry
        .parameters
        .iter()
        .filter(|parameter| parameter.positional);
    let fault = Diagnostic::new(
        Code::UnknownArgument,
        span,
        match positional.count() {
            0 if entry.parameters.is_empty() => format!("`{}` takes no arguments", entry.name),
            0 => format!("`{}` takes no argument without a name", entry.name),
            1 => format!("`{}` takes one argument without a name", entry.name),
            count => format!("`{}` takes {count} arguments without a name", entry.name),
        },
    );
    if let Some(value) = habits::flows(&argument.kind, scope).filter(|_| kind == Kind::Layer) {
        return fault.label("this is a value, not a setting").help(format!(
            "a value flows into a layer by an arrow: `{value} -> {}`",
            entry.name
        ));
    }
    if let (Kind::Layer, ExprKind::Call { name, .. }) = (kind, &argument.kind)
        && (catalog::find(kind, &name.text).is_some() || scope.blocks.contains_key(&name.text))
    {
        return fault.label("a layer, not a setting").help(format!(
            "one layer follows another by an arrow: `{}(…) -> {}`",
            name.text, entry.name
        ));
    }
    if entry.parameters.is_empty() {
        fault.label("remove this")
    } else {
        fault.label("give this one by name").note(takes(entry))
    }
}
