"""What a profile consists of: lines that are only ever appended, one for each minute or window."""

import msgspec

MINUTE = 60
# How old the checkpoint is each time when it is asked what has changed since, in seconds.
AGES = (30, 300, 900)


class Written(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What a guest has written to one disk."""

    bytes: int = 0
    requests: int = 0
    flushes: int = 0


class Minute(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="minute"):
    """One minute of the clock, as far as it was seen."""

    # Seconds since 1970, at the full minute.
    at: int
    # How much of it was seen.
    seconds: float
    # The busiest of its polls, in bytes a second, over all disks.
    peak: int = 0
    # By disk; none of a machine that was off.
    disks: dict[str, Written] = {}


class Dirty(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Of one disk: what differs after the window, and all that was written in it."""

    unique: int
    written: int


class Window(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="window"):
    """What has changed from one instant on."""

    # Seconds since 1970.
    at: int
    seconds: float
    # Which of AGES it is one of.
    age: int
    disks: dict[str, Dirty]


Line = Minute | Window
