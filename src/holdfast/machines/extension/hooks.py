"""The hooks of a guest, run by its extension before and after the instant of a point."""

import contextlib
import secrets
from dataclasses import dataclass
from typing import Final

from holdfast.base.errors import HoldfastError
from holdfast.hypervisor.agent_answers import Program
from holdfast.hypervisor.errors import GuestFileUnavailable
from holdfast.machines.downgrades import downgrade, downgrade_by
from holdfast.machines.extension import bundle
from holdfast.machines.extension.errors import (
    ExtensionBroken,
    ExtensionHooksFailed,
    ExtensionStartTimedOut,
    HookSettingsRefused,
)
from holdfast.machines.extension.hook_runs import HookRun, read_hooks
from holdfast.machines.extension.in_guest import InGuest, busy
from holdfast.machines.extension.settings import LONGEST_SECONDS, HookSettings
from holdfast.machines.extension.states import State, Status
from holdfast.machines.freezing import HooksDone
from holdfast.machines.points import Downgrade

_FIRST_LOOK_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class HookLimits:
    """The guard in the guest lets applications go when nobody else has after that long."""

    start_seconds: float = 60.0
    guard_seconds: int = 90


@dataclass(frozen=True, slots=True)
class Ran:
    """How one run ended, in the guest's words."""

    result: str
    lines: tuple[str, ...]

    @property
    def hooks(self) -> tuple[HookRun, ...]:
        return read_hooks(self.lines)


class ExtensionHooks:
    """The Hooks of holdfast.machines.freezing, for one instant."""

    def __init__(self, guest: InGuest, limits: HookLimits | None = None) -> None:
        self._guest = guest
        self._limits = limits or HookLimits()
        self._settings = HookSettings()
        self._id = secrets.token_hex(8)
        self._is_quiet = False

    def before(self) -> HooksDone:
        try:
            status = self._guest.status()
        except HoldfastError as err:
            return HooksDone(downgrades=(downgrade_by(err),))
        self._settings = status.settings
        quiet, reasons = 0, self._unready(status)
        if not reasons:
            quiet, reasons = self._told("pre")
            self._is_quiet = not reasons
        self._insist(reasons)
        return HooksDone(
            quiet=quiet,
            downgrades=reasons,
            may_freeze=self._settings.fsFreezeEnabled,
            extension=status.version,
            extension_state=status.state,
        )

    def after(self) -> HooksDone:
        if not self._is_quiet:
            return HooksDone()
        _, reasons = self._told("post")
        self._insist(reasons)
        return HooksDone(downgrades=reasons)

    def _unready(self, status: Status) -> tuple[Downgrade, ...]:
        if status.refused:
            refused = HookSettingsRefused(about=self._guest.about, reason=status.refused)
            return (downgrade_by(refused),)
        if status.state is State.ABSENT:
            return (downgrade("extension-absent"),)
        if status.state is State.NOT_READY:
            return (downgrade("extension-not-ready", status.reason),)
        # One that is busy says so itself when it is asked, and by whom.
        return ()

    def _insist(self, reasons: tuple[Downgrade, ...]) -> None:
        if reasons and not self._settings.continueBackupOnFailure:
            reason = "; ".join(reason.reason for reason in reasons)
            raise ExtensionHooksFailed(about=self._guest.about, reason=reason)

    def _told(self, verb: str) -> tuple[int, tuple[Downgrade, ...]]:
        """How many applications did as they were told, and what went wrong."""
        try:
            ran = self._run(verb)
        except HoldfastError as err:
            return 0, (downgrade_by(err),)
        if ran.result == "busy":
            return 0, (downgrade_by(busy(ran.lines[0], about=self._guest.about)),)
        if ran.result == "late":
            seconds = self._limits.guard_seconds
            return 0, (downgrade("applications-let-go", f"{seconds} s"),)
        if failed := [hook for hook in ran.hooks if hook.status != 0]:
            return 0, (downgrade("hook-failed", "; ".join(map(str, failed))),)
        if ran.result not in {"quiet", "ok"}:
            broken = ExtensionBroken(about=self._guest.about, reason=ran.result or "-")
            return 0, (downgrade_by(broken),)
        return sum(hook.verb == verb for hook in ran.hooks), ()

    def _run(self, verb: str) -> Ran:
        words = [verb, self._id, str(self._limits.guard_seconds)]
        argv = ["/bin/sh", f"{bundle.FOLDER}/extension", *words]
        pid = self._guest.programs.launch(argv, stdin=self._settings.plan())
        prefix = "" if verb == "pre" else "post-"
        folder = f"{bundle.RUN}/{self._id}/{prefix}"
        try:
            self._wait_for(f"{folder}started", pid, within=self._limits.start_seconds)
        except ExtensionStartTimedOut:
            self._kill(pid)
            raise
        # All that it runs ends in its own time; this is for a guest that has stopped.
        content = self._wait_for(f"{folder}result", pid, within=2.0 * LONGEST_SECONDS)
        result, *lines = content.decode(errors="replace").splitlines() or [""]
        return Ran(result, tuple(lines))

    def _wait_for(self, path: str, pid: int, *, within: float) -> bytes:
        clock = self._guest.clock
        deadline = clock.monotonic() + within
        pause, has_ended = _FIRST_LOOK_SECONDS, False
        while True:
            with contextlib.suppress(GuestFileUnavailable):
                return self._guest.files.read(path, at_most=1 << 20)
            if has_ended:
                reason = f"it ended without {path}"
                raise ExtensionBroken(about=self._guest.about, reason=reason)
            if clock.monotonic() >= deadline:
                raise ExtensionStartTimedOut(about=self._guest.about, seconds=within)
            clock.sleep(pause)
            pause = min(pause * 2, self._settings.pollSeconds)
            # It is looked at once more after its end: it may have written it just before.
            has_ended = self._has_ended(pid)

    def _has_ended(self, pid: int) -> bool:
        return self._guest.agent.ask("guest-exec-status", Program, {"pid": pid}).exited

    def _kill(self, pid: int) -> None:
        with contextlib.suppress(HoldfastError):
            self._guest.programs.run(["kill", "-9", str(pid)], within=10)
