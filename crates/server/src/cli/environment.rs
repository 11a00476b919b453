//! The environment as `crosstie run` would find it, checked before it does.
//!
//! Most variables are settings and checked with the project. Two belong to flags of `run`: a mistake in them would show only
//! when the hub is started.

use crate::config::{Diagnostic, Overrides, Severity, SourceText};
use crate::log;

/// Variable of `--port-offset`.
const PORT_OFFSET: &str = "CROSSTIE_PORT_OFFSET";
/// Variable of `--log`.
const LOG: &str = "CROSSTIE_LOG";

/// The environment of this process, and what is wrong with the variables of flags.
pub(super) fn read() -> (Overrides, Vec<Diagnostic>) {
    check(Overrides::from_environment())
}

fn check(mut overrides: Overrides) -> (Overrides, Vec<Diagnostic>) {
    let mut found = Vec::new();
    let value_of = |name: &str| {
        let variable = overrides.environment.iter().find(|(known, _)| known == name);
        variable.map(|(_, value)| value.clone())
    };
    let (offset, filter) = (value_of(PORT_OFFSET), value_of(LOG));
    match offset.as_deref().map(str::parse::<u16>) {
        None => {}
        Some(Ok(offset)) => overrides.port_offset = offset,
        Some(Err(_)) => found.push(diagnostic(
            PORT_OFFSET,
            &offset.unwrap_or_default(),
            String::from("this is no port offset"),
            "a whole number from 0 to 65535",
        )),
    }
    if let Some(filter) = filter
        && let Err(error) = log::check(&filter)
    {
        let expected = "a level such as info, or a filter such as info,crosstie_server=debug";
        found.push(diagnostic(LOG, &filter, error.to_string(), expected));
    }
    (overrides, found)
}

fn diagnostic(name: &str, value: &str, found: String, expected: &str) -> Diagnostic {
    let text = format!("{name}={value}");
    let start = name.len() + 1;
    Diagnostic {
        span: start..text.len(),
        source: SourceText::new("environment", text),
        line: 1,
        column: start + 1,
        severity: Severity::Error,
        code: "bad_value",
        found,
        expected: expected.to_owned(),
        help: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(variables: &[(&str, &str)]) -> (u16, Vec<String>) {
        let environment = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let (overrides, found) = check(Overrides {
            environment: environment.collect(),
            ..Overrides::default()
        });
        (overrides.port_offset, found.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn the_variables_of_flags_are_checked_like_the_flags() {
        assert_eq!(checked(&[]), (0, vec![]));
        assert_eq!(
            checked(&[("CROSSTIE_PORT_OFFSET", "100"), ("CROSSTIE_LOG", "warn")]),
            (100, vec![])
        );
        let (offset, found) = checked(&[("CROSSTIE_PORT_OFFSET", "-1"), ("CROSSTIE_LOG", "loud")]);
        assert_eq!((offset, found.len()), (0, 2));
        assert!(
            found[0].starts_with("environment:1:22: error: this is no port offset; expected"),
            "{found:?}"
        );
        assert!(found[1].contains("`loud` is neither a level"), "{found:?}");
    }
}
