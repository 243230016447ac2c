// SPDX-License-Identifier: MIT OR Apache-2.0
using System;
using System.Runtime.Serialization;

namespace Ciba
{
    /// <summary>Why a call of the library did not succeed; the classes below say which kind of reason.</summary>
    /// <remarks>The message is one line for a log. It never holds a secret, a token, a hint or a phone number.</remarks>
    [Serializable]
    public class CibaException : Exception
    {
        internal CibaException(CibaStatus status, string message, Exception inner) : base(message, inner)
        {
            Status = status;
        }

        internal CibaException(Details details) : base(details.Message, details.Inner)
        {
            Status = details.Status;
            OAuthError = details.OAuthError;
            OAuthErrorDescription = details.OAuthErrorDescription;
            HttpStatus = details.HttpStatus;
            RetryAfter = details.RetryAfter;
        }

        internal CibaException(SerializationInfo info, StreamingContext context) : base(info, context)
        {
            Status = (CibaStatus)info.GetInt32(nameof(Status));
            OAuthError = info.GetString(nameof(OAuthError));
            OAuthErrorDescription = info.GetString(nameof(OAuthErrorDescription));
            HttpStatus = (int?)info.GetValue(nameof(HttpStatus), typeof(int?));
            RetryAfter = (TimeSpan?)info.GetValue(nameof(RetryAfter), typeof(TimeSpan?));
        }

        /// <summary>For those who carry exceptions elsewhere: from one application domain to another, for example.</summary>
        /// <param name="info">Where the properties are kept.</param>
        /// <param name="context">Where it goes.</param>
        public override void GetObjectData(SerializationInfo info, StreamingContext context)
        {
            base.GetObjectData(info, context);
            info.AddValue(nameof(Status), (int)Status);
            info.AddValue(nameof(OAuthError), OAuthError);
            info.AddValue(nameof(OAuthErrorDescription), OAuthErrorDescription);
            info.AddValue(nameof(HttpStatus), HttpStatus, typeof(int?));
            info.AddValue(nameof(RetryAfter), RetryAfter, typeof(TimeSpan?));
        }

        /// <summary>What happened, as a stable number.</summary>
        public CibaStatus Status { get; }

        /// <summary>The provider's OAuth error code, verbatim; null if it gave none.</summary>
        public string OAuthError { get; }

        /// <summary>The provider's description of its error; null if it gave none.</summary>
        /// <remarks>It is the provider's text and may name the person. It is not part of the message.</remarks>
        public string OAuthErrorDescription { get; }

        /// <summary>The HTTP status of the provider's answer; null if there was none.</summary>
        public int? HttpStatus { get; }

        /// <summary>How long the provider asked to wait; null if it did not.</summary>
        public TimeSpan? RetryAfter { get; }

        /// <summary>What an error object says.</summary>
        internal sealed class Details
        {
            internal CibaStatus Status;
            internal string Message;
            internal string OAuthError;
            internal string OAuthErrorDescription;
            internal int? HttpStatus;
            internal TimeSpan? RetryAfter;
            internal Exception Inner;
        }

        /// <summary>The exception for a status and its error object, which is freed.</summary>
        internal static CibaException Of(int status, IntPtr error)
        {
            Details details;
            try
            {
                int http = Native.ciba_error_http_status(error);
                details = new Details
                {
                    Status = (CibaStatus)status,
                    Message = Utf8.Text(Native.ciba_error_message(error)) ?? Utf8.Text(Native.ciba_status_text(status)),
                    OAuthError = Utf8.Text(Native.ciba_error_oauth_error(error)),
                    OAuthErrorDescription = Utf8.Text(Native.ciba_error_oauth_error_description(error)),
                    HttpStatus = http < 0 ? (int?)null : http,
                    RetryAfter = Times.Span(Native.ciba_error_retry_after_ms(error)),
                    Inner = status == (int)CibaStatus.SignerFailed ? CibaConfig.TakeThrownBySigner() : null,
                };
            }
            finally
            {
                Native.ciba_error_free(error);
            }
            switch (details.Status)
            {
                case CibaStatus.Denied: return new CibaDeniedException(details);
                case CibaStatus.Expired: return new CibaExpiredException(details);
                case CibaStatus.Cancelled: return new CibaCancelledException(details);
                case CibaStatus.Unknown: return new CibaUnknownException(details);
            }
            if (status < 10)
                return new CibaException(details);
            if (status < 100)
                return new CibaUsageException(details);
            if (status < 200)
                return new CibaTransportException(details);
            if (status < 250)
                return new CibaProviderException(details);
            if (status >= 300 && status < 400)
                return new CibaTokenException(details);
            if (status >= 400 && status < 500)
                return new CibaDiscoveryException(details);
            if (status >= 500 && status < 600)
                return new CibaSavedFlowException(details);
            if (status >= 900)
                return new CibaInternalException(details);
            return new CibaException(details);
        }

        /// <summary>Throws unless the status is Ok.</summary>
        internal static void Check(int status, IntPtr error)
        {
            if (status == (int)CibaStatus.Freed) // by another thread, while the call was inside
            {
                Native.ciba_error_free(error);
                throw new ObjectDisposedException(nameof(CibaFlow));
            }
            if (status != (int)CibaStatus.Ok)
                throw Of(status, error);
        }

        /// <summary>True for Ok, false for Pending; throws for anything else.</summary>
        internal static bool IsDone(int status, IntPtr error)
        {
            if (status == (int)CibaStatus.Pending)
                return false;
            Check(status, error);
            return true;
        }
    }

    /// <summary>The person denied.</summary>
    [Serializable]
    public sealed class CibaDeniedException : CibaException
    {
        internal CibaDeniedException(Details details) : base(details) { }
        private CibaDeniedException(SerializationInfo info, StreamingContext context) : base(info, context) { }
    }

    /// <summary>Nobody answered in time.</summary>
    [Serializable]
    public sealed class CibaExpiredException : CibaException
    {
        internal CibaExpiredException(Details details) : base(details) { }
        private CibaExpiredException(SerializationInfo info, StreamingContext context) : base(info, context) { }
    }

    /// <summary>The flow was cancelled by this program.</summary>
    [Serializable]
    public sealed class CibaCancelledException : CibaException
    {
        internal CibaCancelledException(Details details) : base(details) { }
        private CibaCancelledException(SerializationInfo info, StreamingContext context) : base(info, context) { }
    }

    /// <summary>An answer that may have carried the tokens was lost: what the person decided is not known.</summary>
    [Serializable]
    public sealed class CibaUnknownException : CibaException
    {
        internal CibaUnknownException(Details details) : base(details) { }
        private CibaUnknownException(SerializationInfo info, StreamingContext context) : base(info, context) { }
    }

    /// <summary>The call, a setting or a parameter is wrong (the 10s); nothing was sent.</summary>
    [Serializable]
    public sealed class CibaUsageException : CibaException
    {
        internal CibaUsageException(Details details) : base(details) { }
        private CibaUsageException(SerializationInfo info, StreamingContext context) : base(info, context) { }
    }

    /// <summary>The provider could not be reached, or its answer was lost (the 100s).</summary>
    /// <remarks><see cref="CibaStatus.StartUnknown"/>: the person's phone may ring or not.</remarks>
    [Serializable]
    public sealed class CibaTransportException : CibaException
    {
        internal CibaTransportException(Details details) : base(details) { }
        private CibaTransportException(SerializationInfo info, StreamingContext context) : base(info, context) { }
    }

    /// <summary>The provider refused or ended the request (the 200s).</summary>
    [Serializable]
    public sealed class CibaProviderException : CibaException
    {
        internal CibaProviderException(Details details) : base(details) { }
        private CibaProviderException(SerializationInfo info, StreamingContext context) : base(info, context) { }
    }

    /// <summary>The tokens did not pass their checks (the 300s).</summary>
    [Serializable]
    public sealed class CibaTokenException : CibaException
    {
        internal CibaTokenException(Details details) : base(details) { }
        private CibaTokenException(SerializationInfo info, StreamingContext context) : base(info, context) { }
    }

    /// <summary>The provider's metadata or keys could not be had, or are wrong (the 400s).</summary>
    [Serializable]
    public sealed class CibaDiscoveryException : CibaException
    {
        internal CibaDiscoveryException(Details details) : base(details) { }
        private CibaDiscoveryException(SerializationInfo info, StreamingContext context) : base(info, context) { }
    }

    /// <summary>A flow cannot be saved or resumed, or was handed over (the 500s).</summary>
    [Serializable]
    public sealed class CibaSavedFlowException : CibaException
    {
        internal CibaSavedFlowException(Details details) : base(details) { }
        private CibaSavedFlowException(SerializationInfo info, StreamingContext context) : base(info, context) { }
    }

    /// <summary>A defect of the library, or the system refused something (the 900s).</summary>
    [Serializable]
    public sealed class CibaInternalException : CibaException
    {
        internal CibaInternalException(Details details) : base(details) { }
        private CibaInternalException(SerializationInfo info, StreamingContext context) : base(info, context) { }
    }

    /// <summary>The native library is missing, or does not fit; the message says what to do.</summary>
    [Serializable]
    public sealed class CibaLibraryException : CibaException
    {
        internal CibaLibraryException(string message, Exception inner) : base(CibaStatus.Internal, message, inner) { }
        private CibaLibraryException(SerializationInfo info, StreamingContext context) : base(info, context) { }
    }
}
