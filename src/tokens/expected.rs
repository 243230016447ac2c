//! What an ID Token must say to be the answer to one authentication request.

use std::borrow::Cow;

use super::algorithm::Algorithm;
use super::encrypted::Decryption;
use super::original::Original;

/// The largest leeway for clocks that differ, in seconds; a larger one counts as this.
pub(crate) const MAX_LEEWAY_SECONDS: u32 = 300;

/// How the tokens came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// From the token endpoint: what ties the ID Token to the access token, the refresh token and
    /// the request is checked where it is there, and not required.
    #[default]
    TokenEndpoint,
    /// In answer to a refresh token: the same, and the provider may leave out the ID Token, with
    /// what is expected of it (OpenID Connect Core §12.2).
    Refresh,
    /// Pushed to the client: all three are required (CIBA Core §10.3.1).
    Push,
}

/// One claim that must have one value, for example the person who was asked. `null` stands for any value; a
/// JSON object for an object with these members, each of which is compared in the same way.
#[derive(Clone)]
pub(crate) struct ClaimExpectation {
    /// The claim's literal name: a dot in it is part of the name.
    pub(crate) name: Cow<'static, str>,
    /// The value as text; a claim that is no string or object is compared by its JSON text.
    pub(crate) expected: String,
    /// Whether `A` to `Z` and `a` to `z` are the same, as in a UUID. The value is then a text and nothing else:
    /// it may come of a hint that somebody typed.
    pub(crate) ignore_ascii_case: bool,
}

/// What must hold for the tokens of one authentication request. [`Expected::new`] has the defaults.
#[derive(Clone)]
pub(crate) struct Expected<'a> {
    /// The issuer, byte for byte.
    pub(crate) issuer: &'a str,
    /// The client that the token must be for.
    pub(crate) client_id: &'a str,
    /// Audiences that may stand beside the client; none by default.
    pub(crate) trusted_audiences: &'a [String],
    /// The registered `id_token_signed_response_alg`, or the few that may occur; RS256 by default.
    pub(crate) algorithms: &'a [Algorithm],
    /// How the token must be encrypted to the client; `None`: it must not be.
    pub(crate) decryption: Option<&'a Decryption>,
    /// How much the clocks may differ, in seconds: 60 by default, at most [`MAX_LEEWAY_SECONDS`].
    pub(crate) leeway_seconds: u32,
    /// How long ago the token may have been issued, in seconds: one day by default.
    pub(crate) max_age_seconds: u32,
    /// If set, the token may not have been issued before this time (Unix milliseconds, for example
    /// that of the request), apart from the leeway.
    pub(crate) issued_after_ms: Option<i64>,
    /// The `sub` that the token must have, for example that of an `id_token_hint`.
    pub(crate) subject: Option<&'a str>,
    /// The `acr` values of which the token must have one, to the letter; empty: it may have any, or none.
    pub(crate) acr: &'a [&'a str],
    /// Whether `acr` may be an array of texts too, one of which is then enough.
    pub(crate) acr_array: bool,
    /// If set, the person may not have authenticated before this time (Unix milliseconds), apart from the
    /// leeway: `auth_time` must be there.
    pub(crate) authenticated_after_ms: Option<i64>,
    /// In a refresh response: what the original ID Token says, and this one may not change.
    pub(crate) original: Option<&'a Original>,
    /// The request that the tokens answer.
    pub(crate) auth_req_id: Option<&'a str>,
    /// Claims beside CIBA Core's own that, where they are there, name that request.
    pub(crate) request_id_claims: &'a [&'a str],
    /// Claims that must have one value each.
    pub(crate) claims: &'a [ClaimExpectation],
    /// How the tokens came.
    pub(crate) delivery: Delivery,
    /// The thumbprint of the key that the access token is bound to, where it is (RFC 9449).
    pub(crate) key_thumbprint: Option<&'a str>,
    /// That of the client's certificate, where the access token must be bound to it (RFC 8705).
    pub(crate) certificate_thumbprint: Option<&'a str>,
    /// The scope that was asked for: what a response without `scope` means (RFC 6749 §5.1).
    pub(crate) requested_scope: Option<&'a str>,
}

impl<'a> Expected<'a> {
    /// Whether something is expected that an ID Token alone can say.
    pub(super) fn needs_claims(&self) -> bool {
        let authentication = !self.acr.is_empty() || self.authenticated_after_ms.is_some();
        self.subject.is_some() || authentication || !self.claims.is_empty()
    }

    /// What the access token must be bound to: the thumbprint, the method of `cnf` that names it (RFC 7800 §3.1),
    /// and what it is called in texts.
    pub(crate) fn bindings(&self) -> impl Iterator<Item = (&'a str, &'static str, &'static str)> {
        let all =
            [(self.certificate_thumbprint, "x5t#S256", "certificate"), (self.key_thumbprint, "jkt", "key")];
        all.into_iter().filter_map(|(own, method, what)| Some((own?, method, what)))
    }

    /// The defaults for this issuer and client.
    pub(crate) fn new(issuer: &'a str, client_id: &'a str) -> Expected<'a> {
        Expected {
            issuer,
            client_id,
            trusted_audiences: &[],
            algorithms: &[Algorithm::Rs256],
            decryption: None,
            leeway_seconds: 60,
            max_age_seconds: 24 * 60 * 60,
            issued_after_ms: None,
            subject: None,
            acr: &[],
            acr_array: false,
            authenticated_after_ms: None,
            original: None,
            auth_req_id: None,
            request_id_claims: &[],
            claims: &[],
            delivery: Delivery::TokenEndpoint,
            key_thumbprint: None,
            certificate_thumbprint: None,
            requested_scope: None,
        }
    }
}
