using System;
using System.IO;
using System.Net;
using System.Threading;
using Ciba;

/// <summary>A sign-in in ping mode, with an HttpListener that takes the provider's pings.</summary>
/// <remarks>
/// It belongs behind a server that speaks https: the provider sends to an https URL, which is what the client is
/// registered with (backchannel_client_notification_endpoint).
/// </remarks>
static class NotificationEndpoint
{
    private const int MostBytes = 1 << 20;

    static void Main()
    {
        // {"issuer": "…", "client_id": "desk-7", "backchannel_token_delivery_mode": "ping", …}
        using (var config = new CibaConfig().SetJson(Environment.GetEnvironmentVariable("CIBA_SETTINGS")))
        using (var client = new CibaClient(config))
        using (var listener = new HttpListener())
        {
            listener.Prefixes.Add($"http://127.0.0.1:{Environment.GetEnvironmentVariable("PORT")}/");
            listener.Start();
            new Thread(() => TakeAll(listener, client)) { IsBackground = true }.Start();

            using (var request = new CibaRequest { ["login_hint"] = "alice" })
            using (var flow = client.Init(request)) // the phone rings
            using (var tokens = flow.Wait())        // the ping comes, and the tokens are fetched
                Console.WriteLine($"Hello {tokens.Claim("sub")}");
            lock (listener) // the ping that brought the tokens may still be answered
                listener.Close();
        }
    }

    private static void TakeAll(HttpListener listener, CibaClient client)
    {
        try
        {
            while (true)
            {
                HttpListenerContext context = listener.GetContext();
                lock (listener)
                    Take(context, client);
            }
        }
        catch (Exception e) when (e is HttpListenerException || e is ObjectDisposedException)
        {
            // The program ends.
        }
    }

    private static void Take(HttpListenerContext context, CibaClient client)
    {
        var request = context.Request;
        CibaNotification notification = client.DeliverNotification(
            request.HttpMethod, request.Headers["Authorization"], request.ContentType, Body(request.InputStream));
        context.Response.StatusCode = notification.HttpStatus;
        context.Response.Close();
    }

    private static byte[] Body(Stream stream)
    {
        var part = new byte[4096];
        using (var body = new MemoryStream())
        {
            int count;
            while (body.Length <= MostBytes && (count = stream.Read(part, 0, part.Length)) > 0)
                body.Write(part, 0, count);
            return body.ToArray();
        }
    }
}
