// SPDX-License-Identifier: MIT OR Apache-2.0
using System;
using System.Text;

namespace Ciba
{
    /// <summary>Texts on their way in and out.</summary>
    internal static unsafe class Utf8
    {
        private static readonly UTF8Encoding Strict = new UTF8Encoding(false, true);

        /// <summary>The text as C wants it. Who calls wipes it after use: it may be a secret.</summary>
        internal static byte[] Bytes(string text, string parameter)
        {
            if (text == null)
                throw new ArgumentNullException(parameter);
            if (text.IndexOf('\0') >= 0)
                throw new ArgumentException("The text holds a NUL character.", parameter);
            try
            {
                var bytes = new byte[Strict.GetByteCount(text) + 1];
                Strict.GetBytes(text, 0, text.Length, bytes, 0);
                return bytes;
            }
            catch (EncoderFallbackException) // its message would show a part of the text
            {
                throw new ArgumentException("The text holds half of a surrogate pair: it is no valid Unicode.", parameter);
            }
        }

        internal static void Wipe(byte[] bytes)
        {
            Array.Clear(bytes, 0, bytes.Length);
        }

        /// <summary>A text that ends with NUL; null for NULL.</summary>
        internal static string Text(IntPtr pointer)
        {
            if (pointer == IntPtr.Zero)
                return null;
            var bytes = (byte*)pointer;
            int length = 0;
            while (bytes[length] != 0)
                ++length;
            return Encoding.UTF8.GetString(bytes, length);
        }

        /// <summary>A text of this many bytes; null for NULL.</summary>
        internal static string Text(IntPtr pointer, UIntPtr length)
        {
            return pointer == IntPtr.Zero ? null : Encoding.UTF8.GetString((byte*)pointer, checked((int)length));
        }
    }
}
