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
        /// <summary>The longest time from an answer to its being noticed.</summary>
        private const int LongestLookMs = 50;

        internal static readonly IComparer<FlowWait> ByTime = Comparer<FlowWait>.Create((a, b) =>
            a.DueAt != b.DueAt ? a.DueAt.CompareTo(b.DueAt) : a.Number.CompareTo(b.Number));

        internal readonly CibaFlow Flow;

        /// <summary>When it is looked at next; behind the driver's lock, as the next two are.</summary>
        internal long DueAt;
        internal long Number;
        internal bool IsHurried;

        private int lookMs = 1;

        protected FlowWait(CibaFlow flow)
        {
            Flow = flow;
        }

        /// <summary>Looks at the flow, without waiting.</summary>
        /// <param name="pauseMs">When to look again.</param>
        /// <returns>Whether the wait is over.</returns>
        internal abstract bool Look(out int pauseMs);

        /// <summary>How long nothing can happen to a flow.</summary>
        protected int Pause(CibaProgress progress)
        {
            // In flight, or just answered: every moment counts.
            long pause = 0;
            if (progress.Stage == CibaStage.Pending && progress.NextPollInMs != 0)
                pause = progress.NextPollInMs < 0
                    ? progress.ExpiresInMs
                    : Math.Min(progress.NextPollInMs, progress.ExpiresInMs);
            if (pause > 0)
            {
                lookMs = 1;
                return (int)Math.Min(pause, int.MaxValue);
            }
            lookMs = Math.Min(lookMs * 2, LongestLookMs);
            return lookMs;
        }
    }

    /// <summary>A wait that ends with a result.</summary>
    internal abstract class FlowWait<T> : FlowWait where T : class
    {
        // Continuations run on the pool or in the awaiter's context, never on the driver's thread.
        private readonly TaskCompletionSource<T> source =
            new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);

        private readonly CancellationToken token;
        private CancellationTokenRegistration registration;

        protected FlowWait(CibaFlow flow, CancellationToken token) : base(flow)
        {
            this.token = token;
        }

        internal Task<T> Begin()
        {
            registration = token.Register(GiveUp, false);
            FlowDriver.Add(this);
            return source.Task;
        }

        internal sealed override bool Look(out int pauseMs)
        {
            pauseMs = 0;
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
        protected abstract T Result(out int pauseMs);

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

    /// <summary>The wait of <see cref="CibaClient.InitAsync"/>.</summary>
    internal sealed class StartWait : FlowWait<CibaFlow>
    {
        internal StartWait(CibaFlow flow, CancellationToken token) : base(flow, token)
        {
        }

        protected override CibaFlow Result(out int pauseMs)
        {
            var progress = Flow.Progress;
            pauseMs = Pause(progress);
            if (progress.Stage == CibaStage.Starting)
                return null;
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

        private readonly IProgress<CibaProgress> progress;
        private CibaProgress reported;

        internal OutcomeWait(CibaFlow flow, IProgress<CibaProgress> progress, CancellationToken token) : base(flow, token)
        {
            this.progress = progress;
        }

        protected override CibaTokens Result(out int pauseMs)
        {
            var tokens = Flow.PollNow();
            var now = Flow.Progress;
            pauseMs = Pause(now);
            if (progress == null)
                return tokens;
            pauseMs = Math.Min(pauseMs, ReportEveryMs);
            if (tokens == null && !now.LooksLike(reported))
            {
                reported = now;
                progress.Report(now);
            }
            return tokens;
        }
    }
}
