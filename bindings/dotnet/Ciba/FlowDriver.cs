// SPDX-License-Identifier: MIT OR Apache-2.0
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Threading;

namespace Ciba
{
    /// <summary>
    /// Drives the flows that are awaited: one thread for all of them. It looks at a flow when its next poll is due and,
    /// while an answer is on its way, soon again; else it sleeps. No look waits for the network.
    /// </summary>
    internal static class FlowDriver
    {
        private static readonly object Gate = new object();
        private static readonly SortedSet<FlowWait> Queue = new SortedSet<FlowWait>(FlowWait.ByTime);
        private static readonly Stopwatch Clock = Stopwatch.StartNew();
        private static Thread thread;
        private static long begun;

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
                wait.Flow.Waits.Add(wait);
                wait.Number = begun++;
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
                    if (Queue.Remove(wait))
                        Enqueue(wait, 0);
                    else
                        wait.IsHurried = true; // it is being looked at
                }
            }
        }

        private static void Enqueue(FlowWait wait, long pauseMs)
        {
            wait.DueAt = Clock.ElapsedMilliseconds + pauseMs;
            Queue.Add(wait);
            if (Queue.Min == wait)
                Monitor.Pulse(Gate);
        }

        private static void Run()
        {
            for (;;)
            {
                var wait = Next();
                bool isDone = wait.Look(out int pauseMs);
                lock (Gate)
                {
                    if (isDone)
                        wait.Flow.Waits.Remove(wait);
                    else
                        Enqueue(wait, wait.IsHurried ? 0 : pauseMs);
                    wait.IsHurried = false;
                }
            }
        }

        /// <summary>Sleeps until somebody is due, and takes it out.</summary>
        private static FlowWait Next()
        {
            lock (Gate)
            {
                for (;;)
                {
                    var first = Queue.Min;
                    long left = first == null ? Timeout.Infinite : first.DueAt - Clock.ElapsedMilliseconds;
                    if (first != null && left <= 0)
                    {
                        Queue.Remove(first);
                        return first;
                    }
                    Monitor.Wait(Gate, (int)Math.Min(left, int.MaxValue));
                }
            }
        }
    }
}
