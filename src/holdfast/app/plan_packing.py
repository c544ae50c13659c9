"""An action of a plan as one word of a command line, which may not be as long as the action is."""

import base64
import json
import zlib
from collections.abc import Mapping
from typing import Any

import msgspec

from holdfast.fleet.plan_actions import PlanActionArguments, check_action

# A megabyte that unpacks to no end is refused.
_MOST = 1 << 20


def packed(given: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(zlib.compress(json.dumps(given).encode(), 9)).decode()


def unpacked(word: str) -> PlanActionArguments:
    """ValueError: it is none, or asks for what no server may ask for."""
    try:
        unpacking = zlib.decompressobj()
        content = unpacking.decompress(base64.urlsafe_b64decode(word), _MOST)
    except (zlib.error, ValueError) as err:
        raise ValueError(word[:20]) from err
    read = msgspec.json.decode(content, type=PlanActionArguments)
    check_action(msgspec.to_builtins(read))
    return read
