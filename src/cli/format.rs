//! `nnc fmt`: model files in the canonical form.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use nnc::diagnostics::{Faults, FileId, Sources, visible_in_line};
use nnc::syntax::format as formatted;
use similar::{Algorithm, TextDiff};

use super::arguments::FormatArguments;
use super::console::Console;
use super::folder::write_file;
use super::interrupts::Interrupts;
use super::source::{MOST_BYTES, read_text, text_of};
use super::{Exit, Outcome, unreadable, unwritable};

/// Lines of text around a difference.
const CONTEXT: usize = 1;

/// Differences are searched for no longer than this, and then shown larger than they are.
const SEARCH: Duration = Duration::from_secs(1);

pub fn format(arguments: &FormatArguments, console: &Console, sources: &mut Sources) -> Outcome {
    let interrupts = Interrupts::install().map_err(|error| vec![unwritable("signals", &error)])?;
    let mut faults = Faults::new();
    let mut differing = 0;
    for path in &arguments.files {
        let from_input = path.as_os_str() == "-";
        let file = if from_input {
            standard_input(sources)
        } else {
            read_text(path, sources)
        };
        let text = file.and_then(|file| Ok((file, formatted(&sources.get(file).text, file)?)));
        let (file, text) = match text {
            Ok(read) => read,
            Err(found) => {
                faults.extend(found);
                continue;
            }
        };
        let source = sources.get(file);
        let differs = source.text != text;
        if arguments.check {
            if differs {
                differing += 1;
                console.text(&difference(&source.name, &source.text, &text));
            }
        } else if from_input {
            console.data(text.as_bytes());
        } else if differs && let Err(fault) = replace(path, &text, &interrupts) {
            faults.extend(fault);
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    match differing {
        0 => Ok(Exit::Success),
        _ => {
            console.error_line(&match differing {
                1 => "1 file is not formatted; `nnc fmt` formats it".to_owned(),
                count => format!("{count} files are not formatted; `nnc fmt` formats them"),
            });
            Ok(Exit::Faults)
        }
    }
}

fn standard_input(sources: &mut Sources) -> Result<FileId, Faults> {
    let mut bytes = Vec::new();
    io::stdin()
        .lock()
        .take(MOST_BYTES)
        .read_to_end(&mut bytes)
        .map_err(|error| vec![unreadable("standard input", &error)])?;
    text_of("standard input", bytes, sources)
}

/// Gives a file its new text whole, under its own name and with its own permissions; a link leads to
/// the same file as before.
fn replace(path: &Path, text: &str, interrupts: &Interrupts) -> Result<(), Faults> {
    let name = path.display().to_string();
    let replaced = path.canonicalize().and_then(|path| {
        let permissions = File::open(&path)?.metadata()?.permissions();
        if permissions.readonly() {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        write_file(&path, text.as_bytes(), interrupts, Some(permissions))
    });
    replaced.map_err(|error| vec![unwritable(&name, &error)])
}

/// The lines that differ, with `-` before what is there and `+` before what would be.
fn difference(name: &str, old: &str, new: &str) -> String {
    let name = &*visible_in_line(name);
    let line_end = if new.contains("\r\n") { "CRLF" } else { "LF" };
    if old.lines().eq(new.lines()) && !old.starts_with('\u{feff}') {
        return format!("{name}: line ends that are not all {line_end}\n");
    }
    let lines = |text: &str| {
        let plain: Vec<String> = text.lines().map(|line| format!("{line}\n")).collect();
        plain.concat()
    };
    let (old, new) = (lines(old), lines(new));
    TextDiff::configure()
        .algorithm(Algorithm::Patience)
        .timeout(SEARCH)
        .diff_lines(&old, &new)
        .unified_diff()
        .context_radius(CONTEXT)
        .header(name, &format!("{name}, formatted"))
        .to_string()
}
