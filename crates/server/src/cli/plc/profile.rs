//! `crosstie plc profile`: which rungs a scan is spent on.

use super::{Found, Which};
use crate::cli::{CliError, table};
use axum::http::Method;
use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::Write;

/// The flags of `crosstie plc profile`.
#[derive(Debug, Args)]
pub struct ProfileArgs {
    /// Begin to measure, anew when it is measured already
    #[arg(long, conflicts_with = "off")]
    pub on: bool,
    /// End measuring
    #[arg(long)]
    pub off: bool,
    /// Print so many rungs; 0 is all
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub top: usize,
    /// Print an object instead of a table
    #[arg(long)]
    pub json: bool,
    /// Which context.
    #[command(flatten)]
    pub which: Which,
}

#[derive(Debug, Deserialize)]
struct Profile {
    on: bool,
    scans: u64,
    target_us: u64,
    overhead_ns: u64,
    rungs: Vec<Rung>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct Rung {
    rung: usize,
    instructions: u32,
    avg_ns: u64,
    max_ns: u64,
    share: f64,
}

/// Switches measuring on or off, or prints what was measured.
pub(super) async fn profile(args: &ProfileArgs, out: &mut impl Write) -> Result<(), CliError> {
    if args.which.engine.url.is_some() {
        return Err(CliError::Usage(String::from(
            "PiPLC's protocol cannot measure rungs: ask the hub that the engine runs in, without --engine",
        )));
    }
    let found = args.which.find().await?;
    let path = format!("{}/profile", found.path);
    let name = &found.row.name;
    if args.on || args.off {
        let body = json!({ "on": args.on });
        let answer = found.hub.send(Method::PUT, &path, Some(&body)).await?;
        match (args.json, args.on) {
            (true, _) => writeln!(out, "{answer:#}")?,
            (false, true) => writeln!(out, "the rungs of {name} are measured")?,
            (false, false) => writeln!(out, "the rungs of {name} are no longer measured")?,
        }
        return Ok(());
    }
    let answer: Value = found.hub.get(&path).await?;
    if args.json {
        writeln!(out, "{answer:#}")?;
        return Ok(());
    }
    let profile: Profile = serde_json::from_value(answer).map_err(|error| CliError::failed(&error))?;
    match (profile.on, profile.scans) {
        (false, _) => Err(CliError::Failed(format!(
            "the rungs of {name} are not measured; crosstie plc profile --on begins it"
        ))),
        (true, 0) => {
            writeln!(out, "{name} has finished no scan since measuring began")?;
            Ok(())
        }
        (true, _) => print(&found, &profile, args.top, out).await,
    }
}

async fn print(found: &Found, profile: &Profile, top: usize, out: &mut impl Write) -> Result<(), CliError> {
    let program: Value = found.hub.get(&format!("{}/program", found.path)).await?;
    let rows = rows(profile, top, |rung| {
        program["rungs"][rung]["title"].as_str().unwrap_or_default().to_owned()
    });
    table::print(
        ["RUNG", "TITLE", "INSTRUCTIONS", "AVG US", "MAX US", "SHARE", "TOGETHER"],
        &rows,
        out,
    )?;
    write!(out, "{}", budget(profile, found.row.scan.avg_us))?;
    Ok(())
}

/// The rungs that take the most, the longest first.
fn rows(profile: &Profile, top: usize, title: impl Fn(usize) -> String) -> Vec<[String; 7]> {
    let mut rungs = profile.rungs.clone();
    rungs.sort_by(|a, b| b.share.total_cmp(&a.share).then(a.rung.cmp(&b.rung)));
    if top > 0 {
        rungs.truncate(top);
    }
    let mut together = 0.0;
    let row = |rung: Rung| {
        together += rung.share;
        [
            rung.rung.to_string(),
            title(rung.rung),
            rung.instructions.to_string(),
            micros(rung.avg_ns),
            micros(rung.max_ns),
            format!("{:.1} %", rung.share * 100.0),
            format!("{:.1} %", together * 100.0),
        ]
    };
    rungs.into_iter().map(row).collect()
}

/// What a scan takes of its time, and what measuring adds.
fn budget(profile: &Profile, scan_avg_us: u64) -> String {
    let Profile {
        scans,
        target_us,
        overhead_ns,
        ..
    } = profile;
    let rungs = profile.rungs.len() as u64;
    let all_ns: u64 = profile.rungs.iter().map(|rung| rung.avg_ns).sum();
    let part = scan_avg_us as f64 * 100.0 / (*target_us).max(1) as f64;
    format!(
        "a scan takes {scan_avg_us} us on average of {target_us} us ({part:.1} %), its {rungs} rungs {} us; {scans} scans measured\n\
         measuring takes {overhead_ns} ns a rung, {} us a scan: it is taken off above, and every scan takes so much longer until --off\n",
        micros(all_ns),
        micros(overhead_ns * rungs),
    )
}

/// Nanoseconds as microseconds with three digits behind the point.
fn micros(ns: u64) -> String {
    format!("{}.{:03}", ns / 1_000, ns % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile() -> Profile {
        let rung = |rung, avg_ns, share| Rung {
            rung,
            instructions: 3,
            avg_ns,
            max_ns: 2 * avg_ns,
            share,
        };
        Profile {
            on: true,
            scans: 1_000,
            target_us: 10_000,
            overhead_ns: 40,
            rungs: vec![rung(0, 250, 0.2), rung(1, 1_000, 0.8), rung(2, 0, 0.0)],
        }
    }

    #[test]
    fn the_rungs_that_take_the_most_come_first_with_what_they_take_together() {
        let rows = rows(&profile(), 2, |rung| format!("rung {rung}"));
        let expected = [
            ["1", "rung 1", "3", "1.000", "2.000", "80.0 %", "80.0 %"],
            ["0", "rung 0", "3", "0.250", "0.500", "20.0 %", "100.0 %"],
        ];
        assert_eq!(rows, expected);
        assert_eq!(super::rows(&profile(), 0, |_| String::new()).len(), 3);
    }

    #[test]
    fn the_budget_says_what_a_scan_takes_and_what_measuring_adds() {
        let expected = "a scan takes 43 us on average of 10000 us (0.4 %), its 3 rungs 1.250 us; 1000 scans measured\n\
            measuring takes 40 ns a rung, 0.120 us a scan: it is taken off above, and every scan takes so much longer until --off\n";
        assert_eq!(budget(&profile(), 43), expected);
    }
}
