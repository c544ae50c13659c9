"""Points of a replica go and stay, their layers are merged, and who uses one can rely on it."""

import random
from datetime import timedelta
from pathlib import Path

import pytest

from holdfast.app.replication_site_look import look_at_site
from holdfast.disks import images
from holdfast.disks.serving import served_image
from holdfast.fleet.replication_messages import SiteRole
from holdfast.hypervisor.machine_spec import DiskSpec, DomainSpec
from holdfast.replication.replica_errors import (
    ReplicaBusy,
    ReplicaInUse,
    ReplicaPointMissing,
    ReplicaPointSpoiled,
)
from holdfast.replication.settings import PointPolicy
from holdfast.replication.site import Site
from holdfast.testing.clock import FakeClock
from tests.replica_bench import (
    KIB,
    MIB,
    VM,
    MovableClock,
    Source,
    assert_nothing_left,
    assert_points,
    facts,
    first_copy,
    ship,
    wish,
)

pytestmark = pytest.mark.real

NEWEST = PointPolicy(hours=0)


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def site(tmp_path: Path, clock: MovableClock) -> Site:
    return Site(tmp_path / "site", clock)


@pytest.fixture
def source(tmp_path: Path, site: Site) -> Source:
    """With four points at the site; the disk is smaller in the third."""
    dice = random.Random(9)
    source = Source(tmp_path / "logs", {"vda": bytearray(dice.randbytes(MIB))}, dice)
    head = first_copy(site, source)
    for size in (MIB, 300 * KIB + 512, 2 * MIB):
        source.resize("vda", size)
        source.write("vda", 64 * KIB, dice.randbytes(200 * KIB))
        head = ship(site, source.step(head)).generation
    return source


def layers(site: Site) -> int:
    return len(list((site.folder / VM / "layers").iterdir()))


def generations(site: Site) -> list[str]:
    return [point.generation for point in facts(site).points]


def merge_all(site: Site) -> int:
    count = 0
    while site.merge_one(VM):
        count += 1
    return count


def test_points_go_at_once_and_their_layers_one_by_one(site: Site, source: Source) -> None:
    *_, newest = generations(site)

    assert site.thin(VM, NEWEST) == 3
    assert generations(site) == [newest]
    assert layers(site) == 4
    for left in (3, 2, 1):
        assert site.merge_one(VM)
        assert layers(site) == left
        assert_points(site, source)
    assert not site.merge_one(VM)
    assert_nothing_left(site)


def test_a_replica_is_thinned_by_the_policy_it_was_asked_for_with(
    site: Site, source: Source
) -> None:
    site.prepare(wish(source, points=PointPolicy(hours=24, most=2)))

    assert site.thin(VM) == 2

    assert merge_all(site) == 2
    assert_points(site, source)


def test_logs_go_on_to_come_while_layers_wait_to_be_merged(site: Site, source: Source) -> None:
    site.thin(VM, NEWEST)
    source.write("vda", 0, b"\1" * 512)

    ship(site, source.step(facts(site).head))

    assert layers(site) == 5
    assert_points(site, source)
    assert merge_all(site) == 3
    assert_points(site, source)


def test_a_layer_in_the_middle_is_merged_where_older_points_stay(
    site: Site, source: Source
) -> None:
    first, second, third, _newest = generations(site)
    site.pin(VM, first, who="the boss")
    site.pin(VM, third, who="the boss")

    site.thin(VM, NEWEST)

    assert second not in generations(site)
    assert merge_all(site) == 1
    assert layers(site) == 3
    assert_points(site, source)


def test_pins_hold_until_they_expire_or_are_taken_away(
    site: Site, source: Source, clock: MovableClock
) -> None:
    first, second, third, newest = generations(site)
    site.pin(VM, first, who="one")
    site.pin(VM, first, who="another")
    site.pin(VM, second, who="one", until=clock.now() + timedelta(hours=1))

    site.thin(VM, NEWEST)
    assert generations(site) == [first, second, newest]
    clock.jump(timedelta(hours=2))
    site.unpin(VM, first, who="one")
    site.thin(VM, NEWEST)
    assert generations(site) == [first, newest]
    site.unpin(VM, first, who="another")
    site.thin(VM, NEWEST)

    assert generations(site) == [newest]
    with pytest.raises(ReplicaPointMissing):
        site.pin(VM, third, who="late")
    assert source.was


def test_what_is_attached_can_be_written_above_while_all_goes_on(
    site: Site, source: Source, tmp_path: Path, clock: MovableClock
) -> None:
    _first, second, _third, _newest = generations(site)
    base = site.attach(VM, second, who="a test failover")["vda"]
    overlay = tmp_path / "overlay.qcow2"
    images.create(overlay, backing=base, backing_format="qcow2")
    untouched = {path: path.stat().st_mtime_ns for path in base.parent.iterdir()}

    with served_image(overlay, tmp_path / "nbd", format_="qcow2", clock=clock, is_writable=True):
        site.thin(VM, NEWEST)
        # The one above what is attached goes into the newest.
        assert merge_all(site) == 1
        source.write("vda", 0, b"\1" * 512)
        ship(site, source.step(facts(site).head))
        with pytest.raises(ReplicaInUse, match="a test failover"):
            site.remove(VM)

    changed = [path for path in base.parent.iterdir() if untouched.get(path, 0)]
    assert base in changed
    assert base.stat().st_mtime_ns == untouched[base]
    assert_points(site, source)
    site.unpin(VM, second, who="a test failover")
    site.thin(VM, NEWEST)
    assert merge_all(site) == 3
    assert_points(site, source)


def test_a_point_somebody_wrote_to_is_not_given_out(site: Site, source: Source) -> None:
    _first, second, third, _newest = generations(site)
    path = site.folder / VM / "layers" / f"vda.{third}.qcow2"
    path.touch()

    with pytest.raises(ReplicaPointSpoiled):
        site.attach(VM, third, who="a test")

    assert site.attach(VM, second, who="a test")["vda"].name == f"vda.{second}.qcow2"
    assert source.was


def test_a_folder_of_a_site_may_be_moved(site: Site, source: Source, clock: MovableClock) -> None:
    moved = site.folder.rename(site.folder.with_name("moved"))
    other = Site(moved, clock)
    source.write("vda", 0, b"\1" * 512)

    ship(other, source.step(facts(other).head))

    assert_points(other, source)


def test_one_process_at_a_time_changes_a_replica(site: Site, source: Source) -> None:
    other = Site(site.folder, FakeClock())
    refused: list[ReplicaBusy] = []

    def on_step(step: str) -> None:
        if step == "written":
            with pytest.raises(ReplicaBusy) as busy:
                other.thin(VM)
            refused.append(busy.value)

    source.write("vda", 0, b"\1" * 512)
    slow = Site(site.folder, MovableClock(), on_step=on_step)
    ship(slow, source.step(facts(site).head))

    assert len(refused) == 1
    assert len(facts(other).points) == 5


def machine(name: str, image: Path, *, readonly: bool = False) -> DomainSpec:
    disk = DiskSpec(
        target="vda",
        bus="virtio",
        device="disk",
        format="qcow2",
        kind="file",
        source=str(image),
        is_readonly=readonly,
    )
    return DomainSpec(
        name=name,
        uuid=VM,
        kind="kvm",
        memory_bytes=1,
        vcpus=1,
        arch=None,
        machine=None,
        disks=(disk,),
    )


def test_a_machine_that_would_write_to_a_layer_is_named(site: Site, source: Source) -> None:
    layer = next((site.folder / VM / "layers").iterdir())
    here = [
        machine("careless", layer),
        machine("careful", layer, readonly=True),
        machine("other", site.folder / "other.qcow2"),
    ]
    watched = Site(site.folder, MovableClock(), machines=lambda: here)

    role = SiteRole(site="south", folder=str(site.folder), port=9443, grants=[])
    told = look_at_site(role, MovableClock(), lambda: here)

    assert told.replicas[0].remarks == ["replica-in-use"]
    latest = [one.generation for one in told.replicas[0].latest]
    assert latest == [point.generation for point in facts(watched).points]
    assert watched.writers(VM) == ("careless",)
    with pytest.raises(ReplicaInUse, match="careless"):
        watched.prepare(wish(source))
