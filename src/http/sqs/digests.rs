//! The MD5 digests by which SDKs check that a message came through as it was.

use md5::{Digest as _, Md5};

/// The digest of a body, in hexadecimal.
pub(super) fn of_body(body: &[u8]) -> String {
    hexadecimal(Md5::new_with_prefix(body))
}

/// The digest of attributes, which come by name; `None` where there are none.
///
/// Of each: the length of the name and the name, the length of the data type and the data type, a byte
/// that says whether text or binary follows, the length of the value and the value. Lengths have four
/// bytes, the highest first.
pub(super) fn of_attributes<'a>(
    attributes: impl Iterator<Item = (&'a str, &'a str, Encoded<'a>)>,
) -> Option<String> {
    let mut attributes = attributes.peekable();
    attributes.peek()?;
    let mut digest = Md5::new();
    for (name, data_type, value) in attributes {
        field(&mut digest, name.as_bytes());
        field(&mut digest, data_type.as_bytes());
        match value {
            Encoded::Text(text) => {
                digest.update([1]);
                field(&mut digest, text.as_bytes());
            }
            Encoded::Binary(bytes) => {
                digest.update([2]);
                field(&mut digest, bytes);
            }
        }
    }
    Some(hexadecimal(digest))
}

/// The value of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoded<'a> {
    Text(&'a str),
    Binary(&'a [u8]),
}

fn field(digest: &mut Md5, bytes: &[u8]) {
    // No attribute is as long as four bytes could not tell: a request is not.
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    digest.update(length.to_be_bytes());
    digest.update(bytes);
}

fn hexadecimal(digest: Md5) -> String {
    base16ct::lower::encode_string(&digest.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_a_body_is_that_of_its_bytes() {
        assert_eq!(of_body(b""), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(of_body(b"This is a test message"), "fafb00f5732ab283681e124bf8747ed1");
    }

    #[test]
    fn the_digest_of_attributes_is_the_one_that_the_service_gives() {
        let attributes = [("Foo", "String", Encoded::Text("Bar"))];
        let digest = of_attributes(attributes.into_iter());
        assert_eq!(digest.as_deref(), Some("ae7155c6026991b6d54b11589678bf9c"));
        assert_eq!(of_attributes(std::iter::empty()), None);
    }

    #[test]
    fn binary_values_and_types_count() {
        let digest = |data_type, value| of_attributes([("a", data_type, value)].into_iter());
        let text = digest("String", Encoded::Text("1"));
        assert_ne!(text, digest("Number", Encoded::Text("1")));
        assert_ne!(text, digest("String", Encoded::Binary(b"1")));
    }
}
