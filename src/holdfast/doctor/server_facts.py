"""Facts about a Holdfast server, as its own probes write them: one JSON object per line."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from holdfast.doctor.agent_facts import AgentCertificate, AgentService, AgentTime
from holdfast.doctor.facts import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerService(AgentService):
    """The server's unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerTime(AgentTime):
    """The same, told by a machine that is a server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerCertificate(AgentCertificate):
    """`role` is authority or server; state also: no-key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRoom(Fact):
    """Room for the server's state."""

    folder: str
    size: int = 0
    free: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerDatabase(Fact):
    """Whether the database answers, and whose tables are in it."""

    database: str
    # good, unreachable, newer, older, empty
    state: str
    reason: str = ""
    found: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerWorker(Fact):
    """A server process that runs workflows, and when it last said that it lives."""

    executor: str
    seen: datetime | None = None
    # Jobs of the server itself that are not over.
    pending: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerVault(Fact):
    """A vault's storage and its share of it."""

    name: str
    place: str
    # good, or what looking at it ended with: an error's code
    state: str = "good"
    reason: str = ""
    stored: int = 0
    quota: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerTrash(Fact):
    """Deleted files whose days are over."""

    overdue: int
    oldest: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerProcess(Fact):
    """Whether a server has this state in its hands; if none has, whether one could listen."""

    folder: str
    is_running: bool
    address: str = ""
    # Why nobody could listen at the address now; empty where that is possible.
    trouble: str = ""


SERVER_KINDS: Mapping[str, Mapping[str, type[Fact]]] = {
    "own.server": {
        "server-service": ServerService,
        "server-process": ServerProcess,
        "server-certificate": ServerCertificate,
        "server-room": ServerRoom,
        "server-time": ServerTime,
    },
    "own.server.database": {
        "server-database": ServerDatabase,
        "server-worker": ServerWorker,
        "server-vault": ServerVault,
        "server-trash": ServerTrash,
    },
}
