"""A machine that came home runs on its original images again, whatever was killed on the way."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from holdfast.base.units import MIB
from holdfast.disks import images
from holdfast.hypervisor.checkpoints import changed_bytes
from holdfast.hypervisor.domain_identity import DiskPlace, Identity, with_identity
from holdfast.hypervisor.domains import Domain, define_domain, find_by_uuid, list_domains
from holdfast.hypervisor.states import State
from holdfast.recovery.fencing import bar
from holdfast.recovery.promoting import Place, plan_promotion, promote
from holdfast.recovery.promotion_errors import (
    SettlingNotBelow,
    SettlingStuck,
    SettlingWithoutOriginal,
)
from holdfast.recovery.record import Promoted
from holdfast.recovery.settling import is_settled, settle, settle_home
from holdfast.replication.replica_errors import ReplicaInUse
from holdfast.testing.still_machine import StillMachine
from holdfast.testing.waiting import wait_until
from tests import machines_bench
from tests.promotion_bench import CLOCK, FIRST, SECOND, SIZES, Replicated, replicated

pytestmark = machines_bench.MARKS
__all__ = ["replicated"]
STEPS = ("spoiled", "folding", "equal", "folded", "removed", "replica removed")


class Killed(Exception):
    """Instead of a SIGKILL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """The host it came back to; `machine` is to write to it and to read it."""

    place: Place
    machine: StillMachine
    promoted: Promoted
    originals: dict[str, str]
    definition: str

    @property
    def domain(self) -> Domain:
        return find_by_uuid(self.place.host, self.machine.uuid)

    def settle(self, place: Place | None = None) -> frozenset[str]:
        at = place or self.place
        done = settle_home(at, self.machine.uuid, self.promoted, originals=self.originals)
        return done.tracked


@pytest.fixture
def home(replicated: Replicated, request: pytest.FixtureRequest) -> Iterator[Home]:
    """It runs, on layers upon its original images, and has written something since."""
    kind: str = getattr(request, "param", "qcow2")
    place = replicated.place()
    originals = {target: adopted(place, replicated, target, kind) for target in SIZES}
    defined = define_domain(replicated.hypervisor, definition_of(replicated, originals))
    definition = defined.xml(inactive=True, secure=True)
    bar(defined, CLOCK, act="away", epoch=1)
    wish = replicated.wish(original=definition)
    promoted = promote(place, plan_promotion(place, replicated.machine.uuid, wish))
    machine = replicated.there()
    for target, content in replicated.points[replicated.newest].items():
        machine.disks[target].content[:] = content
    machine.write(FIRST, 5 * MIB, b"since it is home" * 4096)
    machine.write(SECOND, MIB, b"here as well" * 1024)
    try:
        yield Home(
            place=place,
            machine=machine,
            promoted=promoted,
            originals=originals,
            definition=definition,
        )
    finally:
        for domain in list_domains(replicated.hypervisor):
            if domain.is_active():
                domain.destroy()
            domain.undefine(with_checkpoints=True)
        for original in originals.values():
            if Path(original).is_block_device():
                subprocess.run(["losetup", "--detach", original], check=True)


def adopted(place: Place, replicated: Replicated, target: str, kind: str) -> str:
    """The lowest layer of the disk stands upon an image outside of the replica from now on."""
    point = plan_promotion(place, replicated.machine.uuid, replicated.wish())
    below = next(disk.below for disk in point.promoted.disks if disk.target == target)
    lowest = Path(images.links(Path(below), format_="qcow2")[-1].path)
    original = place.site.folder / f"original-{target}.{kind}"
    images.create(original, SIZES[target], format_="qcow2" if kind == "qcow2" else "raw")
    if kind == "device":
        original = device_of(original)
    seen = lowest.stat()
    images.rebase(lowest, original, backing_format=format_of(str(original)), is_rename=True)
    os.utime(lowest, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    return str(original)


def device_of(image: Path) -> Path:
    """A device that is the image."""
    words = ["losetup", "--find", "--show", str(image)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    return Path(done.stdout.strip())


def definition_of(replicated: Replicated, originals: dict[str, str]) -> str:
    places = {
        target: DiskPlace(
            path=path,
            format=format_of(path),
            is_block_device=Path(path).is_block_device(),
        )
        for target, path in originals.items()
    }
    xml = replicated.machine.domain.xml(inactive=True)
    return with_identity(xml, Identity(disks=places))


def format_of(original: str) -> str:
    return "qcow2" if original.endswith("qcow2") else "raw"


def killing(at: str, place: Place) -> Place:
    def on_step(step: str) -> None:
        if step == at:
            raise Killed

    return replace(place, on_step=on_step)


def assert_home(home: Home) -> None:
    """It is its original images, with all it wrote, and nothing of the replica is left."""
    assert is_settled(home.domain, home.originals)
    if home.domain.is_active():
        home.domain.destroy(graceful=True)
    for target, original in home.originals.items():
        disk = home.domain.spec(inactive=True).disk(target)
        assert disk is not None
        assert disk.format == format_of(original)
        assert images.inspect(Path(original), format_=disk.format).depth == 1
        assert home.machine.read(target) == bytes(home.machine.disks[target].content)
    assert home.place.site.state(home.machine.uuid) is None
    assert not (home.place.site.folder / home.machine.uuid).exists()


def test_it_runs_on_its_original_images_and_its_record_went_with_it(home: Home) -> None:
    before = changed_bytes(home.domain, home.promoted.checkpoint)

    tracked = home.settle()

    assert home.domain.standing().state is State.RUNNING
    assert tracked == {FIRST, SECOND}
    assert changed_bytes(home.domain, home.promoted.checkpoint) == before
    home.machine.write(FIRST, 3 * MIB, b"and on it goes" * 100)
    assert home.settle() == tracked
    assert_home(home)


def test_its_definition_is_the_one_it_had(home: Home) -> None:
    home.settle()

    had = {line.strip() for line in home.definition.splitlines()}
    has = {line.strip() for line in home.domain.xml(inactive=True).splitlines()}
    assert has - had == set()


@pytest.mark.skipif(os.geteuid() != 0, reason="a loop device needs root")
@pytest.mark.parametrize("home", ["raw", "device"], indirect=True)
def test_what_keeps_no_record_is_home_too_and_that_is_told(home: Home) -> None:
    assert home.settle() == frozenset()

    assert_home(home)


def test_one_that_is_off_is_folded_where_it_lies_with_its_record(home: Home) -> None:
    before = changed_bytes(home.domain, home.promoted.checkpoint)
    home.machine.stop()

    tracked = home.settle()

    assert tracked == {FIRST, SECOND}
    home.machine.start()
    assert changed_bytes(home.domain, home.promoted.checkpoint) == before
    assert_home(home)


def test_one_that_grew_elsewhere_is_folded_though_its_home_had_lost_power(home: Home) -> None:
    home.machine.stop()
    original = Path(home.originals[FIRST])
    images.add_bitmap(original, "not-closed")
    # What ends so leaves the record open.
    subprocess.run(["qemu-io", "-c", "read 0 64k", "-c", "sigraise 9", original], check=False)
    assert any(each.is_in_use for each in images.inspect(original, format_="qcow2").bitmaps)
    overlay = next(disk.path for disk in home.promoted.disks if disk.target == FIRST)
    images.resize(Path(overlay), SIZES[FIRST] + MIB, format_="qcow2")
    home.machine.disks[FIRST].content.extend(bytes(MIB))
    home.machine.start()

    with pytest.raises(SettlingStuck, match="shut the machine down"):
        home.settle()
    home.machine.stop()
    home.settle()

    assert_home(home)


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_the_same_call_goes_on(home: Home, step: str) -> None:
    with pytest.raises(Killed):
        home.settle(killing(step, home.place))
    home.machine.write(FIRST, 2 * MIB, b"meanwhile" * 1000)

    tracked = home.settle()

    assert tracked == {FIRST, SECOND}
    assert_home(home)


@pytest.mark.parametrize("step", ["equal", "folded", "removed"])
def test_killed_while_it_is_off_the_same_call_goes_on(home: Home, step: str) -> None:
    home.machine.stop()
    with pytest.raises(Killed):
        home.settle(killing(step, home.place))

    home.settle()

    assert_home(home)


@pytest.mark.parametrize("step", ["folding", "equal", "folded"])
def test_a_power_cut_in_the_middle_loses_nothing_that_was_flushed(home: Home, step: str) -> None:
    for target in SIZES:
        home.machine.flush(target)
    with pytest.raises(Killed):
        home.settle(killing(step, home.place))
    home.machine.host.kill_guest(home.machine.name)
    wait_until(lambda: not home.machine.is_on())

    home.settle()

    assert_home(home)


def test_a_daemon_killed_in_the_middle_changes_nothing(home: Home) -> None:
    with pytest.raises(Killed):
        home.settle(killing("folding", home.place))
    home.machine.restart_libvirtd()

    home.settle()

    assert_home(home)


def test_from_the_first_write_on_no_point_can_be_started(home: Home) -> None:
    with pytest.raises(Killed):
        home.settle(killing("spoiled", home.place))

    facts = home.place.site.state(home.machine.uuid)

    assert facts is not None
    assert all(point.is_spoiled for point in facts.points)


def test_while_somebody_runs_a_point_nothing_is_folded(home: Home) -> None:
    vm = home.machine.uuid
    site = home.place.site
    site.attach(vm, home.promoted.generation, who="a test")

    with pytest.raises(ReplicaInUse):
        home.settle()

    site.unpin(vm, home.promoted.generation, who="a test")
    home.settle()
    assert_home(home)


def test_a_disk_without_an_image_of_its_own_here_keeps_what_it_stands_on(home: Home) -> None:
    known = {FIRST: home.originals[FIRST]}

    with pytest.raises(SettlingWithoutOriginal, match=SECOND):
        settle_home(home.place, home.machine.uuid, home.promoted, originals=known)

    assert home.domain.standing().state is State.RUNNING
    facts = home.place.site.state(home.machine.uuid)
    assert facts is not None
    assert not any(point.is_spoiled for point in facts.points)
    home.settle()
    assert_home(home)


def test_an_image_that_is_not_below_is_not_touched(home: Home, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"mine")

    with pytest.raises(SettlingNotBelow):
        settle(home.domain, CLOCK, originals={FIRST: str(other)})

    assert other.read_bytes() == b"mine"
