//! Values that come from outside: the batch's matrices.

use super::InputKind;

pub fn input_text(kind: InputKind) -> &'static str {
    match kind {
        InputKind::Features => "inputs",
        InputKind::Targets => "targets",
    }
}
