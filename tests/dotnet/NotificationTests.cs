// Notifications that come over HTTP to a program in C#: the provider sends, the journal is the oracle.
// SPDX-License-Identifier: MIT OR Apache-2.0
using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Text;
using System.Threading;
using Ciba;
using static Checks;

/// <remarks>The interval is longer than <see cref="Checks.Patience"/>: tokens that are there are the notification's doing.</remarks>
internal static class NotificationTests
{
    internal static int Run()
    {
        var tests = new Action[]
        {
            APingWakesAWaitingFlow, OneWrongFactIsRefusedAndTheGoodTwinWakesTheFlow, AFlowThatIsNotHereIsToldWithItsIdentifier,
            PushedTokensEndAFlowAndNothingIsFetched, PushedTokensWithOneCharacterChangedAreNotTaken, APushedErrorIsTheOutcome,
        };
        RunAll(tests);
        return Sum(tests.Length);
    }

    private static string Url(string mode)
    {
        return "http://127.0.0.1:" + Fact("NOTIFICATION_PORT") + "/" + mode;
    }

    private static CibaClient NewClientOf(string mode)
    {
        using (var config = NewGenericConfig(mode + "-desk"))
        {
            config.Set(CibaSetting.ClientSecret, "a secret of the desk").Set(CibaSetting.AllowHttpLoopback, "true");
            config.Set("backchannel_token_delivery_mode", mode);
            return new CibaClient(config.Set("backchannel_client_notification_endpoint", Url(mode)));
        }
    }

    /// <summary>A client, its endpoint, and a flow that the provider has acknowledged.</summary>
    private sealed class Begun : IDisposable
    {
        internal readonly CibaClient Client;
        internal readonly CibaFlow Flow;
        internal readonly ConcurrentQueue<CibaNotification> Delivered = new ConcurrentQueue<CibaNotification>();
        private readonly HttpListener listener = new HttpListener();

        internal Begun(string mode, string phrase, bool isByHand = false)
        {
            Client = NewClientOf(mode);
            listener.Prefixes.Add(Url(""));
            listener.Start();
            new Thread(TakeAll) { IsBackground = true }.Start();
            Control("POST", "/notices", isByHand ? "{\"times\": 0}" : "{}");
            ClearJournal();
            using (var request = NewGenericRequest(phrase))
                Flow = Client.Init(request);
        }

        public void Dispose()
        {
            lock (listener)
                listener.Close();
            Flow.Dispose();
            Client.Dispose();
        }

        private void TakeAll()
        {
            try
            {
                while (true)
                {
                    var context = listener.GetContext();
                    lock (listener)
                        Take(context);
                }
            }
            catch (Exception e) when (e is HttpListenerException || e is ObjectDisposedException)
            {
                // The test is over.
            }
        }

        private void Take(HttpListenerContext context)
        {
            var request = context.Request;
            using (var body = new MemoryStream())
            {
                request.InputStream.CopyTo(body);
                var notification = Client.DeliverNotification(
                    request.HttpMethod, request.Headers["Authorization"], request.ContentType, body.ToArray());
                Hear(notification);
                Delivered.Enqueue(notification);
                context.Response.StatusCode = notification.HttpStatus;
                context.Response.Close();
            }
        }

        /// <summary>Has the provider send this, and says what became of it.</summary>
        internal CibaNotification Send(string notice)
        {
            Control("POST", "/send", "{\"notice\": " + notice + "}");
            Check(Delivered.TryDequeue(out CibaNotification notification) && Delivered.IsEmpty, "one is delivered");
            return notification;
        }
    }

    private static CibaNotification Only(Begun begun)
    {
        Soon(() => !begun.Delivered.IsEmpty, "a notification");
        Equal(1, begun.Delivered.Count, "notifications");
        return begun.Delivered.First();
    }

    /// <summary>A text with something in place of something else, which must be there.</summary>
    private static string Replaced(string text, string what, string with)
    {
        int at = text.IndexOf(what, StringComparison.Ordinal);
        Check(at >= 0, what + " is there");
        return text.Substring(0, at) + with + text.Substring(at + what.Length);
    }

    private static void APingWakesAWaitingFlow()
    {
        foreach (bool isAwaited in new[] { false, true })
        {
            using (var begun = new Begun("ping", "approve after 500 ms"))
            {
                var tokens = isAwaited ? In(begun.Flow.WaitAsync()) : begun.Flow.Wait(Patience);
                Equal("alice", tokens?.Claim("sub"), "the person");
                Journal("approved", Started.Append("POST /ping -> 204 ping").Append("POST /token -> 200 tokens").ToArray());
                Equal(CibaNotificationKind.Ping, Only(begun).Kind, "the kind");
                Equal(begun.Flow.AuthReqId, Only(begun).AuthReqId, "the identifier");
            }
        }
        using (var begun = new Begun("ping", "deny after 500 ms"))
        {
            Throws<CibaDeniedException>(() => begun.Flow.Wait(Patience), "denied");
            Journal("denied", Started.Append("POST /ping -> 204 ping").Append("POST /token -> 400 access_denied").ToArray());
        }
    }

    private static void OneWrongFactIsRefusedAndTheGoodTwinWakesTheFlow()
    {
        var cases = new (string What, string With, int HttpStatus, CibaStatus Status)[]
        {
            ("\"Bearer ", "\"Bearer x", 401, CibaStatus.NotificationUnknownFlow),
            ("\"Bearer ", "\"Basic ", 401, CibaStatus.NotificationUnauthorized),
            ("\\\"auth_req_id\\\":\\\"", "\\\"auth_req_id\\\":\\\"x", 401, CibaStatus.NotificationOtherRequest),
            ("\\\"auth_req_id\\\"", "\\\"auth_req\\\"", 400, CibaStatus.NotificationMalformed),
            ("application/json", "text/json", 415, CibaStatus.NotificationMalformed),
            ("\"POST\"", "\"PUT\"", 405, CibaStatus.NotificationMalformed),
            ("\\\"}", "\\\",\\\"access_token\\\":\\\"t\\\"}", 400, CibaStatus.NotificationWrongMode),
        };
        using (var begun = new Begun("ping", "approve after 0 s", true))
        {
            string good = Control("POST", "/notice");
            var journal = new List<string>(Started);
            foreach (var wrong in cases)
            {
                var answer = begun.Send(Replaced(good, wrong.What, wrong.With));
                Equal(wrong.Status, answer.Status, wrong.With);
                Equal(wrong.HttpStatus, answer.HttpStatus, wrong.With);
                journal.Add((wrong.HttpStatus == 405 ? "PUT" : "POST") + " /ping -> " + wrong.HttpStatus + " ping");
            }
            Check(begun.Flow.Wait(TimeSpan.Zero) == null, "not decided");
            Journal("nothing was fetched", journal.ToArray());
            var taken = begun.Send(good);
            Check(taken.Status == CibaStatus.Ok && taken.HttpStatus == 204, "the good twin");
            Check(begun.Flow.Wait(Patience) != null, "approved");
            Journal("fetched", journal.Append("POST /ping -> 204 ping").Append("POST /token -> 200 tokens").ToArray());
        }
    }

    private static void AFlowThatIsNotHereIsToldWithItsIdentifier()
    {
        using (var begun = new Begun("ping", "approve after 0 s", true))
        using (var elsewhere = NewClientOf("ping"))
        {
            string notice = Control("POST", "/notice"), bearer = "Bearer " + notice.Split(new[] { "Bearer " }, 0)[1].Split('"')[0];
            var body = Encoding.UTF8.GetBytes("{\"auth_req_id\": \"" + begun.Flow.AuthReqId + "\"}");
            var unknown = elsewhere.DeliverNotification("POST", bearer, "application/json", body);
            Check(unknown.Status == CibaStatus.NotificationUnknownFlow && unknown.HttpStatus == 401, "it is not there");
            Check(unknown.AuthReqId == begun.Flow.AuthReqId && unknown.Kind == CibaNotificationKind.Ping, "whose it is");
            // Where it is, the very same is taken.
            var taken = begun.Client.DeliverNotification("POST", bearer, "application/json", body);
            Check(taken.Status == CibaStatus.Ok && taken.HttpStatus == 204, "it is here");
            Check(begun.Flow.Wait(Patience) != null, "approved");
            Journal("fetched", Started.Append("POST /token -> 200 tokens").ToArray());
            var none = begun.Client.DeliverNotification("POST", null, null, new byte[0]);
            Check(none.AuthReqId == null && none.Kind == CibaNotificationKind.None && none.HttpStatus >= 400, "nothing");
            Throws<ArgumentNullException>(() => begun.Client.DeliverNotification("POST", bearer, "application/json", null), "no body");
        }
    }

    private static void PushedTokensEndAFlowAndNothingIsFetched()
    {
        using (var begun = new Begun("push", "approve after 500 ms"))
        {
            var tokens = begun.Flow.Wait(Patience);
            Check(tokens?.Claim("sub") == "alice" && tokens.AccessToken.Length > 10, "the tokens");
            Journal("pushed", Started.Append("POST /push -> 204 push").ToArray());
            Equal(CibaNotificationKind.Tokens, Only(begun).Kind, "the kind");
        }
    }

    private static void PushedTokensWithOneCharacterChangedAreNotTaken()
    {
        using (var begun = new Begun("push", "approve after 0 s", true))
        {
            string token = "\\\"access_token\\\":\\\"";
            Equal(204, begun.Send(Replaced(Control("POST", "/notice"), token, token + "x")).HttpStatus, "it has arrived");
            Status<CibaTokenException>(CibaStatus.TokenAccessTokenHash, () => begun.Flow.Wait(Patience), "changed");
            Journal("pushed", Started.Append("POST /push -> 204 push").ToArray());
        }
    }

    private static void APushedErrorIsTheOutcome()
    {
        using (var begun = new Begun("push", "deny after 500 ms"))
        {
            Throws<CibaDeniedException>(() => begun.Flow.Wait(Patience), "denied");
            Journal("pushed", Started.Append("POST /push -> 204 push_error").ToArray());
            Equal(CibaNotificationKind.Error, Only(begun).Kind, "the kind");
        }
    }
}
