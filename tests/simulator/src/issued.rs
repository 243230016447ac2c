//! The tokens that were given out: pure bookkeeping, told the time (in Unix seconds).

use std::collections::HashMap;
use std::sync::Arc;

use crate::personality::Person;

/// What one approval grants; its tokens share it.
#[derive(Debug)]
pub(crate) struct Grant {
    pub client_id: String,
    pub scope: String,
    pub person: Person,
    /// A name for this one authentication.
    pub transaction: String,
    /// When the person approved.
    pub auth_time: i64,
    /// The certificate that its access tokens are bound to, if they are.
    pub certificate: Option<String>,
}

/// How a provider refreshes tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refresh {
    /// How long a grant can be refreshed, in seconds.
    pub life: i64,
    /// Whether each refresh takes the refresh token and gives a new one. One that comes again then ends
    /// the grant.
    pub rotates: bool,
}

/// A token that was given out.
pub(crate) struct Token {
    pub grant: Arc<Grant>,
    pub expires_at: i64,
    pub is_refresh_token: bool,
    /// The thumbprint of the key that it is bound to by DPoP, if it is.
    pub key: Option<String>,
    used: bool,
}

#[derive(Default)]
pub(crate) struct Issued(HashMap<String, Token>);

impl Issued {
    pub fn add(
        &mut self,
        token: String,
        grant: &Arc<Grant>,
        expires_at: i64,
        is_refresh_token: bool,
        key: Option<String>,
    ) {
        let grant = grant.clone();
        self.0.insert(token, Token { grant, expires_at, is_refresh_token, key, used: false });
    }

    /// A token that is good now.
    pub fn active(&self, token: &str, now: i64) -> Option<&Token> {
        self.0.get(token).filter(|token| !token.used && now < token.expires_at)
    }

    /// Takes a refresh token: the grant, and when it ends. `None` refuses it.
    pub fn refresh(
        &mut self,
        text: &str,
        client_id: &str,
        now: i64,
        rotates: bool,
    ) -> Option<(Arc<Grant>, i64)> {
        let token = self.0.get_mut(text).filter(|t| t.is_refresh_token && t.grant.client_id == client_id)?;
        let grant = token.grant.clone();
        if token.used {
            self.end(&grant);
            return None;
        }
        token.used = rotates;
        (now < token.expires_at).then_some((grant, token.expires_at))
    }

    /// Revokes a token of this client; with a refresh token all of the grant.
    pub fn revoke(&mut self, text: &str, client_id: &str) {
        let Some(token) = self.0.get(text).filter(|token| token.grant.client_id == client_id) else { return };
        match token.is_refresh_token {
            true => self.end(&token.grant.clone()),
            false => drop(self.0.remove(text)),
        }
    }

    fn end(&mut self, grant: &Arc<Grant>) {
        self.0.retain(|_, token| !Arc::ptr_eq(&token.grant, grant));
    }
}
