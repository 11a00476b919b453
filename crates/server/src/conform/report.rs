//! The outcome of a run, for people and for machines.

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};
use serde::Serialize;
use std::fmt::Write;
use std::time::Duration;

/// What a run of the suite found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The protocol that was checked, for people.
    pub protocol: &'static str,
    /// Address of the server under test, or the one at which a client was awaited; without the values of a query.
    pub url: String,
    /// One entry per check, in the order in which they ran.
    pub checks: Vec<Check>,
}

/// One check and its outcome.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// Claim and short name, such as `RV-13.echo`: unique in the suite and stable between versions.
    pub id: &'static str,
    /// The numbered claim that it looks at, such as `RV-13`.
    pub claim: &'static str,
    /// What a peer that keeps the claim does, as a sentence.
    pub title: &'static str,
    /// How it went.
    pub outcome: Outcome,
    /// How long it took, in milliseconds.
    #[serde(rename = "took_ms", serialize_with = "as_millis")]
    pub took: Duration,
}

/// How a check went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The peer under test keeps the claim.
    Passed,
    /// It does not.
    Failed {
        /// What the claim demands.
        expected: String,
        /// What was seen instead.
        got: String,
        /// The last messages of the check, oldest first, each with its client and its way.
        transcript: Vec<String>,
    },
    /// The check could not be made.
    Skipped {
        /// What it needs and this peer does not have.
        why: String,
    },
}

/// How many checks went which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Checks that the peer passed.
    pub passed: usize,
    /// Checks that it failed.
    pub failed: usize,
    /// Checks that could not be made.
    pub skipped: usize,
}

impl Report {
    /// Counts of the outcomes.
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        for check in &self.checks {
            match check.outcome {
                Outcome::Passed => summary.passed += 1,
                Outcome::Failed { .. } => summary.failed += 1,
                Outcome::Skipped { .. } => summary.skipped += 1,
            }
        }
        summary
    }

    /// Exit code of the command: 0 when nothing failed and something passed, 1 when a check failed, 2 when no check could be made.
    pub fn exit_code(&self) -> u8 {
        match self.summary() {
            Summary { failed: 1.., .. } => 1,
            Summary { passed: 0, .. } => 2,
            _ => 0,
        }
    }

    /// The report for a terminal: one aligned line per check, failures with what was expected, what came and the last messages.
    pub fn to_text(&self) -> String {
        let id_len = self.checks.iter().map(|check| check.id.len()).max().unwrap_or(0);
        let mut text = format!("{} conformance of {}\n\n", self.protocol, self.url);
        for check in &self.checks {
            let word = match check.outcome {
                Outcome::Passed => "passed",
                Outcome::Failed { .. } => "FAILED",
                Outcome::Skipped { .. } => "skipped",
            };
            push_line(
                &mut text,
                format_args!("  {word:<7}  {:<id_len$}  {}", check.id, check.title),
            );
            match &check.outcome {
                Outcome::Passed => {}
                Outcome::Skipped { why } => push_line(&mut text, format_args!("             because   {why}")),
                Outcome::Failed {
                    expected,
                    got,
                    transcript,
                } => {
                    push_line(&mut text, format_args!("             expected  {expected}"));
                    push_line(&mut text, format_args!("             got       {got}"));
                    for line in transcript {
                        push_line(&mut text, format_args!("             | {line}"));
                    }
                }
            }
        }
        let Summary {
            passed,
            failed,
            skipped,
        } = self.summary();
        let took: Duration = self.checks.iter().map(|check| check.took).sum();
        push_line(
            &mut text,
            format_args!(
                "\n{passed} passed, {failed} failed, {skipped} skipped in {:.1} s",
                took.as_secs_f64()
            ),
        );
        text
    }

    /// The report as one JSON object.
    ///
    /// Shape: `{"url":"ws://…","summary":{"passed":1,"failed":0,"skipped":0},"checks":[{"id":"RV-13.echo","claim":"RV-13",
    /// "title":"…","outcome":{"outcome":"failed","expected":"…","got":"…","transcript":["…"]},"took_ms":12}]}`.
    pub fn to_json(&self) -> String {
        serde_json::json!({"url": self.url, "summary": self.summary(), "checks": self.checks}).to_string()
    }

    /// The report as JUnit XML, one test case per check with the claim as its class.
    pub fn to_junit(&self) -> String {
        let mut suite = TestSuite::new(self.protocol);
        for check in &self.checks {
            let mut status = match &check.outcome {
                Outcome::Passed => TestCaseStatus::success(),
                Outcome::Failed { .. } => TestCaseStatus::non_success(NonSuccessKind::Failure),
                Outcome::Skipped { .. } => TestCaseStatus::skipped(),
            };
            match &check.outcome {
                Outcome::Passed => {}
                Outcome::Failed {
                    expected,
                    got,
                    transcript,
                } => {
                    status.set_message(format!("expected: {expected}; got: {got}"));
                    status.set_description(transcript.join("\n"));
                }
                Outcome::Skipped { why } => {
                    status.set_message(why.as_str());
                }
            }
            let mut case = TestCase::new(check.id, status);
            case.set_classname(check.claim).set_time(check.took);
            suite.add_test_case(case);
        }
        let mut report = quick_junit::Report::new(format!("conformance of {}", self.url));
        report.add_test_suite(suite);
        report
            .to_string()
            .expect("every text of a report is a string, and those can be written as XML")
    }
}

fn push_line(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("a string takes every line");
}

fn as_millis<S: serde::Serializer>(took: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(took.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(outcomes: Vec<Outcome>) -> Report {
        let checks = outcomes
            .into_iter()
            .map(|outcome| Check {
                id: "RV-13.echo",
                claim: "RV-13",
                title: "a writer gets no echo",
                outcome,
                took: Duration::from_millis(12),
            })
            .collect();
        Report {
            protocol: "realvirtual",
            url: "ws://localhost:1/".to_owned(),
            checks,
        }
    }

    fn failed() -> Outcome {
        Outcome::Failed {
            expected: "nothing".to_owned(),
            got: "5 < 6".to_owned(),
            transcript: vec!["a → x".to_owned(), "a ← \u{1}y".to_owned()],
        }
    }

    fn skipped() -> Outcome {
        Outcome::Skipped {
            why: "no text signal".to_owned(),
        }
    }

    #[test]
    fn exit_code_tells_failure_from_nothing_tested() {
        assert_eq!(report(vec![Outcome::Passed, skipped()]).exit_code(), 0);
        assert_eq!(report(vec![Outcome::Passed, failed()]).exit_code(), 1);
        assert_eq!(report(vec![failed(), skipped()]).exit_code(), 1);
        assert_eq!(report(vec![skipped()]).exit_code(), 2);
        assert_eq!(report(vec![]).exit_code(), 2);
    }

    #[test]
    fn text_shows_expectation_reason_and_counts() {
        let text = report(vec![Outcome::Passed, failed(), skipped()]).to_text();
        for part in [
            "  passed   RV-13.echo  a writer gets no echo\n",
            "  FAILED   RV-13.echo",
            "expected  nothing\n",
            "got       5 < 6\n",
            "| a → x\n",
            "because   no text signal\n",
            "1 passed, 1 failed, 1 skipped in 0.0 s\n",
        ] {
            assert!(text.contains(part), "{part:?} is missing in:\n{text}");
        }
    }

    #[test]
    fn json_holds_every_field() {
        let json: serde_json::Value = serde_json::from_str(&report(vec![failed()]).to_json()).unwrap();
        assert_eq!(
            json["summary"],
            serde_json::json!({"passed": 0, "failed": 1, "skipped": 0})
        );
        assert_eq!(json["checks"][0]["outcome"]["outcome"], "failed");
        assert_eq!(json["checks"][0]["outcome"]["transcript"][0], "a → x");
        assert_eq!(json["checks"][0]["took_ms"], 12);
    }

    #[test]
    fn junit_is_escaped_and_has_one_case_per_check() {
        let xml = report(vec![Outcome::Passed, failed(), skipped()]).to_junit();
        assert!(xml.contains("tests=\"3\" skipped=\"1\" failures=\"1\""), "{xml}");
        assert!(xml.contains("5 &lt; 6") && !xml.contains('\u{1}'), "{xml}");
    }
}
