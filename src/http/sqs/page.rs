//! Lists in pages: a page's token is the last name of the page before, in base64.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;

use super::errors::SqsError;
use super::limits::PAGE;
use super::number::Number;

/// The page behind `token` of names that are in order, and the token of the next one.
pub(super) fn cut(
    mut names: Vec<String>,
    max_results: Option<Number>,
    token: &str,
) -> Result<(Vec<String>, Option<String>), SqsError> {
    let reason = || format!("MaxResults must be an integer between 1 and {PAGE}.");
    let max = max_results.unwrap_or(Number(PAGE)).within("MaxResults", 1, PAGE, reason)? as usize;
    if !token.is_empty() {
        let last = BASE64.decode(token).ok().and_then(|last| String::from_utf8(last).ok());
        let last = last.ok_or_else(|| SqsError::invalid("Invalid or expired next token."))?;
        names.retain(|name| *name > last);
    }
    let more = names.len() > max;
    names.truncate(max);
    let next = names.last().filter(|_| more).map(|last| BASE64.encode(last));
    Ok((names, next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_together_are_the_list() {
        let all: Vec<String> = ["a", "b", "c", "d", "e"].map(str::to_owned).into();
        let (mut seen, mut token) = (Vec::new(), String::new());
        loop {
            let (page, next) = cut(all.clone(), Some(Number(2)), &token).unwrap();
            assert!(!page.is_empty() && page.len() <= 2);
            seen.extend(page);
            let Some(next) = next else { break };
            token = next;
        }
        assert_eq!(seen, all);
        assert_eq!(cut(all.clone(), None, "").unwrap(), (all.clone(), None));
        assert!(cut(all.clone(), Some(Number(0)), "").is_err());
        assert!(cut(all, None, "?").is_err());
    }
}
