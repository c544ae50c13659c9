"""The doctor beside the real Linux agent, which is stopped, misled, starved and cut off."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from holdfast.testing.guest_agent import Guest, guest, missing_for_guest
from tests.e2e.conftest import SCRIPT

if lacking := missing_for_guest():
    pytest.skip(lacking, allow_module_level=True)

PLATFORM = "168.63.129.16/32"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def idle(tmp_path: Path, home: Path) -> Iterator[Guest]:
    """A guest whose agent does not run."""
    seen = {"HOME": str(tmp_path), "LC_ALL": "C.UTF-8", "HOLDFAST_HOME": str(home)}
    with guest(seen) as one:
        yield one


@pytest.fixture
def well(idle: Guest) -> Guest:
    """A guest whose agent works."""
    idle.start_agent()
    return idle


def _doctor(one: Guest, *words: str, status: int) -> str:
    done = one.run(SCRIPT, "doctor", *words, check=False)
    assert done.returncode == status, done.stdout.decode() + done.stderr.decode()
    return done.stdout.decode()


def _report(one: Guest, *, status: int) -> Any:
    return json.loads(_doctor(one, "--json", status=status))


def _errors(report: Any) -> list[str]:
    serious = {"error", "critical"}
    return [found["cause"] for found in report["findings"] if found["severity"] in serious]


def _proof(report: Any) -> list[str]:
    """The lines that prove the root cause."""
    root = next(one for one in report["findings"] if one["cause"] == report["root"])
    return [line["excerpt"] for line in root["evidence"]]


def test_healthy_guest_has_no_fault(well: Guest) -> None:
    report = _report(well, status=0)

    assert _errors(report) == []
    assert report["crashes"] == []
    agent = next(one for one in report["components"] if one["id"] == "waagent")
    assert agent["unknown"] == 0


def test_host_without_the_agent_is_left_alone(well: Guest) -> None:
    well.stop_agent()
    well.conf.unlink()
    well.run("mount", "-n", "-t", "tmpfs", "none", "/usr/sbin")
    well.run("sh", "-c", "rm -rf /var/lib/waagent/*")

    report = _report(well, status=0)

    assert report["findings"] == report["consequences"] == []
    assert {one["id"] for one in report["components"]} <= {"scratch", "vault", "files"}


def test_stopped_agent_is_named_and_started(well: Guest, home: Path) -> None:
    well.stop_agent()

    report = _report(well, status=1)
    plan = _doctor(well, "fix", "waagent.not-running", status=0)
    idle = well.agents()
    done = json.loads(_doctor(well, "fix", "waagent.not-running", "--apply", "--json", status=0))

    assert _errors(report) == ["waagent.not-running"]
    assert "--apply does: service walinuxagent start" in plan
    assert idle == []
    assert done["mended"] is True
    assert well.agents()
    journal = json.loads((home / "fixes.jsonl").read_text())
    assert (journal["cause"], journal["after"][0]) == ("waagent.not-running", "ruled-out")


def test_agent_without_an_init_script_starts_by_its_own_command(well: Guest) -> None:
    well.stop_agent()
    well.path("/etc/init.d/walinuxagent").unlink()

    _doctor(well, "fix", "HF-WA003", "--apply", status=0)

    assert well.agents()


def test_agent_that_cannot_start_is_no_success(idle: Guest) -> None:
    idle.path("/etc/init.d/walinuxagent").unlink()
    idle.run("mount", "-n", "--bind", "/bin/true", "/usr/sbin/waagent")

    done = json.loads(_doctor(idle, "fix", "waagent.not-running", "--apply", "--json", status=5))

    assert done["mended"] is False


def test_extensions_are_switched_on_again(well: Guest) -> None:
    was = well.conf.read_text().replace("Extensions.Enabled=y", "Extensions.Enabled=n")
    well.conf.write_text(was)

    report = _report(well, status=1)
    _doctor(well, "fix", "waagent.extensions-off", "--apply", status=0)
    # It starts its second process by itself.
    well.wait_for(lambda: len(well.agents()) == 2)

    assert report["root"] == "waagent.extensions-off"
    assert well.conf.read_text() == was.replace("Extensions.Enabled=n", "Extensions.Enabled=y")
    assert well.path("/etc/waagent.conf.before-holdfast").read_text() == was
    assert _errors(_report(well, status=0)) == []


def test_garbage_in_the_configuration_is_quoted(well: Guest) -> None:
    with well.conf.open("a", encoding="utf-8") as conf:
        conf.write("this is no key\n")

    report = _report(well, status=1)

    assert report["root"] == "waagent.conf-broken"
    assert _proof(report) == ["this is no key"]


def test_full_disk_explains_why_the_agent_is_down(idle: Guest) -> None:
    idle.fill()
    idle.run("waagent", "-start")
    idle.wait_for(lambda: idle.says("No space left") and not idle.agents())

    report = _report(idle, status=1)

    assert report["root"] == "waagent.disk-full"
    assert "waagent.not-running" in [one["cause"] for one in report["consequences"]]


def test_way_that_is_dropped_is_found_by_trying(well: Guest) -> None:
    well.run("ip", "addr", "del", PLATFORM, "dev", "lo")

    report = _report(well, status=1)

    assert _errors(report) == ["waagent.wire-server-blocked"]
    assert any("timed out" in line or "SYN-SENT" in line for line in _proof(report))


def test_black_hole_in_the_routes_is_the_root(well: Guest) -> None:
    well.run("ip", "addr", "del", PLATFORM, "dev", "lo")
    well.run("ip", "route", "replace", "blackhole", PLATFORM)

    report = _report(well, status=1)

    assert report["root"] == "waagent.no-route"
    assert _proof(report)[0].startswith("blackhole")
    assert [one["cause"] for one in report["consequences"]] == ["waagent.wire-server-blocked"]


def test_host_without_any_route_is_cut_off(well: Guest) -> None:
    well.run("ip", "addr", "del", PLATFORM, "dev", "lo")
    well.run("ip", "link", "set", "eth0", "down")

    report = _report(well, status=1)

    assert report["root"] == "waagent.no-route"


def test_guest_leaves_nothing_behind(tmp_path: Path) -> None:
    with guest({"HOME": str(tmp_path)}) as one:
        one.start_agent()
        inside = one.pid

    assert not Path(f"/proc/{inside}").exists()
    # Other tests mount things of their own meanwhile.
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    assert [line for line in mounts if line.startswith("guest ")] == []
    assert not Path("/run/waagent.pid").exists()
    assert os.path.ismount("/var/lib/waagent") is False
