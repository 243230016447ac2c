//! AES in CBC mode with HMAC: the examples of the RFCs, and that nothing is decrypted before the tag is right.

use super::encrypted::{fixtures, jwe};
use super::*;
use crate::tokens::content_encryption::ContentAlgorithm;

const ENCRYPTED: [&str; 2] = ["A128CBC-HS256", "A256CBC-HS512"];

fn algorithm(name: &str) -> &'static ContentAlgorithm {
    CONTENT_ALGORITHMS.iter().find(|algorithm| algorithm.name == name).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(value.as_str().unwrap()).unwrap()
}

/// A text as one who has the key writes it.
#[derive(Clone)]
struct Sealed {
    enc: &'static str,
    key: Vec<u8>,
    additional: Vec<u8>,
    iv: Vec<u8>,
    text: Vec<u8>,
    tag: Vec<u8>,
}

impl Sealed {
    /// The examples of RFC 7518 Appendix B.1 and B.3.
    fn examples() -> Vec<Sealed> {
        let examples = &fixtures()["rfc_7518_b"];
        let example = |of: &Value| {
            let enc = ENCRYPTED.into_iter().find(|enc| of["enc"] == *enc).unwrap();
            Sealed {
                enc,
                key: (0..algorithm(enc).key_bytes as u8).collect(),
                additional: examples["additional"].as_str().unwrap().into(),
                iv: bytes(&examples["iv"]),
                text: bytes(&of["text"]),
                tag: bytes(&of["tag"]),
            }
        };
        examples["of"].as_array().unwrap().iter().map(example).collect()
    }

    /// The same with a tag that is right for it.
    fn tagged(mut self) -> Sealed {
        let (mac_key, _) = self.key.split_at(self.key.len() / 2);
        self.tag = jwe::cbc_mac(mac_key, &self.additional, &self.iv, &self.text);
        self.tag.truncate(mac_key.len());
        self
    }

    fn opened(&self) -> Option<String> {
        let algorithm = algorithm(self.enc);
        let opened = algorithm.open(&self.key, &self.additional, &self.iv, &self.text, &self.tag).ok()?;
        assert_eq!(opened.capacity(), self.text.len() + self.tag.len(), "no copy is left behind by growing");
        Some(String::from_utf8(opened.to_vec()).unwrap())
    }
}

#[test]
fn rfc_7518_b_is_decrypted() {
    let examples = Sealed::examples();
    assert_eq!(examples.len(), ENCRYPTED.len());
    for example in examples {
        assert_eq!(
            example.opened().as_deref(),
            fixtures()["rfc_7518_b"]["plain"].as_str(),
            "{}",
            example.enc
        );
        assert_eq!(example.clone().tagged().tag, example.tag, "the tag of the RFC is the one the tests make");
    }
}

#[test]
fn rfc_7516_a_3_is_decrypted() {
    let example = &fixtures()["rfc_7516_a_3"];
    let parts: Vec<&str> = example["token"].as_str().unwrap().split('.').collect();
    let part = |index: usize| URL_SAFE_NO_PAD.decode(parts[index]).unwrap();
    let key = bytes(&example["content_key"]);
    let open = |header: &str| {
        algorithm("A128CBC-HS256").open(&key, header.as_bytes(), &part(2), &part(3), &part(4)).ok()
    };
    assert_eq!(open(parts[0]).unwrap().as_slice(), example["plain"].as_str().unwrap().as_bytes());
    assert!(open("").is_none(), "the header is authenticated");
}

#[test]
fn a_fact_that_the_tag_is_not_over_is_refused() {
    type Change = fn(&mut Sealed);
    const CHANGES: &[(&str, Change)] = &[
        ("the first bit of the text", |s| s.text[0] ^= 0x80),
        ("the last bit of the text, which is padding", |s| *s.text.last_mut().unwrap() ^= 1),
        ("a block less", |s| s.text.truncate(s.text.len() - 16)),
        ("half a block less", |s| s.text.truncate(s.text.len() - 8)),
        ("no text", |s| s.text.clear()),
        ("a bit of the vector", |s| s.iv[0] ^= 1),
        ("a vector that is short", |s| s.iv.truncate(15)),
        ("a vector that is long", |s| s.iv.push(0)),
        ("no vector", |s| s.iv.clear()),
        ("a bit of the header", |s| s.additional[0] ^= 1),
        ("a header that is short", |s| s.additional.truncate(1)),
        ("the header's end moved into the vector", |s| s.iv.insert(0, s.additional.pop().unwrap())),
        ("the first bit of the tag", |s| s.tag[0] ^= 0x80),
        ("the last bit of the tag", |s| *s.tag.last_mut().unwrap() ^= 1),
        ("half a tag", |s| s.tag.truncate(s.tag.len() / 2)),
        ("a tag with a byte more", |s| s.tag.push(0)),
        ("no tag", |s| s.tag.clear()),
        ("a bit of the half of the key that the tag is made with", |s| s.key[0] ^= 1),
        ("a key that is short", |s| s.key.truncate(s.key.len() - 1)),
        ("a key that is long", |s| s.key.push(0)),
        ("no key", |s| s.key.clear()),
    ];
    for good in Sealed::examples() {
        for (name, change) in CHANGES {
            let mut wrong = good.clone();
            change(&mut wrong);
            assert_eq!(wrong.opened(), None, "{}: {name}", good.enc);
        }
        // The whole MAC, of which the tag is the first half.
        let mut whole = good.clone();
        let (mac_key, _) = whole.key.split_at(whole.key.len() / 2);
        whole.tag = jwe::cbc_mac(mac_key, &whole.additional, &whole.iv, &whole.text);
        assert!(whole.tag.starts_with(&good.tag) && whole.tag.len() == 2 * good.tag.len());
        assert_eq!(whole.opened(), None, "{}: the whole MAC", good.enc);
    }
}

#[test]
fn what_has_a_right_tag_and_is_not_whole_blocks_that_end_in_padding_is_refused() {
    for good in Sealed::examples() {
        let opens = |change: &dyn Fn(&mut Sealed)| {
            let mut sealed = good.clone();
            change(&mut sealed);
            sealed.tagged().opened().is_some()
        };
        assert!(opens(&|_| ()), "the twin");
        assert!(!opens(&|s| s.text.clear()), "{}: no text", good.enc);
        assert!(!opens(&|s| s.text.truncate(s.text.len() - 1)), "{}: a part of a block", good.enc);
        assert!(!opens(&|s| s.text.truncate(s.text.len() - 16)), "{}: no padding", good.enc);
        assert!(!opens(&|s| s.iv.truncate(8)), "{}: half a vector", good.enc);
        // The padding is a block of 16s; a bit of the block before it changes the same bit of the padding.
        for (from_the_end, bit) in [(1, 1), (1, 0x10), (2, 1), (16, 1)] {
            let change = |s: &mut Sealed| {
                let at = s.text.len() - 16 - from_the_end;
                s.text[at] ^= bit;
            };
            assert!(!opens(&change), "{}: padding changed {from_the_end} from its end", good.enc);
        }
    }
}
