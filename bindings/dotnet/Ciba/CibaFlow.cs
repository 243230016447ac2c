// SPDX-License-Identifier: MIT OR Apache-2.0
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;

namespace Ciba
{
    /// <summary>One authentication: from its start to its outcome.</summary>
    /// <remarks>
    /// Any thread may use it, and several at once. Disposing of it sends nothing: see <see cref="Cancel()"/>. Whoever
    /// waits in it then gets an <see cref="ObjectDisposedException"/>.
    /// </remarks>
    public sealed unsafe class CibaFlow : IDisposable
    {
        // Kept alive as long as the library may call them: for ever.
        private static readonly Native.ProgressCallback Callback = OnProgress;
        private static readonly Native.ReleaseCallback Release = OnRelease;
        private static readonly IntPtr CallbackPointer = Marshal.GetFunctionPointerForDelegate(Callback);
        private static readonly IntPtr ReleasePointer = Marshal.GetFunctionPointerForDelegate(Release);

        /// <summary>What IProgress.Report threw, until the call that it was inside has come back to this thread.</summary>
        [ThreadStatic] private static Exception thrown;

        private readonly FlowHandle handle;

        /// <summary>Those who await it; behind the lock of <see cref="FlowDriver"/>.</summary>
        internal readonly List<FlowWait> Waits = new List<FlowWait>(1);

        /// <summary>What the driver's set knows it by; 0: it is not in it.</summary>
        internal long MemberNumber;

        internal CibaFlow(IntPtr flow)
        {
            handle = new FlowHandle(flow);
        }

        /// <summary>Waits for the outcome, and asks the provider whenever a poll is due.</summary>
        /// <returns>The tokens.</returns>
        /// <exception cref="CibaDeniedException">The person denied.</exception>
        /// <exception cref="CibaExpiredException">Nobody answered in time.</exception>
        /// <exception cref="CibaCancelledException">The flow was cancelled.</exception>
        /// <exception cref="CibaUnknownException">An answer that may have carried the tokens was lost.</exception>
        /// <exception cref="CibaProviderException">The provider ended it.</exception>
        /// <exception cref="CibaTokenException">The tokens did not pass their checks.</exception>
        /// <exception cref="CibaException">Another reason for which the flow failed.</exception>
        /// <exception cref="ObjectDisposedException">The flow is disposed, or was meanwhile.</exception>
        public CibaTokens Wait()
        {
            return Wait(Timeout.InfiniteTimeSpan);
        }

        /// <summary>The same, at most so long.</summary>
        /// <param name="timeout">How long to wait; zero does not wait: a poll that is due is sent, and its answer collected by a later call.</param>
        /// <param name="progress">Told by this thread when something has changed, and about once a second. What it throws ends the wait, and comes out of it; the flow goes on.</param>
        /// <returns>The tokens; null when the time is up: not decided, nothing is lost, call again.</returns>
        /// <exception cref="CibaException">As for <see cref="Wait()"/>.</exception>
        /// <exception cref="ArgumentOutOfRangeException">The timeout is negative.</exception>
        /// <exception cref="ObjectDisposedException">The flow is disposed, or was meanwhile.</exception>
        public CibaTokens Wait(TimeSpan timeout, IProgress<CibaProgress> progress = null)
        {
            long ms = Times.Milliseconds(timeout);
            using (var flow = Use())
            {
                if (progress == null)
                    return Poll(flow, ms);
                // Given away with the call, and released by the last one, on this thread or another of the program.
                var userdata = GCHandle.ToIntPtr(GCHandle.Alloc(progress));
                CibaException.Check(
                    Native.ciba_flow_on_progress(
                        flow.Pointer, CallbackPointer, userdata, ReleasePointer, out IntPtr error),
                    error);
                try
                {
                    return Poll(flow, ms);
                }
                finally
                {
                    Native.ciba_flow_on_progress(flow.Pointer, IntPtr.Zero, IntPtr.Zero, IntPtr.Zero, out error);
                    Native.ciba_error_free(error);
                }
            }
        }

        /// <summary>Waits for the outcome without holding a thread.</summary>
        /// <remarks>
        /// Cancelled, it gives the authentication up at once, at the provider too: the task is cancelled, and
        /// <see cref="Outcome"/> is Cancelled. An outcome that was there first is delivered nevertheless.
        /// </remarks>
        /// <param name="cancellationToken">Gives the authentication up.</param>
        /// <returns>The tokens; or one of the exceptions of <see cref="Wait()"/>.</returns>
        /// <exception cref="ObjectDisposedException">The flow is disposed.</exception>
        public Task<CibaTokens> WaitAsync(CancellationToken cancellationToken = default(CancellationToken))
        {
            return WaitAsync(null, cancellationToken);
        }

        /// <summary>The same, and tells how the flow stands.</summary>
        /// <param name="progress">Told when something has changed, and about once a second. It is called by the one thread that drives all awaited flows, so it must be quick; <see cref="Progress{T}"/> is. What it throws fails the task; the flow goes on, and can be awaited again.</param>
        /// <param name="cancellationToken">Gives the authentication up.</param>
        /// <returns>The tokens; or one of the exceptions of <see cref="Wait()"/>.</returns>
        /// <exception cref="ObjectDisposedException">The flow is disposed.</exception>
        public Task<CibaTokens> WaitAsync(
            IProgress<CibaProgress> progress, CancellationToken cancellationToken = default(CancellationToken))
        {
            Use().Dispose(); // one that is disposed is an error at once
            return new OutcomeWait(this, progress, cancellationToken).Begin();
        }

        /// <summary>Makes the one exchange that is due, if one is, and waits for its answer; never sleeps towards a due time.</summary>
        /// <returns>The tokens; null: not decided.</returns>
        /// <exception cref="CibaException">As for <see cref="Wait()"/>.</exception>
        /// <exception cref="ObjectDisposedException">The flow is disposed, or was meanwhile.</exception>
        public CibaTokens Step()
        {
            return Step(Timeout.InfiniteTimeSpan);
        }

        /// <summary>The same; waits at most so long.</summary>
        /// <param name="timeout">How long to wait for the answer; zero does not wait.</param>
        /// <returns>The tokens; null: not decided.</returns>
        /// <exception cref="CibaException">As for <see cref="Wait()"/>.</exception>
        /// <exception cref="ArgumentOutOfRangeException">The timeout is negative.</exception>
        /// <exception cref="ObjectDisposedException">The flow is disposed, or was meanwhile.</exception>
        public CibaTokens Step(TimeSpan timeout)
        {
            long ms = Times.Milliseconds(timeout);
            using (var flow = Use())
                return Take(flow, Native.ciba_step(flow.Pointer, ms, out IntPtr error), error);
        }

        /// <summary>
        /// Gives the authentication up: its outcome is Cancelled at once, and who waits for it wakes. The provider's
        /// own cancel call, where it has one, is made in the background.
        /// </summary>
        /// <returns>Whether there is nothing left to do.</returns>
        /// <exception cref="ObjectDisposedException">The flow is disposed.</exception>
        public bool Cancel()
        {
            return Cancel(TimeSpan.Zero);
        }

        /// <summary>The same, and waits for the provider to take note: for a program that is about to end.</summary>
        /// <param name="timeout">How long to wait for the answer to the provider's cancel call.</param>
        /// <returns>False when the time is up; the call goes on in the background.</returns>
        /// <exception cref="CibaException">The provider's cancel call failed; the outcome is Cancelled all the same.</exception>
        /// <exception cref="ArgumentOutOfRangeException">The timeout is negative.</exception>
        /// <exception cref="ObjectDisposedException">The flow is disposed, or was meanwhile: the provider's cancel call goes on.</exception>
        public bool Cancel(TimeSpan timeout)
        {
            long ms = Times.Milliseconds(timeout);
            bool isDone;
            using (var flow = Use())
                isDone = CibaException.IsDone(Native.ciba_cancel(flow.Pointer, ms, out IntPtr error), error);
            FlowDriver.Hurry(this);
            return isDone;
        }

        /// <summary>How the flow ended: Ok, Denied, Expired, Cancelled, HandedOver, Failed, Unknown; Pending while it has not.</summary>
        /// <exception cref="ObjectDisposedException">The flow is disposed.</exception>
        public CibaStatus Outcome
        {
            get
            {
                using (var flow = Use())
                    return (CibaStatus)Native.ciba_flow_outcome(flow.Pointer);
            }
        }

        /// <summary>The tokens of a flow whose outcome is Ok.</summary>
        /// <returns>The tokens.</returns>
        /// <exception cref="CibaUsageException">There are none.</exception>
        /// <exception cref="ObjectDisposedException">The flow is disposed.</exception>
        public CibaTokens GetTokens()
        {
            using (var flow = Use())
                return TokensOf(flow);
        }

        /// <summary>The provider's identifier of the request; null before the acknowledgement. Confidential.</summary>
        /// <exception cref="ObjectDisposedException">The flow is disposed.</exception>
        public string AuthReqId
        {
            get
            {
                using (var flow = Use())
                    return Utf8.Text(Native.ciba_flow_auth_req_id(flow.Pointer, out UIntPtr length), length);
            }
        }

        /// <summary>The text that the person compares on the phone, or is told: the request's, or one that the provider has made; null where there is none.</summary>
        /// <exception cref="ObjectDisposedException">The flow is disposed.</exception>
        public string BindingMessage
        {
            get
            {
                using (var flow = Use())
                    return Utf8.Text(Native.ciba_flow_binding_message(flow.Pointer, out UIntPtr length), length);
            }
        }

        /// <summary>A link that the person opens to be asked, at providers that ask in a browser; else null.</summary>
        /// <exception cref="ObjectDisposedException">The flow is disposed.</exception>
        public string AuthenticationUri
        {
            get
            {
                using (var flow = Use())
                    return Utf8.Text(Native.ciba_flow_authentication_uri(flow.Pointer, out UIntPtr length), length);
            }
        }

        /// <summary>The whole acknowledgement as JSON; null before it is there. Confidential.</summary>
        /// <exception cref="ObjectDisposedException">The flow is disposed.</exception>
        public string Acknowledgement
        {
            get
            {
                using (var flow = Use())
                    return Utf8.Text(Native.ciba_flow_acknowledgement(flow.Pointer, out UIntPtr length), length);
            }
        }

        /// <summary>When the request expires; null before the acknowledgement.</summary>
        /// <exception cref="ObjectDisposedException">The flow is disposed.</exception>
        public DateTimeOffset? ExpiresAt
        {
            get
            {
                using (var flow = Use())
                    return Times.Date(Native.ciba_flow_expires_at(flow.Pointer));
            }
        }

        /// <summary>When the next poll is due; null if none is.</summary>
        /// <exception cref="ObjectDisposedException">The flow is disposed.</exception>
        public DateTimeOffset? NextPollAt
        {
            get
            {
                using (var flow = Use())
                    return Times.Date(Native.ciba_flow_next_poll_at(flow.Pointer));
            }
        }

        /// <summary>The interval between polls that is in force; null before the acknowledgement.</summary>
        /// <exception cref="ObjectDisposedException">The flow is disposed.</exception>
        public TimeSpan? Interval
        {
            get
            {
                using (var flow = Use())
                    return Times.Span(Native.ciba_flow_interval_ms(flow.Pointer));
            }
        }

        /// <summary>The trouble that is being waited out, or was waited out last, for example a provider that could not be reached; null if there was none.</summary>
        /// <exception cref="ObjectDisposedException">The flow is disposed.</exception>
        public CibaException Trouble
        {
            get
            {
                using (var flow = Use())
                {
                    var error = Native.ciba_flow_trouble(flow.Pointer);
                    return error == IntPtr.Zero ? null : CibaException.Of(Native.ciba_error_status(error), error);
                }
            }
        }

        /// <summary>How the flow stands.</summary>
        /// <exception cref="ObjectDisposedException">The flow is disposed.</exception>
        public CibaProgress Progress
        {
            get
            {
                using (var flow = Use())
                {
                    int stage = Native.ciba_flow_progress(flow.Pointer, out long expires, out long next, out long polls);
                    return new CibaProgress(stage, expires, next, polls);
                }
            }
        }

        /// <summary>
        /// Saves the flow and lets it go on here: for a process that may be killed. Whoever resumes it waits a whole
        /// interval first, and reports what cannot be known as Unknown, never as a denial.
        /// </summary>
        /// <param name="context">What it is saved for, for example the id of a row: it can be resumed with the same text alone.</param>
        /// <returns>The saved flow.</returns>
        /// <exception cref="CibaUsageException">The setting saved_flow_keys is missing.</exception>
        /// <exception cref="CibaSavedFlowException">It has ended, or has its tokens.</exception>
        /// <exception cref="ArgumentException">The text is null, or no valid Unicode.</exception>
        /// <exception cref="ObjectDisposedException">The flow is disposed.</exception>
        public CibaSavedFlow Checkpoint(string context)
        {
            byte[] bytes = Utf8.Bytes(context, nameof(context));
            using (var flow = Use())
            fixed (byte* text = bytes)
            {
                CibaException.Check(
                    Native.ciba_flow_checkpoint(flow.Pointer, text, out IntPtr saved, out IntPtr error), error);
                return CibaSavedFlow.Take(saved);
            }
        }

        /// <summary>
        /// Saves the flow and closes it here, with the outcome HandedOver: for programs that step, save, and sleep
        /// elsewhere. Whoever resumes it polls when it would have been polled here.
        /// </summary>
        /// <param name="context">As for <see cref="Checkpoint"/>.</param>
        /// <param name="timeout">How long to wait for an exchange that is under way, since it may bring the tokens.</param>
        /// <returns>The saved flow; null: an exchange is still under way, the flow goes on.</returns>
        /// <exception cref="CibaException">As for <see cref="Checkpoint"/>.</exception>
        /// <exception cref="ArgumentException">The text is null, or no valid Unicode; the timeout is negative.</exception>
        /// <exception cref="ObjectDisposedException">The flow is disposed.</exception>
        public CibaSavedFlow HandOver(string context, TimeSpan timeout)
        {
            long ms = Times.Milliseconds(timeout);
            byte[] bytes = Utf8.Bytes(context, nameof(context));
            using (var flow = Use())
            fixed (byte* text = bytes)
            {
                int status = Native.ciba_flow_hand_over(flow.Pointer, text, ms, out IntPtr saved, out IntPtr error);
                return CibaException.IsDone(status, error) ? CibaSavedFlow.Take(saved) : null;
            }
        }

        /// <summary>How often the flow was saved, here and before it was resumed here.</summary>
        /// <exception cref="ObjectDisposedException">The flow is disposed.</exception>
        public long Revision
        {
            get
            {
                using (var flow = Use())
                    return Native.ciba_flow_revision(flow.Pointer);
            }
        }

        /// <summary>Frees the flow. It never waits, and sends nothing: to tell the provider, cancel first.</summary>
        public void Dispose()
        {
            if (!handle.IsDisposed)
            {
                try
                {
                    using (var flow = Use())
                        Native.ciba_flow_close(flow.Pointer); // sends away who waits inside
                }
                catch (ObjectDisposedException) // another thread was first
                {
                }
                handle.Dispose();
            }
            FlowDriver.Hurry(this);
        }

        /// <summary>From now on the provider is asked for it.</summary>
        internal void Join(IntPtr set, long number)
        {
            using (var flow = Use())
                CibaException.Check(
                    Native.ciba_set_add(set, flow.Pointer, (IntPtr)number, out IntPtr error), error);
            MemberNumber = number;
        }

        internal void Leave(IntPtr set)
        {
            MemberNumber = 0;
            try
            {
                using (var flow = Use())
                {
                    Native.ciba_set_remove(set, flow.Pointer, out IntPtr error);
                    Native.ciba_error_free(error);
                }
            }
            catch (ObjectDisposedException) // it has left
            {
            }
        }

        /// <summary>Looks at the outcome, without waiting.</summary>
        /// <returns>The tokens; null: not decided.</returns>
        internal CibaTokens PollNow()
        {
            using (var flow = Use())
                return Poll(flow, 0);
        }

        private static CibaTokens Poll(InUse flow, long timeoutMs)
        {
            var clock = Stopwatch.StartNew();
            for (;;)
            {
                long leftMs = timeoutMs < 0 ? long.MaxValue : Math.Max(timeoutMs - clock.ElapsedMilliseconds, 0);
                long ms = Math.Min(leftMs, FlowDriver.LongestCallMs);
                var tokens = Take(flow, Native.ciba_poll(flow.Pointer, ms, out IntPtr error), error);
                if (tokens != null || ms == leftMs)
                    return tokens;
            }
        }

        /// <summary>What a call that waited comes to.</summary>
        private static CibaTokens Take(InUse flow, int status, IntPtr error)
        {
            var told = thrown;
            if (told != null)
            {
                thrown = null;
                Native.ciba_error_free(error);
                ExceptionDispatchInfo.Capture(told).Throw();
            }
            return CibaException.IsDone(status, error) ? TokensOf(flow) : null;
        }

        private static CibaTokens TokensOf(InUse flow)
        {
            CibaException.Check(Native.ciba_flow_tokens(flow.Pointer, out IntPtr tokens, out IntPtr error), error);
            return new CibaTokens(tokens);
        }

        private InUse Use()
        {
            return new InUse(handle, nameof(CibaFlow));
        }

        private static int OnProgress(IntPtr userdata, int stage, long expiresInMs, long nextPollInMs, long polls)
        {
            try
            {
                var progress = (IProgress<CibaProgress>)GCHandle.FromIntPtr(userdata).Target;
                progress.Report(new CibaProgress(stage, expiresInMs, nextPollInMs, polls));
                return 0;
            }
            catch (Exception e) // must not cross the border to C; it is thrown on the other side of the call
            {
                thrown = e;
                return 1;
            }
        }

        private static void OnRelease(IntPtr userdata)
        {
            GCHandle.FromIntPtr(userdata).Free();
        }
    }
}
