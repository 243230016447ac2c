// SPDX-License-Identifier: MIT OR Apache-2.0
using System;

namespace Ciba
{
    /// <summary>What is asked of whom, by parameter name: <see cref="CibaParameter"/> lists the names.</summary>
    /// <example><code>new CibaRequest { ["login_hint"] = "+4799988777" }</code></example>
    /// <remarks>It may be used for several flows, by any thread.</remarks>
    public sealed unsafe class CibaRequest : IDisposable
    {
        private readonly RequestHandle handle;

        /// <summary>A request with nothing in it.</summary>
        /// <exception cref="CibaLibraryException">The native library is missing, or of another version.</exception>
        public CibaRequest()
        {
            CibaLibrary.Check();
            handle = new RequestHandle(Native.ciba_request_new());
        }

        /// <summary>Sets one parameter, as <see cref="Set"/> does.</summary>
        /// <param name="name">The parameter's name.</param>
        public string this[string name]
        {
            set { Set(name, value); }
        }

        /// <summary>Sets one parameter; an empty value takes it back. A value that is refused changes nothing.</summary>
        /// <param name="name">The parameter's name, one of <see cref="CibaParameter"/>.</param>
        /// <param name="value">The value, as text.</param>
        /// <returns>This request.</returns>
        /// <exception cref="CibaUsageException">There is no such parameter, or the value is not of its form.</exception>
        /// <exception cref="ArgumentException">A text is null, or no valid Unicode.</exception>
        /// <exception cref="ObjectDisposedException">This request is disposed.</exception>
        public CibaRequest Set(string name, string value)
        {
            byte[] nameBytes = Utf8.Bytes(name, nameof(name)), valueBytes = Utf8.Bytes(value, nameof(value));
            try
            {
                using (var request = Use())
                fixed (byte* n = nameBytes, v = valueBytes)
                    CibaException.Check(Native.ciba_request_set(request.Pointer, n, v, out IntPtr error), error);
            }
            finally
            {
                Utf8.Wipe(valueBytes);
            }
            return this;
        }

        /// <summary>Sets every parameter that a JSON object names: all of them or, on an error, none.</summary>
        /// <param name="json">The JSON object.</param>
        /// <returns>This request.</returns>
        /// <exception cref="CibaUsageException">It is no JSON object, or as for <see cref="Set"/>.</exception>
        /// <exception cref="ArgumentException">The text is null, or no valid Unicode.</exception>
        /// <exception cref="ObjectDisposedException">This request is disposed.</exception>
        public CibaRequest SetJson(string json)
        {
            byte[] bytes = Utf8.Bytes(json, nameof(json));
            try
            {
                using (var request = Use())
                fixed (byte* text = bytes)
                    CibaException.Check(Native.ciba_request_set_json(request.Pointer, text, out IntPtr error), error);
            }
            finally
            {
                Utf8.Wipe(bytes);
            }
            return this;
        }

        /// <summary>
        /// Makes a short code by the rule of the client's provider and sets it as binding_message;
        /// <see cref="CibaFlow.BindingMessage"/> tells it.
        /// </summary>
        /// <param name="client">Who is going to be asked. Where its rule depends on acr_values, these are set before.</param>
        /// <returns>This request.</returns>
        /// <exception cref="CibaUsageException">The provider takes no binding_message.</exception>
        /// <exception cref="ArgumentNullException">The client is null.</exception>
        /// <exception cref="ObjectDisposedException">This request or the client is disposed.</exception>
        public CibaRequest SetBindingCode(CibaClient client)
        {
            if (client == null)
                throw new ArgumentNullException(nameof(client));
            using (var request = Use())
            using (var asked = client.Use())
                CibaException.Check(
                    Native.ciba_request_set_binding_code(request.Pointer, asked.Pointer, out IntPtr error), error);
            return this;
        }

        /// <summary>Frees the request. Flows keep what they need of it.</summary>
        public void Dispose()
        {
            handle.Dispose();
        }

        internal InUse Use()
        {
            return new InUse(handle, nameof(CibaRequest));
        }
    }
}
