//! The clients, each in a folder of its own in `clients` in the target folder.

use std::path::PathBuf;

use super::install::{Installed, in_target, node_with, python_with};
use super::script;

/// The Python of an environment with today's boto3, the AWS command line and Celery.
pub fn python() -> PathBuf {
    static INSTALLED: Installed = Installed::new();
    let folder = in_target("clients").join("requirements");
    python_with(&script("requirements.txt"), &folder, &INSTALLED)
}

/// The Python of an environment with the last botocore that spoke the query protocol to SQS.
pub fn python_of_query_protocol() -> PathBuf {
    static INSTALLED: Installed = Installed::new();
    let folder = in_target("clients").join("requirements-query");
    python_with(&script("requirements-query.txt"), &folder, &INSTALLED)
}

/// The Python of an environment with Prometheus' own client library.
pub fn python_of_prometheus() -> PathBuf {
    static INSTALLED: Installed = Installed::new();
    let folder = in_target("clients").join("requirements-metrics");
    python_with(&script("requirements-metrics.txt"), &folder, &INSTALLED)
}

/// Node.js, and beside it, in [`node_folder`], the AWS SDK and sqs-consumer.
pub fn node() -> PathBuf {
    static INSTALLED: Installed = Installed::new();
    node_with(&script(""), &node_folder(), &INSTALLED)
}

/// Where the packages of Node.js lie.
pub fn node_folder() -> PathBuf {
    in_target("clients").join("node")
}
