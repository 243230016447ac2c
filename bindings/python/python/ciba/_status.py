# SPDX-License-Identifier: MIT OR Apache-2.0
"""The numbers of everything that can happen."""

from enum import IntEnum


class Status(IntEnum):
    """What happened, as a stable number: the same as in C and every other language.

    The bands: 0 success, 1 pending, 10-99 the caller's use, 100s transport, 200s the provider's OAuth
    and CIBA answers, 250s outcomes, 300s token validation, 400s discovery and keys, 500s saved
    flows, 900s internal. A number is never reused. ``OK`` is 0, and so counts as false: compare with ``is`` or ``==``.
    """

    OK = 0
    """Done."""
    PENDING = 1
    """Not decided yet: the time given was up, nothing is lost, ask again. Not an error."""
    MISSING_ARGUMENT = 10
    """An argument that must be given is missing."""
    INVALID_UTF8 = 11
    """A text is not valid UTF-8."""
    UNKNOWN_NAME = 12
    """No setting or request parameter has this name."""
    INVALID_VALUE = 13
    """A value is not of the form that its name asks for."""
    MISSING_SETTING = 14
    """A setting without which the client cannot work is missing."""
    CONFLICTING_SETTINGS = 15
    """Two settings contradict each other."""
    INVALID_AUTHENTICATION_REQUEST = 16
    """The authentication request breaks a rule of the protocol or the provider; nothing was sent."""
    FREED = 17
    """The object was freed while the call was inside."""
    OTHER_PROCESS = 18
    """The flow belongs to another process: this one was forked from it."""
    NO_TOKENS = 19
    """There are no tokens: the flow has not ended with any."""
    NOT_PRESENT = 20
    """The token response or the ID Token has no member of this name."""
    IN_CALLBACK = 21
    """The call is not allowed inside a callback."""
    FILE = 22
    """A file that a setting names cannot be read or written."""
    IN_SET = 23
    """The flow is in the set already."""
    UNSUPPORTED = 24
    """The system that the library runs on does not have this."""
    OTHER_CLIENT = 30
    """The tokens are another provider's, or another client's; nothing was sent."""
    ALREADY_REFRESHED = 31
    """These tokens were refreshed before, which used up their refresh token; nothing was sent."""
    CONNECT_FAILED = 100
    """The provider could not be reached; nothing was sent."""
    NAME_RESOLUTION_FAILED = 101
    """The provider's name could not be resolved; nothing was sent."""
    TLS_FAILED = 102
    """TLS failed, for example because the certificate is not trusted; nothing was sent."""
    TIMEOUT = 103
    """No answer came in time."""
    CONNECTION_LOST = 104
    """The connection broke before the answer was complete."""
    PROXY_FAILED = 105
    """The proxy could not be used; nothing was sent."""
    PROXY_AUTHENTICATION_REQUIRED = 106
    """The proxy asks for credentials (407); the message names the schemes that it offers."""
    REDIRECTED = 107
    """The answer is a redirect; redirects are never followed."""
    ANSWER_TOO_LARGE = 108
    """The answer is larger than the limit."""
    HTTP_STATUS = 109
    """The answer's HTTP status says that the request failed, and its body does not say why."""
    MALFORMED_ANSWER = 110
    """The answer is not the JSON that was expected."""
    START_UNKNOWN = 111
    """The answer to the authentication request was lost, or says neither yes nor no (a gateway's 502): the person's phone may ring or not."""
    REFRESH_UNKNOWN = 120
    """The answer to the refresh was lost: the refresh token may be used up."""
    SIGNER_FAILED = 130
    """The signer failed; nothing was sent."""
    INVALID_REQUEST = 200
    """The provider's ``invalid_request``."""
    INVALID_CLIENT = 201
    """The provider's ``invalid_client``."""
    INVALID_GRANT = 202
    """The provider's ``invalid_grant``."""
    UNAUTHORIZED_CLIENT = 203
    """The provider's ``unauthorized_client``."""
    UNSUPPORTED_GRANT_TYPE = 204
    """The provider's ``unsupported_grant_type``."""
    INVALID_SCOPE = 205
    """The provider's ``invalid_scope``."""
    EXPIRED_LOGIN_HINT_TOKEN = 206
    """The provider's ``expired_login_hint_token``."""
    UNKNOWN_USER_ID = 207
    """The provider's ``unknown_user_id``."""
    MISSING_USER_CODE = 208
    """The provider's ``missing_user_code``."""
    INVALID_USER_CODE = 209
    """The provider's ``invalid_user_code``."""
    INVALID_BINDING_MESSAGE = 210
    """The provider's ``invalid_binding_message``."""
    REFUSED_BY_POLICY = 211
    """``access_denied`` in answer to the authentication request: the provider's policy, not the person."""
    INVALID_ACKNOWLEDGEMENT = 212
    """The acknowledgement lacks a member that it must have, or one is absurd."""
    INVALID_TOKEN_RESPONSE = 213
    """The token response lacks a member that it must have, or one is absurd."""
    PROVIDER_ERROR = 214
    """A code that no specification knows; kept verbatim in the error's OAuth ``error``."""
    DENIED_OR_FAILED = 215
    """The provider uses one code for a denial and for a request that failed or is no longer known."""
    AUTHENTICATION_DEVICE_ERROR = 216
    """The app on the phone, or the identity scheme behind the provider, reported an error."""
    TRANSACTION_FAILED = 217
    """``transaction_failed``, in a pushed error: something went wrong at the provider."""
    INVALID_TOKEN = 240
    """``invalid_token``, or 401 in answer to an access token."""
    INSUFFICIENT_SCOPE = 241
    """``insufficient_scope``"""
    UNSUPPORTED_TOKEN_TYPE = 242
    """``unsupported_token_type``"""
    INVALID_INTROSPECTION_RESPONSE = 243
    """The answer to an introspection is not a JSON object with ``active``."""
    DENIED = 250
    """The person denied."""
    EXPIRED = 251
    """Nobody answered in time."""
    CANCELLED = 252
    """The flow was cancelled by the caller."""
    FAILED = 253
    """The flow failed; its error says why. Only as an outcome, see ``Flow.outcome``."""
    UNKNOWN = 254
    """An answer that may have carried the tokens was lost: what the person decided is not known."""
    TOKEN_MALFORMED = 300
    """The ID Token is not a signed JWT in compact form, or larger than the limit."""
    TOKEN_ENCRYPTED = 301
    """The ID Token is encrypted, and no key to decrypt it is configured."""
    TOKEN_ALGORITHM = 302
    """The ID Token's algorithm, or one of those that it is encrypted with, is not the configured one."""
    TOKEN_CRITICAL_HEADER = 303
    """The ID Token's header asks for something that is not understood (``crit``, ``b64``), or says
    that what is encrypted is compressed (``zip``)."""
    TOKEN_TYPE = 304
    """The token's ``typ`` says that it is no ID Token."""
    TOKEN_KEY_NOT_FOUND = 305
    """The provider's key set has no key that fits the ID Token."""
    TOKEN_KEY_UNUSABLE = 306
    """The key is too weak, too large or broken."""
    TOKEN_SIGNATURE = 307
    """The signature is wrong."""
    TOKEN_CLAIMS_MALFORMED = 308
    """The claims are not a JSON object, or a name occurs twice."""
    TOKEN_ISSUER = 309
    """``iss`` is not the issuer."""
    TOKEN_AUDIENCE = 310
    """``aud`` does not name this client, or names others beside it."""
    TOKEN_AUTHORIZED_PARTY = 311
    """``azp`` is missing beside several audiences, or names another client."""
    TOKEN_EXPIRED = 312
    """``exp`` is missing, not a number, or in the past."""
    TOKEN_ISSUED_AT = 313
    """``iat`` is missing, not a number, in the future, or too long ago."""
    TOKEN_NOT_YET_VALID = 314
    """``nbf`` is in the future."""
    TOKEN_SUBJECT = 315
    """``sub`` is missing, empty, too long, or not the expected one."""
    TOKEN_ACCESS_TOKEN_HASH = 316
    """``at_hash`` does not fit the access token."""
    TOKEN_REFRESH_TOKEN_HASH = 317
    """``urn:openid:params:jwt:claim:rt_hash`` does not fit the refresh token."""
    TOKEN_REQUEST_ID = 318
    """``urn:openid:params:jwt:claim:auth_req_id`` is another request's."""
    TOKEN_UNEXPECTED_CLAIM = 319
    """A claim is not what this request asked for, for example another person's identifier."""
    TOKEN_MISSING = 320
    """There is no ID Token although ``openid`` was asked for."""
    TOKEN_ACR = 321
    """``acr`` is missing, or not one of those that the request expects."""
    TOKEN_AUTH_TIME = 322
    """``auth_time`` is missing, not a number, in the future, or longer ago than the request allows."""
    TOKEN_NOT_ENCRYPTED = 323
    """The ID Token is not encrypted, and ``id_token_encrypted_response_alg`` says that it must be."""
    TOKEN_DECRYPTION = 324
    """The ID Token cannot be decrypted: it was encrypted to another key, or was changed."""
    USERINFO_SUBJECT = 330
    """The ``sub`` of the userinfo answer is missing, or not that of the ID Token."""
    USERINFO_MALFORMED = 331
    """The userinfo answer is not a JSON object, or a name occurs twice."""
    USERINFO_SIGNING = 332
    """The userinfo answer is signed and ``userinfo_signed_response_alg`` is not set, or the reverse."""
    TOKEN_BINDING = 340
    """The access token is not bound to the client's certificate, or to the key of its DPoP proofs, although it must be."""
    DISCOVERY_FAILED = 400
    """The provider's metadata could not be fetched."""
    METADATA_MALFORMED = 401
    """The provider's metadata is not a JSON object, or a member is not of its type."""
    METADATA_ISSUER = 402
    """The metadata names another issuer."""
    METADATA_ENDPOINT_MISSING = 403
    """The metadata lacks an endpoint that is needed."""
    METADATA_ENDPOINT_HOST = 404
    """An endpoint is on a host that is not the issuer's and not listed in ``allowed_hosts``."""
    METADATA_MISMATCH = 405
    """The provider says that it does not support what the settings ask for."""
    KEYS_UNAVAILABLE = 410
    """The provider's keys could not be fetched."""
    KEYS_MALFORMED = 411
    """The provider's key set is not a JSON object with keys, or larger than the limit."""
    HANDED_OVER = 500
    """The flow was handed over: another process goes on with it."""
    SAVED_FLOW_MALFORMED = 501
    """The saved flow is truncated, was changed, or was sealed with another key."""
    SAVED_FLOW_KEY = 502
    """None of the settings' keys has the key id that the saved flow names."""
    SAVED_FLOW_VERSION = 503
    """The saved flow is of a layout that this version of the library does not know."""
    SAVED_FLOW_CLIENT = 504
    """The saved flow is of another provider or another client."""
    SAVED_FLOW_CONTEXT = 505
    """The saved flow was saved for another context, for example another row."""
    NOT_SAVEABLE = 506
    """A flow that has ended, or whose tokens are being verified, cannot be saved."""
    NOTIFICATION_UNKNOWN_FLOW = 600
    """No flow of this client in this process has the notification's token: another process may have it."""
    NOTIFICATION_UNAUTHORIZED = 601
    """The notification has no bearer token."""
    NOTIFICATION_OTHER_REQUEST = 602
    """The notification's ``auth_req_id`` is not that of the request that its token belongs to."""
    NOTIFICATION_MALFORMED = 603
    """The notification is not a POST of a JSON object with an ``auth_req_id``, or larger than the limit."""
    NOTIFICATION_WRONG_MODE = 604
    """The notification is of another delivery mode than ``backchannel_token_delivery_mode``."""
    INTERNAL = 900
    """A defect of this library."""
    PANIC = 901
    """A panic was caught at the border of the library: a defect."""
    RESOURCES = 902
    """The system refused a thread, memory or a descriptor."""
