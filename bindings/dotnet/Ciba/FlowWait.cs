// SPDX-License-Identifier: MIT OR Apache-2.0
using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace Ciba
{
    /// <summary>Somebody who awaits a flow.</summary>
    internal abstract class FlowWait
    {
        internal static readonly IComparer<FlowWait> ByTime = Comparer<FlowWait>.Create((a, b) =>
            a.DueAt != b.DueAt ? a.DueAt.CompareTo(b.DueAt) : a.Number.CompareTo(b.Number));

        internal readonly CibaFlow Flow;

        /// <summary>Whether the provider is asked for the flow meanwhile.</summary>
        internal readonly bool IsForOutcome;

        /// <summary>When it is looked at next; behind the driver's lock, as all of these are.</summary>
        internal long DueAt;
        internal long Number;
        internal bool IsLookedAt;
        internal bool IsHurried;

        protected FlowWait(CibaFlow flow, bool isForOutcome)
        {
            Flow = flow;
            IsForOutcome = isForOutcome;
        }

        /// <summary>Looks at the flow, without waiting.</summary>
        /// <param name="pauseMs">When to look again; null: when there is news of it.</param>
        /// <returns>Whether the wait is over.</returns>
        internal abstract bool Look(out int? pauseMs);
    }

    /// <summary>A wait that ends with a result.</summary>
    internal abstract class FlowWait<T> : FlowWait where T : class
    {
        // Continuations run on the pool or in the awaiter's context, never on the driver's thread.
        private readonly TaskCompletionSource<T> source =
            new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);

        private readonly CancellationToken token;
        private CancellationTokenRegistration registration;

        protected FlowWait(CibaFlow flow, bool isForOutcome, CancellationToken token) : base(flow, isForOutcome)
        {
            this.token = token;
        }

        internal Task<T> Begin()
        {
            registration = token.Register(GiveUp, false);
            try
            {
                FlowDriver.Add(this);
            }
            catch (Exception e) when (e is CibaException || e is ObjectDisposedException)
            {
                registration.Dispose();
                Failed();
                source.TrySetException(e);
            }
            return source.Task;
        }

        internal sealed override bool Look(out int? pauseMs)
        {
            pauseMs = null;
            try
            {
                var result = Result(out pauseMs);
                if (result == null)
                    return false;
                registration.Dispose();
                source.TrySetResult(result);
            }
            catch (CibaCancelledException) when (token.IsCancellationRequested)
            {
                registration.Dispose();
                Failed();
                source.TrySetCanceled(token);
            }
            catch (Exception e)
            {
                registration.Dispose();
                Failed();
                source.TrySetException(e);
            }
            return true;
        }

        /// <summary>The result; null if it is not there yet. Throws what the wait ends with.</summary>
        protected abstract T Result(out int? pauseMs);

        protected virtual void Failed()
        {
        }

        /// <summary>From now on cancelling changes nothing; waits for a cancellation that is under way.</summary>
        protected void Commit()
        {
            registration.Dispose();
        }

        private void GiveUp()
        {
            try
            {
                Flow.Cancel();
            }
            catch (Exception e) when (e is CibaException || e is ObjectDisposedException)
            {
                // The wait ends with what the flow ends with.
            }
        }
    }

    /// <summary>The wait of <see cref="CibaClient.InitAsync"/>. A set tells of outcomes alone, so it looks.</summary>
    internal sealed class StartWait : FlowWait<CibaFlow>
    {
        /// <summary>The longest time from the acknowledgement to its being noticed.</summary>
        private const int LongestPauseMs = 50;

        private int lastPauseMs = 1;

        internal StartWait(CibaFlow flow, CancellationToken token) : base(flow, false, token)
        {
        }

        protected override CibaFlow Result(out int? pauseMs)
        {
            pauseMs = lastPauseMs = Math.Min(lastPauseMs * 2, LongestPauseMs);
            if (Flow.Progress.Stage == CibaStage.Starting)
            {
                Flow.PollNow(); // what a signer has to sign is signed inside a call alone
                return null;
            }
            Commit();
            if (Flow.Outcome != CibaStatus.Pending)
                Flow.PollNow(); // throws what the start ended with
            return Flow;
        }

        protected override void Failed()
        {
            Flow.Dispose();
        }
    }

    /// <summary>The wait of <see cref="CibaFlow.WaitAsync(CancellationToken)"/>.</summary>
    internal sealed class OutcomeWait : FlowWait<CibaTokens>
    {
        private const int ReportEveryMs = 1000;
        private const int LookMs = 50;

        private readonly IProgress<CibaProgress> progress;
        private CibaProgress reported;

        internal OutcomeWait(CibaFlow flow, IProgress<CibaProgress> progress, CancellationToken token) : base(flow, true, token)
        {
            this.progress = progress;
        }

        protected override CibaTokens Result(out int? pauseMs)
        {
            pauseMs = null;
            if (Flow.Outcome != CibaStatus.Pending)
                return Flow.PollNow(); // or throws what it ended with
            if (progress == null)
                return null;
            var now = Flow.Progress;
            pauseMs = ReportAgainIn(now);
            if (!now.LooksLike(reported))
            {
                reported = now;
                progress.Report(now);
            }
            return null;
        }

        /// <summary>When something may have changed that a display shows: at the next poll, or in a second.</summary>
        private static int ReportAgainIn(CibaProgress now)
        {
            bool isUnderWay = now.Stage != CibaStage.Pending || now.NextPollInMs == 0;
            long pauseMs = now.NextPollInMs > 0 ? now.NextPollInMs : isUnderWay ? LookMs : ReportEveryMs;
            return (int)Math.Min(pauseMs, ReportEveryMs);
        }
    }
}
