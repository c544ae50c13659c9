"""Machines of a real host: listed, protected step by step, looked at by the doctor, let go."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.app.config import Settings
from holdfast.app.own_probes import tell
from holdfast.app.setup_errors import VaultNotNamed
from holdfast.app.vaults import create
from holdfast.app.vm_backup import VmBackupOptions, back_up_machine
from holdfast.app.vm_look import answers
from holdfast.app.vm_protect import Wanted
from holdfast.app.vm_records import Step, load
from holdfast.app.vm_works import protect, unprotect
from holdfast.app.vms import list_vms
from holdfast.app.wiring import Session
from holdfast.doctor.artefacts import from_text
from holdfast.doctor.diagnosis import diagnose
from holdfast.doctor.loading import load as load_catalogue
from holdfast.doctor.matching import symptoms_for
from holdfast.doctor.model import State
from holdfast.doctor.reading import Reading
from holdfast.doctor.vm_facts import VM_KINDS
from holdfast.hypervisor.checkpoints import list_checkpoints
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.console import Console
from holdfast.hypervisor.domains import Domain
from holdfast.hypervisor.guest_agent import GuestAgent
from holdfast.machines.points import Rung
from holdfast.machines.preflight import Limits, Taken
from holdfast.testing.doctor_cases import verdicts
from holdfast.testing.guests import Guest, Recipe
from holdfast.testing.hosts import KvmHost
from holdfast.testing.still_machine import StillMachine
from holdfast.testing.waiting import wait_until
from tests.machines_bench import MARKS, NewGuest

pytestmark = MARKS
LIMITS = Limits()


@pytest.fixture(scope="module")
def session(kvm_host: KvmHost, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    folder = tmp_path_factory.mktemp("protection")
    phrase = folder / "passphrase"
    phrase.write_text("correct horse battery staple\n")
    phrase.chmod(0o600)
    scratch = kvm_host.folder / "protected"
    settings = Settings(
        home=str(folder / "home"),
        vault=str(folder / "vault"),
        passphrase_file=str(phrase),
        libvirt=kvm_host.uri,
        vm_scratch=str(scratch),
        workers=1,
    )
    session = Session(settings=settings, warn=print)
    create(session, settings.vault, lab=True)
    yield session
    shutil.rmtree(scratch, ignore_errors=True)


@pytest.fixture
def protected(session: Session, lasting_domain: Domain) -> Iterator[Domain]:
    """Made so by the first test that asks, and let go by each: the machine is as it was."""
    protect(session, lasting_domain.name, Wanted(limits=LIMITS), on_step=lambda _: None)
    yield lasting_domain
    unprotect(session, lasting_domain.name)


def _found(session: Session, asked: str = "vm.basic-checks") -> dict[str, str]:
    """The causes that are confirmed by what can be seen now, with what each says."""
    with ThreadPoolExecutor() as pool:
        told = dict(zip(VM_KINDS, pool.map(lambda one: tell(one, session), VM_KINDS), strict=True))
    reading = Reading(load_catalogue(), now=session.clock.now().replace(tzinfo=None))
    reading.read(
        [from_text(probe, text, probe=probe, whole=True) for probe, text in told.items() if text]
    )
    report = diagnose(load_catalogue(), reading, asked=symptoms_for(load_catalogue(), asked))
    assert not report.crashes
    return {
        cause: str(one.values)
        for cause, one in verdicts(report).items()
        if one.state is State.CONFIRMED
    }


def test_list_says_of_each_machine_what_is_against_it(
    session: Session, lasting_guest: Guest, new_guest: NewGuest
) -> None:
    old, raw = new_guest(Recipe(compat="0.10")), new_guest(Recipe(format="raw", agent=False))

    found = {vm.name: vm for vm in list_vms(session, LIMITS)}

    told = {}
    for name in (lasting_guest.name, old.name, raw.name):
        sheet = found[name].sheet
        assert sheet is not None
        taken = {disk.taken for disk in sheet.disks}
        told[name] = (sheet.consistency, taken, {one.code for _d, one in sheet.all_remarks()})
    assert told == {
        lasting_guest.name: ("application", {Taken.TRACKED}, set()),
        old.name: ("crash", {Taken.COMPARED}, {"qcow2-v2", "overlay-possible"}),
        raw.name: (
            "crash",
            {Taken.COMPARED},
            {"no-tracking", "overlay-possible", "no-channel"},
        ),
    }


def test_protection_goes_on_where_it_failed_and_leaves_nothing_when_it_ends(
    session: Session, lasting_domain: Domain
) -> None:
    name, wanted = lasting_domain.name, Wanted(limits=LIMITS)
    nowhere = replace(session, settings=replace(session.settings, vault=None))
    steps: list[Step] = []

    with pytest.raises(VaultNotNamed):
        protect(nowhere, name, wanted, on_step=steps.append)
    protect(session, name, wanted, on_step=steps.append)
    held = list_checkpoints(lasting_domain)
    done = unprotect(session, name)

    assert [one.state for one in steps[:4]] == ["done", "done", "done", "failed"]
    assert {one.state for one in steps[4:]} == {"done"}
    assert len(held) == done.checkpoints_removed
    assert done.left == ()
    assert list_checkpoints(lasting_domain) == []
    assert load(session.settings.home, lasting_domain.uuid) is None


def test_overlays_that_were_asked_for_are_there_until_protection_ends(
    session: Session, kvm_host: KvmHost, hypervisor: Host
) -> None:
    machine = StillMachine(kvm_host, hypervisor, "overlaid", {"vda": 2 << 20}, raw=("vda",))
    machine.start()
    wanted = Wanted(tracking="overlay", limits=LIMITS)

    protect(session, "overlaid", wanted, on_step=lambda _: None)
    machine.write("vda", 1 << 20, b"new" * 1024)
    report = back_up_machine(session, VmBackupOptions(vm="overlaid", host="north"))
    held = machine.overlays()
    done = unprotect(session, "overlaid")

    assert [(disk.rung, disk.format) for disk in report.facts.disks] == [(Rung.OVERLAY, "raw")]
    assert held == {"vda": [report.facts.generation]}
    assert done.overlays_merged == 1
    assert machine.overlays() == {"vda": []}
    assert machine.image("vda") == (machine.disks["vda"].path, "raw")
    machine.stop()
    assert machine.read("vda") == machine.disks["vda"].content
    machine.remove()


def test_the_doctor_finds_what_is_wrong_in_a_guest(
    session: Session, protected: Domain, lasting_guest: Guest
) -> None:
    agent = GuestAgent(protected)
    healthy = _found(session)

    lasting_guest.run(
        "printf '#!/bin/sh\\nsleep 600\\n' >/run/mysqldump && chmod 755 /run/mysqldump && "
        "{ /run/mysqldump >/dev/null 2>&1 & }"
    )
    dumping = _found(session)
    lasting_guest.run("killall mysqldump sleep; rm /run/mysqldump")
    agent.freeze()
    frozen = _found(session)
    agent.thaw()

    assert [one for one in healthy if one.partition(".")[0] in {"qemu-ga", "extension"}] == []
    assert "freeze.other-tool" not in healthy
    assert "mysqldump" in dumping["freeze.other-tool"]
    assert "freeze.still-frozen" not in dumping
    assert protected.name in frozen["freeze.still-frozen"]


def test_the_doctor_tells_an_agent_that_hangs_from_one_that_is_gone(
    session: Session, protected: Domain, lasting_guest: Guest, kvm_host: KvmHost
) -> None:
    # Debian's libvirt locks a console there, and a bare namespace lacks it.
    kvm_host.run("mkdir", "-p", "/run/lock")

    with Console(protected) as console:
        console.write(b"\nkill -STOP $(pidof qemu-ga)\n")
        wait_until(lambda: not answers(protected))
        hanging = _found(session, "UserErrorGuestAgentStatusUnavailable")
        console.write(b"\nkill -CONT $(pidof qemu-ga); kill $(pidof qemu-ga)\n")
        wait_until(lambda: protected.spec().is_agent_connected is False)
        gone = _found(session, "UserErrorGuestAgentStatusUnavailable")
        console.write(b"\nsed 's/exec qemu-ga/& -b guest-exec/' /etc/agent | sh &\n")
        wait_until(lasting_guest.answers)
        blocked = _found(session, "UserErrorGuestAgentStatusUnavailable")
        console.write(b"\nkill $(pidof qemu-ga)\n")
        wait_until(lambda: protected.spec().is_agent_connected is False)
        console.write(b"\n/etc/agent &\n")
        wait_until(lasting_guest.answers)

    assert "qemu-ga.silent" in hanging
    assert "qemu-ga.absent" not in hanging
    assert "qemu-ga.absent" in gone
    assert "qemu-ga.silent" not in gone
    assert "guest-exec" in blocked["qemu-ga.blocked"]
    assert not {"qemu-ga.absent", "qemu-ga.silent"} & blocked.keys()


def test_the_doctor_finds_what_is_wrong_with_disks_and_hosts(
    session: Session, protected: Domain, kvm_host: KvmHost, hypervisor: Host
) -> None:
    small = replace(session, settings=replace(session.settings, vm_max_disk=1 << 20))

    too_large = _found(small, "UserErrorUnsupportedDiskSize")
    protected.suspend()
    paused = _found(session)
    protected.resume()
    away = replace(session.settings, libvirt="qemu+unix:///system?socket=/nonexistent/sock")
    record = Path(session.settings.home, "vms", f"{protected.uuid}.json")
    kept = record.read_text()
    record.write_text(kept.replace(kvm_host.uri, away.libvirt))
    unreached = _found(session)
    record.write_text(kept)

    assert "vm.disk-too-large" in too_large
    assert "vm.disk-too-large" not in paused
    assert "vm.host-unreachable" in unreached
    assert hypervisor.is_alive()
