//! The face's errors: one table from what went wrong to what a client is told, in both protocols.
//!
//! SDKs for the JSON protocol choose an exception by the shape's name, others by the code of the older
//! query protocol, so every answer carries both.

use std::time::Duration;

use actix_web::http::StatusCode;

use crate::broker::{Error, MoveError};
use crate::queue::{LeaseError, SendRefusal};

/// Why a request, or an entry of a batch, was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SqsError {
    pub(super) kind: Kind,
    pub(super) message: String,
    /// When the same request should be carried out.
    pub(super) retry_after: Option<Duration>,
}

macro_rules! table {
    ($($(#[$doc:meta])* $kind:ident $space:ident $shape:literal $code:literal $status:ident $side:ident;)*) => {
        /// What kind of error.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Kind { $($(#[$doc])* $kind,)* }

        impl Kind {
            #[cfg(test)]
            const ALL: &[Self] = &[$(Self::$kind,)*];

            /// The row of the table.
            pub(super) fn facts(self) -> Facts {
                match self {
                    $(Self::$kind => Facts {
                        shape: concat!(space!($space), $shape),
                        code: $code,
                        status: StatusCode::$status,
                        side: Side::$side,
                    },)*
                }
            }
        }
    };
}

/// The namespaces of shapes: those of the service's model, and those common to all services.
macro_rules! space {
    (sqs) => {
        "com.amazonaws.sqs#"
    };
    (coral) => {
        "com.amazon.coral.service#"
    };
}

/// What clients are told of a kind of error.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    /// The shape's name with its namespace: `__type` in JSON.
    pub(super) shape: &'static str,
    /// The code of the query protocol.
    pub(super) code: &'static str,
    pub(super) status: StatusCode,
    pub(super) side: Side,
}

/// Whose fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Sender,
    Receiver,
}

impl Side {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Sender => "Sender",
            Self::Receiver => "Receiver",
        }
    }
}

table! {
    QueueDoesNotExist sqs "QueueDoesNotExist" "AWS.SimpleQueueService.NonExistentQueue" BAD_REQUEST Sender;
    QueueNameExists sqs "QueueNameExists" "QueueAlreadyExists" BAD_REQUEST Sender;
    ReceiptHandleIsInvalid sqs "ReceiptHandleIsInvalid" "ReceiptHandleIsInvalid" NOT_FOUND Sender;
    InvalidMessageContents sqs "InvalidMessageContents" "InvalidMessageContents" BAD_REQUEST Sender;
    InvalidAttributeName sqs "InvalidAttributeName" "InvalidAttributeName" BAD_REQUEST Sender;
    InvalidAttributeValue sqs "InvalidAttributeValue" "InvalidAttributeValue" BAD_REQUEST Sender;
    EmptyBatchRequest sqs "EmptyBatchRequest" "AWS.SimpleQueueService.EmptyBatchRequest" BAD_REQUEST Sender;
    TooManyEntriesInBatchRequest sqs "TooManyEntriesInBatchRequest" "AWS.SimpleQueueService.TooManyEntriesInBatchRequest" BAD_REQUEST Sender;
    BatchEntryIdsNotDistinct sqs "BatchEntryIdsNotDistinct" "AWS.SimpleQueueService.BatchEntryIdsNotDistinct" BAD_REQUEST Sender;
    InvalidBatchEntryId sqs "InvalidBatchEntryId" "AWS.SimpleQueueService.InvalidBatchEntryId" BAD_REQUEST Sender;
    BatchRequestTooLong sqs "BatchRequestTooLong" "AWS.SimpleQueueService.BatchRequestTooLong" BAD_REQUEST Sender;
    OverLimit sqs "OverLimit" "OverLimit" FORBIDDEN Sender;
    RequestThrottled sqs "RequestThrottled" "RequestThrottled" FORBIDDEN Sender;
    UnsupportedOperation sqs "UnsupportedOperation" "AWS.SimpleQueueService.UnsupportedOperation" BAD_REQUEST Sender;
    InvalidAddress sqs "InvalidAddress" "InvalidAddress" NOT_FOUND Sender;
    ResourceNotFound sqs "ResourceNotFoundException" "ResourceNotFoundException" NOT_FOUND Sender;
    InvalidParameterValue coral "InvalidParameterValueException" "InvalidParameterValue" BAD_REQUEST Sender;
    MissingParameter coral "MissingRequiredParameterException" "MissingParameter" BAD_REQUEST Sender;
    /// The request cannot be read.
    Serialization coral "SerializationException" "SerializationException" BAD_REQUEST Sender;
    UnknownOperation coral "UnknownOperationException" "InvalidAction" BAD_REQUEST Sender;
    MissingAction coral "MissingActionException" "MissingAction" BAD_REQUEST Sender;
    MissingAuthenticationToken coral "MissingAuthenticationTokenException" "MissingAuthenticationToken" FORBIDDEN Sender;
    InvalidClientTokenId coral "UnrecognizedClientException" "InvalidClientTokenId" FORBIDDEN Sender;
    IncompleteSignature coral "IncompleteSignatureException" "IncompleteSignature" BAD_REQUEST Sender;
    SignatureDoesNotMatch coral "InvalidSignatureException" "SignatureDoesNotMatch" FORBIDDEN Sender;
    /// Who asks may not.
    AccessDenied coral "AccessDeniedException" "AccessDenied" FORBIDDEN Sender;
    RequestTimeout coral "RequestTimeoutException" "RequestTimeout" REQUEST_TIMEOUT Sender;
    RequestTooLarge coral "RequestEntityTooLargeException" "RequestEntityTooLarge" PAYLOAD_TOO_LARGE Sender;
    /// The server is about to stop.
    ServiceUnavailable coral "ServiceUnavailableException" "ServiceUnavailable" SERVICE_UNAVAILABLE Receiver;
    InternalFailure coral "InternalFailureException" "InternalFailure" INTERNAL_SERVER_ERROR Receiver;
}

impl SqsError {
    pub(super) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), retry_after: None }
    }

    pub(super) fn no_queue() -> Self {
        Self::new(Kind::QueueDoesNotExist, "The specified queue does not exist.")
    }

    /// A parameter that has to be there is not.
    pub(super) fn missing(parameter: &str) -> Self {
        let message = format!("The request must contain the parameter {parameter}.");
        Self::new(Kind::MissingParameter, message)
    }

    /// A parameter has a value that is not allowed.
    pub(super) fn value(parameter: &str, value: impl std::fmt::Display, reason: &str) -> Self {
        let message =
            format!("Value {value} for parameter {parameter} is invalid. Reason: {reason}");
        Self::new(Kind::InvalidParameterValue, message)
    }

    /// Parameters do not go together, or one of them is wrong as a whole.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(Kind::InvalidParameterValue, message)
    }

    /// A queue's attribute has a value that is not allowed.
    pub(super) fn attribute(name: &str) -> Self {
        let message = format!("Invalid value for the parameter {name}.");
        Self::new(Kind::InvalidAttributeValue, message)
    }

    /// A message has more than `limit` bytes.
    pub(super) fn too_long(limit: u64) -> Self {
        Self::invalid(format!(
            "One or more parameters are invalid. Reason: Message must be shorter than {limit} bytes."
        ))
    }

    /// There is no queue of an ARN.
    pub(super) fn no_resource(parameter: &str) -> Self {
        let message =
            format!("The resource that you specified for the {parameter} parameter doesn't exist.");
        Self::new(Kind::ResourceNotFound, message)
    }

    /// A text is no receipt handle of this queue.
    pub(super) fn no_receipt(handle: &str) -> Self {
        let message =
            format!("The input receipt handle \"{handle}\" is not a valid receipt handle.");
        Self::new(Kind::ReceiptHandleIsInvalid, message)
    }
}

/// The least and the most that a refused sender is told to wait. An SDK tries three times or five and
/// then gives up: what it is told may be shorter than what the queue takes, and it adds its own back-off.
const SOONEST_RETRY: Duration = Duration::from_millis(50);
const LATEST_RETRY: Duration = Duration::from_secs(1);

impl From<Error> for SqsError {
    #[cold]
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            // No queue can have such a name, so there is none.
            Error::NotFound(_) | Error::InvalidName(_) => Self::no_queue(),
            Error::Full { retry_after, .. } => Self {
                retry_after: Some(retry_after.clamp(SOONEST_RETRY, LATEST_RETRY)),
                ..Self::new(Kind::RequestThrottled, format!("Request is throttled: {text}."))
            },
            Error::TooLarge(SendRefusal::TooLarge { max_message_bytes, .. }) => {
                Self::too_long(max_message_bytes)
            }
            Error::TooLarge(_) => Self::invalid(text),
            Error::Lease(LeaseError::Unknown) => {
                Self::new(Kind::ReceiptHandleIsInvalid, "The input receipt handle is invalid.")
            }
            Error::Lease(_) => Self::invalid(text),
            Error::KeyInProgress => Self {
                retry_after: Some(Duration::from_secs(1)),
                ..Self::new(Kind::RequestThrottled, format!("Request is throttled: {text}."))
            },
            Error::KeyConflict | Error::Resize(_) | Error::Capacity(_) | Error::Setting { .. } => {
                Self::invalid(text)
            }
            Error::Move(MoveError::UnderWay) => Self::new(
                Kind::UnsupportedOperation,
                "There is already a task running. Only one active task is allowed for a source queue arn \
                 at a given time.",
            ),
            Error::Move(MoveError::Unknown) => {
                Self::new(Kind::ResourceNotFound, "Task does not exist.")
            }
            Error::Move(MoveError::Over) => {
                Self::new(Kind::UnsupportedOperation, "Only active tasks can be cancelled.")
            }
            Error::AlreadyExists { .. } => Self::new(Kind::QueueNameExists, text),
            Error::Undeletable | Error::InUse { .. } => Self::new(Kind::UnsupportedOperation, text),
            Error::Draining => Self::new(Kind::ServiceUnavailable, text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_and_every_code_stands_for_one_kind() {
        for (place, kind) in Kind::ALL.iter().enumerate() {
            for other in &Kind::ALL[..place] {
                assert_ne!(kind.facts().shape, other.facts().shape);
                assert_ne!(kind.facts().code, other.facts().code);
            }
        }
    }

    #[test]
    fn a_full_queue_is_the_error_that_sdks_retry() {
        let refusal = SendRefusal::Full { capacity: 7 };
        let retry_after = Duration::from_millis(700);
        let error = SqsError::from(Error::Full { refusal, retry_after });
        let facts = error.kind.facts();
        assert_eq!(facts.shape, "com.amazonaws.sqs#RequestThrottled");
        assert_eq!((facts.code, facts.status.as_u16()), ("RequestThrottled", 403));
        assert_eq!(error.retry_after, Some(retry_after));
    }
}
