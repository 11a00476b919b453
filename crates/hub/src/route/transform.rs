//! What becomes of a value on a route: read and checked when the route is laid, applied to every value that it carries.

use super::expression::{Expression, VALUE, variable_name};
use super::map::Map;
use crate::api::Refused;
use crate::settings::Transform;
use crate::signal::{Kind, Value};

/// Further signals that an expression may read. A route with more is refused: every one of them makes it evaluate anew.
pub(crate) const INPUTS_MAX: usize = 16;
/// What a route does with values, ready to be done.
#[derive(Debug)]
pub(crate) struct Recipe {
    /// As it was set.
    pub(crate) setting: Transform,
    /// The variables of the expression: the source, then the inputs.
    names: Vec<String>,
    expression: Option<Expression>,
    map: Option<Map>,
    /// Factor and what is added.
    line: Option<(f64, f64)>,
}

/// What came of a value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Made {
    /// This is passed on.
    Value(Value),
    /// The map has nothing for it.
    Nothing,
    /// It could not be transformed, for this reason.
    Failed(String),
}

/// A signal as a transform sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a> {
    /// Its name.
    pub(crate) name: &'a str,
    /// Its kind.
    pub(crate) kind: Kind,
}

pub(super) fn mistake(key: impl Into<String>, expected: impl Into<String>) -> Refused {
    Refused::BadValue {
        name: key.into(),
        expected: expected.into(),
    }
}

impl Recipe {
    /// Reads a transform; whatever needs no signals is checked.
    ///
    /// # Errors
    ///
    /// The key that is wrong, and what it should be.
    pub(crate) fn read(setting: &Transform) -> Result<Recipe, Refused> {
        let mut names = vec![String::from(VALUE)];
        if !setting.inputs.is_empty() && setting.expr.is_none() {
            return Err(mistake(
                "inputs",
                "expected expr beside them: nothing else reads inputs",
            ));
        }
        if setting.inputs.len() > INPUTS_MAX {
            return Err(mistake("inputs", format!("expected at most {INPUTS_MAX} signals")));
        }
        for (name, _) in &setting.inputs {
            variable_name(name).map_err(|text| mistake("inputs", text))?;
            if names.contains(name) {
                return Err(mistake("inputs", format!("expected '{name}' once")));
            }
            names.push(name.clone());
        }
        let expression = match &setting.expr {
            Some(text) => Some(Expression::read(text, &names).map_err(|text| mistake("expr", text))?),
            None => None,
        };
        let map = match &setting.map {
            Some(map) => Some(Map::read(map)?),
            None => None,
        };
        if setting.scale == Some(0.0) {
            return Err(mistake(
                "scale",
                "expected a number other than 0: every value would become the same",
            ));
        }
        for (key, number) in [("scale", setting.scale), ("offset", setting.offset)] {
            if number.is_some_and(|number| !number.is_finite()) {
                return Err(mistake(key, "expected a finite number"));
            }
        }
        if setting.deadband.is_some_and(|width| !width.is_finite() || width < 0.0) {
            return Err(mistake("deadband", "expected a number that is not below 0"));
        }
        let line = match (setting.scale, setting.offset) {
            (None, None) => None,
            (scale, offset) => Some((scale.unwrap_or(1.0), offset.unwrap_or(0.0))),
        };
        Ok(Recipe {
            setting: setting.clone(),
            names,
            expression,
            map,
            line,
        })
    }

    /// It changes no value, though it may withhold some.
    pub(crate) fn is_identity(&self) -> bool {
        self.expression.is_none() && self.map.is_none() && !self.setting.invert && self.line.is_none()
    }

    /// It may withhold values.
    pub(crate) fn is_paced(&self) -> bool {
        self.setting.deadband.is_some() || self.setting.every.is_some()
    }

    /// Checks it against the signals that it ties: its sources (the first one is the route's own) and its target.
    ///
    /// # Errors
    ///
    /// The key that does not fit, the signal, what kind it has and what would fit.
    pub(crate) fn fits(&self, sources: &[Seen<'_>], target: Seen<'_>) -> Result<(), String> {
        let Some(source) = sources.first() else { return Ok(()) };
        let (name, word) = (source.name, source.kind.word());
        let mut kind = Some(source.kind);
        let mut what = format!("'{name}' is {word}");
        if let Some(expression) = &self.expression {
            let kinds: Vec<Kind> = sources.iter().map(|source| source.kind).collect();
            let list = sources.iter().zip(&self.names);
            let list: Vec<String> = list
                .map(|(source, variable)| format!("{variable} is {}", source.kind.word()))
                .collect();
            kind = expression
                .kind(&kinds)
                .map_err(|text| format!("expr: {text} ({})", list.join(", ")))?;
            what = format!("expr gives {}", kind.map_or("another kind", Kind::word));
        }
        if let Some(map) = &self.map {
            if let Some(kind) = kind {
                map.fits(kind).map_err(|text| format!("map: {what}; {text}"))?;
            }
            kind = Some(map.kind);
            what = format!("map gives {}", map.kind.word());
        }
        if self.setting.invert && kind.is_some_and(|kind| kind != Kind::Bool) {
            return Err(format!("invert: {what}; expected a bool"));
        }
        if self.line.is_some() {
            if matches!(kind, Some(Kind::Bool | Kind::Text)) {
                let key = if self.setting.scale.is_some() {
                    "scale"
                } else {
                    "offset"
                };
                return Err(format!("{key}: {what}; expected a number"));
            }
            kind = Some(Kind::Float);
            what = String::from("scale and offset give float");
        }
        if let Some(kind) = kind
            && self.convert(Value::zero(kind), target.kind).is_none()
        {
            let (to, want) = (target.name, target.kind.word());
            return Err(match self.is_identity() {
                true => format!("{what}, '{to}' is {want}: a plain route does not convert that"),
                false => format!("{what}, '{to}' is {want}: a route does not convert that"),
            });
        }
        if self.setting.deadband.is_some() && !matches!(target.kind, Kind::Int | Kind::Float) {
            let (to, want) = (target.name, target.kind.word());
            return Err(format!(
                "deadband: '{to}' is {want}; expected a target that is a number"
            ));
        }
        Ok(())
    }

    /// What becomes of the values of the sources.
    pub(crate) fn apply(&self, values: &[&Value]) -> Made {
        let mut made = match (&self.expression, values.first()) {
            (_, None) => return Made::Nothing,
            (None, Some(value)) => (*value).clone(),
            (Some(expression), _) => match expression.value(values) {
                Ok(value) => value,
                Err(failure) => return Made::Failed(format!("expr: {}", failure.text)),
            },
        };
        if let Some(map) = &self.map {
            match map.get(&made) {
                Some(value) => made = value.clone(),
                None => return Made::Nothing,
            }
        }
        if self.setting.invert {
            made = match made {
                Value::Bool(value) => Value::Bool(!value),
                other => return Made::Failed(format!("invert: a {} cannot be inverted", other.kind().word())),
            };
        }
        if let Some((scale, offset)) = self.line {
            let number = match made {
                Value::Int(number) => number as f64,
                Value::Float(number) => number,
                other => return Made::Failed(format!("scale: a {} is no number", other.kind().word())),
            };
            let scaled = number * scale + offset;
            if !scaled.is_finite() {
                return Made::Failed(String::from("scale: the result is no finite number"));
            }
            made = Value::Float(scaled);
        }
        Made::Value(made)
    }

    /// A value as the target holds it; `None` when it does not fit. A plain route changes nothing but the form; what has been
    /// calculated is rounded to whole numbers, half away from zero, and kept within 32 bits.
    pub(crate) fn convert(&self, value: Value, target: Kind) -> Option<Value> {
        match (value, target) {
            (value, target) if value.kind() == target => Some(value),
            (Value::Bool(value), Kind::Int) => Some(Value::Int(i64::from(value))),
            (Value::Bool(value), Kind::Float) => Some(Value::Float(f64::from(u8::from(value)))),
            (Value::Int(value), Kind::Float) => Some(Value::Float(value as f64)),
            (Value::Int(value), Kind::Bool) => Some(Value::Bool(value != 0)),
            // A cast saturates, and what is calculated is finite.
            (Value::Float(value), Kind::Int) if !self.is_identity() => {
                Some(Value::Int(i64::from(value.round() as i32)))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::ValueMap;

    fn seen(name: &str, kind: Kind) -> Seen<'_> {
        Seen { name, kind }
    }

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    fn map(entries: &[(&str, Value)], otherwise: Option<Value>) -> Transform {
        let entries = entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone()));
        Transform {
            map: Some(ValueMap {
                entries: entries.collect(),
                otherwise,
            }),
            ..Transform::default()
        }
    }

    fn line(scale: Option<f64>, offset: Option<f64>) -> Transform {
        Transform {
            scale,
            offset,
            ..Transform::default()
        }
    }

    fn inverted() -> Transform {
        Transform {
            invert: true,
            ..Transform::default()
        }
    }

    fn formula(expr: &str, inputs: &[(&str, &str)]) -> Transform {
        let inputs = inputs
            .iter()
            .map(|(name, signal)| ((*name).to_owned(), (*signal).to_owned()));
        Transform {
            expr: Some(expr.to_owned()),
            inputs: inputs.collect(),
            ..Transform::default()
        }
    }

    fn refusal(setting: &Transform) -> String {
        Recipe::read(setting).unwrap_err().to_string()
    }

    /// What is wrong between a source and a target of these kinds.
    fn misfit(setting: &Transform, source: Kind, target: Kind) -> String {
        let recipe = Recipe::read(setting).unwrap();
        recipe
            .fits(&[seen("twin/a/x", source)], seen("twin/b/y", target))
            .unwrap_err()
    }

    #[test]
    fn keys_that_are_wrong_by_themselves_are_named() {
        let check = |setting: Transform, expected: &str| assert_eq!(refusal(&setting), expected);
        check(line(Some(f64::NAN), None), "'scale': expected a finite number");
        check(
            line(Some(0.0), None),
            "'scale': expected a number other than 0: every value would become the same",
        );
        check(line(None, Some(f64::INFINITY)), "'offset': expected a finite number");
        let deadband = |width| Transform {
            deadband: Some(width),
            ..Transform::default()
        };
        check(deadband(-1.0), "'deadband': expected a number that is not below 0");
        check(deadband(f64::NAN), "'deadband': expected a number that is not below 0");
        check(
            formula("value +", &[]),
            "'expr': column 8: the expression ends where a value is expected",
        );
        let inputs_alone = Transform {
            inputs: formula("value", &[("a", "twin/a/x")]).inputs,
            ..Transform::default()
        };
        check(
            inputs_alone,
            "'inputs': expected expr beside them: nothing else reads inputs",
        );
        check(
            formula("a", &[("a", "twin/a/x"), ("a", "twin/a/y")]),
            "'inputs': expected 'a' once",
        );
        let many: Vec<(String, &str)> = (0..=INPUTS_MAX)
            .map(|index| (format!("v{index}"), "twin/a/x"))
            .collect();
        let many: Vec<(&str, &str)> = many.iter().map(|(name, signal)| (name.as_str(), *signal)).collect();
        check(formula("value", &many), "'inputs': expected at most 16 signals");
        assert!(refusal(&formula("value", &[("size", "twin/a/x")])).contains("means something else"));
        check(map(&[], None), "'map': expected at least one value and what it becomes");
        check(
            map(&[("1", Value::Int(1)), ("01", Value::Int(2))], None),
            "'map': expected '01' once",
        );
        check(
            map(&[("1", Value::Int(1)), ("2", text("b"))], None),
            "'map': expected results of one kind: '1' becomes int and '2' text",
        );
        check(
            map(&[("1", Value::Bool(true))], Some(Value::Int(1))),
            "'map': expected results of one kind: '1' becomes bool and '*' int",
        );
        check(
            map(&[("1", Value::Float(f64::NAN))], None),
            "'map': expected a finite number for '1'",
        );
        check(
            map(&[("1", text(&"x".repeat(1_025)))], None),
            "'map': expected a text of at most 1024 bytes for '1'",
        );
    }

    #[test]
    fn keys_that_do_not_fit_the_signals_are_named_with_the_signal_and_its_kind() {
        let check = |text: String, expected: &str| assert_eq!(text, expected);
        check(
            misfit(&inverted(), Kind::Int, Kind::Int),
            "invert: 'twin/a/x' is int; expected a bool",
        );
        check(
            misfit(&line(Some(2.0), None), Kind::Bool, Kind::Float),
            "scale: 'twin/a/x' is bool; expected a number",
        );
        check(
            misfit(&line(None, Some(2.0)), Kind::Text, Kind::Float),
            "offset: 'twin/a/x' is text; expected a number",
        );
        check(
            misfit(&line(Some(2.0), None), Kind::Int, Kind::Bool),
            "scale and offset give float, 'twin/b/y' is bool: a route does not convert that",
        );
        check(
            misfit(&formula("value * 2", &[]), Kind::Float, Kind::Float),
            "expr: '*' does not take double and int; whole and other numbers do not mix: write 2.0 for 2, or double(…) (value is float)",
        );
        check(
            misfit(&formula("value > 1", &[]), Kind::Int, Kind::Text),
            "expr gives bool, 'twin/b/y' is text: a route does not convert that",
        );
        check(
            misfit(&map(&[("on", Value::Int(1))], None), Kind::Bool, Kind::Int),
            "map: 'twin/a/x' is bool; expected true and false on the left, found 'on'",
        );
        check(
            misfit(&map(&[("1.5", Value::Int(1))], None), Kind::Int, Kind::Int),
            "map: 'twin/a/x' is int; expected whole numbers on the left, found '1.5'",
        );
        let both = Transform {
            invert: true,
            ..map(&[("1", text("x"))], None)
        };
        check(
            misfit(&both, Kind::Int, Kind::Text),
            "invert: map gives text; expected a bool",
        );
        let deadband = Transform {
            deadband: Some(1.0),
            ..Transform::default()
        };
        check(
            misfit(&deadband, Kind::Bool, Kind::Bool),
            "deadband: 'twin/b/y' is bool; expected a target that is a number",
        );
        check(
            misfit(&Transform::default(), Kind::Float, Kind::Int),
            "'twin/a/x' is float, 'twin/b/y' is int: a plain route does not convert that",
        );
    }

    #[test]
    fn the_order_is_expression_map_inversion_scale() {
        let setting = Transform {
            expr: Some(String::from("value + 1")),
            ..map(&[("3", Value::Bool(false)), ("4", Value::Bool(true))], None)
        };
        let setting = Transform {
            invert: true,
            ..setting
        };
        let recipe = Recipe::read(&setting).unwrap();
        assert_eq!(recipe.fits(&[seen("a", Kind::Int)], seen("b", Kind::Bool)), Ok(()));
        assert_eq!(recipe.apply(&[&Value::Int(2)]), Made::Value(Value::Bool(true)));
        assert_eq!(recipe.apply(&[&Value::Int(3)]), Made::Value(Value::Bool(false)));
        assert_eq!(recipe.apply(&[&Value::Int(9)]), Made::Nothing);
        let setting = Transform {
            scale: Some(0.5),
            offset: Some(-1.0),
            ..map(&[("true", Value::Int(10)), ("false", Value::Float(0.5))], None)
        };
        let recipe = Recipe::read(&setting).unwrap();
        assert_eq!(recipe.apply(&[&Value::Bool(true)]), Made::Value(Value::Float(4.0)));
        assert_eq!(recipe.apply(&[&Value::Bool(false)]), Made::Value(Value::Float(-0.75)));
    }

    #[test]
    fn a_map_knows_values_of_every_kind_and_everything_else() {
        let setting = map(
            &[("0", text("Stopped")), ("1", text("Running")), ("x", text("?"))],
            Some(text("Unknown")),
        );
        let map = Recipe::read(&setting).unwrap();
        for (value, result) in [
            (Value::Int(0), "Stopped"),
            (Value::Float(1.0), "Running"),
            (text("x"), "?"),
            (text("1"), "Running"),
            (Value::Int(7), "Unknown"),
            (Value::Bool(true), "Unknown"),
        ] {
            assert_eq!(map.apply(&[&value]), Made::Value(text(result)), "{value:?}");
        }
    }

    #[test]
    fn calculated_numbers_are_rounded_away_from_zero_and_kept_within_32_bits() {
        let recipe = Recipe::read(&line(Some(1.0), None)).unwrap();
        let whole = |number| recipe.convert(Value::Float(number), Kind::Int);
        assert_eq!(whole(2.5), Some(Value::Int(3)));
        assert_eq!(whole(-2.5), Some(Value::Int(-3)));
        assert_eq!(whole(2.4), Some(Value::Int(2)));
        assert_eq!(whole(1e12), Some(Value::Int(i64::from(i32::MAX))));
        assert_eq!(whole(-1e300), Some(Value::Int(i64::from(i32::MIN))));
        let plain = Recipe::read(&Transform::default()).unwrap();
        assert_eq!(plain.convert(Value::Float(2.0), Kind::Int), None);
    }

    #[test]
    fn what_cannot_be_calculated_fails_with_the_reason() {
        let scaled = Recipe::read(&line(Some(1e300), None)).unwrap();
        let made = scaled.apply(&[&Value::Float(1e300)]);
        assert_eq!(
            made,
            Made::Failed(String::from("scale: the result is no finite number"))
        );
        let divided = Recipe::read(&formula("1 / value", &[])).unwrap();
        let made = divided.apply(&[&Value::Int(0)]);
        assert_eq!(made, Made::Failed(String::from("expr: division by zero")));
        let several = Recipe::read(&formula("value + other", &[("other", "twin/a/y")])).unwrap();
        assert_eq!(
            several.apply(&[&Value::Int(1), &Value::Int(2)]),
            Made::Value(Value::Int(3))
        );
        let text = several
            .fits(&[seen("a", Kind::Int), seen("b", Kind::Bool)], seen("c", Kind::Int))
            .unwrap_err();
        assert_eq!(
            text,
            "expr: '+' does not take int and bool (value is int, other is bool)"
        );
    }
}
