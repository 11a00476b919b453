//! The state of the class as the API shows it.
