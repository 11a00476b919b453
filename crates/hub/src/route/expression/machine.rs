//! Evaluating an expression: its steps, one after the other, over a stack of values. No step goes back, so an evaluation ends after
//! as many as there are.

use super::functions::{Function, failed, misfit};
use super::{Failure, TEXT_LEN_MAX};
use std::cmp::Ordering;
use std::sync::Arc;

/// A value inside an expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Item {
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    Text(Arc<str>),
    List(Vec<Item>),
}

/// What stands between two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binary {
    Equal,
    Unequal,
    LessOrEqual,
    GreaterOrEqual,
    Less,
    Greater,
    In,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Index,
}

/// One step of an evaluation.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Constant(Item),
    Variable {
        index: usize,
    },
    Not,
    Negate,
    Binary(Binary),
    /// Goes on elsewhere when the value is this one, which stays.
    SkipIf {
        value: bool,
        to: usize,
    },
    /// Both sides of a `&&` or `||`.
    Both {
        is_and: bool,
    },
    /// Takes a condition: goes on here or at `otherwise`; what is no condition is the result, at `end`.
    Choose {
        otherwise: usize,
        end: usize,
    },
    Jump {
        to: usize,
    },
    List {
        count: usize,
    },
    Call {
        function: Function,
        count: usize,
    },
}

/// A value, or why there is none.
pub(super) type Outcome = Result<Item, Failure>;

impl Item {
    /// The word of the language for its type.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Item::Bool(_) => "bool",
            Item::Int(_) => "int",
            Item::Uint(_) => "uint",
            Item::Double(_) => "double",
            Item::Text(_) => "string",
            Item::List(_) => "list",
        }
    }

    /// Which one is greater; numbers of every type are compared with each other. `None` for what cannot be compared.
    pub(super) fn compare(&self, other: &Item) -> Option<Ordering> {
        match (self, other) {
            (Item::Bool(left), Item::Bool(right)) => Some(left.cmp(right)),
            (Item::Int(left), Item::Int(right)) => Some(left.cmp(right)),
            (Item::Uint(left), Item::Uint(right)) => Some(left.cmp(right)),
            (Item::Text(left), Item::Text(right)) => Some(left.cmp(right)),
            (Item::Int(left), Item::Uint(right)) => {
                Some(u64::try_from(*left).map_or(Ordering::Less, |left| left.cmp(right)))
            }
            (Item::Uint(_), Item::Int(_)) => other.compare(self).map(Ordering::reverse),
            (left, right) => left.number()?.partial_cmp(&right.number()?),
        }
    }

    /// It is a number of any type.
    fn number(&self) -> Option<f64> {
        match self {
            Item::Int(number) => Some(*number as f64),
            Item::Uint(number) => Some(*number as f64),
            Item::Double(number) => Some(*number),
            Item::Bool(_) | Item::Text(_) | Item::List(_) => None,
        }
    }

    fn equals(&self, other: &Item) -> bool {
        match (self, other) {
            (Item::List(left), Item::List(right)) => {
                left.len() == right.len() && left.iter().zip(right).all(|(left, right)| left.equals(right))
            }
            (left, right) => left.compare(right) == Some(Ordering::Equal),
        }
    }
}

/// The value of an expression for these values of its variables.
pub(super) fn run(steps: &[Step], variables: &[Item]) -> Outcome {
    let nothing = || failed("the expression has no value");
    let mut stack: Vec<Outcome> = Vec::new();
    let mut next = 0;
    while let Some(step) = steps.get(next) {
        next += 1;
        let outcome = match step {
            Step::Constant(item) => Ok(item.clone()),
            Step::Variable { index } => variables.get(*index).cloned().ok_or_else(nothing),
            Step::Not => stack.pop().ok_or_else(nothing).flatten().and_then(not),
            Step::Negate => stack.pop().ok_or_else(nothing).flatten().and_then(negated),
            Step::Binary(operator) => {
                let (right, left) = (stack.pop(), stack.pop());
                let (left, right) = (left.ok_or_else(nothing).flatten(), right.ok_or_else(nothing).flatten());
                left.and_then(|left| operator.of_both(left, right?))
            }
            Step::SkipIf { value, to } => {
                if stack.last() == Some(&Ok(Item::Bool(*value))) {
                    next = *to;
                }
                continue;
            }
            Step::Both { is_and } => {
                let (right, left) = (stack.pop(), stack.pop());
                both(
                    *is_and,
                    left.ok_or_else(nothing).flatten(),
                    right.ok_or_else(nothing).flatten(),
                )
            }
            Step::Choose { otherwise, end } => match stack.pop().ok_or_else(nothing).flatten() {
                Ok(Item::Bool(true)) => continue,
                Ok(Item::Bool(false)) => {
                    next = *otherwise;
                    continue;
                }
                other => {
                    next = *end;
                    other.and_then(|item| Err(misfit("the condition before '?'", &[&item])))
                }
            },
            Step::Jump { to } => {
                next = *to;
                continue;
            }
            Step::List { count } => last(&mut stack, *count).map(Item::List),
            Step::Call { function, count } => last(&mut stack, *count).and_then(|items| function(&items)),
        };
        stack.push(outcome);
    }
    stack.pop().ok_or_else(nothing).flatten()
}

/// Takes so many values, in their order; the first failure among them is the failure of all.
fn last(stack: &mut Vec<Outcome>, count: usize) -> Result<Vec<Item>, Failure> {
    stack.split_off(stack.len().saturating_sub(count)).into_iter().collect()
}

fn not(item: Item) -> Outcome {
    match item {
        Item::Bool(value) => Ok(Item::Bool(!value)),
        other => Err(misfit("'!'", &[&other])),
    }
}

fn negated(item: Item) -> Outcome {
    match item {
        Item::Int(number) => number.checked_neg().map(Item::Int).ok_or_else(too_large),
        Item::Double(number) => Ok(Item::Double(-number)),
        other => Err(misfit("'-'", &[&other])),
    }
}

/// One side alone decides where it can, whatever becomes of the other.
fn both(is_and: bool, left: Outcome, right: Outcome) -> Outcome {
    let sign = if is_and { "'&&'" } else { "'||'" };
    match (left, right) {
        (Ok(Item::Bool(_)), Ok(Item::Bool(right))) => Ok(Item::Bool(right)),
        (_, Ok(Item::Bool(right))) if right != is_and => Ok(Item::Bool(right)),
        (_, Err(failure)) | (Err(failure), _) => Err(failure),
        (Ok(left), Ok(right)) => Err(misfit(sign, &[&left, &right])),
    }
}

pub(super) fn too_large() -> Failure {
    failed("the number leaves the range of 64 bits")
}

impl Binary {
    /// The operator of a sign.
    pub(super) fn of(sign: &str) -> Binary {
        match sign {
            "==" => Binary::Equal,
            "!=" => Binary::Unequal,
            "<=" => Binary::LessOrEqual,
            ">=" => Binary::GreaterOrEqual,
            "<" => Binary::Less,
            ">" => Binary::Greater,
            "in" => Binary::In,
            "+" => Binary::Add,
            "-" => Binary::Subtract,
            "*" => Binary::Multiply,
            "/" => Binary::Divide,
            "%" => Binary::Remainder,
            _ => Binary::Index,
        }
    }

    const fn sign(self) -> &'static str {
        match self {
            Binary::Equal => "'=='",
            Binary::Unequal => "'!='",
            Binary::LessOrEqual => "'<='",
            Binary::GreaterOrEqual => "'>='",
            Binary::Less => "'<'",
            Binary::Greater => "'>'",
            Binary::In => "'in'",
            Binary::Add => "'+'",
            Binary::Subtract => "'-'",
            Binary::Multiply => "'*'",
            Binary::Divide => "'/'",
            Binary::Remainder => "'%'",
            Binary::Index => "'[]'",
        }
    }

    fn of_both(self, left: Item, right: Item) -> Outcome {
        let ordered = |fits: fn(Ordering) -> bool| match left.compare(&right) {
            Some(ordering) => Ok(Item::Bool(fits(ordering))),
            None => Err(misfit(self.sign(), &[&left, &right])),
        };
        match self {
            Binary::Equal => Ok(Item::Bool(left.equals(&right))),
            Binary::Unequal => Ok(Item::Bool(!left.equals(&right))),
            Binary::LessOrEqual => ordered(Ordering::is_le),
            Binary::GreaterOrEqual => ordered(Ordering::is_ge),
            Binary::Less => ordered(Ordering::is_lt),
            Binary::Greater => ordered(Ordering::is_gt),
            Binary::In => match &right {
                Item::List(items) => Ok(Item::Bool(items.iter().any(|item| item.equals(&left)))),
                _ => Err(misfit(self.sign(), &[&left, &right])),
            },
            Binary::Index => index(left, &right),
            _ => self.calculate(left, right),
        }
    }

    fn calculate(self, left: Item, right: Item) -> Outcome {
        let is_by_zero =
            matches!(self, Binary::Divide | Binary::Remainder) && matches!(right, Item::Int(0) | Item::Uint(0));
        match (left, right) {
            (Item::Int(_), Item::Int(_)) | (Item::Uint(_), Item::Uint(_)) if is_by_zero => {
                Err(failed("division by zero"))
            }
            (Item::Int(left), Item::Int(right)) => {
                let result = match self {
                    Binary::Add => left.checked_add(right),
                    Binary::Subtract => left.checked_sub(right),
                    Binary::Multiply => left.checked_mul(right),
                    Binary::Divide => left.checked_div(right),
                    _ => left.checked_rem(right),
                };
                result.map(Item::Int).ok_or_else(too_large)
            }
            (Item::Uint(left), Item::Uint(right)) => {
                let result = match self {
                    Binary::Add => left.checked_add(right),
                    Binary::Subtract => left.checked_sub(right),
                    Binary::Multiply => left.checked_mul(right),
                    Binary::Divide => left.checked_div(right),
                    _ => left.checked_rem(right),
                };
                result.map(Item::Uint).ok_or_else(too_large)
            }
            (Item::Double(left), Item::Double(right)) if self != Binary::Remainder => Ok(Item::Double(match self {
                Binary::Add => left + right,
                Binary::Subtract => left - right,
                Binary::Multiply => left * right,
                _ => left / right,
            })),
            (Item::Text(left), Item::Text(right)) if self == Binary::Add => match left.len() + right.len() {
                len if len > TEXT_LEN_MAX => Err(super::too_long(len)),
                _ => Ok(Item::Text(format!("{left}{right}").into())),
            },
            (Item::List(mut left), Item::List(right)) if self == Binary::Add => {
                left.extend(right);
                Ok(Item::List(left))
            }
            (left, right) => Err(misfit(self.sign(), &[&left, &right])),
        }
    }
}

fn index(list: Item, index: &Item) -> Outcome {
    let place = match index {
        Item::Int(number) => usize::try_from(*number).ok(),
        Item::Uint(number) => usize::try_from(*number).ok(),
        // A whole number is a place, however it is written; the cast is exact within these borders.
        Item::Double(number) if number.fract() == 0.0 => {
            (0.0..=f64::from(u32::MAX)).contains(number).then_some(*number as usize)
        }
        _ => return Err(misfit(Binary::Index.sign(), &[&list, index])),
    };
    match list {
        Item::List(mut items) => match place {
            Some(place) if place < items.len() => Ok(items.swap_remove(place)),
            _ => Err(failed("the list has no element of this number")),
        },
        other => Err(misfit(Binary::Index.sign(), &[&other, index])),
    }
}
