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

const RECEIPT_LENGTH: usize = 8 + 8 + 4 + 16;
pub(super) const ID_LENGTH: usize = 8 + 8 + 16;

impl Texts {
    pub(super) fn new() -> Self {
        let key = RandomState::new();
        let mut itself = Vec::with_capacity(16);
        write_hex(&mut itself, RandomState::new().hash_one(0), 16);
        Self { key, itself: itself.try_into().expect("sixteen digits were written") }
    }

    fn tag(&self, receipt: Receipt) -> u64 {
        self.key.hash_one(receipt.parts())
    }

    /// Appends the receipt as a consumer gets it: 36 hexadecimal digits.
    pub(super) fn write_receipt(&self, out: &mut Vec<u8>, receipt: Receipt) {
        let (slot, generation, delivery) = receipt.parts();
        write_hex(out, u64::from(slot) << 32 | u64::from(generation), 16);
        write_hex(out, delivery.into(), 4);
        write_hex(out, self.tag(receipt), 16);
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

    /// Appends the id as anybody may see it: 32 hexadecimal digits, of which no two messages of any
    /// queue have the same.
    pub(super) fn write_id(&self, out: &mut Vec<u8>, id: MessageId) {
        let (slot, generation) = id.parts();
        write_hex(out, u64::from(slot) << 32 | u64::from(generation), 16);
        out.extend_from_slice(&self.itself);
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

/// Appends the last `digits` hexadecimal digits of a number, an even number of them.
fn write_hex(out: &mut Vec<u8>, number: u64, digits: usize) {
    let mut text = [0; 16];
    let bytes = number.to_be_bytes();
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair.copy_from_slice(&HEX[usize::from(byte)]);
    }
    out.extend_from_slice(&text[16 - digits..]);
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

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn only_the_queue_that_gave_a_receipt_knows_it() {
        let (queue, other) = (Texts::new(), Texts::new());
        let receipt = Receipt::from_parts(7, 1, 65535);
        let text = text(|out| queue.write_receipt(out, receipt));
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
        assert_eq!(queue.id(&text(|out| queue.write_id(out, id))), Some(id));
        assert_eq!(queue.id(&"0".repeat(32)), None);
    }
}
