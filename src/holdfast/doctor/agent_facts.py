"""Facts about this machine's agent, as its own probes write them: one JSON object per line."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from holdfast.doctor.facts import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentState(Fact):
    """Who this machine is to its server, as its registration says."""

    folder: str
    # good, missing, unreadable
    registration: str
    reason: str = ""
    # A registration was begun, and not ended.
    is_prepared: bool = False
    has_unit: bool = False
    machine: str = ""
    vault: str = ""
    # As registered, and as the machine is called now.
    name: str = ""
    host: str = ""
    server: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFile(Fact):
    """The saved passphrase and its copy: good, missing or damaged. Their content is never told."""

    file: str
    state: str
    copy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentCertificate(Fact):
    """What the machine shows its server, or checks the server by; `role` is machine or authority."""

    role: str
    file: str
    # good, missing, unreadable, other-key
    state: str
    begins: datetime | None = None
    expires: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentInstallation(Fact):
    """The installed program, compared with what its package says."""

    version: str
    changed: datetime | None = None
    files: int = 0
    missing: int = 0
    altered: int = 0
    # One of them.
    first: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentService(Fact):
    """A unit of ours in systemd's own words, and the program it starts."""

    unit: str
    # loaded, not-found, masked
    load: str
    active: str = ""
    sub: str = ""
    enabled: str = ""
    result: str = ""
    status: int = 0
    restarts: int = 0
    since: datetime | None = None
    user: str = ""
    needs_reload: bool = False
    program: str = ""
    # good, missing, no-interpreter, noexec, or "" where nobody could look
    program_state: str = ""
    interpreter: str = ""
    # Of the service, not of any shell; without names and passwords.
    proxies: Mapping[str, str] = field(default_factory=dict)
    # Those of them that do not answer, and why.
    silent_proxies: Mapping[str, str] = field(default_factory=dict)

    @property
    def runs(self) -> bool:
        return self.active in {"active", "reloading"} and self.sub != "auto-restart"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentProcess(Fact):
    """Whether an agent has this home in its hands, however it was started."""

    home: str = ""
    is_running: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTimer(Fact):
    """The variant without a daemon: a timer that starts backups."""

    unit: str
    enabled: str = ""
    active: str = ""
    next: datetime | None = None

    @property
    def is_on(self) -> bool:
        return self.active == "active"


# What `--once` does by a timer of one's own; no stranger to the agent's schedule.
AGENT_ITSELF = "holdfast agent run"


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherBackup(Fact):
    """Another backup program, or the agent's own, that a timer or cron starts."""

    tool: str
    where: str
    # Local times of day, HH:MM; empty when the text does not tell.
    at: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentPolicies(Fact):
    """The assignments on this disk, and when the server was last heard."""

    # good, missing, unreadable
    state: str
    count: int = 0
    heard: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentAssignment(Fact):
    """One assignment with what its schedule means now."""

    id: str
    policy: str
    # good, unreadable
    state: str = "good"
    reason: str = ""
    is_paused: bool = False
    schedule: str = ""
    zone: str = ""
    next: datetime | None = None
    # When the next backup begins on this machine's clocks, HH:MM.
    next_local: str = ""
    last: datetime | None = None
    catches_up: bool = True
    # Moments that came since the last and were not answered, and the first of them.
    missed: int = 0
    missed_at: datetime | None = None
    blackouts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentJournal(Fact):
    """The file in which the agent notes its jobs."""

    file: str
    # good, missing, damaged, unreadable
    state: str
    reason: str = ""
    # Damaged ones that were put aside.
    put_aside: int = 0
    undelivered: int = 0
    # Since when the oldest of these waits.
    waits_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentJob(Fact):
    """One job of the journal."""

    id: str
    kind: str
    state: str
    source: str = ""
    created: datetime | None = None
    started: datetime | None = None
    ended: datetime | None = None
    attempts: int = 0
    next_try: datetime | None = None
    error: str = ""
    message: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    pid: int | None = None
    # Whether that process is there.
    is_alive: bool | None = None
    protected_bytes: int | None = None

    @property
    def is_good(self) -> bool:
        return self.state in {"done", "warnings"}


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentStage(Fact):
    """A stage of the way to the server: dns, tcp, proxy, tls, http, auth."""

    target: str
    stage: str
    reached: bool
    seen: str = ""
    proxy: str = ""
    # The error's code where the stage failed.
    error: str = ""
    schemes: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentClock(Fact):
    """How far our clock is ahead of the server's."""

    ahead_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTime(Fact):
    """How this machine keeps its time; None where nobody could tell."""

    synchronised: bool | None = None
    zone: str = ""
    zone_is_known: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRoom(Fact):
    """Room in one of the agent's folders; `what` is home or temporary."""

    what: str
    folder: str
    size: int = 0
    free: int = 0
    # 0: the file system counts none.
    inodes: int = 0
    free_inodes: int = 0
    # Entries of the folder, counted no further than it matters.
    files: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentScratch(Fact):
    """The scratch folder as the settings name it, and as it is found."""

    folder: str
    # good, missing, moved
    state: str
    reason: str = ""
    free: int = 0
    # What the last backup read; None: there was none.
    protected: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentDenial(Fact):
    """The kernel's word that a security module kept our program from something."""

    module: str
    path: str
    when: datetime | None = None
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentDenials(Fact):
    """The kernel's log was read; so many denials of our program stand in it."""

    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentScanners(Fact):
    """Programs on this machine that look into every file that is opened."""

    names: tuple[str, ...] = ()


# By the word that each line of the probes begins with.
AGENT_KINDS: Mapping[str, Mapping[str, type[Fact]]] = {
    "own.agent": {
        "agent": AgentState,
        "agent-key-file": KeyFile,
        "agent-certificate": AgentCertificate,
        "agent-installation": AgentInstallation,
    },
    "own.agent.service": {
        "agent-service": AgentService,
        "agent-process": AgentProcess,
        "agent-timer": AgentTimer,
        "other-backup": OtherBackup,
    },
    "own.agent.schedule": {
        "agent-policies": AgentPolicies,
        "agent-assignment": AgentAssignment,
    },
    "own.agent.jobs": {"agent-journal": AgentJournal, "agent-job": AgentJob},
    "own.agent.way": {"agent-reach": AgentStage, "agent-clock": AgentClock},
    "own.agent.machine": {
        "agent-room": AgentRoom,
        "agent-scratch": AgentScratch,
        "agent-denial": AgentDenial,
        "agent-denials": AgentDenials,
        "agent-scanners": AgentScanners,
        "agent-time": AgentTime,
    },
}
