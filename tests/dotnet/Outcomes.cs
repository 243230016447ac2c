// What a flow ends with, and when a call returns.
// SPDX-License-Identifier: MIT OR Apache-2.0
using System;
using System.Linq;
using System.Threading.Tasks;
using Ciba;
using static Checks;

internal static partial class Tests
{
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

    private static void VersionAndNames()
    {
        Check(CibaLibrary.Version.Split('.').Length == 3, "the version");
        Equal("CIBA_DENIED", CibaLibrary.StatusName(CibaStatus.Denied), "a name");
        Equal("the person denied", CibaLibrary.StatusText(CibaStatus.Denied), "a text");
        Equal("?", CibaLibrary.StatusName((CibaStatus)4711), "no name");
    }
}
