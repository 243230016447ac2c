// SPDX-License-Identifier: MIT OR Apache-2.0
using System;
using System.Threading;
using System.Threading.Tasks;

namespace Ciba
{
    /// <content>What is done with tokens after a person has approved.</content>
    public sealed unsafe partial class CibaClient
    {
        /// <summary>Tokens that the program kept, to go on with. Nothing is sent.</summary>
        /// <remarks>They have no access token and no claims before they are refreshed.</remarks>
        /// <param name="refreshToken">The refresh token.</param>
        /// <param name="idToken">
        /// The ID Token that came with it, or with the first of these tokens where a refresh brought none: what comes of a
        /// refresh must be of the same person. Null only where the setting id_token_required is false.
        /// </param>
        /// <returns>The tokens.</returns>
        /// <exception cref="CibaUsageException">A token is missing or none, or the ID Token is of another client.</exception>
        /// <exception cref="ArgumentException">The refresh token is null, or a text no valid Unicode.</exception>
        /// <exception cref="ObjectDisposedException">The client is disposed.</exception>
        public CibaTokens RestoreTokens(string refreshToken, string idToken)
        {
            byte[] refreshBytes = Utf8.Bytes(refreshToken, nameof(refreshToken));
            byte[] idBytes = idToken == null ? null : Utf8.Bytes(idToken, nameof(idToken));
            using (var client = Use())
            fixed (byte* refresh = refreshBytes, id = idBytes)
            {
                int status = Native.ciba_client_restore_tokens(
                    client.Pointer, refresh, id, out IntPtr tokens, out IntPtr error);
                CibaException.Check(status, error);
                return new CibaTokens(tokens);
            }
        }

        /// <summary>Refreshes tokens: the fresh ones, of the same person, verified as the first were.</summary>
        /// <remarks>
        /// Go on with the fresh ones; where the provider gives no new refresh token the old one is in them. The same tokens
        /// are refreshed by one request, whoever asks.
        /// </remarks>
        /// <param name="tokens">What to refresh.</param>
        /// <returns>The fresh tokens.</returns>
        /// <exception cref="CibaUsageException">There is no refresh token, or the tokens are of another client.</exception>
        /// <exception cref="CibaTransportException">
        /// Nothing was sent, or (RefreshUnknown) the answer was lost: the refresh token may be used up.
        /// </exception>
        /// <exception cref="CibaProviderException">The provider refused; InvalidGrant: the refresh token is not good.</exception>
        /// <exception cref="CibaTokenException">The fresh ID Token is not good.</exception>
        /// <exception cref="CibaDiscoveryException">Endpoints or keys could not be had; ask again.</exception>
        /// <exception cref="ArgumentNullException">The tokens are null.</exception>
        /// <exception cref="ObjectDisposedException">The client or the tokens are disposed.</exception>
        public CibaTokens Refresh(CibaTokens tokens)
        {
            return RefreshFor(tokens, -1);
        }

        /// <summary>The same, at most so long.</summary>
        /// <param name="tokens">What to refresh.</param>
        /// <param name="timeout">How long to wait; zero does not wait.</param>
        /// <returns>The fresh tokens; null when the time is up: nothing is lost, ask again with the same tokens.</returns>
        /// <exception cref="CibaException">As for <see cref="Refresh(CibaTokens)"/>.</exception>
        /// <exception cref="ArgumentNullException">The tokens are null.</exception>
        /// <exception cref="ArgumentOutOfRangeException">The timeout is negative.</exception>
        /// <exception cref="ObjectDisposedException">The client or the tokens are disposed.</exception>
        public CibaTokens Refresh(CibaTokens tokens, TimeSpan timeout)
        {
            return RefreshFor(tokens, Times.Milliseconds(timeout));
        }

        /// <summary>Refreshes tokens; no thread waits meanwhile.</summary>
        /// <remarks>Cancelled, it stops waiting; the exchange goes on, and a later call with the same tokens has its result.</remarks>
        /// <param name="tokens">What to refresh.</param>
        /// <param name="cancellationToken">Stops waiting.</param>
        /// <returns>The fresh tokens; or one of the exceptions of <see cref="Refresh(CibaTokens)"/>.</returns>
        public Task<CibaTokens> RefreshAsync(
            CibaTokens tokens, CancellationToken cancellationToken = default(CancellationToken))
        {
            return LookAgain.Until(() => RefreshFor(tokens, 0), cancellationToken);
        }

        /// <summary>Asks the provider about the person; the answer is about the subject of the ID Token.</summary>
        /// <param name="tokens">The tokens of the person.</param>
        /// <returns>The claims.</returns>
        /// <exception cref="CibaUsageException">There is no access token, or the tokens are of another client.</exception>
        /// <exception cref="CibaTransportException">No answer came.</exception>
        /// <exception cref="CibaProviderException">The provider refused; InvalidToken: the access token is not good.</exception>
        /// <exception cref="CibaTokenException">The answer is about somebody else, or not good.</exception>
        /// <exception cref="CibaDiscoveryException">The endpoint could not be found.</exception>
        /// <exception cref="ArgumentNullException">The tokens are null.</exception>
        /// <exception cref="ObjectDisposedException">The client or the tokens are disposed.</exception>
        public CibaAnswer Userinfo(CibaTokens tokens)
        {
            return UserinfoFor(tokens, -1);
        }

        /// <summary>The same, at most so long.</summary>
        /// <param name="tokens">The tokens of the person.</param>
        /// <param name="timeout">How long to wait; zero does not wait.</param>
        /// <returns>The claims; null when the time is up: ask again with the same tokens for the answer.</returns>
        /// <exception cref="CibaException">As for <see cref="Userinfo(CibaTokens)"/>.</exception>
        /// <exception cref="ArgumentNullException">The tokens are null.</exception>
        /// <exception cref="ArgumentOutOfRangeException">The timeout is negative.</exception>
        /// <exception cref="ObjectDisposedException">The client or the tokens are disposed.</exception>
        public CibaAnswer Userinfo(CibaTokens tokens, TimeSpan timeout)
        {
            return UserinfoFor(tokens, Times.Milliseconds(timeout));
        }

        /// <summary>Asks about the person; no thread waits meanwhile.</summary>
        /// <param name="tokens">The tokens of the person.</param>
        /// <param name="cancellationToken">Stops waiting.</param>
        /// <returns>The claims; or one of the exceptions of <see cref="Userinfo(CibaTokens)"/>.</returns>
        public Task<CibaAnswer> UserinfoAsync(
            CibaTokens tokens, CancellationToken cancellationToken = default(CancellationToken))
        {
            return LookAgain.Until(() => UserinfoFor(tokens, 0), cancellationToken);
        }

        /// <summary>Asks the provider whether a token is active: the member "active" is "true" or "false".</summary>
        /// <param name="tokens">The tokens.</param>
        /// <param name="kind">Which of them.</param>
        /// <returns>What the provider says of it.</returns>
        /// <exception cref="CibaUsageException">There is no such token, or the tokens are of another client.</exception>
        /// <exception cref="CibaTransportException">No answer came.</exception>
        /// <exception cref="CibaProviderException">The provider refused, or its answer is not valid.</exception>
        /// <exception cref="CibaDiscoveryException">The endpoint could not be found.</exception>
        /// <exception cref="ArgumentNullException">The tokens are null.</exception>
        /// <exception cref="ObjectDisposedException">The client or the tokens are disposed.</exception>
        public CibaAnswer Introspect(CibaTokens tokens, CibaTokenKind kind)
        {
            return IntrospectFor(tokens, kind, -1);
        }

        /// <summary>The same, at most so long.</summary>
        /// <param name="tokens">The tokens.</param>
        /// <param name="kind">Which of them.</param>
        /// <param name="timeout">How long to wait; zero does not wait.</param>
        /// <returns>What the provider says; null when the time is up: ask again with the same tokens.</returns>
        /// <exception cref="CibaException">As for <see cref="Introspect(CibaTokens, CibaTokenKind)"/>.</exception>
        /// <exception cref="ArgumentNullException">The tokens are null.</exception>
        /// <exception cref="ArgumentOutOfRangeException">The timeout is negative.</exception>
        /// <exception cref="ObjectDisposedException">The client or the tokens are disposed.</exception>
        public CibaAnswer Introspect(CibaTokens tokens, CibaTokenKind kind, TimeSpan timeout)
        {
            return IntrospectFor(tokens, kind, Times.Milliseconds(timeout));
        }

        /// <summary>Asks about a token; no thread waits meanwhile.</summary>
        /// <param name="tokens">The tokens.</param>
        /// <param name="kind">Which of them.</param>
        /// <param name="cancellationToken">Stops waiting.</param>
        /// <returns>What the provider says; or one of the exceptions of <see cref="Introspect(CibaTokens, CibaTokenKind)"/>.</returns>
        public Task<CibaAnswer> IntrospectAsync(
            CibaTokens tokens, CibaTokenKind kind, CancellationToken cancellationToken = default(CancellationToken))
        {
            return LookAgain.Until(() => IntrospectFor(tokens, kind, 0), cancellationToken);
        }

        /// <summary>Has the provider revoke a token; one that it does not know is revoked already.</summary>
        /// <param name="tokens">The tokens.</param>
        /// <param name="kind">Which of them.</param>
        /// <exception cref="CibaUsageException">There is no such token, or the tokens are of another client.</exception>
        /// <exception cref="CibaTransportException">
        /// No answer came, or one that says neither yes nor no; with RetryAfter the provider asks to be asked later.
        /// </exception>
        /// <exception cref="CibaProviderException">The provider refused.</exception>
        /// <exception cref="CibaDiscoveryException">The endpoint could not be found.</exception>
        /// <exception cref="ArgumentNullException">The tokens are null.</exception>
        /// <exception cref="ObjectDisposedException">The client or the tokens are disposed.</exception>
        public void Revoke(CibaTokens tokens, CibaTokenKind kind)
        {
            RevokeFor(tokens, kind, -1);
        }

        /// <summary>The same, at most so long.</summary>
        /// <param name="tokens">The tokens.</param>
        /// <param name="kind">Which of them.</param>
        /// <param name="timeout">How long to wait; zero does not wait.</param>
        /// <returns>False when the time is up: it goes on; ask again with the same tokens to learn how it ended.</returns>
        /// <exception cref="CibaException">As for <see cref="Revoke(CibaTokens, CibaTokenKind)"/>.</exception>
        /// <exception cref="ArgumentNullException">The tokens are null.</exception>
        /// <exception cref="ArgumentOutOfRangeException">The timeout is negative.</exception>
        /// <exception cref="ObjectDisposedException">The client or the tokens are disposed.</exception>
        public bool Revoke(CibaTokens tokens, CibaTokenKind kind, TimeSpan timeout)
        {
            return RevokeFor(tokens, kind, Times.Milliseconds(timeout));
        }

        /// <summary>Has the provider revoke a token; no thread waits meanwhile.</summary>
        /// <param name="tokens">The tokens.</param>
        /// <param name="kind">Which of them.</param>
        /// <param name="cancellationToken">Stops waiting; the provider revokes it all the same.</param>
        /// <returns>Completes when it is revoked; or one of the exceptions of <see cref="Revoke(CibaTokens, CibaTokenKind)"/>.</returns>
        public Task RevokeAsync(
            CibaTokens tokens, CibaTokenKind kind, CancellationToken cancellationToken = default(CancellationToken))
        {
            return LookAgain.Until(() => RevokeFor(tokens, kind, 0) ? "done" : null, cancellationToken);
        }

        private CibaTokens RefreshFor(CibaTokens tokens, long ms)
        {
            using (var client = Use())
            using (var with = Given(tokens))
            {
                int status = Native.ciba_client_refresh(
                    client.Pointer, with.Pointer, ms, out IntPtr fresh, out IntPtr error);
                return CibaException.IsDone(status, error) ? new CibaTokens(fresh) : null;
            }
        }

        private CibaAnswer UserinfoFor(CibaTokens tokens, long ms)
        {
            using (var client = Use())
            using (var with = Given(tokens))
            {
                int status = Native.ciba_client_userinfo(
                    client.Pointer, with.Pointer, ms, out IntPtr answer, out IntPtr error);
                return CibaException.IsDone(status, error) ? new CibaAnswer(answer) : null;
            }
        }

        private CibaAnswer IntrospectFor(CibaTokens tokens, CibaTokenKind kind, long ms)
        {
            byte[] name = Name(kind);
            using (var client = Use())
            using (var with = Given(tokens))
            fixed (byte* token = name)
            {
                int status = Native.ciba_client_introspect(
                    client.Pointer, with.Pointer, token, ms, out IntPtr answer, out IntPtr error);
                return CibaException.IsDone(status, error) ? new CibaAnswer(answer) : null;
            }
        }

        private bool RevokeFor(CibaTokens tokens, CibaTokenKind kind, long ms)
        {
            byte[] name = Name(kind);
            using (var client = Use())
            using (var with = Given(tokens))
            fixed (byte* token = name)
            {
                int status = Native.ciba_client_revoke(client.Pointer, with.Pointer, token, ms, out IntPtr error);
                return CibaException.IsDone(status, error);
            }
        }

        private static InUse Given(CibaTokens tokens)
        {
            if (tokens == null)
                throw new ArgumentNullException(nameof(tokens));
            return tokens.Use();
        }

        private static byte[] Name(CibaTokenKind kind)
        {
            return Utf8.Bytes(kind == CibaTokenKind.RefreshToken ? "refresh_token" : "access_token", nameof(kind));
        }
    }
}
