// SPDX-License-Identifier: MIT OR Apache-2.0
using System;

namespace Ciba
{
    /// <summary>One of the tokens that a provider can be told to revoke, or asked about.</summary>
    public enum CibaTokenKind
    {
        /// <summary>The access token.</summary>
        AccessToken = 0,

        /// <summary>The refresh token.</summary>
        RefreshToken = 1,
    }

    /// <summary>What the provider says about a person (userinfo) or about a token (introspection).</summary>
    /// <remarks>Any thread may use it. It may hold a person's data.</remarks>
    public sealed unsafe class CibaAnswer : IDisposable
    {
        private readonly AnswerHandle handle;

        internal CibaAnswer(IntPtr answer)
        {
            handle = new AnswerHandle(answer);
        }

        /// <summary>A member: a text as it is, anything else as JSON.</summary>
        /// <param name="name">The member's literal name: "mitid.uuid" is one name.</param>
        /// <returns>The value; null if there is none.</returns>
        /// <exception cref="ArgumentException">The name is null, or no valid Unicode.</exception>
        /// <exception cref="ObjectDisposedException">The answer is disposed.</exception>
        public string Get(string name)
        {
            byte[] bytes = Utf8.Bytes(name, nameof(name));
            using (var answer = Use())
            fixed (byte* text = bytes)
                return Utf8.Text(Native.ciba_answer_get(answer.Pointer, text, out UIntPtr length), length);
        }

        /// <summary>The whole answer: one JSON object, as the provider wrote it.</summary>
        /// <exception cref="ObjectDisposedException">The answer is disposed.</exception>
        public string Json
        {
            get
            {
                using (var answer = Use())
                    return Utf8.Text(Native.ciba_answer_json(answer.Pointer, out UIntPtr length), length);
            }
        }

        /// <summary>Frees the answer.</summary>
        public void Dispose()
        {
            handle.Dispose();
        }

        private InUse Use()
        {
            return new InUse(handle, nameof(CibaAnswer));
        }
    }
}
