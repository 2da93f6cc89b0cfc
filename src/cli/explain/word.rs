//! The page of a word of the language.

use nnc::catalog::words::Word;

use super::page::Page;

pub fn explain(word: &Word, page: &mut Page) {
    page.heading(&format!("{}: {}", word.name, word.noun));
    page.prose(&format!("What it says: {}.", word.summary));
    if !word.example.is_empty() {
        page.caption("example");
        page.code(word.example);
    }
}
