//! Keeps keys out of what people are shown: a diagnostic shows lines of the project file, and one of them may be the path of a
//! client with a key in its query.
//!
//! The file is masked as text and not as TOML, because a file that is no TOML at the moment is shown too. Every byte keeps its
//! place, so that the places of mistakes hold for both texts.

/// Parameters of a query that hold a key (RV-57).
const KEY_PARAMETERS: [&str; 2] = ["apikey=", "access_token="];

/// Does the query of a path hold a key?
pub(crate) fn holds_key(target: &str) -> bool {
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let mut parameters = query.split('&').map(str::to_ascii_lowercase);
    parameters.any(|parameter| KEY_PARAMETERS.iter().any(|key| parameter.starts_with(key)))
}

/// A text of a project with stars in place of the query of every `path` and `remote`, and of every key in a URL; as many bytes as before.
pub(crate) fn masked(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let mut hidden = vec![false; text.len()];
    let named = ["path", "remote"].map(|key| lower.match_indices(key).map(move |(at, _)| at + key.len()));
    for key_end in named.into_iter().flatten() {
        if let Some((start, end)) = value_after(&lower, key_end) {
            // An escape may stand for the question mark, so nothing behind one is shown either.
            let query = lower[start..end].find(['?', '\\']).map_or(end, |mark| start + mark + 1);
            hidden[query..end].fill(true);
        }
    }
    for key in KEY_PARAMETERS {
        for (at, _) in lower.match_indices(key) {
            let start = at + key.len();
            let len = lower[start..].find(|c: char| c.is_whitespace() || matches!(c, '&' | '"' | '\''));
            hidden[start..len.map_or(lower.len(), |len| start + len)].fill(true);
        }
    }
    let mut out = String::with_capacity(text.len());
    for (at, sign) in text.char_indices() {
        if hidden[at] && sign != '\n' && sign != '\r' {
            out.extend(std::iter::repeat_n('*', sign.len_utf8()));
        } else {
            out.push(sign);
        }
    }
    out
}

/// The bytes of the value that is given to a key whose name ends here, if one is.
fn value_after(text: &str, key_end: usize) -> Option<(usize, usize)> {
    let rest = text[key_end..]
        .trim_start_matches(['"', '\''])
        .trim_start_matches([' ', '\t']);
    let rest = rest.strip_prefix('=')?.trim_start_matches([' ', '\t']);
    let quote = ["\"\"\"", "'''", "\"", "'"]
        .into_iter()
        .find(|quote| rest.starts_with(quote));
    let rest = &rest[quote.map_or(0, str::len)..];
    let start = text.len() - rest.len();
    let len = match quote {
        Some(quote) if quote.len() == 3 => rest.find(quote),
        Some(quote) => end_of_line_text(rest, quote),
        None => rest.find(['\n', '\r']),
    };
    Some((start, len.map_or(text.len(), |len| start + len)))
}

/// Where a text of one line ends: at its closing quote, or with its line when that is missing.
fn end_of_line_text(text: &str, quote: &str) -> Option<usize> {
    let mut is_escaped = false;
    for (at, sign) in text.char_indices() {
        match sign {
            '\n' | '\r' => return Some(at),
            '\\' if quote == "\"" && !is_escaped => is_escaped = true,
            sign if !is_escaped && quote.starts_with(sign) => return Some(at),
            _ => is_escaped = false,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_of_paths_and_keys_are_masked_byte_by_byte() {
        let check = |text: &str, expected: &str| {
            assert_eq!(masked(text), expected);
            assert_eq!(masked(text).len(), text.len());
        };
        check("path = \"/ws?k=1\"\nport = 1\n", "path = \"/ws?***\"\nport = 1\n");
        check("{ path='/?a\"b', port = 1 }", "{ path='/?***', port = 1 }");
        check("path = \"/?a\\\"b\" # c", "path = \"/?****\" # c");
        check("path = \"/\\u003fab\"", "path = \"/\\*******\"");
        check("\"path\" = \"\"\"\n/?a\nb\"\"\"x", "\"path\" = \"\"\"\n/?*\n*\"\"\"x");
        check("remote = \"ws://a/?k=1\"", "remote = \"ws://a/?***\"");
        check("path = \"/ws?abc\nport = 1", "path = \"/ws?***\nport = 1");
        check("path = /ws?ü", "path = /ws?**");
        check(
            "CROSSTIE_REALVIRTUAL_LINE_PATH=/ws?k",
            "CROSSTIE_REALVIRTUAL_LINE_PATH=/ws?*",
        );
        check("# ws://a/?ApiKey=ab&b=c", "# ws://a/?ApiKey=**&b=c");
        check("name = \"Ready?\"\npaths", "name = \"Ready?\"\npaths");
    }

    #[test]
    fn a_query_with_a_key_is_recognised() {
        for target in ["/?apikey=1", "/ws?a=b&access_token=1", "/?APIKEY=1"] {
            assert!(holds_key(target), "{target}");
        }
        for target in ["/", "/apikey=1", "/?room=apikey", "/?myapikey=1"] {
            assert!(!holds_key(target), "{target}");
        }
    }
}
