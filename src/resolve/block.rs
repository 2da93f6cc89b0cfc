//! Blocks: reusable pieces of network with parameters, as they are declared.

use std::collections::HashMap;
use std::sync::Arc;

use super::constant::{FACTS, Scope};
use crate::catalog;
use crate::diagnostics::{Code, Diagnostic, Span};
use crate::syntax::ast::{BlockParameter, Name, Section, Statement};

/// A block that has been declared. Its body is checked where it is used, since shapes are known there.
#[derive(Clone, Debug)]
pub struct Block {
    pub name: Name,
    pub parameters: Vec<BlockParameter>,
    pub body: Vec<Statement>,
    /// What the blocks of its file see, where that is another file than the one that it is used in.
    pub home: Option<Arc<Scope>>,
}

impl Block {
    /// Where the block is declared.
    pub fn span(&self) -> Span {
        self.name.span
    }

    /// Its declaration, from the name to the last line.
    pub fn whole_span(&self) -> Span {
        let name = self.span();
        self.body.last().map_or(name, |last| name.to(last.span))
    }

    /// How the block is written: `Dense(out, p = …)`.
    pub fn text(&self) -> String {
        let parameters = self.parameters.iter().map(|parameter| {
            let name = &parameter.name.text;
            match parameter.default {
                Some(_) => format!("{name} = …"),
                None => name.clone(),
            }
        });
        let parameters: Vec<String> = parameters.collect();
        if parameters.is_empty() {
            self.name.text.clone()
        } else {
            format!("{}({})", self.name.text, parameters.join(", "))
        }
    }
}

/// Checks the declaration of a block, whose parameters may not shadow a `param` of the file.
pub fn declare(section: &Section, scope: &Scope, faults: &mut Vec<Diagnostic>) -> Option<Block> {
    let Some(name) = &section.name else {
        faults.push(
            Diagnostic::new(
                Code::MissingArgument,
                section.keyword.span,
                "a `block` needs a name",
            )
            .label("write `block Name { … }`, or `block Name(width) { … }`"),
        );
        return None;
    };
    if let Some(selector) = &section.selector {
        faults.push(
            Diagnostic::new(
                Code::Misplaced,
                selector.span,
                "a `block` is not chosen by a text",
            )
            .label("remove this"),
        );
    }
    faults.extend(name_fault(name, scope));
    let mut parameters: Vec<BlockParameter> = Vec::new();
    let mut known: HashMap<&str, Span> = HashMap::new();
    for parameter in &section.parameters {
        let name = &parameter.name;
        let first = known.get(name.text.as_str()).copied();
        faults.extend(parameter_fault(name, first, scope));
        // Uses may give it all the same.
        if first.is_none() {
            known.insert(&name.text, name.span);
            parameters.push(parameter.clone());
        }
    }
    Some(Block {
        name: name.clone(),
        parameters,
        body: section.body.clone(),
        home: None,
    })
}

fn name_fault(name: &Name, scope: &Scope) -> Option<Diagnostic> {
    let text = &name.text;
    let taken = |message: String| Diagnostic::new(Code::DuplicateName, name.span, message);
    if let Some(first) = scope.blocks.get(text) {
        return Some(
            taken(format!("there are two blocks `{text}`"))
                .label("the second one")
                .also(first.span(), "the first one"),
        );
    }
    if catalog::entries().any(|entry| entry.name == text)
        || catalog::planned(catalog::Kind::Layer).contains(&text.as_str())
    {
        return Some(
            taken(format!("a block cannot be called `{text}`")).label("a name of the catalog"),
        );
    }
    let capital = text.starts_with(|first: char| first.is_uppercase());
    (!capital).then(|| {
        let mut letters = text.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        let proper: String = first.into_iter().chain(letters).collect();
        Diagnostic::new(
            Code::Misplaced,
            name.span,
            "the name of a block begins with a capital letter, as those of layers do",
        )
        .label(format!("write `{proper}`"))
        .suggest(name.span, proper)
    })
}

/// `first`: where the block has declared a parameter of this name.
fn parameter_fault(name: &Name, first: Option<Span>, scope: &Scope) -> Option<Diagnostic> {
    let text = name.text.as_str();
    let fault = |message: String| Diagnostic::new(Code::DuplicateName, name.span, message);
    if let Some(first) = first {
        return Some(
            fault(format!("the block has two parameters `{text}`"))
                .label("the second one")
                .also(first, "the first one"),
        );
    }
    if let Some((_, declared)) = scope.parameters.get(text) {
        return Some(
            fault(format!("`{text}` is a `param` of the file"))
                .label("would hide it")
                .also(*declared, "the `param`")
                .help("give the block's parameter another name"),
        );
    }
    let reserved = text == "in" || FACTS.contains(&text);
    let entry = catalog::entries().any(|entry| entry.name == text);
    (reserved || entry).then(|| {
        fault(format!("a parameter cannot be called `{text}`")).label(if reserved {
            "a word of the language"
        } else {
            "a name of the catalog"
        })
    })
}
