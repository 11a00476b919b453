//! `crosstie tls`: the certificate of a project, without a running hub.

use super::CliError;
use super::check::{print_diagnostics, style_of};
use crate::config::{self, Config, Overrides, Style};
use crate::http::endpoints::lan_addresses;
use crate::http::tls::page_urls;
use crate::state::rfc3339;
use crate::tls::{self, Facts, Made};
use clap::{Args, Subcommand};
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

/// What can be done with the certificate.
#[derive(Debug, Subcommand)]
pub enum TlsCommand {
    /// Print the certificate's fingerprint, names and validity, and the page's address as a QR code; makes the certificate if
    /// there is none
    #[command(after_help = "Example:\n  crosstie tls show my-line")]
    Show(TlsArgs),
    /// Make the hub's own certificate anew, with the same key; a running hub shows it after its next start
    Renew(TlsArgs),
}

/// The arguments of `crosstie tls`.
#[derive(Debug, Args)]
pub struct TlsArgs {
    /// Project folder, the one with crosstie.toml
    #[arg(default_value = ".")]
    pub dir: PathBuf,
}

/// Carries out a verb on the certificate.
pub(super) fn tls(command: TlsCommand, out: &mut (impl Write + IsTerminal)) -> Result<(), CliError> {
    let failed = |error: tls::TlsError| CliError::Failed(error.to_string());
    let (config, identity) = match command {
        TlsCommand::Show(args) => {
            let config = load(args)?;
            let identity = tls::show(&config).map_err(failed)?;
            (config, identity)
        }
        TlsCommand::Renew(args) => {
            let config = load(args)?;
            let identity = tls::renew(&config).map_err(failed)?;
            (config, identity)
        }
    };
    match &identity.made {
        Made::New => writeln!(out, "the hub's certificate is made")?,
        Made::Anew(_) => writeln!(
            out,
            "the hub's certificate is made anew: its fingerprint has changed; a running hub shows it after its next start"
        )?,
        Made::Given | Made::Kept => {}
    }
    print(&identity.facts, out)?;
    let style = style_of(out);
    print_page(&config, style, out)
}

fn load(args: TlsArgs) -> Result<Config, CliError> {
    let loaded = config::load(&args.dir, &Overrides::from_environment());
    print_diagnostics(&loaded.diagnostics, style_of(&io::stderr()), &mut io::stderr())?;
    loaded.config.ok_or(CliError::Told { exit_code: 2 })
}

fn print(facts: &Facts, out: &mut impl Write) -> Result<(), CliError> {
    let origin = if facts.is_own {
        "the hub's own"
    } else {
        "given by the project"
    };
    writeln!(out, "file         {} ({origin})", facts.file.display())?;
    writeln!(out, "SHA-256      {}", facts.fingerprint)?;
    writeln!(out, "names        {}", facts.names.join(", "))?;
    writeln!(out, "valid from   {}", rfc3339(facts.not_before))?;
    writeln!(out, "valid until  {}", rfc3339(facts.not_after))?;
    Ok(())
}

/// The page's addresses, the first one for other machines as a code for a camera.
fn print_page(config: &Config, style: Style, out: &mut impl Write) -> Result<(), CliError> {
    if !config.web.tls {
        writeln!(out, "page         speaks http: web.tls = true turns TLS on")?;
        return Ok(());
    }
    if config.web.address.port() == 0 {
        writeln!(out, "page         on a port that the system chooses at the start")?;
        return Ok(());
    }
    let address = config.web.address;
    let urls = page_urls(address, true, &lan_addresses());
    for (index, url) in urls.iter().enumerate() {
        writeln!(
            out,
            "{}{url}",
            if index == 0 { "page         " } else { "             " }
        )?;
    }
    let is_only_here = address.ip().is_loopback();
    match urls.last().filter(|_| !is_only_here) {
        // The first is the way for this machine when the hub listens everywhere; a phone needs one for its network.
        Some(last) => writeln!(out, "\n{}", qr_code(urls.get(1).unwrap_or(last), style)?)?,
        None => writeln!(out, "             (this machine only: web.bind opens it to others)")?,
    }
    Ok(())
}

/// A QR code of two modules per character. With colours it is black on white; without it is made for a dark terminal.
pub(super) fn qr_code(text: &str, style: Style) -> Result<String, CliError> {
    let code = QrCode::new(text).map_err(|error| CliError::failed(&error))?;
    let mut renderer = code.render::<Dense1x2>();
    Ok(match style {
        Style::Colour => {
            let image = renderer.build();
            let lines: Vec<String> = image.lines().map(|line| format!("\x1b[30;107m{line}\x1b[0m")).collect();
            lines.join("\n")
        }
        Style::Plain => renderer.dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_drawn_whole_in_both_styles() {
        let url = "https://192.168.1.20:8000/";
        let width = QrCode::new(url).unwrap().width() + 8;
        for style in [Style::Plain, Style::Colour] {
            let text = qr_code(url, style).unwrap();
            assert_eq!(text.lines().count(), width.div_ceil(2), "{style:?}");
            for line in text.lines() {
                let line = line.trim_start_matches("\x1b[30;107m").trim_end_matches("\x1b[0m");
                assert_eq!(line.chars().count(), width, "{style:?}");
            }
        }
        let plain = qr_code(url, Style::Plain).unwrap();
        let coloured = qr_code(url, Style::Colour).unwrap();
        assert!(
            plain.starts_with('\u{2588}') && coloured.starts_with("\x1b[30;107m "),
            "the quiet zone is light"
        );
    }
}
