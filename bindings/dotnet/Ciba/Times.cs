// SPDX-License-Identifier: MIT OR Apache-2.0
using System;
using System.Threading;

namespace Ciba
{
    /// <summary>Times on their way in and out.</summary>
    internal static class Times
    {
        /// <summary>A timeout in ms, rounded up: -1 for <see cref="Timeout.InfiniteTimeSpan"/>.</summary>
        internal static long Milliseconds(TimeSpan timeout)
        {
            if (timeout == Timeout.InfiniteTimeSpan)
                return -1;
            if (timeout < TimeSpan.Zero)
                throw new ArgumentOutOfRangeException(
                    "timeout", "A timeout is not negative; Timeout.InfiniteTimeSpan waits until it is done.");
            long whole = timeout.Ticks / TimeSpan.TicksPerMillisecond;
            return timeout.Ticks % TimeSpan.TicksPerMillisecond == 0 ? whole : whole + 1;
        }

        /// <summary>A duration; null for -1.</summary>
        internal static TimeSpan? Span(long ms)
        {
            if (ms < 0)
                return null;
            return ms > TimeSpan.MaxValue.Ticks / TimeSpan.TicksPerMillisecond
                ? TimeSpan.MaxValue
                : TimeSpan.FromTicks(ms * TimeSpan.TicksPerMillisecond);
        }

        /// <summary>A date; null for -1.</summary>
        internal static DateTimeOffset? Date(long unixMs)
        {
            if (unixMs < 0)
                return null;
            return unixMs > DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()
                ? DateTimeOffset.MaxValue
                : DateTimeOffset.FromUnixTimeMilliseconds(unixMs);
        }
    }
}
