"""Three machines followed by a second site for as long as one likes; then every point is proven.

A ledger's guest writes in order to two disks, so each of its points must have all writes up to one
of them. Of a still machine every byte of every instant is known, and compared. A shop's guest writes
files all the time: its file systems must be sound at each point after no more than what a mount
does. The newest point of each is compared with the machine itself. While they work it is noted how
far the site is behind, and whether just that is told when it is more than two cycles.
"""

import contextlib
import subprocess  # noqa: TID251  images are compared by QEMU's own program
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from holdfast.base.clock import SystemClock
from holdfast.hypervisor.connection import Host
from holdfast.replication.replica_facts import ReplicaPoint
from holdfast.replication.site import Site
from holdfast.replication.status import ReplicationStatus
from holdfast.testing.guest_proofs import WritesOutOfOrder, ordered_writes
from holdfast.testing.guests import Guest, Recipe
from holdfast.testing.hosts import KvmHost
from holdfast.testing.numbered_writes import NotAnInstant, NumberedWrites
from holdfast.testing.replicated import COPIED_WITHIN, Pair, replicated
from holdfast.testing.sound_file_system import FileSystemBroken, require_sound_file_system
from holdfast.testing.still_machine import StillMachine
from holdfast.testing.waiting import wait_until

EVERY = 30
_SECOND = 1.0
_WHO = "proof"
_BOOTS_WITHIN = "5m"
_STILL = {"vda": 24 << 20, "vdb": 8 << 20}
# Who is told too late by less than this was told.
_GRACE = timedelta(seconds=10)
# What tells that the site is behind; that something else is amiss tells nothing of it.
_TELLING = frozenset({"rpo-high", "no-point"})
_CLOCK = SystemClock()
Say = Callable[[str], None]


@dataclass(slots=True)
class Followed:
    """One machine; `images` are what it writes to, by target."""

    name: str
    uuid: str
    images: Mapping[str, Path]
    # How each of its points is proven.
    how: str = ""
    worst: timedelta = timedelta(0)
    # Looks at it, second by second, at which it was more than two cycles behind.
    late: int = 0
    unwarned: list[str] = field(default_factory=list)
    points: int = 0
    # Points that came up in a test failover, as a person would try them.
    booted: int = 0
    wrong: list[str] = field(default_factory=list)
    status: ReplicationStatus | None = None

    def note(self, status: ReplicationStatus, now: datetime) -> None:
        self.status = status
        if status.latest_at is None:
            return
        behind = now - status.latest_at
        self.worst = max(self.worst, behind)
        most = timedelta(seconds=2 * EVERY)
        self.late += behind > most
        is_told = any(reason.code in _TELLING for reason in status.reasons)
        if behind > most + _GRACE and not is_told:
            self.unwarned.append(f"{now:%H:%M:%S}: {behind.total_seconds():.0f} s behind")


@dataclass(slots=True)
class Watch:
    """What is followed, and those of it that are asked what they have written."""

    pair: Pair
    ledger: Guest
    shop: Guest
    numbered: NumberedWrites
    followed: dict[str, Followed]


@contextlib.contextmanager
def watched(north: KvmHost, south: KvmHost) -> Iterator[Watch]:
    """All three run, and each has its first point at the site."""
    with contextlib.ExitStack() as stack:
        hypervisor = stack.enter_context(Host.open(north.uri))
        ledger, shop = (
            Guest(north, "ledger", Recipe(writer="ordered")),
            Guest(north, "shop", Recipe(writer="busy")),
        )
        for guest in (ledger, shop):
            stack.callback(guest.remove)
            guest.start()
        still = StillMachine(host=north, hypervisor=hypervisor, name="still", sizes=_STILL)
        stack.callback(still.remove)
        still.start()
        pair = stack.enter_context(replicated(north, south))
        followed = {
            each.name: Followed(each.name, each.uuid, images, how)
            for each, images, how in (
                (ledger, _images(ledger), "by the order of its writes"),
                (shop, _images(shop), "by their file systems"),
                (still, {t: disk.path for t, disk in still.disks.items()}, "byte for byte"),
            )
        }
        pair.serve()
        for name in followed:
            words = ("replication", "enable", name, "--to", pair.name, "--every", f"{EVERY}s")
            pair.source.run(*words, "--one-way", "--host", north.uri)
        pair.work()
        for each in followed.values():
            pair.wait_for_point(each.uuid)
        yield Watch(pair, ledger, shop, NumberedWrites(still), followed)


def _images(guest: Guest) -> dict[str, Path]:
    return {target: guest.disk(target) for target in guest.targets}


def follow(watch: Watch, *, seconds: float, say: Say) -> None:
    """Look on, second by second."""
    end, told = _CLOCK.monotonic() + seconds, 0
    with watch.numbered.going_on():
        while _CLOCK.monotonic() < end:
            _look(watch)
            minute = int((seconds - (end - _CLOCK.monotonic())) // 60)
            if minute > told:
                told = minute
                say(f"{minute} min: " + ", ".join(map(_behind, watch.followed.values())))
            _CLOCK.sleep(_SECOND)


def _look(watch: Watch) -> None:
    for each in watch.followed.values():
        status = watch.pair.status(each.uuid)
        if status is not None:
            each.note(status, _CLOCK.now())


def _behind(each: Followed) -> str:
    status = each.status
    if status is None or status.latest_at is None:
        return f"{each.name} ?"
    seconds = (_CLOCK.now() - status.latest_at).total_seconds()
    return f"{each.name} {seconds:.0f} s behind, {status.health}"


def come_to_rest(watch: Watch) -> None:
    """Nobody writes any more, what was written is in the images, and the site has it."""
    for guest in (watch.ledger, watch.shop):
        guest.suspend()
    watch.numbered.machine.domain.suspend()
    now = _CLOCK.now()

    def has_all() -> bool:
        return all(_newest(watch, each).taken_at > now for each in watch.followed.values())

    wait_until(has_all, within=COPIED_WITHIN)
    watch.pair.rest()


def _newest(watch: Watch, each: Followed) -> ReplicaPoint:
    facts = watch.pair.facts(each.uuid)
    assert facts is not None
    return facts.points[-1]


def prove(watch: Watch) -> None:
    """Each point of each machine; the newest one is held against the machine itself."""
    site = Site(watch.pair.replicas, _CLOCK)
    for each in watch.followed.values():
        facts = site.state(each.uuid)
        assert facts is not None
        before, images = 0, dict[str, Path]()
        for point in facts.points:
            images = site.attach(each.uuid, point.generation, who=_WHO)
            each.points += 1
            try:
                written = _prove_point(watch, each, images)
                if written < before:
                    each.wrong.append(f"{point.generation}: {written} after {before}")
                before = written
            except (FileSystemBroken, NotAnInstant, WritesOutOfOrder) as err:
                each.wrong.append(f"{point.generation}: {err}")
        _compare(each, images)


def boot_some(watch: Watch, *, each_of: int) -> None:
    """So many points of each machine, the newest and others spread over the time, by a command."""
    for each in watch.followed.values():
        facts = watch.pair.facts(each.uuid)
        points = [point.generation for point in facts.points] if facts else []
        check = "runs" if each.name == watch.numbered.machine.name else "agent"
        for generation in spread(points, each_of):
            words = ("--test", "--point", generation, "--check", check, "--within", _BOOTS_WITHIN)
            said = watch.pair.site.run("failover", each.name, *words, "--json", status=None)
            if said.status == 0 and said.event("test-failover")["counts"]:
                each.booted += 1
            else:
                each.wrong.append(f"{generation} does not start: {said.out[-500:]}{said.err}")


def spread(points: Sequence[str], most: int) -> list[str]:
    """So many of them, from the oldest to the newest."""
    if len(points) <= most:
        return list(points)
    if most < 2:  # noqa: PLR2004  the newest alone, or none
        return list(points[len(points) - most :])
    step = (len(points) - 1) / (most - 1)
    return [points[round(number * step)] for number in range(most)]


def _prove_point(watch: Watch, each: Followed, images: Mapping[str, Path]) -> int:
    """How much had been written, by what it can tell."""
    if each.name == watch.ledger.name:
        return ordered_writes(images["vda"], images["vdb"]).second
    if each.name == watch.numbered.machine.name:
        return watch.numbered.prove({target: _content(path) for target, path in images.items()})
    for path in images.values():
        with _raw(path) as raw:
            require_sound_file_system(raw)
    return 0


def _compare(each: Followed, images: Mapping[str, Path]) -> None:
    for target, path in images.items():
        done = _qemu_img("compare", "-U", "-f", "qcow2", "-F", "qcow2", path, each.images[target])
        if done.returncode:
            each.wrong.append(f"the newest point's {target}: {done.stdout.strip()}")


def _content(image: Path) -> bytes:
    with _raw(image) as raw:
        return raw.read_bytes()


@contextlib.contextmanager
def _raw(image: Path) -> Iterator[Path]:
    """A copy of what a disk held."""
    with TemporaryDirectory() as folder:
        raw = Path(folder, "raw")
        done = _qemu_img("convert", "-U", "-f", "qcow2", "-O", "raw", image, raw)
        assert done.returncode == 0, done.stderr
        yield raw


def _qemu_img(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["qemu-img", *words], capture_output=True, text=True, check=False)  # noqa: S603, S607  our own words
