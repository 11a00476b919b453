//! A timing diagram as text: what signals did around a moment, one row per signal, the moment marked.
//!
//! ```text
//!                  ms      90        100       110
//!                  scan    9         10        11
//!   plc/line/Run   expected▁▁▁▁▁▁▁▁▁▁▔▔▔▔▔▔▔▔▔▔▔▔▔
//!                  got     ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
//!                                    ▲ 100 ms, scan 10
//!   plc/line/Start         ▁▁▁▁▔▔▔▔▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
//!   plc/line/N:10          0─────────|200─────────
//! ```
//!
//! A bit is a low or a high line; one that came and went within a column is shown as a pulse. Of everything else a value stands where
//! it begins. Before a signal was anything stand dots. The signs of Unicode are for terminals and for JUnit; where only ASCII
//! goes, `_` is off, `#` is on and `^` marks.

use super::compare::shown_time;
use super::trace::{Point, Track, Trust, shown};
use crosstie_hub::Time;
use crosstie_hub::signal::Value;
use std::time::Duration;

/// Columns of a whole diagram, with the names.
pub(crate) const WIDTH: usize = 100;

/// Columns that names take at most; the front of a longer one is left out, because names differ at their ends.
const NAME_MAX: usize = 32;

/// Columns of time in front of the marked moment, of those that are left for time.
const BEFORE: (usize, usize) = (2, 3);

/// Signs that are drawn with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Signs {
    /// As in the example above.
    #[default]
    Unicode,
    /// For logs that take nothing else.
    Ascii,
}

impl Signs {
    const fn off(self) -> char {
        match self {
            Signs::Unicode => '▁',
            Signs::Ascii => '_',
        }
    }

    const fn on(self) -> char {
        match self {
            Signs::Unicode => '▔',
            Signs::Ascii => '#',
        }
    }

    /// A bit that went and came back within one column.
    const fn pulse(self) -> char {
        match self {
            Signs::Unicode => '│',
            Signs::Ascii => '|',
        }
    }

    const fn lasting(self) -> char {
        match self {
            Signs::Unicode => '─',
            Signs::Ascii => '-',
        }
    }

    const fn nothing(self) -> char {
        match self {
            Signs::Unicode => '·',
            Signs::Ascii => '.',
        }
    }

    const fn mark(self) -> char {
        match self {
            Signs::Unicode => '▲',
            Signs::Ascii => '^',
        }
    }
}

/// One row of a diagram.
#[derive(Clone, Debug)]
pub(crate) struct Row<'a> {
    /// Name of the signal; empty in the second row of the same.
    pub(crate) name: &'a str,
    /// `expected`, `got`, or nothing.
    pub(crate) side: &'static str,
    /// What it did; `None` for a signal that was never there.
    pub(crate) track: Option<&'a Track>,
    /// The mark stands below this row.
    pub(crate) is_marked: bool,
}

/// What a diagram is about.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// The moment that is marked.
    pub(crate) at: Time,
    /// The scan of that moment, and how long a scan takes, where a PLC is concerned: a column is a scan then.
    pub(crate) scan: Option<(u64, Duration)>,
    /// How much a column is without a PLC.
    pub(crate) column: Duration,
}

impl Frame {
    fn column(&self) -> Duration {
        let column = self.scan.map_or(self.column, |(_, time)| time);
        column.max(Duration::from_micros(1))
    }
}

/// Draws the rows around a moment; every line ends with a line feed.
pub(crate) fn draw(rows: &[Row<'_>], frame: &Frame, signs: Signs) -> String {
    let name_width = rows
        .iter()
        .map(|row| short(row.name).chars().count())
        .max()
        .unwrap_or(0);
    let side_width = rows
        .iter()
        .map(|row| row.side.len())
        .max()
        .unwrap_or(0)
        .max("scan".len())
        + 1;
    let before = name_width + 2 + side_width;
    let columns = WIDTH.saturating_sub(before).max(10);
    let window = Window::new(frame, columns);
    let mut text = String::new();
    let mut line = |name: &str, side: &str, drawn: &str| {
        let drawn = drawn.trim_end();
        let line = format!("{name:name_width$}  {side:side_width$}{drawn}");
        text.push_str(line.trim_end());
        text.push('\n');
    };
    line("", "ms", &window.times());
    if let Some(scans) = window.scans(frame) {
        line("", "scan", &scans);
    }
    for row in rows {
        line(&short(row.name), row.side, &window.row(row.track, signs));
        if row.is_marked {
            let words = match frame.scan {
                Some((scan, _)) => format!("{}, scan {scan}", shown_time(frame.at)),
                None => shown_time(frame.at),
            };
            line("", "", &window.mark(frame.at, &words, signs));
        }
    }
    text
}

/// The end of a long name.
fn short(name: &str) -> String {
    let count = name.chars().count();
    if count <= NAME_MAX {
        return name.to_owned();
    }
    let end: String = name.chars().skip(count - NAME_MAX + 2).collect();
    format!("..{end}")
}

/// The time that is shown.
struct Window {
    begin_ns: u64,
    column_ns: u64,
    columns: usize,
}

/// Columns between two times on the axis.
const AXIS_STEP: usize = 10;

impl Window {
    fn new(frame: &Frame, columns: usize) -> Window {
        let column_ns = (frame.column().as_nanos() as u64).max(1);
        let before = (columns * BEFORE.0 / BEFORE.1) as u64;
        // The moment stands at the begin of a column.
        let first = frame.at.as_nanos().saturating_sub(before * column_ns);
        let ahead = (frame.at.as_nanos() - first) % column_ns;
        Window {
            begin_ns: first + ahead,
            column_ns,
            columns,
        }
    }

    /// The times of a column.
    fn of(&self, column: usize) -> (Time, Time) {
        let begin = self.begin_ns + column as u64 * self.column_ns;
        (Time::from_nanos(begin), Time::from_nanos(begin + self.column_ns - 1))
    }

    fn column_of(&self, at: Time) -> Option<usize> {
        let column = at.as_nanos().checked_sub(self.begin_ns)? / self.column_ns;
        usize::try_from(column).ok().filter(|column| *column < self.columns)
    }

    fn times(&self) -> String {
        self.axis(|column| Some((self.of(column).0.as_nanos() / 1_000_000).to_string()))
    }

    fn scans(&self, frame: &Frame) -> Option<String> {
        let (scan, _) = frame.scan?;
        let marked = self.column_of(frame.at)? as i64;
        Some(self.axis(|column| {
            let number = i64::try_from(scan).ok()? + column as i64 - marked;
            (number >= 0).then(|| number.to_string())
        }))
    }

    fn axis(&self, words: impl Fn(usize) -> Option<String>) -> String {
        let mut line = Line::new(self.columns, ' ');
        for column in (0..self.columns).step_by(AXIS_STEP) {
            if let Some(words) = words(column) {
                line.put(column, &words, AXIS_STEP - 1);
            }
        }
        line.done()
    }

    fn mark(&self, at: Time, words: &str, signs: Signs) -> String {
        let mut line = Line::new(self.columns, ' ');
        let Some(column) = self.column_of(at) else {
            return String::new();
        };
        let length = words.chars().count();
        line.put(column, &signs.mark().to_string(), 1);
        match column + 2 + length <= self.columns {
            true => line.put(column + 2, words, length),
            false => line.put(column.saturating_sub(length + 1), words, length),
        }
        line.done()
    }

    fn row(&self, track: Option<&Track>, signs: Signs) -> String {
        let is_bit = track.is_some_and(|track| track.points().all(|point| matches!(point.value, Value::Bool(_))));
        match track {
            None => Line::new(self.columns, signs.nothing()).done(),
            Some(track) if is_bit => self.bit(track, signs),
            Some(track) => self.values(track, signs),
        }
    }

    fn bit(&self, track: &Track, signs: Signs) -> String {
        let sign = |point: Option<&Point>| match point {
            None => signs.nothing(),
            Some(Point { trust, .. }) if *trust == Trust::Bad => '?',
            Some(Point {
                value: Value::Bool(true),
                ..
            }) => signs.on(),
            Some(_) => signs.off(),
        };
        let mut changes = track
            .points()
            .skip_while(|point| point.at.as_nanos() < self.begin_ns)
            .peekable();
        let mut line = String::new();
        for column in 0..self.columns {
            let (_, end) = self.of(column);
            let mut count = 0;
            while changes.next_if(|point| point.at <= end).is_some() {
                count += 1;
            }
            line.push(match count {
                0 | 1 => sign(track.at(end)),
                _ => signs.pulse(),
            });
        }
        line
    }

    fn values(&self, track: &Track, signs: Signs) -> String {
        let mut line = Line::new(self.columns, signs.nothing());
        let begin = Time::from_nanos(self.begin_ns);
        let words = |point: &Point| match point.trust {
            Trust::Good => shown(&point.value),
            trust => format!("{}({})", shown(&point.value), trust.word()),
        };
        let mut shown_points: Vec<(usize, String)> = Vec::new();
        if let Some(point) = track.at(begin) {
            shown_points.push((0, words(point)));
        }
        for point in track.points().filter(|point| point.at > begin) {
            let Some(column) = self.column_of(point.at) else { break };
            match shown_points.last_mut() {
                // Of several values of one column the last is shown.
                Some((last, text)) if *last == column => *text = words(point),
                _ => shown_points.push((column, words(point))),
            }
        }
        for (index, (column, text)) in shown_points.iter().enumerate() {
            let until = shown_points.get(index + 1).map_or(self.columns, |(next, _)| *next);
            line.fill(*column, until, signs.lasting());
            let text = match column {
                0 => text.clone(),
                _ => format!("|{text}"),
            };
            line.put(*column, &text, until - column);
        }
        line.done()
    }
}

/// A line of signs that is written over.
struct Line(Vec<char>);

impl Line {
    fn new(columns: usize, sign: char) -> Line {
        Line(vec![sign; columns])
    }

    /// Writes a text, cut where its room ends.
    fn put(&mut self, column: usize, text: &str, room: usize) {
        for (place, sign) in self.0.iter_mut().skip(column).take(room).zip(text.chars()) {
            *place = sign;
        }
    }

    fn fill(&mut self, from: usize, until: usize, sign: char) {
        self.0[from..until].fill(sign);
    }

    fn done(self) -> String {
        self.0.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn track(points: &[(u64, Value)]) -> Track {
        let mut track = Track::default();
        for (at_ms, value) in points {
            track.push(Point {
                at: Time::from_millis(*at_ms),
                scan: None,
                value: value.clone(),
                trust: Trust::Good,
            });
        }
        track
    }

    fn bits(points: &[(u64, bool)]) -> Track {
        let points: Vec<_> = points.iter().map(|(at, bit)| (*at, Value::Bool(*bit))).collect();
        track(&points)
    }

    fn row<'a>(name: &'a str, side: &'static str, track: &'a Track, is_marked: bool) -> Row<'a> {
        Row {
            name,
            side,
            track: Some(track),
            is_marked,
        }
    }

    #[test]
    fn a_diagram_shows_what_was_expected_above_what_came() {
        let expected = bits(&[(0, false), (1_000, true)]);
        let got = bits(&[(0, false)]);
        let button = bits(&[(0, false), (900, true), (950, false), (1_101, true), (1_102, false)]);
        let number = track(&[(0, Value::Int(7)), (1_000, Value::Int(200))]);
        let rows = [
            row("plc/line/Run", "expected", &expected, false),
            row("", "got", &got, true),
            row("plc/line/Start", "", &button, false),
            row("plc/line/N:10", "", &number, false),
            Row {
                name: "plc/line/Never",
                side: "",
                track: None,
                is_marked: false,
            },
        ];
        let frame = Frame {
            at: Time::from_millis(1_000),
            scan: Some((100, Duration::from_millis(10))),
            column: Duration::from_millis(10),
        };
        let text = draw(&rows, &frame, Signs::Ascii);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.iter().all(|line| line.len() <= WIDTH), "{text}");
        let column = lines[4].find('^').unwrap();
        assert_eq!(lines[4].trim(), "^ 1000 ms, scan 100");
        assert_eq!(&lines[2][column - 2..column + 2], "__##", "{text}");
        assert_eq!(&lines[3][column - 2..column + 2], "____", "{text}");
        assert_eq!(&lines[5][column - 11..column - 4], "_#####_", "{text}");
        assert_eq!(
            &lines[5][column + 9..column + 12],
            "_|_",
            "a pulse within a column: {text}"
        );
        assert_eq!(&lines[6][column - 3..column + 6], "---|200--", "{text}");
        assert!(lines[7].ends_with("......"), "{text}");
        assert!(lines[0].contains(" 900 ") && lines[1].contains(" 90 "), "{text}");
        let drawn = draw(&rows, &frame, Signs::Unicode);
        assert!(drawn.contains("▁▔▔▔▔▔▁") && drawn.contains("▲ 1000 ms"), "{drawn}");
    }

    #[test]
    fn the_mark_has_room_also_at_the_begin() {
        let got = bits(&[(0, true)]);
        let frame = Frame {
            at: Time::ZERO,
            scan: None,
            column: Duration::from_millis(5),
        };
        let text = draw(&[row("twin/line/Run", "got", &got, true)], &frame, Signs::Ascii);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[2].trim(), "^ 0 ms");
        assert_eq!(lines[2].find('^'), lines[1].find('#'), "{text}");
    }

    #[test]
    fn long_names_and_values_are_cut() {
        let text = Value::Text("a very long text indeed that goes on and on".into());
        let values = track(&[(0, Value::Int(1)), (10, text), (20, Value::Int(2))]);
        let name = "twin/line/one/two/three/four/five/six/seven/Speed";
        let frame = Frame {
            at: Time::from_millis(10),
            scan: None,
            column: Duration::from_millis(1),
        };
        let drawn = draw(&[row(name, "", &values, true)], &frame, Signs::Ascii);
        assert!(drawn.contains("five/six/seven/Speed"), "{drawn}");
        assert!(drawn.contains("|\"a very l|2-"), "{drawn}");
        assert!(drawn.lines().all(|line| line.len() <= WIDTH), "{drawn}");
    }
}
