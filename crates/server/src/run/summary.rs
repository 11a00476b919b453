//! What a person reads when a hub has started: where it can be reached.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::RunningHub;
use super::classroom::ClassPorts;
use super::piplc::PiplcPort;
use super::practice::Practices;
use crate::config::{ModbusConfig, bracketed};
use crate::http::endpoints::lan_addresses;
use crate::http::tls::page_urls;
use crate::http::{EndpointPort, Side};
use crate::modbus_server::ModbusPort;

/// Prints the summary to stdout. A stdout that is closed is no reason not to run.
pub(super) fn print(project: &str, hub: &RunningHub, practices: Option<&Practices>) {
    let text = text(project, hub, practices, &lan_addresses());
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes());
    let _ = stdout.flush();
}

fn text(project: &str, hub: &RunningHub, practices: Option<&Practices>, lan: &[IpAddr]) -> String {
    let mut lines = vec![format!("Crosstie {}: {project}", env!("CARGO_PKG_VERSION"))];
    let pages = page_urls(hub.web, hub.web_tls, lan);
    let heads = std::iter::once("  page      ").chain(std::iter::repeat("            "));
    lines.extend(heads.zip(pages).map(|(head, page)| format!("{head}{page}")));
    lines.extend(hub.ports.iter().flat_map(|port| endpoint_lines(port, lan)));
    lines.extend(hub.piplc.iter().flat_map(|port| piplc_lines(port, lan)));
    lines.extend(hub.classroom.iter().flat_map(|ports| class_lines(ports, lan)));
    lines.extend(hub.modbuses.iter().flat_map(|port| modbus_lines(port, lan)));
    if let Some(facts) = &hub.certificate {
        lines.push(format!("  TLS       SHA-256 {}", facts.fingerprint));
    }
    lines.extend(practices.map(|practices| {
        let words = practices.words();
        format!(
            "  practice  {}",
            words
                .as_deref()
                .unwrap_or("the project names no practice peer ([[practice]])")
        )
    }));
    lines.push(String::from("  end with Ctrl+C\n"));
    lines.join("\n")
}

/// Where an endpoint is reached, or what it connects to.
fn endpoint_lines(port: &EndpointPort, lan: &[IpAddr]) -> Vec<String> {
    let name = &port.name;
    let scheme = if port.tls { "wss" } else { "ws" };
    match &port.side {
        Side::Listens { address, path } => {
            let path = path.as_deref().unwrap_or("/");
            let here = format!("  endpoint  {name}: {scheme}://{}{path}", reachable(*address));
            let elsewhere =
                elsewhere(*address, lan).map(|address| format!("            {name}: {scheme}://{address}{path}"));
            std::iter::once(here).chain(elsewhere).collect()
        }
        Side::Connects { host, port, path } => {
            let host = bracketed(host);
            vec![format!("  link      {name} → {scheme}://{host}:{port}{path}")]
        }
    }
}

/// Where clients of the PLC engines connect.
fn piplc_lines(port: &PiplcPort, lan: &[IpAddr]) -> Vec<String> {
    let scheme = if port.tls { "wss" } else { "ws" };
    let path = port.path.as_deref().unwrap_or("/");
    let elsewhere = elsewhere(port.address, lan).map(|address| format!("            {scheme}://{address}{path}"));
    std::iter::once(format!("  PiPLC     {scheme}://{}{path}", reachable(port.address)))
        .chain(elsewhere)
        .collect()
}

/// Where monitors and headsets connect, and where GAMA is looked for.
fn class_lines(ports: &ClassPorts, lan: &[IpAddr]) -> Vec<String> {
    let mut lines = Vec::new();
    for (head, port) in [("  monitors  ", &ports.monitor), ("  headsets  ", &ports.headset)] {
        let scheme = if port.tls { "wss" } else { "ws" };
        let path = port.path.as_deref().unwrap_or("/");
        lines.push(format!("{head}{scheme}://{}{path}", reachable(port.address)));
        let elsewhere = elsewhere(port.address, lan);
        lines.extend(elsewhere.map(|address| format!("            {scheme}://{address}{path}")));
    }
    lines.push(match &ports.gama {
        Some(url) => format!("  GAMA      {url}"),
        None => String::from("  GAMA      none (GAMALESS)"),
    });
    lines
}

/// Where clients of Modbus connect.
fn modbus_lines(port: &ModbusPort, lan: &[IpAddr]) -> Vec<String> {
    let ModbusConfig {
        name, address, unit, ..
    } = &port.config;
    let elsewhere = elsewhere(*address, lan).map(|address| format!("            {name}: {address}"));
    std::iter::once(format!("  Modbus    {name}: {}, unit {unit}", reachable(*address)))
        .chain(elsewhere)
        .collect()
}

/// Where this machine itself reaches a listener: one that listens everywhere is reached at the loopback.
pub(crate) fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => SocketAddr::new(Ipv4Addr::LOCALHOST.into(), address.port()),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => SocketAddr::new(Ipv6Addr::LOCALHOST.into(), address.port()),
        _ => address,
    }
}

/// Where other machines reach a listener that listens everywhere.
pub(crate) fn elsewhere(address: SocketAddr, lan: &[IpAddr]) -> impl Iterator<Item = SocketAddr> {
    let lan = if address.ip().is_unspecified() { lan } else { &[] };
    lan.iter()
        .filter(move |lan| lan.is_ipv4() || address.is_ipv6())
        .map(move |lan| SocketAddr::new(*lan, address.port()))
}

#[cfg(test)]
mod tests {
    use super::super::classroom::ClassPort;
    use super::*;
    use crate::config::{EndpointConfig, Role};
    use crate::http::ClassDoor;
    use crate::keys::Entrance;
    use crate::origin::Origins;
    use crosstie_hub::Face;
    use crosstie_hub::settings::EndpointId;
    use std::sync::Arc;

    #[test]
    fn the_port_of_the_engines_says_where_it_is_reached() {
        let mut port = PiplcPort {
            address: SocketAddr::from(([0, 0, 0, 0], 9100)),
            path: None,
            url: String::new(),
            tls: false,
            is_open: false,
            origins: Arc::default(),
        };
        let lan = [IpAddr::from([10, 0, 0, 5])];
        let everywhere = ["  PiPLC     ws://127.0.0.1:9100/", "            ws://10.0.0.5:9100/"];
        assert_eq!(piplc_lines(&port, &lan), everywhere);
        port.address.set_ip([127, 0, 0, 1].into());
        port.tls = true;
        port.path = Some(String::from("/plc"));
        assert_eq!(piplc_lines(&port, &lan), ["  PiPLC     wss://127.0.0.1:9100/plc"]);
    }

    #[test]
    fn a_classroom_says_where_its_doors_are_and_where_it_looks_for_gama() {
        let port = |face, port, bind: [u8; 4]| ClassPort {
            address: SocketAddr::from((bind, port)),
            path: None,
            tls: false,
            door: ClassDoor {
                face,
                entrance: Entrance::Headset { is_open: false },
                origins: Arc::default(),
            },
        };
        let mut ports = ClassPorts {
            monitor: port(Face::Monitor, 8001, [127, 0, 0, 1]),
            headset: port(Face::Headset, 8080, [0, 0, 0, 0]),
            gama: Some(String::from("ws://localhost:1000")),
        };
        let expected = [
            "  monitors  ws://127.0.0.1:8001/",
            "  headsets  ws://127.0.0.1:8080/",
            "            ws://10.0.0.5:8080/",
            "  GAMA      ws://localhost:1000",
        ];
        assert_eq!(class_lines(&ports, &[IpAddr::from([10, 0, 0, 5])]), expected);
        ports.gama = None;
        ports.monitor.tls = true;
        ports.monitor.path = Some(String::from("/m"));
        let lines = class_lines(&ports, &[]);
        assert_eq!(lines[0], "  monitors  wss://127.0.0.1:8001/m");
        assert_eq!(lines[2], "  GAMA      none (GAMALESS)");
    }

    #[test]
    fn endpoints_say_where_they_listen_and_links_what_they_connect_to() {
        let lan = [IpAddr::from([10, 0, 0, 5])];
        let mut endpoint = EndpointConfig::named("line");
        let lines = |endpoint: &EndpointConfig| {
            endpoint_lines(
                &EndpointPort::new(EndpointId(0), endpoint, Some(endpoint.address), Origins::default()),
                &lan,
            )
        };
        assert_eq!(lines(&endpoint), ["  endpoint  line: ws://127.0.0.1:1234/"]);
        endpoint.address = SocketAddr::from(([0, 0, 0, 0], 7));
        endpoint.tls = true;
        assert_eq!(
            lines(&endpoint),
            [
                "  endpoint  line: wss://127.0.0.1:7/",
                "            line: wss://10.0.0.5:7/"
            ]
        );
        endpoint.role = Role::Client;
        endpoint.link.host = String::from("fd00::1");
        endpoint.link.target = String::from("/ws?apikey=k1");
        assert_eq!(lines(&endpoint), ["  link      line → ws://[fd00::1]:1234/ws"]);
    }
}
