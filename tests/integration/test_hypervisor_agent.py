"""The agent in a real guest: programs, files, freezing, and all the ways it does not answer."""

from collections.abc import Iterator

import pytest

from holdfast.base.clock import SystemClock
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.console import Console
from holdfast.hypervisor.domains import Domain, find_domain
from holdfast.hypervisor.errors import (
    AgentAnswerBroken,
    AgentAnswerTooLong,
    AgentChannelMissing,
    AgentRefused,
    AgentSilent,
    GuestFileUnavailable,
    GuestFrozen,
    GuestProgramMissing,
    GuestProgramUnfinished,
    VmNotRunning,
)
from holdfast.hypervisor.guest_agent import GuestAgent
from holdfast.hypervisor.guest_files import GuestFiles
from holdfast.hypervisor.guest_programs import LONGEST_INPUT, GuestPrograms
from holdfast.testing.guests import Guest, Recipe
from holdfast.testing.hosts import KvmHost
from holdfast.testing.waiting import wait_until
from tests.machines_bench import MARKS, NewGuest

pytestmark = MARKS

HOOK = "/etc/fsfreeze-hook"


@pytest.fixture
def agent(lasting_domain: Domain, lasting_guest: Guest) -> Iterator[GuestAgent]:
    agent = GuestAgent(lasting_domain)
    yield agent
    lasting_guest.wait_up()
    agent.thaw(within=60)


@pytest.fixture
def programs(agent: GuestAgent, lasting_domain: Domain) -> GuestPrograms:
    return GuestPrograms(agent, SystemClock(), about=lasting_domain.name)


@pytest.fixture
def files(agent: GuestAgent, lasting_domain: Domain) -> GuestFiles:
    return GuestFiles(agent, about=lasting_domain.name)


def answers(agent: GuestAgent) -> bool:
    try:
        agent.ping()
    except AgentSilent:
        return False
    return True


def test_agent_tells_what_it_is_and_where(agent: GuestAgent) -> None:
    info = agent.info()
    system = agent.system()
    filesystems = {filesystem.mountpoint: filesystem for filesystem in agent.filesystems()}

    assert {"guest-exec", "guest-fsfreeze-freeze"} <= info.commands
    assert info.version
    assert system.machine == "x86_64"
    assert filesystems["/a"].kind == "ext4"
    assert (filesystems["/a"].total_bytes or 0) > 0


def test_program_gets_input_and_tells_status_and_both_outputs(programs: GuestPrograms) -> None:
    ended = programs.run(["sh", "-c", "cat; echo no >&2; exit 3"], stdin=b"yes\0")

    assert (ended.status, ended.out, ended.err) == (3, b"yes\0", b"no\n")


def test_program_killed_by_a_signal_is_told_from_one_that_ended(programs: GuestPrograms) -> None:
    assert programs.run(["sh", "-c", "kill -9 $$"]).status == -9


def test_program_that_is_not_there_is_said_so(programs: GuestPrograms) -> None:
    with pytest.raises(GuestProgramMissing, match="nosuch"):
        programs.run(["nosuch"])


def test_program_that_takes_too_long_is_killed(programs: GuestPrograms) -> None:
    with pytest.raises(GuestProgramUnfinished):
        programs.run(["sleep", "86399"], within=0.5)

    wait_until(lambda: b" sleep 86399" not in programs.run(["ps"]).out)


def test_longest_input_arrives(programs: GuestPrograms) -> None:
    ended = programs.run(["wc", "-c"], stdin=bytes(LONGEST_INPUT))

    assert int(ended.out) == LONGEST_INPUT
    with pytest.raises(ValueError, match="too many"):
        programs.run(["wc", "-c"], stdin=bytes(LONGEST_INPUT + 1))


def test_output_that_libvirt_cannot_carry_is_said_so(programs: GuestPrograms) -> None:
    with pytest.raises(AgentAnswerTooLong):
        programs.run(["dd", "if=/dev/zero", "bs=1M", "count=4"])

    assert programs.run(["true"]).status == 0


def test_launched_program_is_not_waited_for(programs: GuestPrograms, lasting_guest: Guest) -> None:
    pid = programs.launch(["sh", "-c", "echo started >/run/launched; sleep 86398"])

    wait_until(lambda: lasting_guest.run("cat /run/launched || true") == "started\n")
    programs.run(["sh", "-c", f"kill -9 $(pidof sleep) {pid}; rm /run/launched"])


def test_large_file_is_written_and_read(files: GuestFiles, programs: GuestPrograms) -> None:
    content = bytes(range(256)) * 2048

    files.write("/run/large", content)

    assert files.read("/run/large") == content
    with pytest.raises(AgentAnswerBroken):
        files.read("/run/large", at_most=1000)
    files.write("/run/large", b"")
    assert files.read("/run/large") == b""
    programs.run(["rm", "/run/large"])


def test_file_that_is_not_there_is_said_so(files: GuestFiles) -> None:
    with pytest.raises(GuestFileUnavailable, match="/nowhere/file"):
        files.read("/nowhere/file")
    with pytest.raises(GuestFileUnavailable, match="/nowhere/file"):
        files.write("/nowhere/file", b"")


def test_frozen_guest_thaws_as_many_file_systems_as_it_froze(
    agent: GuestAgent, programs: GuestPrograms
) -> None:
    assert not agent.is_frozen()

    frozen = agent.freeze()
    assert agent.is_frozen()
    with pytest.raises(GuestFrozen):
        programs.run(["true"])
    with pytest.raises(GuestFrozen):
        agent.freeze()
    thawed = agent.thaw()

    assert (frozen, thawed) == (2, 2)
    assert agent.thaw() == 0
    assert programs.run(["sh", "-c", "echo >/a/thawed && sync"]).status == 0


def test_only_the_file_systems_asked_for_are_frozen(agent: GuestAgent) -> None:
    assert agent.freeze(("/b",)) == 1
    assert agent.thaw() == 1


def test_freeze_that_was_given_up_is_undone_by_a_thaw(
    agent: GuestAgent, files: GuestFiles, programs: GuestPrograms
) -> None:
    hook = files.read(HOOK)
    files.write(HOOK, b"#!/bin/sh\n[ $1 = freeze ] && sleep 4\nexit 0\n")

    def thawed() -> bool:
        try:
            agent.thaw()
            return not agent.is_frozen()
        except AgentSilent:
            return False

    with pytest.raises(AgentSilent):
        agent.freeze(within=1)
    wait_until(thawed)

    assert programs.run(["sh", "-c", "echo >/a/given-up && sync"]).status == 0
    files.write(HOOK, hook)


def test_agent_that_hangs_is_told_from_one_that_answers(
    agent: GuestAgent, lasting_domain: Domain, kvm_host: KvmHost
) -> None:
    kvm_host.run("mkdir", "-p", "/run/lock")
    assert answers(agent)

    with Console(lasting_domain) as console:
        console.write(b"\nkill -STOP $(pidof qemu-ga)\n")
        wait_until(lambda: not answers(agent))
        console.write(b"\nkill -CONT $(pidof qemu-ga)\n")
        wait_until(lambda: answers(agent))


def test_command_the_agent_does_not_know_is_refused(agent: GuestAgent) -> None:
    with pytest.raises(AgentRefused, match="guest-make-coffee"):
        agent.ask("guest-make-coffee", int)


def test_answer_of_another_kind_is_not_taken(agent: GuestAgent) -> None:
    with pytest.raises(AgentAnswerBroken):
        agent.ask("guest-fsfreeze-status", int)


def test_paused_guest_and_one_that_is_off_are_not_asked(
    hypervisor: Host, new_guest: NewGuest
) -> None:
    domain = find_domain(hypervisor, new_guest().uuid)
    agent = GuestAgent(domain)

    with pytest.raises(VmNotRunning):
        agent.ping()
    domain.start(paused=True)
    with pytest.raises(VmNotRunning):
        agent.freeze()


def test_machine_without_a_channel_has_no_agent(hypervisor: Host, new_guest: NewGuest) -> None:
    domain = find_domain(hypervisor, new_guest(Recipe(agent=False)).uuid)
    domain.start()

    with pytest.raises(AgentChannelMissing):
        GuestAgent(domain).ping()

    assert not domain.spec().has_agent_channel
