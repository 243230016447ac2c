//! The tokens that an approved request is answered with.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::issued::Grant;
use crate::keys::{Draft, b64url, hex, random, sha256};
use crate::personality::extend;
use crate::provider::{Provider, Reply, lock};
use crate::requests::Request;

/// Lifetimes in seconds.
const ID_TOKEN_LIFE: i64 = 300;
const ACCESS_TOKEN_LIFE: i64 = 3600;

impl Provider {
    /// The tokens for an approved request; `certificate`, `key`: what they are bound to. `pushed`: the
    /// identifier of the request, where they are pushed.
    pub fn tokens(
        &self,
        request: &Request,
        now: u64,
        certificate: Option<String>,
        key: Option<String>,
        pushed: Option<&str>,
    ) -> Reply {
        let unix_ms = self.config.time.unix_ms();
        let approved = request.ends.as_ref().map_or(now, |(_, at)| *at);
        let since = i64::try_from(now.saturating_sub(approved)).unwrap_or(0);
        let grant = Arc::new(Grant {
            client_id: request.client_id.clone(),
            scope: request.scope.clone(),
            person: request.person.clone(),
            transaction: request.transaction.clone(),
            auth_time: (unix_ms - since) / 1000,
            certificate,
        });
        let offline = request.scope.split(' ').any(|scope| scope == "offline_access");
        let refresh = self.config.personality.refresh.filter(|_| offline);
        self.issue(&grant, refresh.map(|refresh| unix_ms / 1000 + refresh.life), pushed, key)
    }

    /// New tokens for a grant, with a refresh token if it is to live until a time (Unix seconds).
    /// `pushed`: the identifier of the request, where they are pushed (CIBA Core §10.3.1).
    /// `key`: the thumbprint of the one that the access token is bound to by DPoP.
    pub fn issue(
        &self,
        grant: &Arc<Grant>,
        refresh_until: Option<i64>,
        pushed: Option<&str>,
        key: Option<String>,
    ) -> Reply {
        let p = &self.config.personality;
        let granted = grant.granted();
        let (unix, auth_time) = (self.config.time.unix_ms() / 1000, grant.auth_time);
        let scope = match p.scope_list {
            true => json!(grant.scope.split(' ').collect::<Vec<_>>()),
            false => json!(grant.scope),
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
        let mut special = json!({ "client_id": grant.client_id, "scope": scope, "jti": jti });
        if let Some(certificate) = &grant.certificate {
            special["cnf"] = json!({ "x5t#S256": certificate });
        }
        if let Some(key) = &key {
            special["cnf"]["jkt"] = key.as_str().into();
        }
        let access = common(ACCESS_TOKEN_LIFE, (p.access_claims)(&granted), special);
        let access = sign(&Draft::new(header("at+jwt"), access));
        let at_hash = b64url(&sha256(access.as_bytes())[..16]);
        let special = json!({ "aud": grant.client_id, "at_hash": at_hash });
        let claims = common(ID_TOKEN_LIFE, (p.claims)(&granted), special);
        let mut draft = Draft::new(header("JWT"), claims);
        let refresh = refresh_until.map(|until| (b64url(&random::<32>()), until));
        if let Some(id) = pushed {
            draft.claims["urn:openid:params:jwt:claim:auth_req_id"] = id.into();
            if let Some((token, _)) = &refresh {
                let hash = b64url(&sha256(token.as_bytes())[..16]);
                draft.claims["urn:openid:params:jwt:claim:rt_hash"] = hash.into();
            }
        }
        let mut issued = lock(&self.issued);
        issued.add(access.clone(), grant, unix + ACCESS_TOKEN_LIFE, false, key.clone());
        if let Some((token, until)) = &refresh {
            issued.add(token.clone(), grant, *until, true, None);
        }
        drop(issued);
        let (next, every) = {
            let mut hooks = lock(&self.hooks);
            (hooks.next.pop_front(), hooks.every.clone())
        };
        match (next, every) {
            (Some(hook), _) => hook(&mut draft),
            (None, Some(hook)) => hook(&mut draft),
            (None, None) => {}
        }
        let mut body = json!({
            "id_token": sign(&draft),
            "access_token": access,
            "expires_in": ACCESS_TOKEN_LIFE,
            "token_type": if key.is_some() { "DPoP" } else { "Bearer" },
            "scope": grant.scope,
        });
        if let Some((token, _)) = refresh {
            body["refresh_token"] = token.into();
        }
        Reply::json(200, "tokens", body.to_string())
    }
}
