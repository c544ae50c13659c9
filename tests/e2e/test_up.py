"""`holdfast up` as a newcomer runs it: from nothing, again, killed in between, and ended."""

import contextlib
import http.server
import json
import os
import signal
import socket
import stat
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from holdfast.agent.place import Place
from holdfast.testing.ports import free_port
from holdfast.testing.waiting import wait_until
from tests.e2e.conftest import SCRIPT, Bench, Said

pytestmark = pytest.mark.slow


class Newcomer:
    """A machine that knows nothing of Holdfast yet, and the `up` that runs there."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.home = bench.home
        self.listen = f"127.0.0.1:{free_port()}"
        for name in ("HOLDFAST_VAULT", "HOLDFAST_PASSPHRASE_FILE"):
            bench.environment.pop(name)
        bench.write("file", "what must come back")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *words: str) -> None:
        words = words or ("--lab", "--listen", self.listen, "--yes", "--paths", str(self.source))
        self.process = subprocess.Popen(
            [SCRIPT, "up", "--json", *words],
            env=self.bench.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    @property
    def source(self) -> Path:
        return self.bench.source

    def ready(self) -> dict[str, Any]:
        """What it says when everything is there."""
        assert self.process is not None
        assert self.process.stdout is not None
        event: dict[str, Any] = json.loads(self.process.stdout.readline())
        assert event["event"] == "up", event
        wait_until(self.agent_runs)
        assert self.status()["agent_runs"]
        return event

    def status(self) -> dict[str, Any]:
        return self.bench.run("up", "--status", "--json", status=None).event("up-status")

    def run(self, *words: str | Path, status: int = 0) -> Said:
        return self.bench.run(*words, status=status)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        process, self.process = self.process, None
        process.send_signal(number)
        with process:
            return process.wait(90)

    def kill(self) -> bytes:
        """What it had said until then; nothing of it runs afterwards."""
        assert self.process is not None
        assert self.process.stdout is not None
        (process, said), self.process = (self.process, self.process.stdout), None
        process.kill()
        with process:
            wait_until(self.is_quiet)
            return said.read()

    def server_runs(self) -> bool:
        return _is_held(str(self.home / "server" / "lock"))

    def agent_runs(self) -> bool:
        return _is_held(Place(str(self.home)).lock)

    def is_quiet(self) -> bool:
        """Nothing of it runs any more."""
        if self.server_runs() or self.agent_runs():
            return False
        found = self.status()
        return not (found["server_runs"] or found["agent_runs"] or found["up_process"])


def _is_held(lock: str) -> bool:
    """What `--status` finds out, without a process for each look: they slow down what is to come.

    The lock is not tried either, or whoever is about to take it would find it taken.
    """
    try:
        inode = os.stat(lock).st_ino
    except FileNotFoundError:
        return False
    held = Path("/proc/locks").read_text().splitlines()
    return any(line.split()[-3].endswith(f":{inode}") for line in held)


@pytest.fixture
def newcomer(empty: Bench) -> Iterator[Newcomer]:
    newcomer = Newcomer(empty)
    yield newcomer
    with contextlib.suppress(AssertionError):
        newcomer.end()
    wait_until(newcomer.is_quiet)


def test_from_nothing_to_a_point_and_back_again(newcomer: Newcomer) -> None:
    newcomer.start()
    first = newcomer.ready()
    newcomer.run("backup", newcomer.source)
    newcomer.run("restore", "latest", "--to", newcomer.bench.root / "back", "--verify")

    assert newcomer.end(signal.SIGINT) == 0
    assert newcomer.is_quiet()
    newcomer.start("--lab")
    second = newcomer.ready()

    (file,) = (newcomer.bench.root / "back").rglob("file")
    assert file.read_text() == "what must come back"
    assert first["account"] == "admin"
    assert len(first["password"]) > 15
    assert first["protected"] == [str(newcomer.source)]
    assert first["next_runs"][0] is not None
    # It is shown once.
    assert (second["account"], second["password"]) == (None, None)
    same = ("server", "vault", "vault_location", "machine", "protected")
    assert [first[name] for name in same] == [second[name] for name in same]


def test_password_shown_is_the_accounts_and_secrets_are_for_the_owner(newcomer: Newcomer) -> None:
    newcomer.start()
    said = newcomer.ready()
    password = newcomer.bench.root / "password"
    password.write_text(said["password"])
    password.chmod(0o600)

    authority = newcomer.home / "server" / "ca.pem"
    newcomer.run("login", said["server"], "--ca", authority, "--password-file", password)
    # Trusted once, it is not asked about again.
    newcomer.run("login", "--password-file", password)
    listed = newcomer.run("vault", "machines", "main", "--json").event("server-record")

    assert listed["record"]["id"] == said["machine"]
    for file in (said["passphrase_file"], said["recovery_key_file"], newcomer.home / "login.json"):
        assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    assert not (newcomer.home / "server" / "first-password").exists()


def test_a_second_one_beside_it_finds_everything_and_may_add(newcomer: Newcomer) -> None:
    newcomer.start()
    newcomer.ready()
    more = newcomer.bench.root / "more"
    more.mkdir()

    beside = newcomer.run("up", "--json", "--yes", "--paths", more).event("up")

    assert beside["protected"] == [str(newcomer.source), str(more)]
    assert newcomer.status()["up_process"] == newcomer.process.pid if newcomer.process else False


def test_server_and_agent_that_die_are_started_again(newcomer: Newcomer) -> None:
    newcomer.start()
    newcomer.ready()

    killed = children_of(newcomer)
    for child in killed:
        os.kill(child, signal.SIGKILL)
    wait_until(lambda: not {*killed} & {*children_of(newcomer)})
    wait_until(lambda: newcomer.server_runs() and newcomer.agent_runs())
    found = newcomer.status()
    assert found["server_runs"]
    assert found["agent_runs"]

    assert newcomer.end() == 0


def test_killed_it_takes_both_along_and_the_next_goes_on(newcomer: Newcomer) -> None:
    newcomer.start()
    first = newcomer.ready()

    newcomer.end(signal.SIGKILL)
    wait_until(newcomer.is_quiet)
    left = newcomer.home / "up-left.credentials"
    left.touch()
    newcomer.start("--lab")
    second = newcomer.ready()

    assert second["machine"] == first["machine"]
    assert not left.exists()


def test_vault_lies_where_it_is_wanted(newcomer: Newcomer) -> None:
    place = newcomer.bench.root / "other disk"
    newcomer.start("--lab", "--listen", newcomer.listen, "--vault", str(place))

    said = newcomer.ready()

    assert said["vault_location"] == str(place)
    assert (place / said["machine"] / "config").exists()
    assert said["protected"] == []


@pytest.mark.parametrize(
    "step",
    [
        "server/first-password",
        "server/state.db",
        "login.json",
        "agent/next/machine.key",
        "agent/next/machine.pem",
        "recovery-key.txt",
        "agent/registration.json",
    ],
)
def test_killed_at_any_step_the_same_command_again_goes_on(newcomer: Newcomer, step: str) -> None:
    newcomer.start()
    assert newcomer.process is not None
    wait_until((newcomer.home / step).exists)
    heard = newcomer.kill()

    newcomer.start()
    said = newcomer.ready()

    # Shown once: by the first, if this test was held up so long that it had come to its end.
    assert said["password"] is not None or b'"password"' in heard
    machines = newcomer.run("vault", "machines", "main", "--json").events
    # One that died between the server's answer and the note of it may have left an empty row.
    active = [one["record"] for one in machines if one["record"]["is_activated"]]
    assert [one["id"] for one in active] == [said["machine"]]
    assert said["protected"] == [str(newcomer.source)]
    newcomer.run("backup", newcomer.source)
    assert list(newcomer.home.glob("up-*.credentials")) == []


def test_what_differs_from_before_is_told_and_not_done(newcomer: Newcomer) -> None:
    newcomer.start()
    newcomer.ready()

    listen = newcomer.run("up", "--json", "--listen", "127.0.0.1:1", status=30).event("error")
    vault = newcomer.run("up", "--json", "--vault", "/elsewhere", status=30).event("error")

    assert (listen["code"], vault["code"]) == ("server-setting-differs", "vault-elsewhere")
    assert "listen is 127.0.0.1" in listen["message"]
    assert str(newcomer.home / "vault") in vault["message"]


def test_taken_port_is_told_in_the_servers_words(newcomer: Newcomer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        newcomer.listen = f"127.0.0.1:{taken.getsockname()[1]}"

        said = newcomer.run("up", "--json", "--listen", newcomer.listen, status=1).event("error")

    assert said["code"] == "service-ended"
    assert "in use" in said["message"]
    assert newcomer.is_quiet()
    # The advice was to name another one, so that must do.
    newcomer.listen = f"127.0.0.1:{free_port()}"
    newcomer.start()
    assert newcomer.ready()["server"] == f"https://{newcomer.listen}"


def test_port_of_another_program_that_answers_is_told_in_the_servers_words(
    newcomer: Newcomer,
) -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        newcomer.listen = f"127.0.0.1:{other.server_port}"

        said = newcomer.run("up", "--json", "--listen", newcomer.listen, status=1).event("error")
        other.shutdown()

    assert said["code"] == "service-ended"
    assert "in use" in said["message"]


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(("env", "PATH=/nonexistent"), id="no program"),
        pytest.param(
            ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /run && exec "$@"', "sh"),
            marks=pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
            id="nobody behind the program",
        ),
    ],
)
def test_without_systemd_install_says_so_and_changes_nothing(
    newcomer: Newcomer, before: tuple[str, ...]
) -> None:
    words = ("up", "--install", "--json")

    said = newcomer.bench.run(*words, status=1, before=before).event("error")

    assert said["code"] == "no-service-manager"
    assert not newcomer.home.exists() or list(newcomer.home.iterdir()) == []


def test_stop_ends_the_one_in_the_foreground(newcomer: Newcomer) -> None:
    newcomer.start()
    newcomer.ready()

    newcomer.run("up", "--stop")

    assert newcomer.is_quiet()
    assert newcomer.process is not None
    assert newcomer.process.wait(90) == 0


def children_of(newcomer: Newcomer) -> list[int]:
    assert newcomer.process is not None
    pid = newcomer.process.pid
    return [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]
