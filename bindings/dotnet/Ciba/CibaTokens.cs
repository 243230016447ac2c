// SPDX-License-Identifier: MIT OR Apache-2.0
using System;
using System.Collections.Generic;

namespace Ciba
{
    /// <summary>The verified tokens of a flow.</summary>
    /// <remarks>
    /// Any thread may use them. The library's own copies are wiped from memory when the last of the flow and its tokens
    /// is disposed of; texts that were handed out are the program's.
    /// </remarks>
    public sealed unsafe class CibaTokens : IDisposable
    {
        private delegate IntPtr Find(IntPtr tokens, byte* name, out UIntPtr length);

        private readonly TokensHandle handle;

        internal CibaTokens(IntPtr tokens)
        {
            handle = new TokensHandle(tokens);
        }

        /// <summary>The access token: a secret; null only in restored tokens.</summary>
        /// <exception cref="ObjectDisposedException">The tokens are disposed.</exception>
        public string AccessToken
        {
            get { return Get("access_token"); }
        }

        /// <summary>The ID Token: signed; one that came encrypted is decrypted. Null only if none was asked for.</summary>
        /// <exception cref="ObjectDisposedException">The tokens are disposed.</exception>
        public string IdToken
        {
            get { return Get("id_token"); }
        }

        /// <summary>The refresh token: a secret; null if there is none.</summary>
        /// <exception cref="ObjectDisposedException">The tokens are disposed.</exception>
        public string RefreshToken
        {
            get { return Get("refresh_token"); }
        }

        /// <summary>When the access token expires; null if the provider does not say.</summary>
        /// <exception cref="ObjectDisposedException">The tokens are disposed.</exception>
        public DateTimeOffset? ExpiresAt
        {
            get
            {
                using (var tokens = Use())
                    return Times.Date(Native.ciba_tokens_expires_at(tokens.Pointer));
            }
        }

        /// <summary>A member of the token response: a text as it is, anything else as JSON. It may be a secret.</summary>
        /// <param name="name">The member's name: access_token, token_type, scope, or one of the provider's own.</param>
        /// <returns>The value; null if there is none.</returns>
        /// <exception cref="ArgumentException">The name is null, or no valid Unicode.</exception>
        /// <exception cref="ObjectDisposedException">The tokens are disposed.</exception>
        public string Get(string name)
        {
            return Text(Native.ciba_tokens_get, name);
        }

        /// <summary>A claim of the ID Token as text: a text as it is, anything else as JSON.</summary>
        /// <param name="name">The claim's literal name: "mitid.uuid" is one name.</param>
        /// <returns>The value; null if there is none.</returns>
        /// <exception cref="ArgumentException">The name is null, or no valid Unicode.</exception>
        /// <exception cref="ObjectDisposedException">The tokens are disposed.</exception>
        public string Claim(string name)
        {
            return Text(Native.ciba_tokens_claim, name);
        }

        /// <summary>A claim of the ID Token as JSON: a text is in quotes.</summary>
        /// <param name="name">The claim's literal name.</param>
        /// <returns>The JSON text; null if there is none.</returns>
        /// <exception cref="ArgumentException">The name is null, or no valid Unicode.</exception>
        /// <exception cref="ObjectDisposedException">The tokens are disposed.</exception>
        public string ClaimJson(string name)
        {
            return Text(Native.ciba_tokens_claim_json, name);
        }

        /// <summary>All claims of the ID Token, each as <see cref="Claim"/> gives it.</summary>
        /// <exception cref="ObjectDisposedException">The tokens are disposed.</exception>
        public IReadOnlyDictionary<string, string> Claims
        {
            get
            {
                var claims = new Dictionary<string, string>();
                using (var tokens = Use())
                {
                    for (uint index = 0; ; ++index)
                    {
                        var pointer = Native.ciba_tokens_claim_name(tokens.Pointer, (UIntPtr)index, out UIntPtr length);
                        if (pointer == IntPtr.Zero)
                            return claims;
                        string name = Utf8.Text(pointer, length);
                        pointer = Native.ciba_tokens_claim(tokens.Pointer, (byte*)pointer, out length);
                        claims[name] = Utf8.Text(pointer, length);
                    }
                }
            }
        }

        /// <summary>All claims of the ID Token: one JSON object, as the provider wrote it; null if there is no ID Token.</summary>
        /// <exception cref="ObjectDisposedException">The tokens are disposed.</exception>
        public string ClaimsJson
        {
            get
            {
                using (var tokens = Use())
                    return Utf8.Text(Native.ciba_tokens_claims(tokens.Pointer, out UIntPtr length), length);
            }
        }

        /// <summary>Frees the tokens.</summary>
        public void Dispose()
        {
            handle.Dispose();
        }

        private string Text(Find find, string name)
        {
            byte[] bytes = Utf8.Bytes(name, nameof(name));
            using (var tokens = Use())
            fixed (byte* text = bytes)
                return Utf8.Text(find(tokens.Pointer, text, out UIntPtr length), length);
        }

        internal InUse Use()
        {
            return new InUse(handle, nameof(CibaTokens));
        }
    }
}
