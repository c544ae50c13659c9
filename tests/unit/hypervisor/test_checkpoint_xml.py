from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from holdfast.hypervisor.checkpoint_xml import (
    checkpoint_xml,
    for_redefinition,
    is_ours,
    new_name,
    read_checkpoint,
)
from holdfast.hypervisor.errors import VmDescriptionBroken

SMALL = (Path(__file__).parent / "domains" / "small.xml").read_text()
STORED = """<domaincheckpoint>
  <name>holdfast-0123456789abcdef</name>
  <parent><name>holdfast-fedcba9876543210</name></parent>
  <creationTime>1795253737</creationTime>
  <disks>
    <disk name='vda' checkpoint='bitmap' bitmap='holdfast-0123456789abcdef' size='65536'/>
    <disk name='vdb' checkpoint='bitmap' bitmap='holdfast-0123456789abcdef'/>
    <disk name='sda' checkpoint='no'/>
  </disks>
  <domain type='kvm'><name>an older one</name></domain>
</domaincheckpoint>"""


def test_names_are_never_used_twice() -> None:
    names = {new_name() for _ in range(1000)}

    assert len(names) == 1000
    assert all(map(is_ours, names))


@pytest.mark.parametrize(
    "name", ["virtnbdbackup.0", "holdfast-1", "holdfast-0123456789ABCDEF", "holdfast-" + "0" * 17]
)
def test_names_of_others_are_not_taken_for_ours(name: str) -> None:
    assert not is_ours(name)


def test_other_disks_are_left_out_by_name() -> None:
    root = ET.fromstring(checkpoint_xml("a<b", disks=("vda",), others=("vdb", "sda")))

    assert root.findtext("name") == "a<b"
    assert [(disk.get("name"), disk.get("checkpoint")) for disk in root.iter("disk")] == [
        ("vda", "bitmap"),
        ("vdb", "no"),
        ("sda", "no"),
    ]


def test_checkpoint_is_read() -> None:
    checkpoint = read_checkpoint(STORED)

    assert checkpoint.name == "holdfast-0123456789abcdef"
    assert checkpoint.created == 1795253737
    assert checkpoint.disks == ("vda", "vdb")
    assert checkpoint.sizes == {"vda": 65536}


def test_checkpoint_with_an_impossible_size_is_refused() -> None:
    with pytest.raises(VmDescriptionBroken):
        read_checkpoint(STORED.replace("'65536'", "'lots'"))


def test_redefinition_embeds_the_machine_of_now_and_needs_no_parent() -> None:
    root = ET.fromstring(for_redefinition(STORED, domain=SMALL))

    assert [domain.findtext("name") for domain in root.iterfind("domain")] == ["small"]
    assert root.find("parent") is None
    assert all(disk.get("size") is None for disk in root.iter("disk"))
    assert root.findtext("creationTime") == "1795253737"
