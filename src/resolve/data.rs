//! The `data` section: columns, their kinds, and the split.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use super::FaultyColumn;
use super::arguments;
use super::columns::{column_kind, texts};
use super::constant::Scope;
use super::constant::number_text;
use super::settings::Settings;
use super::table_format;
use super::values::cell_text;
use crate::catalog::Kind;
use crate::catalog::arguments::ArgumentValue;
use crate::catalog::settings::DATA;
use crate::data::spec::{
    ColumnKind, ColumnPattern, ColumnSpec, DataSpec, Drop, NumberPreparation, Role, Split,
};
use crate::diagnostics::{Code, Diagnostic, Span};
use crate::glob;
use crate::syntax::ast::{ColumnName, Expr, ExprKind, File, Name, Section, StatementKind};

/// Checks the section and gives what it declares; lines with faults are left out.
pub fn resolve(
    section: &Section,
    scope: &Scope,
    faulty: &mut Vec<FaultyColumn>,
    faults: &mut Vec<Diagnostic>,
) -> DataSpec {
    let mut spec = DataSpec {
        span: section.keyword.span,
        ..DataSpec::default()
    };
    let mut settings = Settings::new("a `data` section", DATA);
    for statement in &section.body {
        match &statement.kind {
            StatementKind::Declare {
                keyword,
                names,
                kind,
                from,
            } => {
                let before = spec.columns.len();
                let declared = Declared {
                    keyword,
                    names,
                    kind: kind.as_ref(),
                    from: from.as_ref(),
                };
                let role = declare(&declared, scope, &mut spec, faults);
                if let Some(role) = role.filter(|_| spec.columns.len() == before) {
                    faulty.extend(names.iter().map(|name| FaultyColumn {
                        role,
                        name: name.text.clone(),
                        span: name.span,
                    }));
                }
            }
            StatementKind::Assign { name, value } => settings.add(name, value, faults),
            StatementKind::Line(Expr {
                kind: ExprKind::Labelled { label, stage },
                ..
            }) => faults.push(undeclared(label, stage, statement.span)),
            StatementKind::Param { .. }
            | StatementKind::Use { .. }
            | StatementKind::Line(_)
            | StatementKind::Section(_) => faults.push(
                Diagnostic::new(
                    Code::Misplaced,
                    statement.span,
                    "a `data` section holds columns and settings",
                )
                .label("has no meaning here")
                .help("write `input name: number`, `target name: category` or `ignore name`"),
            ),
        }
    }
    if let Some(value) = settings.take("split") {
        spec.split = split(&value, scope, faults).unwrap_or_default();
    }
    spec.format = table_format::resolve(&mut settings, scope, faults);
    if let Some(value) = settings.take("missing") {
        spec.missing = missing(&value, faults);
    }
    if let Some(value) = settings.take("drop") {
        spec.drop = dropped(&value, faults);
    }
    duplicates(&spec, faults);
    let inputs = spec.columns.iter().any(|column| column.role == Role::Input);
    if !inputs
        && !faulty
            .iter()
            .any(|column| column.role != Some(Role::Target))
    {
        faults.push(
            Diagnostic::new(
                Code::NoInput,
                section.keyword.span,
                "the `data` section has no input",
            )
            .label("no `input` in this section")
            .help("write `input name: number`"),
        );
    }
    reserved(&spec, faults);
    spec
}

/// The texts of the setting `missing`.
fn missing(value: &Expr, faults: &mut Vec<Diagnostic>) -> Vec<String> {
    let items: &[Expr] = match &value.kind {
        ExprKind::List(items) => items,
        _ => std::slice::from_ref(value),
    };
    let texts = items.iter().filter_map(|item| {
        let text = cell_text(item);
        if text.is_none() {
            let message = "`missing` takes a value or a list of values";
            let fault = Diagnostic::new(Code::WrongType, item.span, message);
            faults.push(fault.label("not a text or a number"));
        }
        text
    });
    texts.collect()
}

/// The setting `drop`.
fn dropped(value: &Expr, faults: &mut Vec<Diagnostic>) -> Drop {
    let word = match &value.kind {
        ExprKind::Name(word) => word.as_str(),
        _ => "",
    };
    match word {
        "missing" => Drop::Missing,
        "missing_target" => Drop::MissingTarget,
        other => {
            let message = "`drop` takes `missing` or `missing_target`";
            let fault = Diagnostic::new(Code::WrongType, value.span, message);
            let fault = fault.label("none of these");
            faults.push(fault.near(other, value.span, ["missing", "missing_target"]));
            Drop::None
        }
    }
}

/// The fault of `age: number`, which does not say what the column is for, or of `input: number`,
/// which does not say what it is called.
fn undeclared(label: &Name, stage: &Expr, span: Span) -> Diagnostic {
    let role = ["input", "target", "ignore"].contains(&label.text.as_str());
    let kind = if let ExprKind::Name(kind) = &stage.kind {
        kind.as_str()
    } else {
        "number"
    };
    if role {
        Diagnostic::new(Code::MissingArgument, span, "the column has no name")
            .label(format!("write `{} name: {kind}`", label.text))
    } else {
        Diagnostic::new(
            Code::Misplaced,
            span,
            format!("`{}` does not say what the column is for", label.text),
        )
        .label("neither an input nor a target")
        .help(format!(
            "write `input {name}: {kind}` or `target {name}: {kind}`",
            name = label.text
        ))
    }
}

/// A column's name, or a glob: in a name `\\*` and `\\?` are the signs themselves.
fn pattern(name: &ColumnName) -> ColumnPattern {
    let plain = glob::unescaped(&name.text);
    ColumnPattern {
        glob: name.quoted && plain.is_none(),
        text: plain.unwrap_or_else(|| name.text.clone()),
        span: name.span,
    }
}

/// What `from` names: one column, or for a vector those of a glob.
fn source(from: &ColumnName, many: bool) -> ColumnPattern {
    let pattern = pattern(from);
    ColumnPattern {
        glob: pattern.glob && many,
        ..pattern
    }
}

/// The places of the words that begin declarations in `data`.
pub fn declarators(file: &File) -> HashSet<Span> {
    let sections = file.statements.iter().filter_map(|it| match &it.kind {
        StatementKind::Section(section) if section.keyword.text == "data" => Some(section),
        _ => None,
    });
    let words = sections.flat_map(|section| &section.body);
    let words = words.filter_map(|it| match &it.kind {
        StatementKind::Declare { keyword, .. } => Some(keyword.span),
        _ => None,
    });
    words.collect()
}

/// The parts of a declaration.
struct Declared<'d> {
    keyword: &'d Name,
    names: &'d [ColumnName],
    kind: Option<&'d Expr>,
    from: Option<&'d ColumnName>,
}

/// Adds the columns of a declaration, or reports why it cannot. Gives what the columns are for, if
/// they are values of the network: `Some(None)` if that is not known.
fn declare(
    declared: &Declared,
    scope: &Scope,
    spec: &mut DataSpec,
    faults: &mut Vec<Diagnostic>,
) -> Option<Option<Role>> {
    let Declared {
        keyword,
        names,
        kind,
        from,
    } = *declared;
    let role = match keyword.text.as_str() {
        "input" => Role::Input,
        "target" => Role::Target,
        "ignore" => {
            spec.ignored.extend(names.iter().map(pattern));
            if let Some(kind) = kind {
                faults.push(
                    Diagnostic::new(Code::Misplaced, kind.span, "an ignored column has no kind")
                        .label("remove this"),
                );
            }
            return None;
        }
        "weight" => {
            row_weight(declared, spec, faults);
            return None;
        }
        other => {
            let fault = Diagnostic::new(
                Code::UnknownName,
                keyword.span,
                format!("a column cannot be declared by `{other}`"),
            )
            .label("expected `input`, `target`, `weight` or `ignore`");
            let alias = match other {
                "feature" | "features" | "x" | "X" => Some("input"),
                "label" | "labels" | "output" | "y" => Some("target"),
                "skip" | "drop" | "id" => Some("ignore"),
                "weights" | "sample_weight" => Some("weight"),
                _ => None,
            };
            faults.push(match alias {
                Some(alias) => fault
                    .label(format!("this is called `{alias}` here"))
                    .suggest(keyword.span, alias),
                None => fault.near(other, keyword.span, ["input", "target", "ignore", "weight"]),
            });
            return Some(None);
        }
    };
    let Some(kind) = kind else {
        faults.push(
            Diagnostic::new(
                Code::MissingArgument,
                names.last().map_or(keyword.span, |name| name.span),
                "the declaration does not say what the column holds",
            )
            .label("write `: number` or `: category` after this"),
        );
        return Some(Some(role));
    };
    let call = arguments::call(kind, Kind::ColumnKind, scope, faults);
    let marked = call
        .as_ref()
        .and_then(|call| texts(&call.arguments, "missing"));
    let kind = call.and_then(|call| column_kind(&call, role, from, names, faults));
    let Some(kind) = kind else {
        return Some(Some(role));
    };
    for name in names {
        spec.columns.push(ColumnSpec {
            role,
            name: pattern(name),
            from: from.map(|from| source(from, matches!(kind, ColumnKind::Vector(_)))),
            kind: kind.clone(),
            missing: marked.clone(),
        });
    }
    Some(Some(role))
}

/// Adds the column of `weight w`: one, a number as it stands.
fn row_weight(declared: &Declared, spec: &mut DataSpec, faults: &mut Vec<Diagnostic>) {
    let Declared {
        names, kind, from, ..
    } = *declared;
    let wrong = |span, message: &str| Diagnostic::new(Code::Misplaced, span, message);
    let before = faults.len();
    if let Some(kind) = kind {
        faults.push(
            wrong(kind.span, "a weight is a number as it stands in the table").label("remove this"),
        );
    }
    let single = &names[..names.len().min(1)];
    faults.extend(from.and_then(|_| faulty_from(single)));
    let from = from.map(|from| source(from, false));
    let first = spec.columns.iter().find(|known| known.role == Role::Weight);
    let mut first = first.map(|known| known.name.span);
    for name in names {
        let name = pattern(name);
        if let Some(first) = first {
            let fault = wrong(name.span, "a row has one weight").label("a second one");
            faults.push(fault.also(first, "the first"));
        } else if name.glob {
            faults.push(wrong(name.span, "a weight is one column").label("many columns"));
        }
        first.get_or_insert(name.span);
        if faults.len() == before {
            spec.columns.push(ColumnSpec {
                role: Role::Weight,
                name,
                from: from.clone(),
                kind: ColumnKind::Number(NumberPreparation::default()),
                missing: None,
            });
        }
    }
}

/// The fault of a `from` that gives its columns to several names.
pub(super) fn faulty_from(names: &[ColumnName]) -> Option<Diagnostic> {
    let [_, second, ..] = names else {
        return None;
    };
    let message = "`from` gives its columns to one name";
    Some(Diagnostic::new(Code::Misplaced, second.span, message).label("a second name"))
}

fn split(value: &Expr, scope: &Scope, faults: &mut Vec<Diagnostic>) -> Option<Split> {
    let call = arguments::call(value, Kind::Split, scope, faults)?;
    let arguments = &call.arguments;
    let span = call.span;
    let column = |name: &str| match arguments.get(name) {
        Some(ArgumentValue::Column(text)) => Some(ColumnPattern {
            text: text.clone(),
            glob: false,
            span: arguments.span_of(name),
        }),
        Some(_) | None => None,
    };
    if call.entry.name == "column" {
        let name = column("name")?;
        return Some(Split::Column { name, span });
    }
    let [validate, test] = ["validate", "test"].map(|name| arguments.number(name));
    if validate + test >= 1.0 {
        faults.push(
            Diagnostic::new(Code::BadSplit, span, "the split leaves no rows to train on").label(
                format!(
                    "validate and test take {}% of the rows",
                    number_text(((validate + test) * 1e8).round() / 1e6)
                ),
            ),
        );
        return None;
    }
    Some(match call.entry.name {
        "ordered" => Split::Ordered {
            validate,
            test,
            span,
        },
        _ => Split::Random {
            validate,
            test,
            stratify: column("stratify"),
            // A whole number of at least 0: the catalog says so, and 2^64 is the largest that fits.
            seed: arguments.number("seed") as u64,
            span,
        },
    })
}

/// Reports names that are declared twice.
fn duplicates(spec: &DataSpec, faults: &mut Vec<Diagnostic>) {
    let declared = spec.columns.iter().map(|column| &column.name);
    let mut first: HashMap<&str, Span> = HashMap::new();
    for name in declared.chain(&spec.ignored) {
        match first.entry(&name.text) {
            Entry::Vacant(place) => {
                place.insert(name.span);
            }
            Entry::Occupied(first) => faults.push(
                Diagnostic::new(
                    Code::DuplicateColumn,
                    name.span,
                    format!("the column `{}` is declared twice", name.text),
                )
                .label("declared again here")
                .also(*first.get(), "declared first here"),
            ),
        }
    }
}

/// Reports inputs whose names already mean something in a network.
fn reserved(spec: &DataSpec, faults: &mut Vec<Diagnostic>) {
    let inputs = spec.columns.iter();
    for column in inputs.filter(|column| column.role == Role::Input) {
        let name = &column.name.text;
        let meaning = match name.as_str() {
            "in" => "the network's whole input",
            "classes" => "the number of the target's classes",
            "features" => "the width of the network's input",
            "rows" => "the number of training rows",
            _ => continue,
        };
        faults.push(
            Diagnostic::new(
                Code::DuplicateName,
                column.name.span,
                format!("an input cannot be called `{name}`"),
            )
            .label(format!("in a network this is {meaning}"))
            .help(format!(
                "give it another name: `input x: number from \"{name}\"`"
            )),
        );
    }
}
