"""Failover by orders of a server, and without it: what it shows, what its kit makes possible."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from holdfast.app.control import server_work
from holdfast.app.control.plan_driving import drive_slice
from holdfast.app.control.plane import Plane
from holdfast.app.control.webhook_calls import WebhookCalls
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import list_domains
from holdfast.testing.console import plane_beside
from holdfast.testing.hosts import KvmHost
from holdfast.testing.still_machine import StillMachine
from holdfast.testing.waiting import wait_until
from tests.e2e.conftest import Bench
from tests.e2e.two_hosts import Ground, followed_machine, ground_on
from tests.unit.app.webhooks import Hook, listening_hook

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.timeout(900),
]
# With warnings, when a guest had to be switched off.
_WELL = ("done", "warnings")
_PASSPHRASE = "the kit's own passphrase, long enough"


@pytest.fixture(scope="module")
def ground(
    tmp_path_factory: pytest.TempPathFactory, kvm_hosts: tuple[KvmHost, KvmHost]
) -> Iterator[Ground]:
    with ground_on(kvm_hosts, tmp_path_factory.mktemp("recovery")) as found:
        yield found


@pytest.fixture
def machine(ground: Ground, kvm_hosts: tuple[KvmHost, KvmHost]) -> Iterator[StillMachine]:
    with followed_machine(ground, kvm_hosts) as machine:
        yield machine


@pytest.fixture
def address() -> Iterator[str]:
    with listening_hook() as found:
        yield found


def _runs(host: KvmHost, machine: StillMachine) -> bool:
    with Host.open(host.uri) as hypervisor:
        return any(
            domain.uuid == machine.uuid and domain.is_active()
            for domain in list_domains(hypervisor)
        )


def test_machine_fails_over_by_orders_and_when_the_server_is_gone(
    ground: Ground, machine: StillMachine, kvm_hosts: tuple[KvmHost, KvmHost], tmp_path: Path
) -> None:
    north, south = kvm_hosts
    server = Bench(ground.server.home, {**ground.south.environment})
    server.environment["HOLDFAST_HOME"] = str(ground.server.home)
    passphrase = tmp_path / "kit.passphrase"
    passphrase.write_text(_PASSPHRASE)
    passphrase.chmod(0o600)
    kit, sealed = tmp_path / "kit", ("--sealed-with", passphrase)

    planned = ground.order(machine.name, "planned", force=True, shutdown_within="2s")
    assert planned["job"]["state"] in _WELL, planned
    wait_until(lambda: ground.recovery(machine.name)["stage"] == "failed-over")
    there = ground.recovery(machine.name)
    ran_there = _runs(south, machine) and not _runs(north, machine)
    undone = ground.order(machine.name, "undo", discard_changes=True)
    assert undone["job"]["state"] in _WELL, undone
    wait_until(lambda: ground.recovery(machine.name)["stage"] == "protected", within=90)
    wait_until(lambda: _runs(north, machine))
    sources = ground.sources(machine.name)

    server.run("recovery-kit", "export", kit, *sealed, "--contact", "Ada, room 4")
    ground.server.kill()
    shutil.rmtree(ground.server.state)
    shown = server.run("recovery-kit", "show", kit, *sealed, "--to", tmp_path / "open", "--json")
    told = shown.event("recovery-kit-shown")["kit"]
    carried = next(one for one in told["machines"] if one["vm"] == machine.uuid)
    north.run("virsh", "destroy", machine.name)
    for step in carried["steps"]:
        if not step.get("is_optional"):
            assert carried["site_host"] == step["host"]
            said = ground.south.run(*step["words"][1:], status=None)
            assert said.status in (0, 3), said
    lives = _runs(south, machine)
    server.run("server", "import", tmp_path / "open" / "server.state", *sealed)
    ground.server.start()
    wait_until(lambda: ground.recovery(machine.name)["stage"] == "committed", within=120)
    after = ground.recovery(machine.name)

    assert (there["runs_on"], there["is_split"]) == ("south", False)
    assert ran_there
    assert sources == ["north"], "it has not moved"
    assert told["contacts"] == ["Ada, room 4"]
    assert lives
    assert (after["runs_on"], ground.sources(machine.name)) == ("south", ["north"])


def test_what_people_need_before_they_act_comes_from_the_hosts(
    ground: Ground, machine: StillMachine
) -> None:
    name = machine.name

    def looked(act: str) -> dict[str, Any]:
        with ground.server.client() as client:
            told = {"arguments": {"act": act}}
            made = client.post(f"/api/v1/recovery/{name}/check", json=told).raise_for_status()
        job = str(made.json()["id"])
        ground.over(job)
        return ground.get(f"/recovery-checks/{job}")

    # Its source says how it is every few seconds; the first time may be to come.
    wait_until(lambda: looked("planned")["is_clear"], within=120)
    commit = looked("commit")
    acts = {one["act"] for one in ground.get(f"/recovery/{name}/acts")["choices"]}
    ground.south.run("drill", "schedule", name, "sun 03:00", "--check", "runs")
    drilled = ground.order(name, "drill")
    assert drilled["job"]["state"] in _WELL, drilled

    def brought() -> list[dict[str, Any]]:
        runs = ground.get(f"/drill-runs?vm={name}")["items"]
        return [one for one in runs if one["verdict"] == "passed"]

    wait_until(brought, within=120)
    (run,) = brought()
    # A site tells once a minute what lies there.
    wait_until(lambda: _listed(ground, f"/recovery/{name}/points"), within=150)
    (newest, *_older) = _listed(ground, f"/recovery/{name}/points")
    with ground.server.client() as client:
        report = client.get(f"/api/v1/drill-runs/{run['id']}/report").raise_for_status().text
    proven = {one["name"]: one["verdict"] for one in _listed(ground, "/drills")}

    assert [one["code"] for one in commit["problems"]] == ["recovery-not-failed-over"]
    assert (newest["site"], newest["machine"], newest["is_newest"]) == ("south", "south", True)
    assert acts == {"test", "planned", "unplanned"}
    assert f"Drill of {name}" in report
    assert proven[name] == "passed"


def test_drills_and_settings_are_set_from_afar(ground: Ground, machine: StillMachine) -> None:
    name, admin = machine.name, ground.office.admin

    def schedule(*words: str) -> dict[str, Any]:
        said = admin.run("failover", "order", name, "drill-schedule", *words, "--json")
        return ground.over(str(said.event("job")["id"]))

    def change(*words: str) -> dict[str, Any]:
        said = admin.run("replication", "change", name, *words, "--json")
        return ground.over(str(said.event("job")["id"]))

    def drill() -> dict[str, Any]:
        return next(one for one in _listed(ground, "/drills") if one["name"] == name)

    def settings() -> dict[str, Any]:
        (one,) = [one for one in ground.get("/replications")["items"] if one["name"] == name]
        return dict(ground.get(f"/replications/{one['id']}")["settings"])

    def is_drilled(**wanted: Any) -> bool:
        return {key: drill()[key] for key in wanted} == wanted

    made = schedule("--schedule", "sun 03:00", "--check", "runs", "--rto", "15m")
    assert made["job"]["state"] == "done", made
    first = {"schedule": "sun 03:00", "checks": ["runs"], "rto_objective": 900.0}
    wait_until(lambda: is_drilled(**first), within=120)
    assert drill()["due_at"] is not None
    schedule("--schedule", "daily 04:00", "--rto", "0")
    later = {"schedule": "daily 04:00", "checks": ["runs"], "rto_objective": None}
    wait_until(lambda: is_drilled(**later), within=120)
    schedule("--schedule", "daily 04:00", "--usual-checks", "--no-network")
    wait_until(lambda: is_drilled(checks=[]), within=120)
    refused = schedule("--schedule", "daily 04:00", "--zone", "Mars/Olympus")
    schedule("--never")
    wait_until(lambda: is_drilled(schedule="", due_at=None), within=120)

    changed = change("--every", "5m", "--limit", "800mbit", "--threshold", "rpo-warn=20m")
    assert changed["job"]["state"] == "done", changed
    wait_until(lambda: settings().get("thresholds") == {"rpo_warn": 1200}, within=120)
    set_there = settings()
    change("--no-limit")
    wait_until(lambda: not settings().get("limits"), within=120)
    against = change("--resync-window", "whenever")

    assert refused["error"]["code"] == "zone-unknown"
    # 300 s is what there is without anything, so that it is not written down.
    assert (set_there.get("every", 300), len(set_there["limits"])) == (300, 1)
    assert against["job"]["state"] == "failed"
    assert settings().get("resync_window", "") == ""


def _listed(ground: Ground, path: str) -> list[dict[str, Any]]:
    with ground.server.client() as client:
        return list(client.get(f"/api/v1{path}").raise_for_status().json())


PLAN = """\
name: carried
groups:
  - name: one
    pre:
      - host-script: before
        host: north
      - webhook: {hook}
    machines:
      - vm: {vm}
        test: {{checks: [runs]}}
        post:
          - host-script: after
"""
_BEFORE = '#!/bin/sh\necho "$HOLDFAST_PLAN_TYPE $HOLDFAST_PLAN_STEP" >{said}; echo fine\n'


def _script(bench: Bench, name: str) -> Path:
    """Put there by the host's own administrator; what it is told comes back."""
    said = bench.root / f"said-by-{name}"
    path = bench.home / "plan-scripts" / name
    path.parent.mkdir(mode=0o755)
    path.write_text(_BEFORE.format(said=said))
    path.chmod(0o755)
    return said


def test_a_plan_of_the_server_does_what_is_around_its_machines(
    ground: Ground, machine: StillMachine, tmp_path: Path, address: str
) -> None:
    file = tmp_path / "carried.yaml"
    file.write_text(PLAN.format(vm=machine.name, hook=f"{address}/good"))
    admin, vault = ground.office.admin, ground.office.name
    lacking = admin.run("plan", "server", "check", vault, file, status=3)
    before, after = _script(ground.north, "before"), _script(ground.south, "after")

    ground.await_needs(file)
    admin.run("plan", "server", "check", vault, file)
    admin.run("plan", "server", "put", vault, file)
    begun = admin.run("plan", "server", "run", "carried", "--test", "--json")
    run = str(begun.event("job")["id"])
    with plane_beside(ground.server) as plane:
        # As the workflow does, with a webhook on the server itself.
        own = replace(plane, webhooks=WebhookCalls("", [ip_network("127.0.0.0/8")]))
        server_work.begin(own, run)
        wait_until(lambda: _is_driven(own, run), within=240)
    shown = ground.get(f"/recovery-plan-runs/{run}")

    assert "has no script before" in lacking.out
    assert shown["run"]["outcome"] == "succeeded", shown
    said = {one["id"]: one["said"] for one in shown["steps"]}
    assert (said["one/pre-1"], said["one/pre-2"]) == ("fine", "heard")
    assert before.read_text() == "test one/pre-1\n"
    assert after.read_text() == f"test one/{machine.name}/post-1\n"
    ((headers, told),) = Hook.heard
    assert headers["Idempotency-Key"] == f"{run}/one/pre-2"
    assert list(told["machines"]) == [machine.name]


def _is_driven(plane: Plane, run: str) -> bool:
    done = drive_slice(plane, run)
    server_work.note_progress(plane, run, {"run": done["run"]})
    return bool(done["is_over"])


def test_machine_comes_home_by_orders(
    ground: Ground, machine: StillMachine, kvm_hosts: tuple[KvmHost, KvmHost]
) -> None:
    north, south = kvm_hosts
    hurried = {"force": True, "shutdown_within": "2s"}
    went = ground.order(machine.name, "planned", **hurried)
    wait_until(lambda: ground.recovery(machine.name)["stage"] == "failed-over")

    said = ground.office.admin.run("failover", "order", machine.name, "reprotect", "--json")
    followed = ground.over(str(said.event("job")["id"]))
    assert followed["job"]["state"] in _WELL, followed
    listed = ground.office.admin.run("failover", "status", "--all", "--json").events
    wait_until(lambda: ground.recovery(machine.name)["replicated_to"] == ["north"])
    reversed_ = ground.recovery(machine.name)
    came = ground.order(machine.name, "failback", **hurried)
    assert came["job"]["state"] in _WELL, came

    wait_until(lambda: _runs(north, machine) and not _runs(south, machine))
    wait_until(lambda: ground.recovery(machine.name)["runs_on"] == "north")
    assert went["job"]["machine"] == "south"
    assert machine.uuid in {event["record"]["vm"] for event in listed}
    assert (reversed_["stage"], reversed_["runs_on"]) == ("protected-in-reverse", "south")
    assert came["job"]["machine"] == "north"
