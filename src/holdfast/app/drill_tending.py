"""What `replication serve` does about tests: cleans up what is left of them, and begins drills.

A drill is a process of its own: it takes minutes, and may end without taking the site along.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError
from holdfast.base.programs import Service, start_service
from holdfast.recovery.drills.drill import Drill, due_drill
from holdfast.recovery.drills.drill_folder import FOLDER, DrillFolder, drills_here
from holdfast.recovery.record_folder import RecordFolder
from holdfast.recovery.trial_tending import has_to_tend
from holdfast.replication.site import Site

_CHILD = "holdfast.cli.drill_child"
_LOG = "drills.log"
_LOG_MOST = 1 << 20
_PATIENCE = 120.0

Warn = Callable[[str, HoldfastError], None]


class TrialTender:
    """One drill at a time: two at once would measure each other."""

    def __init__(self, session: Session, site: Site, warn: Warn) -> None:
        self._session = session
        self._site = site
        self._warn = warn
        self._child: Service | None = None

    def tick(self) -> None:
        try:
            self._clean()
            self._begin_what_is_due()
        except HoldfastError as err:
            self._warn("drills", err)

    def end(self) -> None:
        """A drill that is under way cleans up and ends."""
        if self._is_busy():
            assert self._child is not None
            self._child.end(patience=_PATIENCE)

    def _clean(self) -> None:
        home, now = self._session.settings.home, self._session.clock.now()
        if not has_to_tend(home, now):
            return
        # Only now: a site without a hypervisor has nothing to clean, and need not have its library.
        from holdfast.app.failover_test import clean_over_time

        for trial in clean_over_time(self._session, self._site):
            DrillFolder(home, trial.vm).follow(trial)

    def _begin_what_is_due(self) -> None:
        if self._is_busy():
            return
        home, now = self._session.settings.home, self._session.clock.now()
        for drill in drills_here(home):
            found = due_drill(drill, now)
            if found is None or _is_in_need(home, drill):
                continue
            # Written first: killed in between, it is missed once, and not begun again and again.
            DrillFolder(home, drill.vm).save(msgspec.structs.replace(drill, last=found.nominal))
            self._child = self._begun(drill)
            return

    def _is_busy(self) -> bool:
        return self._child is not None and self._child.status() is None

    def _begun(self, drill: Drill) -> Service:
        log = Path(self._session.settings.home, FOLDER, _LOG)
        is_long = log.exists() and log.stat().st_size > _LOG_MOST
        with open(log, "wb" if is_long else "ab", opener=_private) as said:
            return start_service(
                [sys.executable, "-m", _CHILD, drill.vm],
                environment=_environment(self._session),
                log=said,
            )


def _is_in_need(home: str, drill: Drill) -> bool:
    """Something real is under way with the machine: the drill can wait."""
    record = RecordFolder(home, drill.vm).load()
    return record is not None and record.act is not None


def _environment(session: Session) -> dict[str, str]:
    settings = session.settings
    said = {
        "HOLDFAST_HOME": settings.home,
        "HOLDFAST_LANG": settings.lang,
        "HOLDFAST_LIBVIRT": settings.libvirt,
    }
    return {**settings.harmless, **{name: value for name, value in said.items() if value}}


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
