//! What each provider takes as a `binding_message`, and short codes that keep its rule.

use aws_lc_rs::rand;

use crate::error::{Error, Result, Status};

/// Whether a `binding_message` is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    Optional,
    Required,
    Forbidden,
}

/// What a provider takes as a `binding_message`.
#[derive(Clone, Copy)]
pub struct BindingMessageRule {
    /// The rule is for requests with this class among their `acr_values`, or one below it (behind a
    /// colon); an empty one is for every request.
    pub acr: &'static str,
    pub presence: Presence,
    /// The least and the most characters.
    pub length: (usize, usize),
    pub allowed: fn(char) -> bool,
    /// What is said where a text does not fit: which characters are allowed, or why there must be one
    /// or none.
    pub text: &'static str,
}

/// No unit of a code: characters that look or sound like another one are left out, and vowels, so
/// that no words come out.
const ALPHABET: &[u8] = b"CDFGHJKMNPQRTVWXY34679";
/// 22 characters, six of them: one in a hundred million.
const CODE_LENGTH: usize = 6;
const GROUP: usize = 3;

impl BindingMessageRule {
    /// CIBA Core has no limits (§7.1).
    pub const ANY: BindingMessageRule = BindingMessageRule {
        acr: "",
        presence: Presence::Optional,
        length: (1, usize::MAX),
        allowed: |_| true,
        text: "",
    };

    pub fn applies(&self, acr_values: &str) -> bool {
        let below = |word: &str| {
            word.strip_prefix(self.acr).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        };
        self.acr.is_empty() || acr_values.split(' ').any(below)
    }

    /// Why a text, or none, breaks the rule.
    pub fn check(&self, text: Option<&str>) -> Result<()> {
        let refuse = |why: &str| {
            let text = [why, self.text].join(if self.text.is_empty() { "" } else { ": " });
            Err(Error::new(Status::INVALID_AUTHENTICATION_REQUEST, format!("binding_message {text}")))
        };
        let (least, most) = self.length;
        match (text, self.presence) {
            (None, Presence::Required) => refuse("is missing"),
            (Some(_), Presence::Forbidden) => refuse("must not be given"),
            (None, _) => Ok(()),
            (Some(text), _) if !text.chars().all(self.allowed) => {
                refuse("has a character that this provider does not take")
            }
            (Some(text), _) if !(least..=most).contains(&text.chars().count()) => {
                refuse(&format!("must have {least} to {most} characters"))
            }
            (Some(_), _) => Ok(()),
        }
    }

    /// A code from the system's random numbers, easy to compare and to read out.
    pub fn code(&self) -> Result<String> {
        if self.presence == Presence::Forbidden {
            self.check(Some("X"))?;
        }
        let (least, most) = self.length;
        let grouped = |length: usize| (self.allowed)('-') && length + (length - 1) / GROUP <= most;
        let length = CODE_LENGTH.max(least).min(most);
        let mut code = String::new();
        for index in 0..length {
            if index > 0 && index % GROUP == 0 && grouped(length) {
                code.push('-');
            }
            code.push(char::from(random_of(ALPHABET)?));
        }
        self.check(Some(&code))?;
        Ok(code)
    }
}

/// One of these, each as likely as any other.
fn random_of(alphabet: &[u8]) -> Result<u8> {
    let fair = 256 - 256 % alphabet.len();
    loop {
        let mut byte = [0];
        rand::fill(&mut byte)
            .map_err(|_| Error::new(Status::RESOURCES, "the system gives no random numbers"))?;
        let byte = usize::from(u8::from_ne_bytes(byte));
        if let Some(found) = alphabet.get(byte % alphabet.len()).filter(|_| byte < fair) {
            return Ok(*found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::PRESETS;
    use super::*;
    use std::collections::{HashMap, HashSet};

    #[test]
    fn codes_keep_each_providers_rule_r11() {
        let presets = PRESETS.iter().map(|preset| (preset.name, (preset.rules)()));
        for (name, rules) in presets.chain([("any", super::super::Rules::default())]) {
            for rule in rules.binding_message {
                let codes: HashSet<String> = match (rule.presence, rule.code()) {
                    (Presence::Forbidden, Err(error)) => {
                        assert_eq!(error.status(), Status::INVALID_AUTHENTICATION_REQUEST, "{name}");
                        assert!(error.message().contains(rule.text), "{error}");
                        continue;
                    }
                    _ => (0..200).map(|_| rule.code().unwrap()).collect(),
                };
                assert!(codes.len() > 190, "{name}: {codes:?}");
                for code in codes {
                    rule.check(Some(&code)).unwrap();
                    assert!(code.bytes().all(|b| b == b'-' || ALPHABET.contains(&b)), "{name}: {code}");
                    assert_eq!(code.bytes().filter(|b| *b != b'-').count(), CODE_LENGTH, "{name}: {code}");
                }
            }
        }
    }

    #[test]
    fn codes_fit_into_narrow_rules_and_are_fair() {
        let rule = |length, allowed: fn(char) -> bool| BindingMessageRule {
            length,
            allowed,
            ..BindingMessageRule::ANY
        };
        let shape = |rule: BindingMessageRule| {
            let code = rule.code().unwrap();
            code.chars().map(|c| if c == '-' { '-' } else { 'x' }).collect::<String>()
        };
        assert_eq!(shape(rule((1, usize::MAX), |_| true)), "xxx-xxx");
        assert_eq!(shape(rule((5, 8), |_| true)), "xxx-xxx");
        assert_eq!(shape(rule((1, 6), |_| true)), "xxxxxx");
        assert_eq!(shape(rule((1, 4), |_| true)), "xxxx", "no room for a hyphen");
        assert_eq!(shape(rule((8, 20), |_| true)), "xxx-xxx-xx");
        assert_eq!(shape(rule((1, 50), |c| c.is_ascii_alphanumeric())), "xxxxxx");
        let digits = rule((1, 50), |c| c.is_ascii_digit());
        assert!(digits.code().is_err(), "no code can keep this rule, so none is made");

        let mut seen = HashMap::new();
        for _ in 0..22_000 {
            *seen.entry(random_of(ALPHABET).unwrap()).or_insert(0) += 1;
        }
        // Each about 1000 times; one in a billion runs strays so far.
        assert!(seen.len() == 22 && seen.values().all(|n| (800..1200).contains(n)), "{seen:?}");
        for similar in [*b"0O", *b"1I", *b"5S", *b"2Z", *b"8B", *b"UV", *b"LI"] {
            assert!(similar.iter().filter(|c| ALPHABET.contains(c)).count() < 2);
        }
    }

    #[test]
    fn a_rule_for_one_class_is_for_those_below_it_and_no_other() {
        let rule = BindingMessageRule { acr: "urn:no:bankid", ..BindingMessageRule::ANY };
        for (acr_values, applies) in [
            ("urn:no:bankid", true),
            ("urn:se:bankid urn:no:bankid", true),
            ("urn:no:bankid:substantial", true),
            ("urn:no:bankidx", false),
            ("urn:no", false),
            ("", false),
        ] {
            assert_eq!(rule.applies(acr_values), applies, "{acr_values}");
        }
        assert!(BindingMessageRule::ANY.applies(""));
    }
}
