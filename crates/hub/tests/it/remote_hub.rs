//! A hub whose context is an engine of another hub (PL-90, generation 0.2).

use crate::house::{House, Wire};
use crosstie_hub::api::plc::{ContextRow, LinkColor, PlcReply, PlcRequest, Written};
use crosstie_hub::api::{Reply, Request};
use crosstie_hub::plc::PlcId;
use crosstie_hub::settings::{PiplcSettings, PlcSettings, RemoteSettings, Settings};
use crosstie_hub::signal::{Quality, Value};
use crosstie_hub::{ConnId, Face, Input};
use crosstie_ladder::controller::{Command, ControllerState};
use std::time::Duration;

struct Two {
    /// Holds the engine.
    plant: House,
    /// Its client.
    office: House,
    wire: Option<(ConnId, ConnId)>,
    dials: usize,
}

fn hub(id: &str, plc: PlcSettings) -> House {
    House::with(Settings {
        plcs: vec![plc],
        piplc: PiplcSettings {
            engine_id: id.into(),
            ..PiplcSettings::default()
        },
        ..Settings::default()
    })
}

fn far(context: Option<&str>) -> PlcSettings {
    PlcSettings {
        remote: Some(RemoteSettings {
            url: "ws://plant:9100/".into(),
            context: context.map(str::to_owned),
        }),
        ..PlcSettings::named("far")
    }
}

impl Two {
    fn new(context: Option<&str>, office_id: &str) -> Two {
        let program = "SOR XIC I:0/0 OTE O:0/0 EOR\nSOR MOV N:0 N:1 EOR\n";
        let plant = hub("plant", crate::plc_signals::context(program));
        let mut two = Two {
            plant,
            office: hub(office_id, far(context)),
            wire: None,
            dials: 0,
        };
        two.run_for(300);
        two
    }

    fn run_for(&mut self, millis: u64) {
        for _ in 0..millis {
            if let Some((at_plant, at_office)) = self.wire {
                for message in std::mem::take(&mut self.office.peer(at_office).inbox) {
                    self.plant.say_text(at_plant, message.to_string());
                }
                for message in std::mem::take(&mut self.plant.peer(at_plant).inbox) {
                    self.office.say_text(at_office, message.to_string());
                }
                for (_, frame) in std::mem::take(&mut self.plant.peer(at_plant).binary) {
                    let (bytes, frame) = (frame.len() as u32, frame.into());
                    self.office.give(Input::Snapshot {
                        conn: at_office,
                        frame,
                        bytes,
                    });
                }
                if self.office.peer(at_office).closed.is_some() {
                    self.plant.disconnect(at_plant);
                    self.office.peers.remove(&at_office);
                    self.wire = None;
                }
            }
            while self.dials < self.office.engine_dials.len() {
                self.dials += 1;
                let at_plant = self.plant.connect_as(Face::Piplc, Wire::default());
                let at_office = self.office.connect_as(Face::Engine(PlcId(0)), Wire::default());
                self.wire = Some((at_plant, at_office));
            }
            self.plant.run_for(Duration::from_millis(1));
            self.office.run_for(Duration::from_millis(1));
        }
    }

    fn ask(&mut self, request: PlcRequest) -> Result<PlcReply, String> {
        let ticket = self.office.ask_later(Request::Plc(request));
        self.run_for(100);
        match self.office.reply(ticket) {
            Some(Reply::Plc(reply)) => Ok(reply),
            Some(Reply::Refused(refused)) => Err(refused.to_string()),
            other => panic!("{other:?}"),
        }
    }

    fn row(&mut self) -> ContextRow {
        let context = String::from("far");
        match self.office.ask(Request::Plc(PlcRequest::Context { context })) {
            Reply::Plc(PlcReply::Context(row, _)) => *row,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn pl90_a_context_of_another_hub_is_operated_like_a_local_one() {
    let mut two = Two::new(Some("line"), "office");
    let row = two.row();
    let link = row.link.unwrap();
    assert_eq!((link.color, link.reason), (LinkColor::Green, None));
    assert_eq!(
        (link.server.as_deref(), link.dialect),
        (Some("Crosstie 0.2.0"), Some("0.2"))
    );
    assert_eq!((row.state, row.program.unwrap().rungs), (ControllerState::Running, 2));
    for (address, value) in [
        ("I:0/0", Value::Bool(true)),
        ("N:0", Value::Int(-5)),
        ("B:3", Value::Int(7)),
        ("T:4.PRE", Value::Int(900)),
        ("C:1.CU", Value::Bool(true)),
        ("N:9/3", Value::Bool(true)),
    ] {
        let context = String::from("far");
        let reply = two.ask(PlcRequest::Write {
            context,
            address: address.into(),
            value: value.clone(),
        });
        assert!(
            matches!(&reply, Ok(PlcReply::Written(Written { stored, .. })) if *stored == value),
            "{address}: {reply:?}"
        );
        assert_eq!(two.plant.row(&format!("plc/line/{address}")).value, value, "{address}");
    }
    let output = two.office.row("plc/far/O:0/0");
    assert_eq!((output.value, output.quality), (Value::Bool(true), Quality::Good));
    let context = String::from("far");
    let command = Command::StepScan;
    let refused = two.ask(PlcRequest::Command { context, command }).unwrap_err();
    assert!(refused.contains("the engine refuses"), "{refused}");
    let context = String::from("far");
    let stopped = two.ask(PlcRequest::Command {
        context,
        command: Command::Stop,
    });
    assert!(matches!(stopped, Ok(PlcReply::Context(row, _)) if row.state == ControllerState::Stopped));
    let (context, program) = (
        String::from("far"),
        crate::plc_signals::program("SOR XIC B:0/0 OTE O:0/1 EOR\n"),
    );
    two.ask(PlcRequest::Download { context, program }).unwrap();
    two.run_for(100);
    assert_eq!(two.row().program.unwrap().by, "this machine");
    let at_plant = two
        .plant
        .ask(Request::Plc(PlcRequest::Program { context: "line".into() }));
    assert!(matches!(at_plant, Reply::Plc(PlcReply::Program(row)) if row.summary.rungs == 1));
}

#[test]
fn pl90_a_context_that_is_not_there_is_red_and_names_those_that_are() {
    let mut two = Two::new(Some("lime"), "office");
    let link = two.row().link.unwrap();
    assert_eq!(link.color, LinkColor::Red);
    assert_eq!(link.reason.unwrap(), "the engine has no context 'lime'; it has line");
}

#[test]
fn pl90_a_hub_is_no_remote_engine_of_itself() {
    let mut two = Two::new(None, "plant");
    let link = two.row().link.unwrap();
    assert_eq!(link.color, LinkColor::Red);
    assert!(link.reason.unwrap().contains("this hub itself"));
}

#[test]
fn pl90_a_hub_that_ends_is_lost_and_its_engine_is_found_again() {
    let mut two = Two::new(None, "office");
    two.plant.give(Input::ShuttingDown);
    two.run_for(20);
    let link = two.row().link.unwrap();
    assert_eq!(link.color, LinkColor::Red);
    assert!(link.reason.unwrap().contains("Server shutting down"));
    two.run_for(3_500);
    assert_eq!(two.row().link.unwrap().color, LinkColor::Green);
}
