//! The tokens that an approved request is answered with.

use serde_json::{Map, Value, json};

use crate::keys::{Draft, b64url, hex, random, sha256};
use crate::personality::{Granted, extend};
use crate::provider::{Provider, Reply, lock};
use crate::requests::Request;

/// Lifetimes in seconds.
const ID_TOKEN_LIFE: i64 = 300;
const ACCESS_TOKEN_LIFE: i64 = 3600;

impl Provider {
    /// The tokens for an approved request.
    pub fn tokens(&self, request: &Request, now: u64) -> Reply {
        let p = &self.config.personality;
        let granted = Granted {
            client_id: &request.client_id,
            scope: &request.scope,
            person: &request.person,
            transaction: &request.transaction,
        };
        let unix_ms = self.config.time.unix_ms();
        let approved = request.ends.as_ref().map_or(now, |(_, at)| *at);
        let since = i64::try_from(now.saturating_sub(approved)).unwrap_or(0);
        let (unix, auth_time) = (unix_ms / 1000, (unix_ms - since) / 1000);
        let scope = match p.scope_list {
            true => json!(request.scope.split(' ').collect::<Vec<_>>()),
            false => json!(request.scope),
        };
        let common = |life: i64, more: Value, special: Value| {
            let mut claims = Map::new();
            let registered = json!({
                "iss": self.issuer, "nbf": unix, "iat": unix, "exp": unix + life,
                "auth_time": auth_time,
            });
            extend(&mut claims, registered);
            extend(&mut claims, more);
            extend(&mut claims, special);
            Value::Object(claims)
        };
        let header = |typ| lock(&self.keys).header(typ);
        let sign = |draft: &Draft| lock(&self.keys).sign(draft);
        let jti = hex(&random::<16>());
        let special = json!({ "client_id": request.client_id, "scope": scope, "jti": jti });
        let access = common(ACCESS_TOKEN_LIFE, (p.access_claims)(&granted), special);
        let access = sign(&Draft::new(header("at+jwt"), access));
        let at_hash = b64url(&sha256(access.as_bytes())[..16]);
        let special = json!({ "aud": request.client_id, "at_hash": at_hash });
        let claims = common(ID_TOKEN_LIFE, (p.claims)(&granted), special);
        let mut draft = Draft::new(header("JWT"), claims);
        lock(&self.people).insert(access.clone(), (p.claims)(&granted));
        let (next, every) = {
            let mut hooks = lock(&self.hooks);
            (hooks.next.pop_front(), hooks.every.clone())
        };
        match (next, every) {
            (Some(hook), _) => hook(&mut draft),
            (None, Some(hook)) => hook(&mut draft),
            (None, None) => {}
        }
        let body = json!({
            "id_token": sign(&draft),
            "access_token": access,
            "expires_in": ACCESS_TOKEN_LIFE,
            "token_type": "Bearer",
            "scope": request.scope,
        });
        Reply::json(200, "tokens", body.to_string())
    }
}
