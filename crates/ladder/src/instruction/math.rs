//! ADD to ABS, the bitwise instructions, N2B and SCL: numbers in, a number out (PL-57, PL-58, PL-60, PL-62).
//!
//! Everything saturates at the ends of 32 bits. What has no result is a fault, and the destination keeps its value.

use crate::fault::FaultKind;

/// Which operation. Those of one operand ignore the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MathKind {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Negate,
    Absolute,
    And,
    Or,
    ExclusiveOr,
    Not,
    NumberToBit,
    Move,
}

/// The result of an operation.
///
/// # Errors
///
/// [`FaultKind::DivisionByZero`].
#[inline]
pub(crate) fn result(kind: MathKind, a: i32, b: i32) -> Result<i32, FaultKind> {
    Ok(match kind {
        MathKind::Add => a.saturating_add(b),
        MathKind::Subtract => a.saturating_sub(b),
        MathKind::Multiply => a.saturating_mul(b),
        MathKind::Divide if b == 0 => return Err(FaultKind::DivisionByZero),
        MathKind::Divide => a.saturating_div(b),
        MathKind::Modulo if b == 0 => return Err(FaultKind::DivisionByZero),
        // Only the lowest number by -1 wraps, and its rest is 0.
        MathKind::Modulo => a.wrapping_rem(b),
        MathKind::Negate => a.saturating_neg(),
        MathKind::Absolute => a.saturating_abs(),
        MathKind::And => a & b,
        MathKind::Or => a | b,
        MathKind::ExclusiveOr => a ^ b,
        MathKind::Not => !a,
        MathKind::NumberToBit => u32::try_from(a)
            .ok()
            .and_then(|bit| 1_u32.checked_shl(bit))
            .unwrap_or(0) as i32,
        MathKind::Move => a,
    })
}

/// The ranges of SCL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ranges {
    pub(crate) in_min: i32,
    pub(crate) in_max: i32,
    pub(crate) out_min: i32,
    pub(crate) out_max: i32,
}

/// Scales a number: `outMin + trunc((x - inMin)(outMax - outMin) / (inMax - inMin))`, kept within the output range.
///
/// # Errors
///
/// [`FaultKind::EmptyInputRange`] when `inMin` and `inMax` are equal.
pub(crate) fn scale(x: i32, ranges: Ranges) -> Result<i32, FaultKind> {
    let [x, in_min, in_max, out_min, out_max] =
        [x, ranges.in_min, ranges.in_max, ranges.out_min, ranges.out_max].map(i128::from);
    if in_min == in_max {
        return Err(FaultKind::EmptyInputRange);
    }
    let scaled = out_min + (x - in_min) * (out_max - out_min) / (in_max - in_min);
    // Both ends of the output range are numbers of 32 bits, so is what lies between.
    Ok(scaled.clamp(out_min.min(out_max), out_min.max(out_max)) as i32)
}
