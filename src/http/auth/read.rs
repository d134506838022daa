//! Tokens from a file or a variable. Whatever is wrong, no text shows a token.
//!
//! ```toml
//! [tokens.shop]
//! token = "…"              # or sha256 = "…": its SHA-256 as 64 hexadecimal digits
//! send = ["orders.*"]      # a role, and the queues on which the token has it
//! receive = ["orders.dead"]
//! ```
//!
//! A variable says the same in one line: `shop=… send:orders.* receive:orders.dead; ops=… admin:*`.

use thiserror::Error;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::pattern::Pattern;
use super::tokens::{Role, Token, Tokens, digest};

/// What makes the text of tokens one that cannot be used.
#[derive(Debug, Error)]
pub enum InvalidTokens {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(std::io::Error),
    /// What is said is not what it should be.
    #[error("{place}: {what}")]
    Wrong {
        /// A line, or which entry.
        place: String,
        /// The field, and what is allowed.
        what: String,
    },
}

/// Looked at for every request, one after the other.
const MOST: usize = 1000;
const SHORTEST: usize = 16;
const LONGEST: usize = 512;

impl Tokens {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// When it does not say what it should; the text names line and field.
    pub fn read(text: &str) -> Result<Self, InvalidTokens> {
        let at = |start: usize, what: String| {
            let line = text[..start.min(text.len())].matches('\n').count() + 1;
            InvalidTokens::Wrong { place: format!("line {line}"), what }
        };
        let document = DeTable::parse(text).map_err(|error| {
            // The whole of its text shows the line, and a part of it may quote what is there.
            at(error.span().map_or(0, |span| span.start), "is not TOML".to_owned())
        })?;
        let mut tokens = Self::default();
        for (key, value) in document.get_ref() {
            let here =
                |what: &str| at(key.span().start, format!("`{}` {what}", shown(key.get_ref())));
            if key.get_ref() != "tokens" {
                return Err(here("is unknown: there are tables `tokens.NAME`"));
            }
            let entries = value.get_ref().as_table();
            for (name, entry) in entries.ok_or_else(|| here("must be tables `tokens.NAME`"))? {
                let token = read_entry(name.get_ref(), entry)
                    .map_err(|(start, what)| at(start.unwrap_or(name.span().start), what))?;
                tokens.add(token).map_err(|what| at(name.span().start, what))?;
            }
        }
        tokens.checked().map_err(|what| at(text.len(), what))
    }

    /// Reads the text of the variable.
    ///
    /// # Errors
    /// When it does not say what it should; the text names entry and field.
    pub fn read_line(text: &str) -> Result<Self, InvalidTokens> {
        let mut tokens = Self::default();
        let entries = text.split(';').map(str::trim).filter(|entry| !entry.is_empty());
        for (number, entry) in (1..).zip(entries) {
            let read = read_words(entry).and_then(|token| tokens.add(token));
            read.map_err(|what| InvalidTokens::Wrong { place: format!("entry {number}"), what })?;
        }
        let place = "the whole".to_owned();
        tokens.checked().map_err(|what| InvalidTokens::Wrong { place, what })
    }

    /// With those of another text too.
    ///
    /// # Errors
    /// When a name or a token is in both.
    pub fn and(mut self, others: Self) -> Result<Self, InvalidTokens> {
        for token in others.0 {
            let place = "file and variable together".to_owned();
            self.add(token).map_err(|what| InvalidTokens::Wrong { place, what })?;
        }
        Ok(self)
    }

    fn add(&mut self, token: Token) -> Result<(), String> {
        if let Some(other) = self.0.iter().find(|other| other.name == token.name) {
            return Err(format!("the name `{}` is there twice", other.name));
        }
        if let Some(other) = self.0.iter().find(|other| other.digest == token.digest) {
            return Err(format!("`{}` and `{}` have the same token", other.name, token.name));
        }
        if self.0.len() == MOST {
            return Err(format!("there are more than {MOST} tokens"));
        }
        self.0.push(token);
        Ok(())
    }

    fn checked(self) -> Result<Self, String> {
        if self.is_empty() {
            Err("there is no token, so nobody could ask".to_owned())
        } else {
            Ok(self)
        }
    }
}

/// Where a part of the text begins, if that is known, and what is wrong with it.
type Fault = (Option<usize>, String);

fn read_entry(name: &str, entry: &Spanned<DeValue<'_>>) -> Result<Token, Fault> {
    let name = read_name(name).map_err(|what| (None, what))?;
    let field = |field: &str| format!("`tokens.{name}.{field}`");
    let table = entry.get_ref().as_table();
    let table = table.ok_or_else(|| (None, format!("`tokens.{name}` must be a table")))?;
    let (mut secret, mut grants) = (None, Vec::new());
    for (key, value) in table {
        let wrong =
            |what: &str| (Some(value.span().start), format!("{} {what}", field(key.get_ref())));
        let key = key.get_ref().as_ref();
        if matches!(key, "token" | "sha256") {
            let text = value.get_ref().as_str().ok_or_else(|| wrong("must be a text"))?;
            let read = if key == "token" { Secret::plain(text) } else { Secret::digest(text) };
            if secret.replace(read.map_err(&wrong)?).is_some() {
                return Err(wrong("is too much: there is either `token` or `sha256`"));
            }
            continue;
        }
        let Some(role) = Role::read(key) else {
            return Err((
                Some(value.span().start),
                format!(
                    "`{}` of `tokens.{name}` is unknown: there are `token`, `sha256`, `send`, \
                     `receive`, `monitor` and `admin`",
                    shown(key)
                ),
            ));
        };
        let patterns = value.get_ref().as_array();
        for pattern in
            patterns.ok_or_else(|| wrong("must be a list of queues, as in [\"orders.*\"]"))?
        {
            let pattern = pattern.get_ref().as_str().and_then(Pattern::read);
            grants.push((role, pattern.ok_or_else(|| wrong(PATTERN_RULE))?));
        }
    }
    let Secret { digest, plain } = secret
        .ok_or_else(|| (None, format!("`tokens.{name}` has neither `token` nor `sha256`")))?;
    if grants.is_empty() {
        return Err((None, format!("`tokens.{name}` has no role: it would be good for nothing")));
    }
    Ok(Token { name, digest, plain, grants })
}

/// `name=token role:pattern,pattern role+role:pattern role`
fn read_words(entry: &str) -> Result<Token, String> {
    let mut words = entry.split_whitespace();
    let first = words.next().unwrap_or_default();
    let (name, secret) = first.split_once('=').ok_or("it must begin with `NAME=TOKEN`")?;
    let name = read_name(name)?;
    let secret = match secret.strip_prefix("sha256:") {
        Some(digits) => Secret::digest(digits),
        None => Secret::plain(secret),
    };
    let Secret { digest, plain } =
        secret.map_err(|what| format!("the token of `{name}` {what}"))?;
    let mut grants = Vec::new();
    for word in words {
        let (roles, patterns) = word.split_once(':').unwrap_or((word, "*"));
        for role in roles.split('+') {
            let role = Role::read(role).ok_or_else(|| {
                format!("a role of `{name}` is unknown: there are `send`, `receive`, `monitor` and `admin`")
            })?;
            for pattern in patterns.split(',') {
                let pattern = Pattern::read(pattern);
                let wrong = || format!("`{}` of `{name}` {PATTERN_RULE}", role.as_str());
                grants.push((role, pattern.ok_or_else(wrong)?));
            }
        }
    }
    if grants.is_empty() {
        return Err(format!("`{name}` has no role: it would be good for nothing"));
    }
    Ok(Token { name, digest, plain, grants })
}

const PATTERN_RULE: &str =
    "must be names of queues, 1 to 80 of A-Z a-z 0-9 - _ . and `*` for any part of a name";

/// A token, as it is kept.
struct Secret {
    digest: [u8; 32],
    plain: Option<String>,
}

impl Secret {
    fn plain(text: &str) -> Result<Self, &'static str> {
        let fits = (SHORTEST..=LONGEST).contains(&text.len());
        if !fits || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("must be 16 to 512 visible characters");
        }
        Ok(Self { digest: digest(text), plain: Some(text.to_owned()) })
    }

    fn digest(digits: &str) -> Result<Self, &'static str> {
        let read = base16ct::mixed::decode_vec(digits).ok();
        let digest = read.and_then(|bytes| bytes.try_into().ok());
        Ok(Self { digest: digest.ok_or("must be 64 hexadecimal digits")?, plain: None })
    }
}

/// A name may also be the access key of an SQS client.
fn read_name(name: &str) -> Result<String, String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if name.is_empty() || name.len() > 80 || !name.bytes().all(allowed) {
        return Err("the name of a token must be 1 to 80 of A-Z a-z 0-9 - _ .".to_owned());
    }
    Ok(name.to_owned())
}

/// A key, unless it is long enough to be a token in the wrong place.
fn shown(key: &str) -> &str {
    if key.len() < SHORTEST { key } else { "…" }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "s3cret-s3cret-s3cret";
    const DIGEST: &str = "C0FFEEc0ffeec0ffeec0ffeec0ffeec0ffeec0ffeec0ffeec0ffeec0ffee0000";

    #[test]
    fn file_and_variable_say_the_same() {
        let file = format!(
            "[tokens.shop]\ntoken = \"{SECRET}\"\nsend = [\"orders.*\", \"x\"]\nmonitor = [\"*\"]\n\
             [tokens.ops]\nsha256 = \"{DIGEST}\"\nadmin = [\"*\"]\n"
        );
        let line = format!(
            " shop={SECRET} send:orders.*,x monitor ;; ops=sha256:{} admin:*;",
            DIGEST.to_lowercase()
        );
        let mut read =
            [Tokens::read(&file).unwrap(), Tokens::read_line(&line).unwrap()].map(|tokens| {
                let mut tokens = tokens.0;
                tokens.sort_by(|one, other| one.name.cmp(&other.name));
                tokens
                    .into_iter()
                    .map(|token| {
                        let mut grants: Vec<_> = token
                            .grants
                            .iter()
                            .map(|(role, pattern)| format!("{role:?} {pattern:?}"))
                            .collect();
                        grants.sort();
                        (token.name, token.digest, token.plain, grants)
                    })
                    .collect::<Vec<_>>()
            });
        assert_eq!(read[0], read[1]);
        let (name, _, plain, grants) = read[0].pop().unwrap();
        assert_eq!((&*name, plain.as_deref(), grants.len()), ("shop", Some(SECRET), 3));
        let (name, digest, plain, _) = read[0].pop().unwrap();
        assert_eq!((&*name, digest[0], plain), ("ops", 0xC0, None));
    }

    #[test]
    fn roles_may_share_their_queues() {
        let tokens = Tokens::read_line(&format!("a={SECRET} send+receive:q,r")).unwrap();
        assert_eq!(tokens.0[0].grants.len(), 4);
    }

    /// What is wrong is named; what was given is not.
    #[test]
    fn a_file_that_is_wrong_is_refused_by_line_and_field() {
        for (text, words) in [
            ("[tokens.a]\ntoken = \"SECRET\" x\n", &["line 2", "TOML"][..]),
            ("[tokens.a]\ntoken = SECRET\n", &["line 2"]),
            ("[tokens.a]\ntoken = \"SECRET\n", &["line 2"]),
            (
                "[tokens.a]\ntoken = [\"SECRET\"]\nsend = [\"q\"]\n",
                &["line 2", "tokens.a.token", "text"],
            ),
            (
                "[tokens.a]\ntoken = \"short\"\nsend = [\"q\"]\n",
                &["line 2", "tokens.a.token", "16"],
            ),
            (
                "[tokens.a]\ntoken = \"SECRET SECRET\"\nsend = [\"q\"]\n",
                &["tokens.a.token", "visible"],
            ),
            (
                "[tokens.a]\nsha256 = \"SECRET\"\nsend = [\"q\"]\n",
                &["line 2", "tokens.a.sha256", "64"],
            ),
            ("[tokens.a]\nsend = [\"q\"]\n", &["line 1", "neither"]),
            ("[tokens.a]\ntoken = \"SECRET\"\n", &["line 1", "tokens.a", "no role"]),
            ("[tokens.a]\ntoken = \"SECRET\"\nsend = []\n", &["tokens.a", "no role"]),
            (
                "[tokens.a]\ntoken = \"SECRET\"\nsend = \"q\"\n",
                &["line 3", "tokens.a.send", "list"],
            ),
            (
                "[tokens.a]\ntoken = \"SECRET\"\nsend = [\"a b\"]\n",
                &["line 3", "tokens.a.send", "80"],
            ),
            ("[tokens.a]\ntoken = \"SECRET\"\nsned = [\"q\"]\n", &["line 3", "sned", "receive"]),
            ("[tokens.a]\nSECRET = \"token\"\n", &["line 2", "unknown"]),
            ("[tokens.\"a b\"]\ntoken = \"SECRET\"\nsend = [\"q\"]\n", &["line 1", "name", "80"]),
            ("[token.a]\ntoken = \"SECRET\"\n", &["line 1", "token", "tokens.NAME"]),
            ("tokens = \"SECRET\"\n", &["line 1", "tables"]),
            ("[tokens]\na = \"SECRET\"\n", &["line 2", "tokens.a", "table"]),
            ("", &["no token"]),
            (
                "[tokens.a]\ntoken = \"SECRET\"\nsend = [\"q\"]\n[tokens.b]\ntoken = \"SECRET\"\nsend = [\"q\"]\n",
                &["line 4", "same token", "`a`", "`b`"],
            ),
        ] {
            let text = text.replace("SECRET", SECRET);
            let error = Tokens::read(&text).expect_err(&text).to_string();
            for word in words {
                assert!(error.contains(word), "{word} is not in `{error}` of {text}");
            }
            assert!(!error.contains(SECRET), "{error}");
        }
    }

    #[test]
    fn a_variable_that_is_wrong_is_refused_by_entry_and_field() {
        for (text, words) in [
            ("SECRET", &["entry 1", "NAME=TOKEN"][..]),
            ("a=short send", &["entry 1", "`a`", "16"]),
            ("a=SECRET", &["entry 1", "`a`", "no role"]),
            ("a=SECRET send; =SECRETx send", &["entry 2", "name"]),
            ("a=SECRET sned:q", &["`a`", "role"]),
            ("a=SECRET send:q,", &["`a`", "`send`", "80"]),
            ("a=sha256:SECRET send", &["`a`", "64"]),
            ("a=SECRET send; a=SECRETx send", &["entry 2", "twice"]),
            ("a=SECRET send; b=SECRET send", &["entry 2", "same token"]),
            (" ; ", &["no token"]),
        ] {
            let text = text.replace("SECRET", SECRET);
            let error = Tokens::read_line(&text).expect_err(&text).to_string();
            for word in words {
                assert!(error.contains(word), "{word} is not in `{error}` of {text}");
            }
            assert!(!error.contains(SECRET), "{error}");
        }
    }

    #[test]
    fn the_example_can_be_used() {
        let text = include_str!("../../../examples/auth.toml");
        let tokens = Tokens::read(text).unwrap();
        let has = |name: &str, role, queue: &str| {
            let token = tokens.0.iter().find(|token| token.name == name).expect(name);
            token.has(role, queue)
        };
        assert!(has("shop", Role::Send, "orders.eu") && !has("shop", Role::Receive, "orders.eu"));
        assert!(
            has("billing", Role::Receive, "orders.eu") && !has("billing", Role::Admin, "orders.eu")
        );
        assert!(
            has("prometheus", Role::Monitor, "any") && !has("prometheus", Role::Receive, "any")
        );
        assert!(has("operator", Role::Admin, "any"));
    }
}
