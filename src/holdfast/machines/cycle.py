"""A point of a machine that runs: all its disks at one instant, read while it goes on.

Two phases: the new checkpoint is made at the instant of the point, and the old one is deleted
when the point is in the vault. Whatever fails in between, the old one still is what the newest
point names, and the new one is removed, here or by the next run.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from holdfast.base.errors import HoldfastError
from holdfast.disks.nbd_address import UnixAddress
from holdfast.hypervisor.checkpoint_xml import new_name
from holdfast.hypervisor.checkpoints import stored_form
from holdfast.hypervisor.domain_disks import disk_size
from holdfast.machines.adopting import drop_checkpoints, end_our_job
from holdfast.machines.backup_errors import VmBitmapImpossible
from holdfast.machines.change_maps import (
    CHECKPOINT_FILE,
    can_record,
    has_lost_record,
    live_states,
)
from holdfast.machines.going_off import told_when_off
from holdfast.machines.parents import Parent
from holdfast.machines.point_writer import PointReport
from holdfast.machines.points import DiskFacts, VmPoint
from holdfast.machines.pulling import Pull, patiently, prepare_pull, undone_on_error
from holdfast.machines.scratch_guard import ScratchGuard, guarded
from holdfast.machines.spool import Spool
from holdfast.machines.stillness import Stilled
from holdfast.machines.storing import (
    DOMAIN_FILE,
    description,
    make_facts,
    report_of,
    require_consistency,
    store_disk,
    writer_for,
)
from holdfast.machines.tracking import DiskNow, MapState, Track, Tracking, choose_track
from holdfast.machines.vm_disks import open_disk, required_disks
from holdfast.machines.vm_job import Gathered, VmJob, VmReport
from holdfast.machines.vm_state import copy_nvram, copy_tpm


def back_up_running(job: VmJob, parent: Parent | None, *, keep: frozenset[str]) -> VmReport:
    """`keep` are checkpoints that points elsewhere name."""
    return _Cycle(job, parent).run(keep)


class _Cycle:
    def __init__(self, job: VmJob, parent: Parent | None) -> None:
        self._job = job
        self._domain = job.domain
        self._clock = job.clock
        self._parent = parent
        self._spec = job.domain.spec()
        self._disks, left_out = required_disks(self._spec)
        self._guard: ScratchGuard | None = None
        self._gathered = Gathered(taken_at=job.clock.now(), left_out=left_out)

    def run(self, keep: frozenset[str]) -> VmReport:
        job, gathered, name = self._job, self._gathered, new_name()
        gathered.files[DOMAIN_FILE] = description(self._domain)
        copy_tpm(self._spec, gathered)
        with job.place.made(), self._guarded():
            with undone_on_error(self._domain, self._clock, name):
                pull, stilled = self._begin(name)
                require_consistency(job, stilled)
                point, facts = self._store(pull, stilled)
            # Only now: until the point was named, the old one was what counts.
            job.on_step("stored")
            self._drop_old(keep | {name})
        return report_of(job, gathered, point=point, facts=facts, stilled=stilled)

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        job = self._job
        with guarded(self._domain, job.place, job.clock, reserve=job.reserve) as self._guard:
            yield

    def _begin(self, name: str) -> tuple[Pull, Stilled]:
        recordable = self._recordable()
        tracks = self._tracks(recordable)
        prepared = prepare_pull(
            self._domain, self._job.place, name=name, tracks=tracks, recordable=recordable
        )
        still = self._job.stillness(self._domain)
        self._job.on_step("ready")
        with still.held():
            pull = prepared.begin()
            self._gathered.taken_at = self._clock.now()
            copy_nvram(self._spec, self._gathered)
        self._job.on_step("begun")
        return pull, still.outcome()

    def _recordable(self) -> tuple[str, ...]:
        tracking = self._job.tracking
        if tracking is Tracking.HASH:
            return ()
        able = tuple(d.target for d in self._disks if can_record(d, is_live=True))
        if tracking is Tracking.BITMAP and len(able) < len(self._disks):
            unable = ", ".join(d.target for d in self._disks if d.target not in able)
            raise VmBitmapImpossible(about=self._spec.name, disks=unable)
        return able

    def _tracks(self, recordable: tuple[str, ...]) -> dict[str, Track]:
        states = self._states()
        tracks = {}
        for disk in self._disks:
            now = DiskNow(
                target=disk.target,
                size=disk_size(self._domain, disk.target).capacity,
                can_record=disk.target in recordable,
                map_state=states.get(disk.target, MapState.MISSING),
            )
            before = self._parent.disk(disk.target) if self._parent else None
            tracks[disk.target] = choose_track(now, before, wanted=self._job.wanted)
        return tracks

    def _states(self) -> dict[str, MapState]:
        parent = self._parent
        if parent is None or not parent.facts.checkpoint:
            return {}
        stored = parent.file(CHECKPOINT_FILE)
        states = live_states(
            self._domain, parent.facts.checkpoint, None if stored is None else stored.decode()
        )
        for disk in self._disks:
            before = parent.disk(disk.target)
            # A record that cannot be used anyway need not be looked for in images.
            if before is None or states.get(disk.target) is not MapState.RECORDING:
                continue
            if has_lost_record(disk, before, is_live=True):
                states[disk.target] = MapState.MISSING
        return states

    def _store(self, pull: Pull, stilled: Stilled) -> tuple[PointReport, VmPoint]:
        gathered = self._gathered
        with writer_for(self._job, self._parent, spool=self._spool()) as writer:
            disks: list[DiskFacts] = []
            with told_when_off(self._domain, self._clock, is_ended=self._is_guarded_out):
                for disk, plan in zip(self._disks, pull.plan.disks, strict=True):
                    opened = open_disk(
                        UnixAddress(path=Path(pull.plan.socket)),
                        plan.export,
                        pull.tracks[disk.target],
                        context=plan.context,
                        parent=self._parent,
                        wish=self._job.audit_wish,
                    )
                    with opened.source:
                        facts_of = store_disk(
                            writer,
                            disk,
                            opened,
                            gathered=gathered,
                            checkpoints=pull.checkpoints,
                        )
                    disks.append(facts_of)
            self._job.on_step("read")
            self._end_job()
            self._keep_checkpoint(pull.checkpoint)
            facts = make_facts(
                self._spec,
                gathered,
                stilled=stilled,
                disks=disks,
                checkpoint=pull.checkpoint,
                parent=self._parent,
            )
            return writer.commit(facts, gathered.files), facts

    def _end_job(self) -> None:
        """What the vault cannot take yet may take hours: no alarm is about this backup any more."""
        assert self._guard is not None
        patiently(lambda: end_our_job(self._domain, self._clock), self._clock)
        self._guard.stop()

    def _spool(self) -> Spool:
        """What the guest overwrites is saved in the same place, and comes first."""
        assert self._guard is not None
        return Spool(str(self._job.place.folder), self._guard.room)

    def _keep_checkpoint(self, name: str) -> None:
        """Its description, with which it is made known again where it was forgotten."""
        if name:
            form = patiently(lambda: stored_form(self._domain, name), self._clock)
            self._gathered.files[CHECKPOINT_FILE] = form.encode()

    def _is_guarded_out(self) -> bool:
        return self._guard is not None and self._guard.error is not None

    def _drop_old(self, keep: frozenset[str]) -> None:
        # What stays costs a little memory, and the next run removes it.
        with contextlib.suppress(HoldfastError):
            drop_checkpoints(self._domain, keep=keep)
