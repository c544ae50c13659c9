"""Enable protection of a virtual machine: named steps, each kept; a failed one is where it goes on.

What the world says counts more than what was noted: the preflight and the agent are looked at in
every run, and a step that is done is not done again.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import msgspec

from holdfast.app import vm_records
from holdfast.app.named_steps import LeftOut, taken, with_extension
from holdfast.app.vm_errors import (
    VmDiskTooLarge,
    VmLessConsistent,
    VmNeverFrozen,
    VmNotProtectable,
    VmPartlyProtectable,
)
from holdfast.app.vm_records import FreezeSettings, Protection, Step
from holdfast.app.wiring import Session
from holdfast.base.texts import N_, _
from holdfast.base.units import format_size
from holdfast.machines.backup_errors import VmBitmapImpossible
from holdfast.machines.layers import generation_of
from holdfast.machines.overlay_errors import VmOverlayImpossible
from holdfast.machines.preflight import (
    DiskSheet,
    Extent,
    Limits,
    MachineSeen,
    Remark,
    Sheet,
    Taken,
    Weight,
    overlay_obstacles,
)
from holdfast.machines.preflight_texts import sentence
from holdfast.machines.tracking import Tracking

CLASSES = ("crash", "filesystem", "application")
TITLES = {
    "preflight": N_("Preflight"),
    "agent": N_("Guest agent"),
    "extension": N_("Guest extension"),
    "first-backup": N_("First backup"),
    "settings": N_("Settings"),
}
OnStep = Callable[[Step], None]


class Works(Protocol):
    """What the steps need done; the commands of other parts do it."""

    def install_extension(self) -> str:
        """Install or update it; what there is to say. Raises what went wrong."""

    def remove_extension(self) -> None: ...

    def has_point(self) -> bool: ...

    def back_up(self, least: str) -> str: ...

    def give_overlays_back(self) -> None:
        """Each disk is in its own image again, if it was not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezeWish:
    """What is to be kept from now on; None: what was kept before."""

    never: bool | None = None
    # None named: all that the guest agent finds.
    mounts: tuple[str, ...] | None = None
    # For each so many-th point, or when so many seconds have passed.
    every: int | None = None
    every_seconds: int | None = None

    def applied_to(self, kept: FreezeSettings) -> FreezeSettings:
        told = {
            name: value
            for name in ("never", "mounts", "every", "every_seconds")
            if (value := getattr(self, name)) is not None
        }
        return msgspec.structs.replace(kept, **told)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is None stays as it was kept by a run before."""

    # The least class a point may have.
    consistency: str | None = None
    # How changes are recorded: auto, bitmap, overlay or hash.
    tracking: str | None = None
    # Agree to disks that cannot be taken.
    partly: bool = False
    freeze: FreezeWish = FreezeWish()
    # Empty: as the settings say.
    scratch: str | None = None
    limits: Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One machine on its way to being protected."""

    session: Session
    wanted: Wanted
    seen: MachineSeen
    sheet: Sheet
    works: Works

    def run(self, on_step: OnStep) -> Protection:
        """Safe to call again after any failure."""
        known = kept = self._begun()
        require_sense(kept)
        known = self._done(known, "preflight", lambda: self._preflight(kept), on_step)
        known = self._done(known, "agent", lambda: self._agent(kept), on_step)
        known = self._done(known, "extension", lambda: self._extension(kept), on_step)
        known = self._done(known, "first-backup", lambda: self._first_backup(kept), on_step)
        # From here on it is protected: the last step is the note itself.
        known = msgspec.structs.replace(known, since=known.since or self.session.clock.now())
        return self._done(known, "settings", lambda: self._settings(kept), on_step)

    def _begun(self) -> Protection:
        """What was kept of a run before, with what is asked for now."""
        spec = self.seen.spec
        known = vm_records.load(self.session.settings.home, spec.uuid)
        known = known or Protection(uuid=spec.uuid, name=spec.name, host="")
        scratch = self.wanted.scratch
        return msgspec.structs.replace(
            known,
            name=spec.name,
            host=self.session.settings.libvirt,
            consistency=self.wanted.consistency or known.consistency,
            tracking=self.wanted.tracking or known.tracking,
            freeze=self.wanted.freeze.applied_to(known.freeze),
            scratch=known.scratch if scratch is None else scratch,
            left_out={one.target: against(one).code for one in refused(self.sheet)},
        )

    def _done(
        self, known: Protection, name: str, do: Callable[[], str], on_step: OnStep
    ) -> Protection:
        step, failure = taken(name, do, self.session.clock)
        known = known.with_step(step)
        vm_records.save(self.session.settings.home, known)
        on_step(step)
        if failure is not None:
            raise failure
        return known

    def _preflight(self, kept: Protection) -> str:
        require(self.sheet, partly=self.wanted.partly)
        require_tracking(self.seen, self.sheet, kept.tracking)
        taken = [one for one in self.sheet.disks if one.taken in (Taken.TRACKED, Taken.COMPARED)]
        size = format_size(sum(one.size or 0 for one in taken))
        return _("disks: {disks}, together {size}").format(disks=len(taken), size=size)

    def _agent(self, kept: Protection) -> str:
        best, least = self.sheet.consistency, kept.consistency
        if CLASSES.index(best) < CLASSES.index(least):
            raise VmLessConsistent(about=self.sheet.name, best=best, wanted=least)
        agent = self.seen.agent
        if agent is None or not agent.answers:
            raise LeftOut(_("it does not answer; points are {best}").format(best=best))
        return _("version {version}; points can be {best}").format(version=agent.version, best=best)

    def _extension(self, kept: Protection) -> str:
        if kept.freeze.never:
            raise LeftOut(_("this machine is never frozen"))
        if self.sheet.consistency != "application":
            raise LeftOut(_("the guest agent cannot run it"))
        return with_extension(self.works)

    def _first_backup(self, kept: Protection) -> str:
        if self.works.has_point():
            return _("the vault has a point of it")
        return self.works.back_up(kept.consistency)

    def _settings(self, kept: Protection) -> str:
        has_overlays = any(generation_of(disk.source or "") for disk in self.seen.spec.disks)
        if has_overlays and kept.tracking != Tracking.OVERLAY:
            self.works.give_overlays_back()
        return ""


def require_sense(kept: Protection) -> None:
    """That a machine whose points must be more than crash-consistent is frozen for them."""
    if kept.consistency != "crash" and kept.freeze.never:
        raise VmNeverFrozen(about=kept.name, wanted=kept.consistency)


def require_tracking(seen: MachineSeen, sheet: Sheet, tracking: str) -> None:
    """That the machine's changes can be recorded as somebody asked for by name."""
    taken = {one.target for one in sheet.disks if one.taken in (Taken.TRACKED, Taken.COMPARED)}
    if tracking == Tracking.OVERLAY:
        found = {target: why for target, why in overlay_obstacles(seen).items() if target in taken}
        if not seen.is_persistent:
            found["-"] = "transient-machine"
        if found:
            reasons = ", ".join(f"{target}: {why}" for target, why in found.items())
            raise VmOverlayImpossible(about=sheet.name, reasons=reasons)
    compared = [one.target for one in sheet.disks if one.taken is Taken.COMPARED]
    if tracking == Tracking.BITMAP and compared:
        raise VmBitmapImpossible(about=sheet.name, disks=", ".join(compared))


def refused(sheet: Sheet) -> list[DiskSheet]:
    return [one for one in sheet.disks if one.taken is Taken.REFUSED]


def against(disk: DiskSheet) -> Remark:
    """Why it cannot be taken: the first reason."""
    return next(one for one in disk.remarks if one.weight is Weight.NOT)


def require(sheet: Sheet, *, partly: bool = False) -> None:
    """That all of it can be protected, or that somebody agreed to less."""
    if sheet.extent is Extent.WHOLE:
        return
    reasons = "; ".join(_reasons(sheet))
    if sheet.extent is Extent.PARTLY:
        if not partly:
            raise _too_large(sheet) or VmPartlyProtectable(about=sheet.name, reason=reasons)
        return
    raise _too_large(sheet) or VmNotProtectable(about=sheet.name, reason=reasons)


def _reasons(sheet: Sheet) -> Iterator[str]:
    for target, remark in sheet.all_remarks():
        if remark.weight is Weight.NOT:
            yield f"{target}: {sentence(remark)}" if target else sentence(remark)


def _too_large(sheet: Sheet) -> VmDiskTooLarge | None:
    """Has a code of its own, because people search for it by the original one."""
    found = [(one.target, against(one)) for one in refused(sheet)]
    if not found or any(remark.code != "disk-too-large" for _target, remark in found):
        return None
    target, remark = found[0]
    shown = {name: format_size(int(str(value))) for name, value in remark.values.items()}
    return VmDiskTooLarge(disk=target, about=sheet.name, **shown)
