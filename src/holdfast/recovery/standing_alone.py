"""A machine that has moved here for good stops standing on layers of its replica, while it runs.

What it reads from below is pulled into the images it writes to. Until such an image has all of it,
all that lies below stays as it is, so whatever is killed, the machine reads what it read before;
and nobody can start it by hand as long as an image may say that it has all and has not.
The same call goes on, for what is done is seen in the images and in the jobs QEMU has under way.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from holdfast.base.clock import Clock
from holdfast.base.texts import _
from holdfast.base.units import format_size
from holdfast.disks import images
from holdfast.disks.image_facts import Link
from holdfast.hypervisor.disk_layers import without_layers
from holdfast.hypervisor.domain_disks import DiskJob, DiskJobKind, disk_job, pull_disk
from holdfast.hypervisor.domains import Domain, define_domain
from holdfast.hypervisor.errors import VmNotRunning
from holdfast.hypervisor.states import State
from holdfast.machines.pulling import patiently
from holdfast.machines.state_files import replace_file
from holdfast.recovery.alone_errors import AloneStuck, AloneWithoutRoom
from holdfast.recovery.start_held import hold_start, image_of, is_start_held, let_start

_FORMAT = "qcow2"
_POLL_SECONDS = 0.2
_WHOLE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaning:
    """A disk that stands on layers: its images from the top."""

    target: str
    links: tuple[Link, ...]

    @property
    def top(self) -> Path:
        return Path(self.links[0].path)

    @property
    def below_bytes(self) -> int:
        return sum(link.allocated for link in self.links[1:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Alone:
    """`layers` is the folder of those it must not need; `bytes_per_second` 0 is as fast as it goes."""

    domain: Domain
    clock: Clock
    layers: Path
    bytes_per_second: int = 0

    def leaning(self) -> tuple[Leaning, ...]:
        """The disks that are not done yet."""
        found = (self._chain(target, source) for target, source in self._sources().items())
        return tuple(each for each in found if each is not None)

    def is_done(self) -> bool:
        """Durably: what QEMU has pulled it may still keep to itself."""
        return not self.leaning() and not self._marked() and not is_start_held(self.domain)

    def stand(self) -> Iterator[str]:
        """How far it is, in words, each time that is something new."""
        self.mend()
        disks = self.leaning()
        self._require_room(disks)
        for number, disk in enumerate(disks, start=1):
            for said in self._pulled(disk):
                yield f"{disk.target} ({number}/{len(disks)}): {said}"
        patiently(lambda: let_start(self.domain), self.clock)

    def forget_layers(self) -> None:
        """Libvirt may have written down what lay below, and would insist on it at the next start."""
        if not patiently(self.domain.is_persistent, self.clock):
            return
        files = {str(path) for path in self.layers.iterdir()} if self.layers.is_dir() else set()
        xml = self.domain.xml(inactive=True, secure=True)
        changed = without_layers(xml, files)
        if changed is not None:
            define_domain(self.domain.host, changed)

    def _sources(self) -> dict[str, str]:
        spec = self.domain.spec(inactive=not self.domain.is_active())
        return {disk.target: image_of(disk.source) for disk in spec.hard_disks if disk.source}

    def _chain(self, target: str, source: str) -> Leaning | None:
        if not os.path.isfile(source):
            return None
        found = images.links(Path(source), format_=_FORMAT, is_live=True)
        leans = any(Path(link.path).parent == self.layers for link in found)
        return Leaning(target=target, links=found) if leans else None

    def _marked(self) -> dict[Path, Path]:
        """Images that were being pulled, and what they stood on, until all is on the disk."""
        tops = [Path(source) for source in self._sources().values()]
        return {top: Path(_mark(top).read_text()) for top in tops if _mark(top).exists()}

    def mend(self) -> None:
        """QEMU says that nothing lies below before it has written down what it pulled from there.

        One that died in between has left an image without its content; what lay below has it still.
        """
        is_on = patiently(self.domain.is_active, self.clock)
        for top, below in self._marked().items():
            if len(images.links(top, format_=_FORMAT, is_live=True)) > 1:
                continue
            if is_on:
                self._write_out(top)
            else:
                images.rebase(top, below, is_rename=True)
        if not is_on:
            # All of them read what they read before it was begun.
            patiently(lambda: let_start(self.domain), self.clock)

    def _write_out(self, top: Path) -> None:
        """A machine that is stopped for a moment has all of it on the disk."""
        if self.domain.standing().state is not State.PAUSED:
            with self.domain.handle() as handle:
                handle.suspend()
        self.domain.resume()
        _mark(top).unlink(missing_ok=True)

    def _pulled(self, disk: Leaning) -> Iterator[str]:
        """It may be started or end meanwhile: then the other way goes on with it."""
        if not _mark(disk.top).exists():
            replace_file(_mark(disk.top), disk.links[1].path.encode())
        while self._chain(disk.target, str(disk.top)) is not None:
            patiently(lambda: hold_start(self.domain), self.clock)
            try:
                if patiently(self.domain.is_active, self.clock):
                    yield from self._pulled_live(disk)
                else:
                    yield _("it is off, and is copied")
                    images.rebase(disk.top, None)
                    _mark(disk.top).unlink(missing_ok=True)
            except VmNotRunning:
                self.mend()

    def _pulled_live(self, disk: Leaning) -> Iterator[str]:
        job = self._job(disk)
        if job is None:
            patiently(lambda: self._begin(disk), self.clock)
            job = self._job(disk)
        elif job.kind is not DiskJobKind.PULL:
            raise self._stuck(disk, _("another job is at work on it"))
        said = ""
        while job is not None:
            now = _percent(job)
            if now != said:
                said = now
                yield said
            self.clock.sleep(_POLL_SECONDS)
            job = self._job(disk)
        is_done = self._chain(disk.target, str(disk.top)) is None
        if is_done:
            try:
                self._write_out(disk.top)
            except VmNotRunning:
                images.rebase(disk.top, Path(disk.links[1].path), is_rename=True)
        elif patiently(self.domain.is_active, self.clock):
            raise self._stuck(disk, _("QEMU ended the work before its end"))

    def _begin(self, disk: Leaning) -> None:
        """The daemon may have begun it and died before it said so."""
        if disk_job(self.domain, disk.target) is None:
            pull_disk(self.domain, disk.target, bytes_per_second=self.bytes_per_second)

    def _job(self, disk: Leaning) -> DiskJob | None:
        return patiently(lambda: disk_job(self.domain, disk.target), self.clock)

    def _require_room(self, disks: tuple[Leaning, ...]) -> None:
        """An image grows by what lies below it, and to no more than what a guest sees."""
        needed: dict[Path, int] = {}
        for disk in disks:
            top = disk.links[0]
            missing = min(disk.below_bytes, max(0, top.size - top.allocated))
            needed[disk.top.parent] = needed.get(disk.top.parent, 0) + missing
        for folder, size in needed.items():
            found = os.statvfs(folder)
            free = found.f_bavail * found.f_frsize
            if free < size:
                raise AloneWithoutRoom(
                    about=self.domain.name,
                    folder=folder,
                    free=format_size(free),
                    needed=format_size(size),
                )

    def _stuck(self, disk: Leaning, reason: str) -> AloneStuck:
        return AloneStuck(about=self.domain.name, disk=disk.target, reason=reason)


def mend_before_start(domain: Domain, clock: Clock) -> None:
    """It may have died while it was pulled together: once it runs again, nothing tells of a hole."""
    Alone(domain=domain, clock=clock, layers=Path()).mend()


def _mark(top: Path) -> Path:
    return top.with_name(f"{top.name}.pulling")


def _percent(job: DiskJob) -> str:
    share = job.done * _WHOLE // job.total if job.total else 0
    return f"{share // 10 * 10} %"
