// SPDX-License-Identifier: MIT OR Apache-2.0
using System;
using System.Threading;
using System.Threading.Tasks;

namespace Ciba
{
    /// <summary>Awaits a call that goes on in the library, where no set tells of its end. No thread waits.</summary>
    internal static class LookAgain
    {
        /// <summary>The longest time from the end to its being noticed.</summary>
        private const int LongestPauseMs = 50;

        internal static async Task<T> Until<T>(Func<T> look, CancellationToken cancellationToken) where T : class
        {
            for (int pauseMs = 1; ; pauseMs = Math.Min(pauseMs * 2, LongestPauseMs))
            {
                cancellationToken.ThrowIfCancellationRequested();
                var found = look();
                if (found != null)
                    return found;
                await Task.Delay(pauseMs, cancellationToken).ConfigureAwait(false);
            }
        }
    }
}
