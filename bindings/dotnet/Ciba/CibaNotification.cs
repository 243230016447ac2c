// SPDX-License-Identifier: MIT OR Apache-2.0
using System;

namespace Ciba
{
    /// <summary>What a notification says.</summary>
    public enum CibaNotificationKind
    {
        /// <summary>It has not the form of a notification.</summary>
        None = 0,

        /// <summary>Something was decided: it is fetched.</summary>
        Ping = 1,

        /// <summary>The tokens.</summary>
        Tokens = 2,

        /// <summary>Why there are none.</summary>
        Error = 3,
    }

    /// <summary>
    /// What became of a request to the client's notification endpoint, see <see cref="CibaClient.DeliverNotification"/>.
    /// </summary>
    public sealed class CibaNotification
    {
        private CibaNotification(IntPtr notification)
        {
            Status = (CibaStatus)Native.ciba_notification_status(notification);
            HttpStatus = Native.ciba_notification_http_status(notification);
            Kind = (CibaNotificationKind)Native.ciba_notification_kind(notification);
            AuthReqId = Utf8.Text(Native.ciba_notification_auth_req_id(notification, out UIntPtr length), length);
        }

        /// <summary>
        /// Ok: it was delivered. NotificationUnknownFlow: forward it to the process that has the flow, or resume that here
        /// and deliver it again. Anything else: it is not the provider's, or not as it must be.
        /// </summary>
        public CibaStatus Status { get; }

        /// <summary>The HTTP status to answer, always, without a body.</summary>
        public int HttpStatus { get; }

        /// <summary>What it says.</summary>
        public CibaNotificationKind Kind { get; }

        /// <summary>
        /// The identifier of the request that it is for; null where it has not the form of a notification. Confidential; not
        /// to be trusted unless the status is Ok.
        /// </summary>
        public string AuthReqId { get; }

        /// <summary>The status and the kind: nothing confidential.</summary>
        public override string ToString()
        {
            return "CibaNotification " + Kind + ": " + Status;
        }

        /// <summary>Copies what became of a notification, and frees it.</summary>
        internal static CibaNotification Take(IntPtr notification)
        {
            try
            {
                return new CibaNotification(notification);
            }
            finally
            {
                Native.ciba_notification_free(notification);
            }
        }
    }
}
