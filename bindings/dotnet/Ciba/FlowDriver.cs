// SPDX-License-Identifier: MIT OR Apache-2.0
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Threading;

namespace Ciba
{
    /// <summary>
    /// Drives the flows that are awaited: one native set, and one thread that waits for it. The library asks the
    /// providers, and the thread is told of each outcome; in between it looks at those who want to be looked at at a
    /// time of their own, and sleeps.
    /// </summary>
    internal static class FlowDriver
    {
        /// <summary>Mono does not end while a thread is inside native code, so none stays there for longer.</summary>
        internal const int LongestCallMs = 1000;

        private static readonly object Gate = new object();
        private static readonly SortedSet<FlowWait> Timed = new SortedSet<FlowWait>(FlowWait.ByTime);
        private static readonly Dictionary<long, CibaFlow> Members = new Dictionary<long, CibaFlow>();
        private static readonly Stopwatch Clock = Stopwatch.StartNew();
        private static IntPtr set; // of the process: never freed
        private static Thread thread;
        private static bool isAsleep;
        private static long numbers;

        /// <summary>Makes the set, for which a client is needed.</summary>
        internal static void Prepare(InUse client)
        {
            lock (Gate)
            {
                if (set == IntPtr.Zero)
                    CibaException.Check(Native.ciba_set_new(client.Pointer, out set, out IntPtr error), error);
            }
        }

        internal static void Add(FlowWait wait)
        {
            lock (Gate)
            {
                if (thread == null)
                {
                    var started = new Thread(Run) { IsBackground = true, Name = "ciba-flows" };
                    started.Start();
                    thread = started;
                }
                if (wait.IsForOutcome && wait.Flow.MemberNumber == 0)
                {
                    long number = ++numbers;
                    wait.Flow.Join(set, number);
                    Members.Add(number, wait.Flow);
                }
                wait.Flow.Waits.Add(wait);
                wait.Number = ++numbers;
                Enqueue(wait, 0);
            }
        }

        /// <summary>Has those who await a flow looked at now.</summary>
        internal static void Hurry(CibaFlow flow)
        {
            lock (Gate)
            {
                foreach (var wait in flow.Waits)
                {
                    Timed.Remove(wait);
                    if (wait.IsLookedAt)
                        wait.IsHurried = true;
                    else
                        Enqueue(wait, 0);
                }
            }
        }

        /// <summary>Has somebody looked at after a pause; no pause: only when it is hurried.</summary>
        private static void Enqueue(FlowWait wait, int? pauseMs)
        {
            if (pauseMs == null)
                return;
            wait.DueAt = Clock.ElapsedMilliseconds + pauseMs.Value;
            Timed.Add(wait);
            if (Timed.Min == wait && isAsleep)
            {
                Native.ciba_set_wake(set, out IntPtr error);
                Native.ciba_error_free(error);
            }
        }

        private static void Run()
        {
            for (;;)
            {
                var wait = Due(out long leftMs);
                if (wait != null)
                    LookAt(wait);
                else
                    WaitForTheSet(leftMs);
            }
        }

        /// <summary>Takes out who is due; else says for how long nobody is.</summary>
        private static FlowWait Due(out long leftMs)
        {
            lock (Gate)
            {
                var first = Timed.Min;
                leftMs = first == null ? -1 : Math.Max(first.DueAt - Clock.ElapsedMilliseconds, 0);
                isAsleep = leftMs != 0; // from here on: who comes in wakes it, also before it lies down
                if (isAsleep)
                    return null;
                Timed.Remove(first);
                first.IsLookedAt = true;
                return first;
            }
        }

        private static void LookAt(FlowWait wait)
        {
            bool isDone = wait.Look(out int? pauseMs);
            lock (Gate)
            {
                wait.IsLookedAt = false;
                if (isDone)
                {
                    wait.Flow.Waits.Remove(wait);
                    if (wait.Flow.Waits.TrueForAll(other => !other.IsForOutcome) && Members.Remove(wait.Flow.MemberNumber))
                        wait.Flow.Leave(set);
                }
                else
                {
                    Enqueue(wait, wait.IsHurried ? 0 : pauseMs);
                }
                wait.IsHurried = false;
            }
        }

        /// <summary>Sleeps until a flow has its outcome, the time is up, or somebody came in.</summary>
        private static void WaitForTheSet(long timeoutMs)
        {
            long ms = timeoutMs < 0 ? LongestCallMs : Math.Min(timeoutMs, LongestCallMs);
            int status = Native.ciba_set_wait(set, ms, out IntPtr userdata, out IntPtr error);
            Native.ciba_error_free(error);
            CibaFlow flow = null;
            lock (Gate)
            {
                isAsleep = false;
                if (status == (int)CibaStatus.Ok && Members.TryGetValue((long)userdata, out flow))
                {
                    Members.Remove(flow.MemberNumber);
                    flow.MemberNumber = 0;
                }
            }
            if (flow != null)
                Hurry(flow);
        }
    }
}
