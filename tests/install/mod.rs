//! Gets clients that nobody here wrote, once, into a folder of the target folder, with pip and npm.
//!
//! What a folder was made from is kept in it; while that stays the same, nothing is done.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use crate::support::Process;

/// How long an installation may take.
const LIMIT: Duration = Duration::from_secs(600);

/// A folder with clients, or why there is none.
pub type Installed = OnceLock<Result<PathBuf, String>>;

/// The Python of an environment with the packages of a requirements file, made in `folder`.
pub fn python_with(requirements: &Path, folder: &Path, installed: &Installed) -> PathBuf {
    let folder = installed.get_or_init(|| {
        let version = version_of("python3", "python3 and python3-venv")?;
        at_least("python3", &version, (3, 10))?;
        let recipe = read(requirements) + &version;
        prepared(folder, &recipe, |folder| {
            run(Command::new("python3").args(["-m", "venv"]).arg(folder))
                .map_err(|error| format!("{error}\nis python3-venv installed?"))?;
            let pip = ["-m", "pip", "install", "--quiet", "--no-input", "--only-binary", ":all:"];
            run(Command::new(folder.join("bin/python"))
                .args(pip)
                .arg("--disable-pip-version-check")
                .arg("--requirement")
                .arg(requirements))
        })
    });
    found(folder).join("bin/python")
}

/// Node.js, and beside it, in `folder`, the packages of a lock file, which lies with a `package.json` in
/// `project`.
pub fn node_with(project: &Path, folder: &Path, installed: &Installed) -> PathBuf {
    let folder = installed.get_or_init(|| {
        let version = version_of("node", "nodejs")?;
        at_least("node", &version, (18, 0))?;
        version_of("npm", "npm")?;
        let files = ["package.json", "package-lock.json"].map(|file| project.join(file));
        let recipe = files.each_ref().map(|file| read(file)).concat() + &version;
        prepared(folder, &recipe, |folder| {
            for file in &files {
                let name = file.file_name().expect("it has a name");
                fs::copy(file, folder.join(name)).map_err(|error| error.to_string())?;
            }
            let quietly = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-progress"];
            run(Command::new("npm").arg("ci").args(quietly).current_dir(folder))
        })
    });
    found(folder);
    "node".into()
}

/// A folder in the target folder.
pub fn in_target(name: &str) -> PathBuf {
    let target =
        Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it is in the target folder");
    target.join(name)
}

/// Takes variables away from a command that would lead a client elsewhere, or change how it runs: those
/// that begin so, in whichever case.
pub fn without_variables(command: &mut Command, beginnings: &[&str]) {
    for (variable, _) in std::env::vars_os() {
        let upper = variable.to_string_lossy().to_uppercase();
        if beginnings.iter().any(|beginning| upper.starts_with(beginning)) {
            command.env_remove(variable);
        }
    }
}

fn found(folder: &Result<PathBuf, String>) -> &Path {
    folder.as_deref().unwrap_or_else(|error| panic!("there is no client to test with: {error}"))
}

/// The folder, made anew where it was made from something else, or not to the end.
fn prepared(
    folder: &Path,
    recipe: &str,
    make: impl FnOnce(&Path) -> Result<(), String>,
) -> Result<PathBuf, String> {
    let told = |error: std::io::Error| format!("{}: {error}", folder.display());
    fs::create_dir_all(folder).map_err(told)?;
    // Another run of the tests may be at it; the lock ends with this file, or with the process.
    let lock = File::create(folder.with_extension("lock")).map_err(told)?;
    lock.lock().map_err(told)?;
    let stamp = folder.join("made-from");
    if fs::read_to_string(&stamp).is_ok_and(|made_from| made_from == recipe) {
        return Ok(folder.into());
    }
    fs::remove_dir_all(folder).map_err(told)?;
    fs::create_dir_all(folder).map_err(told)?;
    make(folder)?;
    fs::write(stamp, recipe).map_err(told)?;
    Ok(folder.into())
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// What a program says of its version, or which packages it comes with.
fn version_of(program: &str, packages: &str) -> Result<String, String> {
    match Command::new(program).arg("--version").output() {
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        }
        _ => Err(format!("{program} is missing: install {packages}, or run .ci/run")),
    }
}

fn at_least(program: &str, version: &str, least: (u32, u32)) -> Result<(), String> {
    // `Python 3.11.7`, `v20.20.2`
    let mut numbers = version.trim_start_matches(|c: char| !c.is_ascii_digit()).split('.');
    let mut next = || numbers.next().and_then(|number| number.parse().ok()).unwrap_or(0);
    let (major, minor) = (next(), next());
    if (major, minor) >= least {
        return Ok(());
    }
    Err(format!("{program} is {version}: {}.{} or newer is needed", least.0, least.1))
}

fn run(command: &mut Command) -> Result<(), String> {
    let exit = Process::spawn(command).wait_within(LIMIT);
    if exit.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {}\n{}{}", exit.status, exit.stdout, exit.stderr))
}
