//! Expressions of routes, in CEL: read once when the route is laid, evaluated with every change of what they name.
//!
//! An expression is a formula over a few values. It has no loops, no functions of time and no state, so its cost follows from
//! its length, and the same values give the same result.

mod functions;
mod grammar;
mod machine;
mod tokens;

use crate::signal::{Kind, Value};
pub(crate) use grammar::variable_name;
use machine::{Item, Step, run};

/// The variable that stands for the source of the route.
pub(crate) const VALUE: &str = "value";
/// Bytes of a text that goes into an expression, stands in it for a moment or comes out of it. A longer one cannot be transformed:
/// the route counts it as failed. Together with the length of an expression it bounds what one evaluation may cost.
pub(crate) const TEXT_LEN_MAX: usize = 1_024;

/// An expression that can be evaluated.
#[derive(Debug)]
pub(crate) struct Expression {
    steps: Vec<Step>,
}

/// Why an evaluation has no result.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Failure {
    /// For people.
    pub(crate) text: String,
    /// It has to do with the kinds of the values and not with the values themselves.
    is_of_kinds: bool,
}

fn too_long(len: usize) -> Failure {
    functions::failed(&format!(
        "a text of {len} bytes is longer than {TEXT_LEN_MAX}, the limit of expressions"
    ))
}

impl Expression {
    /// Reads an expression that may name these variables.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and at which column.
    pub(crate) fn read(text: &str, variables: &[String]) -> Result<Expression, String> {
        let steps = grammar::read(text, variables).map_err(|mistake| mistake.to_string())?;
        Ok(Expression { steps })
    }

    /// Its value for these values of its variables, in the order in which they were named.
    pub(crate) fn value(&self, values: &[&Value]) -> Result<Value, Failure> {
        let item = |value: &&Value| match value {
            Value::Bool(value) => Ok(Item::Bool(*value)),
            Value::Int(value) => Ok(Item::Int(*value)),
            Value::Float(value) => Ok(Item::Double(*value)),
            Value::Text(text) if text.len() > TEXT_LEN_MAX => Err(too_long(text.len())),
            Value::Text(text) => Ok(Item::Text((**text).into())),
        };
        let variables: Result<Vec<Item>, Failure> = values.iter().map(item).collect();
        match run(&self.steps, &variables?)? {
            Item::Bool(value) => Ok(Value::Bool(value)),
            Item::Int(value) => Ok(Value::Int(value)),
            Item::Uint(value) => i64::try_from(value).map(Value::Int).map_err(|_| machine::too_large()),
            Item::Double(value) if value.is_finite() => Ok(Value::Float(value)),
            Item::Double(_) => Err(functions::failed("the result is no finite number")),
            Item::Text(text) => Ok(Value::Text((*text).into())),
            Item::List(_) => Err(Failure {
                text: String::from("it gives a list, no value of a signal"),
                is_of_kinds: true,
            }),
        }
    }

    /// The kind of its value for variables of these kinds; `None` when only the values can tell.
    ///
    /// # Errors
    ///
    /// It has no value for any values of these kinds, as far as trials with small ones can tell.
    pub(crate) fn kind(&self, kinds: &[Kind]) -> Result<Option<Kind>, String> {
        let samples = |ones: bool| -> Vec<Value> {
            let one = |kind: &Kind| match kind {
                Kind::Bool => Value::Bool(true),
                Kind::Int => Value::Int(1),
                Kind::Float => Value::Float(1.0),
                Kind::Text => Value::Text("1".into()),
            };
            let sample = |kind: &Kind| if ones { one(kind) } else { Value::zero(*kind) };
            kinds.iter().map(sample).collect()
        };
        let mut misfit = None;
        for ones in [true, false] {
            let samples = samples(ones);
            let values: Vec<&Value> = samples.iter().collect();
            match self.value(&values) {
                Ok(value) => return Ok(Some(value.kind())),
                Err(failure) if failure.is_of_kinds => misfit = Some(failure.text),
                // A division by the sample, for example: real values may do better.
                Err(_) => return Ok(None),
            }
        }
        misfit.map_or(Ok(None), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|name| (*name).to_owned()).collect()
    }

    fn evaluated(text: &str, value: Value) -> Result<Value, String> {
        let names = names(&[VALUE, "run"]);
        let expression = Expression::read(text, &names)?;
        let run = Value::Bool(true);
        expression.value(&[&value, &run]).map_err(|failure| failure.text)
    }

    #[test]
    fn formulas_over_values_of_every_kind() {
        let text = |text: &str| Value::Text(text.into());
        let check = |expr: &str, value: Value, expected: Value| {
            assert_eq!(evaluated(expr, value), Ok(expected), "{expr}");
        };
        check("value > 80.0 && run", Value::Float(81.0), Value::Bool(true));
        check("value > 80", Value::Float(81.0), Value::Bool(true));
        check("value * 2 + 1", Value::Int(3), Value::Int(7));
        check("value / 4.0", Value::Float(3.0), Value::Float(0.75));
        check("value ? 'on' : \"off\"", Value::Bool(true), text("on"));
        check("value in [1, 2, 3]", Value::Int(2), Value::Bool(true));
        check("[10, 20, 30][value]", Value::Int(2), Value::Int(30));
        check("[10, 20, 30][value]", Value::Float(2.0), Value::Int(30));
        check(
            "value.startsWith('Err') || size(value) == 0",
            text("Error"),
            Value::Bool(true),
        );
        check("'T=' + string(value) + \"°\"", Value::Int(7), text("T=7°"));
        check("math.greatest(value, 5)", Value::Int(3), Value::Int(5));
        check("math.bitAnd(value, 0x0F) == 3", Value::Int(0x13), Value::Bool(true));
        check("math.round(value)", Value::Float(-2.5), Value::Float(-3.0));
        check("int(value) % 3", Value::Float(7.9), Value::Int(1));
        check("-value", Value::Int(4), Value::Int(-4));
        check("!value", Value::Bool(false), Value::Bool(true));
        check("uint(value) + 1u", Value::Int(4), Value::Int(5));
        check("value ? 1 : run ? 2 : 3", Value::Bool(false), Value::Int(2));
    }

    #[test]
    fn what_has_no_value_says_why() {
        let check = |expr: &str, value: Value, words: &str| {
            let text = evaluated(expr, value).unwrap_err();
            assert!(text.contains(words), "{expr}: {text}");
        };
        check("10 / value", Value::Int(0), "division by zero");
        check("10 % value", Value::Int(0), "division by zero");
        check("1.0 / value", Value::Float(0.0), "no finite number");
        check("value + 1", Value::Int(i64::MAX), "range of 64 bits");
        check("uint(value)", Value::Int(-1), "uint");
        check("[1, 2][value]", Value::Int(2), "no element");
        check("[1, 2][value]", Value::Float(1e300), "no element");
        check("[1, 2][value]", Value::Float(0.5), "'[]' does not take list and double");
        check(
            "value * 2",
            Value::Float(1.0),
            "'*' does not take double and int; whole and other numbers do not mix",
        );
        check("value && true", Value::Int(1), "does not take");
        check("value > 'a'", Value::Int(1), "'>' does not take int and string");
        check("[value]", Value::Int(1), "it gives a list");
        check("int(value)", Value::Text("x".into()), "int");
        let long = "x".repeat(TEXT_LEN_MAX);
        check(
            "value + 'y'",
            Value::Text(long.as_str().into()),
            "a text of 1025 bytes is longer than 1024",
        );
        check(
            "size(value)",
            Value::Text(format!("{long}y").into()),
            "a text of 1025 bytes",
        );
    }

    #[test]
    fn the_kind_of_the_result_is_known_beforehand_where_it_can_be() {
        let names = names(&[VALUE]);
        let kind = |text: &str, kind| Expression::read(text, &names).unwrap().kind(&[kind]);
        assert_eq!(kind("value > 3", Kind::Int), Ok(Some(Kind::Bool)));
        assert_eq!(kind("7 / value", Kind::Int), Ok(Some(Kind::Int)));
        assert_eq!(kind("7 / (value - 1)", Kind::Int), Ok(None));
        assert_eq!(kind("string(value)", Kind::Bool), Ok(Some(Kind::Text)));
        let misfit = kind("value * 2", Kind::Float).unwrap_err();
        assert!(misfit.contains("write 2.0 for 2"), "{misfit}");
    }

    #[test]
    fn no_expression_needs_more_than_a_small_part_of_a_stack() {
        let in_depth = |left: &str, right: &str| {
            let depth = grammar::DEPTH_MAX;
            format!("{}value{}", left.repeat(depth), right.repeat(depth))
        };
        let largest = [
            in_depth("(", ")"),
            in_depth("(1+", ")"),
            in_depth("[", "]"),
            in_depth("int(", ")"),
            in_depth("math.abs(1+1*", ")"),
            format!("{}0", "value == 1 ? 2 : ".repeat(grammar::DEPTH_MAX)),
            format!("value{}", "+value".repeat(127)),
            format!("run{}", "&&run".repeat(127)),
            format!("{}run", "!".repeat(255)),
            format!("value{}", "[0]".repeat(85)),
            format!("[value{}]", ",value".repeat(126)),
        ];
        let texts = largest.into_iter().map(|text| (text, true));
        let too_large = ["(", "!", "[", "-", "a.", "1+", "size(", "'", "1 ? 2 : "];
        let texts: Vec<(String, bool)> = texts
            .chain(too_large.into_iter().map(|piece| (piece.repeat(100_000), false)))
            .collect();
        // A sixteenth of what threads have.
        let thread = std::thread::Builder::new().stack_size(128 << 10);
        let try_all = move || {
            for (text, is_right) in texts {
                let names = names(&[VALUE, "run"]);
                assert_eq!(Expression::read(&text, &names).is_ok(), is_right, "{text:.40}");
                drop(evaluated(&text, Value::Int(1)));
            }
        };
        thread.spawn(try_all).unwrap().join().unwrap();
    }

    /// Pieces of expressions, right and wrong ones.
    const PIECES: [&str; 58] = [
        "value",
        "run",
        "x",
        "1",
        "2.5",
        "0x1F",
        "3u",
        "1e3",
        "1e999",
        "99999999999999999999",
        "'a'",
        "\"b\"",
        "'",
        "\"",
        "'\\n'",
        "'\\q'",
        "true",
        "false",
        "null",
        "in",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ".",
        "?",
        ":",
        "+",
        "-",
        "*",
        "/",
        "%",
        "!",
        "&&",
        "||",
        "==",
        "!=",
        "<",
        "<=",
        ">",
        ">=",
        "size(",
        "int(",
        "math.",
        "abs(",
        "startsWith(",
        "greatest(",
        " ",
        "//",
        "`",
        "\u{e9}",
        "\n",
        "\0",
        "r'a'",
        "b'a'",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_500))]

        #[test]
        fn no_text_made_of_pieces_can_do_harm(pieces in prop::collection::vec(0..PIECES.len(), 0..24), number in any::<i64>()) {
            let text: String = pieces.into_iter().map(|piece| PIECES[piece]).collect();
            let first = evaluated(&text, Value::Int(number));
            prop_assert_eq!(first, evaluated(&text, Value::Int(number)));
        }

        #[test]
        fn no_text_at_all_can_do_harm(text in any::<String>(), number in any::<f64>()) {
            drop(evaluated(&text, Value::Float(number)));
        }
    }

    /// What another implementation of the language makes of an expression.
    fn reference(text: &str, value: &Value) -> Result<Value, String> {
        let mut env = cel::Env::default().with_optional_support(false).with_stdlib();
        env.add_extension(cel::extensions::math).unwrap();
        let env = std::sync::Arc::new(env);
        let program = env.compile(text).map_err(|error| format!("not read: {error}"))?;
        let mut context = cel::Context::with_env(env);
        match value {
            Value::Bool(value) => context.add_variable_from_value(VALUE, *value),
            Value::Int(value) => context.add_variable_from_value(VALUE, *value),
            Value::Float(value) => context.add_variable_from_value(VALUE, *value),
            Value::Text(value) => context.add_variable_from_value(VALUE, value.to_string()),
        }
        context.add_variable_from_value("run", true);
        match program.execute(&context).map_err(|error| error.to_string())? {
            cel::Value::Bool(value) => Ok(Value::Bool(value)),
            cel::Value::Int(value) => Ok(Value::Int(value)),
            cel::Value::UInt(value) => i64::try_from(value).map(Value::Int).map_err(|error| error.to_string()),
            cel::Value::Float(value) if value.is_finite() => Ok(Value::Float(value)),
            cel::Value::String(text) => Ok(Value::Text(text.as_str().into())),
            other => Err(format!("{other:?}")),
        }
    }

    #[test]
    fn expressions_mean_what_they_mean_in_another_implementation() {
        let compare_all = || {
            let value = prop_oneof![
                any::<bool>().prop_map(Value::Bool),
                (-3_i64..4).prop_map(Value::Int),
                any::<i64>().prop_map(Value::Int),
                (-8_i32..9).prop_map(|number| Value::Float(f64::from(number) / 4.0)),
                "[ab1]{0,3}".prop_map(|text| Value::Text(text.as_str().into())),
            ];
            let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(1_500));
            let compare = |(text, value): (String, Value)| {
                let ours = evaluated(&text, value.clone());
                let theirs = reference(&text, &value);
                // It refuses some literals of the wrong type when it reads them, also where they are never reached.
                if theirs
                    .as_ref()
                    .is_err_and(|error| error.contains("simple literal arguments"))
                {
                    return Ok(());
                }
                let is_same = match (&ours, &theirs) {
                    (Ok(ours), Ok(theirs)) => ours == theirs,
                    (Err(ours), Err(theirs)) => !ours.starts_with("column") && !theirs.starts_with("not read"),
                    _ => false,
                };
                prop_assert!(is_same, "{} of {:?}: {:?}, not {:?}", text, value, ours, theirs);
                Ok(())
            };
            runner.run(&(sentence(), value), compare).unwrap();
        };
        // The other one needs a large stack.
        let thread = std::thread::Builder::new().stack_size(256 << 20);
        thread.spawn(compare_all).unwrap().join().unwrap();
    }

    /// Sentences of the grammar.
    fn sentence() -> impl Strategy<Value = String> {
        let leaf = prop::sample::select(vec!["value", "run", "1", "2.5", "3u", "'a'", "true", "0x10", "1e-3"]);
        leaf.prop_map(String::from).prop_recursive(6, 40, 3, |inner| {
            let operators = vec![
                "+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "&&", "||", " in ",
            ];
            let pair = (inner.clone(), prop::sample::select(operators), inner.clone());
            prop_oneof![
                pair.prop_map(|(left, operator, right)| format!("{left}{operator}{right}")),
                inner.clone().prop_map(|inner| format!("({inner})")),
                inner.clone().prop_map(|inner| format!("!({inner})")),
                inner.clone().prop_map(|inner| format!("-({inner})")),
                inner.clone().prop_map(|inner| format!("[{inner}, {inner}]")),
                inner.clone().prop_map(|inner| format!("string({inner})")),
                inner.clone().prop_map(|inner| format!("math.least({inner}, 2)")),
                inner.clone().prop_map(|inner| format!("({inner}).contains('a')")),
                (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("({a}) ? ({b}) : {c}")),
                (inner.clone(), inner).prop_map(|(a, b)| format!("[{a}][{b}]")),
            ]
        })
    }
}
