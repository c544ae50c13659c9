"""What was seen of a check, and how a check says that it failed."""

import msgspec


class CheckSeen(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`text` is the check as it was typed; `said` why it failed, or what it answered."""

    text: str
    kind: str
    is_good: bool
    # Since the checks began; a check that waits for a start contains it.
    seconds: float = 0.0
    said: str = ""


class NotSo(Exception):
    """It failed; the text is for a person."""


class NotYet(NotSo):
    """It may be so in a moment."""
