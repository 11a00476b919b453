//! Reading a script: every mistake becomes a diagnostic with its place, as in the project file.

use super::{
    Begin, ClassOrder, FAULTS_MAX, Fault, FaultKind, PLC_ORDERS, PartnerKind, PartnerWish, SEEDS_MAX, STEPS_MAX,
    Script, Step, TIME_MAX,
};
use crate::config::{Diagnostic, Findings, Place, SourceText, line_and_column, nearest};
use crate::testbench::wanted::{FORMS, Wanted};
use crosstie_hub::signal::{Value, name};
use crosstie_ladder::controller::Command;
use std::ops::Range;
use std::time::Duration;
use toml_edit::{Item, TableLike};

/// Bytes of a signal's name.
const NAME_LEN_MAX: usize = 1_024;

const FILE_KEYS: [&str; 7] = ["name", "seed", "seeds", "partners", "end_ms", "step", "fault"];

const STEP_KEYS: [&str; 11] = [
    "at_ms",
    "after_ms",
    "say",
    "set",
    "stale",
    "plc",
    "classroom",
    "expect",
    "within_ms",
    "for_ms",
    "never",
];

const FAULT_KEYS: [&str; 8] = [
    "at_ms",
    "for_ms",
    "kind",
    "endpoint",
    "signal",
    "ms",
    "jitter_ms",
    "amount",
];

const FAULT_KINDS: [&str; 5] = ["drop_link", "delay", "stuck", "noise", "lost_gama"];

/// Reads a script for a project with these PLC contexts.
///
/// # Errors
///
/// Everything that is wrong with it, with its places.
pub(crate) fn read(
    text: &str,
    source: &SourceText,
    file_stem: &str,
    contexts: &[&str],
) -> Result<Script, Vec<Diagnostic>> {
    let mut reader = Reader {
        source,
        contexts,
        newest_at: Duration::ZERO,
        findings: Findings::default(),
    };
    let script = match toml_edit::Document::parse(text) {
        Ok(document) => reader.script(document.as_table(), file_stem),
        Err(error) => {
            let found = format!("not TOML: {}", error.message().lines().next().unwrap_or_default());
            reader.error(error.span().unwrap_or(0..0), "syntax", found, "a TOML document");
            Script::default()
        }
    };
    if reader.findings.has_errors() {
        return Err(reader.findings.into_diagnostics());
    }
    Ok(script)
}

struct Reader<'a> {
    source: &'a SourceText,
    /// What the PLC contexts of the project may be called.
    contexts: &'a [&'a str],
    /// The latest `at_ms` of the steps so far.
    newest_at: Duration,
    findings: Findings,
}

/// A value of a table with its place.
struct Entry<'t> {
    key: &'t str,
    item: &'t Item,
    span: Range<usize>,
}

impl Reader<'_> {
    fn error(&mut self, span: Range<usize>, code: &'static str, found: impl Into<String>, expected: impl Into<String>) {
        let place = Place {
            source: self.source.clone(),
            span,
        };
        self.findings.error(&place, code, found, expected);
    }

    fn line(&self, span: &Range<usize>) -> usize {
        line_and_column(&self.source.text, span.start).0
    }

    fn script(&mut self, table: &dyn TableLike, file_stem: &str) -> Script {
        self.only(table, "a test script", &FILE_KEYS);
        let mut script = Script {
            name: self.text(table, "name").unwrap_or_else(|| file_stem.to_owned()),
            seeds: self.seeds(table),
            partners: self.partners(table),
            end: self.millis(table, "end_ms").unwrap_or_default(),
            ..Script::default()
        };
        let steps = self.tables(table, "step", STEPS_MAX);
        for (step, span) in steps {
            let step = self.step(step, span, script.steps.is_empty());
            script.steps.push(step);
        }
        for (fault, span) in self.tables(table, "fault", FAULTS_MAX) {
            if let Some(fault) = self.fault(fault, span) {
                script.faults.push(fault);
            }
        }
        for fault in &script.faults {
            let needed = match fault.kind {
                FaultKind::DropLink { .. } | FaultKind::Delay { .. } | FaultKind::Noise { .. } => PartnerKind::Twin,
                FaultKind::LostGama => PartnerKind::Gama,
                FaultKind::Stuck { .. } => continue,
            };
            if !script.partners.iter().any(|wish| wish.kind == needed) {
                let word = if needed == PartnerKind::Twin { "twin" } else { "gama" };
                let span = line_span(&self.source.text, fault.line);
                let found = "a fault of a stand-in that is not there";
                self.error(span, "no_partner", found, format!("`partners = [\"{word}\"]`"));
            }
        }
        if !script.steps.iter().any(Step::judges) && !self.findings.has_errors() {
            let found = "a script that expects nothing";
            self.error(0..0, "no_expectation", found, "a [[step]] with `expect` or `never`");
        }
        script
    }

    /// Says which keys nobody knows.
    fn only(&mut self, table: &dyn TableLike, label: &str, known: &[&str]) {
        for (key, _) in table.iter().filter(|(key, _)| !known.contains(key)) {
            let span = table.key(key).and_then(toml_edit::Key::span).unwrap_or(0..0);
            let place = Place {
                source: self.source.clone(),
                span,
            };
            let found = format!("unknown key `{}` in {label}", key.escape_debug());
            let finding = self
                .findings
                .error(&place, "unknown_key", found, format!("one of {}", known.join(", ")));
            if let Some(near) = nearest(key, known.iter().copied()) {
                finding.help(format!("did you mean `{near}`?"));
            }
        }
    }

    fn tables<'t>(
        &mut self,
        table: &'t dyn TableLike,
        key: &'static str,
        max: usize,
    ) -> Vec<(&'t dyn TableLike, Range<usize>)> {
        let Some(entry) = entry(table, key) else {
            return Vec::new();
        };
        let Some(tables) = tables_of(entry.item) else {
            self.error(
                entry.span,
                "wrong_type",
                format!("`{key}` is no list of tables"),
                format!("sections [[{key}]]"),
            );
            return Vec::new();
        };
        if tables.len() > max {
            self.error(
                entry.span,
                "too_large",
                format!("{} of [[{key}]]", tables.len()),
                format!("at most {max}"),
            );
            return Vec::new();
        }
        tables
    }

    fn seeds(&mut self, table: &dyn TableLike) -> Vec<u64> {
        let one = entry(table, "seed");
        let Some(many) = entry(table, "seeds") else {
            return vec![one.and_then(|one| self.whole(&one)).unwrap_or(1)];
        };
        if let Some(one) = one {
            self.error(one.span, "bad_value", "`seed` beside `seeds`", "one of the two");
        }
        let seeds = match many.item.as_value() {
            Some(toml_edit::Value::Array(list)) => list
                .iter()
                .map(|item| item.as_integer().and_then(|seed| u64::try_from(seed).ok()))
                .collect(),
            Some(toml_edit::Value::String(text)) => range(text.value()),
            _ => None,
        };
        match seeds {
            Some(seeds) if (1..=SEEDS_MAX).contains(&seeds.len()) => seeds,
            _ => {
                let expected =
                    format!("a list of 1 to {SEEDS_MAX} whole numbers, or a range \"FIRST..LAST\" such as \"1..20\"");
                let found = format!("`seeds` is {}", many.item.to_string().trim());
                self.error(many.span, "bad_value", found, expected);
                vec![1]
            }
        }
    }

    fn partners(&mut self, table: &dyn TableLike) -> Vec<PartnerWish> {
        let mut wishes: Vec<PartnerWish> = Vec::new();
        let Some(entry) = entry(table, "partners") else {
            return wishes;
        };
        let expected = "a list of \"twin\", \"twin:ENDPOINT\" and \"gama\"";
        let Some(list) = entry.item.as_array() else {
            self.error(entry.span, "wrong_type", "`partners` is no list", expected);
            return wishes;
        };
        for item in list {
            let span = item.span().unwrap_or_else(|| entry.span.clone());
            let text = item.as_str().unwrap_or_default();
            let (word, endpoint) = match text.split_once(':') {
                Some((word, endpoint)) => (word, Some(endpoint.to_owned())),
                None => (text, None),
            };
            let kind = match word {
                "twin" => PartnerKind::Twin,
                "gama" if endpoint.is_none() => PartnerKind::Gama,
                _ => {
                    self.error(
                        span,
                        "bad_value",
                        format!("the partner {item}", item = item.to_string().trim()),
                        expected,
                    );
                    continue;
                }
            };
            let line = self.line(&span);
            if wishes.iter().any(|wish| wish.kind == kind && wish.endpoint == endpoint) {
                self.error(span, "bad_value", "the same partner a second time", "each partner once");
                continue;
            }
            wishes.push(PartnerWish { kind, endpoint, line });
        }
        wishes
    }

    fn step(&mut self, table: &dyn TableLike, span: Range<usize>, is_first: bool) -> Step {
        self.only(table, "[[step]]", &STEP_KEYS);
        let at = self.millis(table, "at_ms");
        let after = self.millis(table, "after_ms");
        if let (Some(_), Some(entry)) = (at, entry(table, "after_ms")) {
            self.error(entry.span, "bad_value", "`after_ms` beside `at_ms`", "one of the two");
        }
        if let (Some(at), Some(entry)) = (at, entry(table, "at_ms")) {
            self.goes_on(at, entry.span);
        }
        let begin = match (at, after) {
            (Some(at), _) => Begin::At(at),
            (None, after) if is_first => Begin::At(after.unwrap_or_default()),
            (None, after) => Begin::After(after.unwrap_or_default()),
        };
        let step = Step {
            line: self.line(&span),
            begin,
            say: self.text(table, "say"),
            set: self.values(table, "set"),
            stale: self.names(table, "stale"),
            plc: self.plc_orders(table),
            classroom: self.class_orders(table),
            expect: self.wanted(table, "expect"),
            never: self.wanted(table, "never"),
            within: self.millis(table, "within_ms").unwrap_or_default(),
            lasts: self.millis(table, "for_ms").unwrap_or_default(),
        };
        if let (true, Some(entry)) = (step.expect.is_empty(), entry(table, "within_ms")) {
            self.error(
                entry.span,
                "bad_value",
                "`within_ms` without `expect`",
                "an `expect` in the same step",
            );
        }
        if let (false, Some(entry)) = (step.judges(), entry(table, "for_ms")) {
            self.error(
                entry.span,
                "bad_value",
                "`for_ms` without `expect` and `never`",
                "one of the two in the same step",
            );
        }
        if !step.never.is_empty() && step.lasts.is_zero() {
            let at = entry(table, "never").map_or(span, |entry| entry.span);
            self.error(
                at,
                "missing_key",
                "`never` without `for_ms`",
                "`for_ms`: how long it must stay away",
            );
        }
        step
    }

    /// Steps stand in the order of their times.
    fn goes_on(&mut self, at: Duration, span: Range<usize>) {
        if at < self.newest_at {
            let newest = self.newest_at.as_secs_f64() * 1_000.0;
            let found = format!("`at_ms` before that of a step above, {newest}");
            let expected = format!("at least {newest}: steps stand in the order of their times");
            self.error(span, "out_of_order", found, expected);
        }
        self.newest_at = self.newest_at.max(at);
    }

    fn values(&mut self, table: &dyn TableLike, key: &'static str) -> Vec<(String, Value)> {
        let mut values = Vec::new();
        for (name, entry) in self.signals(table, key) {
            match plain(entry.item) {
                Some(value) => values.push((name, value)),
                None => {
                    let found = format!("`{}` is no value", entry.key);
                    self.error(entry.span, "wrong_type", found, "true, false, a number or a text");
                }
            }
        }
        values
    }

    fn wanted(&mut self, table: &dyn TableLike, key: &'static str) -> Vec<(String, Wanted)> {
        let mut list = Vec::new();
        for (name, entry) in self.signals(table, key) {
            let wanted = match plain(entry.item) {
                Some(Value::Text(text)) => Wanted::read(&text),
                Some(value) => Some(Wanted::Is(value)),
                None => None,
            };
            match wanted {
                Some(wanted) => list.push((name, wanted)),
                None => {
                    let written = entry.item.to_string();
                    let found = format!("{} of `{}` is no expectation", written.trim(), entry.key);
                    self.error(entry.span, "bad_value", found, FORMS);
                }
            }
        }
        list
    }

    /// The entries of a table whose keys are names of signals.
    fn signals<'t>(&mut self, table: &'t dyn TableLike, key: &'static str) -> Vec<(String, Entry<'t>)> {
        let mut list = Vec::new();
        let Some(of) = entry(table, key) else { return list };
        let Some(signals) = of.item.as_table_like() else {
            let expected = format!("a table such as {key} = {{ \"twin/hmi/Start\" = true }}");
            self.error(of.span, "wrong_type", format!("`{key}` is no table"), expected);
            return list;
        };
        for (text, _) in signals.iter() {
            let Some(entry) = entry(signals, text) else { continue };
            let place = signals
                .key(text)
                .and_then(toml_edit::Key::span)
                .unwrap_or_else(|| entry.span.clone());
            if let Some(name) = self.name(text, place) {
                list.push((name, entry));
            }
        }
        list
    }

    fn name(&mut self, text: &str, place: Range<usize>) -> Option<String> {
        match name::canonical(text, NAME_LEN_MAX) {
            Ok(name) => Some(name),
            Err(error) => {
                let expected = "a name in the signal space, such as \"twin/line/Start\"";
                self.error(place, "bad_name", error.to_string(), expected);
                None
            }
        }
    }

    fn names(&mut self, table: &dyn TableLike, key: &'static str) -> Vec<String> {
        let Some(entry) = entry(table, key) else {
            return Vec::new();
        };
        let Some(list) = entry.item.as_array() else {
            self.error(
                entry.span,
                "wrong_type",
                format!("`{key}` is no list"),
                "a list of names of signals",
            );
            return Vec::new();
        };
        let mut names = Vec::new();
        for item in list {
            let place = item.span().unwrap_or_else(|| entry.span.clone());
            names.extend(self.name(item.as_str().unwrap_or_default(), place));
        }
        names
    }

    fn plc_orders(&mut self, table: &dyn TableLike) -> Vec<(String, Command)> {
        let words = PLC_ORDERS.map(|(word, _)| word).join(", ");
        let Some(of) = entry(table, "plc") else {
            return Vec::new();
        };
        let Some(contexts) = of.item.as_table_like() else {
            self.error(
                of.span,
                "wrong_type",
                "`plc` is no table",
                "a table such as plc = { line = \"stop\" }",
            );
            return Vec::new();
        };
        let mut orders = Vec::new();
        for (context, item) in contexts.iter() {
            if !self.contexts.contains(&context) {
                let span = contexts.key(context).and_then(toml_edit::Key::span);
                self.unknown_context(context, span.unwrap_or_else(|| of.span.clone()));
                continue;
            }
            let word = item.as_str().unwrap_or_default();
            match PLC_ORDERS.iter().find(|(known, _)| *known == word) {
                Some((_, order)) => orders.push((context.to_owned(), *order)),
                None => {
                    let span = item.span().unwrap_or_else(|| of.span.clone());
                    self.error(
                        span,
                        "bad_value",
                        format!("the order \"{}\"", word.escape_debug()),
                        format!("one of {words}"),
                    );
                }
            }
        }
        orders
    }

    fn unknown_context(&mut self, context: &str, span: Range<usize>) {
        let place = Place {
            source: self.source.clone(),
            span,
        };
        let found = format!("no PLC context is called '{}'", context.escape_debug());
        let expected = match self.contexts {
            [] => String::from("a project with PLC contexts"),
            known => format!("one of {}", known.join(", ")),
        };
        let near = nearest(context, self.contexts.iter().copied()).map(str::to_owned);
        let finding = self.findings.error(&place, "unknown_context", found, expected);
        if let Some(near) = near {
            finding.help(format!("did you mean '{near}'?"));
        }
    }

    fn class_orders(&mut self, table: &dyn TableLike) -> Vec<ClassOrder> {
        let Some(of) = entry(table, "classroom") else {
            return Vec::new();
        };
        let expected = "one or a list of \"select N\", \"launch\", \"pause\", \"resume\" and \"stop\"";
        let words: Vec<Option<&str>> = match of.item.as_value() {
            Some(toml_edit::Value::Array(list)) => list.iter().map(toml_edit::Value::as_str).collect(),
            other => vec![other.and_then(toml_edit::Value::as_str)],
        };
        let order = |word: &str| match word.split_once(' ') {
            Some(("select", number)) => number.trim().parse().ok().map(ClassOrder::Select),
            None if word == "launch" => Some(ClassOrder::Launch),
            None if word == "pause" => Some(ClassOrder::Pause),
            None if word == "resume" => Some(ClassOrder::Resume),
            None if word == "stop" => Some(ClassOrder::Stop),
            _ => None,
        };
        let orders: Option<Vec<ClassOrder>> = words.into_iter().map(|word| word.and_then(order)).collect();
        orders.unwrap_or_else(|| {
            self.error(of.span, "bad_value", "`classroom` is no order", expected);
            Vec::new()
        })
    }

    fn fault(&mut self, table: &dyn TableLike, span: Range<usize>) -> Option<Fault> {
        self.only(table, "[[fault]]", &FAULT_KEYS);
        let at = self.millis(table, "at_ms");
        if at.is_none() && entry(table, "at_ms").is_none() {
            self.missing(&span, "at_ms", "the time at which it begins");
        }
        let lasts = self.millis(table, "for_ms");
        let kind = self.text(table, "kind");
        let endpoint = self.text(table, "endpoint");
        let Some(kind) = kind else {
            self.missing(&span, "kind", &format!("one of {}", FAULT_KINDS.join(", ")));
            return None;
        };
        let (kind, known): (_, &[&str]) = match kind.as_str() {
            "drop_link" => (Some(FaultKind::DropLink { endpoint }), &["endpoint"]),
            "delay" => {
                let by = self.millis(table, "ms").unwrap_or_default();
                let jitter = self.millis(table, "jitter_ms").unwrap_or_default();
                if (by + jitter).is_zero() {
                    self.missing(&span, "ms", "how much longer everything takes");
                }
                (
                    Some(FaultKind::Delay { endpoint, by, jitter }),
                    &["endpoint", "ms", "jitter_ms"],
                )
            }
            "stuck" => {
                let signal = self.fault_signal(table, &span);
                (signal.map(|signal| FaultKind::Stuck { signal }), &["signal"])
            }
            "noise" => {
                let amount = entry(table, "amount").and_then(|entry| plain(entry.item));
                let amount = match amount {
                    Some(Value::Float(amount)) => Some(amount),
                    Some(Value::Int(amount)) => Some(amount as f64),
                    _ => None,
                };
                let amount = amount.filter(|amount| amount.is_finite() && *amount > 0.0);
                if amount.is_none() {
                    self.missing(&span, "amount", "the largest error, a number above 0");
                }
                let signal = self.fault_signal(table, &span);
                let kind = signal.zip(amount);
                (
                    kind.map(|(signal, amount)| FaultKind::Noise { signal, amount }),
                    &["signal", "amount"],
                )
            }
            "lost_gama" => (Some(FaultKind::LostGama), &[]),
            other => {
                let at = entry(table, "kind").map_or(span, |entry| entry.span);
                let found = format!("the fault \"{}\"", other.escape_debug());
                self.error(at, "bad_value", found, format!("one of {}", FAULT_KINDS.join(", ")));
                return None;
            }
        };
        let common = ["at_ms", "for_ms", "kind"];
        for (key, _) in table.iter() {
            if FAULT_KEYS.contains(&key) && !common.contains(&key) && !known.contains(&key) {
                let span = table.key(key).and_then(toml_edit::Key::span).unwrap_or(0..0);
                self.error(
                    span,
                    "bad_value",
                    format!("`{key}` in a fault of another kind"),
                    "only keys of its kind",
                );
            }
        }
        Some(Fault {
            line: self.line(&span),
            at: at?,
            lasts,
            kind: kind?,
        })
    }

    fn fault_signal(&mut self, table: &dyn TableLike, span: &Range<usize>) -> Option<String> {
        let Some(entry) = entry(table, "signal") else {
            self.missing(span, "signal", "the name of the signal");
            return None;
        };
        self.name(entry.item.as_str().unwrap_or_default(), entry.span)
    }

    fn missing(&mut self, span: &Range<usize>, key: &str, expected: &str) {
        self.error(
            span.clone(),
            "missing_key",
            format!("no `{key}`"),
            format!("`{key}`: {expected}"),
        );
    }

    fn text(&mut self, table: &dyn TableLike, key: &'static str) -> Option<String> {
        let entry = entry(table, key)?;
        match entry.item.as_str() {
            Some(text) if !text.is_empty() && !text.chars().any(char::is_control) => Some(text.to_owned()),
            _ => {
                self.error(
                    entry.span,
                    "wrong_type",
                    format!("`{key}` is no text"),
                    "a text of one line that is not empty",
                );
                None
            }
        }
    }

    fn whole(&mut self, entry: &Entry<'_>) -> Option<u64> {
        let number = entry.item.as_integer().and_then(|number| u64::try_from(number).ok());
        if number.is_none() {
            self.error(
                entry.span.clone(),
                "wrong_type",
                format!("`{}` is none", entry.key),
                "a whole number from 0",
            );
        }
        number
    }

    fn millis(&mut self, table: &dyn TableLike, key: &'static str) -> Option<Duration> {
        let entry = entry(table, key)?;
        let number = match plain(entry.item) {
            Some(Value::Int(number)) => Some(number as f64),
            Some(Value::Float(number)) => Some(number),
            _ => None,
        };
        let most = TIME_MAX.as_millis() as f64;
        let fits = number.filter(|number| (0.0..=most).contains(number));
        if fits.is_none() {
            let found = format!("`{key}` is {}", entry.item.to_string().trim());
            self.error(
                entry.span,
                "out_of_range",
                found,
                format!("a number of milliseconds from 0 to {most}"),
            );
        }
        fits.map(|millis| Duration::from_micros((millis * 1_000.0).round() as u64))
    }
}

impl Step {
    /// It can fail.
    pub(crate) fn judges(&self) -> bool {
        !self.expect.is_empty() || !self.never.is_empty()
    }
}

fn entry<'t>(table: &'t dyn TableLike, key: &'t str) -> Option<Entry<'t>> {
    let item = table.get(key)?;
    let of_key = || table.key(key).and_then(toml_edit::Key::span).unwrap_or(0..0);
    let span = item.span().unwrap_or_else(of_key);
    Some(Entry { key, item, span })
}

fn tables_of(item: &Item) -> Option<Vec<(&dyn TableLike, Range<usize>)>> {
    if let Some(tables) = item.as_array_of_tables() {
        let tables = tables.iter();
        return Some(
            tables
                .map(|table| (table as &dyn TableLike, table.span().unwrap_or(0..0)))
                .collect(),
        );
    }
    let values = item.as_array()?.iter();
    values
        .map(|value| Some((value.as_inline_table()? as &dyn TableLike, value.span().unwrap_or(0..0))))
        .collect()
}

fn plain(item: &Item) -> Option<Value> {
    match item.as_value()? {
        toml_edit::Value::String(text) => Some(Value::Text(text.value().as_str().into())),
        toml_edit::Value::Integer(number) => Some(Value::Int(*number.value())),
        toml_edit::Value::Float(number) => Some(Value::Float(*number.value())).filter(|_| number.value().is_finite()),
        toml_edit::Value::Boolean(bit) => Some(Value::Bool(*bit.value())),
        _ => None,
    }
}

/// `1..20` and `1..=20`: from the first to the last, both counting.
fn range(text: &str) -> Option<Vec<u64>> {
    let (first, last) = text.split_once("..")?;
    let last = last.strip_prefix('=').unwrap_or(last);
    let (first, last): (u64, u64) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    let count = last.checked_sub(first)?;
    (count < SEEDS_MAX as u64).then(|| (first..=last).collect())
}

/// The bytes of a line, counted from 1.
fn line_span(text: &str, line: usize) -> Range<usize> {
    let begin: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    let length = text[begin..].lines().next().map_or(0, str::len);
    begin..begin + length
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<Script, Vec<Diagnostic>> {
        read(text, &SourceText::new("a.toml", text), "a", &["line", "plc-1"])
    }

    #[test]
    fn a_script_is_read_as_it_is_written() {
        let text = r#"
name = "start and stop"
seeds = "1..3"
partners = ["twin:line", "gama"]
end_ms = 500

[[step]]
at_ms = 100
say = "somebody presses start"
set = { "twin/hmi/Start" = true, "twin/hmi/Level" = 2.5 }
stale = ["twin/line/SensorInfeed"]
plc = { line = "stop" }
classroom = ["select 1", "launch"]

[[step]]
after_ms = 0.5
within_ms = 200
for_ms = 50
[step.expect]
"plc/line/Run" = true
"plc/line/n:010" = "> 80"

[[step]]
never = { "plc/line/Alarm" = true }
for_ms = 1000

[[fault]]
at_ms = 10
for_ms = 20
kind = "delay"
endpoint = "line"
ms = 5
jitter_ms = 3

[[fault]]
at_ms = 10
kind = "noise"
signal = "twin/line/Level"
amount = 1
"#;
        let script = read_text(text).unwrap();
        let bare = read_text("[[step]]\nexpect = { \"twin/a/b\" = 1 }\n").unwrap();
        assert_eq!(
            bare.steps[0].begin,
            Begin::At(Duration::ZERO),
            "the first step follows nothing"
        );
        assert_eq!(
            (script.name.as_str(), script.seeds.as_slice()),
            ("start and stop", [1, 2, 3].as_slice())
        );
        assert_eq!(script.partners[0].endpoint.as_deref(), Some("line"));
        assert_eq!(script.partners[1].kind, PartnerKind::Gama);
        let [first, second, third] = &script.steps[..] else {
            panic!()
        };
        assert_eq!((first.line, first.begin), (7, Begin::At(Duration::from_millis(100))));
        assert_eq!(first.set[1], (String::from("twin/hmi/Level"), Value::Float(2.5)));
        assert_eq!(first.stale, ["twin/line/SensorInfeed"]);
        assert_eq!(first.plc, [(String::from("line"), Command::Stop)]);
        assert_eq!(first.classroom, [ClassOrder::Select(1), ClassOrder::Launch]);
        assert_eq!(second.begin, Begin::After(Duration::from_micros(500)));
        assert_eq!(second.expect[1].0, "plc/line/N:10");
        assert_eq!(second.expect[1].1.to_string(), "> 80");
        assert_eq!(third.lasts, Duration::from_secs(1));
        let by = Duration::from_millis(5);
        let delay = FaultKind::Delay {
            endpoint: Some(String::from("line")),
            by,
            jitter: Duration::from_millis(3),
        };
        assert_eq!(script.faults[0].kind, delay);
        assert_eq!(script.faults[1].lasts, None);
    }

    /// Every mistake is told with its place: line, column and code.
    #[track_caller]
    fn refused(text: &str, expected: &[(usize, usize, &str)]) {
        let found = read_text(text).expect_err("the script is wrong");
        let places: Vec<_> = found.iter().map(|one| (one.line, one.column, one.code)).collect();
        assert_eq!(places, expected, "{found:#?}");
    }

    #[test]
    fn mistakes_name_what_was_written_and_what_is_meant() {
        let check = |text: &str, words: &[&str]| {
            let found = &read_text(text).expect_err("the script is wrong")[0];
            let found = format!("{found}; {}", found.help.as_deref().unwrap_or_default());
            for word in words {
                assert!(found.contains(word), "{word:?} in {found}");
            }
        };
        let step = "[[step]]\nexpect = { \"twin/a/b\" = \"> x\" }\n";
        check(step, &["\"> x\" of `twin/a/b` is no expectation", "\"> 80\""]);
        let step = "[[step]]\nexpect = { \"twin/a/b\" = 1 }\n";
        check(
            &format!("seeds = \"1-20\"\n{step}"),
            &["`seeds` is \"1-20\"", "\"FIRST..LAST\" such as \"1..20\""],
        );
        check(
            &format!("{step}plc = {{ lime = \"stop\" }}\n"),
            &[
                "no PLC context is called 'lime'",
                "one of line, plc-1",
                "did you mean 'line'?",
            ],
        );
        check(
            &format!("{step}at_ms = 200\n{step}at_ms = 100\n"),
            &["`at_ms` before that of a step above, 200"],
        );
    }

    #[test]
    fn mistakes_have_their_places() {
        let step = "[[step]]\nexpect = { \"twin/a/b\" = 1 }\n";
        refused("x = ", &[(1, 5, "syntax")]);
        refused("name = \"a\"", &[(1, 1, "no_expectation")]);
        refused(&format!("nam = \"a\"\n{step}"), &[(1, 1, "unknown_key")]);
        refused(&format!("seeds = \"9..1\"\n{step}"), &[(1, 9, "bad_value")]);
        refused(&format!("seeds = \"1..1001\"\n{step}"), &[(1, 9, "bad_value")]);
        refused(&format!("seed = 1\nseeds = [1]\n{step}"), &[(1, 8, "bad_value")]);
        refused(
            &format!("partners = [\"twin\", \"robot\"]\n{step}"),
            &[(1, 21, "bad_value")],
        );
        refused(&format!("{step}within_ms = -1\n"), &[(3, 13, "out_of_range")]);
        refused(&format!("{step}at_ms = 1\nafter_ms = 1\n"), &[(4, 12, "bad_value")]);
        refused(&format!("{step}set = {{ \"motor\" = 1 }}\n"), &[(3, 9, "bad_name")]);
        refused(
            &format!("{step}set = {{ \"twin/a/b\" = [1] }}\n"),
            &[(3, 22, "wrong_type")],
        );
        refused(&format!("{step}plc = {{ line = \"fly\" }}\n"), &[(3, 16, "bad_value")]);
        refused(
            &format!("{step}plc = {{ lime = \"stop\" }}\n"),
            &[(3, 9, "unknown_context")],
        );
        refused(
            &format!("{step}at_ms = 200\n{step}after_ms = 1\n{step}at_ms = 100\n"),
            &[(9, 9, "out_of_order")],
        );
        refused(
            "[[step]]\nexpect = { \"twin/a/b\" = \"> x\" }\n",
            &[(2, 25, "bad_value")],
        );
        refused("[[step]]\nnever = { \"twin/a/b\" = 1 }\n", &[(2, 9, "missing_key")]);
        refused(
            "[[step]]\nwithin_ms = 5\nset = { \"twin/a/b\" = 1 }\n",
            &[(2, 13, "bad_value")],
        );
        refused(
            &format!("{step}[[fault]]\nat_ms = 1\nkind = \"quake\"\n"),
            &[(5, 8, "bad_value")],
        );
        refused(
            &format!("{step}[[fault]]\nkind = \"stuck\"\nsignal = \"twin/a/b\"\n"),
            &[(3, 1, "missing_key")],
        );
        refused(
            &format!("{step}[[fault]]\nat_ms = 1\nkind = \"stuck\"\n"),
            &[(3, 1, "missing_key")],
        );
        refused(
            &format!("{step}[[fault]]\nat_ms = 1\nkind = \"stuck\"\nsignal = \"twin/a/b\"\nms = 2\n"),
            &[(7, 1, "bad_value")],
        );
        refused(
            &format!("{step}[[fault]]\nat_ms = 1\nkind = \"drop_link\"\n"),
            &[(3, 1, "no_partner")],
        );
    }
}
