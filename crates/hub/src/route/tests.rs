use super::*;
use crate::signal::Kind;

fn house() -> (SignalSpace, Routes) {
    let mut space = SignalSpace::new(99, 99);
    for (name, owner, kind) in [
        ("twin/a/bit", Owner::Peer, Kind::Bool),
        ("twin/b/bit", Owner::Hub, Kind::Bool),
        ("twin/c/bit", Owner::Hub, Kind::Bool),
        ("twin/b/number", Owner::Hub, Kind::Float),
        ("twin/b/count", Owner::Hub, Kind::Int),
    ] {
        space.create(Time::ZERO, name, owner, Value::zero(kind)).unwrap();
    }
    (space, Routes::default())
}

fn lay(space: &mut SignalSpace, routes: &mut Routes, setting: &RouteSetting) -> Result<u32, Refused> {
    let draft = routes.check(space, setting, 9_999, None)?;
    Ok(routes.add(space, draft, Maker::Api, None))
}

fn add(space: &mut SignalSpace, routes: &mut Routes, from: &str, to: &str) -> Result<u32, Refused> {
    lay(space, routes, &RouteSetting::plain(from, to))
}

fn formula(from: &str, to: &str, expr: &str, inputs: &[(&str, &str)]) -> RouteSetting {
    let mut setting = RouteSetting::plain(from, to);
    setting.transform.expr = Some(expr.to_owned());
    let inputs = inputs
        .iter()
        .map(|(name, signal)| ((*name).to_owned(), (*signal).to_owned()));
    setting.transform.inputs = inputs.collect();
    setting
}

fn refusal(space: &mut SignalSpace, routes: &mut Routes, from: &str, to: &str) -> String {
    add(space, routes, from, to).unwrap_err().to_string()
}

#[test]
fn a_route_that_breaks_a_rule_is_refused_with_the_reason() {
    let (mut space, mut routes) = house();
    let mut check = |from: &str, to: &str, words: &str| {
        let text = refusal(&mut space, &mut routes, from, to);
        assert!(text.contains(words), "{text}");
    };
    check("twin/b/bit", "twin/a/bit", "second writer");
    check("twin/b/number", "twin/b/count", "does not convert");
    check("nonsense", "twin/b/bit", "should begin with");
    check("twin/b/bit", "twin/b/bit", "circle: twin/b/bit → twin/b/bit");
    check(
        "twin/b/bit",
        "twin/$1/bit",
        "'twin/$1/bit': expected '*' in 'twin/b/bit'",
    );
    check(
        "twin/*/bit",
        "twin/$2/bit",
        "'to': 'twin/$2/bit' names $2, and 'twin/*/bit' has 1 wildcards",
    );
    check("twin/*/bit", "twin/$0/bit", "not $0");
    check("twin/*/bit", "twin/*/bit", "'to': 'twin/*/bit': expected $1");
    check("twin/*/bit", "nonsense/$1", "should begin with");
    check(
        "twin/**/bit",
        "twin/x/$1",
        "'from': 'twin/**/bit': '**' stands for the rest",
    );
}

#[test]
fn two_routes_into_one_signal_and_circles_over_several_are_refused() {
    let (mut space, mut routes) = house();
    add(&mut space, &mut routes, "twin/a/bit", "twin/b/bit").unwrap();
    add(&mut space, &mut routes, "twin/b/bit", "twin/c/bit").unwrap();
    let second = refusal(&mut space, &mut routes, "twin/c/bit", "twin/b/bit");
    assert!(second.contains("from 'twin/a/bit' already"), "{second}");
    add(&mut space, &mut routes, "twin/c/bit", "twin/d/later").unwrap();
    let circle = refusal(&mut space, &mut routes, "twin/d/later", "twin/a/bit");
    assert!(
        circle.contains("twin/d/later → twin/a/bit → twin/b/bit → twin/c/bit → twin/d/later"),
        "{circle}"
    );
}

#[test]
fn a_circle_through_an_input_is_a_circle() {
    let (mut space, mut routes) = house();
    let first = formula("twin/a/bit", "twin/b/bit", "value && other", &[("other", "twin/c/bit")]);
    lay(&mut space, &mut routes, &first).unwrap();
    let circle = refusal(&mut space, &mut routes, "twin/b/bit", "twin/c/bit");
    assert_eq!(
        circle,
        "the routes would go in a circle: twin/b/bit → twin/c/bit → twin/b/bit"
    );
    let own = formula("twin/a/bit", "twin/c/bit", "value && other", &[("other", "twin/c/bit")]);
    let circle = lay(&mut space, &mut routes, &own).unwrap_err().to_string();
    assert_eq!(circle, "the routes would go in a circle: twin/c/bit → twin/c/bit");
}

#[test]
fn a_circle_over_a_thousand_routes_is_found() {
    let mut space = SignalSpace::new(2_000, 99);
    let mut routes = Routes::default();
    let name = |index: usize| format!("twin/a/s{index}");
    for index in 0..=1_000 {
        space
            .create(Time::ZERO, &name(index), Owner::Hub, Value::Bool(false))
            .unwrap();
    }
    for index in (0..1_000).rev() {
        add(&mut space, &mut routes, &name(index), &name(index + 1)).unwrap();
    }
    let circle = refusal(&mut space, &mut routes, &name(1_000), &name(0));
    assert_eq!(circle.matches(" → ").count(), 1_001, "{circle}");
    routes.set_ranks();
    let rank = |id: u32| routes.routes.get(&id).unwrap().rank;
    assert_eq!((rank(1_000), rank(1)), (0, 999));
}

#[test]
fn a_route_waits_for_its_signals_and_begins_when_they_appear() {
    let (mut space, mut routes) = house();
    let setting = formula(
        "twin/x/new",
        "twin/b/bit",
        "value && other",
        &[("other", "twin/x/other")],
    );
    let id = lay(&mut space, &mut routes, &setting).unwrap();
    let mut make = |routes: &mut Routes, name: &str| {
        let id = space.create(Time::ZERO, name, Owner::Peer, Value::Bool(true)).unwrap();
        routes.signal_created(&mut space, id);
        id
    };
    let waiting = |routes: &Routes| routes.row(id).unwrap().waiting;
    assert_eq!(waiting(&routes).unwrap(), "no signal is called 'twin/x/new' yet");
    let first = make(&mut routes, "twin/x/new");
    assert_eq!(waiting(&routes).unwrap(), "no signal is called 'twin/x/other' yet");
    let second = make(&mut routes, "twin/x/other");
    assert_eq!(waiting(&routes), None);
    assert_eq!(routes.sources(id), [first, second]);
    assert_eq!(routes.wanted, [id]);
    routes.remove(&mut space, id);
    assert!(routes.sources(id).is_empty());
    assert!(!space.cell(first).is_routed && !space.cell(second).is_routed);
    assert!(routes.by_source.is_empty() && routes.by_target.is_empty() && routes.waiting_for.is_empty());
}

#[test]
fn a_signal_that_appears_and_does_not_fit_is_named() {
    let (mut space, mut routes) = house();
    let mut setting = RouteSetting::plain("twin/x/new", "twin/b/bit");
    setting.transform.invert = true;
    let id = lay(&mut space, &mut routes, &setting).unwrap();
    let new = space
        .create(Time::ZERO, "twin/x/new", Owner::Peer, Value::Int(0))
        .unwrap();
    routes.signal_created(&mut space, new);
    let waiting = routes.row(id).unwrap().waiting.unwrap();
    assert_eq!(waiting, "invert: 'twin/x/new' is int; expected a bool");
}

#[test]
fn a_route_is_checked_without_signals_as_far_as_it_goes() {
    let said = |setting: &RouteSetting| setting.check(99).map_err(|refused| refused.to_string());
    assert_eq!(said(&formula("twin/a/x", "twin/b/y", "value > 1", &[])), Ok(()));
    let text = said(&formula("twin/a/x", "twin/b/y", "valu > 1", &[])).unwrap_err();
    assert!(text.contains("did you mean 'value'"), "{text}");
    let text = said(&formula("twin/*/x", "twin/b/y", "v", &[("v", "twin/$2/x")])).unwrap_err();
    assert_eq!(text, "'inputs.v': 'twin/$2/x' names $2, and 'twin/*/x' has 1 wildcards");
    let text = said(&RouteSetting::plain("twin/a/x", "twin/a/x")).unwrap_err();
    assert!(text.contains("circle"), "{text}");
}
