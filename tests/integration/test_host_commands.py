"""Commands on hosts: begun in either way they are the same."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from holdfast.testing import host_commands
from holdfast.testing.host_commands import PROGRAM, run
from holdfast.testing.hosts import KvmHost
from holdfast.testing.replicated import Side
from tests import machines_bench

pytestmark = machines_bench.MARKS
_SAYS = """
import atexit, os, pathlib, sys
atexit.register(print, "last", flush=True)
print(pathlib.Path("/proc/sys/kernel/hostname").read_text().strip(), os.environ["WHO"], os.getcwd())
print(sys.argv[1:], file=sys.stderr)
sys.exit(7)
"""


@pytest.fixture(scope="module")
def side(kvm_hosts: tuple[KvmHost, KvmHost]) -> Side:
    return Side(kvm_hosts[0], "10.78.0.1")


@pytest.fixture(params=[host_commands.quick, host_commands.cold], autouse=True)
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_commands, "_way", request.param)


def test_it_says_what_the_program_says(side: Side) -> None:
    begun = side.run("version")
    wrong = side.run("no-such-command", status=2)

    assert begun.out == side.host.run(PROGRAM, "version")
    assert "no-such-command" in wrong.err


def test_it_is_on_its_host_with_what_it_was_given(side: Side, tmp_path: Path) -> None:
    script = tmp_path / "says.py"
    script.write_text(_SAYS)
    before = os.uname().nodename
    name = side.host.run("hostname").strip()

    status, out, err = run(side.request(script, "one", "two", WHO="ada"), within=60)

    assert status == 7
    assert out.decode().splitlines() == [f"{name} ada {side.folder}", "last"]
    assert err == b"['one', 'two']\n"
    assert os.uname().nodename == before


def test_what_is_killed_is_the_command(side: Side, tmp_path: Path) -> None:
    script = tmp_path / "waits.py"
    script.write_text("import time; print('here', flush=True); time.sleep(600)")
    working = side.start(program=(script,))
    while not working.log.read_text():
        assert working.is_at_work

    working.kill()

    assert not working.is_at_work
    assert working.process.returncode == -signal.SIGKILL


def test_an_error_is_told_as_the_interpreter_does(side: Side, tmp_path: Path) -> None:
    script = tmp_path / "fails.py"
    script.write_text("raise ValueError('why')")

    status, _out, err = run(side.request(script), within=60)

    assert status == 1
    assert err.endswith(b"ValueError: why\n")


def test_on_a_host_that_has_ended_nothing_begins() -> None:
    with KvmHost("short") as host:
        side = Side(host, "10.78.0.3")
        request = side.request(PROGRAM, "version")

    status, out, err = run(request, within=60)

    assert (status, out) == (1, b"")
    assert err


def test_what_takes_too_long_is_told_with_what_it_said(side: Side, tmp_path: Path) -> None:
    script = tmp_path / "goes_on.py"
    script.write_text("import time; print('here', flush=True); time.sleep(20)")

    with pytest.raises(subprocess.TimeoutExpired) as late:
        run(side.request(script), within=5)

    assert late.value.__notes__ == ["it said: b'here\\n' b''"]
