//! Who may do what to PLC contexts.

use crate::plc_requests::{LINE, ask, command, force, house_with, line, program, row, write};
use crosstie_hub::access::{Access, Role, Scope};
use crosstie_hub::api::plc::{PlcReply, PlcRequest};
use crosstie_hub::api::{Refused, Reply, Request};
use crosstie_hub::signal::Value;
use crosstie_ladder::controller::Command;
use std::sync::Arc;

pub(crate) fn key(role: Role, view: Option<&[&str]>, write: Option<&[&str]>) -> Arc<Access> {
    let scope = |patterns: Option<&[&str]>| {
        let texts: Option<Vec<String>> = patterns.map(|texts| texts.iter().map(|text| (*text).to_owned()).collect());
        Scope::new(texts.as_deref())
    };
    Arc::new(Access {
        key: Some("k7".into()),
        ring: 1,
        who: "HMI".into(),
        role,
        view: scope(view),
        write: scope(write),
    })
}

#[test]
fn a_viewer_looks_an_operator_starts_and_writes_an_engineer_changes() {
    let force = PlcRequest::Force {
        context: line(),
        address: String::from("I:0/3"),
        value: Value::Bool(true),
        reason: String::new(),
        expires_after: None,
    };
    let release = |address: Option<&str>| PlcRequest::Release {
        context: line(),
        address: address.map(str::to_owned),
    };
    let requests = [
        (Role::Viewer, PlcRequest::Contexts),
        (Role::Viewer, PlcRequest::Program { context: line() }),
        (Role::Viewer, PlcRequest::Memory { context: line() }),
        (Role::Operator, command(Command::Reset)),
        (Role::Operator, write("I:0/0", Value::Bool(true))),
        (Role::Engineer, command(Command::StepScan)),
        (Role::Engineer, force),
        (Role::Engineer, release(Some("I:0/3"))),
        (Role::Engineer, release(None)),
        (Role::Engineer, PlcRequest::ClearProgram { context: line() }),
        (
            Role::Engineer,
            PlcRequest::Download {
                context: line(),
                program: program(LINE),
            },
        ),
        (
            Role::Engineer,
            PlcRequest::Breakpoint {
                context: line(),
                rung: 0,
                is_set: true,
            },
        ),
        (Role::Engineer, PlcRequest::ClearBreakpoints { context: line() }),
        (Role::Engineer, PlcRequest::Create { name: None }),
        (
            Role::Engineer,
            PlcRequest::Remove {
                context: String::from("PLC 1"),
            },
        ),
    ];
    let mut house = house_with("line");
    for (needed, request) in requests {
        for role in [Role::Viewer, Role::Operator, Role::Engineer] {
            let reply = house.ask_as(key(role, None, None), Request::Plc(request.clone()));
            let is_forbidden = matches!(reply, Reply::Refused(Refused::Forbidden { .. }));
            assert_eq!(is_forbidden, role < needed, "{role:?}: {request:?}: {reply:?}");
        }
    }
    let actors: Vec<_> = house.audited.iter().map(|entry| &*entry.by.access.who).collect();
    assert!(actors.iter().all(|who| *who == "HMI"), "{actors:?}");
}

#[test]
fn a_write_or_force_needs_the_scope_of_its_signal_and_the_memory_that_of_all() {
    let mut house = house_with("line");
    let hmi = key(
        Role::Engineer,
        Some(&["plc/line/I:0/3", "plc/line/N:7"]),
        Some(&["plc/*/I:0/3"]),
    );
    let mut as_hmi = |request| house.ask_as(hmi.clone(), Request::Plc(request));
    let is_written = |reply: &Reply| matches!(reply, Reply::Plc(PlcReply::Written { .. }));
    assert!(is_written(&as_hmi(write("i:0/3", Value::Bool(true)))));
    let seen_only = as_hmi(write("Speed", Value::Int(1)));
    assert!(
        matches!(seen_only, Reply::Refused(Refused::Forbidden { .. })),
        "{seen_only:?}"
    );
    let unseen = as_hmi(write("Start", Value::Bool(true)));
    assert!(
        matches!(&unseen, Reply::Refused(Refused::NotFound { what: "signal", .. })),
        "{unseen:?}"
    );
    let memory = as_hmi(PlcRequest::Memory { context: line() });
    assert!(
        matches!(memory, Reply::Refused(Refused::Forbidden { .. })),
        "{memory:?}"
    );

    // A force that it may not see is not shown to it, and not ended by it.
    ask(&mut house, force("Start", "test", None));
    ask(&mut house, force("I:0/3", "test", None));
    let mut as_hmi = |request| house.ask_as(hmi.clone(), Request::Plc(request));
    match as_hmi(PlcRequest::Context { context: line() }) {
        Reply::Plc(PlcReply::Context(row, _)) => {
            let forces: Vec<&str> = row.forces.iter().map(|force| &*force.address).collect();
            assert_eq!(forces, ["I:0/3"]);
        }
        other => panic!("{other:?}"),
    }
    let release = |address: Option<&str>| PlcRequest::Release {
        context: line(),
        address: address.map(str::to_owned),
    };
    match as_hmi(release(None)) {
        Reply::Refused(refused @ Refused::Forbidden { .. }) => assert_eq!(
            refused.to_string(),
            "HMI is engineer and may not end all forces: its key does not cover all of them"
        ),
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        as_hmi(release(Some("I:0/3"))),
        Reply::Plc(PlcReply::Context(..))
    ));
    assert_eq!(row(&mut house).forces.len(), 1);

    let viewer = key(Role::Viewer, Some(&["plc/line/**"]), None);
    let memory = house.ask_as(viewer, Request::Plc(PlcRequest::Memory { context: line() }));
    assert!(matches!(memory, Reply::Plc(PlcReply::Memory(_))), "{memory:?}");
}
