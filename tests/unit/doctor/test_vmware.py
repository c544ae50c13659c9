"""Reprotect and failback: listings and odd input."""

from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.doctor.vmware_facts import Datastore, Hypervisor, Licence, LinuxAddress, Permission
from tests.unit.doctor.listings import force, read_as

read = partial(read_as, "vmware")
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

    force("vmware", raw)
