//! DPoP (RFC 9449): proofs, checked as a provider must, and the nonces that they hold.

use hyper::http::request::Parts;
use serde_json::{Value, json};

use crate::jwt::Jwt;
use crate::keys::{b64url, sha256};
use crate::provider::{Provider, lock};

/// By how many seconds the time of a proof may be off.
const LONGEST_AGE_S: i64 = 60;
const ALGORITHMS: [&str; 11] =
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"];

/// Why a proof is refused, as the provider says it.
pub(crate) const INVALID_PROOF: &str = "invalid_dpop_proof";
pub(crate) const USE_NONCE: &str = "use_dpop_nonce";

impl Provider {
    /// The thumbprint of the key that a request proves. `access_token`: the one that goes with it.
    pub fn proved_key(&self, request: &Parts, access_token: Option<&str>) -> Result<String, &'static str> {
        let mut headers = request.headers.get_all("dpop").iter();
        let (Some(proof), None) = (headers.next(), headers.next()) else { return Err(INVALID_PROOF) };
        let jwt = proof.to_str().ok().and_then(Jwt::parse).ok_or(INVALID_PROOF)?;
        let key = jwt.header.get("jwk").filter(|key| key.get("d").is_none()).ok_or(INVALID_PROOF)?;
        let alg = jwt.header.get("alg").and_then(Value::as_str).unwrap_or_default();
        let now = self.config.time.unix_ms().div_euclid(1000);
        let is_of_now = |at: i64| (now - LONGEST_AGE_S..=now + LONGEST_AGE_S).contains(&at);
        let token_hash = access_token.map(|token| b64url(&sha256(token.as_bytes())));
        let good = jwt.header.get("typ").and_then(Value::as_str) == Some("dpop+jwt")
            && ALGORITHMS.contains(&alg)
            && jwt.is_signed_with(key, alg)
            && jwt.text("htm") == Some(request.method.as_str())
            && jwt.text("htu").is_some_and(|url| self.is_here(url, request.uri.path()))
            && jwt.number("iat").is_some_and(is_of_now)
            && jwt.text("ath") == token_hash.as_deref();
        let thumbprint = thumbprint(key).filter(|_| good).ok_or(INVALID_PROOF)?;
        let wanted = lock(&self.dpop_nonce).clone();
        if wanted.is_some() && jwt.text("nonce") != wanted.as_deref() {
            return Err(USE_NONCE);
        }
        let jti = jwt.text("jti").ok_or(INVALID_PROOF)?;
        let used = (thumbprint.clone(), jti.to_owned());
        match lock(&self.used).insert(used, now + 2 * LONGEST_AGE_S) {
            None => Ok(thumbprint),
            Some(_) => Err(INVALID_PROOF),
        }
    }

    /// Whether a URL is that of this path, at either listener.
    fn is_here(&self, url: &str, path: &str) -> bool {
        let origin = |base: &str| base.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
        let bases = [Some(self.issuer.as_str()), self.mtls.as_ref().map(|mtls| mtls.base.as_str())];
        bases.into_iter().flatten().any(|base| url == format!("{}{path}", origin(base)))
    }
}

/// RFC 7638.
fn thumbprint(key: &Value) -> Option<String> {
    let member = |name: &str| key[name].as_str();
    let canonical = match member("kty")? {
        "RSA" => json!({ "e": member("e")?, "kty": "RSA", "n": member("n")? }),
        "EC" => json!({ "crv": member("crv")?, "kty": "EC", "x": member("x")?, "y": member("y")? }),
        "OKP" => json!({ "crv": member("crv")?, "kty": "OKP", "x": member("x")? }),
        _ => return None,
    };
    Some(b64url(&sha256(canonical.to_string().as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thumbprint_is_that_of_rfc_7638() {
        let key = json!({
            "kty": "RSA", "alg": "RS256", "kid": "2011-04-29", "e": "AQAB",
            "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        });
        assert_eq!(thumbprint(&key).as_deref(), Some("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"));
    }
}
