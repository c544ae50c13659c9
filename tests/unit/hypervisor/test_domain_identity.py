from pathlib import Path
from xml.etree import ElementTree as ET

from holdfast.hypervisor.domain_identity import (
    DiskPlace,
    Identity,
    NbdBacking,
    NetworkPlace,
    with_identity,
)
from holdfast.hypervisor.domain_xml import read_domain
from holdfast.hypervisor.machine_spec import DiskSpec

DOMAINS = Path(__file__).parent / "domains"
EVERYTHING = (DOMAINS / "everything.xml").read_text()
RUNNING = (DOMAINS / "running.xml").read_text()
WITH_A_SERIAL_LINE = EVERYTHING.replace("<devices>", "<devices><serial type='pty'/>")
NEW_UUID = "11111111-2222-3333-4444-555555555555"


def changed(identity: Identity, xml: str = EVERYTHING) -> str:
    return with_identity(xml, identity)


def disk(xml: str, target: str) -> DiskSpec:
    found = read_domain(xml).disk(target)
    assert found is not None
    return found


def element(xml: str, path: str) -> ET.Element:
    found = ET.fromstring(xml).find(path)
    assert found is not None
    return found


def test_identity_that_asks_for_nothing_changes_nothing() -> None:
    assert read_domain(changed(Identity())) == read_domain(EVERYTHING)


def test_number_of_a_running_machine_is_not_taken_along() -> None:
    assert ET.fromstring(changed(Identity(), RUNNING)).get("id") is None


def test_machine_gets_its_new_names_everywhere() -> None:
    genid = "99999999-2222-3333-4444-555555555555"

    xml = changed(Identity(name="books-test", uuid=NEW_UUID, generation_id=genid))

    spec = read_domain(xml)
    assert (spec.name, spec.uuid, spec.generation_id) == ("books-test", NEW_UUID, genid)
    assert element(xml, "sysinfo/system/entry[@name='uuid']").text == NEW_UUID
    assert element(xml, "sysinfo/system/entry[@name='manufacturer']").text == "Example"


def test_machine_with_a_new_name_leaves_the_old_ones_sockets_and_ports() -> None:
    xml = changed(Identity(name="books-test", uuid=NEW_UUID))

    root = ET.fromstring(xml)
    assert "domain-3-books" not in xml
    assert element(xml, "devices/graphics").get("port") == "-1"
    assert element(xml, "devices/graphics").get("autoport") == "yes"
    assert root.find("seclabel") is None
    assert read_domain(xml).has_agent_channel


def test_machine_with_a_new_name_gets_another_socket_address() -> None:
    vsock = "<vsock model='virtio'><cid auto='no' address='3'/></vsock></devices>"

    xml = changed(Identity(name="books-test"), EVERYTHING.replace("</devices>", vsock))

    cid = element(xml, "devices/vsock/cid")
    assert (cid.get("auto"), cid.get("address")) == ("yes", None)


def test_what_holdfast_does_not_know_is_kept() -> None:
    xml = changed(Identity(name="books-test"))

    assert "-no-hpet" in xml
    assert "http://microsoft.com/win/2k22" in xml
    assert "<qemu:arg" in xml


def test_file_system_variables_get_a_new_place() -> None:
    old_form = changed(Identity(nvram="/srv/new_VARS.fd"))
    new_form = changed(Identity(nvram="/srv/new_VARS.fd"), RUNNING)

    assert read_domain(old_form).firmware.nvram == "/srv/new_VARS.fd"
    assert read_domain(new_form).firmware.nvram == "/srv/new_VARS.fd"


def test_disk_is_moved_to_a_file() -> None:
    place = DiskPlace(path="/srv/new/web.qcow2", format="qcow2")

    xml = changed(Identity(disks={"vda": place}), RUNNING)

    moved = disk(xml, "vda")
    assert (moved.kind, moved.source, moved.format) == ("file", "/srv/new/web.qcow2", "qcow2")
    assert moved.backing_depth == 0
    assert not moved.is_mirrored
    assert disk(xml, "vdb") == disk(RUNNING, "vdb")


def test_network_disk_becomes_a_block_device_without_its_secrets() -> None:
    place = DiskPlace(path="/dev/vg1/books", format="raw", is_block_device=True)

    xml = changed(Identity(disks={"sdb": place}))

    moved = disk(xml, "sdb")
    assert (moved.kind, moved.source, moved.protocol) == ("block", "/dev/vg1/books", None)
    assert "client.libvirt secret" not in xml


def test_disk_can_read_what_it_lacks_from_an_export() -> None:
    backing = NbdBacking(socket="/run/holdfast/x", export="vda")
    place = DiskPlace(path="/srv/overlay.qcow2", format="qcow2", backing=backing)

    xml = changed(Identity(disks={"vda": place}))

    store = element(xml, "devices/disk/backingStore")
    assert store.get("type") == "network"
    assert element(xml, "devices/disk/backingStore/source").get("name") == "vda"
    assert element(xml, "devices/disk/backingStore/source/host").get("socket") == "/run/holdfast/x"
    assert store.find("backingStore") is not None


def test_machine_can_pause_instead_of_seeing_an_error() -> None:
    xml = changed(Identity(stop_on_error=True))

    for found in ET.fromstring(xml).iterfind("devices/disk"):
        driver = found.find("driver")
        wanted = "stop" if found.get("device") == "disk" else None
        assert (None if driver is None else driver.get("rerror_policy")) == wanted


def test_media_of_another_host_are_taken_out() -> None:
    xml = changed(Identity(without_host_parts=True))

    assert disk(xml, "sdd").source is None
    assert disk(xml, "fda").source is None
    assert disk(xml, "vda").source == "/srv/images/books.qcow2"


def test_network_cards_are_connected_to_other_networks() -> None:
    networks = {
        "default": NetworkPlace(name="test"),
        "br-storage": NetworkPlace(name="br-test", is_bridge=True),
    }

    xml = changed(Identity(networks=networks, macs={"52:54:00:11:22:33": "52:54:00:aa:bb:cc"}))

    nics = read_domain(xml).nics
    assert [(nic.kind, nic.source) for nic in nics] == [
        ("network", "test"),
        ("bridge", "br-test"),
        ("direct", "eno1"),
    ]
    assert [nic.mac for nic in nics][:2] == ["52:54:00:aa:bb:cc", "52:54:00:11:22:34"]
    assert "openvswitch" not in xml
    assert "office" not in xml


def test_network_card_without_a_new_network_is_taken_out() -> None:
    xml = changed(Identity(networks={"default": None}))

    assert [nic.source for nic in read_domain(xml).nics] == ["br-storage", "eno1"]


def test_all_links_can_be_down() -> None:
    xml = changed(Identity(without_links=True))

    assert not any(nic.is_link_up for nic in read_domain(xml).nics)


def test_passed_through_devices_can_stay_behind() -> None:
    xml = changed(Identity(without_host_devices=True))

    assert read_domain(xml).host_devices == ()


def test_disk_that_has_no_place_is_taken_out() -> None:
    targets = [disk.target for disk in read_domain(EVERYTHING).disks]

    spec = read_domain(changed(Identity(disks={targets[0]: None})))

    assert [disk.target for disk in spec.disks] == targets[1:]


def test_machine_can_be_cut_off_from_everything() -> None:
    spec = read_domain(changed(Identity(without_ways_out=True)))

    assert (spec.nics, spec.shared_folders) == ((), ())


def test_what_the_console_says_goes_to_a_file() -> None:
    xml = changed(Identity(console_log="/images/console.log"), WITH_A_SERIAL_LINE)

    log = element(xml, "devices/serial/log")
    assert (log.get("file"), log.get("append")) == ("/images/console.log", "off")
