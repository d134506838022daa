//! The API against its own description: schemathesis reads `/openapi.json` of a real server and sends what it
//! makes of it, good requests and bad ones, one by one and each leading to the next.
//!
//! `schemathesis.toml` says which checks there are, and `hooks.py` what no schema can tell.

#[path = "../install/mod.rs"]
#[allow(dead_code, reason = "it is shared with tests that need more of it")]
mod install;
#[path = "../it/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "it is shared with tests that need more of it")]
mod support;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use install::{Installed, in_target, python_with, without_variables};
use support::{Process, Server};

/// How long it may take: several times what it does.
const LIMIT: Duration = Duration::from_secs(300);

/// The beginnings of variables that would change how it runs.
const FOREIGN: [&str; 6] =
    ["SCHEMATHESIS_", "HYPOTHESIS_", "PYTHON", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];

#[test]
fn the_server_answers_as_its_document_says() {
    static INSTALLED: Installed = Installed::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/openapi");
    let requirements = folder.join("requirements.txt");
    let python = python_with(&requirements, &in_target("schemathesis"), &INSTALLED);
    let server = Server::start_with(&["--capacity", "100", "--max-memory-bytes", "100000000"]);

    let mut command = Command::new(python.with_file_name("schemathesis"));
    without_variables(&mut command, &FOREIGN);
    command
        // It remembers what it found in a folder where it is started.
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("PYTHONPATH", &folder)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONUTF8", "1")
        .env("RINGMQ_URL", format!("http://{}", server.addr))
        .arg("--config-file")
        .arg(folder.join("schemathesis.toml"))
        .args(["--no-color", "run"])
        .arg(format!("http://{}/openapi.json", server.addr));
    let exit = Process::spawn(&mut command).wait_within(LIMIT);
    println!("{}{}", exit.stdout, exit.stderr);
    assert!(exit.status.success(), "{}: see above", exit.status);
    // It has reached what it is to reach.
    assert!(!exit.stdout.contains("Missing test data"));
}
