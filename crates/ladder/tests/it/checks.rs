//! What is wrong or doubtful in programs: PL-41, PL-63, PL-80.

use crosstie_ladder::check::check;
use crosstie_ladder::compile::CompiledProgram;
use crosstie_ladder::diagnostic::Diagnostic;
use crosstie_ladder::program::Program;
use crosstie_ladder::slots::assign_slots;
use crosstie_ladder::text;

fn program(source: &str) -> Program {
    text::read(source).unwrap()
}

/// Code, rung and column of each diagnostic.
fn found(diagnostics: &[Diagnostic]) -> Vec<String> {
    let shown = |number: Option<u32>| number.map_or("-".to_owned(), |number| number.to_string());
    let short = |found: &Diagnostic| format!("{} {} {}", found.code, shown(found.rung), shown(found.column));
    diagnostics.iter().map(short).collect()
}

fn checks(source: &str, expected: &[&str]) {
    assert_eq!(found(&check(&program(source))), expected, "{source}");
}

fn refuses(source: &str, expected: &[&str]) {
    let problems = CompiledProgram::new(&program(source)).unwrap_err();
    let texts: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(texts, expected, "{source}");
}

#[test]
fn pl80_every_check_of_the_editor() {
    checks("SOR EOR", &["E001 0 -"]);
    checks("SOR XIC I:0/0 EOR", &["E002 0 -"]);
    checks("SOR OTE O:0/0 EOR", &["E003 0 0"]);
    checks("SOR OTE O:0/0 XIC I:0/0 OTE O:0/1 EOR", &["E003 0 0"]);
    checks("SOR BST XIC I:0/0 NXB BND OTE O:0/0 EOR", &["W002 0 -", "E003 0 1"]);
    checks("SOR BST XIC I:0/0 NXB XIC I:0/1 BND OTE O:0/0 EOR", &[]);
    checks("SOR XIC I:0/0 OTE O:0/0 OTE O:0/0 EOR", &["E004 0 2"]);
    checks(
        "SOR XIC I:0/0 BST XIC I:0/1 OTE O:0/0 NXB XIC I:0/2 OTE O:0/0 BND EOR",
        &[],
    );
    checks(
        "SOR XIC I:0/0 BST OTE O:0/0 NXB OTE O:0/1 BND OTE O:0/0 EOR",
        &["E004 0 3"],
    );
    checks("SOR XIC I:0/0 OTL O:0/0 OTU O:0/0 EOR", &[]);
    checks("SOR XIC I:0/0 ADD N:0 1 N:0 ADD N:0 2 N:0 EOR", &[]);
    checks(
        "SOR XIC I:0/0 OTE O:0/0 EOR\nSOR XIC I:0/1 OTE O:0/0 EOR",
        &["E006 1 1"],
    );
    checks("SOR XIC I:0/0 {TON T:0 5} TON T:0 9 EOR", &["E007 0 0"]);
    checks("SOR XIC I:0/0 {TON T:0 5} OTE O:0/0 EOR", &[]);
    checks("SOR XIC I:0/0 BST OTE O:0/0 BND EOR", &["W001 0 -"]);
}

#[test]
fn pl41_all_problems_are_told_at_once_with_their_places() {
    refuses(
        "SOR XIC I:8/0 OTE ? EOR\nSOR XIC Start ADD N:0 T:0.DN T:0.PRE TON C:0 5 EOR\nSOR XIC N:5 OTE T:0.DN EOR",
        &[
            "E101 rung 0 column 0 (line 1, character 9): `address` of XIC: expected a word from 0 to 7, got 8",
            "E005 rung 0 column 1 (line 1, character 19): expected a bit of I, O, B or N such as `O:0/3` as `address` of OTE, \
             got nothing",
            "E101 rung 1 column 0 (line 2, character 9): expected a symbol of the program as `address` of XIC, got `Start`",
            "E102 rung 1 column 1 (line 2, character 23): expected a number or a word such as `N:7` or `T:4.ACC` as \
             `sourceB` of ADD, got `T:0.DN`",
            "E102 rung 1 column 1 (line 2, character 30): expected a word of I, O, B or N such as `N:7` as `dest` of ADD, got \
             `T:0.PRE`",
            "E102 rung 1 column 2 (line 2, character 42): expected a timer such as `T:4` as `address` of TON, got `C:0`",
            "E102 rung 2 column 0 (line 3, character 9): expected a bit such as `I:0/3`, `B:3/0` or `T:4.DN` as `address` of \
             XIC, got `N:5`",
            "E102 rung 2 column 1 (line 3, character 17): expected a bit of I, O, B or N such as `O:0/3` as `address` of OTE, \
             got `T:0.DN`",
        ],
    );
    refuses(
        "SOR MOV 99999999999 N:0 TON T:0 N:3 BSL N:0 1 N:1 N:9 RES N:0 EOR",
        &[
            "E101 rung 0 column 0 (line 1, character 9): `source` of MOV: expected a whole number from -2147483648 to \
             2147483647",
            "E102 rung 0 column 1 (line 1, character 33): expected a preset in milliseconds, 0 to 32767 as `preset` of TON, got \
             `N:3`",
            "E102 rung 0 column 2 (line 1, character 51): expected a word of B such as `B:3` as `ctrl` of BSL, got `N:9`",
            "E102 rung 0 column 3 (line 1, character 59): expected a timer or counter such as `T:4` as `address` of RES, got \
             `N:0`",
        ],
    );
}

#[test]
fn pl52_a_preset_that_does_not_fit_is_clamped_with_a_warning() {
    let compiled = CompiledProgram::new(&program(
        "SOR TON T:0 32768 TOF T:1 -1 CTU C:0 -32769 RTO T:2 32767 EOR",
    ))
    .unwrap();
    let warnings: Vec<_> = compiled
        .warnings()
        .iter()
        .map(|warning| warning.text.as_str())
        .collect();
    assert_eq!(
        warnings,
        [
            "`preset` of TON is 32768; it runs with 32767",
            "`preset` of TOF is -1; it runs with 0",
            "`preset` of CTU is -32769; it runs with -32768",
        ]
    );
}

#[test]
fn a_document_that_does_not_hold_together_is_refused() {
    refuses(
        "SYM A I:0/0\nSYM A I:0/1\nSOR XIC A OTE O:0/0 {OSR} EOR",
        &[
            "E103 (line 2, character 1): expected each symbol once, got `A` again",
            "E103 rung 0 column 1 (line 3, character 11): expected decorators on XIC and XIO only, got some on OTE",
        ],
    );
    let mut cut = program("SOR XIC I:0/0 ADD N:0 1 N:1 EOR");
    let crosstie_ladder::program::Element::Instruction(add) = &mut cut.rungs[0].elements[1] else {
        panic!()
    };
    add.operands.pop();
    let problems = CompiledProgram::new(&cut.without_places()).unwrap_err();
    assert_eq!(
        problems[0].to_string(),
        "E103 rung 0 column 1: expected 3 operands of ADD, got 2"
    );
}

#[test]
fn branches_in_each_other_have_a_limit() {
    let nested = |depth: usize| {
        format!(
            "SOR {}XIC I:0/0{} OTE O:0/0 EOR",
            "BST ".repeat(depth),
            " BND".repeat(depth)
        )
    };
    CompiledProgram::new(&program(&nested(32))).unwrap();
    let problems = text::read(&nested(33)).unwrap_err();
    assert_eq!(
        problems[0].to_string(),
        "E103 rung 0 (line 1, character 133): expected at most 32 branches in each other"
    );
    // The same from another reader, which may not have looked.
    let mut deep = program(&nested(32)).without_places();
    let inner = std::mem::take(&mut deep.rungs[0].elements);
    let branch = crosstie_ladder::program::Branch {
        paths: vec![inner],
        place: None,
    };
    deep.rungs[0].elements = vec![crosstie_ladder::program::Element::Branch(branch)];
    let problems = CompiledProgram::new(&deep).unwrap_err();
    assert_eq!(
        problems[0].to_string(),
        "E103 rung 0: expected at most 32 branches in each other"
    );
    check(&deep);
}

#[test]
fn pl64_decorators_without_a_slot_get_the_lowest_free_one_and_a_symbol() {
    let mut assigned = program(
        "SYM Delay T:1\nSYM DEC_TOF_3 I:0/5\n\
         SOR XIC I:0/0 {TON ? 5} {TOF ? 6} {COUNTER ? 2} {OSR} XIC T:2.DN XIC C:0.DN TON T:4 9 EOR\n\
         SOR XIC I:0/1 {TON ? 7} OTE O:0/0 EOR",
    );
    assign_slots(&mut assigned);
    let expected = "SYM Delay T:1\nSYM DEC_TOF_3 I:0/5\n\
         SYM DEC_TON_0 T:0 TIMER \"Auto-created for decorator\"\n\
         SYM DEC_CTR_1 C:1 COUNTER \"Auto-created for decorator\"\n\
         SYM DEC_TON_5 T:5 TIMER \"Auto-created for decorator\"\n\
         SOR XIC I:0/0 {TON T:0 5} {TOF T:3 6} {COUNTER C:1 2} {OSR} XIC T:2.DN XIC C:0.DN TON T:4 9 EOR\n\
         SOR XIC I:0/1 {TON T:5 7} OTE O:0/0 EOR\n";
    assert_eq!(text::write(&assigned), expected);

    let mut full = program(&format!("SOR {}OTE O:0/0 EOR", "XIC I:0/0 {COUNTER ? 1} ".repeat(65)));
    assign_slots(&mut full);
    let problems = CompiledProgram::new(&full).unwrap_err();
    assert_eq!(found(&problems), ["E005 0 64"]);
}
