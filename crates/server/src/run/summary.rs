//! What a person reads when a hub has started: where it can be reached.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::RunningHub;
use crate::config::bracketed;
use crate::http::Side;
use crate::http::endpoints::lan_addresses;

/// Prints the summary to stdout. A stdout that is closed is no reason not to run.
pub(super) fn print(project: &str, hub: &RunningHub, practice: bool, practices: usize) {
    let text = text(project, hub, practice, practices, &lan_addresses());
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes());
    let _ = stdout.flush();
}

fn text(project: &str, hub: &RunningHub, practice: bool, practices: usize, lan: &[IpAddr]) -> String {
    let mut lines = vec![format!("Crosstie {}: {project}", env!("CARGO_PKG_VERSION"))];
    let page = |address: SocketAddr| format!("http://{address}/");
    lines.push(format!("  page      {}", page(reachable(hub.web))));
    lines.extend(elsewhere(hub.web, lan).map(|address| format!("            {}", page(address))));
    for port in &hub.ports {
        let name = &port.name;
        let scheme = if port.tls { "wss" } else { "ws" };
        match &port.side {
            Side::Listens { address, path } => {
                let path = path.as_deref().unwrap_or("/");
                lines.push(format!("  endpoint  {name}: {scheme}://{}{path}", reachable(*address)));
                lines.extend(
                    elsewhere(*address, lan).map(|address| format!("            {name}: {scheme}://{address}{path}")),
                );
            }
            Side::Connects { host, port, path } => {
                let host = bracketed(host);
                lines.push(format!("  link      {name} → {scheme}://{host}:{port}{path}"));
            }
        }
    }
    match (practice, practices) {
        (true, 0) => lines.push(String::from(
            "  practice  the project names no practice peer ([[practice]])",
        )),
        (true, 1) => lines.push(String::from(
            "  practice  one practice twin plays: what it writes is made up",
        )),
        (true, many) => lines.push(format!(
            "  practice  {many} practice twins play: what they write is made up"
        )),
        (false, _) => {}
    }
    lines.push(String::from("  end with Ctrl+C\n"));
    lines.join("\n")
}

/// Where this machine itself reaches a listener: one that listens everywhere is reached at the loopback.
pub(super) fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => SocketAddr::new(Ipv4Addr::LOCALHOST.into(), address.port()),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => SocketAddr::new(Ipv6Addr::LOCALHOST.into(), address.port()),
        _ => address,
    }
}

/// Where other machines reach a listener that listens everywhere.
fn elsewhere(address: SocketAddr, lan: &[IpAddr]) -> impl Iterator<Item = SocketAddr> {
    let lan = if address.ip().is_unspecified() { lan } else { &[] };
    lan.iter()
        .filter(move |lan| lan.is_ipv4() || address.is_ipv6())
        .map(move |lan| SocketAddr::new(*lan, address.port()))
}
