"""What agents and their server make of replications: roles, reports, ends, and moves to another host."""

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from holdfast.agent.link import Identity, Link
from holdfast.agent.replicating import Replicating
from holdfast.agent.running import Program
from holdfast.app.agent_folder import AgentFolder
from holdfast.app.registration_state import load_registration
from holdfast.app.replication_roles import load_roles
from holdfast.base.clock import SystemClock
from holdfast.fleet.messages import VmsTold, VmTold
from holdfast.fleet.replication_messages import ReplicationWanted, SiteRole, SourceRole
from holdfast.machines.state_files import replace_file
from holdfast.replication.settings import ReplicationSettings, SiteAddress
from holdfast.replication.source_folder import STATUS, SourceFolder
from holdfast.replication.status import ReplicationStatus, State
from holdfast.testing.fleet import FleetServer
from tests.e2e.conftest import SCRIPT, Bench
from tests.e2e.office import Office, new_office

pytestmark = pytest.mark.slow


class Host:
    """A registered host whose agent's thread of replication is run step by step."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.home = bench, str(bench.home)
        registration, folder = load_registration(self.home), AgentFolder.of(self.home)
        self.id = registration.machine_id
        identity = Identity(
            server=registration.server,
            ca=folder.ca,
            certificate=folder.certificate,
            key=folder.key,
        )
        self.link = Link(identity)
        self.warned: list[str] = []
        self.looks = 0
        self._replicating = Replicating(
            self.home,
            self.link,
            Program(words=[], plain=[str(SCRIPT)], environment=bench.environment),
            clock=SystemClock(),
            warn=self.warned.append,
            look_again=self._look,
        )

    def step(self) -> None:
        """As after a heartbeat that brought other roles."""
        self._replicating.heard("another")
        self._replicating.step()
        assert self.warned == []

    @property
    def as_site(self) -> SiteRole:
        """What it is to do as a site, as it has heard last."""
        roles = load_roles(self.home)
        assert roles is not None
        assert roles.site is not None
        return roles.site

    @property
    def as_source(self) -> SourceRole:
        roles = load_roles(self.home)
        return (roles.source if roles else None) or SourceRole(sites=[])

    def folder(self, vm: str) -> SourceFolder:
        return SourceFolder(self.home, vm)

    def has(self, *vms: str) -> None:
        """The machines of this host are told to be these."""
        told = [
            VmTold(uuid=vm, name=vm, state="running", protectable="whole", consistency="crash")
            for vm in vms
        ]
        self.link.tell("PUT", "/vms", body=VmsTold(vms=told))

    def replicates(self, vm: str, site: "Host") -> None:
        """Allowed by the server, and set up, with a status as the loop writes it."""
        wanted = ReplicationWanted(vm=vm, name=vm, site="south")
        self.link.tell("POST", "/replications/wanted", body=wanted)
        # Nobody listens there.
        to = SiteAddress(site="south", machine=site.id, host="127.0.0.1", port=9)
        self.folder(vm).make()
        self.folder(vm).keep_settings(ReplicationSettings(vm=vm, name=vm, to=to))
        self.tells(vm)

    def tells(self, vm: str) -> None:
        now = datetime.now(UTC)
        status = ReplicationStatus(
            vm=vm, name=vm, site="south", state=State.REPLICATING, updated_at=now, latest_at=now
        )
        replace_file(self.folder(vm).path / STATUS, msgspec.json.encode(status))

    def _look(self) -> None:
        self.looks += 1


class Ground:
    def __init__(self, office: Office) -> None:
        self.office = office
        benches = [office.machine(name) for name in ("kvm", "other", "far")]
        for bench in benches:
            office.register(bench)
        self.kvm, self.other, self.far = map(Host, benches)
        how = ("--machine", office.of("far"), "--folder", str(office.root / "replicas"))
        office.admin.run("site", "add", "south", *how)

    def listed(self, vm: str) -> list[dict[str, Any]]:
        said = self.office.admin.run("replication", "list", "--json")
        return [event["record"] for event in said.events if event["record"]["name"] == vm]

    def grants(self) -> set[tuple[str, str]]:
        self.far.step()
        return {(one.vm, one.machine) for one in self.far.as_site.grants}


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    folder = tmp_path_factory.mktemp("hosts")
    with FleetServer(folder / "server", workflows=False) as running:
        yield Ground(new_office(running, folder))


@pytest.fixture
def vm() -> Callable[[str], str]:
    """A UUID of its own, by which no other test knows a machine."""
    return lambda letter: f"{letter * 8}-95a4-4c0b-8f5a-{os.urandom(6).hex()}"


def test_both_sides_learn_what_they_are_to_each_other(
    ground: Ground, vm: Callable[[str], str]
) -> None:
    one = vm("a")
    ground.kvm.replicates(one, ground.far)

    ground.kvm.step()

    (seen,) = ground.listed(one)
    assert (one, ground.kvm.id) in ground.grants()
    assert (seen["machine"], seen["state"], seen["every"]) == ("kvm", "replicating", 300)
    assert [site.site for site in ground.kvm.as_source.sites] == ["south"]


def test_what_was_ended_at_the_host_is_over_at_the_server(
    ground: Ground, vm: Callable[[str], str]
) -> None:
    one = vm("b")
    ground.kvm.replicates(one, ground.far)
    ground.kvm.step()

    ground.kvm.bench.run("replication", "disable", one, "--keep-replica")
    ground.kvm.step()

    assert ground.listed(one) == []
    assert one not in {granted for granted, _machine in ground.grants()}


def test_a_site_that_was_away_is_told_what_to_remove(
    ground: Ground, vm: Callable[[str], str]
) -> None:
    one = vm("c")
    ground.kvm.replicates(one, ground.far)
    ground.kvm.step()

    ground.kvm.bench.run("replication", "disable", one, status=None)
    ground.kvm.step()

    ground.far.step()
    assert one in ground.far.as_site.removals


def test_what_was_ended_at_the_server_is_cleaned_up_at_the_host(
    ground: Ground, vm: Callable[[str], str]
) -> None:
    one = vm("d")
    ground.kvm.replicates(one, ground.far)
    ground.kvm.step()

    ground.office.admin.run("replication", "end", one, "--keep-replica")
    ground.kvm.step()
    ground.kvm.step()

    assert ground.kvm.folder(one).settings() is None
    assert ground.kvm.as_source.ended == []
    assert ground.listed(one) == []


def test_what_a_host_has_lost_is_known_after_its_agent_began_anew(
    ground: Ground, vm: Callable[[str], str]
) -> None:
    one = vm("f")
    ground.kvm.replicates(one, ground.far)
    ground.kvm.step()

    shutil.rmtree(ground.kvm.folder(one).path)
    Host(ground.kvm.bench).step()

    (seen,) = ground.listed(one)
    assert (seen["state"], seen["health"]) == ("off", "critical")
    assert [reason["code"] for reason in seen["reasons"]] == ["not-at-host"]


def test_a_machine_that_moved_is_replicated_from_its_new_host(
    ground: Ground, vm: Callable[[str], str]
) -> None:
    one = vm("e")
    ground.kvm.has(one)
    ground.other.has("another")
    ground.kvm.replicates(one, ground.far)
    ground.kvm.step()

    ground.kvm.has()
    ground.other.step()
    looks = ground.other.looks
    ground.other.has("another", one)
    ground.other.step()
    ground.kvm.step()
    ground.other.tells(one)
    ground.other.step()
    ground.kvm.step()

    (seen,) = ground.listed(one)
    settings = ground.other.folder(one).settings()
    assert looks > 0, "it was asked to look for it"
    assert settings is not None
    assert settings.to.site == "south"
    assert ground.kvm.folder(one).settings() is None
    assert (seen["machine"], seen["state"]) == ("other", "replicating")
    assert (one, ground.other.id) in ground.grants()
    assert (one, ground.kvm.id) not in ground.grants()


def test_what_a_site_holds_is_known(ground: Ground) -> None:
    folder = Path(ground.office.root / "replicas")
    before = ground.office.admin.run("site", "show", "south", "--json").events[0]["record"]
    folder.mkdir(exist_ok=True)

    fresh = Host(ground.far.bench)
    fresh.step()

    after = ground.office.admin.run("site", "show", "south", "--json").events[0]["record"]
    assert before["trouble"] in ("", "site-unusable")
    assert (after["trouble"], after["replicas"]) == ("", 0)
    assert after["bytes_free"] > 0
