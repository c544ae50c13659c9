"""The units under a systemd of their own: started, killed, started again, listed, removed."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from holdfast.testing.booted import booted, missing_for_booting
from holdfast.testing.guest_agent import Guest
from holdfast.testing.waiting import wait_until
from tests.e2e.conftest import SCRIPT

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    # All that is needed is installed by ./run; elsewhere it says what is missing.
    pytest.mark.skipif(bool(missing_for_booting()), reason=missing_for_booting()),
]

AGENT, SERVER, TIMER = "holdfast-agent", "holdfast-server", "holdfast-backup@srv.timer"
UNITS = Path("/etc/systemd/system")


@pytest.fixture(scope="module")
def machine() -> Iterator[Guest]:
    """Brought up by one command as its administrator, who knows no settings."""
    with booted({"HOME": "/root", "LC_ALL": "C.UTF-8"}) as machine:
        machine.run("sh", "-c", "mkdir /var/lib/precious; echo dear all > /var/lib/precious/letter")
        words = ("--lab", "--yes", "--paths", "/var/lib/precious", "--listen", "127.0.0.1:8443")
        said = holdfast(machine, "up", "--install", *words)
        assert said["account"] == "admin", said
        yield machine


def holdfast(machine: Guest, *words: str, status: int = 0) -> dict[str, Any]:
    """What it said last."""
    done = machine.run(SCRIPT, *words, "--json", check=False)
    assert done.returncode == status, done.stdout.decode() + done.stderr.decode()
    event: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return event


def shown(machine: Guest, unit: str, *names: str) -> list[str]:
    said = machine.run("systemctl", "show", unit, *(f"--property={name}" for name in names))
    told = dict(line.split("=", 1) for line in said.stdout.decode().splitlines())
    return [told[name] for name in names]


def runs(machine: Guest, unit: str) -> bool:
    """Told by the service itself that it is ready: the units are of the type `notify`."""
    return shown(machine, unit, "ActiveState", "SubState") == ["active", "running"]


@pytest.mark.parametrize("unit", [SERVER, AGENT])
def test_service_runs_now_and_at_the_next_boot_and_after_it_was_killed(
    machine: Guest, unit: str
) -> None:
    wait_until(lambda: runs(machine, unit))
    (first,) = shown(machine, unit, "MainPID")
    (enabled,) = shown(machine, unit, "UnitFileState")

    machine.run("kill", "-KILL", first)
    wait_until(lambda: shown(machine, unit, "NRestarts") != ["0"])
    wait_until(lambda: runs(machine, unit))

    assert enabled == "enabled"
    assert shown(machine, unit, "MainPID") != [first]


def test_service_manager_and_up_agree(machine: Guest) -> None:
    wait_until(lambda: runs(machine, SERVER) and runs(machine, AGENT))

    said = holdfast(machine, "up", "--status")

    assert (said["server_runs"], said["agent_runs"], said["up_process"]) == (True, True, None)


def test_backup_by_the_unit_that_timers_start(machine: Guest) -> None:
    machine.run("systemctl", "enable", "--now", "holdfast-backup@var-lib-precious.timer")
    listed = machine.run("systemctl", "list-timers", "--all").stdout.decode()

    machine.run("systemctl", "start", "holdfast-backup@var-lib-precious.service")

    assert "holdfast-backup@var-lib-precious.timer" in listed
    assert holdfast(machine, "points")["paths"] == ["/var/lib/precious"]


def test_vault_below_tmp_lies_where_everybody_finds_it(machine: Guest) -> None:
    holdfast(machine, "vault", "create", "--name", "passing", "--lab", "/tmp/passing")

    assert machine.run("test", "-d", "/tmp/passing", check=False).returncode == 0


def test_systemd_finds_no_fault_in_the_units(machine: Guest) -> None:
    units = [f"{SERVER}.service", f"{AGENT}.service", TIMER, TIMER.replace("timer", "service")]

    done = machine.run("systemd-analyze", "verify", "--man=no", *units, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_uninstall_ends_the_agent_and_leaves_nothing_of_it(machine: Guest) -> None:
    holdfast(machine, "agent", "install")
    machine.run("systemctl", "enable", "--now", TIMER)

    holdfast(machine, "agent", "uninstall")

    known = machine.run("systemctl", "list-units", "--all", "--plain", "--no-legend", "holdfast*")
    left = [os.path.basename(path) for path in _below(machine, UNITS)]
    assert [line.split()[0] for line in known.stdout.decode().splitlines()] == [f"{SERVER}.service"]
    assert {name for name in left if "holdfast" in name} == {f"{SERVER}.service"}
    assert not holdfast(machine, "up", "--status", status=1)["agent_runs"]


def test_up_takes_back_all_that_its_installation_wrote(machine: Guest) -> None:
    holdfast(machine, "agent", "install")
    written = set(_units(machine))

    removed = holdfast(machine, "up", "--uninstall")["files"]

    again = holdfast(machine, "up", "--uninstall")["files"]
    assert {os.path.basename(file) for file in removed} == written
    assert (_units(machine), again) == ([], [])
    said = holdfast(machine, "up", "--status", status=1)
    assert (said["server_runs"], said["agent_runs"]) == (False, False)
    # What it knew is known still.
    assert said["machine"]


def _units(machine: Guest) -> list[str]:
    names = [os.path.basename(path) for path in _below(machine, UNITS)]
    return [name for name in names if "holdfast" in name and ".wants" not in name]


def _below(machine: Guest, folder: Path) -> list[str]:
    return machine.run("find", folder, "-not", "-type", "d").stdout.decode().splitlines()


def test_booted_machine_leaves_nothing_behind() -> None:
    with booted({"HOME": "/root"}) as machine:
        inside = machine.pid

    wait_until(lambda: not Path(f"/proc/{inside}").exists())
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    assert [line for line in mounts if line.startswith("machine ")] == []
