//! The figures of the historian; none of these families is there where the project keeps no history.

use super::Page;

/// Samples that were written, and samples that were not.
pub(super) fn exposition((written, dropped): (u64, u64)) -> String {
    let mut page = Page::default();
    page.family(
        "crosstie_history_written_total",
        "counter",
        "Samples that the historian has written.",
    );
    page.sample(&[], written);
    page.family(
        "crosstie_history_dropped_total",
        "counter",
        "Samples that the historian could not take or write.",
    );
    page.sample(&[], dropped);
    page.text
}
