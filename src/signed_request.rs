//! The authentication request as a JWT (CIBA Core §7.1.1): everything that is asked is inside it.

use url::Url;

use crate::error::Result;
use crate::settings::{PARAMETERS, RESOURCE};
use crate::signing::{Audience, Claim, Claims, Jwt, Signer};

/// FAPI allows an hour; the request is sent at once.
const LIFETIME_S: i64 = 5 * 60;

/// How authentication requests are signed.
pub struct RequestSigning {
    pub signer: Signer,
    pub audience: Audience,
    /// `typ` of the header: providers agree on its absence alone.
    pub typ: Option<String>,
}

impl RequestSigning {
    /// The parameter `request` for one attempt: its `jti` is new each time.
    pub fn request(
        &self,
        client_id: &str,
        endpoint: &Url,
        parameters: &[(&str, &str)],
        unix_ms: i64,
    ) -> Result<Jwt> {
        let mut more = vec![("client_id", Claim::Text(client_id))];
        for (name, value) in parameters {
            if !more.iter().any(|(other, _)| other == name) {
                more.push((name, claim(name, value))); // as in a form, none is there twice
            }
        }
        let audience = self.audience.of(endpoint);
        // No subject: with one it could serve as a client assertion.
        let claims =
            Claims { issuer: client_id, subject: None, audience, unix_ms, lifetime_s: LIFETIME_S, more };
        self.signer.jwt(self.typ.as_deref(), &claims)
    }
}

/// A parameter as a claim: a string, also where it is a number; what is JSON stands there as such, and
/// several resources are a list (R-24; RFC 9101 §4, RFC 8707 §2.1).
fn claim<'a>(name: &str, value: &'a str) -> Claim<'a> {
    let is_json = PARAMETERS.iter().any(|parameter| parameter.name == name && parameter.form.is_json());
    match serde_json::from_str(value) {
        Ok(json) if is_json => Claim::Json(json),
        _ if name == RESOURCE && value.contains(' ') => Claim::Texts(value.split(' ').collect()),
        _ => Claim::Text(value),
    }
}
