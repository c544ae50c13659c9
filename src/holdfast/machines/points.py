"""What a point of a virtual machine says of itself: the file point.json in it."""

from datetime import datetime
from enum import StrEnum

import msgspec

from holdfast.machines.blocks import BLOCK
from holdfast.machines.errors import PointFactsBroken, PointFactsNewer

VERSION = 1


class Consistency(StrEnum):
    """How much the guest knew of it, the best first."""

    APPLICATION = "application"
    FILESYSTEM = "filesystem"
    CRASH = "crash"


class Mode(StrEnum):
    FULL = "full"
    INCREMENTAL = "incremental"


class Rung(StrEnum):
    """How it was known what has changed, the cheapest first."""

    BITMAP = "bitmap"
    UNION = "union"
    OVERLAY = "overlay"
    HASH = "hash"
    FULL = "full"


class Downgrade(msgspec.Struct, frozen=True, kw_only=True):
    """Why a point is less consistent than was asked for: a code, and what was seen."""

    code: str
    reason: str


class AuditMark(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far a disk was compared with its points since then, though nothing seemed changed."""

    since: datetime
    blocks: int = 0


class DiskFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One disk; `size` is what the guest sees, `format` what it lay in."""

    target: str
    size: int
    format: str = "raw"
    bus: str = ""
    serial: str = ""
    source: str = ""
    mode: Mode = Mode.FULL
    rung: Rung = Rung.FULL
    # In words: why this mode, and no cheaper one.
    why: str = ""
    # What the next incremental is relative to.
    checkpoint: str = ""
    generation: str = ""
    # What differs from the disk as it was when that checkpoint was made, see machines.drift.
    drift: tuple[tuple[int, int], ...] = ()
    # Where the audit of what is called unchanged goes on.
    audit: AuditMark | None = None
    block: int = BLOCK


class AgentFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who answered in the guest, and what was frozen there."""

    version: str = ""
    os: str = ""
    frozen: int = 0
    thawed: int = 0
    extension: str = ""
    extension_state: str = ""


class VmPoint(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A machine at one instant; `files` names what lies beside: domain.xml, nvram, tpm."""

    version: int
    name: str
    uuid: str
    taken_at: datetime
    consistency: Consistency
    downgrades: tuple[Downgrade, ...] = ()
    disks: tuple[DiskFacts, ...] = ()
    # Disks of the machine that are not in the point, with the reason.
    left_out: dict[str, str] = {}
    checkpoint: str = ""
    generation: str = ""
    parent: str = ""
    agent: AgentFacts | None = None
    files: tuple[str, ...] = ()

    def disk(self, target: str) -> DiskFacts | None:
        return next((disk for disk in self.disks if disk.target == target), None)


class _Version(msgspec.Struct):
    version: int


def encode_point(facts: VmPoint) -> bytes:
    """For people's eyes as well: whoever restores with restic finds it beside the disks."""
    return msgspec.json.format(msgspec.json.encode(facts), indent=2) + b"\n"


def parse_point(point: str, content: bytes | bytearray) -> VmPoint:
    """Read it; unknown keys are fine, but a newer version means what we do not know."""
    try:
        version = msgspec.json.decode(content, type=_Version).version
        if version > VERSION:
            raise PointFactsNewer(point=point, version=version)
        return msgspec.json.decode(content, type=VmPoint)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
        raise PointFactsBroken(point=point, reason=err) from err
