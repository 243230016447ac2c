//! What an access token says of the key or certificate that it is bound to, where it can be read. It is not
//! for the client's eyes: nothing else of it is looked at, and one that cannot be read is as good as any.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::fields::Fields;

/// The thumbprint, where the token is a JWT that names one by this method: `jkt` (RFC 9449 §6.1), `x5t#S256`
/// (RFC 8705 §3.1).
pub(super) fn bound_to(access_token: &str, method: &str) -> Option<String> {
    let mut parts = access_token.split('.');
    let (Some(_), Some(payload), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let claims = Zeroizing::new(URL_SAFE_NO_PAD.decode(payload).ok()?);
    let claims = Fields::parse(std::str::from_utf8(&claims).ok()?)?;
    claims.value("cnf")?.get(method)?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn a_key_is_found_only_in_a_jwt_that_names_one() {
        let good = token(r#"{"sub":"a","cnf":{"jkt":"0ZcOCORZNYy"}}"#);
        assert_eq!(bound_to(&good, "jkt").as_deref(), Some("0ZcOCORZNYy"));
        assert_eq!(bound_to(&good, "x5t#S256"), None);
        for other in [
            token(r#"{"sub":"a"}"#),
            token(r#"{"cnf":{"x5t#S256":"x"}}"#),
            token(r#"{"cnf":{"jkt":1}}"#),
            token(r#"{"cnf":"jkt"}"#),
            token("[]"),
            good.replace('.', "~"),
            format!("{good}.e30"),
            format!("{good}.e30.e30"),
            "opaque".to_owned(),
            String::new(),
        ] {
            assert_eq!(bound_to(&other, "jkt"), None, "{other}");
        }
    }
}
