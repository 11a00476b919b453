//! EQU, NEQ, LES, LEQ, GRT, GEQ: signed comparison of 32 bits (PL-59).

/// Which comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CompareKind {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Whether `a` stands to `b` as it says.
#[inline]
pub(crate) fn holds(kind: CompareKind, a: i32, b: i32) -> bool {
    match kind {
        CompareKind::Equal => a == b,
        CompareKind::NotEqual => a != b,
        CompareKind::Less => a < b,
        CompareKind::LessOrEqual => a <= b,
        CompareKind::Greater => a > b,
        CompareKind::GreaterOrEqual => a >= b,
    }
}
