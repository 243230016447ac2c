// Cancellation tokens, at each moment of a flow.
// SPDX-License-Identifier: MIT OR Apache-2.0
using System;
using System.Diagnostics;
using System.Threading;
using System.Threading.Tasks;
using Ciba;
using static Checks;

internal static partial class Tests
{
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
}
