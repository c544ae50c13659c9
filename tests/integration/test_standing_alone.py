"""A machine that has moved for good reads nothing of its replica any more, whatever was killed."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from holdfast.base.errors import HoldfastError
from holdfast.base.units import MIB
from holdfast.disks import images
from holdfast.hypervisor.checkpoints import create_checkpoint, list_checkpoints
from holdfast.hypervisor.domain_disks import copy_disk, disk_job, end_disk_job
from holdfast.hypervisor.domains import Domain
from holdfast.machines.pulling import patiently
from holdfast.recovery.alone_errors import AloneStuck
from holdfast.recovery.promoting import Place, domain_of, end, plan_promotion, promote
from holdfast.recovery.record import Promoted
from holdfast.recovery.standing_alone import Alone, mend_before_start
from holdfast.replication.replica_folder import MACHINES, open_folder
from holdfast.testing.still_machine import StillMachine
from holdfast.testing.waiting import wait_until
from tests import machines_bench
from tests.promotion_bench import CLOCK, FIRST, SECOND, SIZES, Replicated, replicated

pytestmark = machines_bench.MARKS
__all__ = ["replicated"]
# It does not come to its end before the test has hurried it.
SLOW = 1
WITHIN = 180.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """It runs upon a point; `machine` is to write to it and to read it."""

    place: Place
    machine: StillMachine
    promoted: Promoted

    @property
    def domain(self) -> Domain:
        found = domain_of(self.place, self.promoted)
        assert found is not None
        return found

    @property
    def layers(self) -> Path:
        return open_folder(self.place.site.folder, self.machine.uuid).layers

    def alone(self, *, bytes_per_second: int = 0) -> Alone:
        return Alone(
            domain=self.domain,
            clock=CLOCK,
            layers=self.layers,
            bytes_per_second=bytes_per_second,
        )

    def off(self) -> None:
        if self.machine.is_on():
            self.machine.stop()

    def hurry(self) -> None:
        """Whatever is being pulled, as fast as it goes from now on."""
        for target in (FIRST, SECOND):
            if disk_job(self.domain, target) is not None:
                with self.domain.handle() as handle:
                    handle.blockJobSetSpeed(target, 0, 0)

    def is_whole(self) -> bool:
        """All it ever wrote is in its own images, and nothing below them."""
        for disk in self.promoted.disks:
            (_only,) = images.links(Path(disk.path), format_="qcow2", is_live=True)
        self.off()
        return all(
            self.machine.read(target) == bytes(self.machine.disks[target].content)
            for target in SIZES
        )


@pytest.fixture
def moved(replicated: Replicated) -> Iterator[Moved]:
    place = replicated.place()
    plan = plan_promotion(place, replicated.machine.uuid, replicated.wish())
    promoted = promote(place, plan)
    machine = replicated.there()
    for target, content in replicated.points[replicated.newest].items():
        machine.disks[target].content = bytearray(content)
    machine.write(FIRST, 5 * MIB, b"written there" * 1000)
    yield Moved(place=place, machine=machine, promoted=promoted)
    end(place, machine.uuid, promoted)


def test_it_reads_from_its_own_images_while_it_runs(moved: Moved) -> None:
    list(moved.alone().stand())

    assert moved.domain.is_active()
    assert moved.alone().leaning() == ()
    assert moved.is_whole()


def test_records_of_its_backups_stay(moved: Moved) -> None:
    create_checkpoint(moved.domain, "holdfast-00000000000000ff", disks=(FIRST, SECOND))

    list(moved.alone().stand())

    assert "holdfast-00000000000000ff" in {each.name for each in list_checkpoints(moved.domain)}


def test_one_that_is_off_is_copied(moved: Moved) -> None:
    moved.machine.stop()

    list(moved.alone().stand())

    assert moved.is_whole()


def test_who_comes_next_goes_on_with_what_was_begun(moved: Moved) -> None:
    next(moved.alone(bytes_per_second=SLOW).stand())

    again = moved.alone().stand()
    next(again)
    moved.hurry()
    list(again)

    assert moved.is_whole()


def test_a_power_cut_in_the_middle_loses_nothing_and_it_goes_on_while_it_is_off(
    moved: Moved,
) -> None:
    moved.machine.flush(FIRST)
    going = moved.alone(bytes_per_second=SLOW).stand()
    next(going)
    moved.machine.host.kill_guest(moved.machine.name)
    wait_until(lambda: not moved.domain.is_active(), within=WITHIN)

    said = list(going)

    assert any("off" in each for each in said)
    assert moved.is_whole()


def test_a_daemon_that_dies_in_the_middle_is_waited_for(moved: Moved) -> None:
    going = moved.alone(bytes_per_second=SLOW).stand()
    next(going)
    moved.machine.host.kill()
    moved.machine.host.start()
    patiently(moved.hurry, CLOCK)

    for _said in going:
        moved.hurry()

    assert moved.is_whole()


def test_a_job_of_somebody_else_is_left_alone(moved: Moved) -> None:
    place = moved.machine.folder / "elsewhere.qcow2"
    xml = f"<disk type='file'><source file='{place}'/><driver type='qcow2'/></disk>"
    copy_disk(moved.domain, FIRST, destination_xml=xml)
    wait_until(lambda: disk_job(moved.domain, FIRST) is not None, within=WITHIN)

    with pytest.raises(AloneStuck):
        list(moved.alone().stand())

    end_disk_job(moved.domain, FIRST)
    place.unlink(missing_ok=True)


def test_a_power_cut_after_it_loses_nothing_that_was_pulled(moved: Moved) -> None:
    moved.machine.flush(FIRST)
    list(moved.alone().stand())

    moved.machine.host.kill_guest(moved.machine.name)
    wait_until(lambda: not moved.domain.is_active(), within=WITHIN)

    assert moved.alone().is_done()
    assert moved.is_whole()


def test_a_power_cut_before_all_is_written_out_is_mended(
    moved: Moved, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved.machine.flush(FIRST)

    def dies(self: Alone, _top: Path) -> None:
        self.domain.destroy()
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Alone, "_write_out", dies)
        with pytest.raises(KeyboardInterrupt):
            list(moved.alone().stand())

    list(moved.alone().stand())

    assert moved.alone().is_done()
    assert moved.is_whole()


def test_nobody_starts_it_by_hand_while_its_images_may_have_holes(moved: Moved) -> None:
    moved.machine.flush(FIRST)
    going = moved.alone(bytes_per_second=SLOW).stand()
    next(going)
    moved.machine.host.kill_guest(moved.machine.name)
    wait_until(lambda: not moved.domain.is_active(), within=WITHIN)
    # Whoever pulled it is gone as well.
    del going

    with pytest.raises(HoldfastError, match="not-whole"):
        moved.machine.start()

    assert not moved.alone().is_done()
    list(moved.alone().stand())
    assert moved.alone().is_done()
    moved.machine.start()
    assert moved.is_whole()


def test_what_holds_its_start_is_gone_before_it_is_started_with_its_host(moved: Moved) -> None:
    moved.machine.flush(FIRST)
    going = moved.alone(bytes_per_second=SLOW).stand()
    next(going)
    moved.machine.host.kill_guest(moved.machine.name)
    wait_until(lambda: not moved.domain.is_active(), within=WITHIN)
    del going

    mend_before_start(moved.domain, CLOCK)
    moved.machine.start()

    list(moved.alone().stand())
    assert moved.alone().is_done()
    assert moved.is_whole()


def test_the_replica_goes_and_the_machine_stays(moved: Moved) -> None:
    vm, site = moved.machine.uuid, moved.place.site
    list(moved.alone().stand())
    moved.alone().forget_layers()
    site.unpin(vm, moved.promoted.generation, who=moved.promoted.pin)

    site.remove(vm)

    folder = open_folder(site.folder, vm)
    assert (folder.is_there(), folder.is_bare()) == (False, True)
    assert sorted(path.name for path in folder.path.iterdir() if path.name != "lock") == [MACHINES]
    assert site.replicas() == []
    moved.machine.stop()
    moved.machine.start()
    assert moved.is_whole()
