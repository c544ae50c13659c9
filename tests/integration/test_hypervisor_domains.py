"""Machines of a real libvirt: found, defined, started, stopped, described."""

from pathlib import Path

import pytest

from holdfast.hypervisor.checkpoint_xml import new_name
from holdfast.hypervisor.checkpoints import create_checkpoint, list_checkpoints
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.console import Console, screenshot
from holdfast.hypervisor.domain_disks import (
    DiskJobKind,
    attach_device,
    copy_disk,
    disk_counters,
    disk_job,
    disk_size,
    end_disk_job,
)
from holdfast.hypervisor.domain_identity import DiskPlace, Identity, with_identity
from holdfast.hypervisor.domains import Domain, define_domain, find_domain, list_domains
from holdfast.hypervisor.errors import (
    HostLost,
    HostUnreachable,
    VmDescriptionBroken,
    VmDiskMissing,
    VmHasCheckpoints,
    VmInWrongState,
    VmMissing,
    VmNotRunning,
)
from holdfast.hypervisor.states import State
from holdfast.testing.guests import Guest, Recipe
from holdfast.testing.hosts import KvmHost
from holdfast.testing.waiting import wait_until
from tests.machines_bench import MARKS, NewGuest

pytestmark = MARKS

NEW_UUID = "11111111-2222-3333-4444-555555555555"


@pytest.fixture
def off(hypervisor: Host, new_guest: NewGuest) -> Domain:
    """A machine that never ran."""
    return find_domain(hypervisor, new_guest(Recipe()).uuid)


def test_machine_is_found_by_name_and_by_uuid(hypervisor: Host, off: Domain) -> None:
    assert find_domain(hypervisor, off.name).uuid == off.uuid
    assert find_domain(hypervisor, off.uuid).name == off.name
    assert off.uuid in [domain.uuid for domain in list_domains(hypervisor)]


@pytest.mark.parametrize("name", ["nobody", NEW_UUID])
def test_machine_that_is_not_there_is_said_so(hypervisor: Host, name: str) -> None:
    with pytest.raises(VmMissing, match=name):
        find_domain(hypervisor, name)


def test_machine_is_started_paused_resumed_suspended_and_destroyed(off: Domain) -> None:
    seen = [off.standing()]
    off.start(paused=True)
    seen.append(off.standing())
    for act in (off.resume, off.suspend, off.destroy):
        act()
        seen.append(off.standing())

    assert [(standing.state, standing.reason) for standing in seen] == [
        (State.OFF, "unknown"),
        (State.PAUSED, "user"),
        (State.RUNNING, "unpaused"),
        (State.PAUSED, "user"),
        (State.OFF, "destroyed"),
    ]


def test_what_a_machine_that_is_off_cannot_do_is_said_so(off: Domain) -> None:
    for act in (off.suspend, off.resume, off.destroy, off.ask_to_shut_down):
        with pytest.raises(VmNotRunning):
            act()
    with pytest.raises(VmNotRunning):
        disk_counters(off, "vda")


def test_running_machine_is_not_started_again(lasting_domain: Domain) -> None:
    with pytest.raises(VmInWrongState):
        lasting_domain.start()


def test_machine_starts_by_itself_only_if_it_shall(off: Domain) -> None:
    off.let_start_by_itself()
    assert off.starts_by_itself()

    off.let_start_by_itself(never=True)
    assert not off.starts_by_itself()


def test_description_of_a_real_machine_is_read(
    lasting_domain: Domain, lasting_guest: Guest
) -> None:
    running, next_start = lasting_domain.spec(), lasting_domain.spec(inactive=True)

    assert [disk.source for disk in running.data_disks] == [
        str(lasting_guest.disk("vda")),
        str(lasting_guest.disk("vdb")),
    ]
    assert running.is_agent_connected
    assert next_start.is_agent_connected is None
    assert (running.uuid, running.kind, running.vcpus) == (lasting_guest.uuid, "qemu", 1)


def test_machine_with_a_new_identity_is_accepted(hypervisor: Host, off: Domain) -> None:
    disks = {"vda": DiskPlace(path="/nonexistent/new.qcow2", format="qcow2")}
    identity = Identity(name="newcomer", uuid=NEW_UUID, generation_id=NEW_UUID, disks=disks)

    newcomer = define_domain(hypervisor, with_identity(off.xml(inactive=True), identity))

    try:
        spec = newcomer.spec(inactive=True)
        assert (newcomer.uuid, spec.name, spec.generation_id) == (NEW_UUID, "newcomer", NEW_UUID)
        assert spec.disks[0].source == "/nonexistent/new.qcow2"
    finally:
        newcomer.undefine()
    with pytest.raises(VmMissing):
        newcomer.standing()


@pytest.mark.parametrize("xml", ["<domain/>", "<domain type='qemu'><name>x</name></domain>", "no"])
def test_description_that_makes_no_machine_is_refused(hypervisor: Host, xml: str) -> None:
    with pytest.raises(VmDescriptionBroken):
        define_domain(hypervisor, xml)


def test_machine_with_checkpoints_is_removed_only_on_purpose(off: Domain) -> None:
    off.start(paused=True)
    create_checkpoint(off, new_name(), disks=("vda",))

    with pytest.raises(VmHasCheckpoints):
        off.undefine()
    off.destroy()
    with pytest.raises(VmHasCheckpoints):
        off.undefine()
    assert len(list_checkpoints(off)) == 1
    off.undefine(with_checkpoints=True)

    with pytest.raises(VmMissing):
        off.standing()


def test_disks_have_sizes_and_counters(lasting_domain: Domain, lasting_guest: Guest) -> None:
    before = disk_counters(lasting_domain, "vda")
    lasting_guest.run("dd if=/dev/urandom of=/a/counted bs=64k count=4 conv=fsync 2>/dev/null")

    after = disk_counters(lasting_domain, "vda")

    assert after.written_bytes - before.written_bytes >= 256 << 10
    assert after.flushes > before.flushes
    assert disk_size(lasting_domain, "vda").capacity == 64 << 20
    with pytest.raises(VmDiskMissing):
        disk_size(lasting_domain, "vdq")


def test_disk_is_copied_until_it_is_equal_and_let_go(
    lasting_domain: Domain, kvm_host: KvmHost
) -> None:
    copy = kvm_host.folder / "copy.qcow2"
    destination = f"<disk type='file'><source file='{copy}'/><driver type='qcow2'/></disk>"

    copy_disk(lasting_domain, "vda", destination_xml=destination)
    wait_until(lambda: (job := disk_job(lasting_domain, "vda")) is not None and job.is_ready)
    job = disk_job(lasting_domain, "vda")
    end_disk_job(lasting_domain, "vda")

    assert job is not None
    assert job.kind is DiskJobKind.COPY
    wait_until(lambda: disk_job(lasting_domain, "vda") is None)
    assert lasting_domain.spec().disks[0].source != str(copy)
    copy.unlink()


def test_disk_is_plugged_into_a_running_machine(off: Domain, tmp_path: Path) -> None:
    image = tmp_path / "more.raw"
    image.write_bytes(bytes(1 << 20))
    xml = (
        f"<disk type='file' device='disk'><driver name='qemu' type='raw'/>"
        f"<source file='{image}'/><target dev='vdz' bus='virtio'/></disk>"
    )
    # A disk can be plugged in where a port is free.
    root_port = "<controller type='pci' model='pcie-root-port'/>"
    more = off.xml(inactive=True).replace("</devices>", f"{root_port}{root_port}</devices>")
    define_domain(off.host, more)
    off.start(paused=True)

    attach_device(off, xml)

    assert off.spec().disk("vdz") is not None
    assert off.spec(inactive=True).disk("vdz") is None


def test_serial_console_is_read_and_typed_on(lasting_domain: Domain, kvm_host: KvmHost) -> None:
    kvm_host.run("mkdir", "-p", "/run/lock")
    seen = b""

    def answered() -> bool:
        nonlocal seen
        seen += console.read()
        return b"forty-42" in seen

    with Console(lasting_domain) as console:
        console.write(b"\necho forty-$((6 * 7))\n")
        wait_until(answered)


def test_machine_without_a_screen_has_no_picture(lasting_domain: Domain) -> None:
    with pytest.raises(VmInWrongState, match="screen"):
        screenshot(lasting_domain)


def test_machine_with_a_screen_has_a_picture(hypervisor: Host, off: Domain) -> None:
    video = "<video><model type='vga'/></video><graphics type='vnc' port='-1' autoport='yes'/>"
    xml = off.xml(inactive=True).replace("</devices>", f"{video}</devices>")
    define_domain(hypervisor, xml)
    off.start(paused=True)

    picture = screenshot(off)

    assert picture.mime_type.startswith("image/")
    assert picture.data[:2] in (b"P6", b"\x89P")


def test_connection_opens_again_after_a_restart_of_the_daemon(
    hypervisor: Host, kvm_host: KvmHost, lasting_domain: Domain, lasting_guest: Guest
) -> None:
    kvm_host.kill()
    # The first call may still go to the old connection.
    with pytest.raises((HostLost, HostUnreachable)):
        list_domains(hypervisor)
    assert not hypervisor.is_alive()

    kvm_host.start()

    assert hypervisor.is_alive()
    assert lasting_domain.standing().state is State.RUNNING
    lasting_guest.wait_up()
