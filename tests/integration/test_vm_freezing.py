"""Freezing a real guest, and every death that could leave it frozen."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.base.clock import SystemClock
from holdfast.hypervisor.domains import Domain
from holdfast.hypervisor.guest_agent import GuestAgent
from holdfast.machines.file_system_freeze import FreezeLimits
from holdfast.machines.freeze_mark import FreezeMark, thaw_left_behind
from holdfast.machines.freezing import quiet
from holdfast.machines.points import Consistency
from holdfast.testing.guests import Guest
from holdfast.testing.hosts import KvmHost
from holdfast.testing.waiting import wait_until
from tests.machines_bench import MARKS

pytestmark = MARKS
PATIENCE = 120.0
# Freezes, says so, and never thaws.
HOLDER = """
import sys, time
from holdfast.base.clock import SystemClock
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import find_domain
from holdfast.machines.file_system_freeze import FreezeLimits
from holdfast.machines.freezing import quiet

uri, uuid, home, seconds = sys.argv[1:]
with Host.open(uri) as host:
    limits = FreezeLimits(dead_man_seconds=float(seconds))
    with quiet(find_domain(host, uuid), SystemClock(), home=home, limits=limits).held():
        print("held", flush=True)
        time.sleep(600)
"""


# Each tick is on a disk before it is told on the console: there are none while the disk is frozen.
TICKING = """
echo $$ >/run/ticking.pid
while :; do
  echo >/a/tick
  echo a tick >/dev/console
  sleep 0.1
done
"""
# The agent dies in the frozen guest, and another takes its place when somebody has thawed it.
AGENT_DIES = """
until [ -e /run/qga.state.isfrozen ]; do sleep 0.1; done
sleep 3
killall -9 qemu-ga
echo the agent is dead >/dev/console
echo >/a/thawed
exec /etc/agent
"""


@pytest.fixture
def guest(lasting_domain: Domain, lasting_guest: Guest) -> Iterator[Guest]:
    in_background(lasting_guest, TICKING)
    yield lasting_guest
    lasting_guest.wait_up()
    GuestAgent(lasting_domain).thaw(within=60)
    lasting_guest.run("kill -9 $(cat /run/ticking.pid)")


def in_background(guest: Guest, script: str) -> None:
    quoted = script.replace("'", "'\\''")
    guest.run(f"sh -c '{quoted}' </dev/null >/dev/null 2>&1 &")


def ticks(guest: Guest) -> int:
    return said(guest).count("a tick")


def said(guest: Guest) -> str:
    return guest.console.read_text(errors="replace")


def wait_until_it_writes(guest: Guest) -> None:
    """One tick may have been on its way to the console when the guest was frozen."""
    seen = ticks(guest)
    wait_until(lambda: ticks(guest) > seen + 1, within=PATIENCE)


def killed_while_holding(host: KvmHost, guest: Guest, home: Path, *, seconds: int) -> None:
    words = [sys.executable, "-c", HOLDER, host.uri, guest.uuid, str(home), str(seconds)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        process.send_signal(signal.SIGKILL)


def test_guest_is_frozen_for_the_instant_and_no_switch_is_left(
    guest: Guest, lasting_domain: Domain, tmp_path: Path
) -> None:
    stillness = quiet(lasting_domain, SystemClock(), home=str(tmp_path))

    with stillness.held():
        inside = guest.ask("guest-fsfreeze-status")

    outcome = stillness.outcome()
    assert (inside, guest.ask("guest-fsfreeze-status")) == ("frozen", "thawed")
    assert outcome.consistency == Consistency.FILESYSTEM
    assert outcome.agent is not None
    assert (outcome.agent.frozen, outcome.agent.thawed) == (2, 2)
    wait_until(lambda: guest.run("ps | grep '[h]oldfast-dead-man' || true") == "", within=PATIENCE)
    assert guest.run("ps | grep '[s]leep 30' || true") == ""


def test_agent_that_dies_in_a_frozen_guest_leaves_it_to_the_switch(
    guest: Guest, lasting_domain: Domain, tmp_path: Path
) -> None:
    in_background(guest, AGENT_DIES)
    limits = FreezeLimits(freeze_seconds=15, dead_man_seconds=15)
    stillness = quiet(lasting_domain, SystemClock(), home=str(tmp_path), limits=limits)

    with stillness.held():
        wait_until(lambda: "the agent is dead" in said(guest), within=PATIENCE)

    wait_until_it_writes(guest)
    assert stillness.outcome().consistency == Consistency.CRASH
    wait_until(guest.answers, within=PATIENCE)
    GuestAgent(lasting_domain).thaw(within=60)
    assert guest.run("ls /a/thawed") == "/a/thawed\n"


def test_process_that_dies_leaves_a_guest_that_thaws_by_itself(
    guest: Guest, lasting_domain: Domain, kvm_host: KvmHost, tmp_path: Path
) -> None:
    killed_while_holding(kvm_host, guest, tmp_path, seconds=8)

    wait_until_it_writes(guest)

    # The agent has to be told, or it believes the guest frozen for ever.
    assert guest.ask("guest-fsfreeze-status") == "frozen"
    assert thaw_left_behind(lasting_domain, SystemClock(), home=str(tmp_path)) == 0
    assert guest.run("echo as before") == "as before\n"


def test_next_start_thaws_what_a_dead_process_left_frozen(
    guest: Guest, lasting_domain: Domain, kvm_host: KvmHost, tmp_path: Path
) -> None:
    killed_while_holding(kvm_host, guest, tmp_path, seconds=3600)
    assert guest.ask("guest-fsfreeze-status") == "frozen"

    thawed = thaw_left_behind(lasting_domain, SystemClock(), home=str(tmp_path))

    assert thawed == 2
    wait_until_it_writes(guest)
    wait_until(lambda: guest.run("ps | grep '[s]leep 3600' || true") == "", within=PATIENCE)
    assert not FreezeMark(str(tmp_path), guest.uuid).is_set()
    assert thaw_left_behind(lasting_domain, SystemClock(), home=str(tmp_path)) is None


def test_with_a_list_of_mount_points_only_these_stand_still_and_the_point_says_what_did_not(
    guest: Guest, lasting_domain: Domain, tmp_path: Path
) -> None:
    found = {}
    for mounts in (("/a", "/b"), ("/b",)):
        limits = FreezeLimits(mountpoints=mounts)
        stillness = quiet(lasting_domain, SystemClock(), home=str(tmp_path), limits=limits)
        with stillness.held():
            if mounts == ("/b",):
                # On the other disk life goes on.
                wait_until_it_writes(guest)
        found[mounts] = stillness.outcome()

    both, one = found["/a", "/b"], found["/b",]
    assert both.consistency == Consistency.FILESYSTEM
    assert both.agent is not None
    assert both.agent.frozen == both.agent.thawed == 2
    assert one.agent is not None
    assert (one.consistency, one.agent.frozen) == (Consistency.CRASH, 1)
    assert [each.reason for each in one.downgrades if each.code == "partly-frozen"] == ["/a"]
