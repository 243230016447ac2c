// What is wrong is refused, and what is disposed of says so.
// SPDX-License-Identifier: MIT OR Apache-2.0
using System;
using System.Linq;
using System.Reflection;
using System.Runtime.Serialization;
using System.Threading;
using System.Threading.Tasks;
using Ciba;
using static Checks;

internal static partial class Tests
{
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
}
