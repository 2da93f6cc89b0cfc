//! `nnc explain`: what a code or a word of the language means.

mod code;
mod page;

use nnc::diagnostics::{Code, Diagnostic, near_miss};

use super::arguments::ExplainArguments;
use super::console::Console;
use super::{Exit, Outcome};
use page::Page;

pub fn explain(arguments: &ExplainArguments, console: &Console) -> Outcome {
    let mut page = Page::new();
    match &arguments.name {
        None => codes(&mut page),
        Some(name) => {
            let known = Code::ALL
                .iter()
                .find(|code| code.id().eq_ignore_ascii_case(name));
            let Some(code) = known else {
                let ids = Code::ALL.iter().map(|code| code.id());
                let fault = Diagnostic::without_place(
                    Code::UnknownEntry,
                    format!("nothing is called `{name}`"),
                );
                let fault = match near_miss(name, ids) {
                    Some(near) => fault.help(format!("did you mean `{near}`?")),
                    None => fault.help("`nnc explain` lists all there is"),
                };
                return Err(vec![fault]);
            };
            code::explain(*code, &mut page);
        }
    }
    console.put(page.bytes());
    Ok(Exit::Success)
}

fn codes(page: &mut Page) {
    page.heading("Codes of faults");
    for code in Code::ALL {
        page.row(code.id(), code.title());
    }
}
