"""What a point may claim of its guest, and that nothing leaves one frozen."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest

from holdfast.base.clock import Clock
from holdfast.base.errors import HoldfastError
from holdfast.hypervisor.agent_answers import Ended, GuestFilesystem, GuestSystem
from holdfast.hypervisor.errors import AgentRefused, AgentSilent, VmNotRunning
from holdfast.machines.downgrades import TEXTS, downgrade
from holdfast.machines.file_system_freeze import FileSystems, FreezeLimits
from holdfast.machines.freeze_mark import FreezeMark
from holdfast.machines.freezing import EXEC_COMMANDS, FREEZE_COMMANDS, HooksDone, Quiet
from holdfast.machines.points import Consistency
from holdfast.machines.stillness import Stilled
from holdfast.testing.clock import FakeClock

ALL = (*FREEZE_COMMANDS, *EXEC_COMMANDS)
LIMITS = FreezeLimits(freeze_seconds=5, dead_man_seconds=30)
_Answer = TypeVar("_Answer")


@dataclass
class Guest:
    """A guest's agent and what it would do, with everything that may be wrong with it."""

    clock: Clock
    mounted: int = 2
    commands: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(ALL, True))
    is_silent: HoldfastError | None = None
    freeze_fails: HoldfastError | None = None
    fsinfo_fails: HoldfastError | None = None
    mounts: tuple[tuple[str, str, str], ...] = (
        ("vda1", "/", "ext4"),
        ("vda1", "/snapshots", "ext4"),
        ("vdb1", "/data", "xfs"),
        ("loop0", "/snap/core", "squashfs"),
    )
    silent_thaws: int = 0
    sysrq: bool = True
    held: int = 0
    believes_frozen: bool = False
    fires_at: float | None = None
    done: list[str] = field(default_factory=list)

    def ask(self, command: str, answer: type[_Answer]) -> _Answer:
        if self.is_silent:
            raise self.is_silent
        assert command == "guest-info"
        known = [{"name": name, "enabled": on} for name, on in self.commands.items()]
        return msgspec.convert({"version": "7", "supported_commands": known}, answer)

    def system(self) -> GuestSystem:
        return GuestSystem(name="Some Linux", version=None, kernel=None, machine=None)

    def filesystems(self) -> tuple[GuestFilesystem, ...]:
        if self.fsinfo_fails:
            raise self.fsinfo_fails
        return tuple(
            GuestFilesystem(device=device, mountpoint=at, kind=kind, used_bytes=1, total_bytes=2)
            for device, at, kind in self.mounts
        )

    def is_frozen(self) -> bool:
        return self.believes_frozen

    def freeze(self, mountpoints: tuple[str, ...] = (), *, within: float = 60.0) -> int:
        self.done.append(f"freeze{list(mountpoints) or ''} within {within:g}")
        self.held = self.mounted
        self.believes_frozen = True
        if self.freeze_fails:
            raise self.freeze_fails
        return self.held

    def thaw(self, *, within: float = 10.0) -> int:
        self.clock.sleep(within if self.silent_thaws else 0)
        self._let_time_pass()
        if self.silent_thaws:
            self.silent_thaws -= 1
            raise AgentSilent(about="web", reason="no answer")
        self.done.append("thaw")
        self.believes_frozen = False
        let_go, self.held = self.held, 0
        return let_go

    def run(self, argv: Sequence[str], *, stdin: bytes = b"", within: float = 60.0) -> Ended:
        assert (stdin, within > 0) == (b"", True)
        self._let_time_pass()
        if not self.sysrq:
            return Ended(status=3, out=b"", err=b"no sysrq")
        if argv[3].startswith("holdfast-dead-man"):
            self.done.append(f"arm {argv[4]}")
            self.fires_at = self.clock.monotonic() + float(argv[4])
            return Ended(status=0, out=b"77\n", err=b"")
        self.done.append("disarm")
        waits, self.fires_at = self.fires_at is not None, None
        return Ended(status=0, out=b"held\n" if waits else b"fired\n", err=b"")

    def _let_time_pass(self) -> None:
        if self.fires_at is not None and self.clock.monotonic() >= self.fires_at:
            self.held, self.fires_at = 0, None


@dataclass
class Applications:
    """Hooks that do as they are told."""

    told: HooksDone
    at_the_end: HooksDone = field(default_factory=HooksDone)
    done: list[str] = field(default_factory=list)

    def before(self) -> HooksDone:
        self.done.append("before")
        return self.told

    def after(self) -> HooksDone:
        self.done.append("after")
        return self.at_the_end


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def guest(clock: FakeClock) -> Guest:
    return Guest(clock)


@pytest.fixture
def mark(tmp_path: Path) -> FreezeMark:
    return FreezeMark(str(tmp_path), "uuid")


def stillness(
    guest: Guest,
    mark: FreezeMark,
    hooks: Applications | None = None,
    limits: FreezeLimits = LIMITS,
) -> Quiet:
    file_systems = FileSystems(guest, guest, guest.clock, about="web", mark=mark)
    return Quiet(guest, file_systems, hooks=hooks, limits=limits)


def one_instant(quiet: Quiet, clock: FakeClock, *, seconds: float = 0.1) -> Stilled:
    with quiet.held():
        clock.sleep(seconds)
    return quiet.outcome()


def fail_in(quiet: Quiet) -> None:
    with quiet.held():
        raise ZeroDivisionError


def codes(stilled: Stilled) -> list[str]:
    return [reason.code for reason in stilled.downgrades]


def test_guest_is_frozen_between_arming_and_disarming(
    guest: Guest, mark: FreezeMark, clock: FakeClock
) -> None:
    stilled = one_instant(stillness(guest, mark), clock)

    assert guest.done == ["arm 30", "freeze within 5", "thaw", "disarm"]
    assert (stilled.consistency, codes(stilled)) == (Consistency.FILESYSTEM, ["extension-absent"])
    assert stilled.agent is not None
    assert (stilled.agent.frozen, stilled.agent.thawed, stilled.agent.os) == (2, 2, "Some Linux")
    assert stilled.freeze_ms == pytest.approx(100)


def test_applications_that_were_quiet_make_an_application_point(
    guest: Guest, mark: FreezeMark, clock: FakeClock
) -> None:
    hooks = Applications(HooksDone(quiet=1, extension="1", extension_state="ready"))

    stilled = one_instant(stillness(guest, mark, hooks), clock)

    assert (stilled.consistency, stilled.downgrades) == (Consistency.APPLICATION, ())
    assert hooks.done == ["before", "after"]
    assert stilled.agent is not None
    assert stilled.agent.extension_state == "ready"


@pytest.mark.parametrize(
    ("hooks", "consistency", "reasons"),
    [
        (Applications(HooksDone()), "filesystem", ["no-hooks"]),
        (
            Applications(HooksDone(quiet=1, downgrades=(downgrade("hook-failed"),))),
            "filesystem",
            ["hook-failed"],
        ),
        (
            Applications(HooksDone(quiet=1), HooksDone(downgrades=(downgrade("hook-failed"),))),
            "filesystem",
            ["hook-failed"],
        ),
        (Applications(HooksDone(quiet=1, may_freeze=False)), "crash", ["freeze-off"]),
    ],
)
def test_a_point_claims_no_more_than_its_hooks_said(
    guest: Guest,
    mark: FreezeMark,
    clock: FakeClock,
    *,
    hooks: Applications,
    consistency: str,
    reasons: list[str],
) -> None:
    stilled = one_instant(stillness(guest, mark, hooks), clock)

    assert (stilled.consistency, codes(stilled)) == (consistency, reasons)


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ({"is_silent": AgentSilent(about="web", reason="-")}, "guest-agent-silent"),
        ({"is_silent": VmNotRunning(about="web")}, "guest-not-running"),
        ({"commands": dict.fromkeys(FREEZE_COMMANDS, True)}, "agent-too-old"),
        ({"commands": dict.fromkeys(ALL, True) | {"guest-exec": False}}, "agent-blocks"),
        ({"sysrq": False}, "no-dead-man"),
        ({"believes_frozen": True}, "already-frozen"),
    ],
)
def test_what_cannot_be_frozen_and_thawed_for_sure_is_not_frozen(
    guest: Guest, mark: FreezeMark, clock: FakeClock, *, trouble: dict[str, object], reason: str
) -> None:
    for name, value in trouble.items():
        setattr(guest, name, value)

    stilled = one_instant(stillness(guest, mark), clock)

    assert (stilled.consistency, codes(stilled)[-1:]) == (Consistency.CRASH, [reason])
    assert not any(act.startswith("freeze") for act in guest.done)


def test_instant_that_outlasts_the_dead_man_is_as_after_a_power_failure(
    guest: Guest, mark: FreezeMark, clock: FakeClock
) -> None:
    stilled = one_instant(stillness(guest, mark), clock, seconds=31)

    assert (stilled.consistency, codes(stilled)[-1]) == (Consistency.CRASH, "thaw-differs")
    assert (guest.held, guest.believes_frozen) == (0, False)


def test_freeze_given_up_is_thawed_before_the_instant(
    guest: Guest, mark: FreezeMark, clock: FakeClock
) -> None:
    guest.freeze_fails = AgentRefused(about="web", command="guest-fsfreeze-freeze", reason="slow")
    held = []

    quiet = stillness(guest, mark)
    with quiet.held():
        held.append(guest.held)

    assert (held, guest.done[-2:]) == ([0], ["thaw", "disarm"])
    assert quiet.outcome().consistency == Consistency.CRASH
    assert codes(quiet.outcome())[-1] == "freeze-failed"


def test_thaw_is_asked_for_until_the_agent_answers(
    guest: Guest, mark: FreezeMark, clock: FakeClock
) -> None:
    guest.silent_thaws = 2

    stilled = one_instant(stillness(guest, mark), clock)

    assert (stilled.consistency, guest.held) == (Consistency.FILESYSTEM, 0)


def test_agent_that_is_gone_leaves_the_thaw_to_the_dead_man_and_a_note(
    guest: Guest, mark: FreezeMark, clock: FakeClock
) -> None:
    guest.silent_thaws = 1000

    stilled = one_instant(stillness(guest, mark), clock)

    assert (stilled.consistency, codes(stilled)[-1]) == (Consistency.CRASH, "agent-lost")
    assert guest.held == 0
    assert mark.is_set()


def test_an_error_in_the_instant_thaws_and_goes_on(guest: Guest, mark: FreezeMark) -> None:
    hooks = Applications(HooksDone(quiet=1))

    with pytest.raises(ZeroDivisionError):
        fail_in(stillness(guest, mark, hooks))

    assert guest.done[-2:] == ["thaw", "disarm"]
    assert hooks.done == ["before", "after"]
    assert not mark.is_set()


def test_no_file_system_is_no_freeze(guest: Guest, mark: FreezeMark, clock: FakeClock) -> None:
    guest.mounted = 0

    stilled = one_instant(stillness(guest, mark), clock)

    assert (stilled.consistency, codes(stilled)[-1]) == (Consistency.CRASH, "nothing-frozen")


@pytest.mark.parametrize(
    ("chosen", "missed"),
    [(("/", "/data"), ""), (("/snapshots", "/data"), ""), (("/",), "/data"), (("/dta",), "/")],
)
def test_a_list_of_mount_points_makes_a_consistent_point_only_if_it_leaves_nothing_out(
    guest: Guest, mark: FreezeMark, clock: FakeClock, *, chosen: tuple[str, ...], missed: str
) -> None:
    hooks = Applications(HooksDone(quiet=1))
    limits = replace(LIMITS, mountpoints=chosen)

    stilled = one_instant(stillness(guest, mark, hooks, limits), clock)

    assert f"freeze{list(chosen)} within 5" in guest.done
    assert guest.done[-2:] == ["thaw", "disarm"]
    if missed:
        assert (stilled.consistency, codes(stilled)) == (Consistency.CRASH, ["partly-frozen"])
        assert missed in stilled.downgrades[0].reason
    else:
        assert (stilled.consistency, stilled.downgrades) == (Consistency.APPLICATION, ())


def test_what_a_list_leaves_out_is_not_guessed(
    guest: Guest, mark: FreezeMark, clock: FakeClock
) -> None:
    guest.fsinfo_fails = AgentSilent(about="web", reason="no answer")
    limits = replace(LIMITS, mountpoints=("/", "/data"))

    stilled = one_instant(stillness(guest, mark, limits=limits), clock)

    assert (stilled.consistency, codes(stilled)[-1]) == (Consistency.CRASH, "partly-frozen")


def test_a_note_that_was_torn_names_no_dead_man(tmp_path: Path) -> None:
    mark = FreezeMark(str(tmp_path), "uuid")
    (tmp_path / "vms").mkdir()
    (tmp_path / "vms" / "uuid.frozen").write_bytes(b'{"dead_m')

    assert mark.is_set()
    assert mark.dead_man() is None


def test_every_code_has_words() -> None:
    assert all(downgrade(code).reason for code in TEXTS)
