"""What all JSON events have in common."""

import re

import msgspec

VERSION = 1


def _tag(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


class Event(msgspec.Struct, kw_only=True, tag_field="event", tag=_tag):
    version: int = VERSION
