//! What clients do with their tokens: refresh, userinfo, introspection, revocation.

use hyper::HeaderMap;
use hyper::body::Bytes;
use hyper::header::AUTHORIZATION;
use hyper::http::request::Parts;
use serde_json::json;

use crate::issued::Grant;
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
        let taken = lock(&self.issued).refresh(token, &client.id, self.unix(), rules.rotates);
        let (grant, ends_at) = taken.ok_or((400, "invalid_grant"))?;
        self.narrate(|| "[provider] tokens refreshed".into());
        Ok(self.issue(&grant, rules.rotates.then_some(ends_at)))
    }

    /// RFC 7662: of another client's tokens nothing is told.
    pub fn introspect(&self, request: &Parts, body: &Bytes) -> Result<Reply, (u16, &'static str)> {
        let (form, client) = self.form(request, body, 401)?;
        let token = form.get("token").ok_or((400, "invalid_request"))?;
        let issued = lock(&self.issued);
        let found = issued.active(token, self.unix()).filter(|token| token.grant.client_id == client.id);
        let answer = match found {
            None => json!({ "active": false }),
            Some(token) => json!({
                "active": true,
                "iss": self.issuer,
                "client_id": client.id,
                "scope": token.grant.scope,
                "sub": (self.config.personality.claims)(&token.grant.granted())["sub"],
                "exp": token.expires_at,
                "token_type": if token.is_refresh_token { "refresh_token" } else { "Bearer" },
            }),
        };
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

    pub fn userinfo(&self, headers: &HeaderMap) -> Reply {
        let value = headers.get(AUTHORIZATION).and_then(|v| v.to_str().ok());
        let token = value.and_then(|value| value.split_once(' '));
        let token = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let issued = lock(&self.issued);
        let found = token.and_then(|(_, token)| issued.active(token, self.unix()));
        match found.filter(|token| !token.is_refresh_token) {
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
