//! Globs over names: `*` stands for any characters, `?` for one.

/// Whether a whole name matches a glob.
pub fn matches(glob: &str, name: &str) -> bool {
    if glob.contains('\\') {
        return matches_each(&escaped(glob), &plain(name), ('*', true), ('?', true));
    }
    if glob.is_ascii() && name.is_ascii() {
        return matches_each(glob.as_bytes(), name.as_bytes(), b'*', b'?');
    }
    let letters = |text: &str| text.chars().collect::<Vec<char>>();
    matches_each(&letters(glob), &letters(name), '*', '?')
}

/// The letters of a glob, and whether each is a sign: behind a backslash none is.
fn escaped(glob: &str) -> Vec<(char, bool)> {
    let mut letters = Vec::new();
    let mut rest = glob.chars().peekable();
    while let Some(letter) = rest.next() {
        let sign = |letter: &char| matches!(letter, '*' | '?');
        match rest.next_if(|next| letter == '\\' && sign(next)) {
            Some(next) => letters.push((next, false)),
            None => letters.push((letter, sign(&letter))),
        }
    }
    letters
}

fn plain(name: &str) -> Vec<(char, bool)> {
    name.chars().map(|letter| (letter, false)).collect()
}

/// A text without the backslashes before signs; `None` if a sign stands without one.
pub fn unescaped(text: &str) -> Option<String> {
    let letters = escaped(text);
    let signs = letters.iter().any(|(_, sign)| *sign);
    (!signs).then(|| letters.into_iter().map(|(letter, _)| letter).collect())
}

/// The same letter by letter.
fn matches_each<L: Copy + PartialEq>(glob: &[L], name: &[L], any: L, one: L) -> bool {
    let (mut g, mut n) = (0, 0);
    // Where the last star stands, and how far its match has been stretched.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match (glob.get(g), star) {
            (Some(&wanted), _) if wanted == any => {
                star = Some((g, n));
                g += 1;
            }
            (Some(&wanted), _) if wanted == one || wanted == name[n] => {
                g += 1;
                n += 1;
            }
            (Some(_) | None, Some((at, from))) => {
                star = Some((at, from + 1));
                g = at + 1;
                n = from + 1;
            }
            (Some(_) | None, None) => return false,
        }
    }
    glob[g..].iter().all(|rest| *rest == any)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn globs_match_whole_names() {
        for (glob, name) in [
            ("*", ""),
            ("a*", "abc"),
            ("*.bias", "fc.0.bias"),
            ("p?", "p1"),
            ("*a*b", "xaab"),
            ("a\\*", "a*"),
            ("a\\?*", "a?bc"),
        ] {
            assert!(matches(glob, name), "{glob} {name}");
        }
        for (glob, name) in [
            ("a", "ab"),
            ("?", ""),
            ("*.bias", "bias"),
            ("p?", "p12"),
            ("a*b", "abc"),
            ("a\\*", "ab"),
            ("a\\?*", "abc"),
        ] {
            assert!(!matches(glob, name), "{glob} {name}");
        }
    }
}
