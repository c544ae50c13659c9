"""Several machines backed up at once: in their turns, each for itself, and all ended together."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from itertools import groupby
from pathlib import Path

import pytest

from holdfast.app import vm_records
from holdfast.app.config import Settings
from holdfast.app.opening import open_vault
from holdfast.app.vaults import create
from holdfast.app.vm_backup import VmBackupOptions
from holdfast.app.vm_backups import VmOutcome, back_up_machines, protected_here
from holdfast.app.vm_errors import VmNoneProtected
from holdfast.app.vm_records import FreezeSettings, Protection
from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError
from holdfast.machines.progress import DiskProgress
from holdfast.machines.turn_files import TURNS, TurnWish, Waiting, turn
from holdfast.machines.turns import TurnLimits
from holdfast.testing.guests import Guest, Recipe
from holdfast.testing.hosts import KvmHost

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.timeout(600),
]


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """Machines that are off, a vault, and a session that lets one work at a time."""

    session: Session
    guests: tuple[Guest, ...]

    def options(self, *names: str) -> dict[str, VmBackupOptions]:
        names = names or tuple(guest.name for guest in self.guests)
        return {name: VmBackupOptions(vm=name, host="north") for name in names}

    def points(self) -> list[str]:
        vault = open_vault(self.session)
        return sorted(path for point in vault.snapshots() for path in point.paths)

    def leftovers(self) -> list[str]:
        home = Path(self.session.settings.home, "vms", TURNS)
        turns = [each for each in os.listdir(home) if each != "gate"]
        scratch = self.session.settings.vm_scratch
        return turns + (os.listdir(scratch) if os.path.isdir(scratch) else [])

    def session_with(self, **settings: object) -> Session:
        changed = replace(self.session.settings, **settings)  # type: ignore[arg-type]  # by name
        return replace(self.session, settings=changed)


@pytest.fixture(scope="module")
def machines(kvm_host: KvmHost) -> Iterator[tuple[Guest, ...]]:
    names = ("of-several-first", "of-several-second", "of-several-third")
    with contextlib.ExitStack() as stack:
        made = tuple(Guest(kvm_host, name, Recipe(disks=1)) for name in names)
        for guest in made:
            stack.callback(guest.remove)
        yield made


@pytest.fixture
def fleet(machines: tuple[Guest, ...], kvm_host: KvmHost, tmp_path: Path) -> Fleet:
    phrase = tmp_path / "passphrase"
    phrase.write_text("correct horse battery staple\n")
    phrase.chmod(0o600)
    settings = Settings(
        home=str(tmp_path / "home"),
        vault=str(tmp_path / "vault"),
        passphrase_file=str(phrase),
        libvirt=kvm_host.uri,
        vm_scratch=str(kvm_host.folder / "of-several"),
        vm_parallel=1,
        workers=1,
    )
    session = Session(settings=settings, warn=lambda _: None)
    create(session, settings.vault, lab=True)
    return Fleet(session=session, guests=machines)


def codes(outcomes: list[VmOutcome]) -> dict[str, str]:
    return {
        one.vm: one.error.code if isinstance(one.error, HoldfastError) else "made"
        for one in outcomes
    }


def note(at_work: list[str], name: str, _now: DiskProgress) -> None:
    at_work.append(name)


def test_each_has_its_own_result_and_one_that_fails_stops_no_other(fleet: Fleet) -> None:
    told: list[VmOutcome] = []
    at_work: list[str] = []
    names = [guest.name for guest in fleet.guests]
    options = {
        name: replace(each, on_progress=partial(note, at_work, name))
        for name, each in fleet.options("nobody", *names).items()
    }

    outcomes = back_up_machines(fleet.session, options, on_done=told.append)

    assert codes(outcomes) == {"nobody": "vm-missing", **dict.fromkeys(names, "made")}
    assert told == outcomes
    # One began when another had ended.
    assert sorted(name for name, _ in groupby(at_work)) == sorted(names)
    assert fleet.points() == sorted(f"/vm/{name}" for name in names)
    assert fleet.leftovers() == []


def test_whose_turn_does_not_come_makes_no_point_and_says_who_was_first(fleet: Fleet) -> None:
    session = fleet.session_with(vm_wait=timedelta(0))
    busy = TurnWish(
        vm="other",
        stores={},
        limits=TurnLimits(per_host=1, per_store=1),
        wait=timedelta(0),
        on_waiting=lambda _: None,
    )

    with turn(session.settings.home, busy, session.clock):
        outcomes = back_up_machines(session, fleet.options())

    assert set(codes(outcomes).values()) == {"vm-turn-not-come"}
    assert all("other (pid" in str(one.error) for one in outcomes)
    assert fleet.points() == []
    assert fleet.leftovers() == []


def test_ctrl_c_ends_all_of_them_also_those_that_wait(fleet: Fleet) -> None:
    waiting: list[Waiting] = []

    def interrupt(_: VmOutcome) -> None:
        raise KeyboardInterrupt

    options = {
        name: replace(each, on_waiting=waiting.append) for name, each in fleet.options().items()
    }
    with pytest.raises(KeyboardInterrupt):
        back_up_machines(fleet.session, options, on_done=interrupt)

    assert fleet.leftovers() == []
    # No lock is left either: all of them can be backed up at once.
    assert set(codes(back_up_machines(fleet.session, fleet.options())).values()) == {"made"}


def test_what_is_kept_with_the_protection_is_how_each_is_backed_up(
    fleet: Fleet, tmp_path: Path
) -> None:
    session, settings, guest = fleet.session, fleet.session.settings, fleet.guests[0]
    with pytest.raises(VmNoneProtected):
        protected_here(session)
    for one in fleet.guests[:2]:
        known = Protection(
            uuid=one.uuid,
            name=one.name,
            host=settings.libvirt,
            consistency="filesystem" if one is guest else "crash",
            freeze=FreezeSettings(every=3),
            since=session.clock.now(),
        )
        vm_records.save(settings.home, known)
    elsewhere = Protection(uuid="x", name="x", host="qemu:///other", since=session.clock.now())
    vm_records.save(settings.home, elsewhere)

    named = protected_here(session)
    wanted = {name: VmBackupOptions(vm=uuid, host="north") for name, uuid in named.items()}
    outcomes = back_up_machines(session, wanted)

    # It is off, and nobody knows whether in order.
    assert codes(outcomes) == {
        guest.name: "vm-not-consistent",
        fleet.guests[1].name: "made",
    }
    last = vm_records.load_last(settings.home, fleet.guests[1].uuid)
    assert last is not None
    assert (last.unfrozen, last.frozen_at) == (1, None)
