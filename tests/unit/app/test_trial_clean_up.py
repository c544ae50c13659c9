"""Cleaning up tests while the hypervisor cannot be asked."""

from datetime import timedelta
from pathlib import Path

import pytest

from holdfast.app.config import Settings
from holdfast.app.failover_test import clean_those
from holdfast.app.wiring import Session
from holdfast.hypervisor.errors import HostUnreachable
from holdfast.recovery.trial import Trial
from holdfast.recovery.trial_folder import TrialFolder
from holdfast.recovery.trial_tending import has_to_tend
from holdfast.replication.site import Site
from holdfast.testing.clock import FakeClock
from tests.unit.recovery.trials import NOON, VM, trial

NOBODY = "qemu+unix:///system?socket=/nonexistent"


def test_one_that_was_to_go_is_not_kept_any_longer(tmp_path: Path) -> None:
    folder = TrialFolder(str(tmp_path), VM)
    kept = {"cleaned_at": None, "expires_at": NOON + timedelta(hours=24)}
    asked, other = (folder.save(trial(number, **kept)) for number in (1, 2))
    session = Session(settings=Settings(home=str(tmp_path), libvirt=NOBODY), warn=pytest.fail)

    def is_asked(one: Trial) -> bool:
        return one.id == asked.id

    with pytest.raises(HostUnreachable):
        clean_those(session, VM, Site(tmp_path, FakeClock()), only=is_asked)

    (first, second) = folder.all()
    assert (first.expires_at, second) == (None, other)
    assert has_to_tend(str(tmp_path), NOON)
