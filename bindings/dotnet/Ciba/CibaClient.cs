// SPDX-License-Identifier: MIT OR Apache-2.0
using System;
using System.Threading;
using System.Threading.Tasks;

namespace Ciba
{
    /// <summary>A client of one provider. Any number of threads may use it at once; one is enough for a program.</summary>
    public sealed unsafe partial class CibaClient : IDisposable
    {
        private readonly ClientHandle handle;

        /// <summary>Makes a client from settings. No request is made: see <see cref="Check()"/>.</summary>
        /// <param name="config">The settings; later changes to them do not reach the client.</param>
        /// <exception cref="CibaUsageException">A setting is missing or wrong, or a file of one cannot be read.</exception>
        /// <exception cref="ArgumentNullException">The settings are null.</exception>
        /// <exception cref="ObjectDisposedException">The settings are disposed.</exception>
        public CibaClient(CibaConfig config)
        {
            if (config == null)
                throw new ArgumentNullException(nameof(config));
            using (var settings = config.Use())
            {
                CibaException.Check(
                    Native.ciba_client_new(settings.Pointer, out IntPtr client, out IntPtr error), error);
                handle = new ClientHandle(client);
            }
        }

        /// <summary>Fetches the provider's metadata and keys: a trial of the settings that rings nobody.</summary>
        /// <exception cref="CibaDiscoveryException">They could not be had, or are wrong.</exception>
        /// <exception cref="ObjectDisposedException">The client is disposed.</exception>
        public void Check()
        {
            Check(Timeout.InfiniteTimeSpan);
        }

        /// <summary>The same, at most so long.</summary>
        /// <param name="timeout">How long to wait; zero does not wait.</param>
        /// <returns>False when the time is up: it goes on in the background, ask again.</returns>
        /// <exception cref="CibaDiscoveryException">They could not be had, or are wrong.</exception>
        /// <exception cref="ArgumentOutOfRangeException">The timeout is negative.</exception>
        /// <exception cref="ObjectDisposedException">The client is disposed.</exception>
        public bool Check(TimeSpan timeout)
        {
            long ms = Times.Milliseconds(timeout);
            using (var client = Use())
                return CibaException.IsDone(Native.ciba_client_check(client.Pointer, ms, out IntPtr error), error);
        }

        /// <summary>Starts an authentication and waits for the provider's acknowledgement. The phone then rings.</summary>
        /// <param name="request">What is asked of whom.</param>
        /// <returns>The flow.</returns>
        /// <exception cref="CibaUsageException">The request breaks a rule; nothing was sent.</exception>
        /// <exception cref="CibaTransportException">Nothing was sent, or (StartUnknown) the answer was lost.</exception>
        /// <exception cref="CibaProviderException">The provider refused.</exception>
        /// <exception cref="CibaDiscoveryException">The provider's endpoints could not be found.</exception>
        /// <exception cref="ArgumentNullException">The request is null.</exception>
        /// <exception cref="ObjectDisposedException">The client or the request is disposed.</exception>
        public CibaFlow Init(CibaRequest request)
        {
            return Init(request, Timeout.InfiniteTimeSpan);
        }

        /// <summary>
        /// The same; waits at most so long. The flow is returned also where that is not enough: nothing is lost,
        /// <see cref="CibaFlow.Wait()"/> waits on. With zero it is here at once, for another thread to cancel.
        /// </summary>
        /// <param name="request">What is asked of whom.</param>
        /// <param name="timeout">How long to wait; zero does not wait.</param>
        /// <returns>The flow.</returns>
        /// <exception cref="CibaException">As for <see cref="Init(CibaRequest)"/>.</exception>
        /// <exception cref="ArgumentNullException">The request is null.</exception>
        /// <exception cref="ArgumentOutOfRangeException">The timeout is negative.</exception>
        /// <exception cref="ObjectDisposedException">The client or the request is disposed.</exception>
        public CibaFlow Init(CibaRequest request, TimeSpan timeout)
        {
            if (request == null)
                throw new ArgumentNullException(nameof(request));
            long ms = Times.Milliseconds(timeout);
            using (var client = Use())
            using (var parameters = request.Use())
            {
                FlowDriver.Prepare(client);
                int status = Native.ciba_init(
                    client.Pointer, parameters.Pointer, ms, out IntPtr started, out IntPtr error);
                var flow = new CibaFlow(started);
                try
                {
                    CibaException.IsDone(status, error);
                }
                catch
                {
                    flow.Dispose();
                    throw;
                }
                return flow;
            }
        }

        /// <summary>Starts an authentication; completes when the provider has acknowledged it.</summary>
        /// <remarks>No thread waits meanwhile. Cancelled, it gives the authentication up, at the provider too.</remarks>
        /// <param name="request">What is asked of whom.</param>
        /// <param name="cancellationToken">Gives up at once.</param>
        /// <returns>The flow; or one of the exceptions of <see cref="Init(CibaRequest)"/>.</returns>
        /// <exception cref="ArgumentNullException">The request is null.</exception>
        /// <exception cref="ObjectDisposedException">The client or the request is disposed.</exception>
        public Task<CibaFlow> InitAsync(
            CibaRequest request, CancellationToken cancellationToken = default(CancellationToken))
        {
            if (cancellationToken.IsCancellationRequested)
                return Task.FromCanceled<CibaFlow>(cancellationToken); // and nothing is sent
            CibaFlow flow;
            try
            {
                flow = Init(request, TimeSpan.Zero);
            }
            catch (CibaException e)
            {
                return Task.FromException<CibaFlow>(e);
            }
            return new StartWait(flow, cancellationToken).Begin();
        }

        /// <summary>
        /// Goes on with a saved flow, saved by this or another process, machine or version. By itself it asks for the provider's keys alone.
        /// </summary>
        /// <remarks>
        /// A flow that was saved before its acknowledgement is not started again: its wait says StartUnknown. One that
        /// expired meanwhile has its outcome.
        /// </remarks>
        /// <param name="bytes">What <see cref="CibaSavedFlow.Bytes"/> gave.</param>
        /// <param name="context">The text that it was saved with.</param>
        /// <returns>The flow.</returns>
        /// <exception cref="CibaSavedFlowException">The bytes are not good, or not for this client or context.</exception>
        /// <exception cref="ArgumentException">Something is null, or no valid Unicode.</exception>
        /// <exception cref="ObjectDisposedException">The client is disposed.</exception>
        public CibaFlow Resume(byte[] bytes, string context)
        {
            if (bytes == null)
                throw new ArgumentNullException(nameof(bytes));
            byte[] contextBytes = Utf8.Bytes(context, nameof(context));
            var some = bytes.Length > 0 ? bytes : new byte[1]; // of nothing there is no address
            using (var client = Use())
            fixed (byte* saved = some, text = contextBytes)
            {
                FlowDriver.Prepare(client);
                int status = Native.ciba_flow_resume(
                    client.Pointer, saved, (UIntPtr)bytes.Length, text, out IntPtr flow, out IntPtr error);
                CibaException.Check(status, error);
                return new CibaFlow(flow);
            }
        }

        /// <summary>
        /// Takes a request that has come to the client's notification endpoint, in ping and push mode, from whatever HTTP
        /// server received it. It never waits.
        /// </summary>
        /// <remarks>
        /// Answer with <see cref="CibaNotification.HttpStatus"/>, whatever it is. A ping has the provider asked at once for a
        /// flow that somebody waits for; what a push brings is verified, and the flow then has its outcome.
        /// </remarks>
        /// <param name="method">The HTTP method.</param>
        /// <param name="authorization">The header of this name; null where there is none.</param>
        /// <param name="contentType">The header Content-Type; null where there is none.</param>
        /// <param name="body">The body's bytes.</param>
        /// <returns>What became of it.</returns>
        /// <exception cref="ArgumentNullException">The method or the body is null.</exception>
        /// <exception cref="ObjectDisposedException">The client is disposed.</exception>
        public CibaNotification DeliverNotification(string method, string authorization, string contentType, byte[] body)
        {
            if (body == null)
                throw new ArgumentNullException(nameof(body));
            byte[] methodBytes = Utf8.Bytes(method, nameof(method));
            byte[] bearer = Header(authorization), type = Header(contentType);
            var some = body.Length > 0 ? body : new byte[1]; // of nothing there is no address
            using (var client = Use())
            fixed (byte* methodText = methodBytes, authorizationText = bearer, typeText = type, bytes = some)
            {
                int status = Native.ciba_notification_deliver(
                    client.Pointer, methodText, authorizationText, typeText, bytes, (UIntPtr)body.Length,
                    out IntPtr notification, out IntPtr error);
                CibaException.Check(status, error);
                return CibaNotification.Take(notification);
            }
        }

        /// <summary>A header as C wants it. It comes from anybody: one that is no text is none.</summary>
        private static byte[] Header(string text)
        {
            try
            {
                return text == null ? null : Utf8.Bytes(text, nameof(text));
            }
            catch (ArgumentException)
            {
                return null;
            }
        }

        /// <summary>Frees the client. Flows that it started go on.</summary>
        public void Dispose()
        {
            handle.Dispose();
        }

        internal InUse Use()
        {
            return new InUse(handle, nameof(CibaClient));
        }
    }
}
