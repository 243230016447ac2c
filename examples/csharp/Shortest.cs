using System;
using Ciba;

static class Shortest
{
    static void Main()
    {
        // {"provider": "telenor-test", "client_id": "desk-7", "client_secret": "…"}
        using (var config = new CibaConfig().SetJson(Environment.GetEnvironmentVariable("CIBA_SETTINGS")))
        using (var client = new CibaClient(config))
        using (var request = new CibaRequest { ["login_hint"] = "+4799988791" })
        using (var flow = client.Init(request)) // the phone rings
        using (var tokens = flow.Wait())        // the person approves
            Console.WriteLine($"Hello {tokens.Claim("given_name")}");
    }
}
