# SPDX-License-Identifier: MIT OR Apache-2.0
"""One tree of exceptions: a class for each outcome, and for each band of status numbers."""

from typing import Optional, Type

from ._status import Status


class CibaError(Exception):
    """Everything that ciba raises, but for ``TypeError`` and ``KeyError``.

    ``str()`` is one line for a log. It never holds a secret, a token, a hint or a phone number. Errors
    can be pickled and copied.
    """

    status: Status
    """What happened."""
    oauth_error: Optional[str]
    """The provider's error code, verbatim; ``None`` if it gave none."""
    oauth_error_description: Optional[str]
    """The provider's own text. It may name the person: not part of ``str()``, not to be logged without thought."""
    http_status: Optional[int]
    """The HTTP status of the provider's answer; ``None`` if there was none."""
    retry_after: Optional[float]
    """How many seconds the provider asked to wait; ``None`` if it did not."""

    def __init__(
        self,
        message: str,
        status: Status = Status.INTERNAL,
        *,
        oauth_error: Optional[str] = None,
        oauth_error_description: Optional[str] = None,
        http_status: Optional[int] = None,
        retry_after: Optional[float] = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.oauth_error = oauth_error
        self.oauth_error_description = oauth_error_description
        self.http_status = http_status
        self.retry_after = retry_after

    @property
    def status_name(self) -> str:
        """The name of the status, for example ``"DENIED"``."""
        return self.status.name


class Denied(CibaError):
    """The person denied."""


class Expired(CibaError):
    """Nobody answered in time."""


class Cancelled(CibaError):
    """The caller gave the flow up."""


class HandedOver(CibaError):
    """The flow was handed over: another process goes on with it."""


class Unknown(CibaError):
    """An answer that may have carried the tokens was lost: what the person decided is not known."""


class Failed(CibaError):
    """It did not work, for a reason that the class below this one says."""


class TransportError(Failed):
    """The provider could not be reached, or its answer was none (100s)."""


class ProviderError(Failed):
    """The provider refused, or ended the request; ``oauth_error`` has its code (200s)."""


class TokenError(Failed):
    """The tokens are not good, and were not handed out (300s)."""


class DiscoveryError(Failed):
    """The provider's metadata or keys cannot be had, or are not good (400s)."""


class InternalError(Failed):
    """A defect of this library, or the system refused a thread or memory (900s)."""


class SavedFlowError(CibaError):
    """The flow cannot be saved, or what was saved cannot be resumed here (500s)."""


class UsageError(CibaError):
    """The call is not allowed here: a closed client, another process, an unreadable file (10-99)."""


class InvalidInput(UsageError, ValueError):
    """A name or a value is not one that is taken; nothing was sent."""


_INPUT = {
    Status.INVALID_UTF8,
    Status.UNKNOWN_NAME,
    Status.INVALID_VALUE,
    Status.MISSING_SETTING,
    Status.CONFLICTING_SETTINGS,
    Status.INVALID_AUTHENTICATION_REQUEST,
}
_OUTCOMES = {
    Status.DENIED: Denied,
    Status.EXPIRED: Expired,
    Status.CANCELLED: Cancelled,
    Status.FAILED: Failed,
    Status.UNKNOWN: Unknown,
    Status.HANDED_OVER: HandedOver,
}
_BANDS = {
    0: UsageError,
    1: TransportError,
    2: ProviderError,
    3: TokenError,
    4: DiscoveryError,
    5: SavedFlowError,
    9: InternalError,
}


def class_of(status: int) -> Type[CibaError]:
    """The class that a status number is raised as."""
    if status in _INPUT:
        return InvalidInput
    return _OUTCOMES.get(Status(status)) or _BANDS.get(status // 100, CibaError)


def from_status(
    status: int,
    message: str,
    oauth_error: Optional[str],
    oauth_error_description: Optional[str],
    http_status: Optional[int],
    retry_after: Optional[float],
) -> CibaError:
    """Called by the native part."""
    return class_of(status)(
        message,
        Status(status),
        oauth_error=oauth_error,
        oauth_error_description=oauth_error_description,
        http_status=http_status,
        retry_after=retry_after,
    )
