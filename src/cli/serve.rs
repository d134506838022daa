//! `ringmq serve`: settings in, server out.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::Arc;

use actix_web::rt::System;
use actix_web::rt::signal::unix::{SignalKind, signal};
use ringmq::broker::{Broker, QueueName, QueueSettings, SettingsDocument};
use ringmq::clock::Clock;
use ringmq::config::{Settings, SettingsFile};
use ringmq::http::sqs;
use ringmq::server::{self, Options};
use socket2::{Domain, Protocol, Socket, Type};

use super::Failure;

/// Connections that the system keeps waiting for a worker; beyond that a client has to try again,
/// a second later. The system may allow fewer.
const BACKLOG: i32 = 1024;

/// Serves until told to stop.
pub(super) fn serve(settings: &Settings) -> Result<(), Failure> {
    let mut defaults = QueueSettings::with_capacity(settings.capacity);
    defaults.queue.max_message_bytes = settings.max_body_bytes as u64;
    let broker = Broker::new(Clock::start(), settings.max_memory_bytes, defaults);
    let broker = if settings.metrics { broker } else { broker.uncounted() };
    broker.declare(&QueueName::default_queue(), SettingsDocument::default()).map_err(|error| {
        Failure::bad_setting("--capacity", "RING_BUFFER_SIZE", settings.capacity, error)
    })?;
    if let Some(path) = &settings.config {
        let declared = SettingsFile::read(path).and_then(|file| file.declare(&broker));
        declared.map_err(|error| {
            Failure::bad_setting("--config", "RINGMQ_CONFIG", path.display(), error)
        })?;
    }
    let listener = listen(&settings.host, settings.port)?;
    let options = Options {
        workers: settings.workers,
        max_body_bytes: settings.max_body_bytes,
        drain_timeout: settings.drain_timeout,
        sqs: sqs_settings(settings)?,
        ui: settings.ui,
        metrics_queues: settings.metrics.then_some(settings.metrics_queues),
    };
    let served = System::new()
        .block_on(async { server::run(listener, Arc::new(broker), options, stop_signal()?).await });
    served.map_err(|error| Failure::new(format!("cannot serve: {error}")))
}

fn sqs_settings(settings: &Settings) -> Result<sqs::Settings, Failure> {
    let keys = match (&settings.sqs_access_key, &settings.sqs_secret_key) {
        (None, None) => None,
        (Some(access), Some(secret)) => {
            Some(sqs::Keys { access: access.clone(), secret: secret.clone() })
        }
        (Some(_), None) => {
            let (flag, variable) = ("--sqs-secret-key", "RINGMQ_SQS_SECRET_KEY");
            return Err(Failure::bad_setting(flag, variable, "", "is needed beside an access key"));
        }
        (None, Some(_)) => {
            let (flag, variable) = ("--sqs-access-key", "RINGMQ_SQS_ACCESS_KEY");
            return Err(Failure::bad_setting(flag, variable, "", "is needed beside a secret key"));
        }
    };
    Ok(sqs::Settings {
        account: settings.sqs_account.clone(),
        region: settings.sqs_region.clone(),
        keys,
        limits: settings.sqs_limits,
    })
}

fn listen(host: &str, port: u16) -> Result<TcpListener, Failure> {
    let addresses = (host, port)
        .to_socket_addrs()
        .map_err(|error| Failure::bad_setting("--host", "RINGMQ_HOST", host, error))?;
    let mut failure = io::ErrorKind::AddrNotAvailable.into();
    for address in addresses {
        match listen_on(address) {
            Ok(listener) => return Ok(listener),
            // Taken is taken, though another address of the same name may be free.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                failure = error;
                break;
            }
            Err(error) => failure = error,
        }
    }
    Err(Failure::new(format!("cannot listen on {host}:{port}: {failure}")))
}

/// As `TcpListener::bind` does, with a longer line for connections that are yet to be accepted.
fn listen_on(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Done at the first SIGTERM or SIGINT; caught from the moment this returns.
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(std::future::poll_fn(move |context| {
        let terminated = terminate.poll_recv(context).is_ready();
        let interrupted = interrupt.poll_recv(context).is_ready();
        if terminated || interrupted {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    }))
}
