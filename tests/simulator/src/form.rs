//! Forms and Basic credentials, read strictly.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A form without duplicates; parameters without a value are left out.
pub(crate) struct Form<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Form<'a> {
    /// `None` if a parameter is there twice, but for `resource` (RFC 8707).
    pub fn parse(body: &'a [u8]) -> Option<Self> {
        let mut params: Vec<(Cow<'a, str>, Cow<'a, str>)> = Vec::with_capacity(8);
        for (name, value) in form_urlencoded::parse(body) {
            if name != "resource" && params.iter().any(|(other, _)| *other == name) {
                return None;
            }
            params.push((name, value));
        }
        params.retain(|(_, value)| !value.is_empty());
        Some(Form(params))
    }

    /// A form of these parameters.
    pub fn of(params: Vec<(Cow<'a, str>, Cow<'a, str>)>) -> Self {
        Form(params)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_ref())
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        let mut params = self.0.iter();
        params.find(|(n, _)| n == name).map(|(_, v)| v.as_ref())
    }
}

/// Identifier and secret of a Basic `Authorization` header. Both must be
/// form-encoded: a bare `=` or `/` in them is refused.
pub(crate) fn basic(value: &[u8]) -> Option<(String, String)> {
    let value = std::str::from_utf8(value).ok()?;
    let (scheme, credentials) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = STANDARD.decode(credentials.trim()).ok()?;
    let decoded = String::from_utf8(decoded).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((decode(id)?, decode(secret)?))
}

/// One form-encoded value; `None` if it holds what should have been encoded.
pub(crate) fn decode(encoded: &str) -> Option<String> {
    let plain = |c: u8| c.is_ascii_alphanumeric() || b"-._~*+%".contains(&c);
    if !encoded.bytes().all(plain) {
        return None;
    }
    let (name, _) = form_urlencoded::parse(encoded.as_bytes()).next()?;
    Some(name.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_credentials_are_form_encoded() {
        let header = |text: &str| format!("Basic {}", STANDARD.encode(text));
        let read = |text: &str| basic(header(text).as_bytes());
        assert_eq!(read("a%3Ab:c+d%2B%3D%3D"), Some(("a:b".into(), "c d+==".into())));
        assert_eq!(read("id:secret=="), None);
        assert_eq!(read("id"), None);
        assert_eq!(basic(b"Bearer abc"), None);
    }

    #[test]
    fn a_parameter_is_there_once() {
        assert!(Form::parse(b"a=1&b=2&a=1").is_none());
        let form = Form::parse(b"a=1+2&b=&c=%26").unwrap();
        assert_eq!(form.get("a"), Some("1 2"));
        assert_eq!(form.get("b"), None);
        assert_eq!(form.get("c"), Some("&"));
    }
}
