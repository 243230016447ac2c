// The .NET binding against a provider on this machine; tests/dotnet/run says how.
// SPDX-License-Identifier: MIT OR Apache-2.0
using System;
using System.Linq;
using System.Threading;
using Ciba;
using static Checks;

internal static partial class Tests
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
}
