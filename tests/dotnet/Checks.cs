// SPDX-License-Identifier: MIT OR Apache-2.0
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Net;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Ciba;

/// <summary>What the tests check with, and the provider that they ask.</summary>
internal static class Checks
{
    internal const string Uuid = "8a9856e0-f12d-4217-b320-c8a076be9320";
    internal const string WrongSecret = "wrong-secret-J2vN8yTq";

    /// <summary>How long anything may take before it is called hanging.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly StringBuilder Heard = new StringBuilder();
    private static int failures;

    internal static int Failures
    {
        get { return failures; }
    }

    internal static void Check(bool holds, string what)
    {
        if (holds)
            return;
        Interlocked.Increment(ref failures);
        // The line of the test, not of this helper.
        var at = new StackTrace(true).GetFrames().Select(f => f.GetFileLineNumber() + " in " + f.GetMethod().Name).Skip(1);
        Console.WriteLine("FAIL " + what + ", line " + at.First());
    }

    internal static void Equal<T>(T expected, T actual, string what)
    {
        Check(EqualityComparer<T>.Default.Equals(expected, actual), what + ": " + actual + ", not " + expected);
    }

    /// <summary>Every text that the library says is kept, to be searched for secrets.</summary>
    internal static void Hear(object said)
    {
        lock (Heard)
            Heard.AppendLine(said.ToString());
    }

    internal static T Throws<T>(Action action, string what) where T : Exception
    {
        try
        {
            action();
        }
        catch (T e)
        {
            Hear(e);
            Check(e.Message.Length > 10, what + " says what is wrong");
            return e;
        }
        catch (Exception e)
        {
            Hear(e);
            Check(false, what + ": " + e.GetType().Name + ", not " + typeof(T).Name + ": " + e);
            return null;
        }
        Check(false, what + ": no " + typeof(T).Name);
        return null;
    }

    internal static T Status<T>(CibaStatus status, Action action, string what) where T : CibaException
    {
        var e = Throws<T>(action, what);
        if (e != null)
            Equal(status, e.Status, what);
        return e;
    }

    /// <summary>What a task comes to, which must not take for ever.</summary>
    internal static T In<T>(Task<T> task)
    {
        Check(Task.WhenAny(task, Task.Delay(Patience)).Result == task, "a task hangs");
        return task.GetAwaiter().GetResult();
    }

    internal static void Soon(Func<bool> condition, string what)
    {
        var clock = Stopwatch.StartNew();
        while (!condition() && clock.Elapsed < Patience)
            Thread.Sleep(10);
        Check(condition(), what);
    }

    /// <summary>Runs tests, each of which may fail without ending the others.</summary>
    internal static void RunAll(Action[] tests)
    {
        foreach (var test in tests)
        {
            var clock = Stopwatch.StartNew();
            try
            {
                test();
            }
            catch (Exception e)
            {
                Check(false, test.Method.Name + " threw " + e);
            }
            if (Environment.GetEnvironmentVariable("VERBOSE") != null)
                Console.WriteLine("     " + test.Method.Name + " " + clock.ElapsedMilliseconds + " ms");
        }
    }

    /// <summary>Says how many there were; the exit code.</summary>
    internal static int Sum(int tests)
    {
        Console.WriteLine(tests + " tests, " + Failures + " failed checks");
        return Failures == 0 ? 0 : 1;
    }

    internal static void NoTextHoldsASecret()
    {
        string secret = Fact("CLIENT_SECRET"), heard = Heard.ToString();
        Func<string, bool> givesAway = text =>
            new[] { secret, Uuid, WrongSecret, "planted", "eyJ" }.Any(text.Contains);
        Check(secret.Length > 8 && heard.Length > 5000, "there is something to search");
        Check(!givesAway(heard), "a secret is in what the library says");
        Check(givesAway(heard + secret) && givesAway("x eyJhbGciOi y"), "the search finds what is planted");
    }

    // ---- the provider ---------------------------------------------------------------------------

    internal static string Fact(string name)
    {
        return Environment.GetEnvironmentVariable("CIBA_SIM_" + name);
    }

    internal static CibaConfig NewConfig()
    {
        return new CibaConfig
        {
            [CibaSetting.Provider] = "signaturgruppen-test",
            [CibaSetting.Issuer] = Fact("ISSUER"),
            [CibaSetting.ClientId] = Fact("CLIENT_ID"),
            [CibaSetting.ClientSecret] = Fact("CLIENT_SECRET"),
            [CibaSetting.CaFile] = Fact("CA_FILE"),
            [CibaSetting.CaMode] = "replace",
        };
    }

    internal static CibaClient NewClient()
    {
        using (var config = NewConfig())
            return new CibaClient(config);
    }

    /// <summary>What the person is told decides what the person does.</summary>
    internal static CibaRequest NewRequest(string phrase)
    {
        return new CibaRequest
        {
            [CibaParameter.LoginHintTokenUuid] = Uuid,
            [CibaParameter.LoginHintTokenIp] = "127.0.0.1",
            [CibaParameter.LoginHintTokenReferenceTextBody] = phrase,
        };
    }

    internal static CibaFlow NewFlow(string phrase)
    {
        using (var client = NewClient())
        using (var request = NewRequest(phrase))
            return client.Init(request);
    }

    /// <summary>A call of the provider's control interface.</summary>
    internal static string Control(string method, string path, string body = "{}")
    {
        using (var web = new WebClient { Proxy = null })
        {
            string address = Fact("CONTROL") + path;
            return method == "GET" ? web.DownloadString(address) : web.UploadString(address, method, body);
        }
    }

    internal static void Fault(string kind, string fault)
    {
        Control("POST", "/fault", "{\"kind\": \"" + kind + "\", \"fault\": " + fault + "}");
    }

    /// <summary>Forgets the journal so far.</summary>
    internal static void ClearJournal()
    {
        Control("DELETE", "/journal", "");
    }

    /// <summary>The journal has exactly these lines, without their times.</summary>
    internal static void Journal(string what, params string[] expected)
    {
        Func<string[]> lines = () => Control("GET", "/lines").Split('"').Where(line => line.Contains(" -> ")).ToArray();
        // An answer may be on its way still.
        Soon(() => lines().All(line => !line.EndsWith("(open)")), "everything is answered");
        var seen = lines().Select(line => line.Substring(line.IndexOf(' ') + 1)).ToArray();
        Check(seen.SequenceEqual(expected), what + ", the journal: " + string.Join("; ", seen));
    }

    /// <summary>The requests of a start at the provider after the specification's own words.</summary>
    internal static readonly string[] Started =
    {
        "GET /.well-known/openid-configuration -> 200 discovery", "POST /bc-authorize -> 200 ack", "GET /jwks -> 200 jwks",
    };

    internal static CibaConfig NewGenericConfig(string clientId)
    {
        return new CibaConfig
        {
            [CibaSetting.Issuer] = Fact("ISSUER"),
            [CibaSetting.ClientId] = clientId,
            [CibaSetting.CaFile] = Fact("CA_FILE"),
            [CibaSetting.CaMode] = "replace",
        };
    }

    internal static CibaRequest NewGenericRequest(string phrase)
    {
        return new CibaRequest { [CibaParameter.LoginHint] = "alice", [CibaParameter.BindingMessage] = phrase };
    }

    /// <summary>How many requests the provider has seen whose line of the journal holds this.</summary>
    internal static int Requests(string text)
    {
        return Control("GET", "/lines").Split('"').Count(line => line.Contains(text));
    }
}
