//! What clients do with their tokens: refresh, userinfo, introspection, revocation.

use hyper::body::Bytes;
use hyper::header::AUTHORIZATION;
use hyper::http::request::Parts;
use serde_json::json;

use crate::issued::{Grant, Token};
use crate::mtls::Peer;
use crate::personality::Granted;
use crate::provider::{Provider, Reply, lock};

pub(crate) const REFRESH_GRANT: &str = "refresh_token";

impl Grant {
    pub fn granted(&self) -> Granted<'_> {
        Granted {
            client_id: &self.client_id,
            scope: &self.scope,
            person: &self.person,
            transaction: &self.transaction,
        }
    }
}

impl Token {
    /// The certificate that the token is bound to; refresh tokens are the client's by its authentication.
    fn bound_to(&self) -> Option<&String> {
        self.grant.certificate.as_ref().filter(|_| !self.is_refresh_token)
    }
}

impl Provider {
    fn unix(&self) -> i64 {
        self.config.time.unix_ms() / 1000
    }

    /// RFC 6749 §6, OpenID Connect Core §12.
    pub fn refresh(&self, request: &Parts, body: &Bytes) -> Result<Reply, (u16, &'static str)> {
        let p = &self.config.personality;
        let (form, client) = self.form(request, body, p.unknown_client)?;
        let token = form.get("refresh_token").ok_or((400, "invalid_request"))?;
        let rules = p.refresh.ok_or((400, "invalid_grant"))?;
        let key = self.key_of(client, request)?;
        let taken = lock(&self.issued).refresh(token, &client.id, self.unix(), rules.rotates);
        let (grant, ends_at) = taken.ok_or((400, "invalid_grant"))?;
        self.narrate(|| "[provider] tokens refreshed".into());
        Ok(self.issue(&grant, rules.rotates.then_some(ends_at), None, key))
    }

    /// RFC 7662: of another client's tokens nothing is told.
    pub fn introspect(&self, request: &Parts, body: &Bytes) -> Result<Reply, (u16, &'static str)> {
        let (form, client) = self.form(request, body, 401)?;
        let token = form.get("token").ok_or((400, "invalid_request"))?;
        let issued = lock(&self.issued);
        let found = issued.active(token, self.unix()).filter(|token| token.grant.client_id == client.id);
        let bound_to = found.and_then(Token::bound_to);
        let mut answer = match found {
            None => json!({ "active": false }),
            Some(token) => json!({
                "active": true,
                "iss": self.issuer,
                "client_id": client.id,
                "scope": token.grant.scope,
                "sub": (self.config.personality.claims)(&token.grant.granted())["sub"],
                "exp": token.expires_at,
                "token_type": match (token.is_refresh_token, &token.key) {
                    (true, _) => "refresh_token",
                    (false, Some(_)) => "DPoP",
                    (false, None) => "Bearer",
                },
            }),
        };
        if let Some(certificate) = bound_to {
            answer["cnf"] = json!({ "x5t#S256": certificate });
        }
        if let Some(key) = found.and_then(|token| token.key.as_deref()) {
            answer["cnf"]["jkt"] = key.into();
        }
        Ok(Reply::json(200, "introspection", answer.to_string()))
    }

    /// RFC 7009: a token that is not known is revoked already.
    pub fn revoke(&self, request: &Parts, body: &Bytes) -> Result<Reply, (u16, &'static str)> {
        let (form, client) = self.form(request, body, 401)?;
        let token = form.get("token").ok_or((400, "invalid_request"))?;
        if form.get("token_type_hint").is_some_and(|hint| !["access_token", "refresh_token"].contains(&hint))
        {
            return Err((400, "unsupported_token_type"));
        }
        lock(&self.issued).revoke(token, &client.id);
        Ok(Reply::new(200, "revoked"))
    }

    /// A token that is bound to a certificate is good with that alone (RFC 8705 §3).
    pub fn userinfo(&self, request: &Parts) -> Reply {
        let value = request.headers.get(AUTHORIZATION).and_then(|v| v.to_str().ok());
        let token = value.and_then(|value| value.split_once(' '));
        let (scheme, text) = token.unwrap_or_default();
        let proved = scheme.eq_ignore_ascii_case("dpop").then(|| self.proved_key(request, Some(text)));
        if let Some(Err(code)) = proved {
            return Reply::new(401, code).header("www-authenticate", format!("DPoP error=\"{code}\""));
        }
        let key = proved.and_then(Result::ok);
        let scheme = if key.is_some() { "dpop" } else { "bearer" };
        let token = token.filter(|(own, _)| own.eq_ignore_ascii_case(scheme));
        let issued = lock(&self.issued);
        let found = token.and_then(|(_, token)| issued.active(token, self.unix()));
        let found = found.filter(|token| token.key == key); // one that is bound is good with its key alone
        let shown = Peer::of(request).thumbprint();
        let good = |bound: &String| Some(bound) == shown.as_ref();
        let found = found.filter(|token| !token.is_refresh_token && token.bound_to().is_none_or(good));
        match found {
            Some(token) => {
                let claims = (self.config.personality.claims)(&token.grant.granted());
                Reply::json(200, "userinfo", claims.to_string())
            }
            None => {
                Reply::new(401, "invalid_token").header("www-authenticate", "Bearer error=\"invalid_token\"")
            }
        }
    }
}
