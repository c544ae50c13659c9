"""Virtual machines of all hosts in one list."""

from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.app.control.errors import NotAllowed, NotThere
from holdfast.app.control.vms import list_all_vms, show_vm, take_vms
from holdfast.fleet.messages import VmsTold, VmTold
from holdfast.fleet.paging import Window
from holdfast.fleet.roles import Role
from holdfast.testing.planes import (
    Registered,
    add_admin,
    add_machine,
    add_person,
    add_vault,
    make_plane,
)


class Hosts:
    def __init__(self, folder: Path) -> None:
        self.plane = make_plane(folder)
        self.vault, self.other_vault = add_vault(self.plane), add_vault(self.plane, "other")
        self.alpha = self._host(self.vault, "alpha", "web", "db")
        self.beta = self._host(self.other_vault, "beta", "web")
        self.admin = add_admin(self.plane).actor

    def _host(self, vault: str, name: str, *vms: str) -> Registered:
        host = add_machine(self.plane, vault, name)
        told = [
            VmTold(
                uuid=f"{vm}-{name}", name=vm, state="running", protectable="whole", consistency=None
            )
            for vm in vms
        ]
        take_vms(self.plane, host.actor, VmsTold(vms=told))
        return host


@pytest.fixture
def hosts(tmp_path: Path) -> Hosts:
    return Hosts(tmp_path)


def test_all_are_listed_by_name_a_page_at_a_time(hosts: Hosts) -> None:
    found, window = list[tuple[str, str]](), Window(limit=2)
    while not found or window.after:
        page = list_all_vms(hosts.plane, hosts.admin, window)
        found += [(one.vm.name, one.machine) for one in page.items]
        window = replace(window, after=page.next)

    assert found == [("db", "alpha"), ("web", "alpha"), ("web", "beta")]


def test_a_vault_narrows_the_list(hosts: Hosts) -> None:
    page = list_all_vms(hosts.plane, hosts.admin, Window(), vault="other")

    assert [(one.machine, one.vault_id) for one in page.items] == [("beta", hosts.other_vault)]


def test_only_hosts_one_may_look_at_are_in_it(hosts: Hosts) -> None:
    who = add_person(hosts.plane, role=Role.READER, vault_id=hosts.other_vault).actor

    page = list_all_vms(hosts.plane, who, Window())

    assert [one.machine for one in page.items] == ["beta"]
    with pytest.raises(NotAllowed):
        list_all_vms(hosts.plane, who, Window(), vault=hosts.vault)
    with pytest.raises(NotAllowed):
        show_vm(hosts.plane, who, hosts.alpha.id, "web-alpha")


def test_one_is_shown_with_its_host(hosts: Hosts) -> None:
    shown = show_vm(hosts.plane, hosts.admin, hosts.alpha.id, "web-alpha")

    assert (shown.vm.name, shown.machine, shown.machine_state) == ("web", "alpha", "active")
    with pytest.raises(NotThere):
        show_vm(hosts.plane, hosts.admin, hosts.alpha.id, "web-beta")
