// SPDX-License-Identifier: MIT OR Apache-2.0
// What poll.c and poll_ciba.c are, for the .NET binding: prints the same lines.
using System;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using Ciba;

internal static class PollCiba
{
    private const int Monotonic = 1, OfTheProcess = 2; // Linux's numbers

    private static void Main()
    {
        var config = new CibaConfig
        {
            ["provider"] = "signaturgruppen",
            ["issuer"] = Needed("CIBA_SIM_ISSUER"),
            ["client_id"] = Needed("CIBA_SIM_CLIENT_ID"),
            ["client_secret"] = Needed("CIBA_SIM_CLIENT_SECRET"),
            ["ca_file"] = Needed("CIBA_SIM_CA_FILE"),
        };
        var request = new CibaRequest
        {
            ["login_hint_token.uuid"] = "8a9856e0-f12d-4217-b320-c8a076be9320",
            ["login_hint_token.ip"] = "127.0.0.1",
            ["login_hint_token.referenceTextBody"] = "never",
        };
        using (config)
        using (request)
        using (var client = new CibaClient(config))
        using (var flow = client.Init(request, TimeSpan.FromSeconds(30)))
        {
            Tell("ready", "1");
            string line;
            while ((line = Console.ReadLine()) != null)
                Round(flow, int.Parse(line));
        }
    }

    private static void Round(CibaFlow flow, int count)
    {
        if (count == 0)
        {
            string rss = File.ReadLines("/proc/self/smaps_rollup").First(l => l.StartsWith("Rss:", StringComparison.Ordinal));
            Tell("resident_kb", new string(rss.Where(char.IsDigit).ToArray()));
            var tasks = Directory.GetDirectories("/proc/self/task");
            Tell("threads", "[" + string.Join(", ", tasks.Select(t => '"' + File.ReadAllText(t + "/comm").Trim() + '"')) + "]");
            return;
        }
        var times = new long[count];
        long cpu = Nanoseconds(OfTheProcess);
        for (int i = 0; i < count; i++)
        {
            long began = Nanoseconds(Monotonic);
            if (flow.Step() != null)
                throw new InvalidOperationException("tokens in place of nothing");
            times[i] = Nanoseconds(Monotonic) - began;
        }
        cpu = Nanoseconds(OfTheProcess) - cpu;
        Tell("times", "[" + string.Join(", ", times) + "]");
        Tell("cpu", cpu.ToString());
    }

    private static string Needed(string name)
    {
        return Environment.GetEnvironmentVariable(name) ?? throw new InvalidOperationException(name + " is not set");
    }

    private static void Tell(string name, string json)
    {
        Console.WriteLine("{\"" + name + "\": " + json + "}");
        Console.Out.Flush();
    }

    private static long Nanoseconds(int clock)
    {
        if (clock_gettime(clock, out Time time) != 0)
            throw new InvalidOperationException("no such clock");
        return (long)time.Seconds * 1000000000 + (long)time.Nanoseconds;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Time
    {
        public IntPtr Seconds, Nanoseconds;
    }

    [DllImport("libc")]
    private static extern int clock_gettime(int clock, out Time time);
}
