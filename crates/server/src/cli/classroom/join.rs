//! `crosstie classroom join`: what pupils need to join with a browser.

use super::super::api::Hub;
use super::super::check::style_of;
use super::super::tls::qr_code;
use super::super::{At, CliError};
use super::{CLASS, read};
use crate::config::Style;
use axum::http::Method;
use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::{IsTerminal, Write};

/// The flags of `crosstie classroom join`.
#[derive(Debug, Args)]
pub struct JoinArgs {
    /// Close joining: the code is worth nothing any more, and who is connected stays
    #[arg(long)]
    pub close: bool,
    /// Print the JSON of the API
    #[arg(long)]
    pub json: bool,
    /// Which hub.
    #[command(flatten)]
    pub at: At,
}

/// What is printed of it.
#[derive(Debug, Deserialize)]
struct Join {
    open: bool,
    code: Option<String>,
    needs_code: bool,
    urls: Vec<String>,
    hint: Option<String>,
}

/// Opens or closes joining, and prints how it stands then.
pub(super) async fn join(args: &JoinArgs, out: &mut (impl Write + IsTerminal)) -> Result<(), CliError> {
    let hub = Hub::at(&args.at)?;
    let path = format!("{CLASS}/join");
    let mut answer: Value = hub.get(&path).await?;
    // Where it is open to every device there is nothing to open, and everybody may look.
    let is_to_change = args.close || answer["needs_code"] == true;
    if is_to_change {
        answer = hub
            .send(Method::PUT, &path, Some(&json!({ "open": !args.close })))
            .await?;
    }
    if args.json {
        writeln!(out, "{answer:#}")?;
        return Ok(());
    }
    let style = style_of(out);
    print(&read(answer)?, style, out)
}

fn print(join: &Join, style: Style, out: &mut impl Write) -> Result<(), CliError> {
    if !join.open {
        writeln!(out, "joining is closed; who is connected stays")?;
        return Ok(());
    }
    match &join.code {
        Some(code) => writeln!(out, "code     {code}")?,
        None if join.needs_code => writeln!(out, "code     only operators and engineers are shown it")?,
        None => writeln!(out, "code     none is needed: the class is open to every device")?,
    }
    for (index, url) in join.urls.iter().enumerate() {
        writeln!(out, "{}{url}", if index == 0 { "address  " } else { "         " })?;
    }
    if let Some(hint) = &join.hint {
        writeln!(out, "         no other device reaches it: {hint}")?;
    }
    // A code for a camera serves other devices only.
    if let (Some(url), None) = (join.urls.first(), &join.hint) {
        writeln!(out, "\n{}", qr_code(&with_code(url, join.code.as_deref()), style)?)?;
    }
    Ok(())
}

/// The address that fills in the code by itself: behind the `#`, which no browser sends and no proxy logs.
fn with_code(url: &str, code: Option<&str>) -> String {
    code.map_or_else(|| url.to_owned(), |code| format!("{url}#{code}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(answer: Value) -> String {
        let mut out = Vec::new();
        print(&read(answer).unwrap(), Style::Plain, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn code_and_addresses_are_printed_with_a_code_for_the_camera_where_other_devices_reach_it() {
        let urls = ["http://192.168.1.20:8080/join", "http://10.0.0.5:8080/join"];
        let open = printed(json!({"open": true, "code": "K7QF3M", "needs_code": true, "urls": urls, "hint": null}));
        let lines: Vec<&str> = open.lines().collect();
        assert_eq!(
            lines[..3],
            [
                "code     K7QF3M",
                "address  http://192.168.1.20:8080/join",
                "         http://10.0.0.5:8080/join"
            ]
        );
        assert!(open.contains(&qr_code("http://192.168.1.20:8080/join#K7QF3M", Style::Plain).unwrap()));
        let here = json!({"open": true, "code": null, "needs_code": false, "urls": urls, "hint": "set bind"});
        let here = printed(here);
        assert!(
            here.starts_with("code     none is needed")
                && here.ends_with("         no other device reaches it: set bind\n"),
            "{here}"
        );
        let closed = json!({"open": false, "code": null, "needs_code": true, "urls": urls, "hint": null});
        assert_eq!(printed(closed), "joining is closed; who is connected stays\n");
    }
}
