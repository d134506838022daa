//! One file for each action, the same in each: what a request says, what is answered, and `run`.

mod add_permission;
mod cancel_message_move_task;
mod change_message_visibility;
mod change_message_visibility_batch;
mod create_queue;
mod delete_message;
mod delete_message_batch;
mod delete_queue;
mod get_queue_attributes;
mod get_queue_url;
mod list_dead_letter_source_queues;
mod list_message_move_tasks;
mod list_queue_tags;
mod list_queues;
mod purge_queue;
mod receive_message;
mod remove_permission;
mod send_message;
mod send_message_batch;
mod set_queue_attributes;
mod start_message_move_task;
mod tag_queue;
mod untag_queue;

use serde::Serialize;

use super::call::Call;
use super::codec::Input;
use super::errors::{Kind, SqsError};
use crate::broker::Delivered;
use crate::http::answer::Answer;

/// What an action answers.
pub(super) trait Output: Serialize {
    /// Whether there is anything to tell but that it was done.
    const TELLS: bool = true;

    /// Messages that have reached their consumer once the answer was written.
    fn into_delivered(self) -> Option<Delivered>
    where
        Self: Sized,
    {
        None
    }
}

/// The answer of actions that have no more to tell than that they were carried out.
#[derive(Serialize)]
pub(super) struct Nothing {}

impl Output for Nothing {
    const TELLS: bool = false;
}

macro_rules! actions {
    ($($name:literal $module:ident,)*) => {
        /// Carries out the action of this name.
        pub(super) async fn run(name: &str, call: &Call, input: &Input) -> Result<Answer, SqsError> {
            match name {
                $($name => input.write(call, $name, $module::run(call, input.read()?).await?),)*
                _ => {
                    let text = format!("The action {name} is not valid for this endpoint.");
                    Err(SqsError::new(Kind::UnknownOperation, text))
                }
            }
        }
    };
}

actions! {
    "AddPermission" add_permission,
    "CancelMessageMoveTask" cancel_message_move_task,
    "ChangeMessageVisibility" change_message_visibility,
    "ChangeMessageVisibilityBatch" change_message_visibility_batch,
    "CreateQueue" create_queue,
    "DeleteMessage" delete_message,
    "DeleteMessageBatch" delete_message_batch,
    "DeleteQueue" delete_queue,
    "GetQueueAttributes" get_queue_attributes,
    "GetQueueUrl" get_queue_url,
    "ListDeadLetterSourceQueues" list_dead_letter_source_queues,
    "ListMessageMoveTasks" list_message_move_tasks,
    "ListQueueTags" list_queue_tags,
    "ListQueues" list_queues,
    "PurgeQueue" purge_queue,
    "ReceiveMessage" receive_message,
    "RemovePermission" remove_permission,
    "SendMessage" send_message,
    "SendMessageBatch" send_message_batch,
    "SetQueueAttributes" set_queue_attributes,
    "StartMessageMoveTask" start_message_move_task,
    "TagQueue" tag_queue,
    "UntagQueue" untag_queue,
}
