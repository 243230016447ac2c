// SPDX-License-Identifier: MIT OR Apache-2.0
using System;
using System.Runtime.InteropServices;

namespace Ciba
{
    /// <summary>The settings of a client, by name: <see cref="CibaSetting"/> lists the names.</summary>
    /// <example><code>new CibaConfig { ["provider"] = "telenor-test", ["client_id"] = "desk-7" }</code></example>
    /// <remarks>Any thread may use it.</remarks>
    public sealed unsafe class CibaConfig : IDisposable
    {
        // Kept alive as long as the library may call them: for ever.
        private static readonly Native.LogCallback Log = OnLog;
        private static readonly Native.SignerCallback Signer = OnSign;

        private static readonly Native.ReleaseCallback Release = OnRelease;
        private static readonly IntPtr LogPointer = Marshal.GetFunctionPointerForDelegate(Log);
        private static readonly IntPtr SignerPointer = Marshal.GetFunctionPointerForDelegate(Signer);
        private static readonly IntPtr ReleasePointer = Marshal.GetFunctionPointerForDelegate(Release);

        // A signer is called inside the very call that then fails.
        [ThreadStatic] private static Exception thrownBySigner;

        private readonly ConfigHandle handle;

        /// <summary>Settings with nothing set.</summary>
        /// <exception cref="CibaLibraryException">The native library is missing, or of another version.</exception>
        public CibaConfig()
        {
            CibaLibrary.Check();
            handle = new ConfigHandle(Native.ciba_config_new());
        }

        /// <summary>Sets one setting, as <see cref="Set"/> does.</summary>
        /// <param name="name">The setting's name.</param>
        public string this[string name]
        {
            set { Set(name, value); }
        }

        /// <summary>Sets one setting; an empty value takes it back. A value that is refused changes nothing.</summary>
        /// <param name="name">The setting's name, one of <see cref="CibaSetting"/>.</param>
        /// <param name="value">The value, as text.</param>
        /// <returns>These settings.</returns>
        /// <exception cref="CibaUsageException">There is no such setting, or the value is not of its form.</exception>
        /// <exception cref="ArgumentException">A text is null, or no valid Unicode.</exception>
        /// <exception cref="ObjectDisposedException">These settings are disposed.</exception>
        public CibaConfig Set(string name, string value)
        {
            byte[] nameBytes = Utf8.Bytes(name, nameof(name)), valueBytes = Utf8.Bytes(value, nameof(value));
            try
            {
                using (var config = Use())
                fixed (byte* n = nameBytes, v = valueBytes)
                    CibaException.Check(Native.ciba_config_set(config.Pointer, n, v, out IntPtr error), error);
            }
            finally
            {
                Utf8.Wipe(valueBytes);
            }
            return this;
        }

        /// <summary>Sets every setting that a JSON object names: all of them or, on an error, none.</summary>
        /// <param name="json">The JSON object, for example the text of a file.</param>
        /// <returns>These settings.</returns>
        /// <exception cref="CibaUsageException">It is no JSON object, or as for <see cref="Set"/>.</exception>
        /// <exception cref="ArgumentException">The text is null, or no valid Unicode.</exception>
        /// <exception cref="ObjectDisposedException">These settings are disposed.</exception>
        public CibaConfig SetJson(string json)
        {
            byte[] bytes = Utf8.Bytes(json, nameof(json));
            try
            {
                using (var config = Use())
                fixed (byte* text = bytes)
                    CibaException.Check(Native.ciba_config_set_json(config.Pointer, text, out IntPtr error), error);
            }
            finally
            {
                Utf8.Wipe(bytes);
            }
            return this;
        }

        /// <summary>Sends log events to a delegate, beside the file that the setting log_file names and those that were given before.</summary>
        /// <remarks>
        /// It is called by threads that are inside a call of a client or flow, and by the one that drives awaited
        /// flows; one event at a time. What it throws is dropped: a log ends no sign-in. It is let go when these
        /// settings and every client and flow made from them are disposed of or collected.
        /// </remarks>
        /// <param name="level">The least important events that are sent.</param>
        /// <param name="log">What is called.</param>
        /// <returns>These settings.</returns>
        /// <exception cref="CibaUsageException">There is no such level.</exception>
        /// <exception cref="ArgumentNullException">The delegate is null.</exception>
        /// <exception cref="ObjectDisposedException">These settings are disposed.</exception>
        public CibaConfig SetLog(CibaLogLevel level, Action<CibaLogEvent> log)
        {
            if (log == null)
                throw new ArgumentNullException(nameof(log));
            using (var config = Use())
            {
                // Given away with the call: released also where it fails.
                var userdata = GCHandle.ToIntPtr(GCHandle.Alloc(log));
                CibaException.Check(
                    Native.ciba_config_set_log(
                        config.Pointer, (int)level, LogPointer, userdata, ReleasePointer, out IntPtr error),
                    error);
            }
            return this;
        }

        /// <summary>
        /// Has a delegate sign with the client's private key, which the library never sees, in place of
        /// client_private_key: that of a smart card, an HSM, the Windows store, a cloud's key service.
        /// </summary>
        /// <remarks>
        /// It is called by threads that are inside a call, and by the one that drives awaited flows, which a slow
        /// signature then holds up; several at once perhaps. It gives the signature as JWS has it: what
        /// <c>ECDsa.SignData</c> and <c>RSA.SignData</c> give. What it throws, or null: it cannot sign, and nothing is
        /// sent (<see cref="CibaStatus.SignerFailed"/>): a start fails, with what was thrown as the
        /// <see cref="Exception.InnerException"/>, a poll is tried again at the next interval. It
        /// must make no call that may wait. It is let go when these settings and every client and flow made from
        /// them are disposed of or collected.
        /// </remarks>
        /// <param name="signer">What is called.</param>
        /// <returns>These settings.</returns>
        /// <exception cref="ArgumentNullException">The delegate is null.</exception>
        /// <exception cref="ObjectDisposedException">These settings are disposed.</exception>
        public CibaConfig SetSigner(Func<CibaSigningInput, byte[]> signer)
        {
            if (signer == null)
                throw new ArgumentNullException(nameof(signer));
            using (var config = Use())
            {
                // Given away with the call: released also where it fails.
                var userdata = GCHandle.ToIntPtr(GCHandle.Alloc(signer));
                CibaException.Check(
                    Native.ciba_config_set_signer(
                        config.Pointer, SignerPointer, userdata, ReleasePointer, out IntPtr error),
                    error);
            }
            return this;
        }

        /// <summary>Frees the settings. Clients that were made from them keep what they need.</summary>
        public void Dispose()
        {
            handle.Dispose();
        }

        internal InUse Use()
        {
            return new InUse(handle, nameof(CibaConfig));
        }

        private static void OnLog(IntPtr userdata, int level, byte* name, byte* text, byte* correlation, long unixMs)
        {
            try
            {
                var log = (Action<CibaLogEvent>)GCHandle.FromIntPtr(userdata).Target;
                log(new CibaLogEvent(
                    (CibaLogLevel)level, Utf8.Text((IntPtr)name), Utf8.Text((IntPtr)text),
                    Utf8.Text((IntPtr)correlation), Times.Date(unixMs).GetValueOrDefault()));
            }
            catch (Exception) // must not cross the border to C
            {
            }
        }

        private static int OnSign(
            IntPtr userdata, byte* algorithm, byte* keyId, byte* input, UIntPtr inputLength, byte* signature, UIntPtr room,
            out UIntPtr signatureLength)
        {
            signatureLength = UIntPtr.Zero;
            thrownBySigner = null;
            try
            {
                var signer = (Func<CibaSigningInput, byte[]>)GCHandle.FromIntPtr(userdata).Target;
                var bytes = new byte[(int)inputLength];
                Marshal.Copy((IntPtr)input, bytes, 0, bytes.Length);
                byte[] made = signer(new CibaSigningInput(Utf8.Text((IntPtr)algorithm), Utf8.Text((IntPtr)keyId), bytes));
                if (made == null)
                    return 1;
                if ((ulong)made.Length > (ulong)room)
                    return 3;
                Marshal.Copy(made, 0, (IntPtr)signature, made.Length);
                signatureLength = (UIntPtr)made.Length;
                return 0;
            }
            catch (Exception e) // must not cross the border to C
            {
                thrownBySigner = e;
                return 2;
            }
        }

        /// <summary>What the last signer threw that was called by this thread; once.</summary>
        internal static Exception TakeThrownBySigner()
        {
            var thrown = thrownBySigner;
            thrownBySigner = null;
            return thrown;
        }

        private static void OnRelease(IntPtr userdata)
        {
            GCHandle.FromIntPtr(userdata).Free();
        }
    }

    /// <summary>What a signer signs.</summary>
    public sealed class CibaSigningInput
    {
        private readonly byte[] bytes;

        internal CibaSigningInput(string algorithm, string keyId, byte[] bytes)
        {
            Algorithm = algorithm;
            KeyId = keyId;
            this.bytes = bytes;
        }

        /// <summary>The algorithm, as in JWS: "ES256" for example.</summary>
        public string Algorithm { get; }

        /// <summary>
        /// Which key. That of the client: the setting client_key_id; null: it is not set. That of DPoP proofs: the kid
        /// of the setting dpop_public_key or, where it has none, its thumbprint (RFC 7638).
        /// </summary>
        public string KeyId { get; }

        /// <summary>The bytes that are signed, not hashed yet.</summary>
        /// <returns>The bytes.</returns>
        public byte[] GetBytes()
        {
            return (byte[])bytes.Clone();
        }
    }

    /// <summary>How important a log event is.</summary>
    public enum CibaLogLevel
    {
        /// <summary>Something failed for good.</summary>
        Error = 1,
        /// <summary>Something went wrong and is being waited out.</summary>
        Warning = 2,
        /// <summary>A step of a flow: started, acknowledged, ended.</summary>
        Info = 3,
        /// <summary>Every exchange.</summary>
        Debug = 4,
    }

    /// <summary>A log event. No text of it holds a secret, a token, a hint or a phone number.</summary>
    public sealed class CibaLogEvent
    {
        internal CibaLogEvent(CibaLogLevel level, string name, string text, string correlation, DateTimeOffset time)
        {
            Level = level;
            Name = name;
            Text = text;
            Correlation = correlation;
            Time = time;
        }

        /// <summary>How important it is.</summary>
        public CibaLogLevel Level { get; }

        /// <summary>A stable name, for example "poll.slow_down".</summary>
        public string Name { get; }

        /// <summary>One line of text.</summary>
        public string Text { get; }

        /// <summary>The request's "correlation", or "".</summary>
        public string Correlation { get; }

        /// <summary>When it happened.</summary>
        public DateTimeOffset Time { get; }

        /// <summary>The event as one line.</summary>
        /// <returns>The line.</returns>
        public override string ToString()
        {
            return Time.ToString("o") + " " + Level + " " + Name + " [" + Correlation + "] " + Text;
        }
    }
}
