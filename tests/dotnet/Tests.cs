// The .NET binding against a provider on this machine; tests/dotnet/run says how.
// SPDX-License-Identifier: MIT OR Apache-2.0
using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Serialization;
using System.Threading;
using System.Threading.Tasks;
using Ciba;
using static Checks;

internal static class Tests
{
    private static int Main(string[] words)
    {
        if (words.FirstOrDefault() == "library")
            return TryTheLibrary();
        if (words.FirstOrDefault() == "exit")
            return EndWhileOthersWait();
        if (words.FirstOrDefault() == "signer")
            return SignerTests.Run();
        if (words.FirstOrDefault() == "notification")
            return NotificationTests.Run();
        var tests = new Action[]
        {
            Approved, Denied, Expired, CancelledByAnotherThread, AWrongSecret, AwaitedOutcomes, Timeouts, NullIsRefused,
            BrokenTextIsRefused, WrongNamesAndValuesAreRefused, DisposedObjectsSaySo, DisposingSendsWaitersAway, DisposingSendsACancellerAway, ExceptionsAreSerializable,
            CancelledBeforeNothingIsSent, CancelledWhileTheRequestIsOnItsWay, CancelledBeforeTheWait,
            CancelledWhileAnAnswerIsOnItsWay, CancelledAfterTheAnswer, WhatProgressThrowsComesOutOfTheWait,
            WhatALogThrowsIsDropped, LogsAreInOrderAndLetGo, ASignerSignsAndIsLetGo, ProgressIsReported, FinalizersMayRunInAnyOrder, AwaitedFlowsAreLetGo,
            ManyMayWaitForOneFlow, ASingleThreadedContextDoesNotDeadlock, AnIdleWaitCostsNothing,
            AThousandAwaitedHoldNoThread, WhatIsDoneWithTokens, WaitsForTokensAreCancelled, SavedFlowsGoOnElsewhere, SavedFlowsThatAreNotGoodAreRefused, VersionAndNames,
        };
        RunAll(tests);
        NoTextHoldsASecret();
        return Sum(tests.Length + 1);
    }

    /// <summary>For a library that is missing or wrong: says what the binding says.</summary>
    private static int TryTheLibrary()
    {
        Action[] ways = { () => new CibaConfig(), () => new CibaRequest(), () => CibaLibrary.Version.ToString() };
        foreach (var way in ways)
        {
            try
            {
                way();
                Console.WriteLine("no exception");
            }
            catch (CibaLibraryException e)
            {
                Console.WriteLine(e.Message);
            }
        }
        return 0;
    }

    /// <summary>Leaves a thread and a task that wait for ever.</summary>
    private static int EndWhileOthersWait()
    {
        var flow = NewFlow("wait");
        new Thread(() => flow.Wait()) { IsBackground = true }.Start();
        var awaited = NewFlow("wait").WaitAsync();
        Thread.Sleep(300);
        Console.WriteLine(awaited.Status);
        return 0;
    }

    // ---- outcomes -------------------------------------------------------------------------------

    private static void Approved()
    {
        using (var flow = NewFlow("approve after 0 s"))
        {
            Equal(CibaStatus.Pending, flow.Outcome, "the outcome");
            Equal(TimeSpan.FromSeconds(1), flow.Interval, "the interval");
            Check(flow.AuthReqId.Length > 10 && flow.Acknowledgement.Contains(flow.AuthReqId), "the acknowledgement");
            Check(flow.BindingMessage == null && flow.AuthenticationUri == null, "nothing to be shown");
            Check(flow.ExpiresAt > DateTimeOffset.UtcNow && flow.NextPollAt < flow.ExpiresAt, "the dates");
            Check(flow.Trouble == null && flow.Progress.Stage == CibaStage.Pending && flow.Progress.Polls == 0, "progress");
            Status<CibaUsageException>(CibaStatus.NoTokens, () => flow.GetTokens(), "tokens too early");
            var tokens = flow.Wait();
            Equal(CibaStatus.Ok, flow.Outcome, "the outcome");
            Equal(CibaStage.Ended, flow.Progress.Stage, "the stage");

            Equal(Uuid, tokens.Claim("mitid.uuid"), "a claim");
            Equal("\"" + Uuid + "\"", tokens.ClaimJson("mitid.uuid"), "a claim as JSON");
            Check(tokens.Claim("no.such") == null && tokens.Get("no.such") == null && tokens.RefreshToken == null, "what is not there");
            Check(tokens.AccessToken.Length > 20 && tokens.IdToken.Split('.').Length == 3, "the tokens");
            Equal("Bearer", tokens.Get("token_type"), "the token type");
            Check(tokens.ExpiresAt > DateTimeOffset.UtcNow, "the expiry");
            var claims = tokens.Claims;
            Check(claims.Count > 5 && claims["sub"] == tokens.Claim("sub"), "the claims");
            Check(claims.Keys.All(name => tokens.ClaimsJson.Contains("\"" + name + "\"")), "the claims as JSON");
            Hear(tokens);
            Hear(flow);

            // Tokens outlive the flow, and the flow hands them out again.
            var again = flow.GetTokens();
            flow.Dispose();
            tokens.Dispose();
            Equal(claims["sub"], again.Claim("sub"), "the same claim");
        }
    }

    private static void Denied()
    {
        using (var flow = NewFlow("deny after 0 s"))
        {
            var e = Throws<CibaDeniedException>(() => flow.Wait(), "denied");
            Check(e.Status == CibaStatus.Denied && e.OAuthError == "access_denied" && e.HttpStatus == 400, "the details");
            Check(e.RetryAfter == null, "what is not there");
            Throws<CibaDeniedException>(() => flow.Wait(), "the same again");
            Throws<CibaDeniedException>(() => In(flow.WaitAsync()), "the same, awaited");
        }
        using (var flow = NewFlow("fail vendor.code_7 after 0 s"))
            Equal("vendor.code_7", Throws<CibaProviderException>(() => flow.Wait(), "a code").OAuthError, "the code");
    }

    private static void Expired()
    {
        using (var client = NewClient())
        using (var request = NewRequest("never").Set(CibaParameter.RequestedExpiry, "2"))
        using (var flow = client.Init(request))
        using (var awaited = client.Init(request))
        {
            var task = awaited.WaitAsync();
            Throws<CibaExpiredException>(() => flow.Wait(), "expired");
            Throws<CibaExpiredException>(() => In(task), "expired, awaited");
        }
    }

    private static void CancelledByAnotherThread()
    {
        using (var flow = NewFlow("wait"))
        {
            var task = flow.WaitAsync();
            var canceller = Task.Delay(100).ContinueWith(_ => flow.Cancel(Patience));
            Throws<CibaCancelledException>(() => flow.Wait(), "cancelled");
            Throws<CibaCancelledException>(() => In(task), "cancelled, awaited");
            Check(In(canceller) && flow.Cancel() && flow.Outcome == CibaStatus.Cancelled, "the cancel is done");
            Check(Requests(flow.AuthReqId + " -> 204 cancelled") == 1, "the provider was told, once");
        }
    }

    private static void AWrongSecret()
    {
        using (var config = NewConfig().Set(CibaSetting.ClientSecret, WrongSecret))
        using (var client = new CibaClient(config))
        using (var request = NewRequest("wait"))
        {
            Status<CibaProviderException>(CibaStatus.InvalidClient, () => client.Init(request), "a wrong secret");
            Status<CibaProviderException>(CibaStatus.InvalidClient, () => In(client.InitAsync(request)), "the same, awaited");
        }
    }

    private static void AwaitedOutcomes()
    {
        using (var client = NewClient())
        using (var request = NewRequest("approve after 500 ms"))
        using (var flow = In(client.InitAsync(request)))
        {
            Check(flow.AuthReqId != null, "acknowledged");
            Equal(Uuid, In(flow.WaitAsync()).Claim("mitid.uuid"), "a claim");
            Equal(Uuid, In(flow.WaitAsync()).Claim("mitid.uuid"), "the same again");
        }
    }

    private static void Timeouts()
    {
        using (var client = NewClient())
        using (var request = NewRequest("approve after 0 s"))
        {
            client.Check();
            Check(client.Check(Patience), "the check is done");
            using (var flow = client.Init(request, TimeSpan.Zero))
            {
                Check(flow.Wait(TimeSpan.Zero) == null && flow.Wait(TimeSpan.FromTicks(1)) == null, "not decided");
                Check(flow.Step(TimeSpan.Zero) == null, "not decided");
                var negative = TimeSpan.FromMilliseconds(-2);
                Throws<ArgumentOutOfRangeException>(() => flow.Wait(negative), "a negative wait");
                Throws<ArgumentOutOfRangeException>(() => flow.Step(negative), "a negative step");
                Throws<ArgumentOutOfRangeException>(() => flow.Cancel(negative), "a negative cancel");
                Throws<ArgumentOutOfRangeException>(() => client.Check(negative), "a negative check");
                Throws<ArgumentOutOfRangeException>(() => client.Init(request, negative), "a negative init");
                Check(flow.Wait(TimeSpan.MaxValue) != null && flow.Step() != null, "decided");
            }
        }
    }

    // ---- bad input ------------------------------------------------------------------------------

    private static void NullIsRefused()
    {
        using (var config = new CibaConfig())
        using (var request = new CibaRequest())
        using (var client = NewClient())
        using (var flow = NewFlow("approve after 0 s"))
        using (var tokens = flow.Wait())
        {
            Action[] calls =
            {
                () => config.Set(null, "x"), () => config.Set("client_id", null), () => config["client_id"] = null,
                () => config.SetJson(null), () => config.SetLog(CibaLogLevel.Info, null), () => new CibaClient(null),
                () => request.Set(null, "x"), () => request.Set("scope", null), () => request.SetJson(null), () => request.SetBindingCode(null),
                () => client.Init(null), () => client.Init(null, TimeSpan.Zero), () => client.InitAsync(null),
                () => flow.Checkpoint(null), () => flow.HandOver(null, TimeSpan.Zero), () => client.Resume(null, "x"),
                () => client.Resume(new byte[1], null), () => tokens.Get(null), () => tokens.Claim(null), () => tokens.ClaimJson(null),
            };
            for (int at = 0; at < calls.Length; ++at)
                Throws<ArgumentNullException>(calls[at], "null " + at);
        }
    }

    private static void BrokenTextIsRefused()
    {
        using (var config = new CibaConfig())
        using (var request = new CibaRequest())
        {
            foreach (string broken in new[] { "planted\ud800", "\udc00planted", "plan\udc00\ud800ted", "planted\0" })
            {
                Throws<ArgumentException>(() => config.Set(CibaSetting.ClientSecret, broken), "a broken value");
                Throws<ArgumentException>(() => config.Set(broken, "x"), "a broken name");
                Throws<ArgumentException>(() => config.SetJson("{\"client_id\": \"" + broken + "\"}"), "broken JSON");
                Throws<ArgumentException>(() => request.Set(CibaParameter.LoginHint, broken), "a broken hint");
                Throws<ArgumentException>(() => request.SetJson(broken), "broken JSON");
            }
            // The good twin: a whole pair, and the longest letters.
            config.Set(CibaSetting.ClientId, "\ud83d\ude00\u00e6\u20ac");
            request.Set(CibaParameter.Correlation, "\ud83d\ude00\u00e6\u20ac");
        }
    }

    private static void WrongNamesAndValuesAreRefused()
    {
        using (var config = new CibaConfig())
        using (var request = new CibaRequest())
        using (var client = NewClient())
        {
            var e = Throws<CibaUsageException>(() => config.Set("client_secert", "planted"), "a misspelt name");
            Check(e.Status == CibaStatus.UnknownName && e.Message.Contains("client_secret"), "names the nearest");
            Status<CibaUsageException>(CibaStatus.InvalidValue, () => config.Set("ca_mode", "planted"), "a wrong value");
            Status<CibaUsageException>(CibaStatus.InvalidValue, () => config.SetJson("{"), "half of a JSON object");
            Status<CibaUsageException>(CibaStatus.InvalidValue, () => config.SetLog((CibaLogLevel)9, _ => { }), "a wrong level");
            Status<CibaUsageException>(CibaStatus.UnknownName, () => request.Set("", ""), "no name");
            Status<CibaUsageException>(CibaStatus.UnknownName, () => request.SetJson("{\"no_such\": 1}"), "an unknown name");
            Status<CibaUsageException>(CibaStatus.MissingSetting, () => new CibaClient(config), "nothing set");
            Status<CibaUsageException>(CibaStatus.InvalidAuthenticationRequest, () => client.Init(request), "nothing asked");
            Status<CibaUsageException>(CibaStatus.InvalidAuthenticationRequest, () => In(client.InitAsync(request)), "the same, awaited");
            config.SetJson("{\"request_timeout_ms\": 2000, \"id_token_required\": true}");
        }
    }

    private static void DisposedObjectsSaySo()
    {
        var config = NewConfig();
        var request = NewRequest("approve after 0 s");
        var client = NewClient();
        var flow = NewFlow("approve after 0 s");
        var tokens = flow.Wait();
        var good = NewClient();
        var objects = new IDisposable[] { config, request, client, flow, tokens };
        foreach (var one in objects.Concat(objects)) // a second time does no harm
            one.Dispose();
        var calls = new Action[]
        {
            () => config.Set("client_id", "x"), () => config.SetJson("{}"), () => config.SetLog(CibaLogLevel.Info, _ => { }),
            () => new CibaClient(config), () => request.Set("scope", "openid"), () => request.SetJson("{}"),
            () => client.Check(), () => client.Check(TimeSpan.Zero), () => client.Init(NewRequest("wait")),
            () => client.InitAsync(NewRequest("wait")), () => good.Init(request), () => good.InitAsync(request),
            () => flow.Wait(), () => flow.Wait(TimeSpan.Zero), () => flow.WaitAsync(), () => flow.Step(),
            () => flow.Step(TimeSpan.Zero), () => flow.Cancel(), () => flow.Cancel(TimeSpan.Zero),
            () => flow.GetTokens(), () => flow.Outcome.ToString(), () => flow.AuthReqId.ToString(),
            () => flow.Acknowledgement.ToString(), () => flow.ExpiresAt.ToString(), () => flow.NextPollAt.ToString(),
            () => flow.Interval.ToString(), () => flow.Progress.ToString(), () => flow.Trouble.ToString(),
            () => flow.Checkpoint("x"), () => flow.HandOver("x", TimeSpan.Zero), () => flow.Revision.ToString(),
            () => client.Resume(new byte[1], "x"), () => tokens.Get("scope"), () => tokens.Claim("sub"), () => tokens.ClaimJson("sub"),
            () => tokens.Claims.ToString(), () => tokens.ClaimsJson.ToString(), () => tokens.ExpiresAt.ToString(),
            () => tokens.AccessToken.ToString(), () => tokens.IdToken.ToString(), () => tokens.RefreshToken.ToString(),
        };
        for (int at = 0; at < calls.Length; ++at)
        {
            var e = Throws<ObjectDisposedException>(calls[at], "disposed " + at);
            Check(e != null && e.ObjectName.StartsWith("Ciba"), "names the object " + at);
        }
    }

    private static void DisposingSendsWaitersAway()
    {
        for (int round = 0; round < 10; ++round)
            DisposeWhileOthersWait();
    }

    private static void DisposeWhileOthersWait()
    {
        var flow = NewFlow("wait");
        var waiter = Task.Factory.StartNew(() => flow.Wait(), TaskCreationOptions.LongRunning);
        var awaited = flow.WaitAsync();
        Thread.Sleep(100);
        flow.Dispose();
        Throws<ObjectDisposedException>(() => flow.Outcome.ToString(), "at once, though a thread is still inside");
        Throws<ObjectDisposedException>(() => In(waiter), "a thread that waits");
        Throws<ObjectDisposedException>(() => In(awaited), "a task that waits");
    }

    private static void DisposingSendsACancellerAway()
    {
        Fault("cancel", "{\"hold\":1000}");
        var flow = NewFlow("wait");
        string told = flow.AuthReqId + " -> 204 cancelled";
        var canceller = Task.Factory.StartNew(() => flow.Cancel(Patience), TaskCreationOptions.LongRunning);
        Soon(() => flow.Outcome == CibaStatus.Cancelled, "cancelled");
        flow.Dispose();
        Throws<ObjectDisposedException>(() => In(canceller), "a thread that waits for the provider to take note");
        Soon(() => Requests(told) == 1, "the provider is told all the same");
    }

    private static void ExceptionsAreSerializable()
    {
        var properties = typeof(CibaException).GetProperties().Where(p => p.DeclaringType == typeof(CibaException)).ToArray();
        Equal(5, properties.Length, "properties");
        Fault("start", "{\"answer\":{\"status\":429,\"headers\":[[\"Retry-After\",\"7\"]],\"body\":\"{\\\"error\\\":\\\"too_many\\\",\\\"error_description\\\":\\\"words\\\"}\"}}");
        var refused = Throws<CibaException>(() => NewFlow("wait"), "refused");
        Check(properties.All(p => p.GetValue(refused) != null), "every property has a value");
        foreach (var e in new[] { refused, Throws<CibaException>(() => new CibaConfig()["no_such"] = "", "no such setting") })
        {
            var back = (CibaException)Carried(e);
            Check(back.GetType() == e.GetType() && back.Message == e.Message && back.StackTrace == e.StackTrace, "the same exception");
            foreach (var property in properties)
                Equal(property.GetValue(e), property.GetValue(back), property.Name);
        }
        var made = new[] { typeof(SerializationInfo), typeof(StreamingContext) };
        foreach (var kind in typeof(CibaException).Assembly.GetTypes().Where(t => typeof(CibaException).IsAssignableFrom(t)))
            Check(kind.IsSerializable && kind.GetConstructor(BindingFlags.Instance | BindingFlags.NonPublic, null, made, null) != null, kind.Name);
    }

    private static object Carried(object what)
    {
        using (var stream = new System.IO.MemoryStream())
        {
            var formatter = new System.Runtime.Serialization.Formatters.Binary.BinaryFormatter();
            formatter.Serialize(stream, what);
            stream.Position = 0;
            return formatter.Deserialize(stream);
        }
    }

    // ---- cancellation ---------------------------------------------------------------------------

    private static bool IsCancelled(Task task)
    {
        Task.WhenAny(task, Task.Delay(Patience)).Wait();
        return task.IsCanceled;
    }

    private static void CancelledBeforeNothingIsSent()
    {
        int before = Requests("/connect/ciba");
        using (var client = NewClient())
        using (var request = NewRequest("wait"))
            Check(client.InitAsync(request, new CancellationToken(true)).IsCanceled, "cancelled at once");
        Thread.Sleep(200);
        Equal(before, Requests("/connect/ciba"), "requests");
    }

    private static void CancelledWhileTheRequestIsOnItsWay()
    {
        int before = Requests("cancelled");
        Fault("start", "{\"process_then_hold\": 1500}");
        using (var client = NewClient())
        using (var request = NewRequest("wait"))
        using (var giveUp = new CancellationTokenSource())
        {
            var task = client.InitAsync(request, giveUp.Token);
            Soon(() => Requests("/connect/ciba -> (open)") > 0, "the request is on its way");
            giveUp.Cancel();
            Check(IsCancelled(task), "cancelled");
            Check(Requests("(open)") > 0, "before the answer was there");
        }
        Soon(() => Requests("cancelled") > before, "the provider is told once it has acknowledged");
    }

    private static void CancelledBeforeTheWait()
    {
        int before = Requests("cancelled");
        using (var flow = NewFlow("wait"))
        {
            Check(IsCancelled(flow.WaitAsync(new CancellationToken(true))), "cancelled");
            Equal(CibaStatus.Cancelled, flow.Outcome, "the outcome");
            Soon(() => Requests("cancelled") > before, "the provider is told");
        }
    }

    private static void CancelledWhileAnAnswerIsOnItsWay()
    {
        Fault("poll", "{\"hold\": 30000}");
        using (var flow = NewFlow("wait"))
        using (var giveUp = new CancellationTokenSource())
        {
            var task = flow.WaitAsync(giveUp.Token);
            Soon(() => Requests("/connect/token -> (open)") > 0, "the poll is on its way");
            giveUp.Cancel();
            Equal(CibaStatus.Cancelled, flow.Outcome, "the outcome, when Cancel() returns");
            var clock = Stopwatch.StartNew();
            Check(IsCancelled(task) && clock.Elapsed < TimeSpan.FromSeconds(20), "cancelled, before the answer is there");
            Throws<CibaCancelledException>(() => flow.Wait(), "the outcome");
        }
    }

    private static void CancelledAfterTheAnswer()
    {
        using (var flow = NewFlow("approve after 0 s"))
        using (var giveUp = new CancellationTokenSource())
        {
            var task = flow.WaitAsync(giveUp.Token);
            Check(In(task) != null, "approved");
            giveUp.Cancel();
            Check(flow.Outcome == CibaStatus.Ok && flow.GetTokens() != null, "nothing changes");
            Check(In(flow.WaitAsync(giveUp.Token)) != null, "an outcome that is there is delivered");
        }
    }

    // ---- callbacks ------------------------------------------------------------------------------

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

    // ---- lifetimes ------------------------------------------------------------------------------

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

    // ---- threads --------------------------------------------------------------------------------

    /// <summary>Runs what is posted to it on one thread, which here is blocked meanwhile.</summary>
    private sealed class SingleThread : SynchronizationContext
    {
        internal int Posted;

        public override void Post(SendOrPostCallback callback, object state)
        {
            Interlocked.Increment(ref Posted);
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

    // ---- saved flows ----------------------------------------------------------------------------

    private const string Keys = "2026:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    private static CibaClient NewSavingClient()
    {
        using (var config = NewConfig().Set(CibaSetting.SavedFlowKeys, Keys))
            return new CibaClient(config);
    }

    private static void SavedFlowsGoOnElsewhere()
    {
        using (var client = NewSavingClient())
        using (var request = NewRequest("approve after 0 s"))
        using (var flow = client.Init(request))
        using (var other = NewSavingClient())
        {
            var first = flow.Checkpoint("row \u00e6");
            Check(first.Bytes.Length > 20 && first.Revision == flow.Revision, "a checkpoint");
            Equal(CibaStatus.Pending, flow.Outcome, "it goes on here");
            var second = flow.HandOver("row \u00e6", Patience);
            Check(second.Revision > first.Revision, "a higher revision");
            Status<CibaSavedFlowException>(CibaStatus.HandedOver, () => flow.Wait(), "it has left");
            using (var resumed = other.Resume(second.Bytes, "row \u00e6"))
                Equal(Uuid, In(resumed.WaitAsync()).Claim("mitid.uuid"), "it ends there");
        }
    }

    private static void SavedFlowsThatAreNotGoodAreRefused()
    {
        using (var client = NewSavingClient())
        using (var request = NewRequest("wait"))
        using (var flow = client.Init(request))
        {
            var saved = flow.HandOver("row 7", Patience).Bytes;
            var edited = (byte[])saved.Clone();
            edited[edited.Length - 1] ^= 1;
            Throws<CibaSavedFlowException>(() => client.Resume(edited, "row 7"), "edited bytes");
            Throws<CibaSavedFlowException>(() => client.Resume(saved.Take(10).ToArray(), "row 7"), "half of it");
            Throws<CibaSavedFlowException>(() => client.Resume(saved, "row 8"), "another context");
            Throws<CibaException>(() => client.Resume(new byte[0], "row 7"), "nothing");
            Status<CibaSavedFlowException>(CibaStatus.NotSaveable, () => flow.Checkpoint("row 7"), "once more");
            client.Resume(saved, "row 7").Dispose(); // the good twin
        }
        using (var flow = NewFlow("wait"))
            Status<CibaUsageException>(CibaStatus.MissingSetting, () => flow.Checkpoint("row 7"), "no key");
    }

    // ---- after the tokens, at a provider after the specification's own words --------------------

    private static CibaClient NewGenericClient()
    {
        using (var config = new CibaConfig().SetJson(Environment.GetEnvironmentVariable("CIBA_GENERIC_SETTINGS") ?? "{}"))
            return new CibaClient(config);
    }

    private static CibaTokens SignedIn(CibaClient client)
    {
        using (var request = new CibaRequest().Set("login_hint", "alice").Set("scope", "openid offline_access")
            .Set("binding_message", "approve after 0 s"))
        using (var flow = client.Init(request))
            return flow.Wait();
    }

    private static void WhatIsDoneWithTokens()
    {
        using (var client = NewGenericClient())
        using (var tokens = SignedIn(client))
        {
            using (var person = client.Userinfo(tokens))
            {
                Equal("alice", person.Get("sub"), "the person");
                Check(person.Get("no.such") == null && person.Json.Contains("\"alice\""), "the answer");
                Throws<ArgumentNullException>(() => person.Get(null), "no name");
                person.Dispose();
                Throws<ObjectDisposedException>(() => person.Get("sub"), "a disposed answer");
            }
            using (var active = In(client.IntrospectAsync(tokens, CibaTokenKind.AccessToken)))
                Equal("true", active.Get("active"), "an active token");

            var early = client.Refresh(tokens, TimeSpan.Zero); // null, unless the answer was faster than this thread
            var fresh = In(client.RefreshAsync(tokens));
            Check(early == null || early.AccessToken == fresh.AccessToken, "zero loses nothing");
            Equal("alice", fresh.Claim("sub"), "the same person");
            Check(fresh.AccessToken != tokens.AccessToken && fresh.RefreshToken != tokens.RefreshToken, "fresh tokens");
            Equal(fresh.AccessToken, client.Refresh(tokens, Patience).AccessToken, "the same refresh");

            var kept = client.RestoreTokens(fresh.RefreshToken, fresh.IdToken);
            Check(kept.AccessToken == null && kept.RefreshToken == fresh.RefreshToken && kept.Claims.Count == 0, "kept tokens");
            Status<CibaUsageException>(CibaStatus.NotPresent, () => client.Userinfo(kept), "no access token");
            Status<CibaUsageException>(CibaStatus.MissingArgument, () => client.RestoreTokens("r", null), "no ID Token");
            Throws<ArgumentNullException>(() => client.RestoreTokens(null, fresh.IdToken), "no refresh token");
            var last = client.Refresh(kept);
            Check(client.Introspect(last, CibaTokenKind.RefreshToken, Patience).Get("active") == "true", "active");
            Check(client.Revoke(last, CibaTokenKind.RefreshToken, Patience), "revoked");
            client.Revoke(last, CibaTokenKind.RefreshToken);
            In(Task.WhenAll(client.RevokeAsync(last, CibaTokenKind.AccessToken)).ContinueWith(t => "done"));
            Equal("false", client.Introspect(last, CibaTokenKind.RefreshToken).Get("active"), "not any more");
            Status<CibaProviderException>(CibaStatus.InvalidGrant, () => client.Refresh(last), "a revoked token");
            Status<CibaProviderException>(CibaStatus.InvalidToken, () => client.Userinfo(last, Patience), "a revoked access token");

            using (var other = NewClient())
                Status<CibaUsageException>(CibaStatus.OtherClient, () => other.Refresh(tokens), "another client's tokens");
            Throws<ArgumentNullException>(() => client.Refresh(null), "no tokens");
            Throws<ArgumentOutOfRangeException>(() => client.Refresh(tokens, TimeSpan.FromSeconds(-2)), "a negative timeout");
            last.Dispose();
            Throws<ObjectDisposedException>(() => client.Userinfo(last), "disposed tokens");
            Hear(fresh);
        }
    }

    private static void WaitsForTokensAreCancelled()
    {
        using (var client = NewGenericClient())
        using (var tokens = SignedIn(client))
        using (var source = new CancellationTokenSource())
        {
            source.Cancel();
            var task = client.RefreshAsync(tokens, source.Token);
            Throws<OperationCanceledException>(() => In(task), "a wait that was given up");
            Equal("alice", client.Refresh(tokens).Claim("sub"), "nothing is lost");
            Throws<OperationCanceledException>(() => In(client.UserinfoAsync(tokens, source.Token)), "userinfo");
        }
    }

    // ---- the rest -------------------------------------------------------------------------------

    private static void VersionAndNames()
    {
        Check(CibaLibrary.Version.Split('.').Length == 3, "the version");
        Equal("CIBA_DENIED", CibaLibrary.StatusName(CibaStatus.Denied), "a name");
        Equal("the person denied", CibaLibrary.StatusText(CibaStatus.Denied), "a text");
        Equal("?", CibaLibrary.StatusName((CibaStatus)4711), "no name");
    }
}
