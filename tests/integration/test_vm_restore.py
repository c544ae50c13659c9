"""Virtual machines come back: as new ones, on another host, in place with only what differs."""

import os
import random
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import pytest

from holdfast.app.config import Settings
from holdfast.app.replication_admission import SiteFolder
from holdfast.app.replication_seed import seed_site
from holdfast.app.vm_restore import VmRestoreOptions, replace_vm, restore_vm, write_vm_files
from holdfast.app.wiring import Session
from holdfast.base.clock import SystemClock
from holdfast.base.errors import HoldfastError
from holdfast.disks import images
from holdfast.disks.nbd_client import NbdClient
from holdfast.disks.serving import bitmap_context, served_image
from holdfast.disks.spans import Span
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import find_domain
from holdfast.hypervisor.errors import VmDescriptionBroken, VmExists
from holdfast.machines.backup_errors import VmHalfRestored
from holdfast.machines.blocks import BLOCK
from holdfast.machines.disk_source import FileSource
from holdfast.machines.errors import NameUnusable
from holdfast.machines.point_reader import PointReader
from holdfast.machines.point_writer import PointWriter
from holdfast.machines.replacement_note import read_note
from holdfast.machines.restore_errors import VmDiskElsewhere, VmIsAnother, VmNotOff
from holdfast.machines.scratch_place import ScratchPlace
from holdfast.machines.stillness import AsItIs
from holdfast.machines.vm_backup import back_up_vm
from holdfast.machines.vm_job import VmJob
from holdfast.machines.vm_state import packed
from holdfast.storage.directory import DirectoryStorage
from holdfast.storage.errors import StorageUnavailable
from holdfast.testing.faulty_storage import FaultyStorage
from holdfast.testing.guests import Guest, Recipe
from holdfast.testing.hosts import KvmHost
from holdfast.testing.vaults import open_vault, small_vault
from holdfast.testing.vm_points import OPTIONS, vm_facts
from holdfast.vault.repository import Repository
from holdfast.vault.snapshot import Snapshot
from tests.machines_bench import MARKS, NewGuest

pytestmark = MARKS

MIB = 1 << 20
# Beyond the file systems of the guests' disks, where nobody but the tests writes.
FREE = 62 * MIB
BITMAP = "holdfast-0123456789abcdef"


@dataclass(frozen=True, kw_only=True)
class Place:
    """A vault, a home, and a point of a guest of the first host."""

    storage: DirectoryStorage
    home: Path
    guest: Guest
    point: Snapshot

    def repository(self) -> Repository:
        return open_vault(self.storage, clock=SystemClock())

    def session(self, host: KvmHost | None = None) -> Session:
        settings = Settings(home=str(self.home), libvirt=(host or self.guest.host).uri)
        return Session(settings=settings, warn=lambda _: None)


@pytest.fixture
def place(tmp_path: Path, new_guest: NewGuest) -> Place:
    return place_of(new_guest(), tmp_path)


def place_of(guest: Guest, folder: Path) -> Place:
    storage = DirectoryStorage(str(folder / "vault"))
    storage.create_root()
    vault = small_vault(storage, clock=SystemClock())
    point = point_of(vault, guest, folder)
    return Place(storage=storage, home=folder / "home", guest=guest, point=point)


def point_of(vault: Repository, guest: Guest, folder: Path) -> Snapshot:
    """Of its disks as they lie, while it is off."""
    raws = {}
    for target in guest.targets:
        raws[target] = folder / f"{target}.raw"
        images.convert(
            guest.disk(target),
            raws[target],
            source_format=guest.recipe.format,
            target_format="raw",
        )
    facts = vm_facts(raws, name=guest.name, time=vault.clock.now())
    disks = tuple(
        type(disk)(target=disk.target, size=disk.size, format=guest.recipe.format)
        for disk in facts.disks
    )
    with guest.domain() as domain:
        description = domain.XMLDesc(0).encode()
    with PointWriter(vault, guest.name, OPTIONS) as writer:
        for target, raw in raws.items():
            with FileSource(str(raw)) as source:
                writer.add_disk(target, source)
        facts = type(facts)(
            version=1,
            name=guest.name,
            uuid=guest.uuid,
            taken_at=facts.taken_at,
            consistency=facts.consistency,
            disks=disks,
        )
        report = writer.commit(facts, {"domain.xml": description})
    return vault.load_snapshot(report.snapshot)


def same(one: Path, other: Path, *, one_format: str, other_format: str = "raw") -> bool:
    return images.are_same(one, other, one_format=one_format, other_format=other_format)


def is_as_in_point(place: Place, folder: Path, target: str) -> bool:
    """Whether an image of the guest holds what the point was made of."""
    guest = place.guest
    return same(guest.disk(target), folder / f"{target}.raw", one_format=guest.recipe.format)


def scribble(guest: Guest, target: str, *places: tuple[int, bytes]) -> None:
    """Write to a disk of a guest that is off, as it would."""
    socket = guest.folder / "scribble"
    image = guest.disk(target)
    served = served_image(
        image, socket, format_=guest.recipe.format, clock=SystemClock(), is_writable=True
    )
    with served as address, NbdClient(address, contexts=()) as client:
        for at, content in places:
            client.write(at, content)
        client.flush()


def dirty(image: Path, folder: Path) -> list[Span]:
    served = served_image(
        image, folder / "dirty", format_="qcow2", clock=SystemClock(), bitmap=BITMAP
    )
    context = bitmap_context(BITMAP)
    with served as address, NbdClient(address, contexts=(context,)) as client:
        return [span for span, flags in client.status(context, Span(0, client.size)) if flags]


def leftovers(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*holdfast*"))


def noise(seed: int, length: int = 5000) -> bytes:
    return random.Random(seed).randbytes(length)


@pytest.fixture
def taken_away(kvm_hosts: tuple[KvmHost, KvmHost]) -> Iterator[list[tuple[KvmHost, str]]]:
    """Machines that the test made; they go with it."""
    made: list[tuple[KvmHost, str]] = []
    yield made
    for kvm, name in made:
        with Host.open(kvm.uri) as host:
            domain = find_domain(host, name)
            if domain.is_active():
                domain.destroy()
            domain.undefine()
        shutil.rmtree(kvm.images / name, ignore_errors=True)


def test_a_machine_is_defined_on_another_host_with_an_identity_of_its_own(
    kvm_hosts: tuple[KvmHost, KvmHost], place: Place, taken_away: list[tuple[KvmHost, str]]
) -> None:
    _north, south = kvm_hosts
    options = VmRestoreOptions(name="back", pool=str(south.images))

    report = restore_vm(place.session(south), place.repository(), place.point, options)

    taken_away.append((south, "back"))
    assert [
        warning for warning in report.warnings if "that are not in the point" not in warning
    ] == []
    assert [disk.path.parent for disk in report.disks] == [south.images / "back"] * 2
    assert leftovers(south.images) == []
    with Host.open(south.uri) as host:
        domain = find_domain(host, "back")
        assert domain.uuid == report.uuid != place.guest.uuid
        assert domain.spec().nics[0].mac != find_mac(place)


def find_mac(place: Place) -> str | None:
    with Host.open(place.guest.host.uri) as host:
        return find_domain(host, place.guest.uuid).spec().nics[0].mac


def test_new_images_have_the_format_asked_for_and_the_machine_uses_them(
    place: Place, tmp_path: Path, taken_away: list[tuple[KvmHost, str]]
) -> None:
    kvm = place.guest.host
    options = VmRestoreOptions(name="rawback", pool=str(kvm.images), format="raw")

    report = restore_vm(place.session(), place.repository(), place.point, options)

    taken_away.append((kvm, "rawback"))
    with Host.open(kvm.uri) as host:
        disks = find_domain(host, "rawback").spec().disks
    assert [(disk.format, disk.source) for disk in disks] == [
        ("raw", str(kvm.images / "rawback" / f"{target}.raw")) for target in ("vda", "vdb")
    ]
    assert not report.is_started
    for disk in report.disks:
        assert same(disk.path, tmp_path / disk.path.name, one_format="raw")
        assert disk.path.stat().st_blocks * 512 < disk.size // 2


def test_a_disk_the_point_lacks_is_not_shared_with_the_old_machine(
    place: Place, taken_away: list[tuple[KvmHost, str]]
) -> None:
    kvm = place.guest.host
    options = VmRestoreOptions(name="single", pool=str(kvm.images), disks=("vda",))

    report = restore_vm(place.session(), place.repository(), place.point, options)

    taken_away.append((kvm, "single"))
    with Host.open(kvm.uri) as host:
        assert [disk.target for disk in find_domain(host, "single").spec().disks] == ["vda"]
    assert "vdb" in report.warnings[0]


def test_a_name_that_is_taken_costs_nothing(place: Place) -> None:
    options = VmRestoreOptions(pool=str(place.guest.host.images / "pool"))

    with pytest.raises(VmExists):
        restore_vm(place.session(), place.repository(), place.point, options)

    assert not (place.guest.host.images / "pool").exists()


def test_a_vault_that_goes_away_leaves_neither_files_nor_a_machine(place: Place) -> None:
    kvm = place.guest.host
    storage = FaultyStorage(place.storage)
    repository = open_vault(storage, clock=SystemClock())
    options = VmRestoreOptions(name="torn", pool=str(kvm.images))

    def go_away(_: object) -> None:
        gone = StorageUnavailable(place="it", name="it", reason="timeout")
        storage.fail("read", *[gone] * 20)

    with pytest.raises(StorageUnavailable):
        restore_vm(place.session(), repository, place.point, replace(options, on_progress=go_away))

    assert not (kvm.images / "torn").exists()
    assert leftovers(kvm.images) == []
    assert "torn" not in kvm.run("virsh", "list", "--all", "--name").split()


@pytest.mark.parametrize("format_", ["qcow2", "raw"])
def test_in_place_writes_what_differs_and_nothing_else(
    tmp_path: Path, new_guest: NewGuest, format_: str
) -> None:
    guest = new_guest(Recipe(format="raw" if format_ == "raw" else "qcow2"))
    place = place_of(guest, tmp_path)
    # Where the point has nothing, and within a block that has data.
    scribble(guest, "vda", (FREE + 100, noise(2)), (MIB // 2, noise(3)))
    # Of a restore that was killed while it compared.
    Path(f"{guest.disk('vda')}.holdfast-restore").write_bytes(b"left behind")

    report = replace_vm(place.session(), place.repository(), place.point, VmRestoreOptions())

    written = {disk.target: disk.written for disk in report.disks}
    assert (written["vda"].written, written["vda"].zeroed) == (2 * 4096, BLOCK)
    assert (written["vdb"].written, written["vdb"].zeroed) == (0, 0)
    assert is_as_in_point(place, tmp_path, "vda")
    assert is_as_in_point(place, tmp_path, "vdb")
    assert leftovers(guest.folder) == []
    assert os.listdir(place.home / "vms") == [f"{guest.uuid}.lock"]


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Path]:
    """A block device of the size of a guest's disk, with something in it."""
    image = tmp_path / "device"
    image.write_bytes(noise(4))
    os.truncate(image, 64 * MIB)
    done = subprocess.run(
        ["losetup", "--find", "--show", image], check=True, capture_output=True, text=True
    )
    yield Path(done.stdout.strip())
    subprocess.run(["losetup", "--detach", done.stdout.strip()], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="a loop device needs root")
def test_what_differs_of_a_device_is_not_gathered_beside_it_in_memory(
    place: Place, tmp_path: Path, device: Path
) -> None:
    with place.guest.domain() as domain:
        domain.updateDeviceFlags(
            f"<disk type='block'><driver name='qemu' type='raw'/><source dev='{device}'/>"
            "<target dev='vdb' bus='virtio'/></disk>",
            2,
        )
    seen = set[str]()

    def look(_: object) -> None:
        seen.update(leftovers(device.parent) + os.listdir(place.home / "vms"))

    report = replace_vm(
        place.session(), place.repository(), place.point, VmRestoreOptions(on_progress=look)
    )

    assert seen == {f"{place.guest.uuid}.lock", f"{place.guest.uuid}.vdb.holdfast-restore"}
    assert [disk.path for disk in report.disks][1] == device
    assert same(device, tmp_path / "vdb.raw", one_format="raw")
    assert os.listdir(place.home / "vms") == [f"{place.guest.uuid}.lock"]


def test_the_record_of_changes_knows_what_was_put_back(place: Place, tmp_path: Path) -> None:
    image = place.guest.disk("vda")
    scribble(place.guest, "vda", (3 * MIB, noise(3)))
    images.add_bitmap(image, BITMAP)

    replace_vm(place.session(), place.repository(), place.point, VmRestoreOptions())

    assert is_as_in_point(place, tmp_path, "vda")
    changed = dirty(image, place.guest.folder)
    assert changed[0].start <= 3 * MIB
    assert changed[-1].end >= 3 * MIB + 5000
    assert not images.inspect(image).bitmaps[0].is_in_use


def test_in_place_a_disk_gets_its_old_size_and_a_lost_one_is_made_anew(
    place: Place, tmp_path: Path
) -> None:
    images.resize(place.guest.disk("vda"), 100 * MIB, format_="qcow2")
    place.guest.disk("vdb").unlink()

    report = replace_vm(place.session(), place.repository(), place.point, VmRestoreOptions())

    assert is_as_in_point(place, tmp_path, "vda")
    assert is_as_in_point(place, tmp_path, "vdb")
    assert images.inspect(place.guest.disk("vda")).virtual_size == 64 * MIB
    assert report.warnings == ()


def test_a_machine_that_runs_or_is_another_is_left_alone(
    place: Place, tmp_path: Path, kvm_hosts: tuple[KvmHost, KvmHost]
) -> None:
    guest = place.guest
    scribble(guest, "vda", (FREE, noise(2)))
    with guest.domain() as domain:
        domain.createWithFlags(1)  # paused
    with pytest.raises(VmNotOff):
        replace_vm(place.session(), place.repository(), place.point, VmRestoreOptions())
    with guest.domain() as domain:
        domain.destroy()
        xml = domain.XMLDesc(0).replace(guest.uuid, other := str(uuid.uuid4()))
        domain.undefine()
    with guest.host.connected() as connection:
        connection.defineXML(xml)
    guest.uuid = other

    with pytest.raises(VmIsAnother, match=other):
        replace_vm(place.session(), place.repository(), place.point, VmRestoreOptions())

    assert not is_as_in_point(place, tmp_path, "vda")


def test_a_disk_that_is_gone_from_the_machine_is_told(place: Place) -> None:
    with place.guest.domain() as domain:
        domain.detachDeviceFlags(
            f"<disk type='file'><source file='{place.guest.disk('vdb')}'/>"
            "<target dev='vdb' bus='virtio'/></disk>",
            2,
        )

    with pytest.raises(VmDiskElsewhere, match="vdb"):
        replace_vm(place.session(), place.repository(), place.point, VmRestoreOptions())

    report = replace_vm(
        place.session(), place.repository(), place.point, VmRestoreOptions(disks=("vda",))
    )
    assert [disk.target for disk in report.disks] == ["vda"]


def test_interrupted_while_it_compares_the_machine_stays_as_it_was(
    place: Place, tmp_path: Path
) -> None:
    scribble(place.guest, "vda", (FREE, noise(2)))
    before = place.guest.disk("vda").read_bytes()

    def stop(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replace_vm(
            place.session(),
            place.repository(),
            place.point,
            VmRestoreOptions(on_progress=stop),
        )

    assert place.guest.disk("vda").read_bytes() == before
    assert leftovers(place.guest.folder) == []
    assert read_note(str(place.home), place.guest.uuid) is None


def test_what_failed_half_way_is_brought_to_its_end_by_the_next_restore(
    place: Place, tmp_path: Path
) -> None:
    guest, wish = place.guest, VmRestoreOptions()
    scribble(guest, "vda", (FREE, noise(2)))
    scribble(guest, "vdb", (FREE, noise(3)))
    in_the_way = served_image(
        guest.disk("vdb"), guest.folder / "busy", format_="qcow2", clock=SystemClock()
    )

    # Who reads an image lets it be compared, but not be written.
    with in_the_way, pytest.raises(HoldfastError) as caught:
        replace_vm(place.session(), place.repository(), place.point, wish)
    assert caught.value.code == "image-in-use"
    assert read_note(str(place.home), guest.uuid) is not None
    with Host.open(guest.host.uri) as host, pytest.raises(VmHalfRestored):
        back_up_vm(
            VmJob(
                repository=place.repository(),
                domain=find_domain(host, guest.name),
                place=ScratchPlace.of(str(tmp_path / "scratch"), guest.uuid),
                home=str(place.home),
                writer=OPTIONS,
                stillness=lambda _domain: AsItIs(),
            )
        )
    report = replace_vm(place.session(), place.repository(), place.point, wish)

    assert report.bytes_written == 0
    assert is_as_in_point(place, tmp_path, "vda")
    assert is_as_in_point(place, tmp_path, "vdb")
    assert leftovers(guest.folder) == []
    assert read_note(str(place.home), guest.uuid) is None


def test_a_name_does_not_lead_out_of_the_pool(place: Place, tmp_path: Path) -> None:
    options = VmRestoreOptions(name="../out", pool=str(tmp_path / "pool"))

    for restore in (restore_vm, write_vm_files):
        with pytest.raises(NameUnusable):
            restore(place.session(), place.repository(), place.point, options)

    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("format_", ["qcow2", "raw"])
def test_disks_come_back_as_files_without_any_host(
    place: Place, tmp_path: Path, format_: str
) -> None:
    session = Session(settings=Settings(home=str(place.home), libvirt="none:///"), warn=print)
    options = VmRestoreOptions(pool=str(tmp_path / "files"), format=format_)

    report = write_vm_files(session, place.repository(), place.point, options)

    folder = tmp_path / "files" / place.guest.name
    assert sorted(os.listdir(folder)) == ["domain.xml", f"vda.{format_}", f"vdb.{format_}"]
    for disk in report.disks:
        raw = tmp_path / f"{disk.target}.raw"
        assert same(disk.path, raw, one_format=format_)


def test_disks_of_a_point_become_seeds_of_a_site(place: Place, tmp_path: Path) -> None:
    session, folder = place.session(), tmp_path / "replicas"
    own = SiteFolder(str(place.home))
    own.save(msgspec.structs.replace(own.make("south", SystemClock()), folder=str(folder)))
    left = folder / "seeds" / f"from-{place.point.id[:8]}"
    left.mkdir(parents=True)

    done = seed_site(session, place.repository(), place.point, VmRestoreOptions())

    assert sorted(os.listdir(folder / "seeds")) == sorted(done.images.values())
    assert sorted(done.images) == ["vda", "vdb"]
    for target, name in done.images.items():
        assert same(folder / "seeds" / name, tmp_path / f"{target}.raw", one_format="qcow2")


def test_a_machine_called_by_the_points_uuid_is_not_the_one_of_the_point(
    place: Place, tmp_path: Path
) -> None:
    """A name may look like a UUID, and a UUID out of a vault like a name."""
    scribble(place.guest, "vda", (FREE, noise(2)))
    before = place.guest.disk("vda").read_bytes()
    other = replace(place, point=point_with(place, uuid=place.guest.name))

    with pytest.raises(VmIsAnother):
        replace_vm(other.session(), other.repository(), other.point, VmRestoreOptions())

    assert place.guest.disk("vda").read_bytes() == before


def test_a_uuid_that_is_a_path_leads_nowhere(place: Place, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "file").write_bytes(b"mine")
    name = os.path.relpath(victim, "/var/lib/libvirt/swtpm")
    point = point_with(
        place,
        description=lambda xml: xml.replace(place.guest.uuid, name).replace(
            "<devices>", "<devices><tpm><backend type='emulator'/></tpm>"
        ),
        files={"tpm.tar": packed(victim)},
    )
    options = VmRestoreOptions(name="path", pool=str(tmp_path / "pool"), keeps_identity=True)

    with pytest.raises(VmDescriptionBroken):
        restore_vm(place.session(), place.repository(), point, options)

    assert (victim / "file").read_bytes() == b"mine"
    assert not (tmp_path / "pool" / "path").exists()


def test_a_machine_made_meanwhile_under_the_same_uuid_is_left_alone(
    place: Place, tmp_path: Path, kvm_hosts: tuple[KvmHost, KvmHost]
) -> None:
    _north, south = kvm_hosts
    made: list[str] = []

    def make(_: object) -> None:
        if not made:
            made.append("meanwhile")
            with place.guest.domain() as domain, south.connected() as connection:
                xml = domain.XMLDesc(0).replace(f">{place.guest.name}<", ">meanwhile<")
                connection.defineXML(xml)

    options = VmRestoreOptions(
        name="late", pool=str(tmp_path / "pool"), keeps_identity=True, on_progress=make
    )

    with pytest.raises(VmExists):
        restore_vm(place.session(south), place.repository(), place.point, options)

    assert os.listdir(tmp_path / "pool") == []
    with Host.open(south.uri) as host:
        left = find_domain(host, "meanwhile")
        assert left.uuid == place.guest.uuid
        left.undefine()


def test_a_description_the_host_refuses_costs_no_copying(place: Place, tmp_path: Path) -> None:
    point = point_with(place, description=lambda xml: xml.replace("pc-q35", "pc-none"))
    seen: list[object] = []
    options = VmRestoreOptions(name="refused", pool=str(tmp_path / "pool"), on_progress=seen.append)

    with pytest.raises(HoldfastError, match="refused"):
        restore_vm(place.session(), place.repository(), point, options)

    assert seen == []
    assert not (tmp_path / "pool").exists()
    assert "trial" not in place.guest.host.run("virsh", "list", "--all", "--name")


def test_parts_of_its_host_are_taken_out_of_a_new_machine_and_told(
    place: Place, tmp_path: Path, taken_away: list[tuple[KvmHost, str]]
) -> None:
    kvm = place.guest.host
    secret = (
        "<disk type='file' device='cdrom'><source file='/etc/hostname'/><target dev='sda'/></disk>"
    )
    point = point_with(
        place, description=lambda xml: xml.replace("</devices>", f"{secret}</devices>")
    )
    options = VmRestoreOptions(name="clean", pool=str(kvm.images))

    report = restore_vm(place.session(), place.repository(), point, options)

    taken_away.append((kvm, "clean"))
    assert "/etc/hostname" in report.warnings[0]
    with Host.open(kvm.uri) as host:
        disks = find_domain(host, "clean").spec().disks
    assert [disk.source for disk in disks if disk.device == "cdrom"] == [None]


def point_with(
    place: Place,
    *,
    uuid: str | None = None,
    description: Callable[[str], str] = str,
    files: Mapping[str, bytes] | None = None,
) -> Snapshot:
    """The same point again, as somebody else might have written it."""
    vault = place.repository()
    old = PointReader(vault, place.point)
    xml = description(old.read_file("domain.xml").decode())
    facts = msgspec.structs.replace(old.facts, uuid=uuid or old.facts.uuid)
    with PointWriter(vault, place.guest.name, OPTIONS) as writer:
        for target in place.guest.targets:
            with FileSource(str(place.home.parent / f"{target}.raw")) as source:
                writer.add_disk(target, source)
        report = writer.commit(facts, {"domain.xml": xml.encode(), **(files or {})})
    return vault.load_snapshot(report.snapshot)
