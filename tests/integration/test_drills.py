"""Drills of a real guest at its site, by commands, while its replication goes on."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from holdfast.recovery.drills.drill_folder import DrillFolder
from holdfast.replication.pins import pins
from holdfast.replication.replica_folder import open_folder
from holdfast.testing.guests import Guest
from holdfast.testing.hosts import KvmHost
from holdfast.testing.replicated import Pair, replicated
from holdfast.testing.waiting import wait_until
from tests import machines_bench

pytestmark = machines_bench.MARKS
# What goes on in the guest must not hold the output of the command that began it.
_SERVES = "guest:httpd -p 8080 -h /a >/dev/null 2>&1"
# Whether it comes up is shown once; a test that is about something else need not wait for it.
_STARTED = ("--check", "runs")
# What is not so by then will not be.
_SOON = ("--within", "150s")
# Each of a hundred starts of a busy machine comes within this.
_PATIENCE = 120.0
_LAB = """<network><name>{name}</name><dns enable='no'/>{forward}
<ip address='{address}' netmask='255.255.255.0'/></network>"""


@pytest.fixture(scope="module")
def pair(kvm_hosts: tuple[KvmHost, KvmHost]) -> Iterator[Pair]:
    machines_bench.clear(kvm_hosts[1])
    with replicated(*kvm_hosts) as made:
        yield made


@pytest.fixture(scope="module")
def guest(pair: Pair) -> Iterator[Guest]:
    """It is followed, and had written something before its first point."""
    made = Guest(pair.source.host, "web")
    try:
        made.start()
        made.run("echo kept >/a/note && sync")
        pair.work()
        pair.enable("web", "--app-every", "never")
        yield made
    finally:
        pair.source.run("replication", "disable", "web", status=None)
        made.remove()


@pytest.fixture(autouse=True)
def _nothing_left(pair: Pair) -> Iterator[None]:
    yield
    pair.site.run("failover", "cleanup", status=None)


def machines(pair: Pair) -> list[str]:
    with pair.site.host.connected() as connection:
        return [domain.name() for domain in connection.listAllDomains()]


def held(pair: Pair, guest: Guest) -> list[str]:
    folder = open_folder(pair.replicas, guest.uuid)
    return [pin.generation for pin in pins(folder, datetime.now(UTC))]


def leftovers(pair: Pair, guest: Guest) -> list[str]:
    running = pair.replicas / guest.uuid / "running"
    return [*machines(pair), *held(pair, guest), *map(str, running.glob("**/*"))]


def checks(*texts: str) -> list[str]:
    return [word for text in texts for word in ("--check", text)]


def test_guest_of_the_point_comes_up_alone_and_goes(pair: Pair, guest: Guest) -> None:
    alone = "guest:! ip -o link show up | grep -v ' lo:' | grep -q LOWER_UP"
    wanted = ("agent", "guest:grep -x kept /a/note", alone, "host:test -n $HOLDFAST_TEST_UUID")

    said = pair.site.run("failover", "web", "--test", *checks(*wanted), *_SOON, "--json")

    told = said.event("test-failover")
    assert told["counts"]
    assert [each["is_good"] for each in told["checks"]] == [True] * len(wanted)
    assert told["rto_seconds"] >= told["seconds_to_running"] > 0
    assert told["rpo_seconds"] >= 0
    assert leftovers(pair, guest) == []
    assert guest.answers()


def test_what_a_guest_serves_is_seen_without_a_network(pair: Pair, guest: Guest) -> None:
    wanted = (_SERVES, "tcp:8080", "http://guest:8080/note")

    said = pair.site.run("failover", "web", "--test", *checks(*wanted), *_SOON, "--json")

    assert said.event("test-failover")["counts"]


def test_what_a_guest_serves_is_reached_over_a_network_of_the_test(
    pair: Pair, guest: Guest
) -> None:
    address = "guest:ip link set eth0 up && ip addr add 192.168.90.5/24 dev eth0"
    wanted = (address, _SERVES, "tcp:8080", "http://guest:8080/note", "tcp:192.168.90.5:8080")
    with network(pair, "lab", address="192.168.90.1"):
        words = ("--network", f"{mac(guest)}=lab", *checks(*wanted), *_SOON)
        said = pair.site.run("failover", "web", "--test", *words, "--json")

    told = said.event("test-failover")
    assert told["counts"]
    assert "192.168.90.5" in told["checks"][2]["said"]


def test_network_with_a_way_out_is_refused(pair: Pair, guest: Guest) -> None:
    with network(pair, "wide", address="192.168.91.1", forward="<forward mode='route'/>"):
        words = ("--network", f"{mac(guest)}=wide", "--json")
        said = pair.site.run("failover", "web", "--test", *words, status=1)

    assert "wide" in said.event("error")["message"]
    assert leftovers(pair, guest) == []


def test_replication_goes_on_beside_a_test_and_its_point_stays(pair: Pair, guest: Guest) -> None:
    said = pair.site.run("failover", "web", "--test", *_STARTED, "--keep", "1h", "--json")
    told = said.event("test-failover")
    before = pair.newest(guest.uuid)

    guest.run("echo more >>/a/note && sync")
    pair.wait_for_point(guest.uuid, after=before)

    assert machines(pair) == [told["test_vm"]]
    assert held(pair, guest) == [told["point"]]
    facts = pair.facts(guest.uuid)
    assert facts is not None
    assert facts.point(told["point"]) is not None
    done = pair.site.run("failover", "cleanup", "web", "--note", "looked at", "--json")
    assert done.event("test-failover")["counts"]
    assert leftovers(pair, guest) == []
    # The newest one has not been tested; this one has.
    points = pair.site.run("failover", "points", "web", "--json").events
    tested = {each["generation"] for each in points if each["tested_at"]}
    assert told["point"] in tested
    assert points[-1]["generation"] not in tested


def test_expired_test_is_cleaned_up_by_the_site(pair: Pair, guest: Guest) -> None:
    pair.serve()

    pair.site.run("failover", "web", "--test", *_STARTED, "--keep", "1s", "--json")

    wait_until(lambda: leftovers(pair, guest) == [], within=_PATIENCE)


def test_test_whose_command_was_killed_is_cleaned_up_by_the_site(pair: Pair, guest: Guest) -> None:
    pair.serve()
    # The check never ends by itself.
    working = pair.site.start("failover", "web", "--test", *checks("guest:sleep 3600"), "--json")
    wait_until(lambda: machines(pair) != [], within=_PATIENCE)

    working.kill()

    wait_until(lambda: leftovers(pair, guest) == [], within=_PATIENCE)


def test_failed_check_is_an_error_and_leaves_nothing(pair: Pair, guest: Guest) -> None:
    words = checks("host:echo the books are gone; exit 4")

    said = pair.site.run("failover", "web", "--test", *words, "--json", status=1)

    assert said.event("error")["code"] == "test-failover-failed"
    assert "the books are gone" in said.event("error")["message"]
    assert leftovers(pair, guest) == []


def test_drill_is_told_against_its_objectives(pair: Pair, guest: Guest, tmp_path: Path) -> None:
    good = pair.site.run("drill", "run", "web", *_STARTED, "--rpo", "1d", "--rto", "1h", "--json")
    slow = checks("host:sleep 2")
    late = pair.site.run("drill", "run", "web", *slow, "--rto", "1s", "--json", status=3)

    assert good.event("drill-run")["verdict"] == "passed"
    assert late.event("drill-run")["missed"] == ["rto"]
    run = good.event("drill-run")["run"]
    page, data = tmp_path / "drill.html", tmp_path / "drill.json"
    pair.site.run("drill", "report", run, "--output", page)
    pair.site.run("drill", "report", "web", "--output", data)
    assert run in page.read_text()
    told: dict[str, Any] = json.loads(data.read_text())
    assert told["run"]["verdict"] == "objective-missed"
    assert run in [each["trial"]["id"] for each in told["past"]]
    listed = pair.site.run("drill", "list", "web", "--json").events
    assert {run, told["run"]["trial"]["id"]} <= {each["run"] for each in listed}


def test_drill_that_is_due_is_run_by_the_site(pair: Pair, guest: Guest) -> None:
    pair.serve()
    pair.site.run("drill", "schedule", "web", "daily 03:00", *_STARTED)
    folder = DrillFolder(str(pair.site.home), guest.uuid)
    known = {run.trial.id for run in folder.runs()}
    drill = folder.load()
    assert drill is not None

    # As if it had been scheduled two days ago.
    folder.save(msgspec.structs.replace(drill, set_at=drill.set_at - timedelta(days=2)))
    try:
        wait_until(lambda: any(is_new_and_passed(folder, known)), within=_PATIENCE)
    finally:
        pair.site.run("drill", "schedule", "web", "--never")

    (run,) = [run for run in folder.runs() if run.trial.id not in known]
    assert run.is_scheduled
    assert run.trial.who == "schedule"
    assert leftovers(pair, guest) == []


def is_new_and_passed(folder: DrillFolder, known: set[str]) -> Iterator[bool]:
    for run in folder.runs():
        yield run.trial.id not in known and run.trial.counts


def mac(guest: Guest) -> str:
    return ":".join(("52:54:00", guest.uuid[0:2], guest.uuid[2:4], guest.uuid[4:6]))


class network:  # noqa: N801  read as a word
    """A network of the site's libvirt, for as long as the block lasts."""

    def __init__(self, pair: Pair, name: str, *, address: str, forward: str = "") -> None:
        self.pair, self.name = pair, name
        # As libvirt's package makes it.
        (pair.site.host.folder / "state" / "dnsmasq").mkdir(exist_ok=True)
        self.xml = _LAB.format(name=name, address=address, forward=forward)

    def __enter__(self) -> None:
        with self.pair.site.host.connected() as connection:
            connection.networkCreateXML(self.xml)

    def __exit__(self, *_: object) -> None:
        with self.pair.site.host.connected() as connection:
            connection.networkLookupByName(self.name).destroy()
