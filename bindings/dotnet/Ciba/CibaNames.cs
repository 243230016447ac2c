// SPDX-License-Identifier: MIT OR Apache-2.0
namespace Ciba
{
    // Generated from ciba.h by tests/vocabulary; do not edit.

    /// <summary>The names of settings, for <see cref="CibaConfig.Set"/>.</summary>
    public static class CibaSetting
    {
        /// <summary>A provider by name: signaturgruppen, signaturgruppen-test, telenor, telenor-test. Gives the issuer, the endpoints and the provider's rules; every setting below overrides its part.</summary>
        /// <remarks>text</remarks>
        public const string Provider = "provider";

        /// <summary>The provider's issuer identifier, compared byte for byte. Endpoints that are not given are found by discovery below it. With a provider by name: the same provider at another place.</summary>
        /// <remarks>https URL</remarks>
        public const string Issuer = "issuer";

        /// <summary>Who the client is. Required.</summary>
        /// <remarks>text</remarks>
        public const string ClientId = "client_id";

        /// <summary>The client's secret. Required by both client_secret methods.</summary>
        /// <remarks>text</remarks>
        public const string ClientSecret = "client_secret";

        /// <summary>How the client proves itself, at every endpoint: as an Authorization header, or in the body.</summary>
        /// <remarks>client_secret_basic, client_secret_post; default client_secret_basic</remarks>
        public const string TokenEndpointAuthMethod = "token_endpoint_auth_method";

        /// <summary>How tokens are delivered.</summary>
        /// <remarks>poll; default poll</remarks>
        public const string BackchannelTokenDeliveryMode = "backchannel_token_delivery_mode";

        /// <summary>The one algorithm that ID Tokens may be signed with.</summary>
        /// <remarks>RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA; default RS256</remarks>
        public const string IdTokenSignedResponseAlg = "id_token_signed_response_alg";

        /// <summary>In place of the discovered one.</summary>
        /// <remarks>https URL</remarks>
        public const string BackchannelAuthenticationEndpoint = "backchannel_authentication_endpoint";

        /// <summary>In place of the discovered one.</summary>
        /// <remarks>https URL</remarks>
        public const string TokenEndpoint = "token_endpoint";

        /// <summary>In place of the discovered one.</summary>
        /// <remarks>https URL</remarks>
        public const string JwksUri = "jwks_uri";

        /// <summary>A URL with {auth_req_id} in its path: DELETE there cancels a request at the provider. CIBA has no cancel call of its own.</summary>
        /// <remarks>text</remarks>
        public const string CancelEndpoint = "cancel_endpoint";

        /// <summary>The name under which the provider takes requested_expiry.</summary>
        /// <remarks>requested_expiry, request_expiry; default requested_expiry</remarks>
        public const string RequestedExpiryParameter = "requested_expiry_parameter";

        /// <summary>Whether identifier and secret are form-encoded before Base64 (RFC 6749 section 2.3.1). raw is for servers that do not decode them.</summary>
        /// <remarks>form_encoded, raw; default form_encoded</remarks>
        public const string BasicCredentials = "basic_credentials";

        /// <summary>Whether a token response without an ID Token is an error. An ID Token that is there is always verified.</summary>
        /// <remarks>true, false; default true</remarks>
        public const string IdTokenRequired = "id_token_required";

        /// <summary>By how many seconds the provider's clock may differ from this one.</summary>
        /// <remarks>0 to 300; default 60</remarks>
        public const string ClockToleranceS = "clock_tolerance_s";

        /// <summary>Hosts, separated by spaces, beside the issuer's own and those below it, on which discovered endpoints may be.</summary>
        /// <remarks>text</remarks>
        public const string AllowedHosts = "allowed_hosts";

        /// <summary>Allows http to loopback addresses, for tests. Anything else is https always.</summary>
        /// <remarks>true, false; default false</remarks>
        public const string AllowHttpLoopback = "allow_http_loopback";

        /// <summary>A file of certificates in PEM that are trusted too, see ca_mode.</summary>
        /// <remarks>text</remarks>
        public const string CaFile = "ca_file";

        /// <summary>Certificates in PEM that are trusted too, see ca_mode.</summary>
        /// <remarks>text, of several lines</remarks>
        public const string CaCertificates = "ca_certificates";

        /// <summary>Whether ca_file and ca_certificates are trusted beside the system's roots or in their place.</summary>
        /// <remarks>add, replace; default add</remarks>
        public const string CaMode = "ca_mode";

        /// <summary>environment (HTTPS_PROXY or ALL_PROXY, and NO_PROXY, read when the client is made), none, or the URL of an HTTP proxy. http to a loopback address never goes through one.</summary>
        /// <remarks>text; default environment</remarks>
        public const string Proxy = "proxy";

        /// <summary>The user name for the proxy (Basic).</summary>
        /// <remarks>text</remarks>
        public const string ProxyUsername = "proxy_username";

        /// <summary>The password for the proxy (Basic).</summary>
        /// <remarks>text</remarks>
        public const string ProxyPassword = "proxy_password";

        /// <summary>Hosts, domains and networks that are reached without the given proxy, separated by commas.</summary>
        /// <remarks>text</remarks>
        public const string ProxyExceptions = "proxy_exceptions";

        /// <summary>How many ms name resolution, connecting and TLS may take together.</summary>
        /// <remarks>1 to 600000; default 10000</remarks>
        public const string ConnectTimeoutMs = "connect_timeout_ms";

        /// <summary>How many ms an answer may take once the request is sent, but for token requests.</summary>
        /// <remarks>1 to 600000; default 30000</remarks>
        public const string RequestTimeoutMs = "request_timeout_ms";

        /// <summary>How many ms the answer to a token request may take once it is sent. Providers may hold it open for 30 s and longer.</summary>
        /// <remarks>35000 to 600000; default 60000</remarks>
        public const string PollTimeoutMs = "poll_timeout_ms";

        /// <summary>The size beyond which an answer is refused, in bytes.</summary>
        /// <remarks>1024 to 16777216; default 1048576</remarks>
        public const string MaxAnswerBytes = "max_answer_bytes";

        /// <summary>Keys that saved flows are sealed with: id:key, separated by spaces, each key 32 random bytes in Base64. The first one seals, every one opens.</summary>
        /// <remarks>text</remarks>
        public const string SavedFlowKeys = "saved_flow_keys";

        /// <summary>Saves flows neither encrypted nor authenticated, where the store itself sees to both.</summary>
        /// <remarks>true, false; default false</remarks>
        public const string SavedFlowUnsealed = "saved_flow_unsealed";

        /// <summary>Promises that the store gives a saved flow to one process at a time, for example by compare-and-set of its revision. Without it another process may have been given the tokens: once a flow was saved, an answer such as invalid_grant, and an expiry meanwhile, end it as unknown.</summary>
        /// <remarks>true, false; default false</remarks>
        public const string SavedFlowExclusive = "saved_flow_exclusive";

        /// <summary>A file to which events are appended, a line each.</summary>
        /// <remarks>text</remarks>
        public const string LogFile = "log_file";

        /// <summary>The least important events that log_file receives.</summary>
        /// <remarks>error, warning, info, debug; default info</remarks>
        public const string LogLevel = "log_level";
    }

    /// <summary>The names of parameters, for <see cref="CibaRequest.Set"/>.</summary>
    public static class CibaParameter
    {
        /// <summary>Scopes separated by spaces, openid among them. Default: what the provider by name needs, else openid.</summary>
        /// <remarks>text</remarks>
        public const string Scope = "scope";

        /// <summary>Who the person is, in the provider's own form; TelenorID+: the phone number. Exactly one of login_hint, login_hint_token, id_token_hint is given.</summary>
        /// <remarks>text</remarks>
        public const string LoginHint = "login_hint";

        /// <summary>Who the person is, sent as it is given.</summary>
        /// <remarks>text, of several lines</remarks>
        public const string LoginHintToken = "login_hint_token";

        /// <summary>How a login_hint_token made from members is sent: as JSON, or that in Base64.</summary>
        /// <remarks>json, base64; default json</remarks>
        public const string LoginHintTokenEncoding = "login_hint_token_encoding";

        /// <summary>Signaturgruppen: the identity provider.</summary>
        /// <remarks>mitid; default mitid</remarks>
        public const string LoginHintTokenIdp = "login_hint_token.idp";

        /// <summary>Signaturgruppen: the person's MitID UUID; either this or cpr. The ID Token must be for the same one.</summary>
        /// <remarks>text</remarks>
        public const string LoginHintTokenUuid = "login_hint_token.uuid";

        /// <summary>Signaturgruppen: the person's CPR number; either this or uuid.</summary>
        /// <remarks>text</remarks>
        public const string LoginHintTokenCpr = "login_hint_token.cpr";

        /// <summary>Signaturgruppen: the text that the app shows. Required.</summary>
        /// <remarks>text, of several lines</remarks>
        public const string LoginHintTokenReferenceTextBody = "login_hint_token.referenceTextBody";

        /// <summary>Signaturgruppen: the person's IP address. Required.</summary>
        /// <remarks>IP address</remarks>
        public const string LoginHintTokenIp = "login_hint_token.ip";

        /// <summary>Signaturgruppen: the word that the app shows for what is done.</summary>
        /// <remarks>LOG_ON, APPROVE, CONFIRM, ACCEPT, SIGN</remarks>
        public const string LoginHintTokenAction = "login_hint_token.action";

        /// <summary>Signaturgruppen: the caller's own reference.</summary>
        /// <remarks>text</remarks>
        public const string LoginHintTokenReferenceId = "login_hint_token.referenceId";

        /// <summary>An ID Token that was issued before.</summary>
        /// <remarks>text</remarks>
        public const string IdTokenHint = "id_token_hint";

        /// <summary>Authentication context classes, separated by spaces, the preferred one first.</summary>
        /// <remarks>text</remarks>
        public const string AcrValues = "acr_values";

        /// <summary>A short text that is shown on both devices, for the person to compare.</summary>
        /// <remarks>text</remarks>
        public const string BindingMessage = "binding_message";

        /// <summary>The person's secret code, for providers that ask for one. Ask for it each time.</summary>
        /// <remarks>text</remarks>
        public const string UserCode = "user_code";

        /// <summary>How many seconds the provider should keep the request; it may decide otherwise. TelenorID+: 1 to 300.</summary>
        /// <remarks>1 to 2147483647</remarks>
        public const string RequestedExpiry = "requested_expiry";

        /// <summary>A text of the caller's that stands in every log event of the flow. Not sent. Must not be secret.</summary>
        /// <remarks>text</remarks>
        public const string Correlation = "correlation";
    }
}
