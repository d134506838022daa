//! Gets the clients, once, into `sqs-clients` in the target folder, with pip and npm.
//!
//! What a folder was made from is kept in it; while that stays the same, nothing is done.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use super::script;
use super::support::Process;

/// How long an installation may take.
const LIMIT: Duration = Duration::from_secs(600);

/// A folder with clients, or why there is none.
type Installed = OnceLock<Result<PathBuf, String>>;

/// The Python of an environment with today's boto3, the AWS command line and Celery.
pub fn python() -> PathBuf {
    static INSTALLED: Installed = Installed::new();
    python_with("requirements.txt", &INSTALLED)
}

/// The Python of an environment with the last botocore that spoke the query protocol to SQS.
pub fn python_of_query_protocol() -> PathBuf {
    static INSTALLED: Installed = Installed::new();
    python_with("requirements-query.txt", &INSTALLED)
}

/// The Python of an environment with Prometheus' own client library.
pub fn python_of_prometheus() -> PathBuf {
    static INSTALLED: Installed = Installed::new();
    python_with("requirements-metrics.txt", &INSTALLED)
}

fn python_with(requirements: &str, installed: &Installed) -> PathBuf {
    let folder = installed.get_or_init(|| {
        let version = version_of("python3", "python3 and python3-venv")?;
        at_least("python3", &version, (3, 10))?;
        let recipe = read(requirements) + &version;
        let name = Path::new(requirements).with_extension("");
        prepared(&folder(&name), &recipe, |folder| {
            run(Command::new("python3").args(["-m", "venv"]).arg(folder))
                .map_err(|error| format!("{error}\nis python3-venv installed?"))?;
            let pip = ["-m", "pip", "install", "--quiet", "--no-input", "--only-binary", ":all:"];
            run(Command::new(folder.join("bin/python"))
                .args(pip)
                .arg("--disable-pip-version-check")
                .arg("--requirement")
                .arg(script(requirements)))
        })
    });
    found(folder).join("bin/python")
}

/// Node.js, and beside it, in [`node_folder`], the AWS SDK and sqs-consumer.
pub fn node() -> PathBuf {
    static INSTALLED: Installed = Installed::new();
    let folder = INSTALLED.get_or_init(|| {
        let version = version_of("node", "nodejs")?;
        at_least("node", &version, (18, 0))?;
        version_of("npm", "npm")?;
        let files = ["package.json", "package-lock.json"];
        let recipe = files.map(read).concat() + &version;
        prepared(&node_folder(), &recipe, |folder| {
            for file in files {
                fs::copy(script(file), folder.join(file)).map_err(|error| error.to_string())?;
            }
            let quietly = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-progress"];
            run(Command::new("npm").arg("ci").args(quietly).current_dir(folder))
        })
    });
    found(folder);
    "node".into()
}

/// Where the packages of Node.js lie.
pub fn node_folder() -> PathBuf {
    folder(Path::new("node"))
}

fn folder(name: &Path) -> PathBuf {
    let target =
        Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it is in the target folder");
    target.join("sqs-clients").join(name)
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

fn read(file: &str) -> String {
    fs::read_to_string(script(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
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
