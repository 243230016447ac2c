// SPDX-License-Identifier: MIT OR Apache-2.0
using System;

namespace Ciba
{
    /// <summary>Why a call of the library did not succeed; the classes below say which kind of reason.</summary>
    /// <remarks>The message is one line for a log. It never holds a secret, a token, a hint or a phone number.</remarks>
    public class CibaException : Exception
    {
        internal CibaException(CibaStatus status, string message, Exception inner) : base(message, inner)
        {
            Status = status;
        }

        internal CibaException(Details details) : base(details.Message)
        {
            Status = details.Status;
            OAuthError = details.OAuthError;
            OAuthErrorDescription = details.OAuthErrorDescription;
            HttpStatus = details.HttpStatus;
            RetryAfter = details.RetryAfter;
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
    public sealed class CibaDeniedException : CibaException
    {
        internal CibaDeniedException(Details details) : base(details) { }
    }

    /// <summary>Nobody answered in time.</summary>
    public sealed class CibaExpiredException : CibaException
    {
        internal CibaExpiredException(Details details) : base(details) { }
    }

    /// <summary>The flow was cancelled by this program.</summary>
    public sealed class CibaCancelledException : CibaException
    {
        internal CibaCancelledException(Details details) : base(details) { }
    }

    /// <summary>An answer that may have carried the tokens was lost: what the person decided is not known.</summary>
    public sealed class CibaUnknownException : CibaException
    {
        internal CibaUnknownException(Details details) : base(details) { }
    }

    /// <summary>The call, a setting or a parameter is wrong (the 10s); nothing was sent.</summary>
    public sealed class CibaUsageException : CibaException
    {
        internal CibaUsageException(Details details) : base(details) { }
    }

    /// <summary>The provider could not be reached, or its answer was lost (the 100s).</summary>
    /// <remarks><see cref="CibaStatus.StartUnknown"/>: the person's phone may ring or not.</remarks>
    public sealed class CibaTransportException : CibaException
    {
        internal CibaTransportException(Details details) : base(details) { }
    }

    /// <summary>The provider refused or ended the request (the 200s).</summary>
    public sealed class CibaProviderException : CibaException
    {
        internal CibaProviderException(Details details) : base(details) { }
    }

    /// <summary>The tokens did not pass their checks (the 300s).</summary>
    public sealed class CibaTokenException : CibaException
    {
        internal CibaTokenException(Details details) : base(details) { }
    }

    /// <summary>The provider's metadata or keys could not be had, or are wrong (the 400s).</summary>
    public sealed class CibaDiscoveryException : CibaException
    {
        internal CibaDiscoveryException(Details details) : base(details) { }
    }

    /// <summary>A flow cannot be saved or resumed, or was handed over (the 500s).</summary>
    public sealed class CibaSavedFlowException : CibaException
    {
        internal CibaSavedFlowException(Details details) : base(details) { }
    }

    /// <summary>A defect of the library, or the system refused something (the 900s).</summary>
    public sealed class CibaInternalException : CibaException
    {
        internal CibaInternalException(Details details) : base(details) { }
    }

    /// <summary>The native library is missing, or does not fit; the message says what to do.</summary>
    public sealed class CibaLibraryException : CibaException
    {
        internal CibaLibraryException(string message, Exception inner) : base(CibaStatus.Internal, message, inner) { }
    }
}
