/* libciba: OpenID Connect CIBA (Client-Initiated Backchannel Authentication).
 * SPDX-License-Identifier: MIT OR Apache-2.0
 * Generated from src/capi; do not edit.
 *
 * A program asks a provider to authenticate a person, the person approves on the phone, the program
 * gets tokens that have been verified:
 *
 *   ciba_config *config = ciba_config_new();
 *   ciba_config_set(config, "provider", "telenor-test", NULL);
 *   ciba_config_set(config, "client_id", "desk-7", NULL);
 *   ciba_config_set(config, "client_secret", secret, NULL);
 *   ciba_client_new(config, &client, &err);
 *
 *   ciba_request *request = ciba_request_new();
 *   ciba_request_set(request, "login_hint", "+4799988777", NULL);
 *
 *   ciba_init(client, request, -1, &flow, &err);        // the phone rings
 *   if (ciba_poll(flow, -1, &err) == CIBA_OK) {         // waits for the person
 *     ciba_flow_tokens(flow, &tokens, &err);
 *     puts(ciba_tokens_claim(tokens, "sub", NULL));     // verified
 *   }
 *   ciba_free(flow);
 *
 * Manners, the same for every function:
 * - A function that can fail returns a ciba_status: CIBA_OK, or what happened. Its last parameter err
 *   is NULL, or the place for an error object with the details, which the caller frees with
 *   ciba_error_free(); it is set to NULL on entry, and stays so with CIBA_OK and CIBA_PENDING.
 * - Beside the statuses that a function names, any may return CIBA_MISSING_ARGUMENT (a NULL where there must
 *   be something), CIBA_INVALID_UTF8 and the 900s; one that may wait, CIBA_IN_CALLBACK. Programs treat the
 *   statuses that they know and take any other by its band: a newer library may have more.
 * - A function that may wait takes timeout_ms, as poll(2) has it: < 0 waits until it is done, 0 does not
 *   wait, > 0 waits at most so many milliseconds. When the time is up it returns CIBA_PENDING, which is
 *   no error: nothing is lost. With timeout 0 no function waits for the network or a name server.
 * - Objects are handles. Any may be used from any thread, and freed in any order; each keeps what
 *   it needs of the others. Freeing NULL does nothing. Freeing a handle twice, or using it after, is as
 *   undefined as with free(3), but for the calls that are inside a flow or a set when it is freed: they
 *   return CIBA_FREED.
 * - Texts in are NUL-terminated UTF-8 and copied. Texts out belong to the object that was asked, and live
 *   until it is freed.
 * - Times are in ms, dates in Unix ms; what is absent is NULL or -1.
 * - Callbacks come on threads that are inside a call, never on the library's own; so does the release of
 *   their userdata. They may use accessors and nothing else, and must not unwind.
 * - The library starts one thread at the first exchange, and up to two that look up names. They block
 *   all signals. It installs no handlers, and never writes to stdout or stderr. In a handler of the
 *   program's own no function may be called: set a flag there, and look at it.
 * - It survives fork(): clients work on both sides, a flow stays with the process that started it.
 * - Its thread ends with the process. What that holds then Valgrind calls possibly lost or still reachable;
 *   nothing is definitely lost.
 *
 * One flow at a time is ciba_poll(); many are a ciba_set, which one thread or an event loop waits for.
 * ciba_flow_checkpoint() and ciba_flow_hand_over() save a flow to bytes, so that it outlives its process.
 * Tokens go on with ciba_client_refresh(), ciba_client_userinfo(), ciba_client_introspect() and
 * ciba_client_revoke().
 *
 * In this file: statuses; the tables of settings and of request parameters; types and callbacks; functions:
 * version, errors, settings, clients, requests, flows, tokens, what follows them, sets, saved flows,
 * notifications.
 */


#ifndef CIBA_H
#define CIBA_H

#include <stddef.h>
#include <stdint.h>

/* The version of this header; see ciba_version_number(). */
#define CIBA_VERSION "0.1.0"
#define CIBA_VERSION_MAJOR 0
#define CIBA_VERSION_MINOR 1
#define CIBA_VERSION_PATCH 0
#define CIBA_VERSION_NUMBER 100

/* Statuses. Bands: 0 done, 1 pending, 10-99 the caller's use, 100s transport, 200s the
 * provider's OAuth and CIBA answers, 250s outcomes, 300s token validation, 400s discovery and
 * keys, 500s saved flows, 600s notifications, 900s internal. A number is never reused; new ones
 * may come in every version. */
/* done */
#define CIBA_OK 0
/* not decided yet */
#define CIBA_PENDING 1
/* an argument that must be given is missing */
#define CIBA_MISSING_ARGUMENT 10
/* a text is not valid UTF-8 */
#define CIBA_INVALID_UTF8 11
/* no setting or parameter has this name */
#define CIBA_UNKNOWN_NAME 12
/* a value is not of the form that its name asks for */
#define CIBA_INVALID_VALUE 13
/* a setting is missing */
#define CIBA_MISSING_SETTING 14
/* two settings contradict each other */
#define CIBA_CONFLICTING_SETTINGS 15
/* the authentication request breaks a rule; nothing was sent */
#define CIBA_INVALID_AUTHENTICATION_REQUEST 16
/* the object was freed while the call was inside */
#define CIBA_FREED 17
/* the flow belongs to another process */
#define CIBA_OTHER_PROCESS 18
/* there are no tokens */
#define CIBA_NO_TOKENS 19
/* there is no member of this name */
#define CIBA_NOT_PRESENT 20
/* the call is not allowed inside a callback */
#define CIBA_IN_CALLBACK 21
/* a file that a setting names cannot be read or written */
#define CIBA_FILE 22
/* the flow is in the set already */
#define CIBA_IN_SET 23
/* not available on this system */
#define CIBA_UNSUPPORTED 24
/* the tokens are of another provider or another client */
#define CIBA_OTHER_CLIENT 30
/* these tokens were refreshed before, and what came of it was freed */
#define CIBA_ALREADY_REFRESHED 31
/* the provider could not be reached */
#define CIBA_CONNECT_FAILED 100
/* the provider's name could not be resolved */
#define CIBA_NAME_RESOLUTION_FAILED 101
/* no trusted TLS connection could be made */
#define CIBA_TLS_FAILED 102
/* no answer came in time */
#define CIBA_TIMEOUT 103
/* the connection broke before the answer was complete */
#define CIBA_CONNECTION_LOST 104
/* the proxy could not be used */
#define CIBA_PROXY_FAILED 105
/* the proxy asks for credentials */
#define CIBA_PROXY_AUTHENTICATION_REQUIRED 106
/* the answer is a redirect */
#define CIBA_REDIRECTED 107
/* the answer is larger than the limit */
#define CIBA_ANSWER_TOO_LARGE 108
/* the provider answered with an HTTP error */
#define CIBA_HTTP_STATUS 109
/* the answer is not the JSON that was expected */
#define CIBA_MALFORMED_ANSWER 110
/* the answer to the authentication request was lost */
#define CIBA_START_UNKNOWN 111
/* the answer to the refresh was lost: the refresh token may be used up */
#define CIBA_REFRESH_UNKNOWN 120
/* the signer failed; nothing was sent */
#define CIBA_SIGNER_FAILED 130
/* the provider calls the request invalid */
#define CIBA_INVALID_REQUEST 200
/* the provider does not accept the client's credentials */
#define CIBA_INVALID_CLIENT 201
/* the provider does not know the request, or not any more */
#define CIBA_INVALID_GRANT 202
/* the provider does not let this client use CIBA in this way */
#define CIBA_UNAUTHORIZED_CLIENT 203
/* the provider does not support CIBA here */
#define CIBA_UNSUPPORTED_GRANT_TYPE 204
/* the provider does not accept the scope */
#define CIBA_INVALID_SCOPE 205
/* the login_hint_token has expired */
#define CIBA_EXPIRED_LOGIN_HINT_TOKEN 206
/* the provider does not know the person */
#define CIBA_UNKNOWN_USER_ID 207
/* the provider asks for a user_code */
#define CIBA_MISSING_USER_CODE 208
/* the provider does not accept the user_code */
#define CIBA_INVALID_USER_CODE 209
/* the provider does not accept the binding_message */
#define CIBA_INVALID_BINDING_MESSAGE 210
/* the provider's policy refuses the request */
#define CIBA_REFUSED_BY_POLICY 211
/* the acknowledgement is not valid */
#define CIBA_INVALID_ACKNOWLEDGEMENT 212
/* the token response is not valid */
#define CIBA_INVALID_TOKEN_RESPONSE 213
/* the provider ended the request with a code of its own */
#define CIBA_PROVIDER_ERROR 214
/* denied by the person, or failed at the provider: the provider does not say which */
#define CIBA_DENIED_OR_FAILED 215
/* the app or the identity scheme behind the provider reported an error */
#define CIBA_AUTHENTICATION_DEVICE_ERROR 216
/* something went wrong at the provider while the person was asked */
#define CIBA_TRANSACTION_FAILED 217
/* the provider does not accept the access token, or not any more */
#define CIBA_INVALID_TOKEN 240
/* the scope of the access token does not reach so far */
#define CIBA_INSUFFICIENT_SCOPE 241
/* the provider does not do this with tokens of this kind */
#define CIBA_UNSUPPORTED_TOKEN_TYPE 242
/* the answer to the introspection is not valid */
#define CIBA_INVALID_INTROSPECTION_RESPONSE 243
/* the person denied */
#define CIBA_DENIED 250
/* nobody answered in time */
#define CIBA_EXPIRED 251
/* cancelled by the caller */
#define CIBA_CANCELLED 252
/* the flow failed */
#define CIBA_FAILED 253
/* what the person decided is not known: an answer was lost */
#define CIBA_UNKNOWN 254
/* the ID Token is not a signed JWT */
#define CIBA_TOKEN_MALFORMED 300
/* the ID Token is encrypted */
#define CIBA_TOKEN_ENCRYPTED 301
/* the ID Token's algorithm is not allowed */
#define CIBA_TOKEN_ALGORITHM 302
/* the ID Token's header asks for an unknown extension */
#define CIBA_TOKEN_CRITICAL_HEADER 303
/* the token's typ says that it is no ID Token */
#define CIBA_TOKEN_TYPE 304
/* the provider's key set has no key for the ID Token */
#define CIBA_TOKEN_KEY_NOT_FOUND 305
/* the key for the ID Token is too weak, too large or broken */
#define CIBA_TOKEN_KEY_UNUSABLE 306
/* the ID Token's signature is wrong */
#define CIBA_TOKEN_SIGNATURE 307
/* the ID Token's claims are not a plain JSON object */
#define CIBA_TOKEN_CLAIMS_MALFORMED 308
/* the ID Token is from another issuer */
#define CIBA_TOKEN_ISSUER 309
/* the ID Token is not for this client alone */
#define CIBA_TOKEN_AUDIENCE 310
/* the ID Token's azp is missing or names another client */
#define CIBA_TOKEN_AUTHORIZED_PARTY 311
/* the ID Token has expired or has no exp */
#define CIBA_TOKEN_EXPIRED 312
/* the ID Token's iat is missing or not plausible */
#define CIBA_TOKEN_ISSUED_AT 313
/* the ID Token is not valid yet */
#define CIBA_TOKEN_NOT_YET_VALID 314
/* the ID Token's sub is missing or not the expected one */
#define CIBA_TOKEN_SUBJECT 315
/* the ID Token's at_hash does not fit the access token */
#define CIBA_TOKEN_ACCESS_TOKEN_HASH 316
/* the ID Token's rt_hash does not fit the refresh token */
#define CIBA_TOKEN_REFRESH_TOKEN_HASH 317
/* the ID Token is for another authentication request */
#define CIBA_TOKEN_REQUEST_ID 318
/* a claim of the ID Token is not what was asked for */
#define CIBA_TOKEN_UNEXPECTED_CLAIM 319
/* there is no ID Token */
#define CIBA_TOKEN_MISSING 320
/* the ID Token's acr is not one that is expected */
#define CIBA_TOKEN_ACR 321
/* the ID Token's auth_time is missing or not recent enough */
#define CIBA_TOKEN_AUTH_TIME 322
/* the ID Token is not encrypted although it must be */
#define CIBA_TOKEN_NOT_ENCRYPTED 323
/* the ID Token cannot be decrypted with the client's key */
#define CIBA_TOKEN_DECRYPTION 324
/* the userinfo answer is not about the subject of the ID Token */
#define CIBA_USERINFO_SUBJECT 330
/* the userinfo answer is not a plain JSON object */
#define CIBA_USERINFO_MALFORMED 331
/* the userinfo answer is signed against the settings, or not signed */
#define CIBA_USERINFO_SIGNING 332
/* the access token is not bound to the client's certificate or key */
#define CIBA_TOKEN_BINDING 340
/* the provider's metadata could not be fetched */
#define CIBA_DISCOVERY_FAILED 400
/* the provider's metadata is malformed */
#define CIBA_METADATA_MALFORMED 401
/* the provider's metadata names another issuer */
#define CIBA_METADATA_ISSUER 402
/* the provider's metadata lacks an endpoint */
#define CIBA_METADATA_ENDPOINT_MISSING 403
/* an endpoint is on a host that is not allowed */
#define CIBA_METADATA_ENDPOINT_HOST 404
/* the provider does not support what the settings ask for */
#define CIBA_METADATA_MISMATCH 405
/* the provider's keys could not be fetched */
#define CIBA_KEYS_UNAVAILABLE 410
/* the provider's key set is malformed */
#define CIBA_KEYS_MALFORMED 411
/* the flow was handed over to another process */
#define CIBA_HANDED_OVER 500
/* the saved flow is truncated, was changed, or was sealed with another key */
#define CIBA_SAVED_FLOW_MALFORMED 501
/* no key of this key id is among the settings */
#define CIBA_SAVED_FLOW_KEY 502
/* the saved flow was written by a newer version of the library */
#define CIBA_SAVED_FLOW_VERSION 503
/* the saved flow is of another provider or another client */
#define CIBA_SAVED_FLOW_CLIENT 504
/* the saved flow was saved for another context */
#define CIBA_SAVED_FLOW_CONTEXT 505
/* a flow that has ended or has its tokens cannot be saved */
#define CIBA_NOT_SAVEABLE 506
/* no flow of this client in this process has the notification's token */
#define CIBA_NOTIFICATION_UNKNOWN_FLOW 600
/* the notification has no bearer token */
#define CIBA_NOTIFICATION_UNAUTHORIZED 601
/* the notification's token belongs to another request */
#define CIBA_NOTIFICATION_OTHER_REQUEST 602
/* the notification is malformed */
#define CIBA_NOTIFICATION_MALFORMED 603
/* the notification is not of the client's delivery mode */
#define CIBA_NOTIFICATION_WRONG_MODE 604
/* a defect of this library */
#define CIBA_INTERNAL 900
/* a panic was caught: a defect of this library */
#define CIBA_PANIC 901
/* the system refused a thread, memory or a descriptor */
#define CIBA_RESOURCES 902

/* How far a flow is, see ciba_progress_callback. */
#define CIBA_STAGE_STARTING 1
#define CIBA_STAGE_PENDING 2
#define CIBA_STAGE_VERIFYING 3
#define CIBA_STAGE_ENDED 4

/* What a notification says, see ciba_notification_kind(). */
#define CIBA_KIND_PING 1
#define CIBA_KIND_TOKENS 2
#define CIBA_KIND_ERROR 3

/* Settings, for ciba_config_set(): name, (values; default), meaning.
 *
 * provider (text)
 *     A provider by name: signaturgruppen, signaturgruppen-test (MitID Flex app),
 *     signaturgruppen-par, signaturgruppen-par-test (CIBA + PAR), telenor, telenor-test (Vipps),
 *     telenor-bankid, telenor-bankid-test, vipps, vipps-test (Vipps MobilePay); and, with the
 *     issuer, auth0, okta, keycloak, idura (Criipto), signicat, pingone. Gives the issuer, the
 *     endpoints and the provider's rules; every setting below overrides its part.
 *     docs/providers.md shows settings and a request for each.
 * profile (fapi-ciba)
 *     fapi-ciba: what the Financial-grade API's profile for CIBA forbids becomes an error when the
 *     client is made or a request is checked. No push, no client_secret methods, no http; requests
 *     signed, with PS256 or ES256 like all else; access tokens bound to the client; a
 *     binding_message or authorization_details in each request; in TLS 1.2 only the profile's
 *     cipher suites. Defaults become what it asks for: private_key_jwt, PS256 (ES256 for a P-256
 *     key), bound tokens where there is a tls_client_certificate.
 * issuer (https URL)
 *     The provider's issuer identifier, compared byte for byte. Endpoints that are not given are
 *     found by discovery below it. With a provider by name: the same provider at another place.
 * client_id (text)
 *     Who the client is. Required.
 * client_secret (text)
 *     The client's secret. Required by the client_secret methods; its UTF-8 bytes are the key of
 *     HS256, HS384 and HS512.
 * token_endpoint_auth_method (client_secret_basic, client_secret_post, client_secret_jwt,
 * private_key_jwt, tls_client_auth, self_signed_tls_client_auth; default client_secret_basic)
 *     How the client proves itself, at every endpoint: by its secret as an Authorization header or
 *     in the body; by a JWT that is signed anew for each request with its secret or its private
 *     key; or by its certificate in TLS, of a CA or self-signed (RFC 8705), with
 *     tls_client_certificate.
 * token_endpoint_auth_signing_alg (RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512,
 * EdDSA, Ed25519, HS256, HS384, HS512)
 *     What client_secret_jwt and private_key_jwt sign with. Default: HS256; for a private key the
 *     alg of its JWK, else RS256, ES256, ES384, ES512 or EdDSA, as its kind is.
 * client_private_key (PEM or JWK)
 *     The client's private key: PEM (PKCS#8, PKCS#1 or SEC 1, not encrypted) or JWK; RSA of 2048
 *     to 8192 bits, P-256, P-384, P-521 or Ed25519. It signs what is not signed with the secret.
 * client_private_key_file (text)
 *     A file with the client's private key, in place of client_private_key.
 * client_key_id (text)
 *     The kid of the client's key, as the provider knows it. Default: the kid of its JWK, else
 *     none.
 * client_assertion_audience (text; default issuer)
 *     Whom the JWTs of client_secret_jwt and private_key_jwt are for: issuer, endpoint (the one
 *     that is asked; the default at okta), or a URL, sent as it is written.
 * client_assertion_typ (client-authentication+jwt, JWT)
 *     The header typ of those JWTs. Default: none, which most providers take.
 * tls_client_certificate (text, of several lines)
 *     The certificate that the client shows in TLS (RFC 8705), with any
 *     token_endpoint_auth_method: PEM, its own first and then who issued it, with the private key
 *     or without; or PKCS#12 in Base64. Requests then go to the provider's mtls_endpoint_aliases.
 * tls_client_certificate_file (text)
 *     A file with that certificate, PEM or PKCS#12, in place of tls_client_certificate.
 * tls_client_key (text, of several lines)
 *     The private key of tls_client_certificate, where that holds none: PEM (PKCS#8, also
 *     encrypted, PKCS#1 or SEC 1); RSA, P-256, P-384, P-521 or Ed25519.
 * tls_client_key_file (text)
 *     A file with that key, in place of tls_client_key.
 * tls_client_password (text)
 *     The password of the PKCS#12 file or of the encrypted key.
 * tls_client_certificate_bound_access_tokens (true, false; default false)
 *     Whether the client is registered for access tokens that are bound to its certificate. The
 *     provider's metadata, where they are read, must agree, and so must the answer to an
 *     introspection of the access token.
 * dpop_bound_access_tokens (true, false; default false)
 *     Whether the client is registered for access tokens that are bound to a key of its own (DPoP,
 *     RFC 9449). Token requests and userinfo, with push also the authentication request, then take
 *     a proof along, and tokens of another token_type are refused. Introspection of the access
 *     token must tell of the key.
 * dpop_signing_alg (RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, Ed25519)
 *     What DPoP proofs are signed with; the provider's dpop_signing_alg_values_supported, where
 *     its metadata are read, must list it. Default: the alg of the key's JWK, else the usual one
 *     for its kind; ES256 where no key is given.
 * dpop_private_key (PEM or JWK)
 *     The key that access tokens are bound to, PEM or JWK as client_private_key. Default: one on
 *     P-256 that is made with the client and never leaves it; with it no other process can use the
 *     access tokens.
 * dpop_private_key_file (text)
 *     A file with that key, in place of dpop_private_key.
 * dpop_public_key (JSON object)
 *     In place of dpop_private_key, the public half of a key that cannot leave its store: a JWK of
 *     the same kinds, without its private part. The signer (ciba_config_set_signer()) then signs
 *     the proofs: it is asked for the key_id that is the JWK's kid or, without one, its thumbprint
 *     (RFC 7638).
 * backchannel_token_delivery_mode (poll, ping, push; default poll)
 *     How tokens are delivered, as the client is registered: they are fetched when they are there,
 *     which is asked for at the interval (poll), and at once when the provider says so (ping); or
 *     the provider sends them (push), and nothing is asked for. What the provider sends is given
 *     to ciba_notification_deliver().
 * backchannel_client_notification_endpoint (https URL)
 *     Where the provider sends notifications, as the client is registered. Required for ping and
 *     push. The library does not listen there; the program does.
 * backchannel_authentication_request_signing_alg (RS256, RS384, RS512, PS256, PS384, PS512, ES256,
 * ES384, ES512, EdDSA, Ed25519, HS256, HS384, HS512)
 *     What authentication requests are signed with: all their parameters are then inside a JWT.
 *     Default: they are not signed. HS256, HS384 and HS512 only at providers by name that are
 *     known to take them.
 * signed_request_audience (text; default issuer)
 *     Whom signed requests are for: issuer, endpoint (the one that is asked), or a URL, sent as it
 *     is written.
 * signed_request_typ (oauth-authz-req+jwt, JWT)
 *     The header typ of signed requests. Default: none, which every provider is known to take.
 * id_token_signed_response_alg (RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512,
 * EdDSA, Ed25519; default RS256)
 *     The one algorithm that ID Tokens may be signed with.
 * id_token_encrypted_response_alg (RSA-OAEP, RSA-OAEP-256, ECDH-ES, ECDH-ES+A128KW,
 * ECDH-ES+A256KW)
 *     How the key of encrypted ID Tokens is encrypted to the client, or agreed upon (JWE alg).
 *     Every ID Token must then be encrypted, a signed JWT inside. Without it they are not, and an
 *     encrypted one is refused.
 * id_token_encrypted_response_enc (A128CBC-HS256, A256CBC-HS512, A128GCM, A256GCM; default
 * A128CBC-HS256)
 *     What encrypted ID Tokens are encrypted with (JWE enc).
 * client_decryption_key (PEM or JWK)
 *     The private key that ID Tokens and userinfo answers are encrypted to: PEM (PKCS#8, PKCS#1 or
 *     SEC 1, not encrypted) or JWK; RSA of 2048 to 8192 bits, P-256, P-384 or P-521. Or a JWK Set
 *     of 1 to 4 such keys: the old and the new one while the client changes its key, or one for
 *     each kind of answer; the kid of what is encrypted says which, or else each is tried.
 * client_decryption_key_file (text)
 *     A file with that key, in place of client_decryption_key.
 * backchannel_authentication_endpoint (https URL)
 *     In place of the discovered one.
 * token_endpoint (https URL)
 *     In place of the discovered one.
 * jwks_uri (https URL)
 *     In place of the discovered one.
 * userinfo_endpoint (https URL)
 *     In place of the discovered one.
 * introspection_endpoint (https URL)
 *     In place of the discovered one.
 * revocation_endpoint (https URL)
 *     In place of the discovered one.
 * mtls_endpoint_aliases.backchannel_authentication_endpoint (https URL)
 *     Where the client's certificate is asked for, in place of the discovered alias (RFC 8705
 *     section 5).
 * mtls_endpoint_aliases.token_endpoint (https URL)
 *     In place of the discovered alias.
 * mtls_endpoint_aliases.userinfo_endpoint (https URL)
 *     In place of the discovered alias.
 * mtls_endpoint_aliases.introspection_endpoint (https URL)
 *     In place of the discovered alias.
 * mtls_endpoint_aliases.revocation_endpoint (https URL)
 *     In place of the discovered alias.
 * mtls_endpoint_aliases_required (true, false; default true)
 *     Whether, with tls_client_certificate, an endpoint without an alias is an error. false
 *     accepts the plain endpoint, for providers that ask for certificates there.
 * userinfo_signed_response_alg (RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512,
 * EdDSA, Ed25519)
 *     The one algorithm that userinfo answers may be signed with. Without it they are plain JSON,
 *     and a signed one is refused.
 * userinfo_encrypted_response_alg (RSA-OAEP, RSA-OAEP-256, ECDH-ES, ECDH-ES+A128KW,
 * ECDH-ES+A256KW)
 *     How the key of encrypted userinfo answers is encrypted to the client, or agreed upon (JWE
 *     alg). Every one must then be encrypted: a signed JWT inside where
 *     userinfo_signed_response_alg is set, else plain JSON. Without it they are not, and an
 *     encrypted one is refused. Needs client_decryption_key.
 * userinfo_encrypted_response_enc (A128CBC-HS256, A256CBC-HS512, A128GCM, A256GCM; default
 * A128CBC-HS256)
 *     What encrypted userinfo answers are encrypted with (JWE enc).
 * prepare_endpoint (https URL)
 *     TelenorID+ BankID: where the hint and the binding_message are asked for, in place of the one
 *     below the issuer.
 * init_auth_endpoint (https URL)
 *     Signaturgruppen CIBA + PAR: where the link for the person is asked for, in place of the one
 *     below the issuer.
 * cancel_endpoint (text)
 *     A URL with {auth_req_id} in its path: DELETE there cancels a request at the provider. CIBA
 *     has no cancel call of its own.
 * backchannel_user_code_parameter (true, false; default false)
 *     Whether the client is registered for user_code. The provider's metadata, where they are
 *     read, must agree.
 * requested_expiry_parameter (requested_expiry, request_expiry; default requested_expiry)
 *     The name under which the provider takes requested_expiry.
 * basic_credentials (form_encoded, raw; default form_encoded)
 *     Whether identifier and secret are form-encoded before Base64 (RFC 6749 section 2.3.1). raw
 *     is for servers that do not decode them.
 * id_token_required (true, false; default true)
 *     Whether a token response without an ID Token is an error. An ID Token that is there is
 *     always verified.
 * clock_tolerance_s (0 to 300; default 60)
 *     By how many seconds the provider's clock may differ from this one.
 * allowed_hosts (text)
 *     Hosts, separated by spaces, beside the issuer's own and those below it, on which discovered
 *     endpoints may be.
 * allow_http_loopback (true, false; default false)
 *     Allows http to loopback addresses, for tests. Anything else is https always.
 * ca_file (text)
 *     A file of certificates in PEM that are trusted too, see ca_mode.
 * ca_certificates (text, of several lines)
 *     Certificates in PEM that are trusted too, see ca_mode.
 * ca_mode (add, replace; default add)
 *     Whether ca_file and ca_certificates are trusted beside the system's roots or in their place.
 * proxy (text; default environment)
 *     environment (HTTPS_PROXY or ALL_PROXY, and NO_PROXY, read when the client is made), none, or
 *     the URL of an HTTP proxy. http to a loopback address never goes through one.
 * proxy_username (text)
 *     The user name for the proxy (Basic).
 * proxy_password (text)
 *     The password for the proxy (Basic).
 * proxy_exceptions (text)
 *     Hosts, domains and networks that are reached without the given proxy, separated by commas.
 * connect_timeout_ms (1 to 600000; default 10000)
 *     How many ms name resolution, connecting and TLS may take together.
 * request_timeout_ms (1 to 600000; default 30000)
 *     How many ms an answer may take once the request is sent, but for token requests.
 * poll_timeout_ms (35000 to 600000; default 60000)
 *     How many ms the answer to a token request may take once it is sent. Providers may hold it
 *     open for 30 s and longer.
 * max_answer_bytes (1024 to 16777216; default 1048576)
 *     The size beyond which an answer is refused, in bytes.
 * saved_flow_keys (text)
 *     Keys that saved flows are sealed with: id:key, separated by spaces, each key 32 random bytes
 *     in Base64. The first one seals, every one opens.
 * saved_flow_unsealed (true, false; default false)
 *     Saves flows neither encrypted nor authenticated, where the store itself sees to both.
 * saved_flow_exclusive (true, false; default false)
 *     Promises that the store gives a saved flow to one process at a time, for example by
 *     compare-and-set of its revision. Without it another process may have been given the tokens:
 *     once a flow was saved, an answer such as invalid_grant, and an expiry meanwhile, end it as
 *     unknown.
 * log_file (text)
 *     A file to which events are appended, a line each.
 * log_level (error, warning, info, debug; default info)
 *     The least important events that log_file receives.
 */

/* Request parameters, for ciba_request_set(): name, (values; default), meaning.
 *
 * scope (text)
 *     Scopes separated by spaces, openid among them. Default: what the provider by name needs,
 *     else openid.
 * login_hint (text)
 *     Who the person is, in the provider's own form; TelenorID+: the phone number, sent as it is
 *     given. Exactly one of login_hint, login_hint_token, id_token_hint is given.
 * login_hint.sub (text)
 *     Auth0: the person's user id, for example auth0|5f7c8e; makes the login_hint that Auth0
 *     takes.
 * login_hint_token (text, of several lines)
 *     Who the person is, sent as it is given.
 * login_hint_token_encoding (json, base64; default json)
 *     How a login_hint_token made from members is sent: as JSON, or that in Base64.
 * login_hint_token.idp (mitid; default mitid)
 *     Signaturgruppen: the identity provider.
 * login_hint_token.uuid (text)
 *     Signaturgruppen: the person's MitID UUID; either this or cpr. The ID Token must be for the
 *     same one.
 * login_hint_token.cpr (text)
 *     Signaturgruppen: the person's CPR number; either this or uuid.
 * login_hint_token.referenceTextBody (readable text, of several lines)
 *     Signaturgruppen: the text that the app shows. Required.
 * login_hint_token.ip (IP address)
 *     Signaturgruppen: the person's IP address. Required.
 * login_hint_token.action (LOG_ON, APPROVE, CONFIRM, ACCEPT, SIGN)
 *     Signaturgruppen: the word that the app shows for what is done.
 * login_hint_token.referenceId (text)
 *     Signaturgruppen: the caller's own reference.
 * login_hint_token.ciba_nonce (text)
 *     Signaturgruppen: a text that comes back in the token response; under which name is not
 *     documented.
 * login_hint_token.idp_values (text)
 *     Signaturgruppen CIBA + PAR: identity providers, separated by spaces, for example mitid
 *     mitid_erhverv.
 * login_hint_token.prompt (text)
 *     Signaturgruppen CIBA + PAR: the OpenID Connect prompt, for example login.
 * id_token_hint (text)
 *     An ID Token that was issued before. It may have expired. One that is encrypted to the client
 *     is sent decrypted, with client_decryption_key.
 * acr_values (text)
 *     Authentication context classes, separated by spaces, the preferred one first.
 * binding_message (readable text)
 *     A short text that is shown on both devices, for the person to compare.
 *     ciba_request_set_binding_code() makes one. Providers by name have rules for it, which are
 *     kept.
 * user_code (text)
 *     The person's secret code, for providers that ask for one; needs the setting
 *     backchannel_user_code_parameter. Ask for it each time: no flow keeps it once it is sent.
 * requested_expiry (1 to 2147483647)
 *     How many seconds the provider should keep the request; it may decide otherwise. TelenorID+
 *     and Okta: 1 to 300. Vipps MobilePay: 60 to 900.
 * resource (URIs)
 *     Where the access token is to be used (RFC 8707): URIs separated by spaces, each sent as a
 *     parameter of its own.
 * authorization_details (JSON array of objects)
 *     What is to be approved (RFC 9396).
 * claims (JSON object)
 *     Claims that are asked for one by one (OpenID Connect Core section 5.5).
 * request_context (JSON object)
 *     What the provider may weigh the risk by (FAPI-CIBA).
 * extra.* (text, of several lines)
 *     Any other parameter of the provider's by its name, for example extra.audience. Names that
 *     OAuth 2.0, OpenID Connect or CIBA give a meaning are refused.
 * prepare.kurt_id (text)
 *     TelenorID+ BankID: the person's kurt id. Required there: TelenorID+ gives the hint and the
 *     binding_message for it.
 * init_auth.redirectUri (https URL)
 *     Signaturgruppen CIBA + PAR: where the person's browser ends up. Default: a page of the
 *     broker.
 * init_auth.state (text)
 *     Signaturgruppen CIBA + PAR: comes along to init_auth.redirectUri.
 * expected.acr (text)
 *     Authentication context classes, separated by spaces, of which the ID Token's acr must be
 *     one. Not sent: acr_values asks for them.
 * expected.max_age (0 to 2147483647)
 *     By how many seconds the person's authentication may lie before the request, by the ID
 *     Token's auth_time, which must then be there; 0: the person authenticates for this request.
 *     Not sent.
 * expected.sub (text)
 *     The sub that the ID Token must have, to the letter. Not sent. Default: the sub of the
 *     id_token_hint, where there is one.
 * expected.* (text, JSON object, null)
 *     Any other claim that the ID Token must have, and its value to the letter, for example
 *     expected.txn; a number, true or false as JSON writes it. null: any value that is not null or
 *     empty. A JSON object: the claim is an object too, with these members, each of which is
 *     compared in the same way; it may have more. Not sent.
 * correlation (text)
 *     A text of the caller's that stands in every log event of the flow. Not sent. Must not be
 *     secret.
 */


/*
 What the provider says about a person (userinfo) or about a token (introspection). Owned by the caller,
 who frees it with ciba_answer_free().
 */
typedef struct ciba_answer ciba_answer;

/*
 A client of one provider.
 */
typedef struct ciba_client ciba_client;

/*
 The settings of a client, by name. The table at the head of this file lists the names.
 */
typedef struct ciba_config ciba_config;

/*
 Why a call did not succeed. Owned by the caller, who frees it with ciba_error_free().
 */
typedef struct ciba_error ciba_error;

/*
 One authentication: from its start to its outcome.
 */
typedef struct ciba_flow ciba_flow;

/*
 What became of a request to the client's notification endpoint.
 */
typedef struct ciba_notification ciba_notification;

/*
 What is asked of whom, by parameter name. The table at the head of this file lists the names.
 */
typedef struct ciba_request ciba_request;

/*
 A flow as bytes, to be kept wherever the program keeps its state. Confidential.
 */
typedef struct ciba_saved_flow ciba_saved_flow;

/*
 A set of flows that are waited for together.
 */
typedef struct ciba_set ciba_set;

/*
 The verified tokens of a flow. Owned by the caller, who frees them with ciba_tokens_free(); the
 library's own copies are wiped from memory when the last of flow and tokens is freed.
 */
typedef struct ciba_tokens ciba_tokens;

/*
 What happened: 0 is success, 1 pending, the others are the CIBA_… constants above.
 */
typedef int32_t ciba_status;

/*
 Receives a log event.

 level: 1 error, 2 warning, 3 info, 4 debug. event: a stable name, for example "poll.slow_down".
 text: one line. correlation: the flow's "correlation", or "". unix_ms: when, in Unix ms.
 All texts are UTF-8 and live until the callback returns. No text holds a secret, a token, a hint
 or a phone number.

 Comes on threads that are inside a call of a client or flow: at the latest when the call returns,
 and for what happens while nobody is inside, with the next call. Events come in order, one at a
 time. It must not unwind. It may use accessors; a call that may wait returns CIBA_IN_CALLBACK.
 */
typedef void (*ciba_log_callback)(void *userdata,
                                  int32_t level,
                                  const char *event,
                                  const char *text,
                                  const char *correlation,
                                  int64_t unix_ms);

/*
 Called once when `userdata` is needed no more, by a thread that is inside a call. May be NULL.
 */
typedef void (*ciba_release_callback)(void *userdata);

/*
 Signs with the client's private key, which the library never sees: that of a smart card, an HSM, a cloud's
 key service.

 algorithm: which one, as in JWS: "ES256" for example. key_id: which key. That of the client: the setting
 client_key_id, or NULL. That of DPoP proofs: the kid of the setting dpop_public_key or, where it has none,
 its thumbprint (RFC 7638); never NULL. Both are UTF-8 and live until the callback returns. input,
 input_length: the bytes to sign, not hashed yet. signature: the place for the signature, with room for so
 many bytes: 1024. signature_length: the place for how many it has. It is written as JWS has it (RFC 7518
 section 3): for ES256, ES384 and ES512 r and s, one after the other, of 32, 48 or 66 bytes each, not DER; 64
 bytes for EdDSA; for RSA as long as the modulus.

 Returns 0, or any other number where it cannot sign, which then stands in the error's message. Nothing is
 sent then: a start ends with CIBA_SIGNER_FAILED, a poll is tried again at the next interval, until the
 request expires.

 Comes on threads that are inside ciba_init(), ciba_poll(), ciba_step(), ciba_flow_hand_over(),
 ciba_set_wait(), ciba_client_refresh(), ciba_client_userinfo(), ciba_client_introspect() or
 ciba_client_revoke(), for the flow, the set or the tokens that the call is about, whatever its timeout: with
 timeout 0 too it signs what an earlier call has begun. It may take its time: no other flow waits for it, but
 for those of a set that one thread alone waits for. With nobody inside a call nothing is signed, and nothing
 is sent. It may come on several threads at once. It must not unwind. It may use accessors; a call that may
 wait returns CIBA_IN_CALLBACK.
 */
typedef int32_t (*ciba_signer_callback)(void *userdata,
                                        const char *algorithm,
                                        const char *key_id,
                                        const uint8_t *input,
                                        size_t input_length,
                                        uint8_t *signature,
                                        size_t room,
                                        size_t *signature_length);

/*
 Told how a flow stands, by a thread that waits in a call of that flow: when something has
 changed, and about once a second.

 stage: CIBA_STAGE_STARTING the request is on its way, CIBA_STAGE_PENDING the person is being asked,
 CIBA_STAGE_VERIFYING the person has approved and the tokens are being verified, CIBA_STAGE_ENDED the
 flow has its outcome. expires_in_ms: how many ms the request still lives; -1 if that is not known.
 next_poll_in_ms: in how many ms the next poll is due; 0 while an exchange is under way; -1 if none is
 due. polls: how many token requests were answered, or lost.

 Returns 0 for the call to go on. For anything else the call returns as if its time were up:
 CIBA_PENDING, and nothing is lost. A call that waits for the provider's answer to a cancel goes on.

 It may use accessors; a call that may wait returns CIBA_IN_CALLBACK. It must not unwind.
 */
typedef int32_t (*ciba_progress_callback)(void *userdata,
                                          int32_t stage,
                                          int64_t expires_in_ms,
                                          int64_t next_poll_in_ms,
                                          int64_t polls);

#ifdef __cplusplus
extern "C" {
#endif /* __cplusplus */

/*
 The version of the library that is loaded, for example "1.2.3".

 Returns a text that is never freed. Compare ciba_version_number() with CIBA_VERSION_NUMBER to
 find out whether the header and the library belong together.
 Threads: any. Since 0.1.0.
 */
const char *ciba_version(void);

/*
 The version of the library that is loaded, as a number: major * 10000 + minor * 100 + patch.

 Threads: any. Since 0.1.0.
 */
int32_t ciba_version_number(void);

/*
 The name of a status, for example "CIBA_DENIED"; "?" for a number that is none.

 Returns a text that is never freed.
 Threads: any. Since 0.1.0.
 */
const char *ciba_status_name(ciba_status status);

/*
 What a status means, in one short sentence; "unknown status" for a number that is none.

 Returns a text that is never freed.
 Threads: any. Since 0.1.0.
 */
const char *ciba_status_text(ciba_status status);

/*
 Frees an error. NULL is allowed.

 Threads: any. Since 0.1.0.
 */
void ciba_error_free(ciba_error *error);

/*
 The status: the same number that the call returned; -1 for NULL.

 Threads: any. Since 0.1.0.
 */
ciba_status ciba_error_status(const ciba_error *error);

/*
 What happened, as one line for a log. It never holds a secret, a token, a hint or a phone number.

 Returns UTF-8 that is owned by the error; NULL for NULL.
 Threads: any. Since 0.1.0.
 */
const char *ciba_error_message(const ciba_error *error);

/*
 The provider's OAuth error code, verbatim, for example "mitid_flex_app.mitid_error_1" (RFC 6749
 section 5.2, CIBA Core sections 11 and 13).

 Returns UTF-8 that is owned by the error; NULL if the provider gave none.
 Threads: any. Since 0.1.0.
 */
const char *ciba_error_oauth_error(const ciba_error *error);

/*
 The provider's description of its error. It is the provider's text and may name the person: it
 is not part of ciba_error_message(), and should not be logged without thought.

 Returns UTF-8 that is owned by the error; NULL if the provider gave none.
 Threads: any. Since 0.1.0.
 */
const char *ciba_error_oauth_error_description(const ciba_error *error);

/*
 The HTTP status of the provider's answer; -1 if there was none.

 Threads: any. Since 0.1.0.
 */
int32_t ciba_error_http_status(const ciba_error *error);

/*
 How long the provider asked to wait (Retry-After), in ms; -1 if it did not.

 Threads: any. Since 0.1.0.
 */
int64_t ciba_error_retry_after_ms(const ciba_error *error);

/*
 Makes settings with nothing set. Free them with ciba_config_free(), also after a client was made.

 Returns NULL only if there is no memory.
 Threads: any. Since 0.1.0.
 */
ciba_config *ciba_config_new(void);

/*
 Frees settings. NULL is allowed. Clients that were made from them keep what they need.

 Threads: any. Since 0.1.0.
 */
void ciba_config_free(ciba_config *config);

/*
 Sets one setting by name. The table at the head of this file lists names, values, units and
 defaults.

 config: the settings. name, value: UTF-8, copied; an empty value takes a setting back. err: NULL,
 or the place for an error.
 Returns CIBA_OK, CIBA_UNKNOWN_NAME (the message says which was meant, perhaps), CIBA_INVALID_VALUE,
 CIBA_INVALID_UTF8, CIBA_MISSING_ARGUMENT. A value that is refused changes nothing.
 Threads: any. Since 0.1.0.
 */
ciba_status ciba_config_set(ciba_config *config,
                            const char *name,
                            const char *value,
                            ciba_error **err);

/*
 Sets every setting that a JSON object names, for example one read from a file: texts, numbers,
 true, false; a list of texts is joined by spaces. All of them or, on an error, none.

 json: UTF-8, copied.
 Returns what ciba_config_set() returns.
 Threads: any. Since 0.1.0.
 */
ciba_status ciba_config_set_json(ciba_config *config, const char *json, ciba_error **err);

/*
 Sends log events to a callback, beside the file that the setting log_file names, and beside the
 callbacks that were given before.

 level: the least important events that are sent: 1 error, 2 warning, 3 info, 4 debug. callback:
 not NULL. userdata: given to the callback as it is. release: NULL, or called once when userdata
 is needed no more: by the thread that frees the last of the settings and of the clients and flows
 made from them; where this call fails, at once.
 Returns CIBA_OK, CIBA_INVALID_VALUE, CIBA_MISSING_ARGUMENT.
 Threads: any. Since 0.1.0.
 */
ciba_status ciba_config_set_log(ciba_config *config,
                                int32_t level,
                                ciba_log_callback callback,
                                void *userdata,
                                ciba_release_callback release,
                                ciba_error **err);

/*
 Has a callback sign with the client's private key, in place of the setting client_private_key: client
 assertions (private_key_jwt) and authentication requests. The settings token_endpoint_auth_signing_alg and
 backchannel_authentication_request_signing_alg say with which algorithm; both together ask for two
 signatures for one request, by one call after the other. With the setting dpop_public_key it signs DPoP
 proofs too (RFC 9449), also for userinfo; a signature that is not one of that key is CIBA_SIGNER_FAILED. It
 takes the place of the one before.

 callback: not NULL. userdata: given to the callback as it is. release: NULL, or called once when userdata
 is needed no more: by the thread that frees the last of the settings and of the clients and flows made
 from them, or by one that is then inside the callback; where this call fails, at once.
 Returns CIBA_OK, CIBA_MISSING_ARGUMENT.
 Threads: any. Since 0.1.0.
 */
ciba_status ciba_config_set_signer(ciba_config *config,
                                   ciba_signer_callback callback,
                                   void *userdata,
                                   ciba_release_callback release,
                                   ciba_error **err);

/*
 Makes a client from settings. No request is made: see ciba_client_check().

 config: the settings; later changes to them do not reach the client. client: the place for the
 client, which the caller frees with ciba_client_free(). err: NULL, or the place for an error.
 Returns CIBA_OK, CIBA_MISSING_SETTING, CIBA_CONFLICTING_SETTINGS, CIBA_INVALID_VALUE, CIBA_FILE,
 CIBA_MISSING_ARGUMENT. On an error *client is NULL.
 Threads: any; a client may be used from several at once. Since 0.1.0.
 */
ciba_status ciba_client_new(const ciba_config *config, ciba_client **client, ciba_error **err);

/*
 Fetches the provider's metadata and keys: a trial of the settings, the network and TLS that rings
 nobody. It does not try the client's credentials: whether they are right shows the first ciba_init().

 timeout_ms: how many ms to wait; < 0: until done, 0: not at all.
 Returns CIBA_OK, CIBA_PENDING when the time is up (ask again: it goes on in the background), or
 why it failed: CIBA_DISCOVERY_FAILED, CIBA_KEYS_UNAVAILABLE or another of the 400s; the message says
 whether the network, TLS or the provider is the reason.
 Threads: any. Since 0.1.0.
 */
ciba_status ciba_client_check(ciba_client *client,
                              int64_t timeout_ms,
                              ciba_error **err);

/*
 Frees a client. NULL is allowed. Flows that it started go on.

 Threads: any. Since 0.1.0.
 */
void ciba_client_free(ciba_client *client);

/*
 Makes a request with nothing in it. It may be used for several flows.

 Returns NULL only if there is no memory. Free it with ciba_request_free().
 Threads: any. Since 0.1.0.
 */
ciba_request *ciba_request_new(void);

/*
 Frees a request. NULL is allowed. Flows keep what they need of it.

 Threads: any. Since 0.1.0.
 */
void ciba_request_free(ciba_request *request);

/*
 Sets one parameter by name. The table at the head of this file lists names and values.

 request: the request. name, value: UTF-8, copied; an empty value takes a parameter back. err:
 NULL, or the place for an error.
 Returns CIBA_OK, CIBA_UNKNOWN_NAME (the message says which was meant, perhaps), CIBA_INVALID_VALUE,
 CIBA_INVALID_UTF8, CIBA_MISSING_ARGUMENT. A value that is refused changes nothing.
 Threads: any. Since 0.1.0.
 */
ciba_status ciba_request_set(ciba_request *request,
                             const char *name,
                             const char *value,
                             ciba_error **err);

/*
 Sets every parameter that a JSON object names: texts and numbers; a list of texts is joined by
 spaces; an object sets "name.member" for each of its members; a parameter that is JSON itself is taken
 as it is written. All of them or, on an error, none.

 json: UTF-8, copied.
 Returns what ciba_request_set() returns.
 Threads: any. Since 0.1.0.
 */
ciba_status ciba_request_set_json(ciba_request *request,
                                  const char *json,
                                  ciba_error **err);

/*
 Makes a short code that is easy to compare and to read out, and sets it as binding_message: from the
 system's random numbers, by the rule of the client's provider (CIBA Core section 7.1).
 ciba_flow_binding_message() tells it. A request that is used for several flows needs a new one each.

 request: the request; where the provider's rule depends on acr_values, these are set before. client: who
 is going to be asked. err: NULL, or the place for an error.
 Returns CIBA_OK, CIBA_INVALID_AUTHENTICATION_REQUEST where the provider takes no binding_message,
 CIBA_RESOURCES, CIBA_MISSING_ARGUMENT. On an error the request is as it was.
 Threads: any. Since 0.1.0.
 */
ciba_status ciba_request_set_binding_code(ciba_request *request,
                                          const ciba_client *client,
                                          ciba_error **err);

/*
 Starts an authentication (CIBA Core section 7): checks the request, sends it, and waits for the
 provider's acknowledgement. The person's phone then rings.

 client: whom to ask. request: what to ask. timeout_ms: how many ms to wait for the
 acknowledgement; < 0: until it is there, 0: not at all. flow: the place for the flow; it is set
 before anything is sent, so that another thread can cancel the flow while this call waits.
 err: NULL, or the place for an error.

 Returns CIBA_OK when the provider has acknowledged, or CIBA_PENDING when the time is up: nothing
 is lost, ciba_poll() waits on. If the request itself is wrong nothing is sent, *flow is NULL, and
 the status is CIBA_INVALID_AUTHENTICATION_REQUEST or one of the 10s. If the start fails *flow has
 its outcome already; the status says why: one of the 100s (the person is not asked, but for
 CIBA_START_UNKNOWN: the answer was lost, and the phone may ring or not), one of the 200s (the
 provider's answer), one of the 400s (discovery), or CIBA_CANCELLED. The phone
 never rings twice for one call: the request is sent once, and once more only with push and DPoP,
 where the provider wants its nonce before it asks the person. A program that wants to try again
 calls this again, and may ring the phone twice only after CIBA_START_UNKNOWN.

 Free *flow with ciba_free(), whatever is returned; NULL is allowed there.
 Threads: any. Since 0.1.0.
 */
ciba_status ciba_init(ciba_client *client,
                      const ciba_request *request,
                      int64_t timeout_ms,
                      ciba_flow **flow,
                      ciba_error **err);

/*
 Waits for the outcome, and asks the provider whenever a poll is due (CIBA Core section 10.1). The
 provider is asked only while somebody is in this call or in ciba_step().

 timeout_ms: how many ms to wait; < 0: until there is an outcome; 0: not at all: a poll that is
 due is sent, and its answer collected by a later call. err: NULL, or the place for an error.

 Returns CIBA_OK: the tokens are there, see ciba_flow_tokens(). CIBA_PENDING: not decided, nothing
 is lost, call again. Else the outcome, the same again on later calls: CIBA_DENIED, CIBA_EXPIRED,
 CIBA_CANCELLED, CIBA_HANDED_OVER, CIBA_UNKNOWN (an answer that may have carried the tokens was
 lost), or why the flow failed: one of the 200s (the provider ended it), one of the 300s (its
 tokens were not good), CIBA_KEYS_UNAVAILABLE (they could not be verified before the request
 expired); and where ciba_init() returned CIBA_PENDING, what it would have returned in the end.
 CIBA_FREED: the flow was freed or closed meanwhile. CIBA_OTHER_PROCESS: see ciba_free().
 Threads: any; several may wait for one flow. Since 0.1.0.
 */
ciba_status ciba_poll(ciba_flow *flow, int64_t timeout_ms, ciba_error **err);

/*
 Makes the one exchange that is due, if one is, and waits for its answer. Never sleeps towards a
 due time: for programs that do the waiting themselves, until ciba_flow_next_poll_at().

 timeout_ms: how many ms to wait for the answer; < 0: until it is there; 0: not at all.
 Returns what ciba_poll() returns.
 Threads: any. Since 0.1.0.
 */
ciba_status ciba_step(ciba_flow *flow, int64_t timeout_ms, ciba_error **err);

/*
 Gives an authentication up: its outcome is CIBA_CANCELLED at once, and calls that wait for it
 return. Where the provider has a cancel call of its own it is made, in the background; if the
 acknowledgement is still on its way, once that is here.

 timeout_ms: how many ms to wait for the provider's answer to that call; < 0: until it is there;
 0: not at all. A program that is about to exit should wait.
 Returns CIBA_OK when that is done or there is nothing to do, CIBA_PENDING when the time is up, or
 why the provider's cancel call failed, one of the 100s: the outcome is CIBA_CANCELLED all the
 same. A flow that has ended before stays as it ended (CIBA_OK). CIBA_FREED: the flow was freed or
 closed meanwhile; the provider's cancel call goes on. CIBA_OTHER_PROCESS: see ciba_free().
 Threads: any, also while another waits in ciba_init() or ciba_poll(). Since 0.1.0.
 */
ciba_status ciba_cancel(ciba_flow *flow, int64_t timeout_ms, ciba_error **err);

/*
 Ends the use of a flow without freeing it: calls that are inside it on other threads, and calls
 that come later, return CIBA_FREED, or the outcome if there is one; accessors go on working. For
 programs that share a flow among threads: close it, let them go, then free it. It never waits
 and sends nothing. NULL is allowed.

 Threads: any. Since 0.1.0.
 */
void ciba_flow_close(ciba_flow *flow);

/*
 Frees a flow. NULL is allowed. It never waits and sends nothing: to tell the provider, call
 ciba_cancel() first. Tokens that were fetched stay valid. A call that is inside the flow on
 another thread returns CIBA_FREED.

 A flow belongs to the process that started it. In a child made by fork its calls return
 CIBA_OTHER_PROCESS, its accessors NULL or -1, and freeing it there does no harm.
 Threads: any. Since 0.1.0.
 */
void ciba_free(ciba_flow *flow);

/*
 How the flow ended: CIBA_OK (tokens), CIBA_DENIED, CIBA_EXPIRED, CIBA_CANCELLED, CIBA_HANDED_OVER,
 CIBA_UNKNOWN, CIBA_FAILED (for any other reason: ciba_poll() says which); CIBA_PENDING before that;
 CIBA_OTHER_PROCESS in a process that the flow does not belong to; CIBA_MISSING_ARGUMENT for NULL.

 Threads: any. Since 0.1.0.
 */
ciba_status ciba_flow_outcome(const ciba_flow *flow);

/*
 The verified tokens of a flow whose outcome is CIBA_OK.

 tokens: the place for the tokens, which the caller frees with ciba_tokens_free().
 Returns CIBA_OK, or CIBA_NO_TOKENS while, or because, there are none.
 Threads: any. Since 0.1.0.
 */
ciba_status ciba_flow_tokens(const ciba_flow *flow, ciba_tokens **tokens, ciba_error **err);

/*
 The provider's identifier of the request. Confidential.

 length: NULL, or the place for the length in bytes.
 Returns UTF-8 that is owned by the flow; NULL before the acknowledgement.
 Threads: any. Since 0.1.0.
 */
const char *ciba_flow_auth_req_id(const ciba_flow *flow, size_t *length);

/*
 The whole acknowledgement: one JSON object, as the provider wrote it. Confidential.

 length: NULL, or the place for the length in bytes.
 Returns UTF-8 that is owned by the flow; NULL before the acknowledgement.
 Threads: any. Since 0.1.0.
 */
const char *ciba_flow_acknowledgement(const ciba_flow *flow, size_t *length);

/*
 The text that the person compares on the phone, or is told: the request's binding_message, or one that
 the provider has made. It is there from the beginning; one that the provider makes before the start
 (TelenorID+ BankID) before the phone rings, another one (Idura) with the acknowledgement.

 length: NULL, or the place for the length in bytes.
 Returns UTF-8 that is owned by the flow; NULL where there is none, or none yet.
 Threads: any. Since 0.1.0.
 */
const char *ciba_flow_binding_message(const ciba_flow *flow,
                                      size_t *length);

/*
 A link that the person opens to be asked, shown as it is or as a QR code: at providers that ask in a
 browser (Signaturgruppen CIBA + PAR).

 length: NULL, or the place for the length in bytes.
 Returns UTF-8 that is owned by the flow; NULL where there is none, and before the acknowledgement.
 Threads: any. Since 0.1.0.
 */
const char *ciba_flow_authentication_uri(const ciba_flow *flow,
                                         size_t *length);

/*
 When the request expires, in Unix ms; -1 before the acknowledgement.

 Threads: any. Since 0.1.0.
 */
int64_t ciba_flow_expires_at(const ciba_flow *flow);

/*
 When the next poll is due, in Unix ms; -1 if none is.

 Threads: any. Since 0.1.0.
 */
int64_t ciba_flow_next_poll_at(const ciba_flow *flow);

/*
 The interval between polls that is in force, in ms; it grows with slow_down. -1 before the
 acknowledgement.

 Threads: any. Since 0.1.0.
 */
int64_t ciba_flow_interval_ms(const ciba_flow *flow);

/*
 The trouble that is being waited out, or was waited out last, for example a provider that could
 not be reached. ciba_poll() goes on meanwhile: it is there for a display.

 Returns an error that the caller frees with ciba_error_free(); NULL if there was no trouble.
 Threads: any. Since 0.1.0.
 */
ciba_error *ciba_flow_trouble(const ciba_flow *flow);

/*
 How the flow stands: what a ciba_progress_callback is told, for programs that would rather ask.

 expires_in_ms, next_poll_in_ms, polls: NULL, or the places for what has these names there;
 next_poll_in_ms is 0 while an exchange is under way.
 Returns the stage; -1 for NULL, and in a process that the flow does not belong to.
 Threads: any. Since 0.1.0.
 */
int32_t ciba_flow_progress(const ciba_flow *flow,
                           int64_t *expires_in_ms,
                           int64_t *next_poll_in_ms,
                           int64_t *polls);

/*
 Has a callback called by threads that wait in a call of this flow. It takes the place of the one
 before; NULL ends it.

 callback: NULL, or what is called. userdata: given to it as it is. release: NULL, or called once
 when userdata is needed no more: by the thread that frees the flow or sets another callback, or
 by one that is then inside the callback; where this call fails, at once.
 Returns CIBA_OK, CIBA_MISSING_ARGUMENT, CIBA_OTHER_PROCESS.
 Threads: any. Since 0.1.0.
 */
ciba_status ciba_flow_on_progress(ciba_flow *flow,
                                  ciba_progress_callback callback,
                                  void *userdata,
                                  ciba_release_callback release,
                                  ciba_error **err);

/*
 Frees tokens. NULL is allowed.

 Threads: any. Since 0.1.0.
 */
void ciba_tokens_free(ciba_tokens *tokens);

/*
 A member of the token response by its name: "access_token", "id_token", "refresh_token",
 "token_type", "scope", "expires_in", or one of the provider's own. A text as it is, anything
 else as JSON. An ID Token that came encrypted is here decrypted: signed, as an id_token_hint must be.

 length: NULL, or the place for the length in bytes, for a text that may hold NUL.
 Returns UTF-8 that is owned by the tokens; NULL if there is no such member.
 Threads: any. Since 0.1.0.
 */
const char *ciba_tokens_get(const ciba_tokens *tokens,
                            const char *name,
                            size_t *length);

/*
 A claim of the verified ID Token by its literal name, as text: "mitid.uuid" is one name. A text
 as it is, anything else as JSON.

 length: NULL, or the place for the length in bytes, for a text that may hold NUL.
 Returns UTF-8 that is owned by the tokens; NULL if there is no such claim.
 Threads: any. Since 0.1.0.
 */
const char *ciba_tokens_claim(const ciba_tokens *tokens, const char *name, size_t *length);

/*
 A claim of the verified ID Token by its literal name, as JSON: a text is in quotes.

 length: NULL, or the place for the length in bytes.
 Returns UTF-8 that is owned by the tokens; NULL if there is no such claim.
 Threads: any. Since 0.1.0.
 */
const char *ciba_tokens_claim_json(const ciba_tokens *tokens, const char *name, size_t *length);

/*
 The name of a claim of the verified ID Token, to go through all of them: index 0, 1, … until
 NULL comes.

 length: NULL, or the place for the length in bytes, for a text that may hold NUL.
 Returns UTF-8 that is owned by the tokens; NULL if there are no more claims.
 Threads: any. Since 0.1.0.
 */
const char *ciba_tokens_claim_name(const ciba_tokens *tokens, size_t index, size_t *length);

/*
 All claims of the verified ID Token: one JSON object, as the provider wrote it.

 length: NULL, or the place for the length in bytes.
 Returns UTF-8 that is owned by the tokens; NULL if there is no ID Token.
 Threads: any. Since 0.1.0.
 */
const char *ciba_tokens_claims(const ciba_tokens *tokens, size_t *length);

/*
 When the access token expires, in Unix ms; -1 if the provider does not say.

 Threads: any. Since 0.1.0.
 */
int64_t ciba_tokens_expires_at(const ciba_tokens *tokens);

/*
 Tokens that a program kept, from an earlier run for example, to go on with: they can be refreshed, and
 their refresh token revoked or introspected. They have no access token and no claims before they are
 refreshed. Nothing is sent.

 refresh_token: what ciba_tokens_get() gave under this name. id_token: the one that came with it, or with
 the first of these tokens where a refresh brought none; it is not verified again, and what comes of a
 refresh must be of the same person. NULL is allowed where the setting id_token_required is false.
 tokens: the place for the tokens, which the caller frees with ciba_tokens_free(). err: NULL, or the
 place for an error.
 Returns CIBA_OK, CIBA_OTHER_CLIENT (the ID Token is another provider's or client's), CIBA_INVALID_VALUE,
 CIBA_MISSING_ARGUMENT, CIBA_INVALID_UTF8. On an error *tokens is NULL.
 Threads: any. Never waits. Since 0.1.0.
 */
ciba_status ciba_client_restore_tokens(const ciba_client *client,
                                       const char *refresh_token,
                                       const char *id_token,
                                       ciba_tokens **tokens,
                                       ciba_error **err);

/*
 Refreshes tokens (OpenID Connect Core section 12). What comes is verified as the first tokens were, and
 must be of the same person. Where the provider gives no new refresh token, the old one is in the fresh
 tokens too: keep those, and free the old ones.

 tokens: what to refresh. timeout_ms: how many ms to wait; < 0: until the provider has answered; 0: not
 at all. fresh: the place for the fresh tokens, which the caller frees with ciba_tokens_free().
 err: NULL, or the place for an error.

 Returns CIBA_OK. CIBA_PENDING: the time is up, nothing is lost: the exchange goes on, call again with
 the same tokens. One refresh of the same tokens is under way at a time, whoever asks for it. A provider
 that gives a new refresh token takes the old one no more: later calls give the same fresh tokens again
 and send nothing, or return CIBA_ALREADY_REFRESHED once those are freed.

 Else why not: CIBA_NOT_PRESENT (there is no refresh token), CIBA_OTHER_CLIENT, CIBA_INVALID_GRANT (it is
 not good, or not any more), another of the 200s; CIBA_REFRESH_UNKNOWN (the answer was lost: the refresh
 token may be used up), another of the 100s (nothing was sent), one of the 300s (the fresh ID Token is not
 good), CIBA_KEYS_UNAVAILABLE (it could not be verified: the next call tries that again, and sends
 nothing). After any other error the next call sends a new request; none is sent again by itself. On an
 error *fresh is NULL.

 A child made by fork does not know what its parent has under way: let one of the two refresh.
 Threads: any. Since 0.1.0.
 */
ciba_status ciba_client_refresh(ciba_client *client,
                                const ciba_tokens *tokens,
                                int64_t timeout_ms,
                                ciba_tokens **fresh,
                                ciba_error **err);

/*
 Asks the provider about the person (OpenID Connect Core section 5.3), with the access token. The answer
 is about the subject of the ID Token, or it is an error.

 timeout_ms: how many ms to wait; < 0: until the provider has answered; 0: not at all. answer: the place
 for the answer, which the caller frees with ciba_answer_free(). err: NULL, or the place for an error.
 Returns CIBA_OK, CIBA_PENDING when the time is up (call again with the same tokens for the answer), or
 why not: CIBA_NOT_PRESENT (there is no access token), CIBA_TOKEN_MISSING (there is no ID Token to compare
 with), CIBA_OTHER_CLIENT, CIBA_METADATA_ENDPOINT_MISSING, CIBA_INVALID_TOKEN (the access token is not
 good, or not any more), CIBA_USERINFO_SUBJECT, CIBA_USERINFO_MALFORMED, CIBA_USERINFO_SIGNING, another
 of the 100s to 400s. On an error *answer is NULL.
 Threads: any. Since 0.1.0.
 */
ciba_status ciba_client_userinfo(ciba_client *client,
                                 const ciba_tokens *tokens,
                                 int64_t timeout_ms,
                                 ciba_answer **answer,
                                 ciba_error **err);

/*
 Asks the provider whether a token is active, and what it is good for (RFC 7662). A token that is not
 active is no error: the member "active" of the answer is "true" or "false".

 token: which one: "access_token" or "refresh_token". timeout_ms: how many ms to wait; < 0: until the
 provider has answered; 0: not at all. answer: the place for the answer, which the caller frees with
 ciba_answer_free(). err: NULL, or the place for an error.
 Returns CIBA_OK, CIBA_PENDING when the time is up (call again with the same tokens for the answer), or
 why not: CIBA_NOT_PRESENT (there is no such token), CIBA_OTHER_CLIENT, CIBA_METADATA_ENDPOINT_MISSING,
 CIBA_INVALID_INTROSPECTION_RESPONSE, CIBA_TOKEN_BINDING (with tls_client_certificate_bound_access_tokens
 or dpop_bound_access_tokens: the access token is not bound to the client's certificate, RFC 8705 section
 3.2, or to the key of its proofs, RFC 9449 section 6.2), another of the 100s, 200s and 400s. On an error
 *answer is NULL.
 Threads: any. Since 0.1.0.
 */
ciba_status ciba_client_introspect(ciba_client *client,
                                   const ciba_tokens *tokens,
                                   const char *token,
                                   int64_t timeout_ms,
                                   ciba_answer **answer,
                                   ciba_error **err);

/*
 Has the provider revoke a token (RFC 7009). With a refresh token, most providers revoke the access
 tokens that came of it too. One that the provider does not know is revoked already.

 token: which one: "access_token" or "refresh_token". timeout_ms: how many ms to wait; < 0: until the
 provider has answered; 0: not at all. A program that is about to exit should wait.
 err: NULL, or the place for an error.
 Returns CIBA_OK, CIBA_PENDING when the time is up (it goes on; call again with the same tokens to learn
 how it ended), or why not: CIBA_NOT_PRESENT (there is no such token), CIBA_OTHER_CLIENT,
 CIBA_METADATA_ENDPOINT_MISSING, CIBA_UNSUPPORTED_TOKEN_TYPE, another of the 200s; CIBA_HTTP_STATUS with
 ciba_error_retry_after_ms() where the provider asks to be asked later: the token is then still good;
 another of the 100s.
 Threads: any. Since 0.1.0.
 */
ciba_status ciba_client_revoke(ciba_client *client,
                               const ciba_tokens *tokens,
                               const char *token,
                               int64_t timeout_ms,
                               ciba_error **err);

/*
 A member of an answer by its literal name: "mitid.uuid" is one name. A text as it is, anything else as
 JSON.

 length: NULL, or the place for the length in bytes, for a text that may hold NUL.
 Returns UTF-8 that is owned by the answer; NULL if there is no such member.
 Threads: any. Since 0.1.0.
 */
const char *ciba_answer_get(const ciba_answer *answer,
                            const char *name,
                            size_t *length);

/*
 The whole answer: one JSON object, as the provider wrote it.

 length: NULL, or the place for the length in bytes.
 Returns UTF-8 that is owned by the answer; NULL for NULL.
 Threads: any. Since 0.1.0.
 */
const char *ciba_answer_json(const ciba_answer *answer, size_t *length);

/*
 Frees an answer. NULL is allowed.

 Threads: any. Since 0.1.0.
 */
void ciba_answer_free(ciba_answer *answer);

/*
 Makes an empty set, after the manner of epoll: flows in it are asked for when they are due, and
 ciba_set_wait() tells of one after the other that has its outcome. One thread is enough for tens of
 thousands; any may wait, and add and remove meanwhile.

 client: any client; the set takes flows of others too. set: the place for the set, which the caller
 frees with ciba_set_free(). err: NULL, or the place for an error.
 Returns CIBA_OK, CIBA_RESOURCES, CIBA_MISSING_ARGUMENT.
 Threads: any. Since 0.1.0.
 */
ciba_status ciba_set_new(ciba_client *client, ciba_set **set, ciba_error **err);

/*
 Adds a flow: from now on the provider is asked for it. A flow that has its outcome already is told of
 by the next wait. The flow stays the caller's; freeing it takes it out of the set.

 userdata: what ciba_set_wait() names the flow by; may be NULL.
 Returns CIBA_OK, CIBA_IN_SET (it is in this set), CIBA_FREED, CIBA_OTHER_PROCESS,
 CIBA_MISSING_ARGUMENT.
 Threads: any, also while another waits. Since 0.1.0.
 */
ciba_status ciba_set_add(ciba_set *set,
                         ciba_flow *flow,
                         void *userdata,
                         ciba_error **err);

/*
 Takes a flow out. The provider is asked no more for it, unless somebody polls it by itself.

 Returns CIBA_OK, CIBA_NOT_PRESENT (it is not in the set, or was told of), CIBA_OTHER_PROCESS,
 CIBA_MISSING_ARGUMENT.
 Threads: any, also while another waits. Since 0.1.0.
 */
ciba_status ciba_set_remove(ciba_set *set, ciba_flow *flow, ciba_error **err);

/*
 Waits for the next flow that has its outcome, takes it out of the set, and says which it is: ask it
 with ciba_poll() and timeout 0. Meanwhile it has signed what flows in the set need signed, where the client
 has a signer (ciba_config_set_signer()); with timeout 0 once. It signs for one after the other: where a signer
 takes its time let several threads wait, which sign side by side.

 timeout_ms: how many ms to wait; < 0: until there is one; 0: not at all. userdata: the place for
 what ciba_set_add() was given for that flow. err: NULL, or the place for an error.
 Returns CIBA_OK, CIBA_PENDING (none in time, or ciba_set_wake()), CIBA_FREED (the set was freed meanwhile),
 CIBA_OTHER_PROCESS, CIBA_MISSING_ARGUMENT. *userdata is NULL unless it is CIBA_OK.
 Threads: any, several at once: each outcome is told to one of them. Since 0.1.0.
 */
ciba_status ciba_set_wait(ciba_set *set,
                          int64_t timeout_ms,
                          void **userdata,
                          ciba_error **err);

/*
 Has one thread that waits in ciba_set_wait() return CIBA_PENDING at once; where none waits, the next
 one that would. For a thread that has other work than the set's.

 Returns CIBA_OK, CIBA_OTHER_PROCESS, CIBA_MISSING_ARGUMENT.
 Threads: any. Since 0.1.0.
 */
ciba_status ciba_set_wake(ciba_set *set,
                          ciba_error **err);

/*
 Cancels every flow in the set, as ciba_cancel() with timeout 0 does. ciba_set_wait() then tells of
 each.

 Returns CIBA_OK, CIBA_OTHER_PROCESS, CIBA_MISSING_ARGUMENT.
 Threads: any. Since 0.1.0.
 */
ciba_status ciba_set_cancel(ciba_set *set, ciba_error **err);

/*
 How many flows are in the set, those among them that have their outcome and were not told of; -1 for
 NULL, and in another process.

 Threads: any. Since 0.1.0.
 */
int64_t ciba_set_count(const ciba_set *set);

/*
 A file descriptor that is readable while ciba_set_wait() has something to tell, or something to have signed
 (ciba_config_set_signer()), so that an event loop
 (poll, epoll, libuv, asyncio) can own the waiting: when it is readable, call ciba_set_wait() with
 timeout 0 until it returns CIBA_PENDING. It belongs to the set: watch it, do not read or close it.

 descriptor: the place for the descriptor; -1 unless it is CIBA_OK.
 Returns CIBA_OK, CIBA_RESOURCES (the system refuses one), CIBA_UNSUPPORTED (on Windows),
 CIBA_OTHER_PROCESS, CIBA_MISSING_ARGUMENT.
 Threads: any. Since 0.1.0.
 */
ciba_status ciba_set_descriptor(ciba_set *set,
                                int32_t *descriptor,
                                ciba_error **err);

/*
 Frees a set. NULL is allowed. Its flows stay the caller's and are asked for no more, unless somebody
 polls them. Calls that wait on other threads return CIBA_FREED.

 Threads: any. Since 0.1.0.
 */
void ciba_set_free(ciba_set *set);

/*
 Saves a flow and lets it go on here: for a process that may be killed. Whoever resumes it waits a
 whole interval first, and reports what cannot be known as CIBA_UNKNOWN, never as a denial. See the
 setting saved_flow_exclusive.

 Save a flow once it is acknowledged, and now and then later: slow_down makes its interval longer. A
 program that must not ring twice notes that it is about to start before it calls ciba_init(), for it
 may be killed between that and the first save.

 context: UTF-8; says what the flow is saved for, for example the id of a row: it can be resumed with
 the same text alone. saved: the place for the saved flow, which the caller frees with
 ciba_saved_flow_free(). err: NULL, or the place for an error.
 Returns CIBA_OK, CIBA_NOT_SAVEABLE (it has ended or has its tokens), CIBA_MISSING_SETTING
 (saved_flow_keys), CIBA_OTHER_PROCESS, CIBA_MISSING_ARGUMENT, CIBA_INVALID_UTF8.
 Threads: any. Never waits. Since 0.1.0.
 */
ciba_status ciba_flow_checkpoint(ciba_flow *flow,
                                 const char *context,
                                 ciba_saved_flow **saved,
                                 ciba_error **err);

/*
 Saves a flow and closes it here, with the outcome CIBA_HANDED_OVER: for programs that step, save, and
 sleep elsewhere. Whoever resumes it polls when it would have been polled here.

 context, saved, err: as for ciba_flow_checkpoint(). timeout_ms: how many ms to wait for an exchange that
 is under way, since it may bring the tokens; < 0: until it has ended; 0: not at all.
 Returns CIBA_OK, CIBA_PENDING (an exchange is still under way, the flow goes on), CIBA_FREED, or what
 ciba_flow_checkpoint() returns.
 Threads: any. Since 0.1.0.
 */
ciba_status ciba_flow_hand_over(ciba_flow *flow,
                                const char *context,
                                int64_t timeout_ms,
                                ciba_saved_flow **saved,
                                ciba_error **err);

/*
 Goes on with a saved flow, in this process or another one, on this machine or another one, with the
 settings of this client. By itself it asks for the provider's keys alone; ciba_poll(), ciba_step() and sets
 drive it.

 A flow that was saved before its acknowledgement is not started again: it has its outcome already,
 and ciba_poll() says CIBA_START_UNKNOWN. One that expired meanwhile has its outcome too.

 Save it again, with a checkpoint, before it is driven: a flow that was handed over must not be
 resumed twice, and a store that compares revisions learns by that who has it.

 bytes, length: what ciba_saved_flow_bytes() gave; copied. context: the text that it was saved with.
 flow: the place for the flow, which the caller frees with ciba_free(). err: NULL, or the place for an
 error.
 Returns CIBA_OK, CIBA_SAVED_FLOW_MALFORMED, CIBA_SAVED_FLOW_KEY, CIBA_SAVED_FLOW_VERSION,
 CIBA_SAVED_FLOW_CLIENT, CIBA_SAVED_FLOW_CONTEXT, CIBA_RESOURCES, CIBA_MISSING_ARGUMENT, CIBA_INVALID_VALUE,
 CIBA_INVALID_UTF8. On an error *flow is NULL.
 Threads: any. Never waits. Since 0.1.0.
 */
ciba_status ciba_flow_resume(ciba_client *client,
                             const uint8_t *bytes,
                             size_t length,
                             const char *context,
                             ciba_flow **flow,
                             ciba_error **err);

/*
 How often a flow was saved, in this process and before it was resumed here; -1 for NULL, and in a
 process that the flow does not belong to.

 Threads: any. Since 0.1.0.
 */
int64_t ciba_flow_revision(const ciba_flow *flow);

/*
 The bytes of a saved flow. Confidential.

 length: the place for their number.
 Returns bytes that are owned by the saved flow; NULL for NULL.
 Threads: any. Since 0.1.0.
 */
const uint8_t *ciba_saved_flow_bytes(const ciba_saved_flow *saved, size_t *length);

/*
 The revision of a saved flow: each save of a flow has a higher number than the one before, also after
 the flow was resumed elsewhere. A store that replaces a row only if the new number is higher never
 goes back. -1 for NULL.

 Threads: any. Since 0.1.0.
 */
int64_t ciba_saved_flow_revision(const ciba_saved_flow *saved);

/*
 Frees a saved flow and wipes its bytes. NULL is allowed.

 Threads: any. Since 0.1.0.
 */
void ciba_saved_flow_free(ciba_saved_flow *saved);

/*
 Takes a request that has come to the client's notification endpoint (CIBA Core sections 10.2, 10.3 and 12),
 from whatever HTTP server received it. Answer with ciba_notification_http_status(), always, and without a
 body; with 401 goes the header WWW-Authenticate: Bearer, with 405 Allow: POST.

 A ping has the provider asked at once for a flow that somebody waits for in ciba_poll() or that is in a
 set; for any other it is remembered until somebody asks. However many come, at most one of them in an
 interval does so. One that overtakes the acknowledgement counts once that is read. What a push brings is
 verified as if it had been fetched, and more strictly; the flow then has its outcome. One that comes late,
 or again, is answered as the first one, and changes nothing.

 method: the HTTP method. authorization, content_type: the values of these headers, NULL where there is
 none. body, body_length: the body's bytes, copied; NULL where there are none; of more than 1 MiB it is
 enough to give the first 1048577. notification: the place for what became of it, which the caller frees
 with ciba_notification_free(). err: NULL, or the place for an error.
 Returns CIBA_OK whatever the request is: ciba_notification_status() says that. CIBA_RESOURCES,
 CIBA_MISSING_ARGUMENT, CIBA_IN_CALLBACK; *notification is then NULL, and 503 is the answer.
 Threads: any. Never waits, and makes no request. Since 0.1.0.
 */
ciba_status ciba_notification_deliver(ciba_client *client,
                                      const char *method,
                                      const char *authorization,
                                      const char *content_type,
                                      const uint8_t *body,
                                      size_t body_length,
                                      ciba_notification **notification,
                                      ciba_error **err);

/*
 What became of it. CIBA_OK: it was delivered to its flow, or came when that had its outcome already.

 CIBA_NOTIFICATION_UNKNOWN_FLOW: no flow of this client in this process has its token. Another process may
 have it: forward the request as it is, or resume the saved flow of ciba_notification_auth_req_id() and
 deliver the request again; nothing in it is trusted before it is delivered. Else it is not the provider's,
 or not as it must be: CIBA_NOTIFICATION_UNAUTHORIZED, CIBA_NOTIFICATION_OTHER_REQUEST,
 CIBA_NOTIFICATION_MALFORMED, CIBA_NOTIFICATION_WRONG_MODE. CIBA_MISSING_ARGUMENT for NULL.
 Threads: any. Since 0.1.0.
 */
ciba_status ciba_notification_status(const ciba_notification *notification);

/*
 The HTTP status to answer: 204; or 400, 401, 405, 413 or 415. -1 for NULL.

 Threads: any. Since 0.1.0.
 */
int32_t ciba_notification_http_status(const ciba_notification *notification);

/*
 What it says: CIBA_KIND_PING something was decided, CIBA_KIND_TOKENS the tokens, CIBA_KIND_ERROR why there
 are none. 0 where it has not the form of a notification; -1 for NULL.

 Threads: any. Since 0.1.0.
 */
int32_t ciba_notification_kind(const ciba_notification *notification);

/*
 The identifier of the request that it is for. Confidential; not to be trusted unless
 ciba_notification_status() is CIBA_OK.

 length: NULL, or the place for the length in bytes, for a text that may hold NUL.
 Returns UTF-8 that is owned by the notification; NULL where it has not the form of a notification.
 Threads: any. Since 0.1.0.
 */
const char *ciba_notification_auth_req_id(const ciba_notification *notification, size_t *length);

/*
 Frees what became of a notification. NULL is allowed.

 Threads: any. Since 0.1.0.
 */
void ciba_notification_free(ciba_notification *notification);

#ifdef __cplusplus
}  /* extern "C" */
#endif  /* __cplusplus */

#endif  /* CIBA_H */
