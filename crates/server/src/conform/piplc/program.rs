//! The small programs that the checks run, as `.plcproj` documents (PL-70).

/// A document with these rungs.
pub(super) fn document(rungs: &[String]) -> String {
    let mut rows = String::new();
    for (number, rung) in rungs.iter().enumerate() {
        rows.push_str(&format!(
            "        <Rung id=\"{number}\" number=\"{number}\">{rung}</Rung>\n"
        ));
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<PLCProject version=\"3.2\">\n  <Metadata>\n    <Name>conform</Name>\n  \
         </Metadata>\n  <SymbolTable/>\n  <Programs>\n    <Program name=\"Main\" type=\"Main\">\n      <Rungs>\n{rows}      \
         </Rungs>\n    </Program>\n  </Programs>\n</PLCProject>\n"
    )
}

/// Instructions of one rung, from left to right.
pub(super) fn rung(instructions: &[String]) -> String {
    instructions.concat()
}

/// An instruction with one address: a contact, a coil, RES.
pub(super) fn on(kind: &str, address: &str) -> String {
    format!("<Instruction type=\"{kind}\" column=\"0\" address=\"{address}\"/>")
}

/// A timer or counter.
pub(super) fn counting(kind: &str, address: &str, preset: i32) -> String {
    format!("<Instruction type=\"{kind}\" column=\"0\" address=\"{address}\" preset=\"{preset}\"/>")
}

/// An instruction with two sources and a destination, at a column.
pub(super) fn math(kind: &str, source_a: &str, source_b: &str, dest: &str, column: u32) -> String {
    format!(
        "<Instruction type=\"{kind}\" column=\"{column}\" sourceA=\"{source_a}\" sourceB=\"{source_b}\" dest=\"{dest}\"/>"
    )
}

/// A contact with one decorator without a preset.
pub(super) fn decorated(kind: &str, address: &str, decorator: &str) -> String {
    format!(
        "<Instruction type=\"{kind}\" column=\"0\" address=\"{address}\"><Decorators><Decorator type=\"{decorator}\"/>\
         </Decorators></Instruction>"
    )
}

/// Paths beside each other.
pub(super) fn branch(paths: &[String]) -> String {
    let paths: String = paths.iter().map(|path| format!("<Path>{path}</Path>")).collect();
    format!("<Branch>{paths}</Branch>")
}

/// A rung `XIC from, OTE to`.
pub(super) fn follows(from: &str, to: &str) -> String {
    rung(&[on("XIC", from), on("OTE", to)])
}

/// A rung `ADD N:word 1 N:word`: counts scans.
pub(super) fn counts_scans(word: usize) -> String {
    let word = format!("N:{word}");
    math("ADD", &word, "1", &word, 0)
}
