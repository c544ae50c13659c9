"""Facts that several products share; a fact always knows the lines it was read from.

A product's own facts stand beside its reader.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from holdfast.doctor.model import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Base of all facts."""

    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Record(Fact):
    """One record of a log, with the parts that its layout tells apart."""

    stream: str
    when: datetime | None = None
    level: str = ""
    who: str = ""
    text: str = ""
    # What the event's pattern named: codes, paths, states.
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSeen(Fact):
    """A log was read from its first to its last line; `span` is its first record."""

    stream: str
    last: Span
    lines: int
    whole: bool
    begins: datetime | None
    ends: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Service(Fact):
    """A service as systemd, the Windows service control or `Get-Service` shows it."""

    name: str
    title: str = ""
    # running, stopped, failed, starting, stopping, paused, absent
    state: str
    # automatic, manual, disabled, masked or "" when the listing does not say
    start: str = ""
    since: datetime | None = None
    exit_code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Process(Fact):
    """A process of a process listing."""

    name: str
    pid: int
    command: str = ""
    cpu_percent: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume(Fact):
    """Room on a file system or drive; inodes where the listing has them."""

    path: str
    size: int
    free: int
    kind: str = ""
    inodes: int | None = None
    free_inodes: int | None = None

    @property
    def free_ratio(self) -> float:
        return self.free / self.size if self.size else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory(Fact):
    """Main memory of the machine, in bytes."""

    total: int
    available: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting(Fact):
    """One key of a configuration file, registry export or settings listing."""

    file: str
    key: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Package(Fact):
    """A package or program with its version; version "" means: known not to be installed."""

    name: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSeen(Fact):
    """A path of a listing; `size` is None when it was looked for and is not there."""

    path: str
    size: int | None
    changed: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach(Fact):
    """One stage of a way through the network: dns, tcp, tls, proxy, http."""

    target: str
    stage: str
    reached: bool
    seen: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockOffset(Fact):
    """How far this machine's clock is from true time, and whether it is kept in step."""

    offset: timedelta | None
    synchronised: bool | None
