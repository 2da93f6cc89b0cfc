//! Text of a user as it may reach a terminal: shown, never obeyed.

use std::borrow::Cow;

/// Whether a terminal would obey a character, or show nothing for it, rather than show it: control
/// characters, separators of lines, and what Unicode calls default ignorable, without the selectors of
/// variants (U+FE00 to U+FE0F), which belong to the character before them.
fn is_obeyed(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Lines of text in which each character that a terminal would obey is replaced by others of the same
/// length in bytes. Ends of lines and tabs stay.
pub fn visible(text: &str) -> Cow<'_, str> {
    // Most text is plain, and this is asked of whole tables.
    let plain = |byte: u8| matches!(byte, b' '..=b'~' | b'\n' | b'\t');
    if text.bytes().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let stays = match letter {
            '\n' | '\t' => true,
            '\r' => letters.peek() == Some(&'\n'),
            _ => !is_obeyed(letter),
        };
        if stays {
            shown.push(letter);
        } else {
            shown.push_str(replacement(letter));
        }
    }
    if shown == text {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(shown)
    }
}

/// The same of text that is to stand within one line: ends of lines and tabs are replaced too.
pub fn visible_in_line(text: &str) -> Cow<'_, str> {
    if !text.contains(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_obeyed(letter) {
            shown.push_str(replacement(letter));
        } else {
            shown.push(letter);
        }
    }
    Cow::Owned(shown)
}

/// JSON of the same value without such characters: they stand in strings, where JSON has escapes.
pub fn visible_json(json: &str) -> Cow<'_, str> {
    if !json.contains(is_obeyed) {
        return Cow::Borrowed(json);
    }
    let mut shown = String::with_capacity(json.len());
    for letter in json.chars() {
        if is_obeyed(letter) {
            let mut units = [0; 2];
            for unit in letter.encode_utf16(&mut units) {
                shown.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            shown.push(letter);
        }
    }
    Cow::Owned(shown)
}

/// What is shown in the place of a character, as long as it is in bytes: places in a text stay.
fn replacement(letter: char) -> &'static str {
    match letter.len_utf8() {
        1 => "?",
        2 => "¿",
        3 => "\u{fffd}",
        _ => "\u{fffd}?",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_obeyed_is_replaced_by_as_many_bytes() {
        let text =
            "a\u{1b}[2J\r\u{7f}\u{9b}\u{202e}\u{2028}\u{feff}\u{e0041}ü→日❤\u{fe0f}\n\tb\r\n";
        let shown = visible(text);
        assert_eq!(
            shown,
            "a?[2J??¿\u{fffd}\u{fffd}\u{fffd}\u{fffd}?ü→日❤\u{fe0f}\n\tb\r\n"
        );
        assert_eq!(shown.len(), text.len());
        assert!(matches!(visible("naïve\n"), Cow::Borrowed(_)));
        assert_eq!(visible_in_line("a\nb\tc\r\n"), "a?b?c??");
    }

    #[test]
    fn json_keeps_its_value() {
        let value = serde_json::json!({"a\u{9b}": "\u{2028}\u{e0041}ü\u{1b}"});
        let shown = visible_json(&value.to_string()).into_owned();
        assert!(shown.is_ascii() || !shown.contains(is_obeyed), "{shown}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&shown).expect("JSON"),
            value
        );
    }
}
