"""Facts about virtual machines and their host, as our own probes write them: a JSON object a line."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from holdfast.doctor.facts import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class VmHost(Fact):
    """A hypervisor host that machines are protected on, and how busy it is."""

    uri: str
    # The code of the error that reaching it ended with, and what was said.
    error: str = ""
    reason: str = ""
    # Backup jobs that run on it now, whoever began them.
    jobs: int = 0
    # Of this machine, where it is the host: load by processor, and the share of free memory.
    load: float | None = None
    memory_free: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VmMachine(Fact):
    """A machine that is protected, or that a job was about."""

    vm: str
    uuid: str = ""
    is_protected: bool = False
    # False: its host does not know it any more.
    is_there: bool = True
    state: str = ""
    state_reason: str = ""
    # A backup job of its hypervisor: ours, foreign, or "" for none.
    job: str = ""
    # Whether a process of ours works on it, and which.
    is_locked: bool = False
    lock_work: str = ""
    lock_pid: int | None = None
    lock_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VmRemark(Fact):
    """A line of the planner's sheet; `disk` is empty where it is about the machine."""

    vm: str
    code: str
    # note, less, not; agreed for a disk that is left out with somebody's consent
    weight: str
    disk: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class VmAgent(Fact):
    """The guest agent of a machine that runs."""

    vm: str
    # answers, silent, absent, no-channel
    state: str
    error: str = ""
    version: str = ""
    # Commands it does not do, of those that are needed; unknown while it is frozen.
    lacking: tuple[str, ...] = ()
    is_frozen: bool = False
    # Whether a process of ours is at work on it, which may have frozen it rightly.
    is_locked: bool = False

    @property
    def answers(self) -> bool:
        return self.state == "answers"


@dataclass(frozen=True, slots=True, kw_only=True)
class VmAgentUnit(Fact):
    """The agent's unit, in a guest with systemd."""

    vm: str
    enabled: str = ""
    restart: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VmGuest(Fact):
    """What a guest says of itself; None where it did not say."""

    vm: str
    load: float | None = None
    memory_free: float | None = None
    memory_free_mib: int | None = None
    # Mounted from elsewhere, so not on the machine's disks.
    remote_mounts: tuple[str, ...] = ()
    # Mounted from something that may lie across several disks.
    spanning_mounts: tuple[str, ...] = ()
    # Disks of the machine that no point holds.
    disks_left_out: tuple[str, ...] = ()
    # Other backup programs that run in it now.
    other_tools: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VmChurn(Fact):
    """How much a machine writes, over all its disks."""

    vm: str
    mib_per_second: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class VmLast(Fact):
    """How the newest point of a machine came about."""

    vm: str
    # application, filesystem, crash
    consistency: str
    at: datetime | None = None
    # The least that was asked for.
    wanted: str = "crash"
    # Codes, with what was seen.
    downgrades: Mapping[str, str] = field(default_factory=dict)
    freeze_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VmExtension(Fact):
    """Our extension in a guest."""

    vm: str
    # absent, not-ready, transitioning, ready, failed
    state: str
    version: str = ""
    newest: str = ""
    reason: str = ""
    # How long the state lasts, and the operation that runs there, by whom.
    age_seconds: float | None = None
    holder: str = ""
    holder_age_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VmScratch(Fact):
    """Where QEMU keeps what guests overwrite during a backup."""

    folder: str
    reason: str = ""
    size: int = 0
    free: int = 0
    # So much must stay free, or a backup is ended.
    reserve: int = 0
    # Machines whose scratch files lie there though no backup of them runs.
    left: tuple[str, ...] = ()


VM_KINDS: Mapping[str, Mapping[str, type[Fact]]] = {
    "own.vm": {"vm-host": VmHost, "vm-machine": VmMachine, "vm-remark": VmRemark},
    "own.vm.agent": {"vm-agent": VmAgent, "vm-agent-unit": VmAgentUnit},
    "own.vm.guest": {"vm-guest": VmGuest, "vm-churn": VmChurn, "vm-last": VmLast},
    "own.vm.extension": {"vm-extension": VmExtension},
    "own.vm.scratch": {"vm-scratch": VmScratch},
}
