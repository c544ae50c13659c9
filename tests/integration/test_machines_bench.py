"""The bench of the tests about virtual machines: two hosts, and guests of each kind."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from holdfast.testing.guest_image import GuestImage
from holdfast.testing.guest_proofs import Writes, ordered_writes
from holdfast.testing.guest_xml import UEFI_CODE
from holdfast.testing.guests import Guest, GuestCommandFailed, Recipe
from holdfast.testing.hosts import SOUTH, KvmHost
from holdfast.testing.waiting import wait_until
from tests.machines_bench import MARKS, NewGuest

pytestmark = MARKS

NAMESPACES = ("net", "mnt", "pid", "uts")
PLACES = ("/run/libvirt", "/var/lib/libvirt", "/etc/libvirt", "/var/log/libvirt")


def namespaces_of(pid: int) -> set[str]:
    return {os.readlink(f"/proc/{pid}/ns/{kind}") for kind in NAMESPACES}


def processes() -> Iterator[Path]:
    return (Path("/proc", entry) for entry in os.listdir("/proc") if entry.isdigit())


def living_in(namespaces: set[str]) -> Iterator[tuple[int, str]]:
    """The processes that have one of those namespaces, each with the time of its start."""
    for process in processes():
        with contextlib.suppress(OSError):
            if namespaces_of(int(process.name)) & namespaces:
                yield int(process.name), started_at(process)


def started_at(process: Path) -> str:
    """Tells a process from a later one of the same number."""
    return (process / "stat").read_text().rpartition(")")[2].split()[19]


def living() -> set[tuple[int, str]]:
    found = set()
    for process in processes():
        with contextlib.suppress(OSError):
            found.add((int(process.name), started_at(process)))
    return found


def mounted_by(folder: Path) -> Iterator[int]:
    """The processes that see a mount of that folder, wherever it is."""
    for process in processes():
        with contextlib.suppress(OSError):
            if folder.name in (process / "mountinfo").read_text():
                yield int(process.name)


def uuid_of(capabilities: str) -> str | None:
    return ET.fromstring(capabilities).findtext("host/uuid")


def writes_on(guest: Guest) -> Writes:
    """Of one instant, while it stands still."""
    guest.suspend()
    try:
        return ordered_writes(guest.disk("vda"), guest.disk("vdb"))
    finally:
        guest.resume()


def written(guest: Guest) -> int:
    """The last write that is on both disks for good."""
    return int(guest.run("cat /run/ordered || echo 0"))


def test_a_guest_has_two_file_systems_and_takes_commands(shared_guest: Guest) -> None:
    mounted = shared_guest.run("cat /proc/mounts")

    assert "/dev/vda /a ext4" in mounted
    assert "/dev/vdb /b ext4" in mounted


def test_a_guest_freezes_both_file_systems_and_tells_its_hook(shared_guest: Guest) -> None:
    frozen = shared_guest.ask("guest-fsfreeze-freeze")
    thawed = shared_guest.ask("guest-fsfreeze-thaw")

    assert (frozen, thawed) == (2, 2)
    assert shared_guest.run("cat /run/hooks").split() == ["freeze", "thaw"]


def test_a_command_that_fails_in_a_guest_says_so(shared_guest: Guest) -> None:
    with pytest.raises(GuestCommandFailed, match="no such place"):
        shared_guest.run("echo no such place >&2; exit 3")


def test_what_a_guest_sees_of_a_disk_is_what_its_image_holds(new_guest: NewGuest) -> None:
    guest = new_guest(Recipe(format="raw"))
    guest.start()

    guest.run("echo kept >/b/note && sync")
    guest.shut_down()

    assert b"kept\n" in guest.disk("vdb").read_bytes()
    assert guest.disk("vda").stat().st_size == guest.recipe.disk_size


def test_an_image_of_the_old_format_is_one(new_guest: NewGuest) -> None:
    guest = new_guest(Recipe(compat="0.10"))

    guest.start()

    # The version follows the magic number.
    assert guest.disk("vda").read_bytes()[:8] == b"QFI\xfb" + bytes((0, 0, 0, 2))


def test_a_guest_without_an_agent_boots_and_obeys_its_power_button(new_guest: NewGuest) -> None:
    guest = new_guest(Recipe(agent=False))

    guest.start()

    assert not guest.answers()
    guest.shut_down()


def test_a_guest_boots_with_uefi_and_keeps_its_variables(new_guest: NewGuest) -> None:
    if not UEFI_CODE.exists():
        pytest.skip("the firmware ovmf is not installed")
    guest = new_guest(Recipe(uefi=True))

    guest.start()

    assert guest.run("test -d /sys/firmware/efi && echo efi") == "efi\n"
    assert guest.nvram.stat().st_size > 0


def test_the_busy_writer_keeps_changing_both_disks(new_guest: NewGuest) -> None:
    guest = new_guest(Recipe(writer="busy"))

    guest.start()

    wait_until(lambda: int(guest.run("cat /run/busy || echo 0")) >= 3)
    assert guest.run("ls /a/busy.3 /b/busy.3").split() == ["/a/busy.3", "/b/busy.3"]


def test_ordered_writes_are_in_order_at_any_instant_and_go_on_after_a_power_cut(
    new_guest: NewGuest,
) -> None:
    guest = new_guest(Recipe(writer="ordered"))
    guest.start()
    wait_until(lambda: written(guest) >= 10)
    known = written(guest)

    alive = writes_on(guest)
    guest.pull_the_plug()
    dead = ordered_writes(guest.disk("vda"), guest.disk("vdb"))
    guest.start()

    assert known <= alive.second <= dead.second
    wait_until(lambda: written(guest) > dead.first)
    assert writes_on(guest).second > dead.first


def test_a_guest_outlives_the_daemon_of_its_host(kvm_host: KvmHost, shared_guest: Guest) -> None:
    boot = shared_guest.run("cat /proc/sys/kernel/random/boot_id")

    kvm_host.kill()
    kvm_host.start()

    wait_until(shared_guest.answers)
    assert shared_guest.run("cat /proc/sys/kernel/random/boot_id") == boot


def test_two_hosts_are_two_and_reach_each_other(kvm_hosts: tuple[KvmHost, KvmHost]) -> None:
    north, south = kvm_hosts

    with north.connected() as one, south.connected() as other:
        names = [one.getHostname(), other.getHostname()]
        ids = {uuid_of(one.getCapabilities()), uuid_of(other.getCapabilities())}
    answer = north.run("busybox", "ping", "-c", "1", "-W", "60", SOUTH)

    assert names == ["north", "south"]
    assert len(ids) == 2
    assert "1 packets received" in answer


def test_a_guest_of_one_host_is_not_seen_on_the_other(
    kvm_hosts: tuple[KvmHost, KvmHost], new_guest: NewGuest
) -> None:
    north, south = kvm_hosts

    guest = new_guest(host=south)

    assert guest.name in south.run("virsh", "list", "--all", "--name").split()
    assert guest.name not in north.run("virsh", "list", "--all", "--name").split()


def test_nothing_of_a_host_is_left_when_it_is_closed(bootable: GuestImage) -> None:
    with KvmHost("gone") as host:
        inside = namespaces_of(host.pid) - namespaces_of(os.getpid())
        Guest(host, "left").start()
        running = set(living_in(inside))
        mounted = list(mounted_by(host.folder))

    assert len(running) >= 3  # the first process, libvirtd, QEMU
    assert mounted != []
    assert running & living() == set()
    assert list(mounted_by(host.folder)) == []
    assert not host.folder.exists()
    assert [place for place in PLACES if any(Path(place).rglob("left*"))] == []
