//! `[[practice]]`: whether each stand-in has somebody to play with.

use super::super::keys::Form;
use super::super::limits::Limits;
use super::super::raw::{RawTable, shortened};
use super::super::{ClassroomConfig, EndpointConfig, LOOPBACK, PracticeConfig, Role};
use super::{Checker, Listener};
use crate::practice::gama::Flavour;

const KINDS: [&str; 3] = ["twin", "gama", "headset"];
const FLAVOURS: [&str; 2] = ["gui", "headless"];

/// Players of one section.
const COUNT: (i64, i64) = (1, 200);
/// The name of the first player, where the project does not say.
const FIRST_PLAYER: &str = "Player_101";

impl Checker<'_> {
    pub(super) fn practices(
        &mut self,
        raw: &[RawTable],
        endpoints: &[EndpointConfig],
        classroom: Option<&ClassroomConfig>,
        taken: &mut Vec<Listener>,
    ) -> Vec<PracticeConfig> {
        let limit = Limits::DEFAULT.practices_max;
        if let Some(beyond) = raw.get(limit) {
            let place = self.in_file(&beyond.span);
            let found = format!("{} practice peers", raw.len());
            self.findings
                .error(&place, "too_large", found, format!("at most {limit}"));
        }
        let mut practices: Vec<PracticeConfig> = Vec::with_capacity(raw.len().min(limit));
        for table in raw.iter().take(limit) {
            let kind = self.text(table, "kind", "[[practice]]", Form::Choice(&KINDS));
            let practice = match kind.as_ref().map(|(kind, _)| kind.as_str()) {
                Some("gama") => {
                    let is_second = practices
                        .iter()
                        .any(|other| matches!(other, PracticeConfig::Gama { .. }));
                    self.practice_gama(table, classroom, is_second, taken)
                }
                Some("headset") => self.practice_headset(table, classroom),
                // One without a kind is looked at as a twin, so that everything that is wrong with it is said at once.
                _ => self.practice_twin(table, endpoints).filter(|_| kind.is_some()),
            };
            practices.extend(practice);
        }
        practices
    }

    fn practice_twin(&mut self, table: &RawTable, endpoints: &[EndpointConfig]) -> Option<PracticeConfig> {
        self.report_unknown(table, "[[practice]]", &["kind", "endpoint", "auto"]);
        let auto = self.flag(table, "auto", true);
        let (endpoint, place) = self.text(table, "endpoint", "[[practice]]", Form::Text)?;
        let known = endpoints.iter().find(|known| known.name == endpoint);
        if known.is_some_and(|known| known.role == Role::Client) {
            let found = format!("the endpoint `{endpoint}` has the client role");
            let expected = "an endpoint that listens: a practice twin connects to it";
            self.findings.error(&place, "wrong_role", found, expected);
            return None;
        }
        if known.is_none() {
            let found = format!("no endpoint is named `{}`", shortened(&endpoint));
            let names: Vec<&str> = endpoints.iter().map(|endpoint| endpoint.name.as_str()).collect();
            let near = super::super::diagnostic::nearest(&endpoint, names.iter().copied());
            let finding = self
                .findings
                .error(&place, "unknown_endpoint", found, "the name of a [[realvirtual]]");
            if let Some(near) = near {
                finding.help(format!("did you mean `{near}`?"));
            }
            return None;
        }
        Some(PracticeConfig::Twin { endpoint, auto })
    }

    fn practice_gama(
        &mut self,
        table: &RawTable,
        classroom: Option<&ClassroomConfig>,
        is_second: bool,
        taken: &mut Vec<Listener>,
    ) -> Option<PracticeConfig> {
        self.report_unknown(table, "[[practice]]", &["kind", "port", "flavour"]);
        let default = classroom.map_or(0, |classroom| classroom.gama.port);
        let port = self.whole(table, "port", "[[practice]]", (0, 65_535), Some(i64::from(default)));
        let flavour = match table.get("flavour") {
            None => Some(Flavour::Gui),
            Some(_) => self
                .text(table, "flavour", "[[practice]]", Form::Choice(&FLAVOURS))
                .map(|(word, _)| if word == "gui" { Flavour::Gui } else { Flavour::Headless }),
        };
        let has_gama = classroom.is_some_and(|classroom| !classroom.gamaless);
        let trouble = match (classroom, is_second) {
            (None, _) => Some(("missing_key", "a section [classroom], which may be empty")),
            _ if !has_gama => Some(("wrong_role", "a classroom that is not `gamaless`")),
            (_, true) => Some((
                "duplicate_name",
                "one practice GAMA: the classroom has one link to GAMA",
            )),
            _ => None,
        };
        if let Some((code, expected)) = trouble {
            let place = self.in_file(&table.span);
            let found = "a practice GAMA that nobody connects to";
            self.findings.error(&place, code, found, expected);
            return None;
        }
        let port = u16::try_from(port?).ok()?;
        if let Some(entry) = table.get("port") {
            let place = self.in_file(&entry.value_span);
            self.places.insert(String::from("practice.port"), place);
        }
        let mut listener = Listener::new("[[practice]] \"gama\"", "practice", LOOPBACK, port, true);
        let offset = self.overrides.port_offset;
        listener.address = self.address_of(&listener, table, offset);
        let address = listener.address;
        self.take_port(listener, table, taken);
        let flavour = flavour?;
        Some(PracticeConfig::Gama { address, flavour })
    }

    fn practice_headset(&mut self, table: &RawTable, classroom: Option<&ClassroomConfig>) -> Option<PracticeConfig> {
        self.report_unknown(table, "[[practice]]", &["kind", "id", "count"]);
        let id = match table.get("id") {
            None => Some(FIRST_PLAYER.to_owned()),
            Some(_) => self.text(table, "id", "[[practice]]", Form::Text).map(|(id, _)| id),
        };
        let count = self.whole(table, "count", "[[practice]]", COUNT, Some(1));
        if classroom.is_none() {
            let place = self.in_file(&table.span);
            let found = "a practice headset in a project without a classroom";
            self.findings.error(
                &place,
                "missing_key",
                found,
                "a section [classroom], which may be empty",
            );
            return None;
        }
        let count = u32::try_from(count?).ok()?;
        Some(PracticeConfig::Headset { id: id?, count })
    }
}
