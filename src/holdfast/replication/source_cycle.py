"""A step of a machine that runs: all its disks at one instant, into a log of what has changed.

The new checkpoint is made at the instant of the step. Nothing counts before sent.json names it:
whatever fails before, the checkpoint before is what the next step is relative to, and the new one
is removed, here or by the next run. The pull job is over before anything is sent, so the guest
never waits for a link.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from holdfast.base.errors import HoldfastError
from holdfast.disks.nbd_address import UnixAddress
from holdfast.disks.spans import Span
from holdfast.hypervisor.backup_jobs import job_stats
from holdfast.hypervisor.checkpoint_xml import new_name
from holdfast.hypervisor.checkpoints import stored_form
from holdfast.machines.adopting import end_our_job
from holdfast.machines.drift import spans_of
from holdfast.machines.going_off import told_when_off
from holdfast.machines.nbd_source import NbdSource
from holdfast.machines.points import Rung
from holdfast.machines.pulling import PreparedPull, Pull, patiently, prepare_pull, undone_on_error
from holdfast.machines.scratch_guard import ScratchGuard, guarded, share_of
from holdfast.machines.stillness import Stillness
from holdfast.machines.storing import DOMAIN_FILE, description, require_consistency
from holdfast.machines.tracking import Track, Why
from holdfast.machines.vm_job import Gathered
from holdfast.machines.vm_state import copy_nvram, copy_tpm
from holdfast.replication.log_writer import LogWriter, SealedLog
from holdfast.replication.source_audit import Looked, look
from holdfast.replication.source_facts import Generation, KeptDisk, Walk
from holdfast.replication.source_job import Held, SourceJob
from holdfast.replication.source_looking import Sight
from holdfast.replication.source_making import (
    RecordLost,
    StepMade,
    asking,
    check_samples,
    head_of_step,
    keep_generation,
    log_files,
)
from holdfast.replication.source_reading import Amount, log_changes, log_differences
from holdfast.replication.source_tracks import choose_tracks


@contextlib.contextmanager
def ready_step(job: SourceJob, found: Held, sight: Sight) -> Iterator["LiveStep"]:
    """All that takes time before the instant; `found` is held by the caller."""
    step = LiveStep(job, found, sight)
    with job.place.made(), step.guarded(), undone_on_error(job.domain, job.clock, step.name):
        step.prepare()
        yield step


class LiveStep:
    """`prepare`, then `begin` while `still` is held, then `finish`."""

    still: Stillness

    def __init__(self, job: SourceJob, found: Held, sight: Sight) -> None:
        self.name: str = new_name()
        self._job = job
        self._sight = sight
        # With slices still out, the step is none of the walk's.
        self._walk: Walk | None = found.walk if found.walk and found.walk.is_over else None
        self._base = self._walk.base if self._walk else found.base
        self._is_behind = bool(found.waiting)
        self._guard: ScratchGuard | None = None
        self._gathered = Gathered(taken_at=job.clock.now(), left_out=dict(sight.left_out))
        self._prepared: PreparedPull | None = None
        self._pull: Pull | None = None
        self._looked: dict[str, Looked] = {}
        self._dirty: dict[str, int] = {}

    @contextlib.contextmanager
    def guarded(self) -> Iterator[None]:
        job = self._job
        with guarded(
            job.domain, job.place, job.clock, reserve=job.reserve, share=job.scratch_share
        ) as self._guard:
            yield

    def prepare(self) -> None:
        job, gathered = self._job, self._gathered
        gathered.files[DOMAIN_FILE] = description(job.domain)
        copy_tpm(self._sight.spec, gathered)
        self._prepared = prepare_pull(
            job.domain,
            job.place,
            name=self.name,
            tracks=choose_tracks(self._sight.now, self._base),
            recordable=self._sight.recordable,
        )
        self.still = job.stillness(job.domain)
        job.on_step("ready")

    def begin(self) -> None:
        """The instant; nothing in it waits."""
        assert self._prepared is not None
        self._pull = self._prepared.begin()
        self._gathered.taken_at = self._job.clock.now()
        copy_nvram(self._sight.spec, self._gathered)

    def finish(self) -> StepMade:
        job, pull = self._job, self._begun()
        job.on_step("begun")
        stilled = self.still.outcome()
        require_consistency(job, stilled)
        _require_records(pull, self._base)
        head = head_of_step(
            job,
            self._sight,
            self._gathered,
            since=self._base.name if self._base else "",
            until=self.name,
            tracks=pull.tracks,
            stilled=stilled,
        )
        with LogWriter(job.spool.next_path(), head) as writer:
            log_files(writer, self._gathered)
            with told_when_off(job.domain, job.clock, is_ended=self._is_guarded_out):
                for target in pull.tracks:
                    self._log_disk(writer, target)
            job.on_step("read")
            scratch = self._scratch_used()
            share = share_of(scratch, job.place.free)
            self._end_job()
            generation = self._generation()
            self._ask_about_samples()
            sealed = self._sealed(writer)
        try:
            self._keep(generation)
        except BaseException:
            # Nothing names it.
            sealed.path.unlink(missing_ok=True)
            raise
        job.on_step("kept")
        return StepMade(
            log=sealed,
            generation=generation,
            dirty=self._dirty,
            consistency=stilled.consistency,
            freeze_ms=stilled.freeze_ms,
            tracks=pull.tracks,
            scratch_bytes=scratch,
            scratch_share=share,
        )

    def _begun(self) -> Pull:
        assert self._pull is not None
        return self._pull

    def _log_disk(self, writer: LogWriter, target: str) -> None:
        pull = self._begun()
        plan = next(each for each in pull.plan.disks if each.target == target)
        before = self._base.disk(target) if self._base else None
        with NbdSource(
            UnixAddress(path=Path(pull.plan.socket)),
            plan.export,
            context=plan.context,
            before=before.size if before else 0,
        ) as source:
            if before is not None:
                source.also_changed(spans_of(before.drift, source.size))
            self._look(target, source, before)
            amount = self._log(writer, pull.tracks[target], source, before)
            self._dirty[target] = amount.dirty

    def _look(self, target: str, source: NbdSource, before: KeptDisk | None) -> None:
        data = self._job.folder.data_map(self._base.name).get(target, b"") if self._base else b""
        found = look(source, before, data, target=target, wish=self._job.wish)
        if found.lie is not None:
            raise RecordLost(Why.MAP_WRONG, target)
        self._looked[target] = found

    def _log(
        self, writer: LogWriter, track: Track, source: NbdSource, before: KeptDisk | None
    ) -> Amount:
        if track.rung is Rung.HASH and before is not None:
            ask = asking(self._job, track.target, is_behind=self._is_behind)
            there, whole = min(before.size, source.size), Span(0, source.size)
            return log_differences(writer, track.target, source, whole, ask=ask, there=there)
        return log_changes(writer, track.target, source)

    def _end_job(self) -> None:
        """No alarm is about it any more."""
        assert self._guard is not None
        patiently(lambda: end_our_job(self._job.domain, self._job.clock), self._job.clock)
        self._guard.stop()

    def _generation(self) -> Generation:
        job, pull = self._job, self._begun()
        form = ""
        if pull.checkpoint:
            form = patiently(lambda: stored_form(job.domain, pull.checkpoint), job.clock)
        return Generation(
            name=self.name,
            taken_at=self._gathered.taken_at,
            disks=tuple(
                KeptDisk(
                    target=target,
                    size=self._sight.size(target),
                    format=self._sight.formats[target],
                    checkpoint=pull.checkpoints.get(target, ""),
                    audit=looked.mark,
                    last=looked.last,
                    chain=self._sight.chains.get(target, ()),
                )
                for target, looked in self._looked.items()
            ),
            form=form,
            is_from_snapshot=job.domain.standing().is_from_snapshot,
        )

    def _ask_about_samples(self) -> None:
        # While logs wait, or slices are all that is there, the replica is another generation.
        if self._walk is None and not self._is_behind:
            check_samples(self._job, [looked.sampled for looked in self._looked.values()])

    def _sealed(self, writer: LogWriter) -> SealedLog:
        sealed = writer.seal()
        self._job.on_step("sealed")
        return sealed

    def _keep(self, generation: Generation) -> None:
        data = {target: looked.data for target, looked in self._looked.items()}
        walked = self._walk.generation if self._walk else ""
        keep_generation(self._job, generation, data, walked=walked)

    def _scratch_used(self) -> int:
        with contextlib.suppress(HoldfastError):
            stats = job_stats(self._job.domain)
            return stats.scratch_used if stats else 0
        return 0

    def _is_guarded_out(self) -> bool:
        return self._guard is not None and self._guard.error is not None


def _require_records(pull: Pull, base: Generation | None) -> None:
    """At the last moment libvirt may have refused what had seemed sound."""
    for target, track in pull.tracks.items():
        if track.rung is Rung.HASH and track.why is Why.MAP_INCONSISTENT:
            before = base.disk(target) if base else None
            if before is not None and before.checkpoint:
                raise RecordLost(Why.MAP_INCONSISTENT, target)
