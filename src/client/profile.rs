//! Profiles: one setting that makes impossible what a profile forbids. A profile is a table: what each setting
//! may be under it, and what it is where nobody sets it.

use super::bound::public_key;
use super::credentials::private_key;
use crate::error::{Error, Result, Status};
use crate::settings::Values;
use crate::signing::PrivateKey;

/// The setting that names a profile.
pub const PROFILE: &str = "profile";
/// The profile of the Financial-grade API for CIBA.
pub const FAPI_CIBA: &str = "fapi-ciba";

/// What one setting may be, and what it is where it is not set.
struct Rule {
    setting: &'static str,
    allowed: &'static [&'static str],
    unset: Unset,
    /// Where the profile says so.
    source: &'static str,
}

enum Unset {
    /// That of the table of settings.
    Unchanged,
    Is(&'static str),
    /// The algorithm of the profile that the private key of this setting is for.
    OfKey(&'static str),
}

/// FAPI 1.0 Advanced §8.6, to which FAPI-CIBA §7.6 refers.
const SIGNATURES: &[&str] = &["PS256", "ES256"];

/// What of FAPI-CIBA (Implementer's Draft 1), and of FAPI 1.0 Advanced beneath it, a setting decides.
const FAPI_CIBA_RULES: &[Rule] = {
    const fn r(
        setting: &'static str,
        allowed: &'static [&'static str],
        unset: Unset,
        source: &'static str,
    ) -> Rule {
        Rule { setting, allowed, unset, source }
    }
    use Unset::{Is, OfKey, Unchanged};
    &[
        r(
            "token_endpoint_auth_method",
            &["private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth"],
            Is("private_key_jwt"),
            "FAPI 1.0 Advanced 5.2.2: confidential clients, without a shared secret",
        ),
        r("token_endpoint_auth_signing_alg", SIGNATURES, OfKey(CLIENT_KEY), "FAPI 1.0 Advanced 8.6"),
        r(
            "backchannel_authentication_request_signing_alg",
            SIGNATURES,
            OfKey(CLIENT_KEY),
            "FAPI-CIBA 5.2.3.1: signed requests alone; FAPI 1.0 Advanced 8.6",
        ),
        r("signed_request_audience", &["issuer"], Unchanged, "CIBA Core 7.1.1: aud is the provider's issuer"),
        r("id_token_signed_response_alg", SIGNATURES, Is("PS256"), "FAPI 1.0 Advanced 8.6"),
        r("userinfo_signed_response_alg", SIGNATURES, Unchanged, "FAPI 1.0 Advanced 8.6"),
        r("dpop_signing_alg", SIGNATURES, OfKey(DPOP_KEY), "FAPI 1.0 Advanced 8.6"),
        r("backchannel_token_delivery_mode", &["poll", "ping"], Unchanged, "FAPI-CIBA 5.2.2: no push"),
        r("id_token_required", &["true"], Is("true"), "CIBA Core 10.1.1"),
        r("allow_http_loopback", &["false"], Unchanged, "FAPI 1.0 Baseline 7.1: TLS alone"),
    ]
};

const CLIENT_KEY: &str = "client_private_key";
const DPOP_KEY: &str = "dpop_private_key";

/// Either of them binds access tokens to the client.
const BOUND_TO_CERTIFICATE: &str = "tls_client_certificate_bound_access_tokens";
const BOUND_TO_KEY: &str = "dpop_bound_access_tokens";

/// Whether the settings are under the profile for the Financial-grade API.
pub fn is_fapi(values: &Values) -> bool {
    values.text(PROFILE) == Some(FAPI_CIBA)
}

/// The settings as they are under their profile, with its defaults.
///
/// Errors: `CONFLICTING_SETTINGS` where one is set to what the profile forbids; the text names it.
pub fn apply(values: &Values) -> Result<Values> {
    let mut applied = values.clone();
    if !is_fapi(values) {
        return Ok(applied);
    }
    for rule in FAPI_CIBA_RULES.iter().filter(|rule| values.knows(rule.setting)) {
        let default = match rule.unset {
            Unset::Unchanged => None,
            Unset::Is(value) => Some(value),
            Unset::OfKey(name) => of_key(values, &applied, rule.setting, name)?,
        };
        match (applied.given(rule.setting), default) {
            (None, Some(default)) => applied.set(rule.setting, default)?,
            (Some(given), _) if !rule.allowed.contains(&given) => {
                let text = format!(
                    "{}: the profile {FAPI_CIBA} allows {} alone ({})",
                    rule.setting,
                    rule.allowed.join(", "),
                    rule.source
                );
                return Err(Error::new(Status::CONFLICTING_SETTINGS, text));
            }
            _ => {}
        }
    }
    bind_access_tokens(&mut applied)?;
    Ok(applied)
}

/// An algorithm for a private key, where the setting takes one: an assertion is signed only by the method
/// that is in force. The key of a signer is not known, and one for DPoP that is not given is on P-256.
fn of_key(values: &Values, applied: &Values, setting: &str, name: &str) -> Result<Option<&'static str>> {
    let is_assertion = setting == "token_endpoint_auth_signing_alg";
    if is_assertion && applied.text("token_endpoint_auth_method") != Some("private_key_jwt") {
        return Ok(None);
    }
    let private = private_key(values, name, PrivateKey::read)?.map(|key| key.usual_algorithm().to_owned());
    let usual = match private {
        None if name == DPOP_KEY => match public_key(values)? {
            Some(key) => key.usual_algorithm().to_owned(),
            None => return Ok(None),
        },
        usual => usual.unwrap_or_default(),
    };
    Ok(Some(if usual == "ES256" { "ES256" } else { "PS256" }))
}

/// FAPI 1.0 Advanced §5.2.2: access tokens are sender-constrained.
fn bind_access_tokens(applied: &mut Values) -> Result<()> {
    let has = |name: &str| applied.given(name).is_some();
    let has_certificate = has("tls_client_certificate") || has("tls_client_certificate_file");
    if has_certificate && !has(BOUND_TO_CERTIFICATE) && !applied.flag(BOUND_TO_KEY) {
        applied.set(BOUND_TO_CERTIFICATE, "true")?;
    }
    if applied.flag(BOUND_TO_CERTIFICATE) || applied.flag(BOUND_TO_KEY) {
        return Ok(());
    }
    let ways = [BOUND_TO_CERTIFICATE, BOUND_TO_KEY];
    let ways: Vec<&str> = ways.into_iter().filter(|name| applied.knows(name)).collect();
    let text = format!(
        "{}: the profile {FAPI_CIBA} asks for access tokens that are bound to the client (FAPI 1.0 Advanced \
         5.2.2), so it must be true",
        ways.join(" or ")
    );
    Err(Error::new(Status::CONFLICTING_SETTINGS, text))
}
