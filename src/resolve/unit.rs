//! Whether a number counts a share of the run, as `5%` does: kept through names and arithmetic.

use std::collections::HashMap;

use super::constant::Scope;
use crate::diagnostics::{Code, Diagnostic, Span};
use crate::syntax::ast::{Expr, ExprKind, Operator};

/// Whether an expression of numbers, all of whose names are known, is a share.
///
/// # Errors
/// The fault of arithmetic that mixes shares with other numbers so that it is neither.
pub fn is_share(expr: &Expr, scope: &Scope) -> Result<bool, Box<Diagnostic>> {
    let mut shares = Shares {
        scope,
        known: HashMap::new(),
    };
    shares.share(expr)
}

/// One evaluation: each parameter is looked at once, however often it is named.
struct Shares<'s> {
    scope: &'s Scope,
    known: HashMap<&'s str, bool>,
}

impl Shares<'_> {
    fn share(&mut self, expr: &Expr) -> Result<bool, Box<Diagnostic>> {
        match &expr.kind {
            ExprKind::Number { percent, .. } => Ok(*percent),
            ExprKind::Negate(inner) => self.share(inner),
            ExprKind::Name(name) => {
                let Some((name, (value, _))) = self.scope.parameters.get_key_value(name) else {
                    return Ok(false);
                };
                if let Some(share) = self.known.get(name.as_str()) {
                    return Ok(*share);
                }
                let share = self.share(value)?;
                self.known.insert(name, share);
                Ok(share)
            }
            ExprKind::Binary {
                operator,
                operator_span,
                left,
                right,
            } => {
                let (a, b) = (self.share(left)?, self.share(right)?);
                match (operator, a, b) {
                    (Operator::Divide, true, true) => Ok(false),
                    (Operator::Divide, true, false) => Ok(true),
                    (Operator::Multiply, a, b) if !(a && b) => Ok(a || b),
                    (Operator::Add | Operator::Subtract, a, b) if a == b => Ok(a),
                    (_, false, false) => Ok(false),
                    _ => Err(Box::new(mixed(*operator, *operator_span, (a, b)))),
                }
            }
            ExprKind::Text(_)
            | ExprKind::Bool(_)
            | ExprKind::List(_)
            | ExprKind::Call { .. }
            | ExprKind::Pipeline { .. }
            | ExprKind::Labelled { .. }
            | ExprKind::Repeat { .. }
            | ExprKind::Residual { .. } => Ok(false),
        }
    }
}

fn mixed(operator: Operator, place: Span, sides: (bool, bool)) -> Diagnostic {
    let side = |share: bool| {
        if share {
            "a share of the run"
        } else {
            "a number"
        }
    };
    Diagnostic::new(
        Code::WrongType,
        place,
        format!(
            "{} {} {} is neither a share nor a number of epochs",
            side(sides.0),
            operator.symbol(),
            side(sides.1)
        ),
    )
    .label("mixes the two")
    .help("write both as shares (`5% + 10%`), both as epochs, or a multiple of a share (`2 * 5%`)")
}
