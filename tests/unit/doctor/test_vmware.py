"""Reprotect and failback: the ordered causes of every symptom, what people type, odd input."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.doctor.artefacts import from_text
from holdfast.doctor.facts import Fact
from holdfast.doctor.loading import load
from holdfast.doctor.matching import notes_for, symptoms_for
from holdfast.doctor.readers_registry import READERS
from holdfast.doctor.vmware_facts import Datastore, Hypervisor, Licence, LinuxAddress, Permission

# The order of the source document.
ORDERED = {
    "vmware.95226": [
        "vmware.config-server-unreachable",
        "vmware.application-service-stopped",
    ],
    "vmware.78052": ["vmware.name-taken"],
    "vmware.78093": ["vmware.vm-not-running"],
    "vmware.8061": ["vmware.datastore-inaccessible"],
    "vmware.8038": ["vmware.host-memory-short"],
    "vmware.no-datastore-listed": ["vmware.read-only-account"],
    "vmware.network-manager-missing": ["vmware.network-manager-removed"],
    "vmware.address-changed": ["vmware.dhcp-after-failback"],
    "vmware.free-esxi": ["vmware.free-licence"],
    "vmware.process-server-not-connected": ["vmware.process-server-disconnected"],
    "vmware.2008r2-physical": ["vmware.windows-2008r2-physical"],
    "vmware.no-failback": [
        "vmware.migrated",
        "vmware.moved",
        "vmware.replica-deleted",
        "vmware.protection-disabled",
        "vmware.created-by-hand",
        "vmware.unsupported-target",
    ],
}


@pytest.mark.parametrize(("symptom", "ordered"), ORDERED.items(), ids=str)
def test_causes_stand_in_the_order_of_the_source(symptom: str, ordered: list[str]) -> None:
    causes = load().symptoms[symptom].causes

    assert list(causes[: len(ordered)]) == ordered


@pytest.mark.parametrize(
    ("asked", "symptom"),
    [
        ("95226", "vmware.95226"),
        ("Azure 가상 컴퓨터가 온-프레미스 구성 서버에 연결하지 못했기 때문에", "vmware.95226"),
        ("error code 78052", "vmware.78052"),
        ("가상 머신에 대한 보호를 완료할 수 없습니다.", "vmware.78052"),
        ("78093", "vmware.78093"),
        ("VM이 실행 중이지 않거나, 응답하지 않거나, 액세스할 수 없습니다.", "vmware.78093"),
        ("8061", "vmware.8061"),
        ("데이터 저장소가 ESXi 호스트에서 액세스할 수 없습니다.", "vmware.8061"),
        ("8038", "vmware.8038"),
        ("오류로 인해 온-프레미스 가상 머신을 불러오지 못했습니다.", "vmware.8038"),
        ("The datastores are not listed during reprotect", "vmware.no-datastore-listed"),
        ("NetworkManager was removed after failback", "vmware.network-manager-missing"),
        ("the static IP was lost, it uses DHCP", "vmware.address-changed"),
        ("RestrictedVersion", "vmware.free-esxi"),
        (
            "process server cannot connect to configuration server",
            "vmware.process-server-not-connected",
        ),
        ("the VM can't fail back", "vmware.no-failback"),
        ("장애 복구(failback)를 수행할 수 없습니다", "vmware.no-failback"),
    ],
)
def test_what_people_see_leads_to_its_symptom(asked: str, symptom: str) -> None:
    assert symptom in symptoms_for(load(), asked)


@pytest.mark.parametrize(
    ("asked", "note"),
    [
        ("reprotect", "vmware.phases"),
        ("master target", "vmware.master-target"),
        ("hostd.log", "vmware.logs"),
    ],
)
def test_what_is_no_symptom_is_a_note(asked: str, note: str) -> None:
    assert note in notes_for(load(), asked)


def read(raw: str | bytes) -> list[Fact]:
    load()
    text = raw if isinstance(raw, str) else raw.decode("utf-8", "replace")
    ours = [one for one in READERS if one.probe.startswith("vmware.")]
    artefact = from_text("pasted.txt", raw)
    return [fact for one in ours if one.accepts(text, "pasted.txt") for fact in one.read(artefact)]


STORES = """[root@esx1:~] esxcli storage filesystem list
Mount Point                       Volume Name  UUID                                 Mounted  Type            Size
--------------------------------  -----------  -----------------------------------  -------  ------  ------------
/vmfs/volumes/5b3c1a7e-0a1b2c3d   my store 1   5b3c1a7e-0a1b2c3d-4e5f-001122334455     true  VMFS-6  549487378432
/vmfs/volumes/5b3c1a80-6a1b2c3d                5b3c1a80-6a1b2c3d-4e5f-001122334455    false  vfat      4293591040
"""
ABOUT = """FullName:     VMware ESXi 7.0.3 build-20036589
Name:         VMware ESXi
Vendor:       VMware, Inc.
Version:      7.0.3
"""
LICENCE = """   serial: 00000-00000-00000-00000-00000
   vmodl key: eval
   name: Evaluation Mode
   total: 0
"""
RIGHTS = r"""Role      Entity  Principal               Propagate
ReadOnly  /       VSPHERE.LOCAL\asr-disc  Yes
Admin     /       VSPHERE.LOCAL\admin     Yes
"""
ADDRESSES = """1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536
    inet 127.0.0.1/8 scope host lo
2: ens192: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500
    inet 10.1.5.132/24 brd 10.1.5.255 scope global dynamic ens192
"""


def test_datastores_are_read_with_blanks_in_their_names_and_without_boot_partitions() -> None:
    stores = [one for one in read(STORES) if isinstance(one, Datastore)]

    assert [(one.name, one.accessible) for one in stores] == [("my store 1", True)]


def test_product_licence_rights_and_addresses_are_read_from_one_paste() -> None:
    facts = read(ABOUT + "\n" + LICENCE + "\n" + RIGHTS + "\n" + ADDRESSES)

    assert any(isinstance(one, Hypervisor) and one.version == "7.0.3" for one in facts)
    assert [one.free for one in facts if isinstance(one, Licence)] == [False]
    assert [one.read_only for one in facts if isinstance(one, Permission)] == [True, False]
    assert [one.source for one in facts if isinstance(one, LinuxAddress)] == ["dhcp"]


LISTINGS = (STORES, ABOUT, LICENCE, RIGHTS, ADDRESSES)


@pytest.mark.parametrize("listing", LISTINGS)
def test_line_ends_of_windows_change_nothing(listing: str) -> None:
    plain, windows = read(listing), read(listing.replace("\n", "\r\n"))

    assert [type(one) for one in plain] == [type(one) for one in windows]
    assert plain


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(LISTINGS), st.integers(0, 600), st.sampled_from(["utf-8", "utf-16", "cp949"])
)
def test_no_cut_and_no_encoding_upsets_a_reader(listing: str, cut: int, encoding: str) -> None:
    raw = listing.encode(encoding)[:cut]

    for one in (reader for reader in READERS if reader.probe.startswith("vmware.")):
        list(one.read(from_text("cut", raw)))
