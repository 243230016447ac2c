# SPDX-License-Identifier: MIT OR Apache-2.0
"""Events for a log."""

import logging
from datetime import datetime
from typing import NamedTuple

_LOGGER = logging.getLogger("ciba")
_LOGGER.addHandler(logging.NullHandler())  # a program that sets up no logging sees none


class LogEvent(NamedTuple):
    """One event. It never holds a secret, a token, a hint or a phone number."""

    level: int
    """How much it matters, as a level of ``logging``."""
    name: str
    """A stable name, for example ``"poll.slow_down"``."""
    text: str
    """One line of text."""
    correlation: str
    """The flow's ``correlation``, or nothing where the event belongs to no flow."""
    when: datetime
    """When it happened, in UTC."""


def wants_debug() -> bool:
    """Whether the logger wants debug events: each of them costs a turn with the GIL."""
    return _LOGGER.isEnabledFor(logging.DEBUG)


def to_logging(event: LogEvent) -> None:
    """Logs an event; the record has its name and correlation as ``ciba_event`` and ``ciba_correlation``."""
    extra = {"ciba_event": event.name, "ciba_correlation": event.correlation}
    _LOGGER.log(event.level, "%s [%s] %s", event.name, event.correlation, event.text, extra=extra)
