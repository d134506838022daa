//! Receipts and message ids as text.
//!
//! A receipt names a delivery of one queue and carries a tag that only this process can compute, so
//! that nobody can guess one. Nothing is kept: the tag is computed again when it comes back. After a
//! restart, and for a queue that was deleted and made again, old receipts are unknown.

use std::hash::{BuildHasher as _, RandomState};

use crate::queue::{MessageId, Receipt};

/// What makes the texts of one queue its own.
#[derive(Clone, Debug)]
pub(super) struct Texts {
    /// SipHash with a key from the system's random numbers, for each queue another one.
    key: RandomState,
    /// The end of all its ids: as many random digits, which no other queue has.
    itself: [u8; 16],
}

/// How many characters a receipt has as text.
pub const RECEIPT_LENGTH: usize = 8 + 8 + 4 + 16;
/// How many characters an id has as text.
pub const ID_LENGTH: usize = 8 + 8 + 16;

impl Texts {
    pub(super) fn new() -> Self {
        let key = RandomState::new();
        let mut itself = [0; 16];
        write_hex(&mut itself, &RandomState::new().hash_one(0).to_be_bytes());
        Self { key, itself }
    }

    fn tag(&self, receipt: Receipt) -> u64 {
        self.key.hash_one(receipt.parts())
    }

    /// The receipt as a consumer gets it: hexadecimal digits.
    pub(super) fn of_receipt(&self, receipt: Receipt) -> [u8; RECEIPT_LENGTH] {
        let (slot, generation, delivery) = receipt.parts();
        let mut text = [0; RECEIPT_LENGTH];
        write_hex(&mut text[..16], &parts(slot, generation));
        write_hex(&mut text[16..20], &delivery.to_be_bytes());
        write_hex(&mut text[20..], &self.tag(receipt).to_be_bytes());
        text
    }

    /// The receipt of a text that this queue gave, otherwise `None`.
    pub(super) fn receipt(&self, text: &str) -> Option<Receipt> {
        if text.len() != RECEIPT_LENGTH {
            return None;
        }
        let slot = hex(text, 0..8)? as u32;
        let generation = hex(text, 8..16)? as u32;
        let delivery = hex(text, 16..20)? as u16;
        // A comparison of two numbers takes the same time wherever they differ.
        let receipt = Receipt::from_parts(slot, generation, delivery);
        (hex(text, 20..36)? == self.tag(receipt)).then_some(receipt)
    }

    /// The id as anybody may see it: hexadecimal digits, of which no two messages of any queue have the
    /// same.
    pub(super) fn of_id(&self, id: MessageId) -> [u8; ID_LENGTH] {
        let (slot, generation) = id.parts();
        let mut text = [0; ID_LENGTH];
        write_hex(&mut text[..16], &parts(slot, generation));
        text[16..].copy_from_slice(&self.itself);
        text
    }

    /// The id of a text that this queue gave, otherwise `None`.
    pub(super) fn id(&self, text: &str) -> Option<MessageId> {
        if text.len() != ID_LENGTH {
            return None;
        }
        let slot = hex(text, 0..8)? as u32;
        let generation = hex(text, 8..16)? as u32;
        let known = text.as_bytes()[16..] == self.itself;
        known.then(|| MessageId::from_parts(slot, generation))
    }
}

fn parts(slot: u32, generation: u32) -> [u8; 8] {
    (u64::from(slot) << 32 | u64::from(generation)).to_be_bytes()
}

/// Writes bytes as twice as many hexadecimal digits.
fn write_hex(text: &mut [u8], bytes: &[u8]) {
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair.copy_from_slice(&HEX[usize::from(*byte)]);
    }
}

/// Each byte in two digits.
static HEX: [[u8; 2]; 256] = {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        pairs[byte] = [DIGITS[byte >> 4], DIGITS[byte & 15]];
        byte += 1;
    }
    pairs
};

fn hex(text: &str, digits: std::ops::Range<usize>) -> Option<u64> {
    let digits = text.get(digits)?;
    let lower = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if lower { u64::from_str_radix(digits, 16).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(digits: impl AsRef<[u8]>) -> String {
        String::from_utf8(digits.as_ref().to_vec()).unwrap()
    }

    #[test]
    fn only_the_queue_that_gave_a_receipt_knows_it() {
        let (queue, other) = (Texts::new(), Texts::new());
        let receipt = Receipt::from_parts(7, 1, 65535);
        let text = text(queue.of_receipt(receipt));
        assert_eq!(text.len(), RECEIPT_LENGTH);
        assert_eq!(queue.receipt(&text), Some(receipt));
        assert_eq!(other.receipt(&text), None);
        for (at, _) in text.char_indices() {
            let digit = if text.as_bytes()[at] == b'0' { "1" } else { "0" };
            let mut forged = text.clone();
            forged.replace_range(at..=at, digit);
            assert_eq!(queue.receipt(&forged), None, "{forged}");
        }
        for text in ["", "x", &text.to_uppercase(), &format!("{text}0"), &"ä".repeat(18)] {
            assert_eq!(queue.receipt(text), None, "{text}");
        }
    }

    #[test]
    fn an_id_comes_back() {
        let queue = Texts::new();
        let id = MessageId::from_parts(u32::MAX, 3);
        assert_eq!(queue.id(&text(queue.of_id(id))), Some(id));
        assert_eq!(queue.id(&"0".repeat(32)), None);
    }
}
