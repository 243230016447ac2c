// Logs, signers and progress: what they are told, what they throw, when they are let go.
// SPDX-License-Identifier: MIT OR Apache-2.0
using System;
using System.Collections.Concurrent;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Threading;
using Ciba;
using static Checks;

internal static partial class Tests
{
    private static void WhatProgressThrowsComesOutOfTheWait()
    {
        var throwing = new Told(_ => { throw new PlantedException(); });
        using (var flow = NewFlow("approve after 0 s"))
        {
            Throws<PlantedException>(() => flow.Wait(Patience, throwing), "a wait");
            Throws<PlantedException>(() => In(flow.WaitAsync(throwing)), "an awaited wait");
            Equal(CibaStatus.Pending, flow.Outcome, "the outcome");
            Check(flow.Wait(Patience, new Told(_ => { })) != null, "nothing is lost");
        }
    }

    private static void WhatALogThrowsIsDropped()
    {
        int calls = 0;
        using (var config = NewConfig().SetLog(CibaLogLevel.Debug, _ => { ++calls; throw new PlantedException(); }))
        using (var client = new CibaClient(config))
        using (var request = NewRequest("approve after 0 s"))
        using (var flow = client.Init(request))
            Check(flow.Wait() != null && calls > 3, "the sign-in goes on");
    }

    private static void LogsAreInOrderAndLetGo()
    {
        var events = new ConcurrentQueue<CibaLogEvent>();
        var log = LogOneFlow(events);
        Check(events.First().Name == "start.sent" && events.Last().Name == "flow.approved", "the order of events");
        Check(events.All(e => e.Correlation == "" || e.Correlation == "\u00e6 7"), "the correlation");
        Check(events.Any(e => e.Level == CibaLogLevel.Debug) && events.All(e => e.Time.Year > 2000), "level and time");
        foreach (var e in events)
            Hear(e);
        Soon(() =>
        {
            GC.Collect();
            return !log.IsAlive;
        }, "the delegate is let go");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference LogOneFlow(ConcurrentQueue<CibaLogEvent> events)
    {
        var log = new Action<CibaLogEvent>(events.Enqueue);
        CibaFlow flow;
        using (var config = NewConfig().SetLog(CibaLogLevel.Debug, log))
        using (var client = new CibaClient(config))
        using (var request = NewRequest("approve after 0 s").Set(CibaParameter.Correlation, "\u00e6 7"))
            flow = client.Init(request);
        using (flow)
            In(flow.WaitAsync());
        return new WeakReference(log);
    }

    private static void ASignerSignsAndIsLetGo()
    {
        // On a stack that is gone: Mono takes whatever lies on one for a reference.
        WeakReference alive = null;
        var thread = new Thread(() => alive = SignAtAProviderThatDoesNotKnowTheKey());
        thread.Start();
        thread.Join();
        Soon(() =>
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            return !alive.IsAlive;
        }, "the signer is let go");
        Throws<ArgumentNullException>(() => NewConfig().SetSigner(null), "no signer");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference SignAtAProviderThatDoesNotKnowTheKey()
    {
        int calls = 0, length = 64, thread = 0;
        var signer = new Func<CibaSigningInput, byte[]>(input =>
        {
            GC.Collect(); // nothing that the library holds may move, or go
            ++calls;
            thread = Thread.CurrentThread.ManagedThreadId;
            Check(input.Algorithm == "ES256" && input.KeyId == "card 1" && input.GetBytes().Length > 100, "what is signed");
            if (length < 0)
                throw new PlantedException();
            return length == 0 ? null : new byte[length];
        });
        using (var config = NewConfig().Set(CibaSetting.TokenEndpointAuthMethod, "private_key_jwt"))
        using (var request = NewRequest("approve after 0 s"))
        {
            config.Set("token_endpoint_auth_signing_alg", "ES256").Set("client_key_id", "card 1").SetSigner(signer);
            using (var client = new CibaClient(config))
            {
                Status<CibaException>(CibaStatus.InvalidClient, () => client.Init(request), "an unknown key");
                Equal(Thread.CurrentThread.ManagedThreadId, thread, "the thread that waits signs");
                Status<CibaException>(CibaStatus.InvalidClient, () => In(client.InitAsync(request)), "the same, awaited");
                foreach (int wrong in new[] { 70, 0, -1, 5000 })
                {
                    length = wrong;
                    var failed = Status<CibaException>(CibaStatus.SignerFailed, () => client.Init(request), "a signer that gives " + wrong);
                    Equal(wrong < 0, failed?.InnerException is PlantedException, "what the signer threw is there");
                }
                length = -1;
                var awaited = Status<CibaException>(CibaStatus.SignerFailed, () => In(client.InitAsync(request)), "a signer that throws, awaited");
                Check(awaited?.InnerException is PlantedException, "what it threw is there, awaited");
                Equal(7, calls, "calls");
            }
        }
        return new WeakReference(signer);
    }

    private static void ProgressIsReported()
    {
        foreach (bool isAwaited in new[] { false, true })
        {
            var seen = new ConcurrentQueue<CibaProgress>();
            var told = new Told(seen.Enqueue);
            using (var client = NewClient())
            using (var request = NewRequest("approve after 1500 ms"))
            using (var flow = client.Init(request, TimeSpan.Zero))
                Check((isAwaited ? In(flow.WaitAsync(told)) : flow.Wait(Patience, told)) != null, "approved");
            Check(seen.Any(p => p.Stage == CibaStage.Pending && p.ExpiresIn > TimeSpan.Zero), "the person is asked");
            Check(seen.Any(p => p.Polls == 1), "a poll was answered");
            Check(seen.Zip(seen.Skip(1), (a, b) => a.Stage <= b.Stage && a.Polls <= b.Polls).All(x => x), "in order");
        }
    }

    private sealed class Told : IProgress<CibaProgress>
    {
        private readonly Action<CibaProgress> told;

        internal Told(Action<CibaProgress> told)
        {
            this.told = told;
        }

        public void Report(CibaProgress progress)
        {
            told(progress);
        }
    }

    private sealed class PlantedException : Exception
    {
        internal PlantedException() : base("thrown inside a callback") { }
    }
}
