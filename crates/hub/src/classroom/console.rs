//! What GAMA has said lately, for the log view (GA-7, GA-8).

/// The newest lines.
#[derive(Debug, Default)]
pub(crate) struct Console {}
