// SPDX-License-Identifier: MIT OR Apache-2.0
namespace Ciba
{
    // Generated from ciba.h by tests/vocabulary; do not edit.

    /// <summary>The names of settings, for <see cref="CibaConfig.Set"/>.</summary>
    public static class CibaSetting
    {
        /// <summary>A provider by name: signaturgruppen, signaturgruppen-test (MitID Flex app), signaturgruppen-par, signaturgruppen-par-test (CIBA + PAR), telenor, telenor-test (Vipps), telenor-bankid, telenor-bankid-test, vipps, vipps-test (Vipps MobilePay); and, with the issuer, auth0, okta, keycloak, idura (Criipto), signicat, pingone. Gives the issuer, the endpoints and the provider's rules; every setting below overrides its part. docs/providers.md shows settings and a request for each.</summary>
        /// <remarks>text</remarks>
        public const string Provider = "provider";

        /// <summary>fapi-ciba: what the Financial-grade API's profile for CIBA forbids becomes an error when the client is made or a request is checked. No push, no client_secret methods, no http; requests signed, with PS256 or ES256 like all else; access tokens bound to the client; a binding_message or authorization_details in each request; in TLS 1.2 only the profile's cipher suites. Defaults become what it asks for: private_key_jwt, PS256 (ES256 for a P-256 key), bound tokens where there is a tls_client_certificate.</summary>
        /// <remarks>fapi-ciba</remarks>
        public const string Profile = "profile";

        /// <summary>The provider's issuer identifier, compared byte for byte. Endpoints that are not given are found by discovery below it. With a provider by name: the same provider at another place.</summary>
        /// <remarks>https URL</remarks>
        public const string Issuer = "issuer";

        /// <summary>Who the client is. Required.</summary>
        /// <remarks>text</remarks>
        public const string ClientId = "client_id";

        /// <summary>The client's secret. Required by the client_secret methods; its UTF-8 bytes are the key of HS256, HS384 and HS512.</summary>
        /// <remarks>text</remarks>
        public const string ClientSecret = "client_secret";

        /// <summary>How the client proves itself, at every endpoint: by its secret as an Authorization header or in the body; by a JWT that is signed anew for each request with its secret or its private key; or by its certificate in TLS, of a CA or self-signed (RFC 8705), with tls_client_certificate.</summary>
        /// <remarks>client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt, tls_client_auth, self_signed_tls_client_auth; default client_secret_basic</remarks>
        public const string TokenEndpointAuthMethod = "token_endpoint_auth_method";

        /// <summary>What client_secret_jwt and private_key_jwt sign with. Default: HS256; for a private key the alg of its JWK, else RS256, ES256, ES384, ES512 or EdDSA, as its kind is.</summary>
        /// <remarks>RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, Ed25519, HS256, HS384, HS512</remarks>
        public const string TokenEndpointAuthSigningAlg = "token_endpoint_auth_signing_alg";

        /// <summary>The client's private key: PEM (PKCS#8, PKCS#1 or SEC 1, not encrypted) or JWK; RSA of 2048 to 8192 bits, P-256, P-384, P-521 or Ed25519. It signs what is not signed with the secret.</summary>
        /// <remarks>PEM or JWK</remarks>
        public const string ClientPrivateKey = "client_private_key";

        /// <summary>A file with the client's private key, in place of client_private_key.</summary>
        /// <remarks>text</remarks>
        public const string ClientPrivateKeyFile = "client_private_key_file";

        /// <summary>The kid of the client's key, as the provider knows it. Default: the kid of its JWK, else none.</summary>
        /// <remarks>text</remarks>
        public const string ClientKeyId = "client_key_id";

        /// <summary>Whom the JWTs of client_secret_jwt and private_key_jwt are for: issuer, endpoint (the one that is asked; the default at okta), or a URL, sent as it is written.</summary>
        /// <remarks>text; default issuer</remarks>
        public const string ClientAssertionAudience = "client_assertion_audience";

        /// <summary>The header typ of those JWTs. Default: none, which most providers take.</summary>
        /// <remarks>client-authentication+jwt, JWT</remarks>
        public const string ClientAssertionTyp = "client_assertion_typ";

        /// <summary>The certificate that the client shows in TLS (RFC 8705), with any token_endpoint_auth_method: PEM, its own first and then who issued it, with the private key or without; or PKCS#12 in Base64. Requests then go to the provider's mtls_endpoint_aliases.</summary>
        /// <remarks>text, of several lines</remarks>
        public const string TlsClientCertificate = "tls_client_certificate";

        /// <summary>A file with that certificate, PEM or PKCS#12, in place of tls_client_certificate.</summary>
        /// <remarks>text</remarks>
        public const string TlsClientCertificateFile = "tls_client_certificate_file";

        /// <summary>The private key of tls_client_certificate, where that holds none: PEM (PKCS#8, also encrypted, PKCS#1 or SEC 1); RSA, P-256, P-384, P-521 or Ed25519.</summary>
        /// <remarks>text, of several lines</remarks>
        public const string TlsClientKey = "tls_client_key";

        /// <summary>A file with that key, in place of tls_client_key.</summary>
        /// <remarks>text</remarks>
        public const string TlsClientKeyFile = "tls_client_key_file";

        /// <summary>The password of the PKCS#12 file or of the encrypted key.</summary>
        /// <remarks>text</remarks>
        public const string TlsClientPassword = "tls_client_password";

        /// <summary>Whether the client is registered for access tokens that are bound to its certificate. The provider's metadata, where they are read, must agree, and so must the answer to an introspection of the access token.</summary>
        /// <remarks>true, false; default false</remarks>
        public const string TlsClientCertificateBoundAccessTokens = "tls_client_certificate_bound_access_tokens";

        /// <summary>Whether the client is registered for access tokens that are bound to a key of its own (DPoP, RFC 9449). Token requests and userinfo, with push also the authentication request, then take a proof along, and tokens of another token_type are refused. Introspection of the access token must tell of the key.</summary>
        /// <remarks>true, false; default false</remarks>
        public const string DpopBoundAccessTokens = "dpop_bound_access_tokens";

        /// <summary>What DPoP proofs are signed with; the provider's dpop_signing_alg_values_supported, where its metadata are read, must list it. Default: the alg of the key's JWK, else the usual one for its kind; ES256 where no key is given.</summary>
        /// <remarks>RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, Ed25519</remarks>
        public const string DpopSigningAlg = "dpop_signing_alg";

        /// <summary>The key that access tokens are bound to, PEM or JWK as client_private_key. Default: one on P-256 that is made with the client and never leaves it; with it no other process can use the access tokens.</summary>
        /// <remarks>PEM or JWK</remarks>
        public const string DpopPrivateKey = "dpop_private_key";

        /// <summary>A file with that key, in place of dpop_private_key.</summary>
        /// <remarks>text</remarks>
        public const string DpopPrivateKeyFile = "dpop_private_key_file";

        /// <summary>In place of dpop_private_key, the public half of a key that cannot leave its store: a JWK of the same kinds, without its private part. The signer (ciba_config_set_signer()) then signs the proofs: it is asked for the key_id that is the JWK's kid or, without one, its thumbprint (RFC 7638).</summary>
        /// <remarks>JSON object</remarks>
        public const string DpopPublicKey = "dpop_public_key";

        /// <summary>How tokens are delivered, as the client is registered: they are fetched when they are there, which is asked for at the interval (poll), and at once when the provider says so (ping); or the provider sends them (push), and nothing is asked for. What the provider sends is given to ciba_notification_deliver().</summary>
        /// <remarks>poll, ping, push; default poll</remarks>
        public const string BackchannelTokenDeliveryMode = "backchannel_token_delivery_mode";

        /// <summary>Where the provider sends notifications, as the client is registered. Required for ping and push. The library does not listen there; the program does.</summary>
        /// <remarks>https URL</remarks>
        public const string BackchannelClientNotificationEndpoint = "backchannel_client_notification_endpoint";

        /// <summary>What authentication requests are signed with: all their parameters are then inside a JWT. Default: they are not signed. HS256, HS384 and HS512 only at providers by name that are known to take them.</summary>
        /// <remarks>RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, Ed25519, HS256, HS384, HS512</remarks>
        public const string BackchannelAuthenticationRequestSigningAlg = "backchannel_authentication_request_signing_alg";

        /// <summary>Whom signed requests are for: issuer, endpoint (the one that is asked), or a URL, sent as it is written.</summary>
        /// <remarks>text; default issuer</remarks>
        public const string SignedRequestAudience = "signed_request_audience";

        /// <summary>The header typ of signed requests. Default: none, which every provider is known to take.</summary>
        /// <remarks>oauth-authz-req+jwt, JWT</remarks>
        public const string SignedRequestTyp = "signed_request_typ";

        /// <summary>The one algorithm that ID Tokens may be signed with.</summary>
        /// <remarks>RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, Ed25519; default RS256</remarks>
        public const string IdTokenSignedResponseAlg = "id_token_signed_response_alg";

        /// <summary>How the key of encrypted ID Tokens is encrypted to the client, or agreed upon (JWE alg). Every ID Token must then be encrypted, a signed JWT inside. Without it they are not, and an encrypted one is refused.</summary>
        /// <remarks>RSA-OAEP, RSA-OAEP-256, ECDH-ES, ECDH-ES+A128KW, ECDH-ES+A256KW</remarks>
        public const string IdTokenEncryptedResponseAlg = "id_token_encrypted_response_alg";

        /// <summary>What encrypted ID Tokens are encrypted with (JWE enc).</summary>
        /// <remarks>A128CBC-HS256, A256CBC-HS512, A128GCM, A256GCM; default A128CBC-HS256</remarks>
        public const string IdTokenEncryptedResponseEnc = "id_token_encrypted_response_enc";

        /// <summary>The private key that ID Tokens and userinfo answers are encrypted to: PEM (PKCS#8, PKCS#1 or SEC 1, not encrypted) or JWK; RSA of 2048 to 8192 bits, P-256, P-384 or P-521. Or a JWK Set of 1 to 4 such keys: the old and the new one while the client changes its key, or one for each kind of answer; the kid of what is encrypted says which, or else each is tried.</summary>
        /// <remarks>PEM or JWK</remarks>
        public const string ClientDecryptionKey = "client_decryption_key";

        /// <summary>A file with that key, in place of client_decryption_key.</summary>
        /// <remarks>text</remarks>
        public const string ClientDecryptionKeyFile = "client_decryption_key_file";

        /// <summary>In place of the discovered one.</summary>
        /// <remarks>https URL</remarks>
        public const string BackchannelAuthenticationEndpoint = "backchannel_authentication_endpoint";

        /// <summary>In place of the discovered one.</summary>
        /// <remarks>https URL</remarks>
        public const string TokenEndpoint = "token_endpoint";

        /// <summary>In place of the discovered one.</summary>
        /// <remarks>https URL</remarks>
        public const string JwksUri = "jwks_uri";

        /// <summary>In place of the discovered one.</summary>
        /// <remarks>https URL</remarks>
        public const string UserinfoEndpoint = "userinfo_endpoint";

        /// <summary>In place of the discovered one.</summary>
        /// <remarks>https URL</remarks>
        public const string IntrospectionEndpoint = "introspection_endpoint";

        /// <summary>In place of the discovered one.</summary>
        /// <remarks>https URL</remarks>
        public const string RevocationEndpoint = "revocation_endpoint";

        /// <summary>Where the client's certificate is asked for, in place of the discovered alias (RFC 8705 section 5).</summary>
        /// <remarks>https URL</remarks>
        public const string MtlsEndpointAliasesBackchannelAuthenticationEndpoint = "mtls_endpoint_aliases.backchannel_authentication_endpoint";

        /// <summary>In place of the discovered alias.</summary>
        /// <remarks>https URL</remarks>
        public const string MtlsEndpointAliasesTokenEndpoint = "mtls_endpoint_aliases.token_endpoint";

        /// <summary>In place of the discovered alias.</summary>
        /// <remarks>https URL</remarks>
        public const string MtlsEndpointAliasesUserinfoEndpoint = "mtls_endpoint_aliases.userinfo_endpoint";

        /// <summary>In place of the discovered alias.</summary>
        /// <remarks>https URL</remarks>
        public const string MtlsEndpointAliasesIntrospectionEndpoint = "mtls_endpoint_aliases.introspection_endpoint";

        /// <summary>In place of the discovered alias.</summary>
        /// <remarks>https URL</remarks>
        public const string MtlsEndpointAliasesRevocationEndpoint = "mtls_endpoint_aliases.revocation_endpoint";

        /// <summary>Whether, with tls_client_certificate, an endpoint without an alias is an error. false accepts the plain endpoint, for providers that ask for certificates there.</summary>
        /// <remarks>true, false; default true</remarks>
        public const string MtlsEndpointAliasesRequired = "mtls_endpoint_aliases_required";

        /// <summary>The one algorithm that userinfo answers may be signed with. Without it they are plain JSON, and a signed one is refused.</summary>
        /// <remarks>RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, Ed25519</remarks>
        public const string UserinfoSignedResponseAlg = "userinfo_signed_response_alg";

        /// <summary>How the key of encrypted userinfo answers is encrypted to the client, or agreed upon (JWE alg). Every one must then be encrypted: a signed JWT inside where userinfo_signed_response_alg is set, else plain JSON. Without it they are not, and an encrypted one is refused. Needs client_decryption_key.</summary>
        /// <remarks>RSA-OAEP, RSA-OAEP-256, ECDH-ES, ECDH-ES+A128KW, ECDH-ES+A256KW</remarks>
        public const string UserinfoEncryptedResponseAlg = "userinfo_encrypted_response_alg";

        /// <summary>What encrypted userinfo answers are encrypted with (JWE enc).</summary>
        /// <remarks>A128CBC-HS256, A256CBC-HS512, A128GCM, A256GCM; default A128CBC-HS256</remarks>
        public const string UserinfoEncryptedResponseEnc = "userinfo_encrypted_response_enc";

        /// <summary>TelenorID+ BankID: where the hint and the binding_message are asked for, in place of the one below the issuer.</summary>
        /// <remarks>https URL</remarks>
        public const string PrepareEndpoint = "prepare_endpoint";

        /// <summary>Signaturgruppen CIBA + PAR: where the link for the person is asked for, in place of the one below the issuer.</summary>
        /// <remarks>https URL</remarks>
        public const string InitAuthEndpoint = "init_auth_endpoint";

        /// <summary>A URL with {auth_req_id} in its path: DELETE there cancels a request at the provider. CIBA has no cancel call of its own.</summary>
        /// <remarks>text</remarks>
        public const string CancelEndpoint = "cancel_endpoint";

        /// <summary>Whether the client is registered for user_code. The provider's metadata, where they are read, must agree.</summary>
        /// <remarks>true, false; default false</remarks>
        public const string BackchannelUserCodeParameter = "backchannel_user_code_parameter";

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

        /// <summary>Who the person is, in the provider's own form; TelenorID+: the phone number, sent as it is given. Exactly one of login_hint, login_hint_token, id_token_hint is given.</summary>
        /// <remarks>text</remarks>
        public const string LoginHint = "login_hint";

        /// <summary>Auth0: the person's user id, for example auth0|5f7c8e; makes the login_hint that Auth0 takes.</summary>
        /// <remarks>text</remarks>
        public const string LoginHintSub = "login_hint.sub";

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
        /// <remarks>readable text, of several lines</remarks>
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

        /// <summary>Signaturgruppen: a text that comes back in the token response; under which name is not documented.</summary>
        /// <remarks>text</remarks>
        public const string LoginHintTokenCibaNonce = "login_hint_token.ciba_nonce";

        /// <summary>Signaturgruppen CIBA + PAR: identity providers, separated by spaces, for example mitid mitid_erhverv.</summary>
        /// <remarks>text</remarks>
        public const string LoginHintTokenIdpValues = "login_hint_token.idp_values";

        /// <summary>Signaturgruppen CIBA + PAR: the OpenID Connect prompt, for example login.</summary>
        /// <remarks>text</remarks>
        public const string LoginHintTokenPrompt = "login_hint_token.prompt";

        /// <summary>An ID Token that was issued before. It may have expired. One that is encrypted to the client is sent decrypted, with client_decryption_key.</summary>
        /// <remarks>text</remarks>
        public const string IdTokenHint = "id_token_hint";

        /// <summary>Authentication context classes, separated by spaces, the preferred one first.</summary>
        /// <remarks>text</remarks>
        public const string AcrValues = "acr_values";

        /// <summary>A short text that is shown on both devices, for the person to compare. ciba_request_set_binding_code() makes one. Providers by name have rules for it, which are kept.</summary>
        /// <remarks>readable text</remarks>
        public const string BindingMessage = "binding_message";

        /// <summary>The person's secret code, for providers that ask for one; needs the setting backchannel_user_code_parameter. Ask for it each time: no flow keeps it once it is sent.</summary>
        /// <remarks>text</remarks>
        public const string UserCode = "user_code";

        /// <summary>How many seconds the provider should keep the request; it may decide otherwise. TelenorID+ and Okta: 1 to 300. Vipps MobilePay: 60 to 900.</summary>
        /// <remarks>1 to 2147483647</remarks>
        public const string RequestedExpiry = "requested_expiry";

        /// <summary>Where the access token is to be used (RFC 8707): URIs separated by spaces, each sent as a parameter of its own.</summary>
        /// <remarks>URIs</remarks>
        public const string Resource = "resource";

        /// <summary>What is to be approved (RFC 9396).</summary>
        /// <remarks>JSON array of objects</remarks>
        public const string AuthorizationDetails = "authorization_details";

        /// <summary>Claims that are asked for one by one (OpenID Connect Core section 5.5).</summary>
        /// <remarks>JSON object</remarks>
        public const string Claims = "claims";

        /// <summary>What the provider may weigh the risk by (FAPI-CIBA).</summary>
        /// <remarks>JSON object</remarks>
        public const string RequestContext = "request_context";

        /// <summary>TelenorID+ BankID: the person's kurt id. Required there: TelenorID+ gives the hint and the binding_message for it.</summary>
        /// <remarks>text</remarks>
        public const string PrepareKurtId = "prepare.kurt_id";

        /// <summary>Signaturgruppen CIBA + PAR: where the person's browser ends up. Default: a page of the broker.</summary>
        /// <remarks>https URL</remarks>
        public const string InitAuthRedirectUri = "init_auth.redirectUri";

        /// <summary>Signaturgruppen CIBA + PAR: comes along to init_auth.redirectUri.</summary>
        /// <remarks>text</remarks>
        public const string InitAuthState = "init_auth.state";

        /// <summary>Authentication context classes, separated by spaces, of which the ID Token's acr must be one. Not sent: acr_values asks for them.</summary>
        /// <remarks>text</remarks>
        public const string ExpectedAcr = "expected.acr";

        /// <summary>By how many seconds the person's authentication may lie before the request, by the ID Token's auth_time, which must then be there; 0: the person authenticates for this request. Not sent.</summary>
        /// <remarks>0 to 2147483647</remarks>
        public const string ExpectedMaxAge = "expected.max_age";

        /// <summary>The sub that the ID Token must have, to the letter. Not sent. Default: the sub of the id_token_hint, where there is one.</summary>
        /// <remarks>text</remarks>
        public const string ExpectedSub = "expected.sub";

        /// <summary>A text of the caller's that stands in every log event of the flow. Not sent. Must not be secret.</summary>
        /// <remarks>text</remarks>
        public const string Correlation = "correlation";
    }
}
