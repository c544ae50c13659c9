"""Reprotect: the old home follows what the machine does at its new host."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from holdfast.app.recovery_acting import acting, refused_unless
from holdfast.app.recovery_here import Here, Outcome, RecoveryWish
from holdfast.app.recovery_way_back import looked_at, other_host, through_to
from holdfast.app.replication_first_copy import FirstCopy
from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _
from holdfast.base.units import format_size
from holdfast.hypervisor.connection import Host
from holdfast.recovery.acts import OnStep, Step
from holdfast.recovery.desk import is_split, tidings_of
from holdfast.recovery.promotion_errors import (
    PromotionAccountReadsOnly,
    PromotionFolderClosed,
    PromotionSpaceShort,
)
from holdfast.recovery.record import ActKind, Stage
from holdfast.recovery.reprotecting import Reprotecting, United
from holdfast.recovery.source_notes import NotesFile
from holdfast.recovery.way_back_errors import (
    FoundThere,
    HomeKnowsNewer,
    NotItsSite,
    ProtectionOff,
    StillRunsAtHome,
    TargetUnsupported,
)
from holdfast.recovery.way_back_notes import (
    adoption_word,
    drop_asked,
    hold_record,
    keep_asked,
)
from holdfast.replication.adoption import Adopted, LookWish

# Errors about the way back itself, in the words of whoever is asked for it.
_OF_THE_WAY_BACK = (HomeKnowsNewer, NotItsSite, ProtectionOff, StillRunsAtHome, TargetUnsupported)
# Without these its home can take nothing in; the rest it lacks only when the machine comes back.
_NEEDED_NOW = (PromotionAccountReadsOnly, PromotionFolderClosed, PromotionSpaceShort)


def reprotect(here: Here, wish: RecoveryWish, on_step: OnStep) -> Outcome:  # noqa: ARG001  as all
    """At the host where the machine runs."""
    with acting(here, ActKind.REPROTECT, on_step) as begun, here.hypervisor() as host:
        word = adoption_word(here.record(), here.folder, act=begun.act.id)
        protecting = _Protecting(here=here, host=host, act=word)
        with refused_unless(begun, protecting.is_begun), protecting.alone:
            begun.perform(protecting.steps())
        return begun.finish(
            stage=protecting.stage, figures=protecting.figures, warnings=protecting.warnings
        )


@dataclass(slots=True, kw_only=True)
class InTheWay:
    """`problems` are what it would stop at now, `later` what its home lacks for the way back."""

    problems: list[HoldfastError] = field(default_factory=list)
    later: list[HoldfastError] = field(default_factory=list)
    # Its home was asked, and could say.
    is_whole: bool = False


def in_the_way_of_reprotect(here: Here) -> InTheWay:
    with here.hypervisor() as host:
        return _Protecting(here=here, host=host, act="").in_the_way()


@dataclass(slots=True, kw_only=True)
class _Protecting:
    here: Here
    host: Host
    # The word by which the old home knows this.
    act: str
    figures: dict[str, float] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    # Of its replication, from the question to the old home until it goes on from the answer: a log
    # of before that came in between would be of a replica that is none any more.
    alone: contextlib.ExitStack = field(init=False, default_factory=contextlib.ExitStack)
    _adopted: Adopted | None = field(init=False, default=None)

    @property
    def stage(self) -> Stage:
        """At its own home it is protected as ever."""
        is_home = self.here.record().promoted is None
        return Stage.PROTECTED if is_home else Stage.PROTECTED_IN_REVERSE

    def is_begun(self) -> bool:
        with self._at_hand(asks=False) as way:
            return way.is_begun()

    def steps(self) -> tuple[Step, ...]:
        return (
            Step(name="machine", do=self._look_at_machine),
            Step(name="way-back", do=self._reach),
            Step(name="adopt", do=self._adopt),
            Step(name="union", do=self._unite, is_done=self.is_begun),
            Step(name="reverse-copy", do=self._copy),
        )

    def in_the_way(self) -> InTheWay:
        seen = InTheWay()
        for look in (self._look_at_machine, lambda: self._look_there(seen)):
            try:
                look()
            except HoldfastError as err:
                seen.problems.append(err)
        seen.problems.extend(self._heard_of())
        # What two of them say is said once.
        seen.problems = list({str(err): err for err in seen.problems}.values())
        return seen

    def _heard_of(self) -> Iterator[HoldfastError]:
        """By what its home said last, which may not be to be reached now."""
        here = self.here
        record, heard = here.record(), tidings_of(here.home, here.vm)
        if record.promoted is None or heard is None:
            return
        told, ours = heard.tidings, record.epoch
        if told.epoch > ours:
            yield HomeKnowsNewer(about=here.name, theirs=told.epoch, ours=ours)
        elif is_split(record, told, machine_id=here.machine_id):
            yield StillRunsAtHome(about=here.name)

    def _look_there(self, seen: InTheWay) -> str:
        """What is over with the adoption is not asked for again."""
        to, record = other_host(self.here), self.here.record()
        with through_to(self.here.session, to, about=self.here.name) as peer:
            if self.is_begun():
                seen.is_whole = True
                return to.site
            wish = LookWish(epoch=record.epoch, is_forward=record.promoted is None)
            found = looked_at(peer, self.here.vm, wish)
        seen.is_whole = found is not None
        for error in found or ():
            if isinstance(error, _OF_THE_WAY_BACK):
                seen.problems.append(error)
            else:
                there = FoundThere(site=to.site, found=error)
                (seen.problems if isinstance(error, _NEEDED_NOW) else seen.later).append(there)
        return to.site

    def _look_at_machine(self) -> str:
        with self._at_hand(asks=False) as way:
            found = way.machine()
            return _("{vm} runs here").format(vm=found.name)

    def _reach(self) -> str:
        """Its home is looked at while nothing is changed there."""
        seen = InTheWay()
        site = self._look_there(seen)
        for problem in seen.problems:
            raise problem
        self.warnings += map(said_of_later, seen.later)
        return site

    def _adopt(self) -> str:
        with self._at_hand() as way:
            if way.is_begun():
                return ""
            self.alone.enter_context(way.folder.taken(self.here.clock))
            keep_asked(way.record, self.here.folder, act=self.act)
            self._adopted = way.adopt()
        size = format_size(sum(disk.size for disk in self._adopted.disks))
        said = _("disks: {disks}, together {size}, where they lie")
        return said.format(disks=len(self._adopted.disks), size=size)

    def _unite(self) -> str:
        with self._at_hand() as way:
            adopted = self._adopted or way.adopt()
            united = way.unite(adopted)
            written = way.recorded_bytes()
            way.begin(adopted, united)
        self.alone.close()
        self._let_go()
        self.figures["suspect_bytes"] = float(united.suspect_bytes + written)
        self.figures["compared_disks"] = float(len(united.compared))
        return _said(united, written)

    def _copy(self) -> str:
        """Until the other host has a point that was made here."""
        here = self.here
        settings = here.settings()
        assert settings is not None
        self._let_go()
        with self._at_hand(asks=False) as way:
            FirstCopy(
                session=here.session, settings=settings, on_progress=lambda _progress: None
            ).come_through(way.is_through)
            sent = way.folder.sent()
        drop_asked(here.folder)
        hold_record(here.home, here.vm, here.clock, "")
        copied = sent.walked_bytes if sent else 0
        self.figures["copied_bytes"] = float(copied)
        return _("sent: {size}").format(size=format_size(copied))

    def _let_go(self) -> None:
        """What it was once handed over for holds no more: it runs here, and is shipped from here."""
        notes = NotesFile(self.here.folder.path)
        notes.put(notes.now.released())
        self.here.change(stage=self.stage, fence=None)

    @contextlib.contextmanager
    def _at_hand(self, *, asks: bool = True) -> Iterator[Reprotecting]:
        here = self.here
        to = other_host(here)
        with contextlib.ExitStack() as stack:
            receiver = None
            if asks:
                receiver = stack.enter_context(through_to(here.session, to, about=here.name))
            yield Reprotecting(
                home=here.home,
                act=self.act,
                record=here.record(),
                host=self.host,
                site=here.site,
                receiver=receiver,
                to=to,
                clock=here.clock,
            )


def said_of_later(error: HoldfastError) -> str:
    """It goes on being protected all the same; before it can come back, this has to be mended."""
    return f"{error} → {error.advice} [{error.code}]"


def _said(united: United, written: int) -> str:
    suspect = format_size(united.suspect_bytes)
    said = _("may differ: {there} there, {here} written here").format(
        there=suspect, here=format_size(written)
    )
    if united.compared:
        targets = ", ".join(sorted(united.compared))
        said += "; " + _("compared as a whole: {disks}").format(disks=targets)
    return said
