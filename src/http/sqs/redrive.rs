//! Where dead letters go, and who may send them there: `RedrivePolicy` and `RedriveAllowPolicy`.

use serde::Deserialize;

use super::attributes::About;
use super::call::{Call, queue_of_arn};
use super::number::Number;
use crate::http::auth::Role;

/// The attribute by which a queue says whose dead letters it takes.
pub(super) const ALLOW: &str = "RedriveAllowPolicy";

/// The queue that a redrive policy names, and how often a message is received before; or why it
/// cannot be.
pub(super) fn read(
    call: &Call,
    about: About<'_>,
    text: &str,
) -> Result<(String, i64), &'static str> {
    let policy: Policy =
        serde_json::from_str(text).map_err(|_| "Redrive policy is not a valid JSON map.")?;
    let most = policy.max_receive_count.0;
    if !(1..=1000).contains(&most) {
        return Err("Invalid value for maxReceiveCount: must be from 1 to 1000.");
    }
    let target = queue_of_arn(&policy.dead_letter_target_arn);
    if target.is_some_and(|name| !call.caller.has(Role::Send, name)) {
        return Err("Not permitted to send to the dead letter target.");
    }
    let target = target.and_then(|name| call.broker().queue(name).ok());
    let target = target.ok_or("Dead letter target does not exist.")?;
    let name = target.name().as_str();
    if name == about.name {
        return Err("Dead letter target is the queue itself.");
    }
    if target.is_fifo() != about.fifo {
        return Err("Dead-letter queue must be same type of queue as the source.");
    }
    let allowed = target.with_annotation(ALLOW, |policy| policy.map(str::to_owned));
    let allowed = allowed.and_then(|policy| AllowPolicy::read(&policy));
    if allowed.is_some_and(|policy| !policy.allows(about.name)) {
        return Err("Queue is not permitted to use the dead letter target.");
    }
    Ok((name.to_owned(), most))
}

/// Where dead letters go.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Policy {
    dead_letter_target_arn: String,
    max_receive_count: Number,
}

/// Who may name a queue as the one for dead letters.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AllowPolicy {
    redrive_permission: Permission,
    #[serde(default)]
    source_queue_arns: Vec<String>,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
enum Permission {
    AllowAll,
    DenyAll,
    ByQueue,
}

impl AllowPolicy {
    const MOST_SOURCES: usize = 10;

    /// Reads the attribute; `None` if it is no such policy.
    pub(super) fn read(text: &str) -> Option<Self> {
        let policy: Self = serde_json::from_str(text).ok()?;
        let sources = policy.source_queue_arns.len();
        let fits = match policy.redrive_permission {
            Permission::ByQueue => (1..=Self::MOST_SOURCES).contains(&sources),
            Permission::AllowAll | Permission::DenyAll => sources == 0,
        };
        fits.then_some(policy)
    }

    fn allows(&self, source: &str) -> bool {
        match self.redrive_permission {
            Permission::AllowAll => true,
            Permission::DenyAll => false,
            Permission::ByQueue => {
                self.source_queue_arns.iter().any(|arn| queue_of_arn(arn) == Some(source))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redrive_allow_policy_says_who_may() {
        for (text, allows) in [
            (r#"{"redrivePermission":"allowAll"}"#, true),
            (r#"{"redrivePermission":"denyAll"}"#, false),
            (r#"{"redrivePermission":"byQueue","sourceQueueArns":["arn:aws:sqs:x:1:q"]}"#, true),
            (r#"{"redrivePermission":"byQueue","sourceQueueArns":["arn:aws:sqs:x:1:r"]}"#, false),
        ] {
            assert_eq!(AllowPolicy::read(text).expect(text).allows("q"), allows, "{text}");
        }
        for text in [
            "",
            "{}",
            r#"{"redrivePermission":"some"}"#,
            r#"{"redrivePermission":"byQueue"}"#,
            r#"{"redrivePermission":"allowAll","sourceQueueArns":["arn:aws:sqs:x:1:q"]}"#,
        ] {
            assert!(AllowPolicy::read(text).is_none(), "{text}");
        }
    }
}
