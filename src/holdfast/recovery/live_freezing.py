"""The instant from which a machine writes into images of its own, which are all that has to move.

In one pause an empty image comes on top of each disk and a step of the replication begins. What
lies below stands still from then on, and when the step is at the site, the site has all of it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from holdfast.base.errors import HoldfastError
from holdfast.hypervisor.checkpoint_xml import new_name
from holdfast.hypervisor.checkpoints import create_checkpoint
from holdfast.hypervisor.domains import Domain
from holdfast.machines.overlay_putting import prepared_layers, settle_layers
from holdfast.machines.overlays import layered_disk, new_layers, require_layers, require_room
from holdfast.machines.points import Consistency
from holdfast.machines.stillness import Stilled
from holdfast.machines.vm_disks import required_disks
from holdfast.recovery.live_errors import LiveFailed, LiveNotRunning, LiveUnfit
from holdfast.recovery.live_note import LiveNote, write_live
from holdfast.recovery.promoted_definition import NewIds
from holdfast.recovery.record_folder import RecordFolder
from holdfast.replication.source_advance import Done, plan_step
from holdfast.replication.source_cycle import ready_step
from holdfast.replication.source_job import Held, SourceJob
from holdfast.replication.source_making import RecordLost, StepMade

if TYPE_CHECKING:
    from holdfast.hypervisor.disk_layers import PreparedLayers


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    note: LiveNote
    step: StepMade
    # For how long the guest stood.
    pause_seconds: float


def require_movable(domain: Domain) -> None:
    """What can be seen before anything is changed."""
    if not domain.is_active():
        raise LiveNotRunning(about=domain.name)
    spec = domain.spec()
    chosen, left_out = required_disks(spec)
    if spec.host_devices:
        raise LiveUnfit(about=domain.name, reason=", ".join(spec.host_devices))
    if missing := [one for one in left_out if one in {disk.target for disk in spec.hard_disks}]:
        raise LiveUnfit(about=domain.name, reason=", ".join(missing))
    try:
        require_layers(domain, spec, chosen)
        require_room(domain, [layered_disk(disk, is_live=True) for disk in chosen], None)
    except HoldfastError as err:
        raise LiveUnfit(about=domain.name, reason=err) from err


def freeze(job: SourceJob, found: Held, folder: RecordFolder, *, note: LiveNote) -> Frozen:
    """The machine is held by the caller. Whatever it raises, overlays may lie on the disks."""
    moment = _Moment(job, folder, note)
    planned = plan_step(job, found)
    if isinstance(planned, Done):
        raise LiveFailed(about=job.domain.name, reason=planned.why or planned.did.value)
    moving = replace(job, stillness=lambda _domain: moment, least=Consistency.CRASH)
    try:
        with ready_step(moving, found, planned) as ready:
            moment.name(ready.name)
            with moment.held():
                ready.begin()
            step = ready.finish()
    except RecordLost as err:
        raise LiveFailed(about=job.domain.name, reason=err.why.value) from err
    finally:
        settle_layers(job.domain, job.clock, home=job.home)
    return Frozen(note=moment.note, step=step, pause_seconds=moment.pause_seconds)


def planned_note(domain: Domain, *, act: str, attempt: str) -> LiveNote:
    chosen, _left_out = required_disks(domain.spec())
    disks = [layered_disk(disk, is_live=True) for disk in chosen]
    return LiveNote(
        act=act,
        attempt=attempt,
        below={disk.target: disk.chain[0].path for disk in disks},
        overlays=new_layers(disks, new_name()),
        formats={disk.target: disk.chain[0].format for disk in disks},
    )


class _Moment:
    """The guest stands while the images are put on, the step begins, and a record of what comes."""

    def __init__(self, job: SourceJob, folder: RecordFolder, note: LiveNote) -> None:
        self._job, self._folder, self.note = job, folder, note
        self.pause_seconds = 0.0
        self._prepared: PreparedLayers | None = None

    def name(self, generation: str) -> None:
        """All that takes time is done before the guest stands."""
        ids = NewIds(act=self.note.act, generation=generation)
        self.note = write_live(
            self._folder,
            msgspec.structs.replace(self.note, generation=generation, checkpoint=ids.checkpoint),
        )
        job = self._job
        self._prepared = prepared_layers(job.domain, self.note.overlays, home=job.home)

    @contextmanager
    def held(self) -> Iterator[None]:
        domain, clock = self._job.domain, self._job.clock
        assert self._prepared is not None, "it has a name by now"
        began = clock.monotonic()
        domain.suspend()
        try:
            self._prepared.put()
            yield
            create_checkpoint(domain, self.note.checkpoint, disks=tuple(self.note.overlays))
        finally:
            domain.resume()
            self.pause_seconds = clock.monotonic() - began
        self._job.on_step("frozen")

    def outcome(self) -> Stilled:
        return Stilled(consistency=Consistency.CRASH)
