//! Makes sure that there is a page to embed.
//!
//! The page is built by `npm run build` in `web/` and embedded from `web/dist`. A machine without Node must still be
//! able to build the binary, so where no page was built a placeholder is written which says how to build it.

use std::path::Path;
use std::{env, fs, io};

/// What `GET /` shows in a binary that was built without the page.
const PLACEHOLDER: &str = "<!doctype html>
<html lang=\"en\">
<head><meta charset=\"utf-8\"><meta name=\"color-scheme\" content=\"light dark\"><title>Crosstie</title></head>
<body>
<h1>Crosstie is running</h1>
<p>This binary was built without its browser page. To build it in, run in the source folder:</p>
<pre>npm --prefix web ci
npm --prefix web run build
cargo build --release</pre>
<p>The interface for programs is there: <a href=\"/api/v1/health\">/api/v1/health</a>.</p>
</body>
</html>
";

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    // The whole folder is watched: a new build of the page has files of new names, which the list made at compile
    // time would not contain.
    println!("cargo:rerun-if-changed=../../web/dist");
    let package = env::var_os("CARGO_MANIFEST_DIR").ok_or_else(|| io::Error::other("CARGO_MANIFEST_DIR is not set"))?;
    let dist = Path::new(&package).join("../../web/dist");
    let index = dist.join("index.html");
    if !index.exists() {
        fs::create_dir_all(&dist)?;
        fs::write(index, PLACEHOLDER)?;
    }
    Ok(())
}
