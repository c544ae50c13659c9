"""Answers of the guest agent, checked: a guest may send anything.

What they become for the rest of Holdfast is in the public values here.
"""

from dataclasses import dataclass

from msgspec import Struct, field


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentInfo:
    version: str
    # What it is allowed to do at this moment; a frozen guest's agent is allowed little.
    commands: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A program that ran in the guest; one killed by a signal has its number below zero."""

    status: int
    out: bytes
    err: bytes
    # The agent dropped what was too much for it.
    is_truncated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestFilesystem:
    device: str
    mountpoint: str
    kind: str
    used_bytes: int | None
    total_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestSystem:
    """Words of the guest's own; each is absent where it has none."""

    name: str | None
    version: str | None
    kernel: str | None
    machine: str | None


class Nothing(Struct):
    """An empty object."""


class Command(Struct):
    name: str
    enabled: bool = True


class Info(Struct):
    version: str
    supported_commands: list[Command]

    def told(self) -> AgentInfo:
        allowed = (command.name for command in self.supported_commands if command.enabled)
        return AgentInfo(version=self.version, commands=frozenset(allowed))


class Launched(Struct):
    pid: int


class Program(Struct):
    exited: bool
    exitcode: int | None = None
    signal: int | None = None
    out: bytes = field(default=b"", name="out-data")
    err: bytes = field(default=b"", name="err-data")
    out_truncated: bool = field(default=False, name="out-truncated")
    err_truncated: bool = field(default=False, name="err-truncated")

    def told(self) -> Ended:
        signal = 0 if self.signal is None else -self.signal
        return Ended(
            status=signal if self.exitcode is None else self.exitcode,
            out=self.out,
            err=self.err,
            is_truncated=self.out_truncated or self.err_truncated,
        )


class FilePart(Struct):
    count: int
    data: bytes = field(default=b"", name="buf-b64")
    eof: bool = False


class Written(Struct):
    count: int


class Filesystem(Struct):
    name: str
    mountpoint: str
    type: str
    used_bytes: int | None = field(default=None, name="used-bytes")
    total_bytes: int | None = field(default=None, name="total-bytes")

    def told(self) -> GuestFilesystem:
        return GuestFilesystem(
            device=self.name,
            mountpoint=self.mountpoint,
            kind=self.type,
            used_bytes=self.used_bytes,
            total_bytes=self.total_bytes,
        )


class System(Struct):
    pretty: str | None = field(default=None, name="pretty-name")
    id: str | None = None
    version: str | None = field(default=None, name="version-id")
    kernel: str | None = field(default=None, name="kernel-release")
    machine: str | None = None

    def told(self) -> GuestSystem:
        return GuestSystem(
            name=self.pretty or self.id,
            version=self.version,
            kernel=self.kernel,
            machine=self.machine,
        )
