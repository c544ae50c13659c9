"""What differs after half a minute, five and fifteen: asked of a checkpoint that is made anew.

It is entered in the notes of checkpoints under a key of its own, so that backups and replication
leave it alone, and it is made and removed with the lock of the machine held, for milliseconds. Who
finds the lock taken does without: a figure less harms nobody, a backup that fails does.
"""

import contextlib
from dataclasses import dataclass, field
from typing import Final

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.hypervisor.backup_jobs import job_stats
from holdfast.hypervisor.checkpoint_xml import new_name
from holdfast.hypervisor.checkpoints import changed_bytes, create_checkpoint, delete_checkpoint
from holdfast.hypervisor.domains import Domain
from holdfast.machines.backup_errors import VmOperationRunning
from holdfast.machines.change_maps import can_record
from holdfast.machines.checkpoint_notes import CheckpointNotes
from holdfast.machines.vm_lock import vm_lock
from holdfast.replication.planner.profile_folder import ProfileFolder
from holdfast.replication.planner.samples import AGES, Dirty, Window

KEY: Final = "planner"
_LONGEST: Final = max(AGES)
# A window that is asked for so much too late is none of its age any more.
_LATE: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose checkpoints they are."""

    domain: Domain
    folder: ProfileFolder
    home: str
    clock: Clock


@dataclass(slots=True, kw_only=True)
class _Live:
    """The checkpoint that is there: when it was made, in which run, and what is still to be asked."""

    name: str
    run: int
    at: float
    monotonic: float
    written: dict[str, int]
    ages: list[int] = field(default_factory=lambda: sorted(AGES))


class DirtyWindows:
    """Of one machine; `never` are disks of which nothing is to be recorded, None: of none of them."""

    def __init__(self, owner: Owner, never: frozenset[str] | None) -> None:
        self._owner = owner
        self._never = never
        self._live: _Live | None = None
        self._next_try = 0.0
        # The code of the error for which there are no windows now.
        self.trouble = ""

    def look(self, *, run: int | None, written: dict[str, int]) -> list[Window]:
        """What is due now; `run` is the machine's start, `written` what it wrote since any moment."""
        if self._never is None or run is None:
            self._live = None
            return []
        try:
            found = self._asked(run, written)
            self._renew(run, written)
        except HoldfastError as err:
            self._fail(err)
            return []
        return found

    def _asked(self, run: int, written: dict[str, int]) -> list[Window]:
        live = self._live
        if live is None or live.run != run:
            return []
        seconds = self._owner.clock.monotonic() - live.monotonic
        due = [age for age in live.ages if seconds >= age]
        live.ages = [age for age in live.ages if age not in due]
        if not due or seconds > due[-1] * (1 + _LATE):
            return []
        sizes = changed_bytes(self._owner.domain, live.name)
        self.trouble = ""
        disks = {
            target: Dirty(unique=size, written=written.get(target, 0) - live.written.get(target, 0))
            for target, size in sizes.items()
        }
        return [Window(at=int(live.at), seconds=round(seconds, 1), age=due[-1], disks=disks)]

    def _renew(self, run: int, written: dict[str, int]) -> None:
        live, now = self._live, self._owner.clock.monotonic()
        is_good = live is not None and live.run == run and now - live.monotonic < _LONGEST
        if is_good or now < self._next_try:
            return
        if job_stats(self._owner.domain) is not None:
            # libvirt would let us wait for its end, and with us the machine's owner.
            return
        name, disks = new_name(), self._recordable()
        with contextlib.suppress(VmOperationRunning), _held(self._owner):
            self._live = None
            remove_checkpoints(self._owner)
            if not disks:
                # Until one is plugged in that can.
                self._next_try = now + _LONGEST
                return
            _noted(self._owner, name)
            create_checkpoint(self._owner.domain, name, disks=disks)
            self._live = _Live(
                name=name,
                run=run,
                at=self._owner.clock.now().timestamp(),
                monotonic=self._owner.clock.monotonic(),
                written=dict(written),
            )

    def _recordable(self) -> tuple[str, ...]:
        """Looked for each time: disks come and go."""
        return tuple(
            disk.target
            for disk in self._owner.domain.spec().data_disks
            if disk.target not in (self._never or ()) and can_record(disk, is_live=True)
        )

    def _fail(self, err: HoldfastError) -> None:
        """Written bytes are counted all the same; it is tried again, but not at each poll."""
        self._live = None
        self.trouble = err.code
        self._next_try = self._owner.clock.monotonic() + min(AGES) * 2

    def close(self) -> bool:
        """Whether nothing is left; what cannot be removed now, the next profile will find."""
        self._live = None
        return leave_nothing(self._owner)


def leave_nothing(owner: Owner) -> bool:
    """Whether no checkpoint of a profile is left, also of one that was killed."""
    if not owner.folder.checkpoints():
        return True
    try:
        with _held(owner):
            if not owner.domain.is_active():
                # libvirt removes no bitmap of a machine that is off; the note keeps us in mind.
                return False
            remove_checkpoints(owner)
    except HoldfastError:
        return False
    return True


def remove_checkpoints(owner: Owner) -> None:
    """With the lock held."""
    for name in owner.folder.checkpoints():
        delete_checkpoint(owner.domain, name)
    _noted(owner, "")


def _noted(owner: Owner, name: str) -> None:
    """Before it is there: who is killed in between leaves a note too many, never a checkpoint."""
    owner.folder.keep_checkpoints(owner.domain.name, (name,) if name else ())
    CheckpointNotes(owner.home, owner.domain.uuid, owner.clock).note(KEY, name)


def _held(owner: Owner) -> contextlib.AbstractContextManager[None]:
    domain = owner.domain
    return vm_lock(owner.home, domain.uuid, owner.clock, name=domain.name, work="planner")
