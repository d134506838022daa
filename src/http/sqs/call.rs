//! What every action needs to know of the request: where it came to, and the queue it is about.

use std::sync::Arc;

use actix_web::http::header::HeaderValue;

use super::Face;
use super::errors::{Kind, SqsError};
use super::limits::Limits;
use crate::broker::{Broker, Named, Refused};
use crate::http::auth::{Caller, Role};
use crate::http::front::Counted;

/// One request of this face, while it is carried out.
pub(super) struct Call {
    pub(super) worker: Counted,
    pub(super) caller: Caller,
    /// The role that the action needs on its queue; any, if `None`.
    pub(super) needed: Option<Role>,
    /// By which name and port the client came.
    pub(super) host: Option<HeaderValue>,
    /// Whether it came by HTTPS.
    pub(super) secure: bool,
    /// The queue that the path names, if it does.
    pub(super) path_queue: Option<String>,
    /// What the answer names itself by.
    pub(super) request_id: String,
    /// Whether the server was about to stop when the request came.
    pub(super) draining: bool,
}

impl Call {
    pub(super) fn broker(&self) -> &Broker {
        &self.worker.broker
    }

    pub(super) fn face(&self) -> &Face {
        &self.worker.sqs
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.face().limits
    }

    /// Refuses what puts something in, if the server was about to stop when the request came; what
    /// has begun before is still carried out.
    pub(super) fn refuse_while_draining(&self) -> Result<(), SqsError> {
        if self.draining { Err(crate::broker::Error::Draining.into()) } else { Ok(()) }
    }

    /// The same for a send, which the queue counts if there is one.
    pub(super) fn refuse_sends_while_draining(&self, url: &str) -> Result<(), SqsError> {
        if self.draining
            && let Ok(queue) = self.queue(url)
        {
            queue.count_refusal(Refused::Draining);
        }
        self.refuse_while_draining()
    }

    /// The queue of a URL, or of the path where the request has none.
    ///
    /// Only the last part of a URL counts: clients come through other names and ports than this server
    /// knows, and a bare name will do as well.
    pub(super) fn queue(&self, url: &str) -> Result<Arc<Named>, SqsError> {
        let url = match url.is_empty() {
            true => self.path_queue.as_deref().unwrap_or_default(),
            false => url,
        };
        match url.rsplit('/').next() {
            None | Some("") if url.is_empty() => Err(SqsError::missing("QueueUrl")),
            None | Some("") => {
                let text = format!("The address {url} is not valid for this endpoint.");
                Err(SqsError::new(Kind::InvalidAddress, text))
            }
            Some(name) => {
                self.allow(name)?;
                Ok(self.broker().queue(name)?)
            }
        }
    }

    /// Refuses the action on a queue, if who asks has not the role for it there.
    pub(super) fn allow(&self, name: &str) -> Result<(), SqsError> {
        let Some(role) = self.needed else {
            return match self.caller.sees(name) {
                true => Ok(()),
                false => Err(denied(Role::Monitor, name)),
            };
        };
        self.check(role, name)
    }

    /// Refuses who has not this role on a queue.
    pub(super) fn check(&self, role: Role, name: &str) -> Result<(), SqsError> {
        if self.caller.has(role, name) { Ok(()) } else { Err(denied(role, name)) }
    }

    /// The queue of an ARN, which the request has in `parameter`, for who has this role on it, or any.
    pub(super) fn queue_of_arn(
        &self,
        parameter: &str,
        arn: &str,
        role: Option<Role>,
    ) -> Result<Arc<Named>, SqsError> {
        if arn.is_empty() {
            return Err(SqsError::missing(parameter));
        }
        let name = queue_of_arn(arn).ok_or_else(|| SqsError::no_resource(parameter))?;
        match role {
            Some(role) => self.check(role, name)?,
            None => self.allow(name)?,
        }
        let queue = self.broker().queue(name).ok();
        queue.ok_or_else(|| SqsError::no_resource(parameter))
    }

    /// The URL of a queue, by which its clients find this server again.
    pub(super) fn url(&self, name: &str) -> String {
        let host = self.host.as_ref().and_then(|host| host.to_str().ok());
        let host = host.filter(|host| !host.is_empty()).unwrap_or("localhost");
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{host}/{}/{name}", self.face().account)
    }

    /// The ARN of a queue.
    pub(super) fn arn(&self, name: &str) -> String {
        let face = self.face();
        format!("arn:aws:sqs:{}:{}:{name}", face.region, face.account)
    }
}

#[cold]
fn denied(role: Role, name: &str) -> SqsError {
    let text = format!("The token has no role {} on the queue {name}.", role.as_str());
    SqsError::new(Kind::AccessDenied, text)
}

/// The name of the queue of an ARN of this service, whatever its region and account.
pub(super) fn queue_of_arn(arn: &str) -> Option<&str> {
    let name = arn.strip_prefix("arn:")?.split_once(":sqs:")?.1.rsplit(':').next()?;
    (!name.is_empty()).then_some(name)
}

/// Digits as text.
pub(super) fn digits(digits: &[u8]) -> &str {
    str::from_utf8(digits).expect("hexadecimal digits are ASCII")
}

/// The 32 digits of a message's id in the form that SQS gives its ids.
pub(super) fn uuid_form(id: &[u8]) -> String {
    let mut text = String::with_capacity(36);
    for (place, digit) in id.iter().copied().map(char::from).enumerate() {
        if matches!(place, 8 | 12 | 16 | 20) {
            text.push('-');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_names_a_queue() {
        assert_eq!(queue_of_arn("arn:aws:sqs:us-east-1:000000000000:q"), Some("q"));
        assert_eq!(queue_of_arn("arn:aws-cn:sqs:x:1:a.fifo"), Some("a.fifo"));
        for arn in ["", "q", "arn:aws:sns:us-east-1:000000000000:q", "arn:aws:sqs:::"] {
            assert_eq!(queue_of_arn(arn), None, "{arn}");
        }
    }

    #[test]
    fn an_id_has_the_form_of_a_uuid() {
        let id = uuid_form(b"0123456789abcdef0123456789abcdef");
        assert_eq!(id, "01234567-89ab-cdef-0123-456789abcdef");
    }
}
