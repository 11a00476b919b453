//! Texts of peers in tables that people open with a spreadsheet.

use std::borrow::Cow;

/// The text as a cell that no spreadsheet takes for a formula: one that begins like a formula gets a `'` in front.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => Cow::Owned(format!("'{text}")),
        false => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_begins_like_a_formula_gets_a_sign_in_front() {
        for text in ["=1+1", "+1", "-x", "@sum", "\t=1", "\r=1"] {
            assert_eq!(plain(text), format!("'{text}"));
        }
        for text in ["", "Running", "a=1", "'=1"] {
            assert_eq!(plain(text), text);
        }
    }
}
