"""A seeded walk of everything that may happen to a replicated machine, its host and its site."""

import random
import shutil
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from holdfast.base.errors import HoldfastError
from holdfast.base.units import KIB, MIB
from holdfast.disks import images
from holdfast.hypervisor.checkpoints import delete_checkpoint, list_checkpoints
from holdfast.hypervisor.domain_disks import grow_disk
from holdfast.machines.points import Rung
from holdfast.replication.log_head import Kind
from holdfast.replication.replicator_wishes import ask_for_cycle
from holdfast.replication.shipping import is_another_replica
from holdfast.replication.source_advance import Did, want_walk
from holdfast.replication.source_errors import SiteAway
from holdfast.replication.waiting_logs import merge_waiting
from holdfast.testing.replicating import Replicating, was_killed_alone
from holdfast.testing.still_machine import StillDisk, StillMachine, read_image
from tests.faults.conftest import Faults
from tests.model_site import THERE, ModelSite, Taken

if TYPE_CHECKING:
    from pathlib import Path

SIZES = {"vda": (4 * MIB, 10 * MIB), "sda": (MIB, 3 * MIB)}
# Plugged in and out while it runs; its size stays.
SPARE, _SPARE_SIZE = "sdb", 2 * MIB
CLUSTER = 64 * KIB
_KILLS = ("ready", "begun", "read", "sealed", "kept", "walk-begun", "slice-begun", "sliced")


class ReplicationWalk:
    """Acts by weight; after some of them a point is made, which must be the disks."""

    def __init__(
        self,
        machine: StillMachine,
        replicating: Replicating,
        site: ModelSite,
        dice: random.Random,
        faults: Faults,
    ) -> None:
        self.machine, self.replicating, self.site = machine, replicating, site
        self.dice, self.faults = dice, faults
        self.machine.add_disk(SPARE, _SPARE_SIZE, is_plugged=False)
        self.told: list[str] = []
        self.points = 0
        self.counts: Counter[str] = Counter()
        self.dirty = 0
        self._copies: dict[str, tuple[Path, bytes]] = {}
        self._old_site: tuple[str, list[object], dict[str, bytearray]] | None = None
        # Whether there is a reason for everything to be compared or sent.
        self._excuses = 0

    def go(self, steps: int) -> None:
        for number in range(steps):
            act = self.dice.choices(*zip(*self._acts(), strict=True))[0]
            self.told.append(f"{number} {act.__name__}")
            act()

    def _acts(self) -> list[tuple[Callable[[], None], int]]:
        is_on = self.machine.is_on()
        acts: list[tuple[Callable[[], None], int]] = [
            (self.write, 30),
            (self.zero, 6),
            (self.step, 12),
            (self.ship, 8),
            (self.point, 12),
            (self.merge, 3),
            (self.kill, 6),
            (self.lose_ack, 2),
            (self.lose_folder, 1),
            (self.ask_for_all, 1),
            (self.keep_site, 1),
            (self.roll_site_back, 1),
            (self.lose_site, 1),
            (self.break_log, 1),
        ]
        if is_on:
            acts += [(self.stop, 4), (self.cut_power, 2), (self.delete_checkpoint, 1)]
            acts += [(self.grow_online, 2), (self.restart_libvirtd, 1), (self.discard, 4)]
            acts += [(self.plug_or_unplug, 3)]
        else:
            acts += [(self.start, 20), (self.remove_bitmap, 2), (self.resize, 2)]
            acts += [(self.copy_image, 2), (self.roll_back, 2)]
        return acts

    # What a guest does.

    def _disk(self) -> StillDisk:
        return self.dice.choice(list(self.machine.disks.values()))

    def _own_disk(self) -> StillDisk:
        """Of those that are never unplugged."""
        return self.machine.disks[self.dice.choice(sorted(SIZES))]

    def write(self) -> None:
        disk = self._disk()
        length = 512 * self.dice.randint(1, 300)
        at = 512 * self.dice.randint(0, (disk.size - length) // 512)
        self.dirty += length
        self.machine.write(disk.target, at, self.dice.randbytes(length))
        if self.dice.random() < 0.5:
            self.machine.flush(disk.target)

    def zero(self) -> None:
        disk = self._disk()
        length = CLUSTER * self.dice.randint(1, 8)
        self.machine.zero(disk.target, CLUSTER * self.dice.randint(0, 8), length)

    def discard(self) -> None:
        self.machine.discard(self._disk().target, CLUSTER * self.dice.randint(0, 8), CLUSTER)

    # What a replication does.

    def step(self) -> None:
        self.replicating.is_away = self.dice.random() < 0.3
        try:
            self.told.append(f"  {self.replicating.advance().did.value}")
        except SiteAway:
            self.told.append("  the site would have to be asked")
        except HoldfastError as err:
            if not is_another_replica(err):
                raise
            self.told.append(f"  {err.code}")
            self.replicating.reconcile()
        finally:
            self.replicating.is_away = False

    def ship(self) -> None:
        self.replicating.ship()

    def merge(self) -> None:
        merge_waiting(self.replicating.job(), most=self.dice.randint(1, 3))

    def ask_for_all(self) -> None:
        want_walk(self.replicating.job())
        self._excuses += 1

    def kill(self) -> None:
        step = self.dice.choice(_KILLS)
        self.told.append(f"  at {step}")
        self.faults.inject()
        if was_killed_alone(self.replicating, step):
            self.counts["killed"] += 1
        self.faults.survive()

    def lose_ack(self) -> None:
        """The site has it, and the source is as if it had heard nothing."""
        folder = self.replicating.folder
        kept: list[tuple[Path, bytes]] = []

        def keep(step: str) -> None:
            if step == "shipped":
                files = [folder.path / "sent.json", folder.path / "walk.json"]
                files += list(folder.spool.iterdir())
                kept.extend((path, path.read_bytes()) for path in files if path.exists())

        self.replicating.on_step = keep
        try:
            self.replicating.ship()
        finally:
            self.replicating.on_step = lambda _step: None
        for path, content in kept:
            path.write_bytes(content)
        self.faults.inject()
        self.faults.survive()

    def lose_folder(self) -> None:
        shutil.rmtree(self.replicating.folder.path)
        ask_for_cycle(self.replicating.folder, self.replicating.job().clock)
        self.replicating.reconcile()
        self._fault()

    def break_log(self) -> None:
        paths = sorted(self.replicating.folder.spool.glob("*.log"))
        if paths:
            path = self.dice.choice(paths)
            content = bytearray(path.read_bytes())
            content[self.dice.randrange(len(content))] ^= 1 << self.dice.randrange(8)
            path.write_bytes(content)
            self._fault()

    # What happens to the machine.

    def start(self) -> None:
        self.machine.start()

    def stop(self) -> None:
        self.machine.stop()

    def cut_power(self) -> None:
        self.machine.cut_power()
        for disk in self.machine.disks.values():
            disk.content[:] = read_image(disk.path, disk.format)
        self._fault()

    def restart_libvirtd(self) -> None:
        self.machine.restart_libvirtd()
        self.faults.inject()
        self.faults.survive()

    def delete_checkpoint(self) -> None:
        for each in list_checkpoints(self.machine.domain):
            delete_checkpoint(self.machine.domain, each.name)
        self._fault()

    def remove_bitmap(self) -> None:
        disk = self._disk()
        found = [each.name for each in images.inspect(disk.path, format_="qcow2").bitmaps]
        if found:
            images.remove_bitmap(disk.path, self.dice.choice(found))
            self._fault()

    def grow_online(self) -> None:
        disk = self._own_disk()
        most = SIZES[disk.target][1]
        if disk.size + CLUSTER <= most and not self._has_open_records(disk):
            try:
                grow_disk(self.machine.domain, disk.target, size=disk.size + CLUSTER)
            except HoldfastError:
                # A record that a power cut left open is in the way until the next step.
                return
            disk.content.extend(bytes(CLUSTER))

    def resize(self) -> None:
        disk = self._own_disk()
        least, most = SIZES[disk.target]
        if self._has_open_records(disk):
            return
        size = self.dice.randrange(least, most + 1, CLUSTER)
        if size < disk.size:
            self._fault()
        self.machine.resize(disk.target, size)

    def plug_or_unplug(self) -> None:
        if self.machine.disks[SPARE].is_plugged:
            self.machine.unplug(SPARE)
        else:
            self.machine.plug(SPARE)
        # Unplugged for a while, it may be written to where nobody sees it.
        self._fault()

    def _has_open_records(self, disk: StillDisk) -> bool:
        if self.machine.is_on():
            return False
        return any(b.is_in_use for b in images.inspect(disk.path, format_="qcow2").bitmaps)

    def copy_image(self) -> None:
        disk = self._disk()
        copy = disk.path.with_suffix(".copy")
        shutil.copyfile(disk.path, copy)
        self._copies[disk.target] = copy, bytes(disk.content)

    def roll_back(self) -> None:
        if self._copies:
            target = self.dice.choice(sorted(self._copies))
            copy, content = self._copies[target]
            shutil.copyfile(copy, self.machine.disks[target].path)
            self.machine.disks[target].content[:] = content
            self._fault()

    # What happens to the site.

    def keep_site(self) -> None:
        site = self.site
        disks = {each: bytearray(disk) for each, disk in site.disks.items()}
        self._old_site = site.head, list(site.points), disks

    def roll_site_back(self) -> None:
        if self._old_site is not None:
            site = self.site
            head, points, disks = self._old_site
            site.head, site.draft = head, None
            site.points = list(points)  # type: ignore[arg-type]  # as they were
            site.disks = {each: bytearray(disk) for each, disk in disks.items()}
            site.acks.clear()
            self._fault()

    def lose_site(self) -> None:
        """Somebody removed the replica."""
        self.site.remove(self.machine.uuid)
        self._fault()

    def _fault(self) -> None:
        self._excuses += 1
        self.faults.inject()
        self.faults.survive()

    # What must hold.

    def point(self) -> None:
        self.replicating.reconcile()
        done = self.replicating.point()
        assert {target: bytes(disk) for target, disk in self.site.disks.items()} == {
            disk.target: bytes(disk.content) for disk in self.machine.plugged
        }
        assert not self.machine.is_on() or self.replicating.leftovers() == []
        self.points += 1
        self._require_no_needless_copy()
        walked = [each.made.log.head for each in self.replicating.done if each.made]
        if done.did is Did.STEP:
            self._require_reason(len(walked))
        self.replicating.done.clear()

    def _require_no_needless_copy(self) -> None:
        needless = [each for each, taken in self._whole().items() if taken.had == THERE]
        assert not needless, f"read and sent as a whole, though it was there: {needless}"

    def _whole(self) -> dict[tuple[str, str], Taken]:
        taken = self.site.taken
        return {each: taken[each] for each in taken if taken[each].rung is Rung.FULL}

    def _require_reason(self, walked: int) -> None:
        """Nothing is compared or sent as a whole without something having happened."""
        if self._excuses or not self.points:
            self._excuses = 0
            return
        if self.points > 1:
            assert not walked, "a walk without a reason"

    def figures(self) -> str:
        whole = Counter(taken.had for taken in self._whole().values())
        needless = whole.pop(THERE, 0)
        reasons = ", ".join(f"{had}: {count}" for had, count in sorted(whole.items()))
        return "\n".join(
            (
                f"faults injected: {self.faults.injected}",
                f"killed in a step: {self.counts['killed']}",
                f"points verified: {self.points}",
                f"disks in steps by rung: {self._by_rung(Kind.STEP)}",
                f"disks in resyncs by rung: {self._by_rung(Kind.SLICE)}",
                f"bytes shipped for each dirty byte: {self.site.shipped / max(1, self.dirty):.2f}",
                f"full copies of a disk: {whole.total() + needless}",
                f"of them no cheaper rung was legal for: {whole.total()} ({reasons})",
                f"full copies where a cheaper rung was legal: {needless}",
            )
        )

    def _by_rung(self, kind: Kind) -> str:
        found = Counter(each.rung for each in self.site.taken.values() if each.kind is kind)
        return ", ".join(f"{rung.value} {found[rung]}" for rung in Rung)
