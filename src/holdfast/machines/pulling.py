"""The pull job of a backup: which disks in which way, begun at one instant, over in the end."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.hypervisor.backup_jobs import PreparedBackup, begin_backup, prepare_backup
from holdfast.hypervisor.backup_xml import BackupPlan, DiskPlan, Mode
from holdfast.hypervisor.checkpoints import delete_checkpoint
from holdfast.hypervisor.domains import Domain
from holdfast.hypervisor.errors import (
    CheckpointMissing,
    HostLost,
    HostUnreachable,
    HypervisorDenied,
    HypervisorFailed,
    HypervisorIncapable,
    TrackingLost,
)
from holdfast.machines.adopting import end_our_job
from holdfast.machines.points import Rung
from holdfast.machines.scratch_files import clear_scratch, make_scratch, still_fits
from holdfast.machines.scratch_place import ScratchPlace
from holdfast.machines.tracking import Track, Why

_T = TypeVar("_T")
# A daemon that was killed is started again by its service manager.
_DAEMON_SECONDS = 60.0
_POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """The job as it was begun; `checkpoint` is empty where no disk can keep a record."""

    plan: BackupPlan
    tracks: Mapping[str, Track]

    @property
    def checkpoint(self) -> str:
        return self.plan.checkpoint or ""

    @property
    def checkpoints(self) -> dict[str, str]:
        return dict.fromkeys(self.plan.checkpoint_disks, self.checkpoint)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedPull:
    """A pull job of which only the instant is missing; `ways` are the wanted one and lesser ones."""

    domain: Domain
    place: ScratchPlace
    ways: tuple[Pull, ...]
    wanted: PreparedBackup
    # Of its scratch files; none if they have not been made.
    sizes: Mapping[str, int]

    def begin(self) -> Pull:
        """What libvirt refuses to trust is compared instead; what cannot be recorded is not."""
        others = self.ways
        if still_fits(self.domain, self.sizes):
            try:
                self.wanted.begin()
            except (TrackingLost, CheckpointMissing):
                others = self.ways[1:]
            except (HypervisorIncapable, HypervisorFailed, HypervisorDenied):
                # Perhaps only of our scratch files: then libvirt can make its own.
                pass
            else:
                return self.ways[0]
        # What a job that failed has kept in them must never be read by another one.
        clear_scratch(self.place, self.wanted.plan)
        return _first_begun(self.domain, others)


def prepare_pull(
    domain: Domain,
    place: ScratchPlace,
    *,
    name: str,
    tracks: Mapping[str, Track],
    recordable: tuple[str, ...],
) -> PreparedPull:
    """All that takes time and does not belong into the instant, for which a guest stands still."""
    ways = tuple(_ways(place, name, tracks, recordable))
    plan = ways[0].plan
    sizes = make_scratch(domain, place, plan)
    wanted = prepare_backup(domain, plan, has_scratch=bool(sizes))
    return PreparedPull(domain=domain, place=place, ways=ways, wanted=wanted, sizes=sizes)


def _first_begun(domain: Domain, ways: tuple[Pull, ...]) -> Pull:
    error: HoldfastError | None = None
    for pull in ways:
        if error is not None and not _helps(error, pull):
            continue
        try:
            begin_backup(domain, pull.plan)
        except (TrackingLost, CheckpointMissing, HypervisorIncapable) as err:
            error = err
        else:
            return pull
    assert error is not None
    raise error


def _ways(
    place: ScratchPlace, name: str, tracks: Mapping[str, Track], recordable: tuple[str, ...]
) -> Iterator[Pull]:
    """The wanted one, then those that ask less of the hypervisor."""
    doubted = {target: _distrusted(track) for target, track in tracks.items()}
    yield Pull(plan=_plan(place, name, tracks, recordable), tracks=tracks)
    yield Pull(plan=_plan(place, name, doubted, recordable), tracks=doubted)
    yield Pull(plan=_plan(place, name, doubted, ()), tracks=doubted)


def _helps(error: HoldfastError, pull: Pull) -> bool:
    """A lost record does not keep a new one from being made."""
    return not isinstance(error, HypervisorIncapable) or pull.plan.checkpoint is None


def _distrusted(track: Track) -> Track:
    if track.since is None:
        return track
    return Track(target=track.target, rung=Rung.HASH, why=Why.MAP_INCONSISTENT)


def _plan(
    place: ScratchPlace, name: str, tracks: Mapping[str, Track], recordable: tuple[str, ...]
) -> BackupPlan:
    return BackupPlan(
        socket=str(place.socket),
        disks=tuple(
            DiskPlan(
                target=target,
                export=target,
                scratch=str(place.scratch_file(target)),
                mode=Mode.INCREMENTAL if track.since else Mode.FULL,
                since=track.since,
            )
            for target, track in tracks.items()
        ),
        checkpoint=name if recordable else None,
        checkpoint_disks=recordable,
    )


@contextlib.contextmanager
def undone_on_error(domain: Domain, clock: Clock, checkpoint: str) -> Iterator[None]:
    """An error in the block leaves neither a job nor that checkpoint."""
    try:
        yield
    except BaseException:
        # What cannot be removed now, the next run will find.
        with contextlib.suppress(HoldfastError):
            patiently(lambda: end_our_job(domain, clock), clock)
        with contextlib.suppress(HoldfastError):
            patiently(lambda: delete_checkpoint(domain, checkpoint), clock)
        raise


def patiently(ask: Callable[[], _T], clock: Clock, *, within: float = _DAEMON_SECONDS) -> _T:
    """Ask again while the daemon is being restarted; jobs and guests go on without it."""
    deadline = clock.monotonic() + within
    while True:
        try:
            return ask()
        except (HostLost, HostUnreachable):
            if clock.monotonic() >= deadline:
                raise
        clock.sleep(_POLL_SECONDS)
