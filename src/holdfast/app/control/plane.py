"""What every use case of the control plane is given: the state, the time, the keys, the caller."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.base.clock import Clock
from holdfast.fleet.roles import Scope
from holdfast.storage.protocol import Storage

if TYPE_CHECKING:
    from holdfast.app.control.authority import Authority
    from holdfast.catalog.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    """One server's control plane."""

    database: "Database"
    clock: Clock
    authority: "Authority"
    # The address agents and people reach the server at: https://host:port
    address: str
    storage_at: Callable[[str], Storage]


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who asks: a person through a token, a machine through its certificate, or the server."""

    kind: str  # "person", "machine", "server"
    id: str
    name: str
    address: str = ""
    is_admin: bool = False
    scopes: frozenset[Scope] = frozenset()
    # The security PIN and the approval that came with the request, if any.
    pin: str | None = None
    approval: str | None = None
    # Of a request that may come twice: what is made for it is made once.
    key: str | None = None

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}" if self.kind == "person" else f"{self.kind}:{self.id}"
