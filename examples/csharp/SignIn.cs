// Signs a person in, and shows what happens.
//
//   CIBA_CLIENT_SECRET=… sign_in SETTING=VALUE… -- PARAMETER=VALUE…
//
// for example
//
//   sign_in provider=telenor-test client_id=desk-7 -- login_hint=+4799988777
//
// CibaSetting and CibaParameter list the settings and the request's parameters. Ctrl-C gives up.
// Exit code: 0 approved, 1 error, 2 denied, 3 expired, 130 given up.
//
// SPDX-License-Identifier: MIT OR Apache-2.0
using System;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Ciba;

internal static class SignIn
{
    private const int Approved = 0, Failed = 1, Denied = 2, Expired = 3, GivenUp = 130;

    private static int Main(string[] words)
    {
        if (words.Length == 0)
        {
            Say("usage: CIBA_CLIENT_SECRET=... sign_in SETTING=VALUE... -- PARAMETER=VALUE...");
            return Failed;
        }
        try
        {
            return RunAsync(words).GetAwaiter().GetResult();
        }
        catch (CibaException e)
        {
            return Fail(e.Status, e.Message);
        }
        catch (ArgumentException e)
        {
            return Fail(CibaStatus.MissingArgument, e.Message);
        }
    }

    private static async Task<int> RunAsync(string[] words)
    {
        using (var config = new CibaConfig())
        using (var request = new CibaRequest())
        using (var giveUp = new CancellationTokenSource())
        {
            // Others on this machine can read a command line: the secret is better in the environment.
            config.Set(CibaSetting.ClientSecret, Environment.GetEnvironmentVariable("CIBA_CLIENT_SECRET") ?? "");
            SetAll(words.TakeWhile(word => word != "--"), (name, value) => config.Set(name, value));
            SetAll(words.SkipWhile(word => word != "--").Skip(1), (name, value) => request.Set(name, value));

            Console.CancelKeyPress += (sender, e) =>
            {
                e.Cancel = !giveUp.IsCancellationRequested; // a second Ctrl-C ends the program at once
                giveUp.Cancel();
            };
            using (var client = new CibaClient(config))
            // With timeout zero the flow is here at once: Ctrl-C works while the request is on its way, too.
            using (var flow = client.Init(request, TimeSpan.Zero))
            {
                Say("The request is sent.");
                return await WaitAsync(flow, giveUp.Token).ConfigureAwait(false);
            }
        }
    }

    private static async Task<int> WaitAsync(CibaFlow flow, CancellationToken giveUp)
    {
        try
        {
            using (var tokens = await flow.WaitAsync(new Display(), giveUp).ConfigureAwait(false))
            {
                Say("Approved. These claims have been verified:");
                PrintClaims(tokens);
                return Approved;
            }
        }
        catch (CibaDeniedException)
        {
            Say("Denied.");
            return Denied;
        }
        catch (CibaExpiredException)
        {
            Say("Nobody answered in time.");
            return Expired;
        }
        catch (OperationCanceledException)
        {
            if (!IsTold(flow))
                Say("The provider could not be told: the phone may go on ringing.");
            Say("Given up.");
            return GivenUp;
        }
    }

    /// <summary>Waits a little for the provider to take note, since this program is about to end.</summary>
    private static bool IsTold(CibaFlow flow)
    {
        try
        {
            return flow.Cancel(TimeSpan.FromSeconds(5));
        }
        catch (CibaException)
        {
            return false;
        }
    }

    private static void SetAll(System.Collections.Generic.IEnumerable<string> words, Action<string, string> set)
    {
        foreach (string word in words)
        {
            int equals = word.IndexOf('=');
            if (equals < 0)
                throw new ArgumentException("a word is not of the form NAME=VALUE");
            set(word.Substring(0, equals), word.Substring(equals + 1));
        }
    }

    private static void PrintClaims(CibaTokens tokens)
    {
        foreach (var claim in tokens.Claims)
            Console.WriteLine("  {0,-23} {1}", Printable(claim.Key), Printable(claim.Value));
    }

    /// <summary>Nothing from outside may steer the terminal.</summary>
    private static string Printable(string text)
    {
        return string.Concat(text.Select(c => char.IsControl(c) ? '?' : c));
    }

    private static void Say(string text)
    {
        Console.Error.WriteLine(text);
    }

    private static int Fail(CibaStatus status, string message)
    {
        Say("sign_in: " + CibaLibrary.StatusName(status) + ": " + message);
        return Failed;
    }

    /// <summary>Told when something has changed, and about once a second.</summary>
    private sealed class Display : IProgress<CibaProgress>
    {
        private CibaStage stage;
        private long polls;

        public void Report(CibaProgress progress)
        {
            if (progress.Stage == CibaStage.Pending && stage < CibaStage.Pending)
                Say("The phone rings. Ctrl-C gives up.");
            else if (progress.Stage == CibaStage.Pending && progress.Polls > polls)
                Say("  not yet; " + (int)progress.ExpiresIn.GetValueOrDefault().TotalSeconds + " s left");
            else if (progress.Stage == CibaStage.Verifying && stage < CibaStage.Verifying)
                Say("Answered. The tokens are being verified.");
            stage = progress.Stage;
            polls = progress.Polls;
        }
    }
}
