//! What differs between providers, as a table.

use super::binding_message::BindingMessageRule;
use crate::error::Status;

/// When a code was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// In answer to the authentication request.
    Start,
    /// In answer to a token request.
    Poll,
    /// In answer to what is done with tokens afterwards: no person is asked, nothing is pending.
    Afterwards,
}

/// What a provider means by an error code in answer to a token request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Nobody has answered yet.
    Pending,
    /// Nobody has answered yet, and the interval grows.
    SlowDown,
    /// The person denied.
    Denied,
    /// The request has expired.
    Expired,
    /// The request is not known, or not any more.
    Gone,
    /// The request ended in another way.
    Failed,
    /// The server is in trouble: wait it out.
    Trouble,
}

/// One line of the table of error codes.
#[derive(Clone, Copy)]
pub struct CodeRule {
    /// The code; with a `*` at its end every code that begins so.
    pub code: &'static str,
    /// What the provider says beside the code, or how that begins; empty: whatever it is.
    pub description: &'static str,
    pub meaning: Meaning,
    pub status: Status,
    /// What the message says, where it can say more than the status does.
    pub text: &'static str,
}

impl CodeRule {
    pub const fn new(code: &'static str, meaning: Meaning, status: Status, text: &'static str) -> CodeRule {
        CodeRule { code, description: "", meaning, status, text }
    }

    /// The same for one cause of several that have this code.
    pub const fn described(self, description: &'static str) -> CodeRule {
        CodeRule { description, ..self }
    }
}

const fn code(code: &'static str, meaning: Meaning, status: Status) -> CodeRule {
    CodeRule::new(code, meaning, status, "")
}

/// CIBA Core §11 and §13, RFC 6749 §5.2. A provider's own table is looked at first.
const STANDARD: &[CodeRule] = &[
    code("authorization_pending", Meaning::Pending, Status::PENDING),
    code("slow_down", Meaning::SlowDown, Status::PENDING),
    code("access_denied", Meaning::Denied, Status::DENIED),
    code("expired_token", Meaning::Expired, Status::EXPIRED),
    code("invalid_grant", Meaning::Gone, Status::INVALID_GRANT),
    code("invalid_request", Meaning::Gone, Status::INVALID_REQUEST),
    CodeRule::new(
        "invalid_client",
        Meaning::Failed,
        Status::INVALID_CLIENT,
        "the provider does not accept the client's credentials: client_id, the secret or key, or \
         token_endpoint_auth_method is not as it is registered there",
    ),
    CodeRule::new(
        "unauthorized_client",
        Meaning::Failed,
        Status::UNAUTHORIZED_CLIENT,
        "the provider does not let this client use CIBA in this way: it must be registered there for the CIBA \
         grant, with its backchannel_token_delivery_mode",
    ),
    code("unsupported_grant_type", Meaning::Failed, Status::UNSUPPORTED_GRANT_TYPE),
    CodeRule::new(
        "invalid_scope",
        Meaning::Failed,
        Status::INVALID_SCOPE,
        "the provider does not accept the scope: it does not know one of them, or this client does not have it",
    ),
    code("expired_login_hint_token", Meaning::Failed, Status::EXPIRED_LOGIN_HINT_TOKEN),
    code("unknown_user_id", Meaning::Failed, Status::UNKNOWN_USER_ID),
    code("missing_user_code", Meaning::Failed, Status::MISSING_USER_CODE),
    code("invalid_user_code", Meaning::Failed, Status::INVALID_USER_CODE),
    code("invalid_binding_message", Meaning::Failed, Status::INVALID_BINDING_MESSAGE),
    code("transaction_failed", Meaning::Failed, Status::TRANSACTION_FAILED), // CIBA Core §12
    code("server_error", Meaning::Trouble, Status::HTTP_STATUS),
    code("temporarily_unavailable", Meaning::Trouble, Status::HTTP_STATUS),
];

/// RFC 6749 §5.2, RFC 6750 §3.1, RFC 7009 §2.2.1: the same codes, said of a token.
const AFTERWARDS: &[CodeRule] = &[
    code("invalid_request", Meaning::Failed, Status::INVALID_REQUEST),
    code("invalid_client", Meaning::Failed, Status::INVALID_CLIENT),
    CodeRule::new(
        "invalid_grant",
        Meaning::Failed,
        Status::INVALID_GRANT,
        "the provider does not accept the refresh token, or not any more",
    ),
    CodeRule::new(
        "unauthorized_client",
        Meaning::Failed,
        Status::UNAUTHORIZED_CLIENT,
        "the provider does not let this client do this with tokens",
    ),
    CodeRule::new(
        "unsupported_grant_type",
        Meaning::Failed,
        Status::UNSUPPORTED_GRANT_TYPE,
        "the provider does not refresh tokens here",
    ),
    code("invalid_scope", Meaning::Failed, Status::INVALID_SCOPE),
    code("access_denied", Meaning::Failed, Status::REFUSED_BY_POLICY),
    code("invalid_token", Meaning::Failed, Status::INVALID_TOKEN),
    code("insufficient_scope", Meaning::Failed, Status::INSUFFICIENT_SCOPE),
    code("unsupported_token_type", Meaning::Failed, Status::UNSUPPORTED_TOKEN_TYPE),
    code("server_error", Meaning::Trouble, Status::HTTP_STATUS),
    code("temporarily_unavailable", Meaning::Trouble, Status::HTTP_STATUS),
];

/// A member of a hint that is a JSON object.
#[derive(Clone, Copy)]
pub struct HintField {
    pub name: &'static str,
    /// A fixed value for where none is given; an empty one is none, `{issuer}` is the issuer.
    pub default: &'static str,
    /// Fields of one group exclude each other, and one of them is required.
    pub group: Option<&'static str>,
    pub required: bool,
    /// The claim of the ID Token that must have the same value.
    pub claim: Option<&'static str>,
}

impl HintField {
    pub const OPTIONAL: HintField =
        HintField { name: "", default: "", group: None, required: false, claim: None };
}

/// The form that a provider's hints have.
#[derive(Clone, Copy)]
pub struct HintRule {
    /// The name of the hint.
    pub hint: &'static str,
    pub fits: fn(&str) -> bool,
    /// What is said of one that does not fit.
    pub text: &'static str,
}

/// A step before the start: a POST of these parameters (each required) with the client's secret as
/// Basic credentials gives a `login_hint_token` and a `binding_message`. The person is not asked yet.
#[derive(Clone, Copy)]
pub struct Prepare {
    pub parameters: &'static [&'static str],
}

/// A step after the acknowledgement: a POST of a JSON object without credentials gives an
/// `authentication_uri`, a link for the person. Nobody is asked before it is opened.
#[derive(Clone, Copy)]
pub struct InitAuth {
    /// The member that holds the `auth_req_id`.
    pub request_id: &'static str,
    /// Members that the caller may give.
    pub parameters: &'static [&'static str],
}

/// What a provider does in its own way. The default is CIBA Core as it is written.
#[derive(Clone)]
pub struct Rules {
    /// Parameters of the authentication request beyond the specification's, sent first.
    pub start_parameters: &'static [(&'static str, &'static str)],
    /// Whether a token request repeats `scope`.
    pub poll_scope: bool,
    /// Scopes without which the provider answers nobody.
    pub required_scopes: &'static [&'static str],
    /// The scope where the caller gives none.
    pub default_scope: &'static str,
    /// The hints that the provider takes.
    pub hints: &'static [&'static str],
    /// What hints look like, where the provider says so.
    pub hint_rules: &'static [HintRule],
    /// The members of `login_hint_token`, where it is a JSON object made from fields.
    pub login_hint_token: &'static [HintField],
    /// The same for `login_hint`.
    pub login_hint: &'static [HintField],
    /// Parameters without which the provider answers nobody, and what is said where one is missing.
    pub required_parameters: &'static [(&'static str, &'static str)],
    /// Parameters that the provider answers with an error, and what is said of one.
    pub refused_parameters: &'static [(&'static str, &'static str)],
    /// What `binding_message` may be: the first one that applies counts.
    pub binding_message: &'static [BindingMessageRule],
    /// The member of the acknowledgement that holds a text for the person to compare; empty: none.
    pub acknowledged_binding_message: &'static str,
    pub prepare: Option<Prepare>,
    pub init_auth: Option<InitAuth>,
    /// Whether client and provider are agreed on `user_code`.
    pub user_code: bool,
    /// Whether each request must say what is approved, or have a text for the person to compare (FAPI-CIBA).
    pub authorization_context: bool,
    /// The name of `requested_expiry`.
    pub requested_expiry_parameter: String,
    /// The range of `requested_expiry`, in seconds.
    pub requested_expiry: (u64, u64),
    /// The provider's own error codes, looked at before the standard ones.
    pub start_codes: &'static [CodeRule],
    pub poll_codes: &'static [CodeRule],
    /// Claims that every ID Token of a CIBA flow has.
    pub claims: &'static [(&'static str, &'static str)],
    /// Whether `acr` may be an array of texts, against OpenID Connect Core §2.
    pub acr_array: bool,
    /// Claims beside CIBA Core's own that, where they are there, are the `auth_req_id`.
    pub request_id_claims: &'static [&'static str],
    /// Whether Basic credentials are form-encoded before Base64 (RFC 6749 §2.3.1).
    pub basic_form_encoded: bool,
    /// Methods of client authentication that the provider takes although its metadata do not list them.
    pub unlisted_auth_methods: &'static [&'static str],
    /// Whom client assertions are for: `issuer`, or `endpoint`, the one that is asked.
    pub client_assertion_audience: &'static str,
    /// Whether signed authentication requests may be signed with the client secret, against CIBA Core §7.1.1.
    pub hmac_signed_requests: bool,
    /// Whether an ID Token must come with the tokens.
    pub id_token_required: bool,
}

impl Default for Rules {
    fn default() -> Rules {
        Rules {
            start_parameters: &[],
            poll_scope: false,
            required_scopes: &[],
            default_scope: "",
            hints: &["login_hint", "login_hint_token", "id_token_hint"],
            hint_rules: &[],
            login_hint_token: &[],
            login_hint: &[],
            required_parameters: &[],
            refused_parameters: &[],
            binding_message: &[BindingMessageRule::ANY],
            acknowledged_binding_message: "",
            prepare: None,
            init_auth: None,
            user_code: false,
            authorization_context: false,
            requested_expiry_parameter: "requested_expiry".into(),
            requested_expiry: (1, i32::MAX as u64),
            start_codes: &[],
            poll_codes: &[],
            claims: &[],
            acr_array: false,
            request_id_claims: &[],
            basic_form_encoded: true,
            unlisted_auth_methods: &[],
            client_assertion_audience: "issuer",
            hmac_signed_requests: false,
            id_token_required: true,
        }
    }
}

impl Rules {
    /// The rule for the `binding_message` of a request with these `acr_values`.
    pub fn binding_message(&self, acr_values: &str) -> BindingMessageRule {
        let applies = |rule: &&BindingMessageRule| rule.applies(acr_values);
        self.binding_message.iter().find(applies).copied().unwrap_or(BindingMessageRule::ANY)
    }

    /// What a code means at this stage, with what is said beside it, if any table knows it.
    pub fn code(&self, stage: Stage, code: &str, description: Option<&str>) -> Option<CodeRule> {
        let (own, standard) = match stage {
            Stage::Start => (self.start_codes, STANDARD),
            Stage::Poll => (self.poll_codes, STANDARD),
            Stage::Afterwards => (AFTERWARDS, &[] as &[CodeRule]),
        };
        let described = |rule: &CodeRule| description.unwrap_or_default().starts_with(rule.description);
        let fits = |rule: &&CodeRule| match rule.code.strip_suffix('*') {
            Some(prefix) => code.starts_with(prefix) && described(rule),
            None => rule.code == code && described(rule),
        };
        let mut rule = own.iter().find(fits).or_else(|| standard.iter().find(fits)).copied()?;
        if stage == Stage::Start && rule.status == Status::DENIED {
            rule.status = Status::REFUSED_BY_POLICY; // CIBA Core §13: before the person was asked
        }
        Some(rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_providers_own_codes_come_before_the_standard_ones() {
        const OWN: &[CodeRule] = &[code("invalid_*", Meaning::Failed, Status::DENIED_OR_FAILED)];
        let rules = Rules { poll_codes: OWN, ..Rules::default() };
        let status = |stage, code| rules.code(stage, code, None).map(|rule| rule.status);
        assert_eq!(status(Stage::Poll, "invalid_grant"), Some(Status::DENIED_OR_FAILED));
        assert_eq!(status(Stage::Start, "invalid_grant"), Some(Status::INVALID_GRANT));
        assert_eq!(status(Stage::Poll, "access_denied"), Some(Status::DENIED));
        assert_eq!(status(Stage::Start, "access_denied"), Some(Status::REFUSED_BY_POLICY));
        assert_eq!(status(Stage::Poll, "Access_Denied"), None);
        assert_eq!(status(Stage::Afterwards, "invalid_grant"), Some(Status::INVALID_GRANT));
        assert_eq!(status(Stage::Afterwards, "slow_down"), None, "nothing is pending there");
    }

    #[test]
    fn one_cause_of_several_that_have_a_code_is_known_by_what_is_said_beside_it() {
        const UNKNOWN: CodeRule = code("invalid_request", Meaning::Failed, Status::UNKNOWN_USER_ID);
        const OWN: &[CodeRule] = &[UNKNOWN.described("invalid user")];
        let rules = Rules { start_codes: OWN, ..Rules::default() };
        for (code, said, status) in [
            ("invalid_request", Some("invalid user"), Status::UNKNOWN_USER_ID),
            ("invalid_request", Some("invalid user: nobody"), Status::UNKNOWN_USER_ID),
            ("invalid_request", Some("no invalid user"), Status::INVALID_REQUEST),
            ("invalid_request", Some("invalid"), Status::INVALID_REQUEST),
            ("invalid_request", Some(""), Status::INVALID_REQUEST),
            ("invalid_request", None, Status::INVALID_REQUEST),
            ("invalid_scope", Some("invalid user"), Status::INVALID_SCOPE),
        ] {
            let rule = rules.code(Stage::Start, code, said).unwrap();
            assert_eq!(rule.status, status, "{code}, {said:?}");
        }
    }
}
