// SPDX-License-Identifier: MIT OR Apache-2.0
namespace Ciba
{
    // Generated from ciba.h by tests/vocabulary; do not edit.

    /// <summary>What happened. A newer library may report others.</summary>
    /// <remarks>
    /// The bands: 0 done, 1 pending, 10 to 99 the caller's use, 100s transport, 200s the provider's answers,
    /// 250s outcomes, 300s token validation, 400s discovery and keys, 900s internal. A number is never reused.
    /// </remarks>
    public enum CibaStatus
    {
        /// <summary>Done.</summary>
        Ok = 0,
        /// <summary>Not decided yet.</summary>
        Pending = 1,
        /// <summary>An argument that must be given is missing.</summary>
        MissingArgument = 10,
        /// <summary>A text is not valid UTF-8.</summary>
        InvalidUtf8 = 11,
        /// <summary>No setting or parameter has this name.</summary>
        UnknownName = 12,
        /// <summary>A value is not of the form that its name asks for.</summary>
        InvalidValue = 13,
        /// <summary>A setting is missing.</summary>
        MissingSetting = 14,
        /// <summary>Two settings contradict each other.</summary>
        ConflictingSettings = 15,
        /// <summary>The authentication request breaks a rule; nothing was sent.</summary>
        InvalidAuthenticationRequest = 16,
        /// <summary>The object was freed while the call was inside.</summary>
        Freed = 17,
        /// <summary>The flow belongs to another process.</summary>
        OtherProcess = 18,
        /// <summary>There are no tokens.</summary>
        NoTokens = 19,
        /// <summary>There is no member of this name.</summary>
        NotPresent = 20,
        /// <summary>The call is not allowed inside a callback.</summary>
        InCallback = 21,
        /// <summary>A file that a setting names cannot be read or written.</summary>
        File = 22,
        /// <summary>The flow is in the set already.</summary>
        InSet = 23,
        /// <summary>Not available on this system.</summary>
        Unsupported = 24,
        /// <summary>The tokens are of another provider or another client.</summary>
        OtherClient = 30,
        /// <summary>These tokens were refreshed before, and what came of it was freed.</summary>
        AlreadyRefreshed = 31,
        /// <summary>The provider could not be reached.</summary>
        ConnectFailed = 100,
        /// <summary>The provider's name could not be resolved.</summary>
        NameResolutionFailed = 101,
        /// <summary>No trusted TLS connection could be made.</summary>
        TlsFailed = 102,
        /// <summary>No answer came in time.</summary>
        Timeout = 103,
        /// <summary>The connection broke before the answer was complete.</summary>
        ConnectionLost = 104,
        /// <summary>The proxy could not be used.</summary>
        ProxyFailed = 105,
        /// <summary>The proxy asks for credentials.</summary>
        ProxyAuthenticationRequired = 106,
        /// <summary>The answer is a redirect.</summary>
        Redirected = 107,
        /// <summary>The answer is larger than the limit.</summary>
        AnswerTooLarge = 108,
        /// <summary>The provider answered with an HTTP error.</summary>
        HttpStatus = 109,
        /// <summary>The answer is not the JSON that was expected.</summary>
        MalformedAnswer = 110,
        /// <summary>The answer to the authentication request was lost.</summary>
        StartUnknown = 111,
        /// <summary>The answer to the refresh was lost: the refresh token may be used up.</summary>
        RefreshUnknown = 120,
        /// <summary>The signer failed; nothing was sent.</summary>
        SignerFailed = 130,
        /// <summary>The provider calls the request invalid.</summary>
        InvalidRequest = 200,
        /// <summary>The provider does not accept the client's credentials.</summary>
        InvalidClient = 201,
        /// <summary>The provider does not know the request, or not any more.</summary>
        InvalidGrant = 202,
        /// <summary>The provider does not let this client use CIBA in this way.</summary>
        UnauthorizedClient = 203,
        /// <summary>The provider does not support CIBA here.</summary>
        UnsupportedGrantType = 204,
        /// <summary>The provider does not accept the scope.</summary>
        InvalidScope = 205,
        /// <summary>The login_hint_token has expired.</summary>
        ExpiredLoginHintToken = 206,
        /// <summary>The provider does not know the person.</summary>
        UnknownUserId = 207,
        /// <summary>The provider asks for a user_code.</summary>
        MissingUserCode = 208,
        /// <summary>The provider does not accept the user_code.</summary>
        InvalidUserCode = 209,
        /// <summary>The provider does not accept the binding_message.</summary>
        InvalidBindingMessage = 210,
        /// <summary>The provider's policy refuses the request.</summary>
        RefusedByPolicy = 211,
        /// <summary>The acknowledgement is not valid.</summary>
        InvalidAcknowledgement = 212,
        /// <summary>The token response is not valid.</summary>
        InvalidTokenResponse = 213,
        /// <summary>The provider ended the request with a code of its own.</summary>
        ProviderError = 214,
        /// <summary>Denied by the person, or failed at the provider: the provider does not say which.</summary>
        DeniedOrFailed = 215,
        /// <summary>The app or the identity scheme behind the provider reported an error.</summary>
        AuthenticationDeviceError = 216,
        /// <summary>Something went wrong at the provider while the person was asked.</summary>
        TransactionFailed = 217,
        /// <summary>The provider does not accept the access token, or not any more.</summary>
        InvalidToken = 240,
        /// <summary>The scope of the access token does not reach so far.</summary>
        InsufficientScope = 241,
        /// <summary>The provider does not do this with tokens of this kind.</summary>
        UnsupportedTokenType = 242,
        /// <summary>The answer to the introspection is not valid.</summary>
        InvalidIntrospectionResponse = 243,
        /// <summary>The person denied.</summary>
        Denied = 250,
        /// <summary>Nobody answered in time.</summary>
        Expired = 251,
        /// <summary>Cancelled by the caller.</summary>
        Cancelled = 252,
        /// <summary>The flow failed.</summary>
        Failed = 253,
        /// <summary>What the person decided is not known: an answer was lost.</summary>
        Unknown = 254,
        /// <summary>The ID Token is not a signed JWT.</summary>
        TokenMalformed = 300,
        /// <summary>The ID Token is encrypted.</summary>
        TokenEncrypted = 301,
        /// <summary>The ID Token's algorithm is not allowed.</summary>
        TokenAlgorithm = 302,
        /// <summary>The ID Token's header asks for an unknown extension.</summary>
        TokenCriticalHeader = 303,
        /// <summary>The token's typ says that it is no ID Token.</summary>
        TokenType = 304,
        /// <summary>The provider's key set has no key for the ID Token.</summary>
        TokenKeyNotFound = 305,
        /// <summary>The key for the ID Token is too weak, too large or broken.</summary>
        TokenKeyUnusable = 306,
        /// <summary>The ID Token's signature is wrong.</summary>
        TokenSignature = 307,
        /// <summary>The ID Token's claims are not a plain JSON object.</summary>
        TokenClaimsMalformed = 308,
        /// <summary>The ID Token is from another issuer.</summary>
        TokenIssuer = 309,
        /// <summary>The ID Token is not for this client alone.</summary>
        TokenAudience = 310,
        /// <summary>The ID Token's azp is missing or names another client.</summary>
        TokenAuthorizedParty = 311,
        /// <summary>The ID Token has expired or has no exp.</summary>
        TokenExpired = 312,
        /// <summary>The ID Token's iat is missing or not plausible.</summary>
        TokenIssuedAt = 313,
        /// <summary>The ID Token is not valid yet.</summary>
        TokenNotYetValid = 314,
        /// <summary>The ID Token's sub is missing or not the expected one.</summary>
        TokenSubject = 315,
        /// <summary>The ID Token's at_hash does not fit the access token.</summary>
        TokenAccessTokenHash = 316,
        /// <summary>The ID Token's rt_hash does not fit the refresh token.</summary>
        TokenRefreshTokenHash = 317,
        /// <summary>The ID Token is for another authentication request.</summary>
        TokenRequestId = 318,
        /// <summary>A claim of the ID Token is not what was asked for.</summary>
        TokenUnexpectedClaim = 319,
        /// <summary>There is no ID Token.</summary>
        TokenMissing = 320,
        /// <summary>The ID Token's acr is not one that is expected.</summary>
        TokenAcr = 321,
        /// <summary>The ID Token's auth_time is missing or not recent enough.</summary>
        TokenAuthTime = 322,
        /// <summary>The ID Token is not encrypted although it must be.</summary>
        TokenNotEncrypted = 323,
        /// <summary>The ID Token cannot be decrypted with the client's key.</summary>
        TokenDecryption = 324,
        /// <summary>The userinfo answer is not about the subject of the ID Token.</summary>
        UserinfoSubject = 330,
        /// <summary>The userinfo answer is not a plain JSON object.</summary>
        UserinfoMalformed = 331,
        /// <summary>The userinfo answer is signed against the settings, or not signed.</summary>
        UserinfoSigning = 332,
        /// <summary>The access token is not bound to the client's certificate or key.</summary>
        TokenBinding = 340,
        /// <summary>The provider's metadata could not be fetched.</summary>
        DiscoveryFailed = 400,
        /// <summary>The provider's metadata is malformed.</summary>
        MetadataMalformed = 401,
        /// <summary>The provider's metadata names another issuer.</summary>
        MetadataIssuer = 402,
        /// <summary>The provider's metadata lacks an endpoint.</summary>
        MetadataEndpointMissing = 403,
        /// <summary>An endpoint is on a host that is not allowed.</summary>
        MetadataEndpointHost = 404,
        /// <summary>The provider does not support what the settings ask for.</summary>
        MetadataMismatch = 405,
        /// <summary>The provider's keys could not be fetched.</summary>
        KeysUnavailable = 410,
        /// <summary>The provider's key set is malformed.</summary>
        KeysMalformed = 411,
        /// <summary>The flow was handed over to another process.</summary>
        HandedOver = 500,
        /// <summary>The saved flow is truncated, was changed, or was sealed with another key.</summary>
        SavedFlowMalformed = 501,
        /// <summary>No key of this key id is among the settings.</summary>
        SavedFlowKey = 502,
        /// <summary>The saved flow was written by a newer version of the library.</summary>
        SavedFlowVersion = 503,
        /// <summary>The saved flow is of another provider or another client.</summary>
        SavedFlowClient = 504,
        /// <summary>The saved flow was saved for another context.</summary>
        SavedFlowContext = 505,
        /// <summary>A flow that has ended or has its tokens cannot be saved.</summary>
        NotSaveable = 506,
        /// <summary>No flow of this client in this process has the notification's token.</summary>
        NotificationUnknownFlow = 600,
        /// <summary>The notification has no bearer token.</summary>
        NotificationUnauthorized = 601,
        /// <summary>The notification's token belongs to another request.</summary>
        NotificationOtherRequest = 602,
        /// <summary>The notification is malformed.</summary>
        NotificationMalformed = 603,
        /// <summary>The notification is not of the client's delivery mode.</summary>
        NotificationWrongMode = 604,
        /// <summary>A defect of this library.</summary>
        Internal = 900,
        /// <summary>A panic was caught: a defect of this library.</summary>
        Panic = 901,
        /// <summary>The system refused a thread, memory or a descriptor.</summary>
        Resources = 902,
    }
}
