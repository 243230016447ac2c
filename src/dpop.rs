//! Access tokens that are bound to a key of the client (DPoP, RFC 9449): the proofs that go with requests.

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use url::Url;

use crate::error::Result;
use crate::json::Members;
use crate::signing::{Jwt, Signer};
use crate::wire::{Answer, Request};

/// The `token_type` of bound tokens, and the scheme that they are used with (RFC 9449 §5, §7.1).
pub const SCHEME: &str = "DPoP";
/// What a server says that wants a nonce of its own in the proof (RFC 9449 §8).
pub const USE_NONCE: &str = "use_dpop_nonce";
/// No nonce is longer.
const LONGEST_NONCE: usize = 1000;

/// The key that access tokens are bound to.
pub struct Dpop {
    pub signer: Signer,
    /// Its public half, as a JWK of what it must have alone.
    jwk: Value,
    /// That of the public half (RFC 7638), as `jkt` has it.
    pub thumbprint: String,
}

impl Dpop {
    pub fn new(signer: Signer, jwk: Value) -> Dpop {
        let thumbprint = thumbprint(&jwk);
        Dpop { signer, jwk, thumbprint }
    }

    /// The proof for one request, never used for another (R-51): each has a `jti` of its own, and the time of
    /// its signature. `access_token`: the one that goes with it; `nonce`: the one that the server gave last.
    pub fn proof(
        &self,
        request: &Request,
        access_token: Option<&str>,
        nonce: Option<&str>,
        unix_ms: i64,
    ) -> Result<Jwt> {
        let mut endpoint: Url = request.url.clone();
        endpoint.set_query(None);
        endpoint.set_fragment(None);
        let mut claims = json!({ "htm": request.kind.method(), "htu": endpoint.as_str() });
        if let (Some(token), Some(claims)) = (access_token, claims.as_object_mut()) {
            let hash = digest::digest(&digest::SHA256, token.as_bytes());
            claims.insert("ath".into(), URL_SAFE_NO_PAD.encode(hash).into());
        }
        if let (Some(nonce), Some(claims)) = (nonce, claims.as_object_mut()) {
            claims.insert("nonce".into(), nonce.into());
        }
        let header = json!({ "typ": "dpop+jwt", "alg": self.signer.algorithm().name, "jwk": self.jwk });
        let claims = claims.to_string().into_bytes().into();
        self.signer.jwt_of(header.to_string().into_bytes(), claims, unix_ms, None)
    }
}

/// RFC 7638: the hash of a JWK of required members alone, in the order of their names.
pub fn thumbprint(jwk: &Value) -> String {
    let members: BTreeMap<&String, &Value> = jwk.as_object().into_iter().flatten().collect();
    let text = json!(members).to_string();
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, text.as_bytes()))
}

/// The `Authorization` header that carries a bound access token.
pub fn authorization(access_token: &str) -> SecretString {
    format!("{SCHEME} {access_token}").into()
}

impl Answer {
    /// The nonce for the next proof, where the answer brings a sound one (RFC 9449 §8.1).
    pub fn nonce(&self) -> Option<&str> {
        let is_sound = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        let nonce = self.dpop_nonce.as_ref()?.expose_secret();
        (!nonce.is_empty() && nonce.len() <= LONGEST_NONCE && nonce.bytes().all(is_sound)).then_some(nonce)
    }

    /// Whether the server refuses the proof for want of its nonce, and gives one.
    pub fn wants_nonce(&self) -> bool {
        let says = || {
            let in_body = Members::parse(&self.body).and_then(|members| members.text("error"));
            in_body.or_else(|| self.challenged_error()).as_deref() == Some(USE_NONCE)
        };
        matches!(self.status, 400 | 401) && self.nonce().is_some() && says()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::Zeroizing;

    fn answer(status: u16, nonce: &str, body: &str, challenge: &str) -> Answer {
        Answer {
            status,
            content_type: None,
            retry_after: None,
            cache_control: None,
            challenge: Some(challenge.into()),
            dpop_nonce: Some(nonce.into()),
            body: Zeroizing::new(body.into()),
        }
    }

    #[test]
    fn a_nonce_is_wanted_only_where_the_server_says_so_and_gives_a_sound_one() {
        const BODY: &str = r#"{"error":"use_dpop_nonce"}"#;
        const CHALLENGE: &str = r#"DPoP error="use_dpop_nonce", algs="ES256""#;
        assert!(answer(400, "n-1", BODY, "").wants_nonce());
        assert!(answer(401, "n-1", "", CHALLENGE).wants_nonce());
        for (status, nonce, body, challenge) in [
            (200, "n-1", BODY, ""),
            (400, "", BODY, ""),
            (400, "n\"1", BODY, ""),
            (400, "n 1", BODY, ""),
            (400, &"n".repeat(LONGEST_NONCE + 1)[..], BODY, ""),
            (400, "n-1", r#"{"error":"invalid_dpop_proof"}"#, CHALLENGE),
            (401, "n-1", "", r#"DPoP error="invalid_token""#),
        ] {
            let answer = answer(status, nonce, body, challenge);
            assert!(!answer.wants_nonce(), "{status} {nonce} {body} {challenge}");
        }
    }
}
