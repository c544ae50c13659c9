"""Start-up is quick because of what is not loaded; a list can be tested, a time cannot."""

import subprocess
import sys

import pytest

from tests.e2e.conftest import Bench

HEAVY = {
    "numpy",
    "cryptography",
    "obstore",
    "rich",
    "msgspec",
    "pathspec",
    "mfusepy",
    "pyfastcdc",
    "re2",
}
_SHOW = """
import sys
from holdfast.cli.main import main
status = main(sys.argv[1:])
print("\\n" + " ".join(sorted({name.partition(".")[0] for name in sys.modules})))
sys.exit(status)
"""


def _loaded(bench: Bench, *arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", _SHOW, *arguments],
        env=bench.environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=180,
    )
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["backup", "--help"],
        ["points", "--help"],
        ["completion", "bash"],
        ["doctor", "--help"],
    ],
    ids=" ".join,
)
def test_help_loads_nothing_heavy(empty: Bench, arguments: list[str]) -> None:
    assert _loaded(empty, *arguments) & HEAVY == set()


def test_points_load_only_what_opens_a_vault(bench: Bench) -> None:
    allowed = {"cryptography", "msgspec"}

    assert _loaded(bench, "points") & HEAVY <= allowed


def test_a_backup_of_what_has_not_changed_loads_no_more_than_it_uses(bench: Bench) -> None:
    command = ("backup", str(bench.source))
    _loaded(bench, *command)

    loaded = _loaded(bench, *command)

    # Each of the latter takes as long to import as such a backup to look around.
    assert loaded & HEAVY <= {"cryptography", "msgspec"}
    assert loaded & {"multiprocessing", "pathlib", "subprocess", "tempfile", "urllib"} == set()


_SHOW_THREADS = """
import os
from holdfast.cli.main import main
main(["version"])
import numpy
print(len(os.listdir("/proc/self/task")), "OPENBLAS_NUM_THREADS" in os.environ)
"""


def test_numpy_starts_no_threads_and_hooks_hear_nothing_of_it(empty: Bench) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SHOW_THREADS],
        env=empty.environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=180,
    )

    assert done.stdout.splitlines()[-1] == "1 False"


_SHOW_END = """
import atexit, sys, threading
from holdfast.cli.main import run
atexit.register(print, "asked for at the end")
if "thread" in sys.argv:
    sys.argv.remove("thread")
    threading.Thread(target=lambda: print("thread")).start()
sys.argv[0] = "holdfast"
run()
"""


@pytest.mark.parametrize("thread", [["thread"], []], ids=["a thread", "alone"])
@pytest.mark.parametrize(("command", "status"), [("version", 0), ("nonsense", 2)])
def test_the_end_is_short_but_nothing_is_left_out(
    empty: Bench, command: str, status: int, thread: list[str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SHOW_END, command, *thread],
        env=empty.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )

    assert done.returncode == status
    assert done.stdout.splitlines()[-1] == "asked for at the end"
