//! Answers to the questions of our own API.

use crate::access::{Access, Actor};
use crate::api::{ClientRow, EndpointRow, HealthRow, Refused, Reply, Request, SignalPage, SignalQuery};
use crate::client::{Client, View};
use crate::hub::Hub;
use crate::input::{ConnId, Face};
use crate::output::{Output, Ticket};
use crate::rights;
use crate::session::config;
use crate::settings::EndpointId;
use crate::signal::{Pattern, SignalId, Value, name};
use serde_json::Value as Json;
use std::time::Duration;

/// Names looked at in one turn, so that a filter over a large space holds nobody up; the answer says where to go on.
const NAMES_PER_TURN: usize = 4_096;

impl Hub {
    pub(crate) fn request(&mut self, ticket: Ticket, by: &Actor, request: Request) {
        if self.is_revoked(&by.access) {
            // The request was let in and its body came later than the end of its key.
            let refused = rights::forbidden(&by.access, "do anything any more: the key is revoked");
            self.reply(ticket, Reply::Refused(refused));
            return;
        }
        if let Err(refused) = rights::check(by, &request) {
            self.reply(ticket, Reply::Refused(refused));
            return;
        }
        let reply = match request {
            Request::Signals(query) => Ok(Reply::Signals(self.signal_page(&by.access, &query))),
            Request::Signal { name } => self
                .seen_by(&by.access, &name)
                .map(|id| Reply::Signal(self.observer().row(id), self.time())),
            Request::Write { name, value } => self.api_write(by, &name, &value),
            Request::Endpoints => Ok(Reply::Endpoints(self.endpoint_rows(), self.now)),
            Request::Clients => Ok(Reply::Clients(self.client_rows(), self.now)),
            Request::Routes => Ok(Reply::Routes(self.route_rows(&by.access), self.time())),
            Request::AddRoute(route) => self.api_add_route(by, *route),
            Request::ChangeRoute { id, route } => self.api_change_route(by, id, *route),
            Request::CheckRoute { route, instead_of } => self.api_check_route(by, &route, instead_of),
            Request::Clock => Ok(Reply::Clock(self.clock_row())),
            Request::SetClock(mode) => self.api_set_clock(by, mode),
            Request::StepClock(step) => self.api_step_clock(by, step),
            Request::RemoveRoute { id } => self.api_remove_route(by, id),
            Request::SetRoutes { routes, replace } => self.api_set_routes(by, &routes, replace),
            Request::Import { endpoint } => {
                match self.endpoint_named(&endpoint).and_then(|id| self.import(ticket, id)) {
                    // The answer comes when the peers have answered or are given up.
                    Ok(()) => {
                        self.audit(by, "import", endpoint, (Json::Null, Json::Null));
                        return;
                    }
                    Err(refused) => Err(refused),
                }
            }
            Request::Configure { endpoint, changes } => {
                match self
                    .endpoint_named(&endpoint)
                    .and_then(|id| self.api_configure((ticket, by), id, changes))
                {
                    // The answer comes when the settings are on the disk.
                    Ok(()) => return,
                    Err(refused) => Err(refused),
                }
            }
            Request::Connect { endpoint } => self
                .endpoint_named(&endpoint)
                .and_then(|id| self.link_on(id))
                .map(|()| {
                    self.audit(by, "connect", endpoint, (Json::Null, Json::Null));
                    Reply::Done
                }),
            Request::Disconnect { endpoint } => {
                self.endpoint_named(&endpoint)
                    .and_then(|id| self.link_off(id))
                    .map(|()| {
                        self.audit(by, "disconnect", endpoint, (Json::Null, Json::Null));
                        Reply::Done
                    })
            }
            Request::Acknowledge { problem } => match self.problems.acknowledge(problem.as_deref()) {
                true => {
                    let subject = problem.unwrap_or_else(|| String::from("all problems"));
                    self.audit(by, "acknowledge", subject, (Json::Null, Json::Null));
                    Ok(Reply::Done)
                }
                false => Err(Refused::NotFound {
                    what: "problem",
                    name: problem.unwrap_or_default(),
                }),
            },
            Request::Report(report) => {
                self.trouble(report.is_error, report.id, &report.subject, report.text, &report.hint);
                Ok(Reply::Done)
            }
            Request::Clear { problem } => {
                self.problems.clear(&problem);
                Ok(Reply::Done)
            }
            Request::Plc(request) => match self.plc_request(ticket, by, request) {
                Ok(Some(reply)) => Ok(reply),
                // The answer comes when the engine has done it.
                Ok(None) => return,
                Err(refused) => Err(refused),
            },
            Request::Classroom(request) => match self.class_request(ticket, by, request) {
                Ok(Some(reply)) => Ok(Reply::Classroom(reply)),
                // The answer comes when GAMA has given its own.
                Ok(None) => return,
                Err(refused) => Err(refused),
            },
            Request::Replay(request) => self.replay_request(by, request),
            Request::Health => Ok(Reply::Health(self.health())),
        };
        self.reply(ticket, reply.unwrap_or_else(Reply::Refused));
    }

    pub(crate) fn reply(&mut self, ticket: Ticket, reply: Reply) {
        let reply = Box::new(reply);
        self.outputs.push(Output::Reply { ticket, reply });
    }

    /// The name of the signal that a text means, or the text.
    pub(crate) fn meant(&self, text: &str) -> String {
        let space = &self.ledger.space;
        space.find(text).map_or(text, |id| space.name(id)).to_owned()
    }

    /// The signal of this name, when it may be seen; a place of a PLC becomes one by being named.
    fn seen_by(&mut self, access: &Access, text: &str) -> Result<SignalId, Refused> {
        let not_found = || Refused::NotFound {
            what: "signal",
            name: text.to_owned(),
        };
        if let Ok(name) = name::canonical(text, self.limits.name_len_max)
            && !access.sees(&self.meant(&name))
        {
            return Err(not_found());
        }
        self.make_tag_named(text)?.ok_or_else(not_found)
    }

    fn endpoint_named(&self, name: &str) -> Result<EndpointId, Refused> {
        let position = self
            .endpoints
            .iter()
            .position(|endpoint| endpoint.settings.name == name);
        position
            .map(|position| EndpointId(position as u16))
            .ok_or_else(|| Refused::NotFound {
                what: "endpoint",
                name: name.to_owned(),
            })
    }

    fn api_write(&mut self, by: &Actor, name: &str, value: &Value) -> Result<Reply, Refused> {
        let id = self.seen_by(&by.access, name)?;
        rights::check_write(&by.access, self.ledger.space.name(id))?;
        let old = rights::json(&self.ledger.space.cell(id).value);
        let fitted = self.operator_writes(id, value.as_wire(), None)?;
        self.audit(
            by,
            "write",
            self.ledger.space.name(id).to_owned(),
            (old, rights::json(&fitted.value)),
        );
        let cell = self.ledger.space.cell(id);
        Ok(Reply::Written {
            stored: fitted.value,
            coerced: !fitted.exact,
            // An engine has not taken it yet.
            generation: match cell.is_tag {
                true => self.ledger.space.generation(),
                false => cell.generation,
            },
        })
    }

    fn signal_page(&self, access: &Access, query: &SignalQuery) -> SignalPage {
        let space = &self.ledger.space;
        let filter = query.filter.to_lowercase();
        let pattern = query.pattern.as_deref().map(Pattern::new);
        // A symbol is found by itself and behind its PLC, as it is written everywhere else.
        let has_symbol = |id: SignalId, name: &str| {
            space.symbol(id).is_some_and(|symbol| {
                let named = name::with_symbol(name, symbol);
                named.to_lowercase().contains(&filter)
            })
        };
        let fits = |id: &SignalId| {
            let name = space.name(*id);
            access.sees(name)
                && (filter.is_empty() || name.to_lowercase().contains(&filter) || has_symbol(*id, name))
                && pattern.as_ref().is_none_or(|pattern| pattern.fits(name))
                && query
                    .quality
                    .as_deref()
                    .is_none_or(|word| space.cell(*id).quality.word() == word)
                && query.owner.is_none_or(|owner| space.owner(*id) == owner)
        };
        let first = query.after.map_or(0, |after| after as usize + 1);
        let limit = query.limit.clamp(1, self.limits.page_rows_max);
        let mut rows = Vec::new();
        let mut next = None;
        for index in first..space.len() {
            if rows.len() == limit || index - first == NAMES_PER_TURN {
                next = Some(index as u32 - 1);
                break;
            }
            let id = SignalId(index as u32);
            if fits(&id) {
                rows.push(self.observer().row(id));
            }
        }
        SignalPage {
            now: self.time(),
            generation: space.generation(),
            total: space.len(),
            next,
            rows,
        }
    }

    fn endpoint_rows(&self) -> Vec<EndpointRow> {
        let row = |(index, endpoint): (usize, &crate::endpoint::Endpoint)| EndpointRow {
            id: EndpointId(index as u16),
            name: endpoint.settings.name.clone(),
            url: endpoint.settings.url.clone(),
            clients: match &endpoint.link {
                Some(link) => usize::from(link.up.is_some()),
                None => endpoint.clients,
            },
            link: endpoint.link.as_ref().map(|link| link.row(&endpoint.settings.url)),
            signals: endpoint.bindings.len(),
            settings: config::current(&endpoint.settings),
            counters: endpoint.counters,
        };
        self.endpoints.iter().enumerate().map(row).collect()
    }

    fn client_rows(&self) -> Vec<ClientRow> {
        let mut rows: Vec<ClientRow> = self
            .clients
            .iter()
            .map(|(conn, client)| self.client_row(*conn, client))
            .collect();
        rows.sort_unstable_by_key(|row| row.id);
        rows
    }

    fn client_row(&self, conn: ConnId, client: &Client) -> ClientRow {
        let (endpoint, protocol) = match client.face {
            Face::Realvirtual(endpoint) | Face::Link(endpoint) => {
                (self.endpoints[endpoint.0 as usize].settings.name.clone(), "realvirtual")
            }
            Face::Live => (String::from("live"), "live"),
            Face::Piplc => (String::from("piplc"), "piplc"),
            Face::Engine(plc) => {
                let context = self.plcs.get(plc).map(|context| context.settings.name.clone());
                (context.unwrap_or_default(), "piplc")
            }
            Face::Monitor => (String::from("monitor"), "simple"),
            Face::Headset => (String::from("headset"), "simple"),
            Face::Gama => (String::from("gama"), "gama"),
        };
        let set = client
            .group
            .and_then(|group| self.views.key(group))
            .and_then(|key| key.set.as_ref());
        let view_len = match (&client.view, client.face, client.group) {
            (_, _, None) => 0,
            (View::All | View::Unsaid, Face::Realvirtual(endpoint), _) => {
                self.endpoints[endpoint.0 as usize].bindings.len()
            }
            _ => set.map_or(0, |set| set.len()),
        };
        let view = match (&client.view, view_len) {
            (View::All, _) => "all",
            (View::Unsaid, _) if client.group.is_some() => "all",
            (View::List { missing }, 0) if !missing.is_empty() => "list",
            (_, 0) => "none",
            _ => "list",
        };
        ClientRow {
            id: conn,
            endpoint,
            protocol,
            name: client.name.clone(),
            who: client.access.who.clone(),
            role: client.access.role,
            address: client.address.clone(),
            path: client.path.clone(),
            connected_at: client.connected_at,
            last_seen_at: client.last_seen,
            stale: client.is_stale,
            view,
            view_len,
            writes: client.writes,
            echoer: client.is_echoer,
            rtt: client.rtt,
            lag: client
                .outlet
                .stuck_since()
                .map_or(Duration::ZERO, |since| self.now.since(since)),
            counters: client.counters,
        }
    }

    fn health(&mut self) -> HealthRow {
        self.remind_of_forces();
        HealthRow {
            now: self.now,
            project: self.project.clone(),
            signals: self.ledger.space.len(),
            clients: self.clients.len(),
            endpoints: self.endpoints.len(),
            generation: self.ledger.space.generation(),
            problems: self.problems.list(self.now).cloned().collect(),
        }
    }
}

/// Id of the problem that a route of the project was left out.
pub(crate) fn route_problem(from: &str, to: &str) -> String {
    format!("route:{from}:{to}")
}
