"""A machine that must not be started names its disks as what is not there, and nothing else."""

from holdfast.hypervisor.barred import FENCED, MARK, is_barred, with_bar, without_bar
from holdfast.hypervisor.domain_xml import read_domain

XML = """<domain type='kvm'><name>web</name><uuid>6f1c9a04-b2d8-4e35-9c41-41d2aa000001</uuid>
<memory>1048576</memory><vcpu>1</vcpu><os><type arch='x86_64'>hvm</type></os><devices>
<disk type='file' device='disk'><driver name='qemu' type='qcow2' cache='none'/>
<source file='/images/a'/><target dev='vda' bus='virtio'/></disk>
<disk type='block' device='disk'><driver name='qemu' type='raw'/><source dev='/dev/vg/b'/>
<target dev='vdb' bus='virtio'/></disk>
<disk type='file' device='cdrom'><target dev='sda' bus='sata'/></disk>
</devices></domain>"""


def sources(xml: str) -> list[str | None]:
    return [disk.source for disk in read_domain(xml).disks]


def test_barred_disks_are_out_of_reach_and_come_back_as_they_were() -> None:
    barred = with_bar(XML, ["vda", "vdb"])

    assert sources(barred) == [f"/images/a{MARK}", f"/dev/vg/b{MARK}", None]
    assert is_barred(barred)
    assert not is_barred(XML)
    assert read_domain(without_bar(barred)) == read_domain(XML)
    assert 'cache="none"' in without_bar(barred)


def test_only_what_is_named_is_barred_and_only_once() -> None:
    once = with_bar(XML, ["vdb"])

    assert sources(once)[0] == "/images/a"
    assert with_bar(once, ["vdb"]) == once


def test_one_bar_is_not_taken_for_the_other() -> None:
    fenced = with_bar(XML, ["vda", "vdb"], mark=FENCED)
    both = with_bar(fenced, ["vda"])

    assert is_barred(fenced, mark=FENCED)
    assert not is_barred(fenced)
    assert is_barred(both)
    assert without_bar(both) == fenced
    assert read_domain(without_bar(fenced, mark=FENCED)) == read_domain(XML)


def test_a_volume_of_a_pool_is_out_of_reach_as_well() -> None:
    volume = XML.replace("type='file' device='disk'", "type='volume' device='disk'", 1)
    volume = volume.replace("file='/images/a'", "pool='p' volume='a'")

    assert sources(with_bar(volume, ["vda"], mark=FENCED))[0] == f"p/a{FENCED}"
