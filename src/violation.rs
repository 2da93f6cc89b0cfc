//! What a verifier finds, and when verifiers run. A violation is a bug of nnc, never a fault of a model.

use std::fmt;
use std::sync::OnceLock;

/// The environment variable that turns the verifiers on (`1`) in a release build, or off (`0`) in any other.
pub const VERIFY: &str = "NNC_VERIFY";

/// A broken rule, and the text of what breaks it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// The rule, in one line.
    pub rule: String,
    /// The whole graph, plan or list of actions, the bad line marked with `>`.
    pub text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "{}\n{}", self.rule, self.text)
    }
}

/// Whether the verifiers run: in tests and debug builds, if [`VERIFY`] does not say otherwise.
pub fn verifies() -> bool {
    static WANTED: OnceLock<bool> = OnceLock::new();
    *WANTED.get_or_init(|| {
        let setting = std::env::var(VERIFY).ok();
        wanted(setting.as_deref(), cfg!(debug_assertions))
    })
}

fn wanted(setting: Option<&str>, debug_build: bool) -> bool {
    match setting {
        Some("0") => false,
        Some("1") => true,
        Some(_) | None => debug_build,
    }
}

/// Runs a verifier if verifiers run. `what` is verified.
///
/// # Panics
/// With the violation, which ends a program with exit code 101.
pub fn insist<W: fmt::Display>(
    what: impl FnOnce() -> W,
    verify: impl FnOnce() -> Result<(), Violation>,
) {
    if verifies()
        && let Err(violation) = verify()
    {
        panic!("internal: {} is broken: {violation}", what());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setting_counts_more_than_the_build() {
        for debug_build in [false, true] {
            assert!(wanted(Some("1"), debug_build));
            assert!(!wanted(Some("0"), debug_build));
            assert_eq!(wanted(None, debug_build), debug_build);
            assert_eq!(wanted(Some(""), debug_build), debug_build);
        }
    }

    #[test]
    #[should_panic = "internal: the plan is broken: a rule\n> a line"]
    fn a_violation_is_insisted_on() {
        let violation = Violation {
            rule: "a rule".to_string(),
            text: "> a line".to_string(),
        };
        insist(|| "the plan", || Err(violation));
    }
}
