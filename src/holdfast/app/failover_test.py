"""The use cases "test failover" and "failover cleanup": a machine beside the one that goes on."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from holdfast.app.recovery_here import Here, here, own_site
from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import list_domains
from holdfast.recovery.act_errors import NoReplicaHere
from holdfast.recovery.beginning import new_act_id
from holdfast.recovery.checks.seen import CheckSeen
from holdfast.recovery.choosing import choose_point
from holdfast.recovery.networks import kept_places, load_networks
from holdfast.recovery.policy import refusal
from holdfast.recovery.promoting import Place
from holdfast.recovery.record import ActKind
from holdfast.recovery.tested_points import tested_points
from holdfast.recovery.trial import Part, Trial, TrialWish
from holdfast.recovery.trial_folder import TrialFolder
from holdfast.recovery.trial_running import TrialTools, run_trial
from holdfast.recovery.trial_tending import clean_left, is_over_time, keep_no_longer, left_here
from holdfast.replication.replica_facts import ReplicaPoint
from holdfast.replication.site import Site


def _nobody_listens(_what: object) -> None:
    """Nothing is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Who hears of what while it is done."""

    on_trial: Callable[[Trial], None] = _nobody_listens
    on_part: Callable[[Part], None] = _nobody_listens
    on_checked: Callable[[CheckSeen], None] = _nobody_listens


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialDone:
    """`folder` has the record and the picture of its screen."""

    trial: Trial
    folder: Path


def try_failover(
    session: Session,
    vm: str,
    wish: TrialWish,
    *,
    who: str,
    is_drill: bool = False,
    listening: Listening | None = None,
) -> TrialDone:
    """To its verdict, which is no error; what keeps it from beginning is one."""
    with here(session, vm, who=who) as found:
        now = session.clock.now()
        site, points = _replica(found)
        tested = tested_points(found.home, found.vm)
        point = choose_point(points, wish.point, about=found.name, tested=tested)
        with trial_tools(session, found.vm, site, listening) as tools:
            trial = Trial(
                id=new_act_id(session.clock),
                vm=found.vm,
                name=found.name,
                trial_name=_free_name(tools, found.name),
                who=who,
                begun_at=now,
                wish=wish,
                generation=point.generation,
                taken_at=point.taken_at,
                consistency=point.consistency,
                newest_at=points[-1].taken_at,
                is_drill=is_drill,
            )
            done = run_trial(tools, trial)
    return TrialDone(trial=done, folder=tools.folder.place(done.id))


def clean_up(session: Session, vm: str | None, *, note: str = "") -> list[Trial]:
    """End what is left of tests of this machine, or of all; those at work are left alone."""
    home = session.settings.home
    if vm is None:
        machines = sorted({each.vm for each in left_here(home)})
    else:
        with here(session, vm, who="") as found:
            machines = [found.vm]
    done: list[Trial] = []
    for each in machines:
        done += clean_those(session, each, _site(session), only=lambda _trial: True, note=note)
    return done


def left_of(session: Session, vm: str | None) -> list[Trial]:
    """What is left of tests of this machine, by name or UUID, or of all."""
    found = left_here(session.settings.home)
    return [each for each in found if vm is None or vm in (each.name, each.vm)]


def clean_over_time(session: Session, site: Site) -> list[Trial]:
    """Those that have expired, and those whose command was killed."""
    now = session.clock.now()
    home = session.settings.home
    machines = sorted({each.vm for each in left_here(home) if is_over_time(each, now)})
    done: list[Trial] = []
    for each in machines:
        done += clean_those(session, each, site, only=lambda trial: is_over_time(trial, now))
    return done


def clean_those(
    session: Session, vm: str, site: Site, *, only: Callable[[Trial], bool], note: str = ""
) -> list[Trial]:
    """Of this machine, those it was asked for; where that cannot be now, soon by itself."""
    try:
        with trial_tools(session, vm, site) as tools:
            return list(clean_left(tools, only=only, note=note))
    except HoldfastError:
        keep_no_longer(TrialFolder(session.settings.home, vm), only=only)
        raise


@contextmanager
def trial_tools(
    session: Session, vm: str, site: Site, listening: Listening | None = None
) -> Iterator[TrialTools]:
    home, listening = session.settings.home, listening or Listening()
    kept = load_networks(home)
    with Host.open(session.settings.libvirt) as host:
        yield TrialTools(
            place=Place(host=host, site=site, clock=session.clock),
            folder=TrialFolder(home, vm),
            environment={"PATH": os.defpath, **session.settings.harmless},
            networks=kept_places(kept.test),
            addresses=kept.test_addresses,
            on_trial=listening.on_trial,
            on_part=listening.on_part,
            on_checked=listening.on_checked,
        )


def _site(session: Session) -> Site:
    site = own_site(session)
    if site is None:
        raise NoReplicaHere(about="")
    return site


def _replica(found: Here) -> tuple[Site, Sequence[ReplicaPoint]]:
    """A test is legal whatever else is under way: it touches nothing of that."""
    error = refusal(ActKind.TEST, found.standing())
    if error is not None:
        raise error
    facts = found.replica()
    if found.site is None or facts is None:
        raise NoReplicaHere(about=found.name)
    return found.site, facts.points


def _free_name(tools: TrialTools, name: str) -> str:
    """Two tests of one machine may run at a time, and neither is another machine."""
    taken = {domain.name for domain in list_domains(tools.place.host)}
    taken |= {trial.trial_name for trial in tools.folder.left()}
    number = 1
    while f"{name}-test-{number}" in taken:
        number += 1
    return f"{name}-test-{number}"
