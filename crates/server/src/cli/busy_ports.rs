//! One message for all ports that could not be had: whoever frees or moves them wants to do it once.

use std::fmt::Write;
use std::io;
use std::net::SocketAddr;

/// A listener that did not get its port.
#[derive(Debug)]
pub struct BusyPort {
    /// What listens, for people: `page`, `realvirtual "line"`.
    pub listener: String,
    /// Where it should.
    pub address: SocketAddr,
    /// The flag or the dotted key that moves it alone: `--web-port P`, `realvirtual.line.port`.
    pub moved_by: String,
    /// What the system said.
    pub error: io::Error,
}

/// Names every busy port, what moves each alone, and what moves all.
pub fn busy_ports_message(busy: &[BusyPort]) -> String {
    let mut message = match busy {
        [_] => String::from("a port cannot be listened on:\n"),
        many => format!("{} ports cannot be listened on:\n", many.len()),
    };
    let listener_width = busy.iter().map(|port| port.listener.chars().count()).max().unwrap_or(0);
    let address_width = busy
        .iter()
        .map(|port| port.address.to_string().len())
        .max()
        .unwrap_or(0);
    for BusyPort {
        listener,
        address,
        moved_by,
        error,
    } in busy
    {
        let reason = match error.kind() {
            io::ErrorKind::AddrInUse => String::from("something else listens there"),
            io::ErrorKind::PermissionDenied => String::from("not permitted to this user"),
            io::ErrorKind::AddrNotAvailable => String::from("this machine has no such address"),
            _ => error.to_string(),
        };
        let address = address.to_string();
        // Writing to a string cannot fail.
        let _infallible = writeln!(
            message,
            "  {listener:<listener_width$}  {address:<address_width$}  {reason} (moved by {moved_by})"
        );
    }
    message.push_str("--port-offset N adds N to all ports, for example --port-offset 100");
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_message_names_every_port_and_what_moves_it() {
        let busy = |listener: &str, address: &str, moved_by: &str, kind: io::ErrorKind| BusyPort {
            listener: listener.to_owned(),
            address: address.parse().unwrap(),
            moved_by: moved_by.to_owned(),
            error: kind.into(),
        };
        let message = busy_ports_message(&[
            busy("page", "127.0.0.1:8000", "--web-port P", io::ErrorKind::AddrInUse),
            busy(
                "realvirtual \"line\"",
                "127.0.0.1:80",
                "realvirtual.line.port",
                io::ErrorKind::PermissionDenied,
            ),
        ]);
        assert_eq!(
            message,
            "2 ports cannot be listened on:\n  \
             page                127.0.0.1:8000  something else listens there (moved by --web-port P)\n  \
             realvirtual \"line\"  127.0.0.1:80    not permitted to this user (moved by realvirtual.line.port)\n\
             --port-offset N adds N to all ports, for example --port-offset 100"
        );
    }
}
