//! `use "blocks.nn"`: files that lend their blocks, relative to the file that says so and never outside
//! of its folder.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use super::block::{self, Block};
use super::constant::Scope;
use crate::diagnostics::{Code, Diagnostic, Faults, FileId, Sources, Span};
use crate::syntax::ast::{File, Name, StatementKind};
use crate::syntax::{self, Parsed};

/// Files that use one another may stand this deep.
const DEEPEST_USE: usize = 64;
const ENDING: &str = ".nn";

/// The files that a model uses, read and parsed, by their paths from the model's folder.
#[derive(Clone, Debug, Default)]
pub struct Library {
    files: BTreeMap<String, Found>,
}

#[derive(Clone, Debug)]
enum Found {
    Read {
        id: FileId,
        parsed: Parsed,
    },
    /// Why the file cannot be read.
    Unread(String),
}

impl Library {
    /// Reads the files that a model uses, and those that these use. `read` gives the text at a path
    /// from the model's folder, or says why there is none, in words that follow the path.
    pub fn gather(
        sources: &mut Sources,
        model: FileId,
        read: &mut dyn FnMut(&str) -> Result<String, String>,
    ) -> Library {
        let mut library = Library::default();
        let text = &sources.get(model).text;
        if !mentions_use(text) {
            return library;
        }
        let folder = Path::new(&sources.get(model).name).parent();
        let folder = folder.map(Path::to_owned).unwrap_or_default();
        let mut open = used(&syntax::parse(text, model).file, "");
        while let Some(path) = open.pop() {
            if library.files.contains_key(&path) {
                continue;
            }
            let found = match read(&path) {
                Ok(text) => {
                    let id = sources.add(folder.join(&path).display().to_string(), text);
                    let parsed = syntax::parse(&sources.get(id).text, id);
                    open.extend(used(&parsed.file, &path));
                    Found::Read { id, parsed }
                }
                Err(reason) => Found::Unread(reason),
            };
            library.files.insert(path, found);
        }
        library
    }

    /// The files that were read, by their paths from the model's folder.
    pub fn files(&self) -> impl Iterator<Item = (&str, FileId)> {
        self.files.iter().filter_map(|(path, found)| match found {
            Found::Read { id, .. } => Some((path.as_str(), *id)),
            Found::Unread(_) => None,
        })
    }

    /// The faults of syntax of all files.
    pub fn faults(&self) -> Faults {
        let parsed = self.files.values().filter_map(|found| match found {
            Found::Read { parsed, .. } => Some(&parsed.faults),
            Found::Unread(_) => None,
        });
        parsed.flatten().cloned().collect()
    }
}

/// Whether a text may have a `use`: most have none, and are not parsed for it.
fn mentions_use(text: &str) -> bool {
    let mut statements = text.split(['\n', ';', '}']);
    statements.any(|statement| {
        let rest = statement.trim_start().strip_prefix("use");
        rest.is_some_and(|rest| rest.trim_start().starts_with('"'))
    })
}

/// The paths that a file uses, as far as they can be followed.
fn used(file: &File, from: &str) -> Vec<String> {
    let statements = file.statements.iter();
    let paths = statements.filter_map(|statement| match &statement.kind {
        StatementKind::Use { path } => joined(from, &path.text).ok(),
        StatementKind::Param { .. }
        | StatementKind::Section(_)
        | StatementKind::Assign { .. }
        | StatementKind::Declare { .. }
        | StatementKind::Line(_) => None,
    });
    paths.collect()
}

/// A path that the file `from` names, from the model's folder; or what is wrong with it.
fn joined(from: &str, path: &str) -> Result<String, &'static str> {
    if path.is_empty() {
        return Err("is no path");
    }
    if path.contains('\\') {
        return Err("has a backslash: folders are divided by `/`");
    }
    let drive = path.as_bytes().get(1) == Some(&b':');
    if path.starts_with('/') || drive {
        return Err("is absolute: a used file is named from the folder of the file that uses it");
    }
    if path.split('/').any(|part| part == "..") {
        return Err("leads out of the folder: a used file stands beside the model, or below");
    }
    if !path.ends_with(ENDING) || path.ends_with(&format!("/{ENDING}")) || path == ENDING {
        return Err("does not end with `.nn`: only model files lend blocks");
    }
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let parts = folder.split('/').chain(path.split('/'));
    let parts: Vec<&str> = parts
        .filter(|part| !part.is_empty() && *part != ".")
        .collect();
    Ok(parts.join("/"))
}

/// Follows the `use`s of a model.
pub struct Uses<'l> {
    library: Option<&'l Library>,
    /// The files that are being read, with the places that name them.
    open: Vec<(String, Option<Span>)>,
    /// What the blocks of a file see.
    known: HashMap<String, Arc<Scope>>,
}

impl<'l> Uses<'l> {
    /// For a model of that file name.
    pub fn new(library: Option<&'l Library>, model: &str) -> Self {
        Uses {
            library,
            open: vec![(model.to_owned(), None)],
            known: HashMap::new(),
        }
    }

    /// Puts `param`s, used blocks and blocks of a file into its scope.
    pub fn declare_blocks(&mut self, file: &File, scope: &mut Scope, faults: &mut Faults) {
        // A block may not hide a `param`, wherever the two stand.
        for statement in &file.statements {
            if let StatementKind::Param { name, value } = &statement.kind {
                super::parameter(name, value, scope, faults);
            }
        }
        let mut paths: HashMap<String, Span> = HashMap::new();
        for statement in &file.statements {
            let StatementKind::Use { path } = &statement.kind else {
                continue;
            };
            let fault = self.follow(path, &mut paths, scope, faults).err();
            if let Some(fault) = fault {
                // What is called like a block may be one of that file.
                scope.imports = true;
                faults.push(*fault);
            }
        }
        for statement in &file.statements {
            let StatementKind::Section(section) = &statement.kind else {
                continue;
            };
            if section.keyword.text != super::BLOCK {
                continue;
            }
            if let Some(block) = block::declare(section, scope, faults) {
                let name = block.name.text.clone();
                let blocks = Arc::make_mut(&mut scope.blocks);
                blocks.entry(name).or_insert(Arc::new(block));
            }
        }
    }

    /// Takes the blocks of a file into the scope of one that uses it.
    fn follow(
        &mut self,
        path: &Name,
        paths: &mut HashMap<String, Span>,
        scope: &mut Scope,
        faults: &mut Faults,
    ) -> Result<(), Box<Diagnostic>> {
        let fault = |message: String| Diagnostic::new(Code::BadUse, path.span, message);
        let written = &path.text;
        let from = match self.open.len() {
            1 => "",
            _ => self.open.last().map_or("", |(path, _)| path.as_str()),
        };
        let full = joined(from, written)
            .map_err(|reason| fault(format!("`{written}` {reason}")).label("not followed"))?;
        if let Some(first) = paths.insert(full.clone(), path.span) {
            return Err(Box::new(
                Diagnostic::new(
                    Code::DuplicateName,
                    path.span,
                    format!("`{written}` is used twice"),
                )
                .label("used again here")
                .also(first, "used first here"),
            ));
        }
        if let Some(at) = self.open.iter().position(|(open, _)| *open == full) {
            let way = self.open[at..].iter().map(|(open, _)| open.as_str());
            let way: Vec<&str> = way.chain([full.as_str()]).collect();
            let mut circle = fault(format!("files use one another in a circle: {}", {
                way.join(" → ")
            }))
            .label("closes the circle")
            .help("put the blocks that both need into a third file");
            for (_, place) in &self.open[at..] {
                if let Some(place) = place {
                    circle = circle.also(*place, "on the way");
                }
            }
            return Err(Box::new(circle));
        }
        let found = self.library.and_then(|library| library.files.get(&full));
        let parsed = match found {
            Some(Found::Read { parsed, .. }) => parsed,
            Some(Found::Unread(reason)) => {
                let fault = fault(format!("`{full}` {reason}"));
                return Err(Box::new(fault.label("not read")));
            }
            None => {
                let fault = fault(format!("`{full}` was not given with the model"));
                return Err(Box::new(fault.label("not read").help(
                    "a model that uses other files is compiled from its own file",
                )));
            }
        };
        scope.imports |= !parsed.faults.is_empty();
        let theirs = match self.known.get(&full) {
            Some(known) => known.clone(),
            None => {
                if self.open.len() > DEEPEST_USE {
                    let fault = fault(format!(
                        "files use one another more than {DEEPEST_USE} deep"
                    ));
                    return Err(Box::new(fault.label("too deep here")));
                }
                self.open.push((full.clone(), Some(path.span)));
                let mut theirs = Scope::default();
                self.declare_blocks(&parsed.file, &mut theirs, faults);
                self.open.pop();
                super::check_lender(&parsed.file, faults);
                self.known.entry(full).or_insert(Arc::new(theirs)).clone()
            }
        };
        scope.imports |= theirs.imports;
        lend(&theirs, path, scope, faults);
        Ok(())
    }
}

/// Puts the blocks that a file declares itself into the scope of another one.
fn lend(theirs: &Arc<Scope>, path: &Name, scope: &mut Scope, faults: &mut Faults) {
    let mut own: Vec<&Arc<Block>> = theirs.blocks.values().collect();
    own.retain(|block| block.home.is_none());
    own.sort_by_key(|block| block.span());
    for block in own {
        let name = &block.name.text;
        let taken = |message: String| Diagnostic::new(Code::DuplicateName, path.span, message);
        if let Some(first) = scope.blocks.get(name) {
            faults.push(
                taken(format!("two used files have a block `{name}`"))
                    .label("brings the second one")
                    .also(block.span(), "the second one")
                    .also(first.span(), "the first one"),
            );
        } else {
            let block = Block {
                home: Some(theirs.clone()),
                ..(**block).clone()
            };
            Arc::make_mut(&mut scope.blocks).insert(name.clone(), Arc::new(block));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::joined;

    #[test]
    fn paths_stay_in_the_folder() {
        assert_eq!(joined("", "blocks.nn").as_deref(), Ok("blocks.nn"));
        assert_eq!(
            joined("", "./lib//blocks.nn").as_deref(),
            Ok("lib/blocks.nn")
        );
        assert_eq!(joined("lib/a.nn", "b/c.nn").as_deref(), Ok("lib/b/c.nn"));
        for path in [
            "",
            "/blocks.nn",
            "../blocks.nn",
            "lib/../../blocks.nn",
            "c:/blocks.nn",
            "lib\\b.nn",
            "blocks",
            ".nn",
            "lib/.nn",
            "blocks.txt",
        ] {
            assert!(joined("", path).is_err(), "{path}");
        }
    }
}
