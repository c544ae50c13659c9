"""Enable the replication of a machine: named steps, each kept; a failed one is where it goes on.

What the world says counts more than what was noted: both preflights and the way are looked at in
every run, and a copy that was begun goes on where it stopped.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import msgspec

from holdfast.app import replication_records
from holdfast.app.named_steps import LeftOut, taken, with_extension
from holdfast.app.replication_errors import (
    ReplicationElsewhere,
    ReplicationNotPossible,
    SpoolTooSmall,
    WayBackBarred,
)
from holdfast.app.replication_records import Enabling
from holdfast.app.vm_errors import VmPartlyProtectable
from holdfast.app.vm_protect import against, refused
from holdfast.app.vm_records import Step
from holdfast.app.wiring import Session
from holdfast.base.texts import N_, _
from holdfast.base.units import MIB, format_size
from holdfast.machines.preflight import Extent, MachineSeen, Sheet, Taken, Weight
from holdfast.machines.preflight_texts import sentence
from holdfast.recovery.way_back_errors import WayBackMissing
from holdfast.replication.settings import ReplicationSettings

TITLES = {
    "preflight": N_("Preflight here"),
    "way": N_("Way to the site"),
    "site": N_("Preflight at the site"),
    "way-back": N_("Way back"),
    "extension": N_("Guest extension"),
    "guest": N_("Readiness of the guest"),
    "settings": N_("Settings"),
    "autostart": N_("Start with the host"),
    "initial-copy": N_("First copy"),
    "first-cycle": N_("First cycle"),
}
# A slice of a first copy, and room to work: what a spool needs however large the disks are.
LEAST_SPOOL = 256 * MIB
_TAKEN = (Taken.TRACKED, Taken.COMPARED)
OnStep = Callable[[Step], None]


class Works(Protocol):
    """What the steps need done; the parts that replicate do it."""

    def require_account(self) -> None:
        """That this account may do more with the hypervisor than look: nothing comes back else."""

    def spool_free(self) -> int:
        """Bytes; raises when logs cannot be written there."""

    def reach(self) -> str:
        """DNS, TCP, TLS, who is there, and whether we may: the first that fails is raised."""

    def prepare(self) -> str:
        """The site's own preflight, and an empty replica there if there is none."""

    def way_back(self) -> str:
        """What this host is called at the site, which has tried to reach it."""

    def install_extension(self) -> str: ...

    def remove_extension(self) -> None: ...

    def look_at_guest(self) -> str:
        """What would keep it from coming up at the site; `LeftOut` where nobody can look."""

    def keep(self, settings: ReplicationSettings) -> None:
        """From here on it is replicated."""

    def take_autostart(self) -> str:
        """From here on it is not libvirt that starts it with its host."""

    def copy(self) -> str:
        """Comes back when the site has a point of it."""

    def cycle(self) -> str:
        """Comes back when a whole cycle was made after the first copy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One machine on its way to being replicated."""

    session: Session
    wanted: Enabling
    known: ReplicationSettings | None
    seen: MachineSeen
    sheet: Sheet
    works: Works

    def run(self, on_step: OnStep) -> Enabling:
        """Safe to call again after any failure."""
        now = self._begun()
        for name, do in (
            ("preflight", self._preflight),
            ("way", self.works.reach),
            ("site", self.works.prepare),
            ("way-back", self._way_back),
            ("extension", self._extension),
            ("guest", self.works.look_at_guest),
            ("settings", self._settings),
            ("autostart", self.works.take_autostart),
            ("initial-copy", self.works.copy),
            ("first-cycle", self.works.cycle),
        ):
            now = self._done(now, name, do, on_step)
        return now

    def _begun(self) -> Enabling:
        """A machine has one site: its changes are recorded for it."""
        to = self.wanted.wanted.to
        if self.known is not None and self.known.to.machine != to.machine:
            raise ReplicationElsewhere(
                about=self.seen.spec.name, site=self.known.to.site, wanted=to.site
            )
        before = replication_records.load(self.session.settings.home, self.seen.spec.uuid)
        return msgspec.structs.replace(self.wanted, steps=before.steps if before else ())

    def _done(self, now: Enabling, name: str, do: Callable[[], str], on_step: OnStep) -> Enabling:
        step, failure = taken(name, do, self.session.clock)
        now = now.with_step(step)
        replication_records.save(self.session.settings.home, now)
        on_step(step)
        if failure is not None:
            raise failure
        return now

    def _preflight(self) -> str:
        require(self.sheet, partly=self.wanted.partly)
        self.works.require_account()
        free = self.works.spool_free()
        if free < LEAST_SPOOL:
            raise SpoolTooSmall(
                about=self.sheet.name,
                folder=self.session.settings.home,
                free=format_size(free),
                needed=format_size(LEAST_SPOOL),
            )
        taken = [one for one in self.sheet.disks if one.taken in _TAKEN]
        size = format_size(sum(one.size or 0 for one in taken))
        said = _("disks: {disks}, together {size}; free for change logs: {free}")
        return said.format(disks=len(taken), size=size, free=format_size(free))

    def _way_back(self) -> str:
        """That what is at the site could be brought back: it gets here, and may write where it lies."""
        barred = [
            f"{disk.target}: {_place(self.seen, disk.target)}"
            for disk in self.sheet.disks
            if disk.taken in _TAKEN and self.seen.disks[disk.target].may_write is False
        ]
        if barred and self.wanted.one_way:
            raise LeftOut("; ".join(barred))
        if barred:
            raise WayBackBarred(about=self.sheet.name, reason="; ".join(barred))
        try:
            name = self.works.way_back()
        except WayBackMissing as err:
            if self.wanted.one_way:
                raise LeftOut(str(err.fields["reason"])) from err
            raise
        return _("where it lies can be written, and the site reaches this host as {name}").format(
            name=name
        )

    def _extension(self) -> str:
        if not self.wanted.wanted.app_every:
            raise LeftOut(_("its points need not be application-consistent"))
        if self.sheet.consistency != "application":
            raise LeftOut(_("the guest agent cannot run it"))
        return with_extension(self.works)

    def _settings(self) -> str:
        wanted = self.wanted.wanted
        paused = self.known.paused if self.known else None
        # Of what is not taken somebody was told, and has agreed to it.
        left_out = tuple(sorted(one.target for one in self.sheet.disks if one.taken not in _TAKEN))
        self.works.keep(msgspec.structs.replace(wanted, paused=paused, left_out=left_out))
        return _("to {site} each {seconds} s").format(site=wanted.to.site, seconds=wanted.every)


def require(sheet: Sheet, *, partly: bool) -> None:
    """That all of it can be replicated, or that somebody agreed to less."""
    if sheet.extent is Extent.WHOLE:
        return
    if sheet.extent is Extent.PARTLY:
        if not partly:
            reasons = "; ".join(f"{one.target}: {sentence(against(one))}" for one in refused(sheet))
            raise VmPartlyProtectable(about=sheet.name, reason=reasons)
        return
    reasons = "; ".join(
        f"{target}: {sentence(remark)}" if target else sentence(remark)
        for target, remark in sheet.all_remarks()
        if remark.weight is Weight.NOT
    )
    raise ReplicationNotPossible(about=sheet.name, reason=reasons)


def _place(seen: MachineSeen, target: str) -> str:
    disk = seen.spec.disk(target)
    return (disk.source if disk else None) or "-"
