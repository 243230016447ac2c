// SPDX-License-Identifier: MIT OR Apache-2.0
using System;
using System.Runtime.InteropServices;

namespace Ciba
{
    /// <summary>A flow as bytes, to be kept wherever the program keeps its state. Confidential.</summary>
    public sealed class CibaSavedFlow
    {
        private CibaSavedFlow(byte[] bytes, long revision)
        {
            Bytes = bytes;
            Revision = revision;
        }

        /// <summary>The bytes, for <see cref="CibaClient.Resume"/>. Confidential.</summary>
        public byte[] Bytes { get; }

        /// <summary>
        /// Higher with each save of the flow, also after it was resumed elsewhere: a store that replaces a row only if
        /// the new number is higher never goes back.
        /// </summary>
        public long Revision { get; }

        /// <summary>Copies a saved flow, and frees it.</summary>
        internal static CibaSavedFlow Take(IntPtr saved)
        {
            try
            {
                var pointer = Native.ciba_saved_flow_bytes(saved, out UIntPtr length);
                var bytes = new byte[checked((int)length)];
                Marshal.Copy(pointer, bytes, 0, bytes.Length);
                return new CibaSavedFlow(bytes, Native.ciba_saved_flow_revision(saved));
            }
            finally
            {
                Native.ciba_saved_flow_free(saved);
            }
        }
    }
}
