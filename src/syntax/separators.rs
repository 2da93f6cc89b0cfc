//! Settings on one line may stand apart by commas, as arguments do: `{ grad = norm, every = 100 }`.

use super::token::{Bracket, Token, TokenKind};

/// Makes a `;` of each `,` between two settings: behind the value of one, before the name and the `=` of
/// the next.
pub(super) fn separate_settings(tokens: &mut [Token]) {
    let mut open: Vec<Bracket> = Vec::new();
    let is_setting = |tokens: &[Token], at: usize| {
        let kind = |at: usize| tokens.get(at).map(|token| &token.kind);
        (kind(at), kind(at + 1)) == (Some(&TokenKind::Word), Some(&TokenKind::Equals))
    };
    let mut in_setting = is_setting(tokens, 0);
    for at in 0..tokens.len() {
        let outside = matches!(open.last(), None | Some(Bracket::Brace));
        match tokens[at].kind {
            TokenKind::Open(bracket) => {
                open.push(bracket);
                if bracket == Bracket::Brace {
                    in_setting = is_setting(tokens, at + 1);
                }
            }
            TokenKind::Close(bracket) => {
                open.pop();
                // A section has no value that another setting could follow.
                in_setting &= bracket != Bracket::Brace;
            }
            TokenKind::Newline | TokenKind::Semicolon if outside => {
                in_setting = is_setting(tokens, at + 1);
            }
            TokenKind::Comma if outside && in_setting && is_setting(tokens, at + 1) => {
                tokens[at].kind = TokenKind::Semicolon;
                tokens[at].correction = Some(";");
            }
            TokenKind::Newline
            | TokenKind::Semicolon
            | TokenKind::Comma
            | TokenKind::Word
            | TokenKind::Number(_)
            | TokenKind::Text(_)
            | TokenKind::Colon
            | TokenKind::Equals
            | TokenKind::Arrow
            | TokenKind::Operator(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::diagnostics::FileId;
    use crate::syntax::format;

    #[track_caller]
    fn check(text: &str, formatted: &str) {
        assert_eq!(format(text, FileId(0)).as_deref(), Ok(formatted), "{text}");
    }

    #[test]
    fn settings_stand_apart_by_commas() {
        check(
            "watch \"a\" { output = [norm, stats], grad = norm, every = 2 }\n",
            "watch \"a\" { output = [norm, stats]; grad = norm; every = 2 }\n",
        );
        check(
            "stop = early(patience = 3, min_delta = 0), epochs = 2\n",
            "stop = early(patience = 3, min_delta = 0); epochs = 2\n",
        );
    }

    #[test]
    fn other_commas_are_what_they_were() {
        for faulty in [
            "a = 1, b",
            "a = 1,\nb = 2",
            "Linear(1), b = 2",
            "a = 1, Linear(2)",
            "x { y = 1 }, b = 2",
        ] {
            assert!(format(faulty, FileId(0)).is_err(), "{faulty}");
        }
        check("input a, b: number\n", "input a, b: number\n");
    }
}
