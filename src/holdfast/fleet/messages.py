"""The messages between an agent and its server, as both sides read them.

Plain dataclasses: the server's API describes them in its OpenAPI document, and an agent needs
nothing but the standard library and msgspec to read them. A field is only ever added, with a
default, so that agents and servers of neighbouring versions understand each other.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from holdfast.fleet.key_proof import KeyProof
from holdfast.fleet.questions import Question

Facts = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterRequest:
    """What a machine shows to become one of a vault's machines."""

    credentials_id: str
    secret: str
    vault_id: str
    # A certificate signing request; the machine's key never leaves it.
    csr: str
    name: str
    agent_version: str
    # Of an earlier registration, to go on with the same repository.
    machine_id: str | None = None
    # By the keys of that registration that are still there.
    proofs: list[KeyProof] = field(default_factory=list)
    facts: Facts = field(default_factory=dict)
    # What its host calls itself, should `name` be another; empty: it is the same.
    host: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterReply:
    machine_id: str
    vault_id: str
    vault_name: str
    certificate: str
    # Path below the server's address where this machine's repository lies.
    gateway_path: str
    # For stock restic, as user `machine_id`; shown once.
    gateway_password: str
    # Of the repository this machine had before; None: there is none yet.
    key_fingerprint: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivateRequest:
    """The repository is there and opens; this is its key's fingerprint."""

    key_fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewRequest:
    csr: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewReply:
    certificate: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    at: datetime
    # What its host calls itself, whatever name it was registered under.
    name: str
    agent_version: str
    facts: Facts
    # Every job it has that is not over, or whose end it has not told yet.
    running: list[str]
    # Of the assignments the agent works by.
    assignments_etag: str
    # Of the roles in replication it works by; empty: none.
    replication_etag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatReply:
    at: datetime
    assignments_etag: str
    renew_certificate: bool
    next_seconds: float
    # Of `replication_messages.ReplicationRoles`; empty: it has none.
    replication_etag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignedPolicy:
    """One assignment with its policy written out: all the local schedule needs."""

    id: str
    policy_id: str
    policy_name: str
    policy_version: int
    # `fleet.policies.Policy` as JSON.
    policy: dict[str, Any]
    paths: list[str]
    options: dict[str, Any]
    is_paused: bool
    # Virtual machines of the host, by name; "*": all that are protected.
    vms: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignments:
    etag: str
    assignments: list[AssignedPolicy]


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Work for a machine. The same command may come twice; `job_id` says that it is the same."""

    number: int
    job_id: str
    # `fleet.jobs.Kind`, or "cancel".
    kind: str
    arguments: dict[str, Any]
    offered_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    commands: list[Command]
    # Of people who wait for the answers; told once, to agents that ask for them.
    questions: list[Question] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    number: int
    name: str
    state: str
    started_at: datetime | None = None
    ended_at: datetime | None = None
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    at: datetime
    level: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobReport:
    """All there is to say about a job at one moment; a later number replaces an earlier one."""

    number: int
    kind: str
    origin: str
    source: str
    state: str
    created_at: datetime
    arguments: dict[str, Any] = field(default_factory=dict)
    started_at: datetime | None = None
    ended_at: datetime | None = None
    attempts: int = 0
    progress: dict[str, Any] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    # New lines only: those since the report before.
    lines: list[Line] = field(default_factory=list)
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    finding: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobReportReply:
    # The number the server has now: lower than the one sent means that it wants all again.
    number: int
    cancel: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PointTold:
    id: str
    taken_at: datetime
    host: str
    paths: list[str]
    tags: list[str]
    bytes_total: int | None = None
    bytes_added: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PointsTold:
    """Every recovery point of the machine: those not named are gone."""

    points: list[PointTold]


@dataclass(frozen=True, slots=True, kw_only=True)
class VmTold:
    """A virtual machine of a host, as its agent saw it last."""

    uuid: str
    name: str
    # running, paused, off, …; None: it could not be looked at.
    state: str | None
    # whole, partly or not; None: it could not be looked at.
    protectable: str | None
    # The best its points can be now.
    consistency: str | None
    # Codes of what is against it, the worst first; or of the error it was met with.
    remarks: list[str] = field(default_factory=list)
    protected_since: datetime | None = None
    # Of its newest point: when it was made and its class.
    point_at: datetime | None = None
    point_class: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VmsTold:
    """Every virtual machine of the host: those not named are gone."""

    vms: list[VmTold]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseRequest:
    kind: str
    seconds: float
    holder: str = "agent"
    # The holder knows of no lease of its own: one that is still there is of a life that was killed.
    has_no_other: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseReply:
    id: str
    expires_at: datetime
