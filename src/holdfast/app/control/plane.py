"""What every use case of the control plane is given: the state, the time, the keys, the caller."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from holdfast.app.control.desk import Desk
from holdfast.app.control.typed_keys import TypedKeys
from holdfast.app.control.webhook_calls import WebhookCalls
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
    # In this process's memory: questions to machines, and passphrases for as long as a login.
    desk: Desk = field(default_factory=Desk, repr=False)
    typed_keys: TypedKeys = field(default_factory=TypedKeys, repr=False)
    webhooks: WebhookCalls = field(default_factory=WebhookCalls, repr=False)


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
    # The hash of the token that a person showed.
    login: str = field(default="", repr=False)

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}" if self.kind == "person" else f"{self.kind}:{self.id}"
