//! Texts in one piece of memory.

use secrecy::{ExposeSecret, SecretString};

/// A list of texts, each behind its length, one after the other (`5:alice3:::1`): there may be fifty
/// thousand flows, and each keeps some texts for as long as it lives. All of them are secret.
pub(crate) struct Texts(SecretString);

impl Texts {
    pub fn new(texts: &[&str]) -> Texts {
        let longest = texts.iter().map(|text| text.len() + 21).sum();
        // With room for all: no copy is left behind by growing.
        let mut all = zeroize::Zeroizing::new(String::with_capacity(longest));
        for text in texts {
            all.push_str(&text.len().to_string());
            all.push(':');
            all.push_str(text);
        }
        Texts(all.as_str().into())
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> + Clone {
        let mut rest = self.0.expose_secret();
        std::iter::from_fn(move || {
            let (length, after) = rest.split_once(':')?;
            let (text, behind) = after.split_at_checked(length.parse().ok()?)?;
            rest = behind;
            Some(text)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_comes_back_as_it_was() {
        for texts in [&[][..], &[""], &["3:", "", "::", "å\0\n", "", "12345678901"]] {
            assert_eq!(Texts::new(texts).iter().collect::<Vec<_>>(), texts);
        }
    }
}
