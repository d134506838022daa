//! What the face is told at start.

use super::limits::LimitsKind;

/// Settings of the SQS face.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The account in queue URLs and ARNs: twelve digits.
    pub account: String,
    /// The region in ARNs.
    pub region: String,
    /// Who may ask; everybody if `None`.
    pub keys: Option<Keys>,
    /// Which limits hold.
    pub limits: LimitsKind,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            account: "000000000000".to_owned(),
            region: "us-east-1".to_owned(),
            keys: None,
            limits: LimitsKind::Strict,
        }
    }
}

/// An access key and its secret, which requests have to be signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    /// The public part.
    pub access: String,
    /// What signatures are made with.
    pub secret: String,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("access", &self.access).finish_non_exhaustive()
    }
}
