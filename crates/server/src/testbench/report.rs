//! How tests went: for people, for build servers (JUnit) and for programs (JSON).

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// One case and how it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CaseResult {
    /// The test: its file in its folder.
    pub(crate) test: String,
    /// The case in it.
    pub(crate) case: String,
    /// How it went.
    pub(crate) verdict: Verdict,
    /// How often it was run.
    pub(crate) runs: u32,
    /// How long it took in all.
    pub(crate) took: Duration,
}

/// How a case went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// As it should.
    Passed,
    /// Otherwise: the first line says what and where, the rest shows it.
    Failed(String),
    /// The test itself is wrong: everything that is wrong with it.
    Broken(String),
}

impl CaseResult {
    /// What is to be said of it; empty when it passed.
    pub(crate) fn text(&self) -> &str {
        match &self.verdict {
            Verdict::Passed => "",
            Verdict::Failed(text) | Verdict::Broken(text) => text,
        }
    }

    /// It went as it should.
    pub(crate) fn passed(&self) -> bool {
        self.verdict == Verdict::Passed
    }

    /// For programs.
    pub(crate) fn to_json(&self) -> Json {
        json!({
            "test": self.test,
            "case": self.case,
            "passed": self.passed(),
            "broken": matches!(self.verdict, Verdict::Broken(_)),
            "runs": self.runs,
            "took_ms": millis(self.took),
            "text": self.text(),
        })
    }

    /// For people: one line, and what is wrong below it.
    pub(crate) fn to_text(&self) -> String {
        let word = match self.verdict {
            Verdict::Passed => "passed",
            Verdict::Failed(_) => "FAILED",
            Verdict::Broken(_) => "BROKEN",
        };
        let runs = match self.runs {
            0 | 1 => String::new(),
            many => format!(" ({many} times)"),
        };
        let mut text = format!("{word}  {}  {}{runs}\n", self.test, self.case);
        for line in self.text().lines() {
            let line = format!("        {line}");
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// How all of them went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    /// Every case, in the order of the tests.
    pub(crate) results: Vec<CaseResult>,
    /// How long it took in all.
    pub(crate) took: Duration,
}

impl Summary {
    /// Cases that failed.
    pub(crate) fn failed(&self) -> usize {
        let failed = |result: &&CaseResult| matches!(result.verdict, Verdict::Failed(_));
        self.results.iter().filter(failed).count()
    }

    /// Tests that are wrong themselves.
    pub(crate) fn broken(&self) -> usize {
        let broken = |result: &&CaseResult| matches!(result.verdict, Verdict::Broken(_));
        self.results.iter().filter(broken).count()
    }

    /// Tests of which a case was run.
    pub(crate) fn tests(&self) -> usize {
        let tests: BTreeSet<&str> = self.results.iter().map(|result| result.test.as_str()).collect();
        tests.len()
    }

    /// Everything went as it should.
    pub(crate) fn passed(&self) -> bool {
        self.results.iter().all(CaseResult::passed)
    }

    /// The last line for people.
    pub(crate) fn to_text(&self) -> String {
        let (failed, broken) = (self.failed(), self.broken());
        let passed = self.results.len() - failed - broken;
        let runs: u64 = self.results.iter().map(|result| u64::from(result.runs)).sum();
        let mut text = format!("{passed} passed, {failed} failed");
        if broken > 0 {
            text.push_str(&format!(", {broken} broken"));
        }
        text.push_str(&format!("; {runs} runs in {:.1} s", self.took.as_secs_f64()));
        text
    }

    /// For programs.
    pub(crate) fn to_json(&self) -> Json {
        let results: Vec<Json> = self.results.iter().map(CaseResult::to_json).collect();
        json!({
            "passed": self.passed(),
            "cases": self.results.len(),
            "failed": self.failed() + self.broken(),
            "took_ms": millis(self.took),
            "results": results,
        })
    }

    /// The report as JUnit XML: a suite per test, a test case per case; a test that is wrong itself is a case with an error.
    ///
    /// # Errors
    ///
    /// What the writer of XML refuses, in words.
    pub(crate) fn to_junit(&self) -> Result<String, String> {
        let mut report = quick_junit::Report::new("crosstie test");
        let mut suites: Vec<TestSuite> = Vec::new();
        for result in &self.results {
            let status = match &result.verdict {
                Verdict::Passed => TestCaseStatus::success(),
                Verdict::Failed(text) => not_passed(NonSuccessKind::Failure, text),
                Verdict::Broken(text) => not_passed(NonSuccessKind::Error, text),
            };
            let mut case = TestCase::new(result.case.as_str(), status);
            case.set_classname(result.test.as_str()).set_time(result.took);
            match suites.iter_mut().find(|suite| suite.name.as_str() == result.test) {
                Some(suite) => {
                    suite.add_test_case(case);
                }
                None => {
                    let mut suite = TestSuite::new(result.test.as_str());
                    suite.add_test_case(case);
                    suites.push(suite);
                }
            }
        }
        report.add_test_suites(suites);
        report.to_string().map_err(|error| error.to_string())
    }
}

fn not_passed(kind: NonSuccessKind, text: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    let first = text.lines().next().unwrap_or_default();
    status.set_message(first).set_description(text);
    status
}

/// Milliseconds with three decimals.
pub(crate) fn millis(took: Duration) -> f64 {
    took.as_micros() as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary() -> Summary {
        let result = |case: &str, verdict| CaseResult {
            test: String::from("start.toml"),
            case: case.to_owned(),
            verdict,
            runs: 1,
            took: Duration::from_micros(1_500),
        };
        Summary {
            results: vec![
                result("one", Verdict::Passed),
                result("two", Verdict::Failed(String::from("a: expected 1 < 2\n▁▔\n\nend"))),
                result("three", Verdict::Broken(String::from("no step"))),
            ],
            took: Duration::from_millis(100),
        }
    }

    #[test]
    fn people_read_one_line_per_case_and_what_is_wrong() {
        let summary = summary();
        let text: String = summary.results.iter().map(CaseResult::to_text).collect();
        let expected = "passed  start.toml  one\nFAILED  start.toml  two\n        a: expected 1 < 2\n        ▁▔\n\n        end\n\
                        BROKEN  start.toml  three\n        no step\n";
        assert_eq!(text, expected);
        assert_eq!(summary.to_text(), "1 passed, 1 failed, 1 broken; 3 runs in 0.1 s");
    }

    #[test]
    fn build_servers_read_junit() {
        let xml = summary().to_junit().unwrap();
        for part in [
            "tests=\"3\"",
            "failures=\"1\"",
            "errors=\"1\"",
            "name=\"start.toml\"",
            "expected 1 &lt; 2",
            "▁▔",
        ] {
            assert!(xml.contains(part), "{part} in {xml}");
        }
    }

    #[test]
    fn programs_read_json() {
        let json = summary().to_json();
        assert_eq!(
            (&json["passed"], &json["cases"], &json["failed"]),
            (&json!(false), &json!(3), &json!(2))
        );
        assert_eq!(json["results"][1]["text"], "a: expected 1 < 2\n▁▔\n\nend");
        assert_eq!(json["results"][0]["took_ms"], 1.5);
    }
}
