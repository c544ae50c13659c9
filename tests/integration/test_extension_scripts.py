"""The extension's scripts, run as a guest runs them, by every shell that there is here."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from holdfast.machines.extension import bundle
from holdfast.machines.extension.hook_runs import read_hooks
from holdfast.machines.extension.settings import HookSettings
from holdfast.machines.extension.states import State, Status, read_status
from holdfast.testing.waiting import wait_until

SHELLS = {"dash": ("dash",), "busybox": ("busybox", "sh"), "bash": ("bash", "--posix")}
SCRIPTS = Path(bundle.__file__).parent


@dataclass
class Machine:
    """A guest's folders without the guest."""

    folder: Path
    shell: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.base = self.folder / "holdfast" / "extension"
        self.run_folder = self.folder / "run"
        self.conf = self.folder / "conf"
        self.environment = {
            "HOLDFAST_EXTENSION": str(self.base),
            "HOLDFAST_RUN": str(self.run_folder),
            "HOLDFAST_CONF": str(self.conf),
            "HOLDFAST_STATE": str(self.folder / "state"),
            "HOLDFAST_PG_SOCKETS": str(self.folder / "none"),
            "HOLDFAST_MARIADB_SOCKETS": str(self.folder / "none"),
            "PATH": os.environ["PATH"],
        }

    def sh(self, *words: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        argv = [*self.shell, *map(str, words)]
        env = self.environment
        return subprocess.run(argv, env=env, input=stdin, capture_output=True, check=False)

    def sent(self, name: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        return self.sh("-c", bundle.sent(name), "holdfast", *arguments)

    def install(self) -> None:
        assert self.sent("prepare").returncode == 0
        for name in bundle.NAMES:
            (self.base.parent / "extension.new" / name).write_bytes(bundle.content(name))
        done = self.sent("install", bundle.digest(), *bundle.NAMES)
        assert done.returncode == 0, done.stderr

    def status(self) -> Status:
        return read_status(self.sent("probe", *bundle.NAMES).stdout, digest=bundle.digest())

    def told(
        self, verb: str, *, point: str = "p", guard: int = 600, **settings: object
    ) -> list[str]:
        """What the run said: its result, then its lines."""
        words = (self.base / "extension", verb, point, str(guard))
        self.sh(*words, stdin=HookSettings(**settings).plan())  # type: ignore[arg-type]
        prefix = "" if verb == "pre" else "post-"
        return (self.run_folder / point / f"{prefix}result").read_text().splitlines()

    def hook(self, name: str, script: str, *, mode: int = 0o700) -> Path:
        path = self.conf / "hooks.d" / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(mode)
        return path


@pytest.fixture(params=[pytest.param(shell, id=name) for name, shell in SHELLS.items()])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Machine]:
    shell: tuple[str, ...] = request.param
    if not shutil.which(shell[0]):
        pytest.skip(f"{shell[0]} is not installed")
    machine = Machine(tmp_path, shell)
    machine.install()
    yield machine
    machine.sent("remove", "force")


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Machine]:
    """With one shell, for what does not depend on it."""
    machine = Machine(tmp_path, ("sh",))
    machine.install()
    yield machine
    machine.sent("remove", "force")


def statuses(lines: list[str]) -> list[tuple[str, str, int]]:
    return [(hook.name, hook.verb, hook.status) for hook in read_hooks(lines)]


@pytest.mark.parametrize("shell", [("dash", "-n"), ("busybox", "sh", "-n"), ("bash", "-n")])
@pytest.mark.parametrize(
    "script",
    sorted(SCRIPTS.glob("sent/*.sh"))
    + [SCRIPTS / "bundle" / name for name in bundle.NAMES if name != "VERSION"],
    ids=lambda path: path.name,
)
def test_scripts_are_shell(shell: tuple[str, ...], script: Path) -> None:
    if not shutil.which(shell[0]):
        pytest.skip(f"{shell[0]} is not installed")

    done = subprocess.run([*shell, script], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_hooks_are_told_in_order_before_and_in_reverse_after(machine: Machine) -> None:
    seen = machine.folder / "seen"
    machine.hook("10-first", f"echo first $1 >>{seen}; echo fine")
    machine.hook("20-second", f"echo second $1 >>{seen}")

    before = machine.told("pre")
    after = machine.told("post")

    assert seen.read_text().splitlines() == ["first pre", "second pre", "second post", "first post"]
    assert (before[0], after[0]) == ("quiet", "ok")
    assert read_hooks(before)[0].said == "fine"
    assert machine.status().state is State.READY


def test_own_scripts_get_their_parameters_and_are_tried_again(machine: Machine) -> None:
    seen = machine.folder / "seen"
    script = machine.hook("../pre.sh", f'echo "$#:$1:$2" >>{seen}; [ $(wc -l <{seen}) -ge 3 ]')

    said = machine.told(
        "pre",
        preScriptLocation=str(script),
        preScriptParams=("two words", "$HOME `id`"),
        preScriptNoOfRetries=2,
    )

    assert seen.read_text().splitlines() == ["2:two words:$HOME `id`"] * 3
    assert (said[0], statuses(said)) == ("quiet", [("script", "pre", 0)])


def test_hook_that_fails_lets_the_others_go_at_once(machine: Machine) -> None:
    seen = machine.folder / "seen"
    machine.hook("10-good", f"echo good $1 >>{seen}")
    machine.hook("20-bad", "[ $1 = post ] || { echo no room; exit 3; }")
    machine.hook("30-later", f"echo later $1 >>{seen}")

    said = machine.told("pre")

    assert said[0] == "failed"
    assert ("hooks.d/20-bad", "pre", 3) in statuses(said)
    assert seen.read_text().splitlines() == ["good pre", "good post"]
    assert not (machine.run_folder / "operation").exists()
    status = machine.status()
    assert (status.state, status.last and status.last.hook) == (
        State.FAILED,
        "hooks.d/20-bad pre: no room",
    )


def test_hook_that_hangs_is_killed_with_all_it_has_started(machine: Machine) -> None:
    pid = machine.folder / "pid"
    machine.hook("hang", f"[ $1 = post ] || {{ sleep 4000 & echo $! >{pid}; wait; }}")

    said = machine.told("pre", timeoutInSeconds=1)

    assert ("hooks.d/hang", "pre", 124) in statuses(said)
    wait_until(lambda: is_gone(pid.read_text().strip()))


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o702])
def test_hook_that_others_may_read_or_change_is_not_run(quick: Machine, mode: int) -> None:
    seen = quick.folder / "seen"
    quick.hook("open", f"touch {seen}", mode=mode)

    said = quick.told("pre")

    assert (said[0], seen.exists()) == ("failed", False)
    assert "mode 700" in said[1]


def test_settings_that_others_may_read_are_refused(quick: Machine) -> None:
    settings = quick.conf / "hooks.json"
    settings.write_text('{"timeoutInSeconds": 7}')
    settings.chmod(0o600)
    good = quick.status()
    settings.chmod(0o644)
    bad = quick.status()

    assert (good.settings.timeoutInSeconds, good.refused) == (7, "")
    assert (bad.settings.timeoutInSeconds, bad.refused) == (
        30,
        "its mode is -rw-r--r-- and must be 600",
    )


def test_second_run_is_told_who_holds_the_first(machine: Machine) -> None:
    machine.hook("app", "true")
    machine.told("pre", point="first")

    said = machine.told("pre", point="second")
    status = machine.status()
    after = machine.told("post", point="first")

    assert (said[0], said[1].split()[2]) == ("busy", "backup")
    assert (status.state, status.reason) == (State.TRANSITIONING, "backup")
    assert status.operation is not None
    assert status.operation.pid == said[1].split()[1]
    assert after[0] == "ok"


def test_guard_lets_applications_go_when_nobody_else_does(machine: Machine) -> None:
    seen = machine.folder / "seen"
    machine.hook("app", f"echo $1 >>{seen}")

    machine.told("pre", guard=1)
    wait_until(lambda: machine.status().state is State.FAILED)
    after = machine.told("post")

    assert seen.read_text().splitlines() == ["pre", "post"]
    assert after[0] == "late"
    assert machine.status().reason == "late"


def test_holder_that_died_holds_nothing(quick: Machine) -> None:
    quick.hook("app", "true")
    quick.told("pre", point="first", guard=30)
    operation = quick.status().operation
    assert operation is not None
    os.kill(int(operation.pid), 9)
    wait_until(lambda: is_gone(operation.pid))

    said = quick.told("pre", point="second")

    assert said[0] == "quiet"


def test_removal_waits_for_a_run_unless_it_is_forced(machine: Machine) -> None:
    seen = machine.folder / "seen"
    machine.hook("app", f"echo $1 >>{seen}")
    machine.told("pre")

    refused = machine.sent("remove")
    forced = machine.sent("remove", "force")

    assert (refused.returncode, refused.stdout.split()[:1]) == (75, [b"busy"])
    assert (forced.returncode, seen.read_text().split()) == (0, ["pre", "post"])
    assert machine.status().state is State.ABSENT
    assert (machine.conf / "hooks.d" / "app").exists()


def test_file_that_was_changed_or_is_missing_is_not_ready(quick: Machine) -> None:
    (quick.base / "lock.sh").write_text("# nothing\n")
    changed = quick.status()
    (quick.base / "lock.sh").unlink()
    missing = quick.status()
    quick.install()

    assert (changed.state, changed.reason) == (State.NOT_READY, "other-version")
    assert (missing.state, missing.reason) == (State.NOT_READY, "other-version")
    assert quick.status().state is State.READY


def test_files_that_arrived_damaged_take_nobodys_place(quick: Machine) -> None:
    quick.sent("prepare")
    (quick.base.parent / "extension.new" / "extension").write_text("half")

    done = quick.sent("install", bundle.digest(), *bundle.NAMES)

    assert (done.returncode, b"differs" in done.stderr) == (1, True)
    assert quick.sh(quick.base / "extension", "list").returncode == 0


def is_gone(pid: str) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"
