"""What others say of the same machine at the same instant: QEMU's and libnbd's tools, virtnbdbackup.

A second reader that agrees with us by chance would have to make the same mistake.
"""

import contextlib
import json
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from holdfast.base.errors import HoldfastError
from holdfast.disks.nbd_address import UnixAddress
from holdfast.disks.nbd_client import NbdClient
from holdfast.disks.nbd_wire import BASE_ALLOCATION
from holdfast.disks.serving import bitmap_context, served_image
from holdfast.disks.spans import Span, total
from holdfast.hypervisor.backup_jobs import begin_backup, end_backup
from holdfast.hypervisor.backup_xml import BackupPlan, DiskPlan, Mode
from holdfast.hypervisor.connection import Host
from holdfast.testing.guests import Guest
from holdfast.testing.hosts import KvmHost
from holdfast.testing.vm_backups import CLOCK, VmBackups
from tests import machines_bench

pytestmark = [
    pytest.mark.interop,
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.timeout(600),
]

Extents = list[tuple[int, int, int]]
BOTH = ("vda", "vdb")
# libvirt's VIR_DOMAIN_DESTROY_GRACEFUL; the binding may be missing when tests are collected.
_GRACEFUL = 1


@pytest.fixture(scope="module")
def guest(kvm_host: KvmHost) -> Iterator[Guest]:
    """It stands still; what it wrote before is on its disks."""
    with machines_bench.writing_guest(kvm_host, "seen-by-two") as guest:
        yield guest


@pytest.fixture
def backups(guest: Guest, kvm_host: KvmHost, tmp_path: Path) -> Iterator[VmBackups]:
    """With a point, changes since, and a guest that stands still."""
    with Host.open(kvm_host.uri) as hypervisor:
        backups = VmBackups(hypervisor, guest.uuid, tmp_path, kvm_host.folder / "two")
        if not guest.is_running():
            guest.start()
        guest.run("dd if=/dev/urandom of=/a/before bs=1M count=6 conv=fsync 2>/dev/null")
        backups.back_up()
        guest.run("rm /a/before; sync; fstrim /a")
        guest.run("dd if=/dev/urandom of=/b/after bs=1M count=3 conv=fsync 2>/dev/null")
        guest.suspend()
        yield backups
        # Of a test that failed: the next one would find its job.
        with contextlib.suppress(HoldfastError):
            end_backup(backups.domain, CLOCK)
        if guest.is_running():
            guest.resume()


def joined(extents: Iterable[tuple[int, int, int]]) -> Extents:
    """Start, end and kind, neighbours of one kind in one."""
    result: Extents = []
    for start, end, kind in extents:
        if result and result[-1][1:] == (start, kind):
            result[-1] = (result[-1][0], end, kind)
        else:
            result.append((start, end, kind))
    return result


def ours(address: UnixAddress, export: str, context: str) -> Extents:
    with NbdClient(address, export, contexts=(context,)) as client:
        told = client.status(context, Span(0, client.size))
    return joined((span.start, span.end, flags) for span, flags in told)


def by_nbdinfo(address: UnixAddress, export: str, context: str) -> Extents:
    uri = f"nbd+unix:///{export}?socket={address.path}"
    found = said("nbdinfo", f"--map={context}", "--json", uri)
    return joined((e["offset"], e["offset"] + e["length"], e["type"]) for e in json.loads(found))


def by_qemu_img(image: Path) -> list[tuple[int, int, bool]]:
    """Where it reads as zeros without being read."""
    found = json.loads(said("qemu-img", "map", "--output=json", "-f", "qcow2", str(image)))
    return [(e["start"], e["start"] + e["length"], e["zero"]) for e in found]


def said(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def place(kvm_host: KvmHost) -> Iterator[Path]:
    """For sockets and scratch files."""
    place = kvm_host.folder / "seen"
    place.mkdir()
    yield place
    shutil.rmtree(place)


def switch_off(guest: Guest) -> None:
    """So that QEMU has closed its images; the guest itself does nothing any more."""
    with guest.domain() as domain:
        domain.destroyFlags(_GRACEFUL)


def plan_since(backups: VmBackups, place: Path) -> BackupPlan:
    """All that has changed since the point, and no new checkpoint."""
    since = backups.made[-1].facts.checkpoint
    disks = (
        DiskPlan(
            target=target,
            export=target,
            scratch=str(place / f"{target}.scratch"),
            mode=Mode.INCREMENTAL,
            since=since,
        )
        for target in BOTH
    )
    return BackupPlan(socket=str(place / "nbd"), disks=tuple(disks))


def test_maps_are_what_libnbd_and_qemu_read(backups: VmBackups, guest: Guest, place: Path) -> None:
    plan = plan_since(backups, place)
    address = UnixAddress(path=Path(plan.socket))
    begin_backup(backups.domain, plan)
    for disk in plan.disks:
        assert disk.context is not None
        for context in (BASE_ALLOCATION, disk.context):
            seen = ours(address, disk.export, context)
            assert seen == by_nbdinfo(address, disk.export, context)
            assert len(seen) > 1
    end_backup(backups.domain, CLOCK)

    switch_off(guest)
    for target in BOTH:
        image = guest.disk(target)
        with served_image(image, place / "own", format_="qcow2", clock=CLOCK) as served:
            seen = ours(served, "", BASE_ALLOCATION)
        assert joined((a, b, bool(kind & 2)) for a, b, kind in seen) == joined(by_qemu_img(image))


def test_what_changed_is_the_same_from_libvirt_and_from_the_images(
    backups: VmBackups, guest: Guest, place: Path
) -> None:
    plan = plan_since(backups, place)
    begin_backup(backups.domain, plan)
    running = {}
    for disk in plan.disks:
        assert disk.context is not None
        running[disk.target] = ours(UnixAddress(path=Path(plan.socket)), disk.export, disk.context)
    end_backup(backups.domain, CLOCK)

    switch_off(guest)
    name = backups.made[-1].facts.checkpoint
    off = {}
    for target in BOTH:
        image = guest.disk(target)
        served = served_image(image, place / "own", format_="qcow2", clock=CLOCK, bitmap=name)
        with served as address:
            off[target] = ours(address, "", bitmap_context(name))

    assert off == running
    assert all(total(Span(a, b) for a, b, kind in found if kind) for found in off.values())


@pytest.mark.skipif(shutil.which("virtnbdbackup") is None, reason="virtnbdbackup is not installed")
def test_another_program_reads_the_same_disks_at_the_same_instant(
    backups: VmBackups, guest: Guest, kvm_host: KvmHost, tmp_path: Path
) -> None:
    report = backups.back_up()
    theirs, restored = tmp_path / "theirs", tmp_path / "restored"

    # Mode "copy": without a checkpoint, so that ours is not disturbed.
    kvm_host.run("virtnbdbackup", "-d", guest.name, "-l", "copy", "-o", theirs)
    kvm_host.run("virtnbdrestore", "-a", "restore", "-i", theirs, "-o", restored)

    for target in BOTH:
        (image,) = restored.glob(f"*{target}*")
        said("qemu-img", "compare", str(image), str(backups.image(target, report)))
    assert backups.leftovers() == []
