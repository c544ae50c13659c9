"""What every test shares: a clean environment, English, and how hard hypothesis tries."""

import gc
import os
import signal
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # it tells none

from holdfast.base.texts import use_language
from holdfast.testing.host_commands import be_quick
from holdfast.testing.postgres import Postgres, find_programs, running_postgres

pytest_plugins = ("tests.machines_bench",)

# A shared machine may be slow; slowness is what the benchmarks are for.
_PATIENT = [HealthCheck.too_slow]
# The same examples each time: a run says something about the change, and not about its luck.
# `--hypothesis-profile explore` looks for new ones.
settings.register_profile(
    "local", max_examples=50, deadline=None, suppress_health_check=_PATIENT, derandomize=True
)
settings.register_profile("ci", settings.get_profile("local"), max_examples=200)
settings.register_profile("explore", settings.get_profile("ci"), derandomize=False, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")

# Tests that share what is dear, or go on where those before them ended: one worker has them all.
# A worker sees the marks; since pytest 9.2 xdist can no longer tell its controller of them.
_TOGETHER = {
    "tests/e2e/test_booted.py": "booted",
    "tests/e2e/test_container_image.py": "image",
    "tests/e2e/test_debian_package.py": "package",
    "tests/e2e/test_tutorials_on_hosts.py": "tutorials",
    "tests/integration/test_browsing.py": "browsing",
    "tests/integration/test_console_scale.py": "scale",
    "tests/security/test_role_matrix.py": "roles",
}
# A Chromium for each worker would ask for more than two processors have.
_CONSOLE, _ALONE = "tests/e2e/test_console_", "tests/e2e/test_console_story.py"
# Many and short: handed out one by one, the handing out costs more than they do.
_BY_MODULE = ("tests/unit/", "tests/contract/")

_OF_THE_DEVELOPER = ("HOLDFAST_", "RESTIC_", "BORG_", "AWS_", "AZURE_", "GOOGLE_", "LC_", "LANG")


@pytest.fixture(scope="session", autouse=True)
def _clean_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reaches the vaults, credentials or caches of the person who runs it."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(_OF_THE_DEVELOPER)]:
            patch.delenv(name)
        patch.setenv("LC_ALL", "C.UTF-8")
        patch.setenv("HOLDFAST_HOME", str(tmp_path_factory.mktemp("holdfast-home")))
        patch.setenv("RESTIC_CACHE_DIR", str(tmp_path_factory.mktemp("restic-cache")))
        yield


def _usual_signals() -> None:
    """What Python sets at its start on a terminal.

    Tests started in the background are deaf to Ctrl-C and hang-ups, and so is all they start;
    libfuse, where a test serves a file system itself, leaves a broken pipe deadly.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)


_usual_signals()
be_quick()


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    yield
    _usual_signals()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    # What it makes stays; looking through all of that for garbage took half of its time.
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return _Together(config, log)


class _Together(LoadScopeScheduling):  # type: ignore[misc]  # as above
    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        if path.startswith(_CONSOLE) and path != _ALONE:
            return "console"
        return path if path.startswith(_BY_MODULE) else _TOGETHER.get(path, nodeid)


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    use_language("en")
    yield
    use_language("en")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One cluster for all tests of a worker; each takes a `new_database` of it."""
    if find_programs() is None:
        pytest.skip("postgresql is not installed")
    with running_postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind the server can keep its state in."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/state.db"
    server = request.getfixturevalue("postgres")
    assert isinstance(server, Postgres)
    return server.new_database()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many faults were injected; workers of a parallel run send theirs as properties."""
    injected = survived = 0
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            counted = dict(report.user_properties).get("faults")
            if counted is not None:
                # A test that does not count is about one fault.
                one_by_one = (1, int(report.passed))
                more = counted if counted[0] else one_by_one
                injected, survived = injected + more[0], survived + more[1]
    if injected:
        terminalreporter.write_line(f"faults injected: {injected}, survived: {survived}")
