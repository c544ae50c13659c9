"""`holdfast planner` as a person runs it: profiles, killed and ended, and reports of them."""

import contextlib
import csv
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from holdfast.base.errors import HoldfastError
from holdfast.hypervisor.checkpoints import list_checkpoints
from holdfast.hypervisor.connection import Host
from holdfast.replication.planner.profile_folder import ProfileFolder
from holdfast.testing.hosts import KvmHost
from holdfast.testing.still_machine import StillMachine
from holdfast.testing.waiting import wait_until
from tests.e2e.conftest import Bench
from tests.machines_bench import MARKS
from tests.unit.replication.planner.seen_machines import facts, profile

if TYPE_CHECKING:
    import subprocess

SIZE = 2 << 20


@pytest.fixture
def profiled(empty: Bench) -> Bench:
    """Two machines that were seen for two hours."""
    for name, rate in (("web", 60.0), ("mail", 6.0)):
        folder = ProfileFolder(str(empty.home), f"u-{name}")
        seen = profile(*[rate] * 120)
        with folder.held(name):
            folder.keep_machine(facts(name))
            folder.append(name, [*seen.minutes.values(), *seen.windows])
    return empty


def test_report_is_text_json_page_and_table(profiled: Bench) -> None:
    page, table = profiled.root / "plan.html", profiled.root / "plan.csv"

    text = profiled.run("planner", "report", "--bandwidth", "100mbit")
    said = profiled.run(
        *("planner", "report", "--json", "--rpo", "5m", "--growth", "0%"),
        *("--html", page, "--csv", table),
    )

    assert "15 min" in text.out
    assert "100 Mbit/s" in text.out
    event = said.event("planner-report")
    assert event["interval"] == 300
    assert {one["vm"] for one in event["machines"]} == {"web", "mail"}
    assert event["bandwidth"] is None
    assert event["files"] == [str(page), str(table)]
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    with table.open(encoding="utf-8", newline="") as stream:
        assert [row["machine"] for row in csv.DictReader(stream)][-1] == "TOTAL"


def test_page_is_korean_where_that_is_asked_for(profiled: Bench) -> None:
    page = profiled.root / "plan.html"

    profiled.run("planner", "report", "--lang", "ko", "--html", page)

    assert '<html lang="ko">' in page.read_text(encoding="utf-8")


def test_time_asked_for_may_hold_nothing(profiled: Bench) -> None:
    said = profiled.run("planner", "report", "--json", "--from", "2030-01-01T00:00", status=1)

    assert said.event("error")["code"] == "planner-nothing-profiled"


def test_page_that_cannot_be_written_is_an_error(profiled: Bench) -> None:
    page = profiled.root / "nowhere" / "plan.html"

    said = profiled.run("planner", "report", "--json", "--html", page, status=1)

    assert said.event("error")["code"] == "planner-report-unwritable"


@pytest.mark.parametrize(
    "words",
    [
        ("report", "--bandwidth", "quick"),
        ("report", "--growth", "-1%"),
        ("report", "--rpo", "1s"),
        ("report", "--rpo", "90s"),
        ("profile",),
        ("profile", "web", "--all"),
    ],
)
def test_nonsense_is_refused(empty: Bench, words: tuple[str, ...]) -> None:
    empty.run("planner", *words, status=2)


class TestProfiles:
    pytestmark = MARKS

    @pytest.fixture
    def machine(self, kvm_host: KvmHost) -> Iterator[StillMachine]:
        with Host.open(kvm_host.uri) as host:
            machine = StillMachine(kvm_host, host, "planned", {"vda": SIZE})
            try:
                machine.start()
                yield machine
            finally:
                machine.remove()

    def test_what_a_killed_one_left_is_gone_after_the_next(
        self, empty: Bench, machine: StillMachine
    ) -> None:
        with _begun(empty, machine) as killed:
            killed.kill()
            killed.communicate()
        orphans = _checkpoints(machine)

        with _begun(empty, machine) as ended:
            ended.send_signal(signal.SIGINT)
            out, err = ended.communicate(timeout=90)

        assert len(orphans) == 1
        assert ended.returncode == 0, err
        assert b'"planner-profiled"' in out
        assert _checkpoints(machine) == []

    def test_one_profile_of_a_machine_at_a_time(self, empty: Bench, machine: StillMachine) -> None:
        with _begun(empty, machine) as first:
            said = empty.run(
                *("planner", "profile", machine.name, "--json"),
                *("--host", machine.host.uri),
                status=11,
            )
            first.send_signal(signal.SIGTERM)
            first.communicate(timeout=90)

        assert said.event("error")["code"] == "planner-profile-running"
        assert first.returncode == 0
        assert _checkpoints(machine) == []

    def test_one_ends_by_itself(self, empty: Bench, machine: StillMachine) -> None:
        said = empty.run(
            *("planner", "profile", "--all", "--for", "1s", "--json", "--host", machine.host.uri)
        )

        assert machine.name in {one.get("vm") for one in said.events}
        assert said.event("planner-profiled")["left"] == []
        assert _checkpoints(machine) == []


@contextlib.contextmanager
def _begun(bench: Bench, machine: StillMachine) -> "Iterator[subprocess.Popen[bytes]]":
    """A profile that has made its checkpoint, another one than there was; it ends with the block."""
    before = _noted(bench, machine)
    running = bench.start(
        *("planner", "profile", machine.name, "--json", "--host", machine.host.uri)
    )
    try:
        # It is noted first and made then: while it is made, libvirt cannot list any.
        wait_until(lambda: _noted(bench, machine) - before and _has_made(bench, machine))
        yield running
    finally:
        running.kill()
        running.communicate()


def _noted(bench: Bench, machine: StillMachine) -> set[str]:
    return set(ProfileFolder(str(bench.home), machine.uuid).checkpoints())


def _has_made(bench: Bench, machine: StillMachine) -> bool:
    try:
        return _noted(bench, machine) <= set(_checkpoints(machine))
    except HoldfastError:
        return False


def _checkpoints(machine: StillMachine) -> list[str]:
    return [one.name for one in list_checkpoints(machine.domain)]
