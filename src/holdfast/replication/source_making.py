"""What is the same for every log of a machine: what its head says, what lies beside its disks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from holdfast.base.errors import HoldfastError
from holdfast.machines.blocks import BLOCK, block_length
from holdfast.machines.points import Consistency
from holdfast.machines.stillness import Stilled
from holdfast.machines.tracking import Track, Why
from holdfast.machines.vm_job import Gathered
from holdfast.replication.log_head import Kind, LoggedDisk, LogHead
from holdfast.replication.log_writer import LogWriter, SealedLog
from holdfast.replication.source_audit import Sampled, differing
from holdfast.replication.source_errors import SiteAway
from holdfast.replication.source_facts import Generation
from holdfast.replication.source_job import SourceJob, known, note_checkpoints
from holdfast.replication.source_looking import Sight
from holdfast.replication.source_reading import CHUNK, Ask


class RecordLost(Exception):
    """The record of a disk cannot be trusted; a walk comes first."""

    def __init__(self, why: Why, disk: str) -> None:
        super().__init__(why, disk)
        self.why, self.disk = why, disk


@dataclass(frozen=True, slots=True, kw_only=True)
class StepMade:
    """A step that lies in the spool, and counts."""

    log: SealedLog
    generation: Generation
    # Bytes that may have changed, by disk.
    dirty: Mapping[str, int]
    consistency: Consistency
    freeze_ms: float = 0.0
    # How each disk was read, and why.
    tracks: Mapping[str, Track] = field(default_factory=dict)
    scratch_bytes: int = 0
    # Of the room there is for them.
    scratch_share: float = 0.0


def head_of_step(  # noqa: PLR0913  each is a line of the head
    job: SourceJob,
    sight: Sight,
    gathered: Gathered,
    *,
    since: str,
    until: str,
    tracks: Mapping[str, Track],
    stilled: Stilled,
) -> LogHead:
    disks = tuple(
        LoggedDisk(
            target=disk.target,
            size=disk.size,
            format=sight.formats[disk.target],
            rung=tracks[disk.target].rung,
            why=tracks[disk.target].why.value,
        )
        for disk in sight.now
    )
    return LogHead(
        kind=Kind.STEP,
        vm=job.uuid,
        name=job.domain.name,
        since=since,
        until=until,
        taken_at=gathered.taken_at,
        consistency=stilled.consistency,
        downgrades=stilled.downgrades,
        disks=disks,
        group=job.group,
        left_out=dict(gathered.left_out),
    )


def log_files(writer: LogWriter, gathered: Gathered) -> None:
    for name, content in gathered.files.items():
        writer.file(name, content)


def asking(job: SourceJob, target: str, *, is_behind: bool) -> Ask:
    """How the replica is asked about a disk. `is_behind`: it is not yet what is to be compared."""
    receiver = job.receiver
    if receiver is None or is_behind:
        raise SiteAway(about=job.domain.name, site=job.site)

    def ask(start: int, length: int) -> bytes:
        return receiver.hashes(job.uuid, target, start=start, length=length, chunk=CHUNK)

    return ask


def check_samples(job: SourceJob, samples: Sequence[Sampled]) -> None:
    """RecordLost if the replica has something else where nothing was written."""
    if job.receiver is None:
        return
    for sampled in samples:
        try:
            digests = [
                job.receiver.hashes(
                    job.uuid,
                    sampled.target,
                    start=block.number * BLOCK,
                    length=block_length(sampled.size, block.number),
                    chunk=BLOCK,
                )
                for block in sampled.blocks
            ]
        except HoldfastError:
            # Nobody can be asked now: the next step asks about others.
            return
        if differing(sampled, digests) is not None:
            raise RecordLost(Why.MAP_WRONG, sampled.target)


def keep_generation(
    job: SourceJob, generation: Generation, data: Mapping[str, bytes], *, walked: str = ""
) -> None:
    """From here on it counts. What it needs is noted before, and what nobody needs goes after."""
    job.folder.keep_data_map(generation.name, dict(data))
    with job.folder.lock:
        sent, walk = known(job)
        fresh = msgspec.structs.replace(
            sent,
            spooled=generation,
            must_walk="",
            must_walk_since=None,
            distrusted=(),
            walked=walked or sent.walked,
            walked_bytes=walk.logged_bytes if walked and walk else sent.walked_bytes,
        )
        note_checkpoints(job, fresh, None if walked else walk)
        job.folder.keep_sent(fresh)
        if walked:
            job.folder.keep_walk(None)
    names = {each.name for each in (fresh.acked, fresh.spooled) if each is not None}
    job.folder.drop_data_maps(frozenset(names))
