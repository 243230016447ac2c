# SPDX-License-Identifier: MIT OR Apache-2.0
"""JSON of the provider as Python objects."""

import json
from typing import Any, Union


def _integer(digits: str) -> Union[int, float]:
    try:
        return int(digits)
    except ValueError:  # more digits than Python reads
        return float(digits)


def loads(text: str) -> Any:
    """Called by the native part, with JSON that has been checked."""
    return json.loads(text, parse_int=_integer)
