//! The grammar's cost is linear: pest's count of its own steps, on nests of every bracketing
//! construct, stays within a fixed number for each byte. Alone in its process, because pest's
//! limit is one for all threads.

use std::num::NonZeroUsize;

use nnc::diagnostics::{Code, FileId};
use nnc::syntax::parse;

const STEPS_FOR_A_BYTE: usize = 1500;

#[test]
fn the_grammar_takes_a_bounded_number_of_steps_for_a_byte() {
    let nests = [
        ("(", "x", ")"),
        ("(", "x y", ")"),
        ("[", "x", "]"),
        ("[a, ", ",", "]"),
        ("f(a = ", "8 8", ")"),
        ("-(", "x", ") + 1"),
        ("(x -> residual {", "y z", "} 3)"),
        ("(x -> repeat 2 {", "y", "} -> f)"),
        ("block A(x = (residual {", "b", "}))"),
        ("block A(x = (residual {", "b", "})) {}"),
        ("repeat 2 {", "= =", "} 4\n"),
    ];
    for (open, middle, close) in nests {
        let brackets = open.matches(['(', '[', '{']).count();
        for depth in [1, 2, 4, 8, 16, 32, 63].map(|depth| depth / brackets) {
            let text = format!(
                "y {{ {}{middle}{} }}",
                open.repeat(depth),
                close.repeat(depth)
            );
            pest::set_call_limit(NonZeroUsize::new(STEPS_FOR_A_BYTE * text.len()));
            let parsed = parse(&text, FileId(0));
            let stopped = parsed
                .faults
                .iter()
                .any(|fault| fault.code == Code::TooLarge);
            assert!(!stopped, "depth {depth}: {text}");
        }
    }
}
