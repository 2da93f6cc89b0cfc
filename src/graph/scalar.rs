//! Scalar functions: one row each, from which forward, backward, fusion, documentation and the
//! gradient tests follow.
//!
//! A row is written once over [`Real`]. The reference evaluator runs it on [`Exact`] (the standard
//! library's f64), the kernels on their own vectorisable arithmetic.

use super::text::atom;

/// The arithmetic in which the rows of [`ScalarFunction`] are written.
///
/// Every method is free of branches in the kernels' implementations, so that loops over rows become
/// vector code; `select` is how a row chooses.
pub trait Real: Copy + PartialOrd {
    fn constant(value: f64) -> Self;
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    fn div(self, other: Self) -> Self;
    fn neg(self) -> Self;
    fn abs(self) -> Self;
    fn sqrt(self) -> Self;
    fn exp(self) -> Self;
    fn exp_m1(self) -> Self;
    fn ln(self) -> Self;
    fn ln_1p(self) -> Self;
    fn tanh(self) -> Self;
    /// 1 / (1 + exp(-x)), without overflow for any x.
    fn sigmoid(self) -> Self;
    /// The error function.
    fn erf(self) -> Self;
    /// `yes` where `self > threshold`, else `no`. A NaN gives `no`.
    fn select_greater(self, threshold: Self, yes: Self, no: Self) -> Self;
    /// The larger of two; NaN if either is.
    fn max(self, other: Self) -> Self;
    /// The smaller of two; NaN if either is.
    fn min(self, other: Self) -> Self;
}

/// What a derivative is computed from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DerivativeOf {
    /// The function's argument x.
    Input,
    /// The function's value y = f(x).
    Output,
}

/// A function of one number, applied elementwise.
///
/// Parameters are PyTorch's, under PyTorch's names.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum ScalarFunction {
    Negate,
    Square,
    Abs,
    Sqrt,
    /// 1 / sqrt(x).
    ReciprocalSqrt,
    Reciprocal,
    Exp,
    Log,
    Tanh,
    Sigmoid,
    ReLU,
    LeakyReLU {
        negative_slope: f64,
    },
    ELU {
        alpha: f64,
    },
    /// x · Φ(x), with the error function.
    GELU,
    /// 0.5 x (1 + tanh(sqrt(2/π) (x + 0.044715 x³))).
    GELUTanh,
    SiLU,
    /// log(1 + exp(beta x)) / beta; the identity where beta x > threshold.
    Softplus {
        beta: f64,
        threshold: f64,
    },
    Hardtanh {
        min_val: f64,
        max_val: f64,
    },
    /// 0.5 x² where |x| ≤ delta, else delta (|x| - delta / 2).
    Huber {
        delta: f64,
    },
    /// The larger of x and a number (clipping's guard, and the like).
    AtLeast {
        bound: f64,
    },
    /// The smaller of x and a number.
    AtMost {
        bound: f64,
    },
    /// What a row of the norm x is scaled by, so that its norm is at most this: max_norm / (x + 1e-7)
    /// where x > max_norm, else 1 (torch.renorm).
    Renorm {
        max_norm: f64,
    },
}

const SQRT_2_OVER_PI: f64 = 0.797_884_560_802_865_4;
const GELU_CUBIC: f64 = 0.044715;
/// What torch.renorm adds to a norm before it divides by it.
const RENORM_GUARD: f64 = 1e-7;

impl ScalarFunction {
    /// The numbers that it can give, for any argument that it is defined for.
    pub fn range(self) -> (f64, f64) {
        use ScalarFunction::*;
        let any = (f64::NEG_INFINITY, f64::INFINITY);
        let positive = (0.0, f64::INFINITY);
        match self {
            Negate | Reciprocal | Log | LeakyReLU { .. } => any,
            Square | Abs | Sqrt | ReciprocalSqrt | Exp | ReLU | Softplus { .. } | Huber { .. } => {
                positive
            }
            Tanh => (-1.0, 1.0),
            Sigmoid => (0.0, 1.0),
            ELU { alpha } => (-alpha, f64::INFINITY),
            // Their least values, at -0.75 and -1.28.
            GELU | GELUTanh => (-0.171, f64::INFINITY),
            SiLU => (-0.279, f64::INFINITY),
            Hardtanh { min_val, max_val } => (min_val, max_val),
            AtLeast { bound } => (bound, f64::INFINITY),
            AtMost { bound } => (f64::NEG_INFINITY, bound),
            Renorm { .. } => (0.0, 1.0),
        }
    }

    /// f(x).
    #[inline(always)]
    pub fn value<R: Real>(self, x: R) -> R {
        use ScalarFunction::*;
        let c = R::constant;
        match self {
            Negate => x.neg(),
            Square => x.mul(x),
            Abs => x.abs(),
            Sqrt => x.sqrt(),
            ReciprocalSqrt => c(1.0).div(x.sqrt()),
            Reciprocal => c(1.0).div(x),
            Exp => x.exp(),
            Log => x.ln(),
            Tanh => x.tanh(),
            Sigmoid => x.sigmoid(),
            ReLU => x.max(c(0.0)),
            LeakyReLU { negative_slope } => x.select_greater(c(0.0), x, x.mul(c(negative_slope))),
            ELU { alpha } => x.select_greater(c(0.0), x, c(alpha).mul(x.exp_m1())),
            GELU => {
                let phi = c(0.5).mul(c(1.0).add(x.mul(c(std::f64::consts::FRAC_1_SQRT_2)).erf()));
                x.mul(phi)
            }
            GELUTanh => {
                let inner = c(SQRT_2_OVER_PI).mul(x.add(c(GELU_CUBIC).mul(x.mul(x).mul(x))));
                c(0.5).mul(x).mul(c(1.0).add(inner.tanh()))
            }
            SiLU => x.mul(x.sigmoid()),
            Softplus { beta, threshold } => {
                let scaled = x.mul(c(beta));
                // log(1 + exp(s)) = max(s, 0) + log(1 + exp(-|s|)), which cannot overflow.
                let soft = scaled
                    .max(c(0.0))
                    .add(scaled.abs().neg().exp().ln_1p())
                    .div(c(beta));
                scaled.select_greater(c(threshold), x, soft)
            }
            Hardtanh { min_val, max_val } => x.max(c(min_val)).min(c(max_val)),
            Huber { delta } => {
                let size = x.abs();
                size.select_greater(
                    c(delta),
                    c(delta).mul(size.sub(c(0.5 * delta))),
                    c(0.5).mul(x).mul(x),
                )
            }
            AtLeast { bound } => x.max(c(bound)),
            AtMost { bound } => x.min(c(bound)),
            Renorm { max_norm } => {
                x.select_greater(c(max_norm), c(max_norm).div(x.add(c(RENORM_GUARD))), c(1.0))
            }
        }
    }

    /// What [`derivative`](Self::derivative) takes.
    pub fn derivative_of(self) -> DerivativeOf {
        use ScalarFunction::*;
        match self {
            Sqrt | ReciprocalSqrt | Reciprocal | Exp | Tanh | Sigmoid | ReLU => {
                DerivativeOf::Output
            }
            Negate
            | Square
            | Abs
            | Log
            | LeakyReLU { .. }
            | ELU { .. }
            | GELU
            | GELUTanh
            | SiLU
            | Softplus { .. }
            | Hardtanh { .. }
            | Huber { .. }
            | AtLeast { .. }
            | AtMost { .. }
            | Renorm { .. } => DerivativeOf::Input,
        }
    }

    /// f'(x), computed from x or from f(x) as [`derivative_of`](Self::derivative_of) says; at a kink,
    /// PyTorch's choice.
    #[inline(always)]
    pub fn derivative<R: Real>(self, v: R) -> R {
        use ScalarFunction::*;
        let c = R::constant;
        let zero = c(0.0);
        let one = c(1.0);
        match self {
            Negate => c(-1.0),
            Square => v.add(v),
            Abs => v.select_greater(zero, one, zero.select_greater(v, c(-1.0), zero)),
            Sqrt => c(0.5).div(v),
            ReciprocalSqrt => c(-0.5).mul(v).mul(v).mul(v),
            Reciprocal => v.mul(v).neg(),
            Exp => v,
            Log => one.div(v),
            Tanh => one.sub(v.mul(v)),
            Sigmoid => v.mul(one.sub(v)),
            ReLU => v.select_greater(zero, one, zero),
            LeakyReLU { negative_slope } => v.select_greater(zero, one, c(negative_slope)),
            ELU { alpha } => v.select_greater(zero, one, c(alpha).mul(v.exp())),
            GELU => {
                let phi = c(0.5).mul(one.add(v.mul(c(std::f64::consts::FRAC_1_SQRT_2)).erf()));
                let density = c(0.398_942_280_401_432_7).mul(c(-0.5).mul(v).mul(v).exp());
                phi.add(v.mul(density))
            }
            GELUTanh => {
                let square = v.mul(v);
                let inner = c(SQRT_2_OVER_PI).mul(v.add(c(GELU_CUBIC).mul(square).mul(v)));
                let t = inner.tanh();
                let slope = c(SQRT_2_OVER_PI).mul(one.add(c(3.0 * GELU_CUBIC).mul(square)));
                let left = c(0.5).mul(one.add(t));
                left.add(c(0.5).mul(v).mul(one.sub(t.mul(t))).mul(slope))
            }
            SiLU => {
                let s = v.sigmoid();
                s.mul(one.add(v.mul(one.sub(s))))
            }
            Softplus { beta, threshold } => {
                let scaled = v.mul(c(beta));
                scaled.select_greater(c(threshold), one, scaled.sigmoid())
            }
            Hardtanh { min_val, max_val } => {
                let below = c(max_val).select_greater(v, one, zero);
                v.select_greater(c(min_val), below, zero)
            }
            Huber { delta } => v.max(c(-delta)).min(c(delta)),
            AtLeast { bound } => v.select_greater(c(bound), one, zero),
            AtMost { bound } => c(bound).select_greater(v, one, zero),
            Renorm { max_norm } => {
                let guarded = v.add(c(RENORM_GUARD));
                let slope = c(-max_norm).div(guarded).div(guarded);
                v.select_greater(c(max_norm), slope, zero)
            }
        }
    }

    /// The arguments at which the function has no derivative; finite differences stay away from them.
    pub fn kinks(self) -> Vec<f64> {
        use ScalarFunction::*;
        match self {
            Abs | ReLU | LeakyReLU { .. } => vec![0.0],
            ELU { alpha } if alpha != 1.0 => vec![0.0],
            Softplus { beta, threshold } => vec![threshold / beta],
            Hardtanh { min_val, max_val } => vec![min_val, max_val],
            AtLeast { bound } | AtMost { bound } => vec![bound],
            Renorm { max_norm } => vec![max_norm],
            Negate
            | Square
            | Sqrt
            | ReciprocalSqrt
            | Reciprocal
            | Exp
            | Log
            | Tanh
            | Sigmoid
            | ELU { .. }
            | GELU
            | GELUTanh
            | SiLU
            | Huber { .. } => vec![],
        }
    }

    /// The function as the plan writes it, applied to the text of its argument.
    pub fn text(self, x: &str) -> String {
        use ScalarFunction::*;
        let inner = atom(x);
        match self {
            Negate => format!("-{inner}"),
            Square => format!("{inner}²"),
            Abs => format!("|{x}|"),
            Sqrt => format!("sqrt({x})"),
            ReciprocalSqrt => format!("rsqrt({x})"),
            Reciprocal => format!("1/{inner}"),
            Exp => format!("exp({x})"),
            Log => format!("log({x})"),
            Tanh => format!("tanh({x})"),
            Sigmoid => format!("sigmoid({x})"),
            ReLU => format!("relu({x})"),
            LeakyReLU { negative_slope } => format!("leaky_relu({x}, {})", figure(negative_slope)),
            ELU { alpha: 1.0 } => format!("elu({x})"),
            ELU { alpha } => format!("elu({x}, {})", figure(alpha)),
            GELU => format!("gelu({x})"),
            GELUTanh => format!("gelu_tanh({x})"),
            SiLU => format!("silu({x})"),
            Softplus {
                beta: 1.0,
                threshold,
            } if threshold >= 20.0 => format!("softplus({x})"),
            Softplus { beta, threshold } => {
                format!("softplus({x}, {}, {})", figure(beta), figure(threshold))
            }
            Hardtanh { min_val, max_val } => {
                format!("hardtanh({x}, {}, {})", figure(min_val), figure(max_val))
            }
            Huber { delta } => format!("huber({x}, {})", figure(delta)),
            AtLeast { bound } => format!("max({x}, {})", figure(bound)),
            AtMost { bound } => format!("min({x}, {})", figure(bound)),
            Renorm { max_norm } => format!("renorm({x}, {})", figure(max_norm)),
        }
    }

    /// The derivative as the plan writes it, applied to the text of x or of y.
    pub fn derivative_text(self, v: &str) -> String {
        use ScalarFunction::*;
        let inner = atom(v);
        match self {
            Tanh => format!("(1 - {inner}²)"),
            Sigmoid => format!("{inner}·(1 - {inner})"),
            ReLU => format!("[{v} > 0]"),
            Negate => "-1".to_string(),
            Square => format!("2·{inner}"),
            Exp => v.to_string(),
            Abs
            | Sqrt
            | ReciprocalSqrt
            | Reciprocal
            | Log
            | LeakyReLU { .. }
            | ELU { .. }
            | GELU
            | GELUTanh
            | SiLU
            | Softplus { .. }
            | Hardtanh { .. }
            | Huber { .. }
            | AtLeast { .. }
            | AtMost { .. }
            | Renorm { .. } => {
                let named = self.text(v);
                match named.find('(') {
                    Some(at) => format!("{}′{}", &named[..at], &named[at..]),
                    None => format!("d({named})"),
                }
            }
        }
    }
}

/// A constant of a function, as the plan writes it: one that only the data tells is not known yet.
fn figure(value: f64) -> String {
    if value.is_nan() {
        "…".to_owned()
    } else {
        value.to_string()
    }
}

/// The reference arithmetic: the standard library's f64 (and `libm`'s error function).
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug)]
pub struct Exact(pub f64);

impl Real for Exact {
    fn constant(value: f64) -> Self {
        Exact(value)
    }
    fn add(self, other: Self) -> Self {
        Exact(self.0 + other.0)
    }
    fn sub(self, other: Self) -> Self {
        Exact(self.0 - other.0)
    }
    fn mul(self, other: Self) -> Self {
        Exact(self.0 * other.0)
    }
    fn div(self, other: Self) -> Self {
        Exact(self.0 / other.0)
    }
    fn neg(self) -> Self {
        Exact(-self.0)
    }
    fn abs(self) -> Self {
        Exact(self.0.abs())
    }
    fn sqrt(self) -> Self {
        Exact(self.0.sqrt())
    }
    fn exp(self) -> Self {
        Exact(self.0.exp())
    }
    fn exp_m1(self) -> Self {
        Exact(self.0.exp_m1())
    }
    fn ln(self) -> Self {
        Exact(self.0.ln())
    }
    fn ln_1p(self) -> Self {
        Exact(self.0.ln_1p())
    }
    fn tanh(self) -> Self {
        Exact(self.0.tanh())
    }
    fn sigmoid(self) -> Self {
        Exact(1.0 / (1.0 + (-self.0).exp()))
    }
    fn erf(self) -> Self {
        Exact(libm::erf(self.0))
    }
    fn select_greater(self, threshold: Self, yes: Self, no: Self) -> Self {
        if self.0 > threshold.0 { yes } else { no }
    }
    fn max(self, other: Self) -> Self {
        if self.0.is_nan() || other.0.is_nan() {
            Exact(f64::NAN)
        } else {
            Exact(self.0.max(other.0))
        }
    }
    fn min(self, other: Self) -> Self {
        if self.0.is_nan() || other.0.is_nan() {
            Exact(f64::NAN)
        } else {
            Exact(self.0.min(other.0))
        }
    }
}
