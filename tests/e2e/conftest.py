"""The command as a person or a script runs it: a process, its output, its exit status."""

import inspect
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from holdfast.cli import (
    json_drills,
    json_events,
    json_machines,
    json_planner,
    json_plans,
    json_recovery,
    json_recovery_kit,
    json_replicating,
    json_replication,
)
from holdfast.cli.json_base import Event

PASSPHRASE = "correct horse battery staple"
SCRIPT = Path(sys.executable).with_name("holdfast")

_READ_ALL = "-dac_override,-dac_read_search"
POWERLESS = ("setpriv", f"--bounding-set={_READ_ALL}", f"--inh-caps={_READ_ALL}")

# The documented events by their name.
KINDS: dict[str, type[Event]] = {
    str(kind.__struct_config__.tag): kind
    for module in (
        json_drills,
        json_events,
        json_machines,
        json_planner,
        json_plans,
        json_recovery,
        json_recovery_kit,
        json_replicating,
        json_replication,
    )
    for kind in vars(module).values()
    if inspect.isclass(kind) and issubclass(kind, Event) and kind is not Event
}


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended and what it printed."""

    status: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """Every line of the output, each held to its documented type."""
        return [_documented(line) for line in self.out.splitlines()]

    def event(self, name: str) -> dict[str, Any]:
        (found,) = [event for event in self.events if event["event"] == name]
        return found


def _documented(line: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(line)
    kind = KINDS[event["event"]]
    assert msgspec.to_builtins(msgspec.json.decode(line, type=kind)) == event
    return event


@dataclass(frozen=True, slots=True)
class Bench:
    """A machine's worth of folders, and the command with its environment."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def vault(self) -> Path:
        return self.root / "vault"

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def source(self) -> Path:
        return self.root / "source"

    @property
    def passphrase_file(self) -> Path:
        return self.root / "passphrase"

    def write(self, name: str, content: str = "content") -> Path:
        path = self.source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        return path

    def run_where_modes_count(self, *arguments: str | Path, status: int) -> Said:
        """Run without the right to read what modes forbid, which root has."""
        return self.run(*arguments, status=status, before=POWERLESS if os.geteuid() == 0 else ())

    def run(
        self,
        *arguments: str | Path,
        status: int | None = 0,
        before: tuple[str, ...] = (),
        **more: str,
    ) -> Said:
        """Run to the end; `status` is the one wanted, None for whichever."""
        done = subprocess.run(
            [*before, SCRIPT, *arguments],
            env=self.with_(more),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=180,
        )
        said = Said(done.returncode, done.stdout.decode(), done.stderr.decode())
        assert status is None or said.status == status, f"{said.out}\n{said.err}"
        return said

    def start(
        self, *arguments: str | Path, before: tuple[str, ...] = (), **more: str
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*before, SCRIPT, *arguments],
            env=self.with_(more),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def with_(self, more: Mapping[str, str]) -> dict[str, str]:
        return {**self.environment, **more}


@pytest.fixture
def empty(tmp_path: Path) -> Bench:
    """Folders and a passphrase, but no vault yet."""
    return _machine(tmp_path)


def _machine(root: Path) -> Bench:
    bench = Bench(root)
    bench.source.mkdir()
    bench.passphrase_file.write_text(PASSPHRASE + "\n", encoding="utf-8")
    bench.passphrase_file.chmod(0o600)
    bench.environment.update(
        PATH=os.environ["PATH"],
        HOME=str(root),
        LC_ALL="C.UTF-8",
        HOLDFAST_HOME=str(bench.home),
        HOLDFAST_VAULT=str(bench.vault),
        HOLDFAST_PASSPHRASE_FILE=str(bench.passphrase_file),
    )
    return bench


@pytest.fixture(scope="session")
def lab_vault(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vault that opens quickly, to be copied."""
    bench = _machine(tmp_path_factory.mktemp("template"))
    bench.run("vault", "create", "--lab")
    return bench.vault


@pytest.fixture
def bench(empty: Bench, lab_vault: Path) -> Bench:
    """The same with a lab vault."""
    shutil.copytree(lab_vault, empty.vault)
    return empty


@pytest.fixture
def filled(bench: Bench) -> Bench:
    """The same with one recovery point of a few files."""
    bench.write("etc/hosts", "127.0.0.1 localhost\n")
    bench.write("etc/이름", "한국어\n")
    bench.run("backup", bench.source)
    return bench
