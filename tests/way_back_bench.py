"""A machine that was failed over, without its guest: its old home on one host, its new one on another.

What a promotion does is done here by hand, with the same files, so that the way back can be tried
on any point, with any writes on both sides.
"""

import random
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import msgspec

from holdfast.base.units import KIB, MIB
from holdfast.hypervisor.checkpoint_xml import new_name
from holdfast.hypervisor.checkpoints import create_checkpoint
from holdfast.hypervisor.connection import Host
from holdfast.recovery.adopting_back import HomeOfMachines
from holdfast.recovery.record import Promoted, PromotedDisk, RecoveryRecord, Stage
from holdfast.recovery.record_folder import RecordFolder
from holdfast.recovery.reprotecting import Reprotecting, United
from holdfast.replication.adoption import Adopted, AdoptWish
from holdfast.replication.settings import ReplicationSettings, SiteAddress
from holdfast.replication.site import Site
from holdfast.replication.source_folder import SourceFolder
from holdfast.testing.hosts import KvmHost
from holdfast.testing.replicating import CLOCK, Replicating
from holdfast.testing.still_machine import StillDisk, StillMachine

FIRST, SECOND = "vda", "sda"
SIZES = {FIRST: 12 * MIB, SECOND: 4 * MIB}
NORTH = SiteAddress(site="north", machine="north", host="north.example")
T = TypeVar("T")
SOUTH = SiteAddress(site="south", machine="south-id", host="south.example")


class Killed(Exception):
    """Instead of a SIGKILL: whatever was going to be done after it is not done."""


class Killer:
    """Kills once at each step it comes to, if it is set to."""

    def __init__(self) -> None:
        self.is_set = False
        self.killed: list[str] = []

    def __call__(self, step: str) -> None:
        if self.is_set and step not in self.killed:
            self.killed.append(step)
            raise Killed(step)

    def through(self, act: "Callable[[], T]") -> "T":
        """As often as it takes."""
        self.is_set = True
        try:
            while True:
                with suppress(Killed):
                    return act()
        finally:
            self.is_set = False


@dataclass(slots=True)
class OldHome:
    """Its machine, its replication, and the site it keeps for others."""

    machine: StillMachine
    root: Path
    replicating: Replicating
    site: Site
    killer: "Killer"

    def originals(self) -> dict[str, str]:
        """Of the images as files: they are not to be written."""
        return {
            disk.target: sha256(disk.path.read_bytes()).hexdigest() for disk in self.machine.plugged
        }

    def content(self, target: str) -> bytes:
        """What a machine would find that is started here from the newest point."""
        facts = self.site.state(self.machine.uuid)
        assert facts is not None
        images = self.site.attach(self.machine.uuid, facts.points[-1].generation, who="tests")
        try:
            return _read(images[target])
        finally:
            self.site.unpin(self.machine.uuid, facts.points[-1].generation, who="tests")


@dataclass(slots=True)
class NewHome:
    machine: StillMachine
    root: Path
    site: Site
    record: RecoveryRecord
    way: Reprotecting
    replicating: Replicating

    def reprotect(self) -> tuple[Adopted, United]:
        adopted = self.way.adopt()
        united = self.way.unite(adopted)
        self.way.begin(adopted, united)
        return adopted, united


@dataclass(slots=True)
class WayBack:
    """`fail_over` gives the machine to the second host."""

    north: KvmHost
    south: KvmHost
    place: Path
    home: OldHome
    beyond: Host
    made: list[StillMachine] = field(default_factory=list)

    def fail_over(self, generation: str = "") -> NewHome:
        """Start the point at the other host; empty: the newest."""
        uuid, site = self.home.machine.uuid, Site(self.place / "replicas", CLOCK)
        facts = site.state(uuid)
        assert facts is not None
        promoted = self._promoted(site, generation or facts.head, head=facts.head)
        machine = self._machine(promoted)
        create_checkpoint(machine.domain, promoted.checkpoint, disks=tuple(machine.disks))
        root = self.place / "beyond"
        record = RecoveryRecord(
            vm=uuid,
            name=machine.name,
            epoch=1,
            runs_at=SOUTH.machine,
            stage=Stage.FAILED_OVER,
            promoted=promoted,
        )
        RecordFolder(str(root), uuid).save(record)
        way = self._way(root, record, site)
        scratch = self.south.folder / "scratch"
        replicating = Replicating(
            self.beyond, uuid, root, scratch, self.home.site, machine=SOUTH.machine
        )
        replicating.changes["site"] = NORTH.site
        return NewHome(machine, root, site, record, way, replicating)

    def _way(self, root: Path, record: RecoveryRecord, site: Site) -> Reprotecting:
        return Reprotecting(
            home=str(root),
            act="act-1",
            record=record,
            host=self.beyond,
            site=site,
            receiver=self.home.site,
            to=NORTH,
            clock=CLOCK,
        )

    def _promoted(self, site: Site, generation: str, *, head: str) -> Promoted:
        uuid = self.home.machine.uuid
        folder = self.place / "replicas" / uuid / "running" / "act-0"
        folder.mkdir(parents=True)
        below = site.attach(uuid, generation, who="act-0")
        facts = site.state(uuid)
        point = facts.point(generation) if facts else None
        assert point is not None
        disks = []
        for target, layer in sorted(below.items()):
            path = folder / f"{target}.qcow2"
            _call("qemu-img", "create", "-q", "-f", "qcow2", "-b", layer, "-F", "qcow2", path)
            disks.append(PromotedDisk(target=target, path=str(path), below=str(layer)))
        return Promoted(
            generation=generation,
            taken_at=point.taken_at,
            name=self.home.machine.name,
            uuid=uuid,
            folder=str(folder),
            disks=tuple(disks),
            checkpoint=new_name(),
            head=head,
            pin="act-0",
        )

    def _machine(self, promoted: Promoted) -> StillMachine:
        machine = StillMachine(self.south, self.beyond, promoted.name, {}, uuid=promoted.uuid)
        self.made.append(machine)
        for disk in promoted.disks:
            path = Path(disk.path)
            machine.disks[disk.target] = StillDisk(
                target=disk.target,
                bus="virtio" if disk.target.startswith("vd") else "scsi",
                path=path,
                content=bytearray(_read(path)),
            )
        machine.define()
        machine.start()
        return machine


class _AskedBySouth(Site):
    """As the link asks it for the other host."""

    def adopt(self, vm: str, wish: AdoptWish) -> Adopted:
        return super().adopt(vm, msgspec.structs.replace(wish, source=SOUTH.machine))


@contextmanager
def way_back(
    hosts: tuple[KvmHost, KvmHost], place: Path, *, raw: tuple[str, ...] = ()
) -> Iterator[WayBack]:
    """The machine runs at home, with something on both disks, and was shipped once."""
    north, south = hosts
    with Host.open(north.uri) as here, Host.open(south.uri) as beyond:
        machine = StillMachine(north, here, f"back{random.randrange(1 << 30):x}", SIZES, raw=raw)
        bench = WayBack(north, south, place, _old_home(north, here, machine, place), beyond)
        try:
            machine.start()
            for target, size in SIZES.items():
                machine.write(target, 0, bytes(range(1, 255)) * (size // 2 // 254))
            bench.home.replicating.point()
            yield bench
        finally:
            for each in (*bench.made, machine):
                each.remove()


def _old_home(north: KvmHost, here: Host, machine: StillMachine, place: Path) -> OldHome:
    root, scratch = place / "home", north.folder / "scratch"
    far = Site(place / "replicas", CLOCK)
    replicating = Replicating(here, machine.uuid, root, scratch, far)
    settings = ReplicationSettings(vm=machine.uuid, name=machine.name, to=SOUTH)
    source = SourceFolder(str(root), machine.uuid)
    source.make()
    source.keep_settings(settings)
    folder, killer = place / "home-replicas", Killer()
    own = as_old_home(root, north, folder, killer)
    return OldHome(machine, root, replicating, _AskedBySouth(folder, CLOCK, home=own), killer)


def as_old_home(root: Path, host: KvmHost, folder: Path, killer: "Killer") -> HomeOfMachines:
    """What a site asks when a machine is to come back to this host."""
    return HomeOfMachines(
        home=str(root),
        scratch=str(host.folder / "scratch"),
        site=Site(folder, CLOCK, on_step=killer),
        clock=CLOCK,
        connect=lambda: Host.open(host.uri),
        ids_of=lambda found: frozenset({found.to.machine}),
        on_step=killer,
    )


def scattered(random_: random.Random, size: int, count: int) -> list[int]:
    """Places of small writes, each in a grain of its own."""
    grains = random_.sample(range(size // (64 * KIB)), count)
    return [64 * KIB * grain + random_.randrange(8) * 4096 for grain in grains]


def _read(path: Path) -> bytes:
    raw = path.with_name(path.name + ".read") if path.parent.name != "layers" else None
    target = raw or path.parent.parent / f"{path.name}.read"
    _call("qemu-img", "convert", "-U", "-f", "qcow2", "-O", "raw", path, target)
    content = target.read_bytes()
    target.unlink()
    return content


def _call(*words: str | Path) -> None:
    subprocess.run(words, check=True, capture_output=True)
