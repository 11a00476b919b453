//! Inputs as they are kept, and back.

mod text;

pub use text::{document_of, heard};
