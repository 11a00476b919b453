//! Every input that a fuzzer found or a person thought of, through the functions that a fuzzer calls.

use crosstie_wire::fuzz;
use std::fs;
use std::path::PathBuf;

fn run(target: &str, least: usize, function: fn(&[u8])) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .expect("the corpus is readable")
        .map(|entry| entry.expect("the corpus is readable").path())
        .collect();
    files.sort();
    assert!(
        files.len() >= least,
        "only {} files in {}",
        files.len(),
        folder.display()
    );
    for file in files {
        // The name is printed for the case that the function panics; the harness shows it only then.
        println!("{}", file.display());
        function(&fs::read(&file).expect("the corpus is readable"));
    }
}

#[test]
fn the_realvirtual_corpus_breaks_no_promise() {
    run("realvirtual", 40, fuzz::realvirtual);
}

#[test]
fn the_live_corpus_breaks_no_promise() {
    run("live", 20, fuzz::live);
}

#[test]
fn the_piplc_corpus_breaks_no_promise() {
    run("piplc", 30, fuzz::piplc);
}

#[test]
fn the_corpus_of_monitors_and_headsets_breaks_no_promise() {
    run("simple", 20, fuzz::simple);
}

#[test]
fn the_gama_corpus_breaks_no_promise() {
    run("gama", 15, fuzz::gama);
}
