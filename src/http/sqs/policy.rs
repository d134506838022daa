//! The permissions of a queue: statements of its attribute `Policy`, kept and told, not enforced.

use serde_json::{Map, Value, json};

use super::call::Call;
use super::errors::{Kind, SqsError};
use super::limits::{PERMISSION_ACTIONS, POLICY_BYTES, POLICY_STATEMENTS};
use crate::broker::Named;

/// The attribute that it is kept as.
pub(super) const POLICY: &str = "Policy";

const LONGEST_LABEL: usize = 80;

/// Whether a text may be a policy: a JSON object that is not too large.
pub(super) fn is_policy(text: &str) -> bool {
    text.len() <= POLICY_BYTES && serde_json::from_str::<Map<String, Value>>(text).is_ok()
}

/// Checks the label of a permission.
pub(super) fn check_label(label: &str) -> Result<(), SqsError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if label.is_empty() {
        return Err(SqsError::missing("Label"));
    }
    if label.len() > LONGEST_LABEL || !label.bytes().all(allowed) {
        let reason = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in \
                      length";
        return Err(SqsError::value("Label", label, reason));
    }
    Ok(())
}

/// The policy with one more permission.
pub(super) fn add(
    policy: Option<&str>,
    label: &str,
    arn: &str,
    accounts: &[String],
    actions: &[String],
) -> Result<String, SqsError> {
    if accounts.is_empty() {
        return Err(SqsError::missing("AWSAccountId"));
    }
    if actions.is_empty() {
        return Err(SqsError::missing("ActionName"));
    }
    if actions.len() > PERMISSION_ACTIONS {
        let count = actions.len();
        let text = format!("{count} Actions were found, maximum allowed is {PERMISSION_ACTIONS}.");
        return Err(SqsError::new(Kind::OverLimit, text));
    }
    let mut policy = read(policy, arn);
    let statements = statements(&mut policy);
    if statements.iter().any(|statement| statement["Sid"] == label) {
        return Err(SqsError::value("Label", label, "Already exists."));
    }
    if statements.len() >= POLICY_STATEMENTS {
        let text = format!("A policy has at most {POLICY_STATEMENTS} statements.");
        return Err(SqsError::new(Kind::OverLimit, text));
    }
    let principals: Vec<_> =
        accounts.iter().map(|account| format!("arn:aws:iam::{account}:root")).collect();
    let actions: Vec<_> = actions.iter().map(|action| format!("SQS:{action}")).collect();
    statements.push(json!({
        "Sid": label,
        "Effect": "Allow",
        "Principal": { "AWS": principals },
        "Action": actions,
        "Resource": arn,
    }));
    let policy = policy.to_string();
    if policy.len() > POLICY_BYTES {
        let text = format!("A policy has at most {POLICY_BYTES} bytes.");
        return Err(SqsError::new(Kind::OverLimit, text));
    }
    Ok(policy)
}

/// The policy without a permission; `None` if it was the last.
pub(super) fn remove(
    policy: Option<&str>,
    label: &str,
    arn: &str,
) -> Result<Option<String>, SqsError> {
    let mut policy = read(policy, arn);
    let statements = statements(&mut policy);
    let before = statements.len();
    statements.retain(|statement| statement["Sid"] != label);
    if statements.len() == before {
        return Err(SqsError::value("Label", label, "can't find label on existing policy"));
    }
    let none = statements.is_empty();
    Ok((!none).then(|| policy.to_string()))
}

/// Changes the policy that is kept with a queue.
pub(super) fn change(
    call: &Call,
    queue: &Named,
    change: impl FnOnce(Option<&str>) -> Result<Option<String>, SqsError>,
) -> Result<(), SqsError> {
    let mut result = Ok(());
    call.broker().annotate(queue, |kept| {
        let changed = change(kept.get(POLICY).map(String::as_str));
        result = changed.map(|policy| match policy {
            Some(policy) => drop(kept.insert(POLICY.to_owned(), policy)),
            None => drop(kept.remove(POLICY)),
        });
    });
    result
}

fn read(policy: Option<&str>, arn: &str) -> Value {
    let own = policy.and_then(|text| serde_json::from_str(text).ok()).filter(Value::is_object);
    own.unwrap_or_else(
        || json!({ "Version": "2008-10-17", "Id": format!("{arn}/SQSDefaultPolicy") }),
    )
}

fn statements(policy: &mut Value) -> &mut Vec<Value> {
    let statements = &mut policy["Statement"];
    if !statements.is_array() {
        // One alone may stand without a list.
        *statements = match statements.take() {
            Value::Null => json!([]),
            one => json!([one]),
        };
    }
    statements.as_array_mut().expect("it was just made one")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:sqs:us-east-1:000000000000:q";

    fn texts(list: &[&str]) -> Vec<String> {
        list.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn permissions_come_and_go_by_their_label() {
        let (accounts, actions) = (texts(&["111122223333"]), texts(&["SendMessage"]));
        let one = add(None, "a", ARN, &accounts, &actions).unwrap();
        let two = add(Some(&one), "b", ARN, &accounts, &actions).unwrap();
        assert!(add(Some(&two), "b", ARN, &accounts, &actions).is_err());
        assert_eq!(remove(Some(&two), "b", ARN).unwrap(), Some(one.clone()));
        assert_eq!(remove(Some(&one), "a", ARN).unwrap(), None);
        assert!(remove(Some(&one), "b", ARN).is_err());
        let read: Value = serde_json::from_str(&one).unwrap();
        assert_eq!(read["Statement"][0]["Principal"]["AWS"][0], "arn:aws:iam::111122223333:root");
    }

    #[test]
    fn a_policy_has_an_end() {
        let (accounts, actions) = (texts(&["111122223333"]), texts(&["SendMessage"]));
        let mut policy = None;
        for label in 0..20 {
            policy =
                Some(add(policy.as_deref(), &label.to_string(), ARN, &accounts, &actions).unwrap());
        }
        let error = add(policy.as_deref(), "more", ARN, &accounts, &actions).unwrap_err();
        assert_eq!(error.kind, Kind::OverLimit);
        let error = add(None, "a", ARN, &texts(&["111122223333"; 300]), &actions).unwrap_err();
        assert_eq!(error.kind, Kind::OverLimit);

        let sized = |bytes: usize| format!("{{\"Id\":\"{}\"}}", "x".repeat(bytes - 9));
        assert!(is_policy(&sized(8192)) && !is_policy(&sized(8193)));
        assert!(!is_policy("[]") && !is_policy("{"));
    }

    #[test]
    fn a_permission_has_up_to_seven_actions() {
        let accounts = texts(&["111122223333"]);
        assert!(add(None, "a", ARN, &accounts, &texts(&["*"; 7])).is_ok());
        let error = add(None, "a", ARN, &accounts, &texts(&["*"; 8])).unwrap_err();
        assert_eq!(error.kind, Kind::OverLimit);
        for label in ["", "a b", &"x".repeat(81)] {
            assert!(check_label(label).is_err(), "{label}");
        }
    }
}
