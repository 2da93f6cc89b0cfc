//! The explanations of codes, in parts.

/// A part of an explanation, in the order of its text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExplanationBlock<'t> {
    /// A paragraph; its lines are joined by blanks.
    Prose(&'t str),
    /// A model that gives the code, alone or with the table that follows.
    Faulty(&'t str),
    /// The same model without the fault.
    Fixed(&'t str),
    /// The table of the model before it.
    Table(&'t str),
    /// Commands for a shell.
    Shell(&'t str),
}

/// The parts of an explanation's Markdown. Code stands between fences that say what it is: `nn
/// faulty`, `nn`, `csv` or `sh`.
///
/// # Panics
/// If a fence says something else: the texts are part of the program.
pub fn explanation_blocks(text: &str) -> Vec<ExplanationBlock<'_>> {
    let mut blocks = Vec::new();
    for (index, part) in text.split("```").enumerate() {
        if index % 2 == 0 {
            let paragraphs = part.split("\n\n").map(str::trim);
            blocks.extend(
                paragraphs
                    .filter(|it| !it.is_empty())
                    .map(ExplanationBlock::Prose),
            );
            continue;
        }
        let (kind, content) = part.split_once('\n').unwrap_or((part, ""));
        blocks.push(match kind {
            "nn faulty" => ExplanationBlock::Faulty(content),
            "nn" => ExplanationBlock::Fixed(content),
            "csv" => ExplanationBlock::Table(content),
            "sh" => ExplanationBlock::Shell(content),
            other => panic!("internal: a block of `{other}` in an explanation"),
        });
    }
    blocks
}
