"""What is left of test failovers is cleaned up: expired ones, and those whose command was killed."""

import contextlib
from collections.abc import Callable, Iterator
from datetime import datetime

import msgspec

from holdfast.recovery.trial import Trial
from holdfast.recovery.trial_errors import TrialNotCleaned, TrialRunning
from holdfast.recovery.trial_folder import TrialFolder, tested_here
from holdfast.recovery.trial_running import TrialTools, clean, interrupted


def is_over_time(trial: Trial, now: datetime) -> bool:
    """One that nobody is at work on and that is not over was left by a killed command."""
    if not trial.is_over or trial.expires_at is None:
        return True
    return trial.expires_at <= now


def left_here(home: str) -> Iterator[Trial]:
    """All that is left of tests on this host, the running ones too."""
    for vm in tested_here(home):
        yield from TrialFolder(home, vm).left()


def has_to_tend(home: str, now: datetime) -> bool:
    """Whether it is worth to open the hypervisor; a running test looks like a killed one here."""
    return any(is_over_time(trial, now) for trial in left_here(home))


def clean_left(
    tools: TrialTools, *, only: Callable[[Trial], bool], note: str = ""
) -> Iterator[Trial]:
    """Those it was asked for, as they are afterwards; those at work are passed over."""
    for trial in tools.folder.left():
        if not only(trial):
            continue
        try:
            with tools.folder.at_work(trial):
                known = tools.folder.known(trial.id)
                if known is not None and known.cleaned_at is None and only(known):
                    yield clean(tools, interrupted(tools, known), note=note)
        except TrialRunning:
            continue


def keep_no_longer(folder: TrialFolder, *, only: Callable[[Trial], bool]) -> None:
    """Whoever tends what is left takes them away; nothing of the hypervisor's is needed for this."""
    for trial in folder.left():
        if trial.expires_at is None or not only(trial):
            continue
        with contextlib.suppress(TrialRunning), folder.at_work(trial):
            known = folder.known(trial.id)
            if known is not None and known.cleaned_at is None:
                folder.save(msgspec.structs.replace(known, expires_at=None))


def require_clean(trial: Trial) -> None:
    if trial.cleaned_at is None:
        raise TrialNotCleaned(name=trial.name, vm=trial.name, reason=trial.left)
