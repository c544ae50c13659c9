"""The states of a machine, with the reasons that matter to a backup."""

from dataclasses import dataclass
from enum import Enum


class State(Enum):
    """As libvirt numbers them."""

    NONE = 0
    RUNNING = 1
    BLOCKED = 2
    PAUSED = 3
    SHUTTING_DOWN = 4
    OFF = 5
    CRASHED = 6
    SUSPENDED = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    state: State
    # A word of libvirt's, such as `ioerror`; empty where it has none for this state.
    reason: str

    @property
    def is_active(self) -> bool:
        """Whether it has a QEMU process, as far as libvirt knows."""
        return self.state not in (State.OFF, State.CRASHED, State.NONE)

    @property
    def is_stuck_on_io(self) -> bool:
        return self.state is State.PAUSED and self.reason == "ioerror"

    @property
    def is_from_snapshot(self) -> bool:
        """Somebody went back to a snapshot, and it goes on from there."""
        return self.reason == "from-snapshot"

    @property
    def has_not_come_up(self) -> bool:
        """Its QEMU ended before libvirt had it in its hands."""
        return self.state is State.OFF and self.reason == "failed"


_REASONS = {
    State.RUNNING: (
        "unknown", "booted", "migrated", "restored", "from-snapshot", "unpaused",
        "migration-canceled", "save-canceled", "wakeup", "crashed", "postcopy", "postcopy-failed",
    ),
    State.PAUSED: (
        "unknown", "user", "migration", "save", "dump", "ioerror", "watchdog", "from-snapshot",
        "shutting-down", "snapshot", "crashed", "starting-up", "postcopy", "postcopy-failed",
    ),
    State.OFF: (
        "unknown", "shutdown", "destroyed", "crashed", "migrated", "saved", "failed",
        "from-snapshot", "daemon",
    ),
}  # fmt: skip


def read_standing(state: int, reason: int) -> Standing:
    """Numbers newer than this table are no error: a future libvirt knows more of them."""
    try:
        known = State(state)
    except ValueError:
        known = State.NONE
    words = _REASONS.get(known, ())
    return Standing(state=known, reason=words[reason] if 0 <= reason < len(words) else "")
