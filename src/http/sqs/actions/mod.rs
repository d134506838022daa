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
use crate::http::auth::Role;

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
    ($($name:literal $module:ident $needed:expr;)*) => {
        /// Carries out the action of this name, if who asks may.
        pub(super) async fn run(
            name: &str,
            call: &mut Call,
            input: &Input,
        ) -> Result<Answer, SqsError> {
            match name {
                $($name => {
                    call.needed = $needed;
                    input.write(call, $name, $module::run(call, input.read()?).await?)
                })*
                _ => {
                    let text = format!("The action {name} is not valid for this endpoint.");
                    Err(SqsError::new(Kind::UnknownOperation, text))
                }
            }
        }
    };
}

const ADMIN: Option<Role> = Some(Role::Admin);
const RECEIVE: Option<Role> = Some(Role::Receive);
const SEND: Option<Role> = Some(Role::Send);
/// Figures and settings: for whoever has any role on the queue.
const SIGHT: Option<Role> = None;

actions! {
    "AddPermission" add_permission ADMIN;
    "CancelMessageMoveTask" cancel_message_move_task ADMIN;
    "ChangeMessageVisibility" change_message_visibility RECEIVE;
    "ChangeMessageVisibilityBatch" change_message_visibility_batch RECEIVE;
    "CreateQueue" create_queue ADMIN;
    "DeleteMessage" delete_message RECEIVE;
    "DeleteMessageBatch" delete_message_batch RECEIVE;
    "DeleteQueue" delete_queue ADMIN;
    "GetQueueAttributes" get_queue_attributes SIGHT;
    "GetQueueUrl" get_queue_url SIGHT;
    "ListDeadLetterSourceQueues" list_dead_letter_source_queues SIGHT;
    "ListMessageMoveTasks" list_message_move_tasks SIGHT;
    "ListQueueTags" list_queue_tags SIGHT;
    "ListQueues" list_queues SIGHT;
    "PurgeQueue" purge_queue ADMIN;
    "ReceiveMessage" receive_message RECEIVE;
    "RemovePermission" remove_permission ADMIN;
    "SendMessage" send_message SEND;
    "SendMessageBatch" send_message_batch SEND;
    "SetQueueAttributes" set_queue_attributes ADMIN;
    "StartMessageMoveTask" start_message_move_task ADMIN;
    "TagQueue" tag_queue ADMIN;
    "UntagQueue" untag_queue ADMIN;
}
