"""Plans of three machines in two groups, run at the second of two hosts by commands as typed."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from holdfast.app.plan_packing import packed
from holdfast.app.plan_words import as_json
from holdfast.base.clock import SystemClock
from holdfast.base.units import MIB
from holdfast.hypervisor.connection import Host
from holdfast.recovery.plans.context import context_of
from holdfast.recovery.plans.plan import Kind, OnFailure
from holdfast.recovery.plans.progress import Progress
from holdfast.recovery.plans.reading import read_plan
from holdfast.recovery.plans.steps import Doing, Step
from holdfast.recovery.record import Stage
from holdfast.recovery.record_folder import RecordFolder
from holdfast.testing.guests import Guest
from holdfast.testing.hosts import KvmHost
from holdfast.testing.replicated import Said, Working
from holdfast.testing.still_machine import StillMachine
from holdfast.testing.two_sites import Station, TwoSites, two_sites
from holdfast.testing.waiting import wait_until
from tests import machines_bench

pytestmark = machines_bench.MARKS
WITHIN = 180.0
ENABLED = ("--to", "south", "--every", "30s", "--app-every", "never")
PLAN = """\
version: 1
name: shop
description: A shop with its databases
rto: 30m
at-once: 2
test: {{checks: [runs]}}
groups:
  - name: databases
    rto: 20m
    pre:
      - name: before
        script: echo before >>{journal}
    machines:
      - vm: db1
        post:
          - name: of db1
            script: cat $HOLDFAST_PLAN_CONTEXT >{context}; echo db1 >>{journal}
      - vm: db2
        needs: [db1]
        pre:
          - name: of db2
            script: echo db2 >>{journal}
  - name: front
    machines:
      - vm: web
        test: {{checks: [agent]}}
        post:
          - name: inside
            guest-script: 'cat >/tmp/context; uname -n >/tmp/inside; echo inside'
            only: [test]
    post:
      - name: after
        script: echo after >>{journal}
"""
SMALL = """\
name: small
groups:
  - name: one
    machines:
      - vm: db1
        pre:
          - script: sleep 2; echo before >>{journal}
        post:
          - script: echo db1 >>{journal}
  - name: two
    machines: [db2]
    post:
      - script: echo after >>{journal}
"""
SMALL_ALL = ["before", "db1", "after"]
GONE = ("--unplanned", "--source-is-down")
ALL = ["before", "db1", "db2", "after"]


@dataclass(slots=True)
class Shop:
    sites: TwoSites
    machines: dict[str, StillMachine | Guest]

    @property
    def south(self) -> Station:
        return self.sites.south

    @property
    def journal(self) -> Path:
        return self.south.side.folder / "journal"

    @property
    def context(self) -> Path:
        return self.south.side.folder / "context.json"

    def apply(self, text: str) -> None:
        file = self.south.side.folder / "shop.yaml"
        file.write_text(text.format(journal=self.journal, context=self.context))
        self.south.run("plan", "apply", file)
        self.journal.unlink(missing_ok=True)

    def run(self, *words: str, status: int | None = 0) -> Said:
        return self.south.run("plan", *words, "--json", status=status)

    def told(self) -> list[str]:
        return self.journal.read_text().split() if self.journal.exists() else []

    def running_there(self) -> set[str]:
        with self.south.host.connected() as connection:
            return {each.name() for each in connection.listAllDomains() if each.isActive()}

    def stage(self, name: str) -> Stage:
        record = RecordFolder(str(self.south.home), self.machines[name].uuid).load()
        return record.stage if record else Stage.PROTECTED

    def epochs(self) -> dict[str, int]:
        folders = {
            name: RecordFolder(str(self.south.home), one.uuid)
            for name, one in self.machines.items()
        }
        return {
            name: (record.epoch if (record := one.load()) else 0) for name, one in folders.items()
        }

    def lose_the_source(self) -> None:
        """Also where an earlier test has left a machine off."""
        self.sites.north.kill()
        with self.sites.north.host.connected() as connection:
            on = {each.name() for each in connection.listAllDomains() if each.isActive()}
        for machine in self.machines.values():
            if machine.name not in on:
                continue
            if isinstance(machine, StillMachine):
                machine.cut_power()
            else:
                machine.pull_the_plug()

    def restore(self) -> None:
        """They are at home and followed."""
        for name in self.machines:
            if self.stage(name) is not Stage.PROTECTED:
                self.south.run("failover", "undo", name, "--discard-changes", status=None)
        self.sites.work()
        for name in self.machines:
            wait_until(partial(self.is_protected, name), within=WITHIN)

    def is_protected(self, name: str) -> bool:
        return self.stage(name) is Stage.PROTECTED


@pytest.fixture(scope="module")
def shop(kvm_hosts: tuple[KvmHost, KvmHost]) -> Iterator[Shop]:
    north, _south = kvm_hosts
    with two_sites(*kvm_hosts) as sites, Host.open(north.uri) as hypervisor:
        databases = [StillMachine(north, hypervisor, n, {"vda": 2 * MIB}) for n in ("db1", "db2")]
        machines: list[StillMachine | Guest] = [*databases, Guest(north, "web")]
        try:
            sites.work()
            for machine in machines:
                machine.start()
            with ThreadPoolExecutor() as pool:
                names = [machine.name for machine in machines]
                enable = partial(sites.north.run, "replication", "enable")
                list(pool.map(lambda name: enable(name, *ENABLED), names))
            yield Shop(sites, {machine.name: machine for machine in machines})
        finally:
            for machine in machines:
                machine.remove()


def test_plan_run_as_a_test_starts_all_in_order_and_leaves_nothing(shop: Shop) -> None:
    shop.apply(PLAN)
    before = shop.running_there()

    said = shop.run("run", "shop", "--test")

    run = said.events[-1]
    assert (run["outcome"], run["failed"]) == ("succeeded", [])
    assert shop.told() == ALL
    assert shop.running_there() == before
    measured = {one["name"]: one for one in run["measured"]["groups"] + run["measured"]["machines"]}
    assert all(one["own"] > 0 for one in measured.values())
    assert measured["databases"]["is_met"] is True
    report = json.loads(Path(run["report_json"]).read_bytes())
    found = report["run"]["steps"]["front/web/start"]["found"]
    assert (found["name"], found["checks"][0]["is_good"]) == ("web-test-1", True)
    assert report["run"]["steps"]["front/web/post-1"]["said"] == "inside"
    assert "web-test-1" in Path(run["report_html"]).read_text()
    _check_context(json.loads(shop.context.read_bytes()), run["run"])


def test_a_machine_by_its_name_and_by_its_uuid_is_one_machine(shop: Shop) -> None:
    uuid = shop.machines["db1"].uuid
    shop.apply(f"name: two\ngroups: [{{{{name: g, machines: [db1, db2, {uuid}]}}}}]\n")

    seen = _machines(shop.run("run", "two", "--test", "--dry-run", status=3))
    refused = shop.run("run", "two", "--test", status=2).event("error")

    assert [one["error"] for one in seen] == [None, None, "plan-machine-twice"]
    assert refused["code"] == "plan-machine-twice"
    assert f"{uuid} and db1" in refused["message"]


def test_an_agent_reaches_into_a_guest_once_for_a_plan_of_the_server(shop: Shop) -> None:
    web = shop.machines["web"]
    assert isinstance(web, Guest)
    step = Step(
        id="one/db1/post-1",
        doing=Doing.ACTION,
        group="one",
        timeout=90,
        on_failure=OnFailure.STOP,
    )
    plan = read_plan(SMALL.format(journal=shop.journal).encode(), "small")
    progress = Progress(
        run="r1", plan="small", kind=Kind.TEST, who="ada", begun_at=SystemClock().now()
    )
    told = {"run": "r1", "step": step.id, "attempt": 1, "kind": "guest-script", "timeout": 90}
    told |= {"inside": "cat >/tmp/told; echo x >>/tmp/times; uname -n", "vm": web.uuid}
    told |= {"domain": web.name, "context": as_json(context_of(plan, progress, step)).decode()}

    words = ("plan", "action", "--json", f"--task={packed(told)}")
    said = [shop.sites.north.run(*words).event("plan-acted")["said"] for _each in range(2)]

    assert said == [web.run("uname -n").strip()] * 2
    assert web.run("cat /tmp/times").split() == ["x"]
    assert json.loads(web.run("cat /tmp/told"))["step"] == step.id


def _check_context(context: dict[str, Any], run: str) -> None:
    assert context["plan"] == "shop"
    assert (context["run"], context["type"]) == (run, "test")
    assert (context["direction"], context["group"], context["group_number"]) == (
        "to-recovery",
        "databases",
        1,
    )
    assert (context["machine"], context["point"]) == ("db1", "latest")
    assert context["machines"]["db1"]["name"] == "db1-test-1"
    assert context["machines"]["web"]["state"] == "waiting"


def test_run_that_is_killed_at_every_step_goes_on_and_does_nothing_twice(shop: Shop) -> None:
    shop.apply(SMALL)
    epochs = shop.epochs()
    shop.lose_the_source()
    try:
        kills = _run_and_kill(shop, ("plan", "run", "small", *GONE, "--json"))

        run = shop.run("status", "small").event("plan-run")
        assert (run["outcome"], run["failed"]) == ("succeeded", [])
        assert kills >= len(SMALL_ALL)
        assert shop.told() == SMALL_ALL
        assert shop.running_there() >= {"db1", "db2"}
        for name in ("db1", "db2"):
            assert shop.epochs()[name] == epochs[name] + 1
        seen = _machines(shop.run("run", "small", "--unplanned", "--dry-run"))
        assert [(one["vm"], one["already"], one["error"]) for one in seen] == [
            ("db1", True, None),
            ("db2", True, None),
        ]
        again = shop.run("run", "small", *GONE)
        states = {one["step"]: one["state"] for one in again.events if one["event"] == "plan-step"}
        assert states["one/db1/start"] == states["two/db2/start"] == "already"
    finally:
        shop.restore()


def test_a_site_alone_brings_its_plan_up_by_what_its_kit_says(shop: Shop) -> None:
    folder = shop.south.side.folder
    # Of another test: the kit would have it as well.
    shop.run("remove", "shop", status=None)
    shop.apply(SMALL)
    (folder / "kit.passphrase").write_text("a passphrase that is long enough")
    sealed = ("--sealed-with", folder / "kit.passphrase")
    shop.south.run("recovery-kit", "export", folder / "kit", *sealed)
    # What it had is gone, but for its replicas.
    shop.run("remove", "small")
    shop.lose_the_source()
    try:
        shop.south.run("recovery-kit", "show", folder / "kit", "--to", folder / "open", *sealed)
        kit = json.loads((folder / "open" / "kit.json").read_bytes())
        runbook = (folder / "open" / "runbook.en.md").read_text()
        typed = [line.split() for line in runbook.splitlines() if line.startswith("    holdfast")]
        shop.south.run("plan", "apply", folder / "open" / typed[0][3])
        shop.south.run(*typed[1][1:])

        assert [one["runs_on"] for one in kit["machines"]] == ["north"] * 3
        assert typed[0][1:3] == ["plan", "apply"]
        assert shop.told() == SMALL_ALL
        assert shop.running_there() >= {"db1", "db2"}
    finally:
        shop.restore()


def _run_and_kill(shop: Shop, words: tuple[str, ...]) -> int:
    """SIGKILL as soon as each step is told for the first time, until all is over; how often."""
    seen: set[str] = set()
    for kills in range(100):
        working = shop.south.side.start(*words)
        wait_until(partial(_has_told_more, working, seen), within=WITHIN)
        if not working.is_at_work:
            return kills
        seen |= _told(working.log)
        working.kill()
    raise AssertionError("it does not come to its end")


def _machines(said: Said) -> list[dict[str, Any]]:
    return [one for one in said.events if one["event"] == "plan-machine"]


def _has_told_more(working: Working, seen: set[str]) -> bool:
    return not working.is_at_work or bool(_told(working.log) - seen)


def _told(log: Path) -> set[str]:
    lines = [line for line in log.read_text().split("\n")[:-1] if line.startswith("{")]
    events = [json.loads(line) for line in lines]
    return {one["step"] for one in events if one["event"] == "plan-step"}
