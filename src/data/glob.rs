//! Globs over names: `*` stands for any characters (none, too), `?` for one.

/// Whether the whole name fits the glob. Takes at most `pattern · name` steps.
pub fn glob_matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut at, mut in_name) = (0, 0);
    let mut last_star: Option<(usize, usize)> = None;
    while in_name < name.len() {
        match pattern.get(at) {
            Some('*') => {
                last_star = Some((at, in_name));
                at += 1;
            }
            Some(&wanted) if wanted == '?' || wanted == name[in_name] => {
                at += 1;
                in_name += 1;
            }
            Some(_) | None => match last_star {
                // The last star takes one character more; an earlier star need never take more.
                Some((star, taken)) => {
                    last_star = Some((star, taken + 1));
                    at = star + 1;
                    in_name = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|&rest| rest == '*')
}

#[cfg(test)]
mod tests {
    use super::glob_matches;

    #[test]
    fn globs_match_whole_names() {
        for (pattern, name, expected) in [
            ("capital-*", "capital-gain", true),
            ("capital-*", "capital-", true),
            ("capital-*", "capital", false),
            ("x?", "x1", true),
            ("x?", "x", false),
            ("x?", "x12", false),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("*.bias", "trunk.0.bias", true),
            ("*a*b", "xaayab", true),
            ("*a*b", "xaayaba", false),
            ("größe-?", "größe-ß", true),
            ("a*", "*", false),
        ] {
            assert_eq!(glob_matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn many_stars_stay_cheap() {
        let pattern = "*a".repeat(200) + "b";
        assert!(!glob_matches(&pattern, &"a".repeat(20_000)));
    }
}
