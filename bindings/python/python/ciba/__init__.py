# SPDX-License-Identifier: MIT OR Apache-2.0
"""OpenID Connect CIBA: ask a person for approval on their phone, get verified tokens.

::

    import ciba

    with ciba.Client("telenor", client_id="desk-7", client_secret=secret) as client:
        with client.init(login_hint="+4799988777") as flow:  # the phone rings
            tokens = flow.poll()
    print(tokens.claims["sub"])

``poll`` raises the outcome where it is another one: ``Denied``, ``Expired``, ``Cancelled``, ``Unknown``
or a ``Failed``; all are ``CibaError``. ``SETTINGS`` and ``PARAMETERS`` list the keywords. The same for
asyncio is in ``ciba.aio``.
"""

from typing import NamedTuple, Tuple

from . import _ciba
from ._ciba import Answer, Client, Flow, FlowSet, Notification, SavedFlow, Tokens, __version__
from ._errors import (
    CibaError,
    Cancelled,
    Denied,
    DiscoveryError,
    Expired,
    Failed,
    HandedOver,
    InternalError,
    InvalidInput,
    ProviderError,
    SavedFlowError,
    TokenError,
    TransportError,
    Unknown,
    UsageError,
)
from ._log import LogEvent
from ._progress import Progress, Stage
from ._status import Status


class Setting(NamedTuple):
    """One line of the tables ``SETTINGS`` and ``PARAMETERS``."""

    name: str
    """The keyword."""
    default: str
    """The value where none is given; empty: none."""
    text: str
    """What it does, with its unit."""


SETTINGS: Tuple[Setting, ...] = tuple(Setting(*row) for row in _ciba.SETTINGS)
"""The settings of a ``Client``."""
PARAMETERS: Tuple[Setting, ...] = tuple(Setting(*row) for row in _ciba.PARAMETERS)
"""The parameters of ``Client.init``. ``login_hint_token.NAME`` is ``NAME`` in a ``dict`` given as ``login_hint_token``."""

__all__ = [
    "PARAMETERS",
    "SETTINGS",
    "Answer",
    "Cancelled",
    "CibaError",
    "Client",
    "Denied",
    "DiscoveryError",
    "Expired",
    "Failed",
    "Flow",
    "FlowSet",
    "HandedOver",
    "InternalError",
    "InvalidInput",
    "LogEvent",
    "Notification",
    "Progress",
    "ProviderError",
    "SavedFlow",
    "SavedFlowError",
    "Setting",
    "Stage",
    "Status",
    "TokenError",
    "Tokens",
    "TransportError",
    "Unknown",
    "UsageError",
    "__version__",
]

# Tracebacks and pickles name them as programs do.
for _name in __all__:
    if isinstance(globals()[_name], type):
        globals()[_name].__module__ = __name__
del _name
