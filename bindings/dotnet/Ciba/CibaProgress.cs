// SPDX-License-Identifier: MIT OR Apache-2.0
using System;

namespace Ciba
{
    /// <summary>How far a flow is.</summary>
    public enum CibaStage
    {
        /// <summary>The request is on its way.</summary>
        Starting = 1,
        /// <summary>The person is being asked.</summary>
        Pending = 2,
        /// <summary>The person has approved; the tokens are being verified.</summary>
        Verifying = 3,
        /// <summary>The flow has its outcome.</summary>
        Ended = 4,
    }

    /// <summary>How a flow stands.</summary>
    public sealed class CibaProgress
    {
        internal CibaProgress(int stage, long expiresInMs, long nextPollInMs, long polls)
        {
            Stage = (CibaStage)stage;
            ExpiresInMs = expiresInMs;
            NextPollInMs = nextPollInMs;
            Polls = polls;
        }

        /// <summary>How far it is.</summary>
        public CibaStage Stage { get; }

        /// <summary>How long the request still lives; null where that is not known.</summary>
        public TimeSpan? ExpiresIn
        {
            get { return Times.Span(ExpiresInMs); }
        }

        /// <summary>When the next poll is due, zero while an exchange is under way; null if none is.</summary>
        public TimeSpan? NextPollIn
        {
            get { return Times.Span(NextPollInMs); }
        }

        /// <summary>How many token requests were answered, or lost.</summary>
        public long Polls { get; }

        internal long ExpiresInMs { get; }

        internal long NextPollInMs { get; }

        /// <summary>Whether a display would show the same.</summary>
        internal bool LooksLike(CibaProgress other)
        {
            return other != null && Stage == other.Stage && Polls == other.Polls
                && ExpiresInMs / 1000 == other.ExpiresInMs / 1000;
        }
    }
}
