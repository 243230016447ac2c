// SPDX-License-Identifier: MIT OR Apache-2.0
using System;
using System.Runtime.InteropServices;

namespace Ciba
{
    /// <summary>A handle of ciba.h. Handles may be freed in any order and on any thread, the finalizer's too.</summary>
    internal abstract class NativeHandle : SafeHandle
    {
        private volatile bool isDisposed;

        protected NativeHandle(IntPtr pointer) : base(IntPtr.Zero, true)
        {
            SetHandle(pointer);
        }

        public override bool IsInvalid
        {
            get { return handle == IntPtr.Zero; }
        }

        /// <summary>At once; <see cref="SafeHandle.IsClosed"/> only when nobody uses it any more.</summary>
        internal bool IsDisposed
        {
            get { return isDisposed; }
        }

        protected override void Dispose(bool disposing)
        {
            isDisposed = true;
            base.Dispose(disposing);
        }
    }

    internal sealed class ConfigHandle : NativeHandle
    {
        internal ConfigHandle(IntPtr pointer) : base(pointer) { }

        protected override bool ReleaseHandle()
        {
            Native.ciba_config_free(handle);
            return true;
        }
    }

    internal sealed class ClientHandle : NativeHandle
    {
        internal ClientHandle(IntPtr pointer) : base(pointer) { }

        protected override bool ReleaseHandle()
        {
            Native.ciba_client_free(handle);
            return true;
        }
    }

    internal sealed class RequestHandle : NativeHandle
    {
        internal RequestHandle(IntPtr pointer) : base(pointer) { }

        protected override bool ReleaseHandle()
        {
            Native.ciba_request_free(handle);
            return true;
        }
    }

    internal sealed class FlowHandle : NativeHandle
    {
        internal FlowHandle(IntPtr pointer) : base(pointer) { }

        protected override bool ReleaseHandle()
        {
            Native.ciba_free(handle);
            return true;
        }
    }

    internal sealed class TokensHandle : NativeHandle
    {
        internal TokensHandle(IntPtr pointer) : base(pointer) { }

        protected override bool ReleaseHandle()
        {
            Native.ciba_tokens_free(handle);
            return true;
        }
    }

    internal sealed class AnswerHandle : NativeHandle
    {
        internal AnswerHandle(IntPtr pointer) : base(pointer) { }

        protected override bool ReleaseHandle()
        {
            Native.ciba_answer_free(handle);
            return true;
        }
    }

    /// <summary>A handle in use: whoever disposes of it meanwhile, it is freed after this.</summary>
    internal struct InUse : IDisposable
    {
        private readonly NativeHandle handle;

        internal InUse(NativeHandle handle, string owner)
        {
            bool isHeld = false;
            if (handle.IsDisposed)
                throw new ObjectDisposedException(owner);
            try
            {
                handle.DangerousAddRef(ref isHeld);
            }
            catch (ObjectDisposedException)
            {
                throw new ObjectDisposedException(owner);
            }
            this.handle = handle;
        }

        internal IntPtr Pointer
        {
            get { return handle.DangerousGetHandle(); }
        }

        public void Dispose()
        {
            handle.DangerousRelease();
        }
    }
}
