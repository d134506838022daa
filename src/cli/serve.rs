//! `ringmq serve`: settings in, server out.

mod reload;

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::Arc;

use actix_web::rt::signal::unix::{SignalKind, signal};
use actix_web::rt::{self, System};
use ringmq::broker::{Broker, QueueName, QueueSettings, SettingsDocument};
use ringmq::clock::Clock;
use ringmq::config::{AUTH_TOKENS, Settings, SettingsFile};
use ringmq::http::auth::Auth;
use ringmq::http::sqs;
use ringmq::logging;
use ringmq::server::{self, Limits, Options};
use ringmq::tls::{Tls, TlsError};
use rustix::process::{Resource, getrlimit, setrlimit};
use socket2::{Domain, Protocol, Socket, Type};

use self::reload::{Reload, TokensError};
use super::{Exit, Failure};

/// Connections that the system keeps waiting for a worker; beyond that a client has to try again,
/// a second later. The system may allow fewer.
const BACKLOG: i32 = 1024;

/// Open files that are no connections: listeners, what the workers wait by, files that are read again, and
/// connections that are refused.
const OTHER_FILES: u64 = 512;

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
        let declared = SettingsFile::read(path).and_then(|file| {
            file.log().map_or(Ok(()), logging::reload)?;
            file.declare(&broker)
        });
        declared.map_err(|error| {
            Failure::bad_setting("--config", "RINGMQ_CONFIG", path.display(), error)
        })?;
    }
    let (auth, tls) = (auth(settings)?, tls(settings)?);
    let listener = listen(&settings.host, settings.port)?;
    let mut limits = settings.guard.limits();
    limits.max_connections = open_files_for(limits.max_connections);
    warn_if_open(&listener, auth.is_some(), tls.is_some());
    let broker = Arc::new(broker);
    let reload = Reload {
        broker: Arc::clone(&broker),
        config: settings.config.clone(),
        log: settings.log.clone(),
        auth: auth.clone(),
        auth_file: settings.guard.auth_file.clone(),
        tls: tls.clone(),
    };
    let options = Options {
        workers: settings.workers,
        max_body_bytes: settings.max_body_bytes,
        drain_timeout: settings.drain_timeout,
        sqs: sqs_settings(settings)?,
        limits,
        auth,
        tls,
        ui: settings.ui,
        metrics_queues: settings.metrics.then_some(settings.metrics_queues),
    };
    let served = System::new().block_on(async {
        rt::spawn(reload.on_hangup()?);
        server::run(listener, broker, options, stop_signal()?).await
    });
    served.map_err(|error| Failure::new(format!("cannot serve: {error}")))
}

/// The tokens of file and variable; none, if neither is there.
fn auth(settings: &Settings) -> Result<Option<Arc<Auth>>, Failure> {
    let path = settings.guard.auth_file.as_deref();
    match reload::read_tokens(path) {
        Ok(tokens) => Ok(tokens.map(|tokens| Arc::new(Auth::new(tokens)))),
        Err(TokensError::File(path, error)) => {
            Err(Failure::bad_setting("--auth-file", "RINGMQ_AUTH_FILE", path.display(), error))
        }
        // What it says is shown nowhere.
        Err(TokensError::Variable(error)) => {
            let text = format!("invalid value for '{AUTH_TOKENS}': {error}");
            Err(Failure::because(Exit::Usage, text))
        }
    }
}

fn tls(settings: &Settings) -> Result<Option<Arc<Tls>>, Failure> {
    let cert = ("--tls-cert", "RINGMQ_TLS_CERT", settings.guard.tls_cert.as_ref());
    let key = ("--tls-key", "RINGMQ_TLS_KEY", settings.guard.tls_key.as_ref());
    let (cert, key) = match (cert, key) {
        ((.., None), (.., None)) => return Ok(None),
        ((.., Some(cert)), (.., Some(key))) => (cert, key),
        ((flag, variable, None), _) => {
            return Err(Failure::bad_setting(flag, variable, "", "is needed beside a key"));
        }
        (_, (flag, variable, None)) => {
            return Err(Failure::bad_setting(flag, variable, "", "is needed beside a certificate"));
        }
    };
    let tls = Tls::load(cert, key).map_err(|error| match &error {
        TlsError::Unreadable { what, .. } | TlsError::Missing { what, .. }
            if *what == Tls::PRIVATE_KEY =>
        {
            Failure::bad_setting("--tls-key", "RINGMQ_TLS_KEY", key.display(), error)
        }
        _ => Failure::bad_setting("--tls-cert", "RINGMQ_TLS_CERT", cert.display(), error),
    });
    tls.map(|tls| Some(Arc::new(tls)))
}

/// Each connection is an open file, of which systems let a process have few unless it asks for more. Returns how
/// many connections there may be, so that one too many is told so: where files are short, nobody can be.
fn open_files_for(max_connections: usize) -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let raised = rustix::process::Rlimit { current: limit.maximum, ..limit };
        if setrlimit(Resource::Nofile, raised).is_ok() {
            limit = raised;
        }
    }
    let Some(files) = limit.current else { return max_connections };
    let room = files.saturating_sub(OTHER_FILES).max(files / 2);
    let room = usize::try_from(room).unwrap_or(usize::MAX);
    if max_connections <= room {
        return max_connections;
    }
    // Nobody asked for as many as there are by default.
    let level = match max_connections == Limits::DEFAULT.max_connections {
        true => log::Level::Info,
        false => log::Level::Warn,
    };
    log::log!(
        level,
        "at most {room} connections, not {max_connections} (--max-connections): the system lets this process \
         have {files} open files (ulimit -n, LimitNOFILE)"
    );
    room
}

/// Says what others may do who reach the server, if it is not this machine alone.
fn warn_if_open(listener: &TcpListener, has_tokens: bool, has_tls: bool) {
    let Ok(address) = listener.local_addr() else { return };
    if address.ip().is_loopback() {
        return;
    }
    if !has_tokens {
        log::warn!(
            "whoever reaches {address} may do everything: there are no tokens \
             (--auth-file, {AUTH_TOKENS})"
        );
    } else if !has_tls {
        log::warn!(
            "tokens come to {address} in the clear: there is no certificate (--tls-cert, --tls-key), \
             so let a proxy with one stand before it"
        );
    }
}

fn sqs_settings(settings: &Settings) -> Result<sqs::Settings, Failure> {
    let keys = match (&settings.sqs_access_key, &settings.sqs_secret_key) {
        (None, None) => None,
        (Some(access), Some(secret)) => {
            Some(sqs::Keys { access: access.clone(), secret: secret.reveal().to_owned() })
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
