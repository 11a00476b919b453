//! The text form: what it looks like, and what is wrong with one (PL-73).

use crosstie_ladder::text;

#[test]
fn pl73_the_form_of_the_contract_is_kept_to_the_letter() {
    let source = "PROGRAM \"Line 1\"\n\
        SYM Start I:0/0 BOOL \"the green \\\"button\\\"\"\n\
        SYM Plain N:3\n\
        SYM Named N:4 \"\" \"only a description\"\n\
        RUNG \"Motor\" \"two\\nlines\"\n\
        SOR BST XIC I:0/0 NXB XIC O:0/0 BND XIO I:0/1 TON T:0 500 OTE O:0/0 EOR\n\
        RUNG \"\" \"a comment only\"\n\
        SOR XIC Start {TON T:3 100} {OSR} BSL N:1 1 N:2 ? SCL N:0 0 4095 0 10000 N:3 XIC ? XIC I:9/9 XIC \"no {thing\" EOR\n\
        SOR BST NXB BST XIC I:0/0 NXB BND BND EOR\n\
        SOR EOR\n";
    let program = text::read(source).unwrap();
    assert_eq!(text::write(&program), source);
    assert_eq!(
        text::rung(&program.rungs[2]),
        "SOR BST NXB BST XIC I:0/0 NXB BND BND EOR"
    );
}

#[test]
fn case_remarks_and_blanks_do_not_matter() {
    let program = text::read("\n # a remark\n  SOR  xic i:00/03\tote O:0/0 EOR # behind\n").unwrap();
    assert_eq!(text::write(&program), "SOR XIC I:0/3 OTE O:0/0 EOR\n");
}

#[test]
fn pl70_one_problem_per_line_is_told_with_its_place() {
    let source = "SOR XIC I:0/0\nSOR BST XIC I:0/0 EOR\nXIC I:0/0\nSOR FOO EOR\nSOR INTERVAL T:0 EOR\nSOR XIC EOR\n\
        SOR {OSR} EOR\nSOR XIC I:0/0 {ONS} EOR\nSOR XIC I:0/0 {TON T:0 5 EOR\nRUNG \"open\nSYM 1 I:0/0\nSYM A I:9\n\
        SOR EOR EOR\nSOR NXB EOR\nRUNG \"\\x\"\nSOR ä✓ EOR";
    let problems = text::read(source).unwrap_err();
    let texts: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "E103 rung 0 (line 1, character 14): expected an instruction or EOR, got the end of the line",
            "E103 rung 0 (line 2, character 19): expected an instruction such as XIC, OTE or TON, got `EOR`",
            "E103 (line 3, character 1): expected SOR, RUNG, SYM, PROGRAM or #, got `XIC`",
            "E103 rung 0 (line 4, character 5): expected an instruction such as XIC, OTE or TON, got `FOO`",
            "E103 rung 0 (line 5, character 5): `INTERVAL` belongs to a newer PiPLC and cannot be run; replace it by timers or \
             compare instructions",
            "E103 rung 0 (line 6, character 9): expected `address` or `?`, got `EOR`",
            "E103 rung 0 (line 7, character 5): expected a contact before a decorator, got `{`",
            "E103 rung 0 (line 8, character 16): expected a decorator: TON, TOF, OSR, OSF, DEBOUNCE or COUNTER, got `ONS`",
            "E103 rung 0 (line 9, character 26): expected `}`, got `EOR`",
            "E103 (line 10, character 6): expected `\"` at the end of the text",
            "E103 (line 11, character 5): expected a name of letters, digits and `_`, got `1`",
            "E103 (line 12, character 7): expected a word from 0 to 7, got 9",
            "E103 rung 0 (line 13, character 9): expected the end of the line, got `EOR`",
            "E103 rung 1 (line 14, character 5): expected an instruction such as XIC, OTE or TON, got `NXB`",
            "E103 (line 15, character 6): expected \\\", \\\\, \\n, \\r or \\t after `\\`",
            "E103 rung 1 (line 16, character 5): expected an instruction such as XIC, OTE or TON, got `ä✓`",
        ]
    );
}
