"""A machine with a systemd of its own, in namespaces: whatever it starts ends with it.

with booted({"HOME": "/root"}) as machine:
    machine.run("systemctl", "is-active", "some.service")
"""

import contextlib
import os
import shutil
import subprocess  # noqa: TID251  a machine beside this one is a process
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from holdfast.testing.booted_machine import SYSTEMD
from holdfast.testing.guest_agent import Guest
from holdfast.testing.waiting import wait_until

_NEEDED = ("systemctl", "systemd-analyze", "unshare", "nsenter", "setpriv")
_UP = {"running", "degraded"}


def missing_for_booting() -> str:
    """What keeps such a machine from being made here; empty when nothing does."""
    if os.geteuid() != 0:
        return "namespaces need root"
    missing = [name for name in _NEEDED if shutil.which(name) is None]
    return ", ".join(missing + ([] if os.path.exists(SYSTEMD) else ["systemd"]))


@contextlib.contextmanager
def booted(environment: Mapping[str, str]) -> Iterator[Guest]:
    """It is up when this returns; afterwards nothing of it is left."""
    program = [sys.executable, "-m", "holdfast.testing.booted_machine"]
    words = ["unshare", "--mount", "--propagation", "private", *program]
    process = subprocess.Popen(  # noqa: S603  our own module
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            said = process.stdout.readline().strip()
            assert said, "no namespaces or control groups can be made here"
            machine = Guest(_systemd_below(int(said)), environment)
            wait_until(lambda: _state(machine) in _UP)
            yield machine
        finally:
            # The end of its input is its sign to clean up.
            process.stdin.close()
            process.wait()


def _systemd_below(parent: int) -> int:
    """The only child of the program that made the namespaces, once it has become systemd."""
    found: list[int] = []

    def look() -> bool:
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii")
        names = {int(pid): _name(int(pid)) for pid in children.split()}
        found[:] = [pid for pid, name in names.items() if name == "systemd"]
        return bool(found)

    wait_until(look)
    return found[0]


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _state(machine: Guest) -> str:
    return machine.run("systemctl", "is-system-running", check=False).stdout.decode().strip()
