"""The first file of a bundle: what was asked for, what came of it, and when that was."""

from datetime import datetime

from msgspec import Struct, field

SCHEMA = "holdfast.bundle/1"
NAME = "manifest.json"
# What became of a probe.
TAKEN, TRUNCATED, MISSING, TIMED_OUT, REFUSED = (
    "taken",
    "truncated",
    "missing",
    "timed-out",
    "refused",
)


class Entry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One artefact in the bundle, or the reason why there is none."""

    probe: str
    status: str
    # What people are shown: the path or command on the machine.
    name: str = ""
    # Where it lies in the bundle.
    path: str = ""
    size: int = 0
    sha256: str = ""
    reason: str = ""


class Manifest(Struct, frozen=True, kw_only=True):
    """Everything about a bundle but the artefacts themselves."""

    schema: str
    version: str
    collected_at: datetime
    platform: str
    time_zone: str
    entries: tuple[Entry, ...]
    # What the machine has; nothing else counts there.
    components: tuple[str, ...] = ()
    # How much was taken out, by kind; never what it was.
    redacted: dict[str, int] = field(default_factory=dict)
