"""Facts of Linux guests that several checks need; readers in `readers/linux_*.py` make them.

Shared kinds come from `facts`: Service, Process, Volume, Memory, Setting, Package, Reach.
"""

from dataclasses import dataclass

from holdfast.doctor.facts import Fact
from holdfast.doctor.model import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentVersion(Fact):
    """A version of the Azure Linux agent; `role` is installed or goal-state."""

    role: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlerSeen(Fact):
    """A VM extension with its state as the agent or the portal reports it, in lower case."""

    name: str
    version: str = ""
    # ready, notready, transitioning, empty, unresponsive, installing, …
    state: str
    code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionStatus(Fact):
    """The result of an extension's operation: success, error, transitioning, warning."""

    name: str
    operation: str
    status: str
    code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenFile(Fact):
    """A file of /var/lib/waagent that is not what its format demands, and in what."""

    file: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VmState(Fact):
    """What the platform says of the VM: `kind` is power, provisioning or agent."""

    kind: str
    state: str
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessList(Fact):
    """A process listing as such; only of a complete one the absence of a process is known."""

    last: Span
    complete: bool
    # Whether it shows whole command lines.
    commands: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Inodes(Fact):
    """Inodes of a file system, from `df -i`."""

    path: str
    total: int
    free: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount(Fact):
    """A mounted file system with its options."""

    path: str
    kind: str
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route(Fact):
    """A route; `destination` is default, an address or a network; blocked: unreachable and such."""

    destination: str
    blocked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuLoad(Fact):
    """How busy all processors together are, in percent."""

    busy: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestDisk(Fact):
    """A disk of the VM; `attached` when the platform's own description says so."""

    name: str
    gib: float
    attached: bool = False
