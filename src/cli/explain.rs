//! `nnc explain`: what a code or a word of the language means.

mod code;
mod entry;
mod page;
mod plot;
mod setting;
mod word;

use nnc::catalog::settings::SECTIONS;
use nnc::catalog::words::WORDS;
use nnc::catalog::{self, Kind, Meaning, foreign};
use nnc::diagnostics::{Code, Diagnostic, near_miss};

use super::arguments::ExplainArguments;
use super::console::Console;
use super::{Exit, Outcome};
use page::Page;

pub fn explain(arguments: &ExplainArguments, console: &Console) -> Outcome {
    let mut page = Page::new();
    match &arguments.name {
        None => everything(&mut page),
        Some(name)
            if known(name, &mut page)
                || argument_of(name, &mut page)
                || foreign(name, &mut page) => {}
        Some(name) => return Err(vec![unknown(name)]),
    }
    console.put(page.bytes());
    Ok(Exit::Success)
}

fn everything(page: &mut Page) {
    for kind in Kind::ALL {
        let entries = || catalog::entries().filter(move |entry| entry.meaning.kind() == kind);
        let is_activation =
            |meaning: &Meaning| kind == Kind::Layer && matches!(meaning, Meaning::Activation(_));
        page.heading(kind.plural());
        for entry in entries().filter(|entry| !is_activation(&entry.meaning)) {
            page.row(entry.name, entry.summary);
        }
        if kind == Kind::Layer {
            page.heading("Activations");
            for entry in entries().filter(|entry| is_activation(&entry.meaning)) {
                page.row(entry.name, entry.summary);
            }
        }
    }
    for (section, settings) in SECTIONS {
        setting::list(section, settings, page);
    }
    page.heading("Words of the language");
    for word in WORDS {
        page.row(word.name, word.summary);
    }
    page.heading("Codes of faults");
    for code in Code::ALL {
        page.row(code.id(), code.title());
    }
}

/// The pages of all that has a name, if anything has.
fn known(name: &str, page: &mut Page) -> bool {
    if let Some(code) = Code::ALL
        .iter()
        .find(|code| code.id().eq_ignore_ascii_case(name))
    {
        code::explain(*code, page);
        return true;
    }
    let mut found = false;
    for word in WORDS.iter().filter(|word| word.name == name) {
        word::explain(word, page);
        found = true;
    }
    for entry in catalog::entries().filter(|entry| entry.name == name) {
        entry::explain(entry, page);
        found = true;
    }
    for (section, settings) in SECTIONS {
        if *section == name {
            setting::list(section, settings, page);
            found = true;
        }
        for setting in settings.iter().filter(|setting| setting.name == name) {
            setting::explain(section, setting, page);
            found = true;
        }
    }
    for kind in Kind::ALL {
        if catalog::planned(kind).contains(&name) {
            page.heading(&format!("{name}: {}", kind.noun()));
            page.prose("Reserved, not implemented yet.");
            found = true;
        }
    }
    arguments(name, page) || found
}

/// The arguments of a name, with the entries that take them.
fn arguments(name: &str, page: &mut Page) -> bool {
    let mut taken: Vec<(String, Vec<&str>)> = Vec::new();
    for entry in catalog::entries() {
        let mut parameters = entry.parameters.iter();
        let Some(parameter) = parameters.find(|parameter| parameter.name == name) else {
            continue;
        };
        let text = parameter.text();
        match taken.iter_mut().find(|(known, _)| *known == text) {
            Some((_, entries)) => entries.push(entry.name),
            None => taken.push((text, vec![entry.name])),
        }
    }
    if taken.is_empty() {
        return false;
    }
    page.heading(&format!("{name}: argument"));
    for (text, entries) in &taken {
        page.row(&entries.join(", "), text);
    }
    true
}

/// One argument of one entry: `SGD.lr`.
fn argument_of(name: &str, page: &mut Page) -> bool {
    let Some((entry, argument)) = name.split_once('.') else {
        return false;
    };
    let mut found = false;
    for entry in catalog::entries().filter(|known| known.name == entry) {
        let mut parameters = entry.parameters.iter();
        if let Some(parameter) = parameters.find(|parameter| parameter.name == argument) {
            page.heading(&format!("{argument}: argument of `{}`", entry.name));
            page.prose(&format!("What it says: {}.", parameter.text()));
            page.caption(&format!("example, in `{}`", entry.meaning.kind().section()));
            page.code(entry.example);
            found = true;
        }
    }
    found
}

/// The pages of what another library calls by a name.
fn foreign(name: &str, page: &mut Page) -> bool {
    let entries = Kind::ALL
        .into_iter()
        .filter_map(|kind| foreign::entry(kind, name));
    let settings = foreign::setting(name).into_iter();
    let mut seen = Vec::new();
    for here in entries.chain(settings) {
        if !seen.contains(&here) {
            page.prose(&format!("`{name}` is called `{here}` here."));
            known(here, page);
            seen.push(here);
        }
    }
    let arguments = foreign::arguments(name);
    for entry in catalog::entries() {
        let mut parameters = entry.parameters.iter();
        if let Some(found) = parameters.find(|parameter| arguments.contains(&parameter.name)) {
            let (argument, entry) = (found.name, entry.name);
            page.prose(&format!(
                "`{name}` is the argument `{argument}` of `{entry}`."
            ));
        }
    }
    let mut told: Vec<&str> = foreign::advice(name).into_iter().collect();
    if let Some(switch) = foreign::switch(name) {
        let (on, off) = (switch.on, switch.off);
        page.prose(&format!(
            "There is no `{name}` here: for `true` write `{on}`, for `false` `{off}`."
        ));
    }
    for entry in catalog::entries() {
        let words = foreign::needless(entry, name).or_else(|| foreign::elsewhere(entry, name));
        told.extend(words.filter(|words| !told.contains(words)));
    }
    for words in &told {
        page.prose(&format!("There is no `{name}` here: {words}."));
    }
    let switched = foreign::switch(name).is_some();
    !seen.is_empty() || !arguments.is_empty() || !told.is_empty() || switched
}

fn unknown(name: &str) -> Diagnostic {
    let settings = SECTIONS.iter().flat_map(|(_, settings)| settings.iter());
    let names = catalog::entries()
        .map(|entry| entry.name)
        .chain(settings.map(|setting| setting.name))
        .chain(SECTIONS.iter().map(|(section, _)| *section))
        .chain(WORDS.iter().map(|word| word.name))
        .chain(Code::ALL.iter().map(|code| code.id()))
        .chain(Kind::ALL.into_iter().flat_map(catalog::planned).copied());
    let message = format!("nothing is called `{name}`");
    let fault = Diagnostic::without_place(Code::UnknownEntry, message);
    match near_miss(name, names) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help("`nnc explain` lists all there is"),
    }
}
