// What is collected, what waits, and what that costs.
// SPDX-License-Identifier: MIT OR Apache-2.0
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Ciba;
using static Checks;

internal static partial class Tests
{
    private static void FinalizersMayRunInAnyOrder()
    {
        for (int round = 0; round < 20; ++round)
        {
            Leak(round);
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        using (var flow = NewFlow("approve after 0 s"))
            Check(flow.Wait() != null, "the library still works");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Leak(int round)
    {
        var config = NewConfig().SetLog(CibaLogLevel.Debug, _ => { });
        var client = new CibaClient(config);
        var request = NewRequest("approve after 0 s");
        var flow = client.Init(request, round % 2 == 0 ? TimeSpan.Zero : Patience);
        flow.Wait(TimeSpan.Zero, new Told(_ => { }));
        if (round == 7)
            flow.Wait();
        if (round % 3 == 0)
            client.Dispose();
        if (round % 5 == 0)
            config.Dispose();
    }

    private static void AwaitedFlowsAreLetGo()
    {
        var phrases = new[] { "wait", "deny after 0 s", "wait", "approve after 0 s", "wait", "wait" };
        var flows = phrases.Select(AwaitOneFlow).ToArray();
        Soon(() =>
        {
            GC.Collect();
            // Mono takes any word on a stack for a reference, and the driver's may hold an old one.
            return flows.Count(flow => flow.IsAlive) <= 1;
        }, "flows that nobody awaits any more are let go");
        // The twin: one that is awaited lives, though nobody holds it.
        var awaited = AwaitAndForget();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Check(In(awaited) != null, "it is delivered");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference AwaitOneFlow(string phrase)
    {
        var flow = NewFlow(phrase);
        using (var giveUp = new CancellationTokenSource())
        {
            var task = flow.WaitAsync(giveUp.Token);
            if (phrase == "wait")
                giveUp.Cancel();
            Task.WhenAny(task).Wait(Patience);
        }
        return new WeakReference(flow);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Task<CibaTokens> AwaitAndForget()
    {
        return NewFlow("approve after 0 s").WaitAsync();
    }

    private static void ManyMayWaitForOneFlow()
    {
        using (var flow = NewFlow("approve after 500 ms"))
        {
            var threads = Enumerable.Range(0, 4).Select(
                _ => Task.Factory.StartNew(() => flow.Wait(Patience, new Told(p => { })), TaskCreationOptions.LongRunning));
            var tasks = threads.Concat(Enumerable.Range(0, 4).Select(_ => flow.WaitAsync())).ToArray();
            Check(In(Task.WhenAll(tasks)).All(tokens => tokens.Claim("mitid.uuid") == Uuid), "each gets the tokens");
        }
    }

    private static void ASingleThreadedContextDoesNotDeadlock()
    {
        var context = new SingleThread();
        bool isDone = false, isTrap = false;
        var thread = new Thread(() =>
        {
            SynchronizationContext.SetSynchronizationContext(context);
            using (var client = NewClient())
            using (var request = NewRequest("approve after 0 s"))
            using (var flow = client.InitAsync(request).Result)
                isDone = flow.WaitAsync().Result != null && context.Posted == 0;
            isTrap = !NeedsTheContext().Wait(200);
        }) { IsBackground = true };
        thread.Start();
        Check(thread.Join(Patience) && isDone, ".Result comes back");
        Check(isTrap && context.Posted > 0, "the context is one in which .Result can deadlock");
    }

    private static async Task NeedsTheContext()
    {
        await Task.Delay(1);
    }

    private static void AnIdleWaitCostsNothing()
    {
        using (var client = NewClient())
        using (var request = NewRequest("wait"))
        {
            Control("POST", "/fault", "{\"kind\": \"start\", \"fault\": {\"patch\": {\"interval\": 60}}}");
            using (var flow = client.Init(request))
            {
                Equal(TimeSpan.FromSeconds(60), flow.Interval, "the interval");
                var task = flow.WaitAsync();
                Thread.Sleep(200);
                var before = Process.GetCurrentProcess().TotalProcessorTime;
                Thread.Sleep(2000);
                var spent = Process.GetCurrentProcess().TotalProcessorTime - before;
                Check(spent < TimeSpan.FromMilliseconds(500), "idle for 2 s, it spent " + spent);
                flow.Cancel();
                Throws<CibaCancelledException>(() => In(task), "cancelled at once, not at the next poll");
            }
        }
    }

    private static void AThousandAwaitedHoldNoThread()
    {
        const int Many = 1000;
        ThreadPool.GetMaxThreads(out int workers, out int ports);
        ThreadPool.GetMinThreads(out int leastWorkers, out int leastPorts);
        ThreadPool.SetMinThreads(2, 2);
        Check(ThreadPool.SetMaxThreads(10, 10), "a pool of ten");
        Control("POST", "/default", "{}");
        using (var client = NewClient())
        using (var request = NewRequest("wait"))
        {
            var flows = new List<CibaFlow>();
            for (int at = 0; at < Many; at += 50)
                flows.AddRange(In(Task.WhenAll(Enumerable.Range(0, 50).Select(_ => client.InitAsync(request)))));
            var tasks = flows.Select(flow => flow.WaitAsync()).ToArray();
            var free = new CountdownEvent(10);
            var gate = new ManualResetEvent(false);
            for (int at = 0; at < 10; ++at)
                ThreadPool.QueueUserWorkItem(_ => { free.Signal(); gate.WaitOne(); });
            Check(free.Wait(Patience), "all ten threads of the pool are free for others");
            int threads = Process.GetCurrentProcess().Threads.Count;
            Check(threads < 60, threads + " threads");
            gate.Set();
            Check(tasks.All(task => !task.IsCompleted), "all wait");
            foreach (var flow in flows)
                Control("POST", "/approve", "{\"auth_req_id\": \"" + flow.AuthReqId + "\"}");
            Check(In(Task.WhenAll(tasks)).All(tokens => tokens.Claim("mitid.uuid") == Uuid), "each gets its tokens");
            flows.ForEach(flow => flow.Dispose());
        }
        ThreadPool.SetMaxThreads(workers, ports);
        ThreadPool.SetMinThreads(leastWorkers, leastPorts);
    }

    /// <summary>Runs what is posted to it on one thread, which here is blocked meanwhile.</summary>
    private sealed class SingleThread : SynchronizationContext
    {
        internal int Posted;

        public override void Post(SendOrPostCallback callback, object state)
        {
            Interlocked.Increment(ref Posted);
        }
    }
}
