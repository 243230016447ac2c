//! Signicat.

use super::Preset;
use crate::provider::rules::Rules;

/// Sources: Signicat, "CIBA Flow", MobileID (the name of the expiry; acr_values with an idp; login_hint
/// says which user and device), and the metadata of its sandbox, which lists poll alone. Not verified:
/// the backchannel_authentication_cancel_endpoint of the metadata, which is not used.
pub const SIGNICAT: Preset = Preset {
    name: "signicat",
    issuer_form: "https://DOMAIN/auth/open",
    rules: || Rules {
        requested_expiry_parameter: "request_expiry".into(),
        required_parameters: &[("acr_values", "idp:mobileid for MobileID, idp:nbid for Norwegian BankID")],
        ..Rules::default()
    },
    ..Preset::PLAIN
};
