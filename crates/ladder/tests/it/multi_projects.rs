//! Project files with several contexts and routes (PL-71).

use crosstie_ladder::project::{MultiProject, Project, read_multi_project};
use crosstie_ladder::text;

fn read(source: &str) -> MultiProject {
    read_multi_project(source).unwrap_or_else(|problems| panic!("{source}\n{problems:?}"))
}

const WRITTEN: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<MultiPLCProject version="1.0">
  <Contexts activeContext="b">
    <Context id="a" name="Press">
      <FilePath>press.plcproj</FilePath>
      <Program>
        <PLCProject version="3.2">
          <Metadata>
            <Name>press</Name>
          </Metadata>
          <SymbolTable/>
          <Programs>
            <Program name="press" type="Main">
              <Rungs>
                <Rung id="0" number="0">
                  <Instruction type="XIC" column="0" address="I:0/0"/>
                  <Instruction type="OTE" column="1" address="O:0/0"/>
                </Rung>
              </Rungs>
            </Program>
          </Programs>
          <Colour/>
        </PLCProject>
      </Program>
    </Context>
    <Context id="b" name="Belt" colour="red">
      <FilePath>belt.plcproj</FilePath>
    </Context>
  </Contexts>
  <Routes enabled="true">
    <Route routeId="r1" srcContext="a" srcAddress="O:0/0" dstContext="b" dstAddress="I:0/3" dataType="1" enabled="false" intervalMs="20" description="d &amp; e"/>
    <Route routeId="route-2" srcContext="" srcAddress="N:0" dstContext="" dstAddress="N:1" dataType="0" enabled="true" intervalMs="50"/>
  </Routes>
  <Layout/>
</MultiPLCProject>
"#;

#[test]
fn pl71_contexts_routes_and_everything_else_come_back_as_they_stood() {
    let project = read(WRITTEN);
    assert_eq!(project.write(), WRITTEN);
    assert_eq!(project.active_context.as_deref(), Some("b"));
    let press = project.contexts[0].project.as_ref().unwrap();
    assert_eq!(text::rung(&press.program.rungs[0]), "SOR XIC I:0/0 OTE O:0/0 EOR");
    assert_eq!(press.program.rungs[0].place.unwrap().line, 15);
    assert_eq!(project.contexts[1].project, None);
    assert_eq!(project.contexts[1].file_path.as_deref(), Some("belt.plcproj"));
    let shown: Vec<_> = project
        .warnings
        .iter()
        .map(|warning| warning.place.unwrap().line)
        .collect();
    assert_eq!(shown, [22, 34]);
    // A project that is taken out of it is a file of its own.
    let alone = crosstie_ladder::project::read_project(&press.write());
    assert_eq!(alone.map(Project::without_places), Ok(press.clone().without_places()));
}

#[test]
fn pl71_routes_are_read_in_any_case_as_attributes_or_elements() {
    let source = "<MultiPLCProject version='2'><Routes Enabled='x' enabled='0'>\
        <Route ID='one' SRCADDRESS='I:0/0' datatype='BOOL' other='1'><dstAddress>B:0/1</dstAddress><IntervalMs> 5 </IntervalMs>\
        <Enabled>False</Enabled></Route></Routes></MultiPLCProject>";
    let project = read(source);
    assert!(!project.routes_enabled);
    let route = &project.routes[0];
    assert_eq!((route.route_id.as_str(), route.src_address.as_str()), ("one", "I:0/0"));
    assert_eq!(
        (
            route.dst_address.as_str(),
            route.interval_ms,
            route.enabled,
            route.data_type
        ),
        ("B:0/1", 5, false, 0)
    );
    let written = project.write();
    assert!(written.contains("intervalMs=\"5\" other=\"1\"/>"), "{written}");
    assert_eq!(read(&written).without_places(), project.without_places());
    let empty = read("<MultiPLCProject version='1'/>");
    assert!(empty.routes_enabled && empty.contexts.is_empty());
}

#[test]
fn pl71_problems_of_all_contexts_are_told_at_once() {
    let source = "<MultiPLCProject>\n<Contexts>\n<Context name='n'><Program><PLCProject><Programs><Program><Rungs><Rung>\n\
        <Instruction type='FOO'/></Rung></Rungs></Program></Programs></PLCProject></Program></Context>\n\
        <Context id='a'/>\n<Context id='a'/>\n</Contexts>\n\
        <Routes enabled='perhaps'><Route intervalMs='soon' enabled='2'/></Routes>\n</MultiPLCProject>";
    let problems: Vec<_> = read_multi_project(source)
        .unwrap_err()
        .iter()
        .map(|problem| format!("{} {:.46}", problem.place.unwrap().line, problem.text))
        .collect();
    assert_eq!(
        problems,
        [
            "1 expected `version` such as 1.0 in `MultiPLCPro",
            "3 expected an `id` in `Context`",
            "3 expected `version` such as 3.2 in `PLCProject`",
            "4 expected an instruction such as XIC, OTE or TO",
            "6 context `a` stands twice: give one of them ano",
            "8 expected true or false in `enabled`, got `perh",
            "8 expected milliseconds in `intervalMs`, got `so",
            "8 expected true or false in `enabled`, got `2`",
        ]
    );
    let refused = |source: &str, expected: &str| {
        let problems = read_multi_project(source).unwrap_err();
        assert!(problems[0].text.contains(expected), "{problems:?}");
    };
    refused("<PLCProject version='3.2'/>", "expected `MultiPLCProject`");
    refused(
        "<!DOCTYPE a><MultiPLCProject version='1'/>",
        "expected no document type",
    );
    let contexts: String = (0..65).map(|number| format!("<Context id='{number}'/>")).collect();
    refused(
        &format!("<MultiPLCProject version='1'><Contexts>{contexts}</Contexts></MultiPLCProject>"),
        "expected at most 64 contexts",
    );
    let routes = "<Route/>".repeat(10_001);
    refused(
        &format!("<MultiPLCProject version='1'><Routes>{routes}</Routes></MultiPLCProject>"),
        "expected at most 10000 routes",
    );
}
