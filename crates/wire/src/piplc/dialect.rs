//! The two generations of the protocol.

/// Which generation of the protocol a peer speaks (PL-9).
///
/// | | [`Dialect::V02`] | [`Dialect::V01`] |
/// |---|---|---|
/// | type of a reply | `engine.start.reply`: that of the request | `engine.reply`, `memory.reply` …: that of a family; queries keep their own |
/// | words of states | `Running` | `running` |
/// | replies to engine commands | with `state` | without |
/// | replies to hello and to queries of an engine | with `success` | without |
/// | replies to memory writes | yes | none |
/// | events | as in the description | with `"seq":0` |
/// | document of a program | `format` and `data`, and `projectXml` | `projectXml` |
/// | timer flags of a snapshot | bit 0 EN, 1 TT, 2 DN | bit 0 DN, 1 TT, 2 EN |
///
/// Requests are read in both spellings whatever the dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Dialect {
    /// The protocol as it is described; also what a peer is answered in before its hello.
    #[default]
    V02,
    /// What the published engine 0.1.31 and its editor speak.
    V01,
}

impl Dialect {
    /// The dialect of the `clientVersion` of a hello, or of the `serverVersion` of its reply. A version below 0.2 is dialect
    /// 0.1; what is missing, empty or no version is spoken to as described.
    pub fn of_client_version(version: &str) -> Dialect {
        let mut parts = version.trim().trim_start_matches(['v', 'V']).split('.');
        let mut number = || {
            let part = parts.next()?;
            let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            // A number too long for the type is surely not below 2.
            (digits > 0).then(|| part[..digits].parse().unwrap_or(u32::MAX))
        };
        match (number(), number()) {
            (Some(0), Some(0 | 1)) => Dialect::V01,
            _ => Dialect::V02,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pl9_a_version_below_0_2_is_the_old_generation() {
        for version in ["0.1", "0.1.31", "0.0.9", "v0.1.4", " 0.1.0-rc1 ", "0.01.2"] {
            assert_eq!(Dialect::of_client_version(version), Dialect::V01, "{version:?}");
        }
        for version in [
            "0.2.0",
            "0.2",
            "0.10.1",
            "1.0",
            "1.1.0",
            "0.99999999999999",
            "",
            "0",
            "0.",
            "0.x",
            "dev",
            ".1",
        ] {
            assert_eq!(Dialect::of_client_version(version), Dialect::V02, "{version:?}");
        }
        assert_eq!(Dialect::default(), Dialect::V02);
    }
}
