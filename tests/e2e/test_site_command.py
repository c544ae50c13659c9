"""Sites and replications at the command line of a real server, with hosts that tell of them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from holdfast.app.agent_folder import AgentFolder
from holdfast.app.agent_link import AgentLink
from holdfast.app.registration_state import load_registration
from holdfast.base.errors import HoldfastError
from holdfast.fleet.replication_messages import (
    ReplicationReport,
    ReplicationRoles,
    ReplicationsTold,
    ReplicationWanted,
    ReplicaTold,
    SiteTold,
    SourceSite,
)
from holdfast.replication.settings import ReplicationSettings, SiteAddress
from holdfast.replication.status import Health, Reason, ReplicationStatus, State
from holdfast.testing.fleet import FleetServer
from tests.e2e.conftest import Bench
from tests.e2e.office import Office, new_office

pytestmark = pytest.mark.slow
UUID = "6a0a4f26-95a4-4c0b-8f5a-000000000001"


class Host:
    """A registered host that says of its machines what a test wants it to."""

    def __init__(self, bench: Bench) -> None:
        self.id = load_registration(str(bench.home)).machine_id
        self._folder = AgentFolder.of(str(bench.home))
        self._server = load_registration(str(bench.home)).server

    def ask(self, method: str, path: str, body: object, reply: Any) -> Any:
        ca = Path(self._folder.ca).read_text(encoding="ascii")
        link = AgentLink(self._server, ca=ca, shown=self._folder)
        try:
            if reply is None:
                link.tell(method, f"/agent{path}", body)
                return None
            return link.ask(method, f"/agent{path}", body, reply)
        finally:
            link.close()

    def roles(self) -> ReplicationRoles:
        found = self.ask("GET", "/replication", None, ReplicationRoles)
        assert isinstance(found, ReplicationRoles)
        return found


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("sites")
    with FleetServer(folder / "server", workflows=False) as running:
        yield new_office(running, folder)


@pytest.fixture(scope="module")
def hosts(office: Office) -> dict[str, Host]:
    benches = {name: office.machine(name) for name in ("kvm", "far")}
    for bench in benches.values():
        office.register(bench)
    return {name: Host(bench) for name, bench in benches.items()}


def report(hosts: dict[str, Host]) -> ReplicationsTold:
    now = datetime.now(UTC)
    settings = ReplicationSettings(
        vm=UUID, name="db", to=SiteAddress(site="south", machine=hosts["far"].id, host="far")
    )
    missed = Reason(
        code="cycles-missed",
        health=Health.WARNING,
        since=now,
        figures={"missed": "3", "cycles": "9"},
    )
    status = ReplicationStatus(
        vm=UUID,
        name="db",
        site="south",
        state=State.REPLICATING,
        health=Health.WARNING,
        reasons=(missed,),
        updated_at=now,
        latest_at=now,
    )
    told = ReplicationReport(
        vm=UUID,
        site="south",
        settings=msgspec.to_builtins(settings),
        status=msgspec.to_builtins(status),
    )
    return ReplicationsTold(at=now, here=[(UUID, "south")], changed=[told])


def test_a_site_is_added_used_and_removed(office: Office, hosts: dict[str, Host]) -> None:
    run, kvm, far = office.admin.run, hosts["kvm"], hosts["far"]
    how = ("--machine", office.of("far"), "--folder", "/srv/replicas", "--address", "10.0.0.9")

    made = run("site", "add", "south", *how, "--json").event("server-record")["record"]
    found = kvm.ask(
        "POST",
        "/replications/wanted",
        ReplicationWanted(vm=UUID, name="db", site="south"),
        SourceSite,
    )
    role = far.roles().site
    kvm.ask("PUT", "/replications", report(hosts), None)
    replica = ReplicaTold(vm=UUID, name="db", source=kvm.id, points=2, bytes=4096)
    far.ask("PUT", "/site", SiteTold(site="south", replicas=[replica], bytes_free=1), None)

    assert (made["host"], made["port"]) == ("10.0.0.9", 9443)
    assert (found.machine, found.host) == (far.id, "10.0.0.9")
    assert role is not None
    assert [(one.vm, one.machine) for one in role.grants] == [(UUID, kvm.id)]
    assert "south" in run("site", "list").out
    assert "db" in run("site", "show", "south").out
    listed = run("replication", "list", "--machine", office.of("kvm"), "--health", "warning")
    assert "cycles-missed" in listed.out
    assert run("replication", "list", "--health", "critical", "--json").events == []
    assert "db" in run("replication", "status", "--all", status=3).out
    assert "3 of its last 9" in run("replication", "status", "db", "--all", status=3).out
    assert "site-in-use" in run("site", "remove", "south", status=1).err

    order = ("jobs", "run", kvm.id, "replication-disable", "--vm", "db")
    assert "pin-needed" in run(*order, status=30).err
    ordered = run(*order, "--pin", office.admin.pin(), "--json")
    assert ordered.event("job")["state"] == "waiting"
    job = str(ordered.event("job")["id"])
    run("jobs", "cancel", job)
    assert "pin-needed" in run("jobs", "retry", job, status=30).err
    again = run("jobs", "retry", job, "--pin", office.admin.pin(), "--json")
    run("jobs", "cancel", str(again.event("job")["id"]))
    assert "pin-needed" in run("replication", "end", "db", status=30).err
    run("replication", "end", "db", "--pin", office.admin.pin())
    source = kvm.roles().source
    assert source is not None
    assert [(one.vm, one.keep_replica) for one in source.ended] == [(UUID, False)]
    far.ask("PUT", "/site", SiteTold(site="south", replicas=[]), None)
    run("site", "remove", "south")

    assert run("site", "list", "--json").events == []
    with pytest.raises(HoldfastError) as refused:
        kvm.ask(
            "POST",
            "/replications/wanted",
            ReplicationWanted(vm=UUID, name="db", site="south"),
            SourceSite,
        )
    assert refused.value.code in ("not-there", "server-said")


def test_a_replication_is_ordered(office: Office, hosts: dict[str, Host]) -> None:
    run = office.admin.run
    how = ("--machine", office.of("far"), "--folder", "/srv/replicas")
    run("site", "add", "north", *how)
    words = ("replicate", "--vm", "web", "--to", "north", "--every", "30s", "--limit", "20mbit")

    run("jobs", "run", hosts["kvm"].id, *words)

    said = run("jobs", "--kind", "replicate", "--json")
    assert "replication:web" in said.out
    run("jobs", "run", hosts["kvm"].id, "replicate", "--vm", "x", "--to", "nowhere", status=1)
