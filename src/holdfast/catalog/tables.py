"""Every table of the server's state. A change here needs a migration in `migrations/versions`."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, MetaData, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from holdfast.catalog.types import Json, Moment

# SQLite counts up only in a column of exactly this type.
_Counter = BigInteger().with_variant(Integer, "sqlite")


class Table(DeclarativeBase):
    # Named, so that a later migration can drop what this one made.
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012  SQLAlchemy's own way
        datetime: Moment,
        dict[str, Any]: Json,
        list[str]: Json,
        list[dict[str, Any]]: Json,
    }


class Setting(Table):
    """Facts of the server itself: its id, its keys' fingerprints."""

    __tablename__ = "settings"
    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[dict[str, Any]]


class Account(Table):
    """A person who may log in."""

    __tablename__ = "accounts"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    # Administrators hold every right on every vault, and are the only ones to delete vaults,
    # grant roles and manage accounts.
    is_admin: Mapped[bool] = mapped_column(default=False)
    lang: Mapped[str] = mapped_column(default="en")
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]
    failed_logins: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]


class Token(Table):
    """A secret that stands for an account: of a session, or given to a program."""

    __tablename__ = "tokens"
    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    kind: Mapped[str]  # "session" or "api"
    name: Mapped[str]
    secret_hash: Mapped[str] = mapped_column(unique=True)
    # Empty: all that the account may do; otherwise names of `fleet.roles.Scope`.
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class Pin(Table):
    """The security PIN of an account; for destructive acts, for minutes."""

    __tablename__ = "pins"
    account_id: Mapped[str] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True
    )
    secret_hash: Mapped[str]
    expires_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)


class Vault(Table):
    """Where a customer's recovery points live: a location, and one repository per machine in it."""

    __tablename__ = "vaults"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    location: Mapped[str]
    created_at: Mapped[datetime]
    machine_limit: Mapped[int] = mapped_column(default=50)
    credential_hours: Mapped[int] = mapped_column(default=48)
    soft_delete: Mapped[str] = mapped_column(default="on")  # "off", "on", "always-on"
    soft_delete_days: Mapped[int] = mapped_column(default=14)
    immutability: Mapped[str] = mapped_column(default="off")  # "off", "on", "locked"
    min_retention_days: Mapped[int] = mapped_column(default=0)
    # A machine without a good backup for so many days is told of; 0: never.
    backup_within_days: Mapped[int] = mapped_column(default=2)
    four_eyes: Mapped[bool] = mapped_column(default=False)
    is_lab: Mapped[bool] = mapped_column(default=False)
    quota_bytes: Mapped[int | None] = mapped_column(BigInteger)
    # How many bytes a second the gateway takes from and gives to all its machines.
    limit_rate: Mapped[int | None] = mapped_column(BigInteger)
    # Counts up with every file of credentials: only the newest is good.
    credentials_serial: Mapped[int] = mapped_column(default=0)
    deleted_at: Mapped[datetime | None]
    purge_at: Mapped[datetime | None]


class Grant(Table):
    """The role of an account in a vault."""

    __tablename__ = "grants"
    account_id: Mapped[str] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True
    )
    vault_id: Mapped[str] = mapped_column(
        ForeignKey("vaults.id", ondelete="CASCADE"), primary_key=True
    )
    role: Mapped[str]  # "reader", "operator", "contributor"


class Credentials(Table):
    """A vault credentials file that was issued; its secret is known here as a hash only."""

    __tablename__ = "credentials"
    id: Mapped[str] = mapped_column(primary_key=True)
    vault_id: Mapped[str] = mapped_column(ForeignKey("vaults.id", ondelete="CASCADE"), index=True)
    serial: Mapped[int]
    secret_hash: Mapped[str] = mapped_column(unique=True)
    issued_by: Mapped[str]
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used: Mapped[int] = mapped_column(default=0)
    # The id of the one machine these are for, in place of what it was; None: for new machines.
    replaces: Mapped[str | None]


class Machine(Table):
    """A registered server or KVM host. Its id is its identity; its name may change."""

    __tablename__ = "machines"
    id: Mapped[str] = mapped_column(primary_key=True)
    vault_id: Mapped[str] = mapped_column(ForeignKey("vaults.id"), index=True)
    name: Mapped[str]
    # What its host called itself when it was heard last; `name` may be one that people chose.
    host: Mapped[str] = mapped_column(default="")
    state: Mapped[str] = mapped_column(default="active")  # "active", "unregistered", "deleted"
    registered_at: Mapped[datetime]
    last_seen_at: Mapped[datetime | None]
    agent_version: Mapped[str] = mapped_column(default="")
    # What its heartbeats say: system, disk, scratch, service, clock.
    facts: Mapped[dict[str, Any]]
    # Of the repository's key, set once the machine has made or opened it.
    key_fingerprint: Mapped[str | None]
    # For stock restic, which logs in by name and password.
    gateway_secret_hash: Mapped[str | None]
    quota_bytes: Mapped[int | None] = mapped_column(BigInteger)
    # How many bytes a second the gateway takes from and gives to this machine.
    limit_rate: Mapped[int | None] = mapped_column(BigInteger)
    bytes_stored: Mapped[int] = mapped_column(BigInteger, default=0)
    files_stored: Mapped[int] = mapped_column(BigInteger, default=0)
    deleted_at: Mapped[datetime | None]
    purge_at: Mapped[datetime | None]


class Certificate(Table):
    """A client certificate given to a machine."""

    __tablename__ = "certificates"
    fingerprint: Mapped[str] = mapped_column(primary_key=True)  # SHA-256 of its DER form, hex
    machine_id: Mapped[str] = mapped_column(ForeignKey("machines.id"), index=True)
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    # SHA-256 of the public key: the same request again gives the same machine, a revoked key none.
    key_hash: Mapped[str] = mapped_column(default="", index=True)


class ReadGrant(Table):
    """For a while, one machine may read the repository of another, to restore from it."""

    __tablename__ = "read_grants"
    id: Mapped[str] = mapped_column(primary_key=True)
    machine_id: Mapped[str] = mapped_column(ForeignKey("machines.id"), index=True)
    reader_id: Mapped[str] = mapped_column(ForeignKey("machines.id"), index=True)
    granted_by: Mapped[str]
    granted_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class Policy(Table):
    """Schedule, retention, verification and prune windows; the body is `fleet.policies.Policy`."""

    __tablename__ = "policies"
    __table_args__ = (UniqueConstraint("vault_id", "name"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    vault_id: Mapped[str] = mapped_column(ForeignKey("vaults.id", ondelete="CASCADE"))
    name: Mapped[str]
    version: Mapped[int] = mapped_column(default=1)
    body: Mapped[dict[str, Any]]
    changed_at: Mapped[datetime]


class Assignment(Table):
    """A policy holds for these paths of a machine, and these virtual machines on it."""

    __tablename__ = "assignments"
    id: Mapped[str] = mapped_column(primary_key=True)
    machine_id: Mapped[str] = mapped_column(ForeignKey("machines.id"), index=True)
    policy_id: Mapped[str] = mapped_column(ForeignKey("policies.id"), index=True)
    paths: Mapped[list[str]]
    vms: Mapped[list[str]] = mapped_column(default=list)
    # Options of the backup: excludes, one_file_system, hooks …
    options: Mapped[dict[str, Any]]
    is_paused: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]


class Vm(Table):
    """A virtual machine of a host, as the host's agent told of it."""

    __tablename__ = "vms"
    machine_id: Mapped[str] = mapped_column(ForeignKey("machines.id"), primary_key=True)
    uuid: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    # The rest of `fleet.messages.VmTold`.
    facts: Mapped[dict[str, Any]]
    told_at: Mapped[datetime]


class Site(Table):
    """A folder of a registered machine that takes replicas of virtual machines in."""

    __tablename__ = "sites"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    machine_id: Mapped[str] = mapped_column(ForeignKey("machines.id"), unique=True)
    folder: Mapped[str]
    # Where hosts that replicate reach it; empty: by what its own host calls itself.
    host: Mapped[str]
    port: Mapped[int]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    # What the site's agent said last of its room, and of what keeps it from working.
    bytes_free: Mapped[int | None] = mapped_column(BigInteger)
    bytes_total: Mapped[int | None] = mapped_column(BigInteger)
    trouble: Mapped[str] = mapped_column(default="")
    told_at: Mapped[datetime | None]


class Replica(Table):
    """What lies at a site, as the site's agent told of it."""

    __tablename__ = "replicas"
    site_id: Mapped[str] = mapped_column(
        ForeignKey("sites.id", ondelete="CASCADE"), primary_key=True
    )
    vm: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    # The rest of `fleet.replication_messages.ReplicaTold`.
    facts: Mapped[dict[str, Any]]
    told_at: Mapped[datetime]


class Replication(Table):
    """One machine may write the replica of a virtual machine at a site; and how that fares."""

    __tablename__ = "replications"
    __table_args__ = (UniqueConstraint("site_id", "vm"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    site_id: Mapped[str] = mapped_column(ForeignKey("sites.id", ondelete="CASCADE"))
    # The UUID of the virtual machine; it stays when the machine moves to another host.
    vm: Mapped[str]
    name: Mapped[str]
    machine_id: Mapped[str] = mapped_column(ForeignKey("machines.id"), index=True)
    # As the files of those names have it at the source.
    settings: Mapped[dict[str, Any]]
    status: Mapped[dict[str, Any] | None]
    # Names of `replication.status.State` and `Health`, and since when it is so.
    state: Mapped[str]
    state_since: Mapped[datetime]
    health: Mapped[str]
    health_since: Mapped[datetime]
    # The instant of the newest point at the site, by the server's clock.
    latest_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    told_at: Mapped[datetime | None]
    # Since when the machine is no longer on its host, and is looked for on others.
    missing_since: Mapped[datetime | None]
    # The host it moved here from, until this one says that it goes on.
    handed_from: Mapped[str | None]


class ReplicationEnd(Table):
    """A host has to clean up after a replication that was ended, or moved, without it."""

    __tablename__ = "replication_ends"
    machine_id: Mapped[str] = mapped_column(ForeignKey("machines.id"), primary_key=True)
    vm: Mapped[str] = mapped_column(primary_key=True)
    # Its name, as the host knows it: the site itself may be gone.
    site: Mapped[str] = mapped_column(primary_key=True)
    why: Mapped[str]  # "disabled", "moved"
    keep_replica: Mapped[bool]
    asked_at: Mapped[datetime]


class ReplicaRemoval(Table):
    """A site has to remove a replica whose replication was ended while it was away."""

    __tablename__ = "replica_removals"
    site_id: Mapped[str] = mapped_column(
        ForeignKey("sites.id", ondelete="CASCADE"), primary_key=True
    )
    vm: Mapped[str] = mapped_column(primary_key=True)
    asked_at: Mapped[datetime]


class ReplicationSample(Table):
    """How far behind a replication was: the worst of a minute, and later of an hour."""

    __tablename__ = "replication_samples"
    replication_id: Mapped[str] = mapped_column(
        ForeignKey("replications.id", ondelete="CASCADE"), primary_key=True
    )
    at: Mapped[datetime] = mapped_column(primary_key=True, index=True)
    # How long it stands for: 60 or 3600.
    seconds: Mapped[int]
    rpo_seconds: Mapped[float | None]
    queue_bytes: Mapped[int] = mapped_column(BigInteger)
    health: Mapped[str]
    # Whether its host was heard of then; if not, the site may have had newer points.
    is_heard: Mapped[bool]


class Recovery(Table):
    """How a virtual machine stands on its way to another host and back, as one host knows it.

    Each of its two hosts tells its own; the greater epoch is right.
    """

    __tablename__ = "recoveries"
    machine_id: Mapped[str] = mapped_column(ForeignKey("machines.id"), primary_key=True)
    # The UUID of the virtual machine.
    vm: Mapped[str] = mapped_column(primary_key=True, index=True)
    name: Mapped[str]
    epoch: Mapped[int]
    # The id of the registered machine that may run it; empty: the one that replicates it.
    runs_at: Mapped[str]
    # A name of `recovery.record.Stage`, and since when it is so.
    stage: Mapped[str]
    stage_since: Mapped[datetime]
    # As the file of that name has it at the host.
    record: Mapped[dict[str, Any]]
    told_at: Mapped[datetime]


class RecoveryHost(Table):
    """What else a host told: how networks are mapped, its plans, tests that run, drills."""

    __tablename__ = "recovery_hosts"
    machine_id: Mapped[str] = mapped_column(ForeignKey("machines.id"), primary_key=True)
    # The rest of `fleet.recovery_messages.RecoveryTold`.
    facts: Mapped[dict[str, Any]]
    told_at: Mapped[datetime]


class RecoveryPlan(Table):
    """In which order machines are recovered; the text is YAML, as people keep it elsewhere."""

    __tablename__ = "recovery_plans"
    __table_args__ = (UniqueConstraint("vault_id", "name"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    vault_id: Mapped[str] = mapped_column(ForeignKey("vaults.id", ondelete="CASCADE"))
    name: Mapped[str]
    text: Mapped[str]
    version: Mapped[int]
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]


class DrillRun(Table):
    """A drill as it was, as its host told; the report is made of it, in the language of who reads."""

    __tablename__ = "drill_runs"
    __table_args__ = (Index("ix_drill_runs_vm_begun", "vm", "begun_at"),)
    machine_id: Mapped[str] = mapped_column(ForeignKey("machines.id"), primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True, index=True)
    # The UUID of the virtual machine, and its name.
    vm: Mapped[str]
    name: Mapped[str]
    begun_at: Mapped[datetime] = mapped_column(index=True)
    # A name of `recovery.drills.drill.DrillVerdict`.
    verdict: Mapped[str]
    # As the file of that name has it at the host, and the digest that stands for it there.
    run: Mapped[dict[str, Any]]
    digest: Mapped[str]
    # A PNG, in base64; empty: there is none.
    picture: Mapped[str]
    told_at: Mapped[datetime]


class Point(Table):
    """A recovery point as its machine told of it; the truth lies in the repository."""

    __tablename__ = "points"
    machine_id: Mapped[str] = mapped_column(ForeignKey("machines.id"), primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    taken_at: Mapped[datetime]
    host: Mapped[str]
    paths: Mapped[list[str]]
    tags: Mapped[list[str]]
    bytes_total: Mapped[int | None] = mapped_column(BigInteger)
    bytes_added: Mapped[int | None] = mapped_column(BigInteger)


class Job(Table):
    """One piece of work, done by a machine or by the server."""

    __tablename__ = "jobs"
    __table_args__ = (Index("ix_jobs_machine_created", "machine_id", "created_at"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    vault_id: Mapped[str | None] = mapped_column(ForeignKey("vaults.id"), index=True)
    machine_id: Mapped[str | None] = mapped_column(ForeignKey("machines.id"))
    kind: Mapped[str]  # names of `fleet.jobs.Kind`
    origin: Mapped[str]  # "schedule", "person", "server", "machine"
    # What the work is about, so that one source has one job at a time.
    source: Mapped[str] = mapped_column(default="")
    state: Mapped[str] = mapped_column(index=True)  # names of `fleet.jobs.State`
    arguments: Mapped[dict[str, Any]]
    asked_by: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(index=True)
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    cancel_asked_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    # The highest number of a machine's report that was taken in: reports may come twice, and late.
    report_number: Mapped[int] = mapped_column(default=0)
    progress: Mapped[dict[str, Any]]
    result: Mapped[dict[str, Any] | None]
    error: Mapped[dict[str, Any] | None]
    finding: Mapped[dict[str, Any] | None]


class JobStep(Table):
    __tablename__ = "job_steps"
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    state: Mapped[str]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    detail: Mapped[dict[str, Any]]


class JobLine(Table):
    """A line of a job's log."""

    __tablename__ = "job_lines"
    id: Mapped[int] = mapped_column(_Counter, primary_key=True, autoincrement=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime]
    level: Mapped[str]
    text: Mapped[str]


class Command(Table):
    """Work offered to a machine until it says that it took it."""

    __tablename__ = "commands"
    id: Mapped[int] = mapped_column(_Counter, primary_key=True, autoincrement=True)
    machine_id: Mapped[str] = mapped_column(ForeignKey("machines.id"), index=True)
    # The work is this job, or, for kind "cancel", to stop it.
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    kind: Mapped[str]
    arguments: Mapped[dict[str, Any]]
    offered_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    taken_at: Mapped[datetime | None]


class Lease(Table):
    """A machine may delete what retain or prune no longer needs, for a while."""

    __tablename__ = "leases"
    id: Mapped[str] = mapped_column(primary_key=True)
    machine_id: Mapped[str] = mapped_column(ForeignKey("machines.id"), index=True)
    kind: Mapped[str]  # "retain", "prune", "tag", "passphrase", "repair"
    # Who on the machine works under it: "agent", or "person" at a command line.
    holder: Mapped[str] = mapped_column(default="agent")
    granted_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    released_at: Mapped[datetime | None]


class Trashed(Table):
    """A file a machine deleted: hidden from it at once, kept in the storage until `purge_at`."""

    __tablename__ = "trash"
    machine_id: Mapped[str] = mapped_column(ForeignKey("machines.id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)  # as stored: "data/ab/abcd…"
    size: Mapped[int] = mapped_column(BigInteger)
    lease_id: Mapped[str | None]
    deleted_at: Mapped[datetime]
    purge_at: Mapped[datetime] = mapped_column(index=True)
    # Set while it is being removed for good: then it cannot come back.
    purging_at: Mapped[datetime | None]


class Scrub(Table):
    """How far the server's key-less verification of a machine's stored files has come."""

    __tablename__ = "scrubs"
    machine_id: Mapped[str] = mapped_column(ForeignKey("machines.id"), primary_key=True)
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    files: Mapped[int] = mapped_column(default=0)
    bytes_read: Mapped[int] = mapped_column(BigInteger, default=0)
    damaged: Mapped[list[str]]
    after: Mapped[str] = mapped_column(default="")


class Approval(Table):
    """A dangerous act that waits for a second person."""

    __tablename__ = "approvals"
    id: Mapped[str] = mapped_column(primary_key=True)
    vault_id: Mapped[str | None] = mapped_column(ForeignKey("vaults.id", ondelete="CASCADE"))
    act: Mapped[str]
    # What would be done, word for word: another request needs another approval.
    request: Mapped[dict[str, Any]]
    asked_by: Mapped[str]
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    decision: Mapped[str | None]  # "approved", "refused"
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]


class AuditEntry(Table):
    """Who did what, when, from where, and whether it was allowed. Only ever added to."""

    __tablename__ = "audit"
    id: Mapped[int] = mapped_column(_Counter, primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(index=True)
    actor: Mapped[str]  # "person:NAME", "machine:ID", "server"
    address: Mapped[str] = mapped_column(default="")
    act: Mapped[str]
    vault_id: Mapped[str | None]
    object: Mapped[str] = mapped_column(default="")
    outcome: Mapped[str] = mapped_column(default="done")  # "done", "denied", "failed"
    detail: Mapped[dict[str, Any]]


class Alert(Table):
    """Something a person should know; one row for one cause, however often it is seen."""

    __tablename__ = "alerts"
    id: Mapped[str] = mapped_column(primary_key=True)
    # The same key while open means the same alert.
    key: Mapped[str] = mapped_column(index=True)
    kind: Mapped[str]
    severity: Mapped[str]  # "critical", "error", "warning", "info"
    vault_id: Mapped[str | None]
    machine_id: Mapped[str | None]
    fields: Mapped[dict[str, Any]]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    count: Mapped[int] = mapped_column(default=1)
    closed_at: Mapped[datetime | None]
    # Ids of the targets that took it; `sent_at` when all of them did.
    sent_to: Mapped[list[str]]
    sent_at: Mapped[datetime | None]
    suppressed_by: Mapped[str | None]


class AlertTarget(Table):
    """Where alerts go: a URL in apprise's form, which may hold a password."""

    __tablename__ = "alert_targets"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    url: Mapped[str]
    vault_id: Mapped[str | None]
    min_severity: Mapped[str] = mapped_column(default="warning")
    lang: Mapped[str] = mapped_column(default="en")
    daily_summary: Mapped[bool] = mapped_column(default=False)
    # When the summary is sent, as a clock there shows it; and the day it was sent last.
    summary_at: Mapped[str] = mapped_column(default="08:00")
    summary_zone: Mapped[str] = mapped_column(default="UTC")
    summarized_on: Mapped[str | None]
    # The weekday of the weekly summary, a name of `fleet.local_time.WEEKDAYS`; None: there is none.
    weekly_on: Mapped[str | None]
    week_told_on: Mapped[str | None]


class AlertSuppression(Table):
    __tablename__ = "alert_suppressions"
    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str | None]
    vault_id: Mapped[str | None]
    machine_id: Mapped[str | None]
    reason: Mapped[str]
    made_by: Mapped[str]
    until: Mapped[datetime | None]


class VaultSample(Table):
    """How much a vault held: each hour, and of what is older the last of each day."""

    __tablename__ = "vault_samples"
    vault_id: Mapped[str] = mapped_column(
        ForeignKey("vaults.id", ondelete="CASCADE"), primary_key=True
    )
    at: Mapped[datetime] = mapped_column(primary_key=True, index=True)
    # How long it stands for: 3600 or 86400.
    seconds: Mapped[int]
    bytes_stored: Mapped[int] = mapped_column(BigInteger)
    files_stored: Mapped[int] = mapped_column(BigInteger)
    machines: Mapped[int]
    # Of the disk it lies on; none where nobody can know, as in an object store.
    disk_free: Mapped[int | None] = mapped_column(BigInteger)
    disk_total: Mapped[int | None] = mapped_column(BigInteger)


class KeptReport(Table):
    """A page that was made once, at a host, and is kept here to be shown around."""

    __tablename__ = "kept_reports"
    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]  # "planner"
    title: Mapped[str]
    vault_id: Mapped[str] = mapped_column(ForeignKey("vaults.id", ondelete="CASCADE"), index=True)
    machine_id: Mapped[str | None] = mapped_column(ForeignKey("machines.id"))
    # What it is about, as its maker calls it.
    subject: Mapped[str] = mapped_column(default="")
    made_at: Mapped[datetime] = mapped_column(index=True)
    kept_at: Mapped[datetime]
    kept_by: Mapped[str]
    # In short, for lists: the bandwidth of a plan.
    facts: Mapped[dict[str, Any]]
    page: Mapped[str]


class Replayed(Table):
    """The answer to a request that carried an idempotency key, given again to the same request."""

    __tablename__ = "idempotency"
    caller: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[str]
    status: Mapped[int | None]
    body: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(index=True)


class Worker(Table):
    """A server process that runs workflows; one that is silent too long is taken over."""

    __tablename__ = "workers"
    executor_id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str]
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
