"""A replica takes in change logs: each point is the machine at one instant, by qemu-img compare."""

import random
from pathlib import Path

import msgspec
import pytest

from holdfast.base.clock import SystemClock
from holdfast.disks import images
from holdfast.disks.spans import Span
from holdfast.hypervisor.checkpoint_xml import new_name
from holdfast.machines.points import Rung
from holdfast.replication.log_errors import LogDamaged, LogTorn
from holdfast.replication.receiver import SeedWish
from holdfast.replication.replica_errors import (
    ReplicaGenerationUnknown,
    ReplicaLogGap,
    ReplicaLogMissing,
    ReplicaMissing,
    ReplicaNameBad,
    ReplicaOfAnother,
    ReplicaSliceUnexpected,
    ReplicaWasWritten,
    SeedUnusable,
)
from holdfast.replication.site import Site
from tests.replica_bench import (
    KIB,
    MIB,
    VM,
    Source,
    assert_nothing_left,
    assert_points,
    differing,
    facts,
    first_copy,
    image,
    send,
    ship,
    wish,
)

pytestmark = pytest.mark.real


@pytest.fixture
def source(tmp_path: Path) -> Source:
    dice = random.Random(4)
    disks = {"vda": bytearray(dice.randbytes(2 * MIB)), "vdb": bytearray(MIB + 5 * 512)}
    return Source(tmp_path / "logs", disks, dice)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "site", SystemClock())


def test_the_first_log_becomes_a_point(site: Site, source: Source) -> None:
    head = first_copy(site, source)

    assert facts(site).head == head
    assert_points(site, source)
    assert_nothing_left(site)


def test_each_step_is_a_point_of_its_own(site: Site, source: Source) -> None:
    head = first_copy(site, source)

    for number in range(3):
        source.write("vda", 100 * KIB * number + 17 * 512, source.dice.randbytes(70 * KIB))
        source.write("vda", MIB, bytes(200 * KIB))
        source.write("vdb", len(source.disks["vdb"]) - 512, b"\7" * 512)
        head = ship(site, source.step(head)).generation

    assert len(facts(site).points) == 4
    assert_points(site, source)
    assert_nothing_left(site)


def test_a_disk_that_was_not_written_gets_no_layer(site: Site, source: Source) -> None:
    head = first_copy(site, source)
    source.write("vdb", 0, b"\7" * 512)

    ship(site, source.step(ship(site, source.step(head)).generation))

    layers = sorted(path.name.split(".")[0] for path in (site.folder / VM / "layers").iterdir())
    assert layers == ["vda", "vdb", "vdb"]
    assert_points(site, source)


def test_files_lie_beside_a_point_and_equal_ones_once(site: Site, source: Source) -> None:
    site.prepare(wish(source))
    full = dict.fromkeys(source.disks, Rung.FULL)
    files = {"domain.xml": b"<domain/>", "nvram": b"1" * 9000}

    first = ship(site, source.step("", rungs=full, files=files)).generation
    second = ship(site, source.step(first, files={**files, "nvram": b"2"})).generation

    places = [site.point_files(VM, generation) for generation in (first, second)]
    assert [(place / "nvram").read_bytes() for place in places] == [b"1" * 9000, b"2"]
    inodes = {(place / "domain.xml").stat().st_ino for place in places}
    assert len(inodes) == 1
    point = facts(site).point(second)
    assert point is not None
    assert point.files == ("domain.xml", "nvram")


def test_a_disk_shrunk_and_grown_shows_nothing_of_before(site: Site, source: Source) -> None:
    source.write("vdb", 0, b"\7" * len(source.disks["vdb"]))
    head = first_copy(site, source)
    source.resize("vdb", 300 * KIB + 512)
    head = ship(site, source.step(head)).generation

    source.resize("vdb", 2 * MIB)
    source.dirty.clear()
    ship(site, source.step(head))

    assert_points(site, source)


def test_disks_come_and_go_and_come_back_as_others(site: Site, source: Source) -> None:
    head = first_copy(site, source)
    del source.disks["vda"]
    head = ship(site, source.step(head)).generation
    source.disks["vda"] = bytearray(source.dice.randbytes(MIB))
    source.disks["sda"] = bytearray(MIB)

    ship(site, source.step(head, rungs={"vda": Rung.FULL, "sda": Rung.FULL}))

    assert_points(site, source)


def test_a_machine_may_have_many_disks(site: Site, source: Source) -> None:
    for number in range(20):
        source.disks[f"sd{chr(97 + number)}"] = bytearray(source.dice.randbytes(64 * KIB))

    head = first_copy(site, source)
    for target in source.disks:
        source.write(target, 512, source.dice.randbytes(1024))
    ship(site, source.step(head))

    assert len(facts(site).points[1].disks) == 22
    assert_points(site, source)
    assert_nothing_left(site)


def test_a_new_disk_that_is_not_in_the_log_whole_is_refused(site: Site, source: Source) -> None:
    head = first_copy(site, source)
    source.disks["sda"] = bytearray(MIB)

    with pytest.raises(ReplicaGenerationUnknown):
        ship(site, source.step(head))

    assert facts(site).head == head


def test_the_same_log_twice_is_one_point(site: Site, source: Source) -> None:
    head = first_copy(site, source)
    source.write("vda", 0, b"\1" * 512)
    log = source.step(head)
    first = ship(site, log)
    before = facts(site)

    send(site, log)
    second = site.apply(VM, log.hash)

    assert second == first
    assert facts(site) == before
    assert site.incoming(VM, log.hash, size=log.size).ack == first


def test_an_instant_that_is_there_already_is_acknowledged_in_another_log(
    site: Site, source: Source
) -> None:
    head = first_copy(site, source)
    source.write("vda", 0, b"\1" * 512)
    log = source.step(head)
    ship(site, log)
    other = source.log(log.head, {"vda": [Span(0, 1024)]}, {"more": b"1"})

    ack = ship(site, other)

    assert (ack.generation, ack.hash) == (log.head.until, other.hash)
    assert len(facts(site).points) == 2


def test_a_log_from_another_generation_is_refused_with_what_is_here(
    site: Site, source: Source
) -> None:
    first = first_copy(site, source)
    second = ship(site, source.step(first)).generation

    with pytest.raises(ReplicaGenerationUnknown) as refused:
        ship(site, source.step(first))

    assert refused.value.fields["head"] == second
    assert refused.value.fields["history"] == first
    assert facts(site).head == second


def test_nothing_is_made_of_a_damaged_log(site: Site, source: Source) -> None:
    head = first_copy(site, source)
    source.write("vda", 0, source.dice.randbytes(300 * KIB))
    log = source.step(head)
    content = bytearray(log.path.read_bytes())
    content[len(content) // 2] ^= 1

    site.take(VM, log.hash, offset=0, content=memoryview(content))
    with pytest.raises(LogDamaged):
        site.apply(VM, log.hash)

    assert facts(site).head == head
    assert site.incoming(VM, log.hash, size=log.size).present == 0
    assert ship(site, log).generation == log.head.until
    assert_points(site, source)


def test_a_log_that_is_cut_goes_on_where_it_ended(site: Site, source: Source) -> None:
    head = first_copy(site, source)
    source.write("vda", 0, source.dice.randbytes(300 * KIB))
    log = source.step(head)
    site.take(VM, log.hash, offset=0, content=memoryview(log.path.read_bytes())[: 100 * KIB])

    with pytest.raises(LogTorn):
        site.apply(VM, log.hash)

    assert site.incoming(VM, log.hash, size=log.size).present == 100 * KIB
    ship(site, log)
    assert_points(site, source)


def test_a_log_of_another_machine_is_refused(site: Site, source: Source) -> None:
    first_copy(site, source)
    other = str(VM).replace("0e5b", "1e5b")
    site.prepare(msgspec.structs.replace(wish(source), vm=other))
    log = source.step("", rungs=dict.fromkeys(source.disks, Rung.FULL))
    content = memoryview(log.path.read_bytes())

    site.take(other, log.hash, offset=0, content=content)
    with pytest.raises(LogDamaged, match="another machine"):
        site.apply(other, log.hash)


def test_pieces_may_come_twice_and_leave_no_gap(site: Site, source: Source) -> None:
    head = first_copy(site, source)
    source.write("vda", 0, source.dice.randbytes(300 * KIB))
    log = source.step(head)
    content = memoryview(log.path.read_bytes())
    site.take(VM, log.hash, offset=0, content=content[:1000])

    with pytest.raises(ReplicaLogGap):
        site.take(VM, log.hash, offset=2000, content=content[2000:])

    site.take(VM, log.hash, offset=500, content=content[500:])
    assert site.apply(VM, log.hash).generation == log.head.until
    assert_points(site, source)


@pytest.mark.parametrize("vm", ["../x", "", "0E5B0F2C-6F5E-4B7E-9D0A-3F1D5C3F9A10", "seeds"])
def test_only_a_uuid_becomes_a_folder(site: Site, vm: str) -> None:
    with pytest.raises(ReplicaNameBad):
        site.state(vm)


def test_what_was_never_prepared_is_named(site: Site, source: Source) -> None:
    log = source.step("", rungs=dict.fromkeys(source.disks, Rung.FULL))

    assert site.state(VM) is None
    with pytest.raises(ReplicaMissing):
        site.incoming(VM, log.hash, size=log.size)
    with pytest.raises(ReplicaMissing):
        site.take(VM, log.hash, offset=0, content=memoryview(b"1"))
    with pytest.raises(ReplicaMissing):
        site.apply(VM, log.hash)
    site.remove(VM)


def test_a_log_that_never_came_cannot_be_applied(site: Site, source: Source) -> None:
    first_copy(site, source)

    with pytest.raises(ReplicaLogMissing):
        site.apply(VM, "0" * 64)
    with pytest.raises(ReplicaNameBad):
        site.apply(VM, "../../x")


def test_a_replica_has_one_source(site: Site, source: Source) -> None:
    first = site.prepare(wish(source))
    again = site.prepare(wish(source))

    assert (first.is_new, again.is_new) == (True, False)
    with pytest.raises(ReplicaOfAnother):
        site.prepare(msgspec.structs.replace(wish(source), source="another"))


def test_removed_it_is_gone(site: Site, source: Source) -> None:
    first_copy(site, source)

    site.remove(VM)

    assert site.state(VM) is None
    assert [path.name for path in site.folder.iterdir()] == []


def walk(site: Site, source: Source, *, size: int = 512 * KIB, compare: bool = True) -> str:
    """Slices of all disks onto what is there, with writes in between; the walk's generation."""
    start, number = new_name(), 0
    since = facts(site).head if compare else ""
    source.dirty.clear()
    for target in list(source.disks):
        for at in range(0, len(source.disks[target]), size):
            end = min(at + size, len(source.disks[target]))
            spans = {target: [Span(at, end)]}
            if compare:
                spans = {target: differing(site, source, target, Span(at, end))}
            ship(site, source.slice(since, start, number=number, spans=spans))
            source.write(target, source.dice.randrange(at, end), b"\5")
            number += 1
    return start


def test_slices_and_the_step_after_them_are_the_first_point(site: Site, source: Source) -> None:
    site.prepare(wish(source))

    start = walk(site, source, compare=False)
    assert facts(site).points == ()
    draft = facts(site).draft
    assert draft is not None
    assert (draft.generation, draft.since, draft.slices) == (start, "", 7)
    ship(site, source.step(start))

    assert facts(site).draft is None
    assert_points(site, source)
    assert_nothing_left(site)


def test_a_comparison_repairs_whatever_was_missed(site: Site, source: Source) -> None:
    first_copy(site, source)
    source.write("vda", 200 * KIB, source.dice.randbytes(MIB))
    source.disks["sda"] = bytearray(source.dice.randbytes(300 * KIB))
    source.resize("vdb", 3 * MIB)
    source.write("vdb", 2 * MIB, b"\7" * KIB)

    start = walk(site, source)
    ship(site, source.step(start))

    assert len(facts(site).points) == 2
    assert_points(site, source)
    assert_nothing_left(site)


def test_slices_that_come_again_are_acknowledged_and_gaps_are_not(
    site: Site, source: Source
) -> None:
    site.prepare(wish(source))
    start = new_name()
    spans = {"vda": [Span(0, MIB)]}
    first = source.slice("", start, number=0, spans=spans)
    ship(site, first)

    again = ship(site, source.slice("", start, number=0, spans={"vda": [Span(0, KIB)]}))
    with pytest.raises(ReplicaSliceUnexpected):
        ship(site, source.slice("", start, number=2, spans=spans))

    assert again.generation == start
    draft = facts(site).draft
    assert draft is not None
    assert draft.slices == 1


def test_a_new_walk_takes_the_place_of_an_old_one(site: Site, source: Source) -> None:
    first_copy(site, source)
    walk(site, source, size=MIB)

    start = walk(site, source)
    ship(site, source.step(start))

    assert_points(site, source)
    assert_nothing_left(site)


def test_a_step_on_the_newest_point_ends_a_walk(site: Site, source: Source) -> None:
    head = first_copy(site, source)
    log = source.step(head)
    start = walk(site, source)
    ship(site, log)

    with pytest.raises(ReplicaGenerationUnknown):
        ship(site, source.step(start))

    assert facts(site).draft is None
    assert_nothing_left(site)


def test_a_copy_of_everything_leaves_the_older_points_as_they_are(
    site: Site, source: Source
) -> None:
    first_copy(site, source)
    source.write("vda", 0, source.dice.randbytes(MIB))

    start = walk(site, source, compare=False)
    ship(site, source.step(start))

    assert len(facts(site).points) == 2
    assert_points(site, source)


def scribble(path: Path) -> None:
    path.chmod(0o600)
    with path.open("r+b") as file:
        file.seek(path.stat().st_size - 10)
        file.write(b"scribble")
    path.chmod(0o400)


def test_what_somebody_wrote_to_is_noticed_and_mended_by_a_walk(site: Site, source: Source) -> None:
    first = first_copy(site, source)
    source.write("vda", 0, source.dice.randbytes(100 * KIB))
    head = ship(site, source.step(first)).generation
    point = facts(site).point(head)
    assert point is not None
    scribble(image(site, point.disks[0]))

    with pytest.raises(ReplicaWasWritten):
        ship(site, source.step(head))
    told = facts(site)
    start = walk(site, source)
    ship(site, source.step(start))

    assert told.written == f"vda.{head}.qcow2"
    assert [p.is_spoiled for p in told.points] == [False, True]
    assert facts(site).written == ""
    assert [p.is_spoiled for p in facts(site).points] == [False, True, False]
    assert_points(site, source, which=lambda generation: generation != head)


def test_a_layer_that_is_gone_leaves_nothing_to_go_on_from(site: Site, source: Source) -> None:
    first = first_copy(site, source)
    source.write("vda", 0, source.dice.randbytes(100 * KIB))
    head = ship(site, source.step(first)).generation
    (site.folder / VM / "layers" / f"vda.{first}.qcow2").unlink()

    told = facts(site)
    with pytest.raises(ReplicaGenerationUnknown):
        ship(site, source.step(head))
    start = walk(site, source, compare=False)
    ship(site, source.step(start))

    assert told.head == ""
    assert [p.is_spoiled for p in facts(site).points] == [True, True, False]
    assert_points(site, source, which=lambda generation: generation == facts(site).head)


def test_images_at_the_site_become_the_beginning_of_the_first_copy(
    site: Site, source: Source
) -> None:
    site.prepare(wish(source))
    seeds = site.folder / "seeds"
    seeds.mkdir()
    (seeds / "vda.raw").write_bytes(source.disks["vda"])
    (seeds / "other.raw").write_bytes(source.disks["vdb"][: 700 * KIB])
    images.convert(
        seeds / "other.raw", seeds / "vdb.qcow2", source_format="raw", target_format="qcow2"
    )
    generation = new_name()
    source.write("vda", 0, b"\1" * 512)
    source.write("vdb", MIB, b"\2" * 512)

    seeded = site.seed(
        VM,
        SeedWish(
            generation=generation,
            images={"vda": "vda.raw", "vdb": "vdb.qcow2"},
            disks=wish(source).disks,
        ),
    )
    assert (seeded.head, seeded.points) == (generation, ())
    assert differing(site, source, "vda", Span(0, 2 * MIB)) == [Span(0, 64 * KIB)]
    start = walk(site, source)
    ship(site, source.step(start))

    assert_points(site, source)
    assert_nothing_left(site)


@pytest.mark.parametrize(
    "name", ["../vda.raw", "missing.raw", "link.raw", "based.qcow2", "rot.qcow2"]
)
def test_only_images_in_the_folder_of_seeds_are_taken(
    site: Site, source: Source, name: str
) -> None:
    site.prepare(wish(source))
    seeds = site.folder / "seeds"
    seeds.mkdir()
    (site.folder / "vda.raw").write_bytes(b"secret" * 512)
    (seeds / "link.raw").symlink_to("../vda.raw")
    (seeds / "rot.qcow2").write_bytes(b"no image")
    images.create(seeds / "based.qcow2", backing=site.folder / "vda.raw", backing_format="raw")

    with pytest.raises(SeedUnusable):
        site.seed(VM, SeedWish(generation=new_name(), images={"vda": name}, disks=()))

    assert facts(site).head == ""
