# SPDX-License-Identifier: MIT OR Apache-2.0
"""Where a flow stands."""

from enum import IntEnum
from typing import NamedTuple, Optional


class Stage(IntEnum):
    """How far a flow is."""

    STARTING = 1
    """The authentication request is on its way."""
    PENDING = 2
    """The person is being asked."""
    VERIFYING = 3
    """The person has approved; the tokens are being verified."""
    ENDED = 4
    """The flow has its outcome."""


class Progress(NamedTuple):
    """Where a flow stands, for display."""

    stage: Stage
    """How far it is."""
    expires_in: Optional[float]
    """How many seconds the request still lives; ``None`` before the acknowledgement and after the outcome."""
    next_poll_in: Optional[float]
    """In how many seconds the next poll is due; ``None`` if none is."""
    polls: int
    """How many token requests were answered, or lost."""


def progress(stage: int, expires_in: Optional[float], next_poll_in: Optional[float], polls: int) -> Progress:
    """Called by the native part."""
    return Progress(Stage(stage), expires_in, next_poll_in, polls)
