//! What the two roles of an endpoint take, and the files that links and certificates name.

use super::super::keys::{role_of, role_word};
use super::super::raw::RawTable;
use super::super::secrets::holds_key;
use super::super::{EndpointConfig, LinkConfig, Role, TlsConfig};
use super::{Checker, Place};
use std::path::Path;

impl Checker<'_> {
    /// Refuses keys of the other role and clears what the role has no use for. `section` is the endpoint's dotted name when it
    /// has one; `raw` holds its keys as the file gives them.
    pub(super) fn settle_role(&mut self, section: Option<&str>, raw: &RawTable, endpoint: &mut EndpointConfig) {
        let role = endpoint.role;
        let mut said: Vec<(&str, Place)> = raw
            .entries
            .iter()
            .map(|entry| (entry.key.as_str(), self.in_file(&entry.key_span)))
            .collect();
        // Variables and flags of the other role are mistakes as well; a key of the file is reported where it stands there.
        let dotted = section.map(|section| format!("{section}."));
        let elsewhere = self.places.iter().filter_map(|(key, place)| {
            let key = key.strip_prefix(dotted.as_deref()?)?;
            (!key.contains('.') && raw.get(key).is_none()).then(|| (key.to_owned(), place.clone()))
        });
        let elsewhere: Vec<(String, Place)> = elsewhere.collect();
        said.extend(elsewhere.iter().map(|(key, place)| (key.as_str(), place.clone())));
        for (key, place) in said {
            if let Some(other) = role_of(key).filter(|other| *other != role) {
                let found = format!(
                    "`{key}` belongs to the {} role, and this endpoint has the {} role",
                    role_word(other),
                    role_word(role)
                );
                let expected = format!("no `{key}`, or role = \"{}\"", role_word(other));
                self.findings.error(&place, "wrong_role", found, expected);
            }
        }
        match role {
            Role::Server => self.settle_server(section, raw, endpoint),
            Role::Client => self.settle_client(section, raw, endpoint),
        }
    }

    fn settle_server(&mut self, section: Option<&str>, raw: &RawTable, endpoint: &mut EndpointConfig) {
        endpoint.link = LinkConfig::default();
        if endpoint.path.as_ref().is_some_and(|path| path.contains('?')) {
            let place = self.place_of_key(section, "path", raw);
            let found = "the `path` of an endpoint in the server role has a query";
            self.findings.error(&place, "bad_path", found, "a path without `?`");
        }
    }

    fn settle_client(&mut self, section: Option<&str>, raw: &RawTable, endpoint: &mut EndpointConfig) {
        endpoint.path = None;
        if endpoint.port == 0 {
            let place = self.place_of_key(section, "port", raw);
            let found = "`port` is 0, and this endpoint connects to it";
            self.findings
                .error(&place, "out_of_range", found, "the port of the server, from 1 to 65535");
        }
        if holds_key(&endpoint.link.target) {
            let place = self.place_of_key(section, "path", raw);
            let found = "the query of `path` looks as if it held a key";
            let expected = "the key in a file of its own, named by `access_key_file`";
            self.findings
                .warning(&place, "key_in_path", found, expected)
                .help("whoever reads the project file reads the key; a file of its own can be kept from them");
        }
        let files = [
            ("ca_file", &endpoint.link.ca_file),
            ("access_key_file", &endpoint.link.access_key_file),
        ];
        for (key, file) in files {
            // The link can be up only later, when somebody has put the file there: a project may travel without its keys.
            if let Some(file) = file.as_ref().filter(|file| !self.folder.join(file).is_file()) {
                let place = self.place_of_key(section, key, raw);
                let found = missing(file);
                self.findings.warning(
                    &place,
                    "no_file",
                    found,
                    "a file in the project folder; the link cannot be up without it",
                );
            }
        }
    }

    /// A certificate is of use with its private key only, and no listener starts without its files.
    pub(super) fn certificate(&mut self, raw: &RawTable, tls: &TlsConfig) {
        let files = [("certificate", &tls.certificate), ("private_key", &tls.private_key)];
        for (key, file) in files {
            if let Some(file) = file.as_ref().filter(|file| !self.folder.join(file).is_file()) {
                let place = self.place_of_key(Some("tls"), key, raw);
                self.findings.error(
                    &place,
                    "no_file",
                    missing(file),
                    "a file in PEM inside the project folder",
                );
            }
        }
        if let [(given, Some(_)), (absent, None)] | [(absent, None), (given, Some(_))] = files {
            let place = self.place_of_key(Some("tls"), given, raw);
            let found = format!("[tls] with `{given}` and without `{absent}`");
            self.findings.error(
                &place,
                "missing_key",
                found,
                "both of them, or none: then the hub makes its own",
            );
        }
    }

    /// Where a key was said, or its section when nobody said it.
    pub(super) fn place_of_key(&self, section: Option<&str>, key: &str, raw: &RawTable) -> Place {
        match (section, raw.get(key)) {
            (Some(section), _) => self.place_of(&format!("{section}.{key}"), raw),
            (None, Some(entry)) => self.in_file(&entry.value_span),
            (None, None) => self.in_file(&raw.span),
        }
    }
}

fn missing(file: &Path) -> String {
    format!("there is no file {}", file.display())
}
