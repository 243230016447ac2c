//! How a request for approval ends, and how a hint can say so itself.

use serde::{Deserialize, Serialize};

/// What the person (or the provider) does with a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The person approves.
    Approve,
    /// The person refuses; answered with the personality's own code.
    Deny,
    /// Nobody answers: the request expires.
    Expire,
    /// The provider gives up with this error code.
    Fail(String),
}

/// An outcome and how long after the start it comes about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What happens.
    pub outcome: Outcome,
    /// How long after the start of the request, in ms.
    pub after_ms: u64,
}

impl Verdict {
    /// An outcome that comes about `after_ms` after the start.
    pub fn new(outcome: Outcome, after_ms: u64) -> Self {
        Verdict { outcome, after_ms }
    }

    /// Reads a verdict out of any text that a person may see.
    ///
    /// The first of these phrases counts, wherever it stands in the text, in
    /// either case: `approve after 2 s`, `deny after 500 ms`,
    /// `fail CODE after 1.5 s`, `never`. Units are `s` and `ms`.
    pub fn in_text(text: &str) -> Option<Verdict> {
        let words: Vec<&str> = text
            .split(|c: char| c.is_whitespace() || "\"',;!?()[]{}".contains(c))
            .filter(|word| !word.is_empty())
            .collect();
        (0..words.len()).find_map(|at| phrase(&words[at..]))
    }
}

fn phrase(words: &[&str]) -> Option<Verdict> {
    let is = |at: usize, what: &str| words.get(at).is_some_and(|w| w.eq_ignore_ascii_case(what));
    if is(0, "never") || is(0, "never.") {
        return Some(Verdict::new(Outcome::Expire, 0));
    }
    let (outcome, at) = if is(0, "approve") {
        (Outcome::Approve, 1)
    } else if is(0, "deny") {
        (Outcome::Deny, 1)
    } else if is(0, "fail") {
        (Outcome::Fail((*words.get(1)?).to_owned()), 2)
    } else {
        return None;
    };
    if !is(at, "after") {
        return None;
    }
    let after_ms = duration(words.get(at + 1)?, words.get(at + 2).copied())?;
    Some(Verdict { outcome, after_ms })
}

/// `2 s`, `2s`, `500 ms`, `0.5 s`, with a full stop behind it or not.
fn duration(number: &str, unit: Option<&str>) -> Option<u64> {
    let split = number.find(|c: char| c.is_ascii_alphabetic());
    let (number, unit) = match split {
        Some(at) => number.split_at(at),
        None => (number, unit?),
    };
    let factor = match unit.trim_end_matches('.') {
        "s" | "S" => 1000.0,
        "ms" | "MS" => 1.0,
        _ => return None,
    };
    let ms = number.parse::<f64>().ok()? * factor;
    (0.0..=86_400_000.0).contains(&ms).then_some(ms as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(Outcome, u64)> {
        Verdict::in_text(text).map(|v| (v.outcome, v.after_ms))
    }

    #[test]
    fn phrases_are_found_anywhere() {
        assert_eq!(read("Sign in at the desk (approve after 2 s)"), Some((Outcome::Approve, 2000)));
        assert_eq!(read("DENY AFTER 500ms."), Some((Outcome::Deny, 500)));
        assert_eq!(
            read("fail mitid_flex_app.mitid_error_CORE001 after 1.5 s"),
            Some((Outcome::Fail("mitid_flex_app.mitid_error_CORE001".into()), 1500))
        );
        assert_eq!(read("never"), Some((Outcome::Expire, 0)));
    }

    #[test]
    fn other_texts_say_nothing() {
        for text in [
            "",
            "Please approve the payment",
            "approve after lunch",
            "deny after -1 s",
            "fail after 2 s",
            "approve after 2 h",
            "nevertheless",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
