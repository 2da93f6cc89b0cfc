//! Claims on the columns of a header: each column is taken once, and what cannot be taken is a fault.

use std::collections::{BTreeMap, HashMap};

use crate::data::bind::BoundField;
use crate::data::cell;
use crate::data::columns::{listed, near_name};
use crate::data::faults::TableFaults;
use crate::data::header::Header;
use crate::data::spec::{ColumnPattern, DataSpec};
use crate::diagnostics::{Code, Diagnostic, Span};
use crate::glob;

pub(super) struct Binder<'h, 'f, 's> {
    header: &'h Header,
    positions: HashMap<&'h str, Vec<usize>>,
    /// Columns taken by a plain name, by a glob, or by `ignore`.
    named: BTreeMap<usize, Span>,
    globbed: BTreeMap<usize, Span>,
    ignored: BTreeMap<usize, Span>,
    /// Whether the names are those that training saw, and not the model's.
    learned: bool,
    pub faults: &'f mut TableFaults<'s>,
}

impl<'h, 'f, 's> Binder<'h, 'f, 's> {
    pub fn new(header: &'h Header, learned: bool, faults: &'f mut TableFaults<'s>) -> Self {
        let mut positions: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, name) in header.columns() {
            positions.entry(name).or_default().push(at);
        }
        Binder {
            header,
            positions,
            named: BTreeMap::new(),
            globbed: BTreeMap::new(),
            ignored: BTreeMap::new(),
            learned,
            faults,
        }
    }

    /// The column of a plain name, which nothing else may take.
    pub fn claim(&mut self, pattern: &ColumnPattern) -> Option<usize> {
        let at = self.find(pattern)?;
        match self.named.insert(at, pattern.span) {
            None => Some(at),
            Some(first) => {
                self.faults.push(
                    Diagnostic::new(
                        Code::DuplicateColumn,
                        pattern.span,
                        format!("the column `{}` is declared twice", pattern.text),
                    )
                    .label("a column stands for one value")
                    .also(first, "first declared here"),
                );
                None
            }
        }
    }

    /// The column of a name that other declarations may take, too: one of `from`, or one that training
    /// saw.
    pub fn share(&mut self, pattern: &ColumnPattern) -> Option<usize> {
        let Some(at) = self.find(pattern) else {
            if !self.learned && pattern.text.contains('*') {
                self.faults.help_last(
                    "`from` with a glob takes many columns as one value: write `vector`; if they are one-hot, put \
                     the class into one column",
                );
            }
            return None;
        };
        self.named.entry(at).or_insert(pattern.span);
        Some(at)
    }

    /// Whether a column has the very name that is written, which comes before what it means as a glob.
    pub fn has(&self, pattern: &ColumnPattern) -> bool {
        self.positions.contains_key(pattern.text.as_str())
    }

    /// The only column of that name.
    pub fn find(&mut self, pattern: &ColumnPattern) -> Option<usize> {
        match self.positions.get(pattern.text.as_str()).map(Vec::as_slice) {
            Some(&[at]) => Some(at),
            Some(several) => {
                let second = several[1];
                self.twice_in_header(pattern, second);
                None
            }
            None => {
                self.missing(pattern);
                None
            }
        }
    }

    fn missing(&mut self, pattern: &ColumnPattern) {
        let names: Vec<String> = self
            .header
            .columns()
            .map(|(_, name)| name.to_owned())
            .collect();
        let table = &self.faults.name;
        let (message, label) = if pattern.glob {
            (
                format!("no column of `{table}` is left for `{}`", pattern.text),
                "matches no column that nothing else names",
            )
        } else {
            (
                format!("`{table}` has no column `{}`", pattern.text),
                "not in the table's header",
            )
        };
        let mut fault = Diagnostic::new(Code::MissingColumn, pattern.span, message).label(label);
        if !pattern.glob {
            let free = self.header.columns();
            let free = free.filter(|(at, _)| !self.learned || !self.named.contains_key(at));
            let near = near_name(&pattern.text, free.map(|(_, name)| name));
            fault = match (near, self.learned) {
                (Some(name), false) => fault
                    .help(format!("did you mean `{name}`?"))
                    .suggest(pattern.span, as_written(name)),
                // The model is right, so there is nothing to mend in it.
                (Some(name), true) => {
                    fault.note(format!("the run was trained with it; is it `{name}` here?"))
                }
                (None, true) => fault.note("the run was trained with it"),
                (None, false) => fault,
            };
        }
        fault = fault.note(format!("the table's columns are {}", listed(&names)));
        if let [name] = &names[..]
            && name.contains(|character: char| character.is_whitespace())
        {
            fault = fault.help(
                "no comma, semicolon, tab or pipe divides the table's lines; fields with blanks between them \
                 cannot be read",
            );
        }
        let numbers = names
            .iter()
            .filter(|name| cell::number(name.as_bytes()).is_ok())
            .count();
        if self.header.record.is_some() && 3 * numbers > names.len() {
            fault = fault.help(format!(
                "{numbers} of the {} fields of the first line are numbers: if it is a row, name the columns by \
                 `header = [...]` in `data`",
                names.len()
            ));
        }
        self.faults.push(fault);
    }

    fn twice_in_header(&mut self, pattern: &ColumnPattern, second: usize) {
        let place = self.header.place(second, self.faults);
        let name = &self.header.names[second];
        let message = format!("`{}` has two columns `{name}`", self.faults.name);
        let fault = Diagnostic::new(Code::DuplicateColumn, pattern.span, message)
            .label("which of them is meant?");
        self.faults.push(match place {
            Some(place) => fault.also(place, "the second one"),
            None => fault,
        });
    }

    pub fn ignore(&mut self, patterns: &[ColumnPattern]) {
        for pattern in patterns {
            let columns = self.header.columns().filter(|(at, name)| {
                if pattern.glob {
                    glob::matches(&pattern.text, name) && !self.named.contains_key(at)
                } else {
                    *name == pattern.text
                }
            });
            let matches: Vec<usize> = columns.map(|(at, _)| at).collect();
            if matches.is_empty() {
                self.missing(pattern);
            }
            for at in matches {
                if let Some(&first) = self.named.get(&at) {
                    let message = format!("the column `{}` is declared and ignored", pattern.text);
                    self.faults.push(
                        Diagnostic::new(Code::DuplicateColumn, pattern.span, message)
                            .label("ignored here")
                            .also(first, "declared here"),
                    );
                }
                self.ignored.insert(at, pattern.span);
            }
        }
    }

    /// The columns of a glob that no plain name and no `ignore` takes, in the file's order.
    pub fn claim_glob(&mut self, pattern: &ColumnPattern) -> Vec<usize> {
        let mut taken = Vec::new();
        let mut conflict: Option<(Span, Vec<String>)> = None;
        for (at, name) in self.header.columns() {
            let free = !self.named.contains_key(&at) && !self.ignored.contains_key(&at);
            if !free || !glob::matches(&pattern.text, name) {
                continue;
            }
            match self.globbed.get(&at) {
                Some(&first) => {
                    let (_, names) = conflict.get_or_insert((first, Vec::new()));
                    names.push(name.to_owned());
                }
                None => {
                    self.globbed.insert(at, pattern.span);
                    taken.push(at);
                }
            }
        }
        if let Some((first, names)) = &conflict {
            let message = format!("two globs take the same columns: {}", listed(names));
            self.faults.push(
                Diagnostic::new(Code::DuplicateColumn, pattern.span, message)
                    .label("taken a second time here")
                    .also(*first, "first taken here"),
            );
        } else if taken.is_empty() {
            self.missing(pattern);
        }
        let twice = taken
            .iter()
            .copied()
            .find(|&at| self.positions[self.header.names[at].as_str()].last() != Some(&at));
        if let Some(first) = twice {
            let all = &self.positions[self.header.names[first].as_str()];
            let second = all[1];
            self.twice_in_header(pattern, second);
        }
        taken
    }

    pub fn too_many(&mut self, pattern: &ColumnPattern, count: usize) {
        let message = format!(
            "`{}` takes {count} columns for one number or category",
            pattern.text
        );
        self.faults.push(
            Diagnostic::new(Code::DuplicateColumn, pattern.span, message)
                .label("takes one column")
                .help("many columns together are a `vector`"),
        );
    }

    /// Two values may not get one name: a glob's column may be called as another declaration is.
    pub fn distinct_names(&mut self, fields: &[BoundField], spec: &DataSpec) {
        let mut seen: HashMap<&str, usize> = HashMap::new();
        for field in fields {
            let Some(first) = seen.insert(&field.name, field.declared) else {
                continue;
            };
            let both_plain = [first, field.declared].iter().all(|&declared| {
                let column = &spec.columns[declared];
                column.from.is_none() && !column.name.glob
            });
            // The same column twice, and the same header name twice, are reported where they are found.
            if both_plain || first == field.declared {
                continue;
            }
            self.faults.push(
                Diagnostic::new(
                    Code::DuplicateName,
                    spec.columns[field.declared].name.span,
                    format!("two values are named `{}`", field.name),
                )
                .label(format!("gives a value `{}`", field.name))
                .also(spec.columns[first].name.span, "so does this"),
            );
        }
    }
}

/// A column's name as a model file writes it.
fn as_written(name: &str) -> String {
    let mut characters = name.chars();
    let starts = characters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
    if starts && characters.all(|rest| rest.is_ascii_alphanumeric() || rest == '_') {
        name.to_owned()
    } else {
        let mut written = String::new();
        for letter in name.chars() {
            if matches!(letter, '"' | '\\' | '*' | '?') {
                written.push('\\');
            }
            written.push(letter);
        }
        format!("\"{written}\"")
    }
}
