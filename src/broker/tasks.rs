//! Move tasks: a redrive that goes on behind the request that asked for it, and can be asked about.
//!
//! The broker starts no runtime. Who starts a task has to run it, by [`Broker::run_move`].

use std::collections::VecDeque;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use thiserror::Error;

use super::moves::Redrive;
use super::named::Named;
use super::{Broker, Error, QueueName, same_kind};

/// Tasks that are kept of one queue, the newest.
const KEPT: usize = 10;

/// How long a task waits where there is no room, before it asks again.
const RETRY: Duration = Duration::from_secs(1);

/// The tasks that move messages out of one queue, oldest first. At most the last one runs.
pub(super) type MoveTasks = Mutex<VecDeque<Arc<MoveTask>>>;

/// Messages on their way from one queue to another.
#[derive(Debug)]
pub struct MoveTask {
    handle: String,
    source: QueueName,
    destination: Option<QueueName>,
    rate: Option<u32>,
    started_at: SystemTime,
    to_move: u64,
    moved: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    status: MoveStatus,
    failure: Option<String>,
}

/// How far a task has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoveStatus {
    /// It moves messages, or will.
    Running,
    /// All that was there when it started was moved.
    Completed,
    /// It was told to stop, and will.
    Cancelling,
    /// It has stopped because it was told to.
    Cancelled,
    /// It has stopped because it could not go on.
    Failed,
}

/// Why something was not done with a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MoveError {
    /// One runs already.
    #[error("messages of this queue are being moved already")]
    UnderWay,
    /// There is no such task, or not any more.
    #[error("there is no such move task")]
    Unknown,
    /// It does not run any more.
    #[error("the move task does not run any more")]
    Over,
}

impl MoveTask {
    /// What it is known by.
    pub fn handle(&self) -> &str {
        &self.handle
    }

    /// Where the messages come from.
    pub fn source(&self) -> &QueueName {
        &self.source
    }

    /// Where they go to; where each of them came from, if `None`.
    pub fn destination(&self) -> Option<&QueueName> {
        self.destination.as_ref()
    }

    /// How many a second at most.
    pub fn rate(&self) -> Option<u32> {
        self.rate
    }

    /// When it was started.
    pub fn started_at(&self) -> SystemTime {
        self.started_at
    }

    /// How many messages there were to move when it was started.
    pub fn to_move(&self) -> u64 {
        self.to_move
    }

    /// How many it has moved.
    pub fn moved(&self) -> u64 {
        self.moved.load(Ordering::Relaxed)
    }

    /// How far it has come.
    pub fn status(&self) -> MoveStatus {
        self.state().status
    }

    /// Why it failed, if it did.
    pub fn failure(&self) -> Option<String> {
        self.state().failure.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_over(&self) -> bool {
        !matches!(self.status(), MoveStatus::Running | MoveStatus::Cancelling)
    }

    /// Ends it, if it is not over: as what `status` makes of the present one.
    fn end(&self, status: impl FnOnce(MoveStatus) -> MoveStatus, failure: Option<String>) {
        let mut state = self.state();
        if matches!(state.status, MoveStatus::Running | MoveStatus::Cancelling) {
            *state = State { status: status(state.status), failure };
        }
    }
}

/// Ends a task whose run is dropped.
struct Running<'task>(&'task MoveTask);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.end(|_| MoveStatus::Failed, Some("the server stopped it".to_owned()));
    }
}

impl Broker {
    /// Makes a task that moves what is ready in `source` now to the queue of this name, or each message to
    /// where it came from, at most `rate` a second. To be [run](Self::run_move).
    ///
    /// # Errors
    /// When there is no such destination, or it is of another kind (FIFO or not), or a task of this source runs.
    pub fn start_move(
        &self,
        source: &Named,
        destination: Option<&str>,
        rate: Option<u32>,
    ) -> Result<Arc<MoveTask>, Error> {
        let destination = match destination {
            Some(name) => {
                let target = self.queue(name)?;
                same_kind("to", &target, source.is_fifo())?;
                Some(target.name().clone())
            }
            None => None,
        };
        if destination.as_ref() == Some(source.name()) {
            let problem = "is the queue itself".to_owned();
            return Err(Error::Setting { field: "to", problem });
        }
        let mut tasks = source.moves.lock().unwrap_or_else(PoisonError::into_inner);
        if tasks.back().is_some_and(|last| !last.is_over()) {
            return Err(MoveError::UnderWay.into());
        }
        let unique = RandomState::new().hash_one(0);
        let task = Arc::new(MoveTask {
            handle: format!("{}/{unique:016x}", source.name()),
            source: source.name().clone(),
            destination,
            rate,
            started_at: self.clock.time_of_day(self.now()),
            to_move: source.ready(),
            moved: AtomicU64::new(0),
            state: Mutex::new(State { status: MoveStatus::Running, failure: None }),
        });
        if tasks.len() == KEPT {
            tasks.pop_front();
        }
        tasks.push_back(Arc::clone(&task));
        Ok(task)
    }

    /// The last tasks that moved messages out of a queue, the newest first.
    pub fn moves_of(&self, source: &Named) -> Vec<Arc<MoveTask>> {
        let tasks = source.moves.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.iter().rev().cloned().collect()
    }

    /// Tells a task to stop. Returns how many messages it has moved, of which none comes back.
    ///
    /// # Errors
    /// When there is no such task, or it does not run.
    pub fn cancel_move(&self, handle: &str) -> Result<u64, Error> {
        let (source, _) = handle.rsplit_once('/').ok_or(MoveError::Unknown)?;
        let source = self.find(source).ok_or(MoveError::Unknown)?;
        let tasks = self.moves_of(&source);
        let task = tasks.iter().find(|task| task.handle == handle).ok_or(MoveError::Unknown)?;
        let mut state = task.state();
        if state.status != MoveStatus::Running {
            return Err(MoveError::Over.into());
        }
        state.status = MoveStatus::Cancelling;
        Ok(task.moved())
    }

    /// Moves the messages of a task, and returns when it is over. Where there is no room for one, it waits
    /// until there is.
    pub async fn run_move<S: Future<Output = ()>>(
        &self,
        task: &MoveTask,
        sleep: impl Fn(Duration) -> S,
    ) {
        let running = Running(task);
        let outcome = self.move_all(task, sleep).await;
        self.tell_redriven(&task.source, task.destination().map(QueueName::as_str), task.moved());
        match outcome {
            Ok(()) => task.end(
                |status| match status {
                    MoveStatus::Running => MoveStatus::Completed,
                    _ => MoveStatus::Cancelled,
                },
                None,
            ),
            Err(error) => task.end(|_| MoveStatus::Failed, Some(error.to_string())),
        }
        drop(running);
    }

    async fn move_all<S: Future<Output = ()>>(
        &self,
        task: &MoveTask,
        sleep: impl Fn(Duration) -> S,
    ) -> Result<(), Error> {
        let source = self.queue(task.source.as_str())?;
        let to = task.destination().map(QueueName::as_str);
        loop {
            let most = task.to_move - task.moved();
            let what = Redrive { to, most, rate: task.rate.map(f64::from) };
            let (_, stopped_by) = self
                .redrive_untold(
                    &source,
                    what,
                    &sleep,
                    || {
                        task.moved.fetch_add(1, Ordering::Relaxed);
                    },
                    || task.status() == MoveStatus::Running,
                )
                .await;
            match stopped_by {
                None if self.is_draining() && task.status() == MoveStatus::Running => {
                    return Err(Error::Draining);
                }
                None => return Ok(()),
                Some(Error::Full { .. }) => sleep(RETRY).await,
                Some(error) => return Err(error),
            }
            if task.status() != MoveStatus::Running {
                return Ok(());
            }
        }
    }
}
