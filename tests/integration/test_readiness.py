"""A real guest is looked at through its agent, and nothing of it changes; its site hears of it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.app.config import Settings
from holdfast.app.vm_ready import look_at_readiness, show_readiness
from holdfast.app.wiring import Session
from holdfast.base.clock import SystemClock
from holdfast.base.errors import Exit
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import Domain, find_domain
from holdfast.hypervisor.guest_agent import GuestAgent
from holdfast.hypervisor.guest_looking import FILES, Way
from holdfast.recovery.readiness.findings import Weight
from holdfast.recovery.readiness.looking import look_at_guest
from holdfast.testing.guests import Guest, Recipe
from holdfast.testing.hosts import KvmHost
from holdfast.testing.two_sites import TwoSites, two_sites
from holdfast.testing.waiting import wait_until
from tests.machines_bench import MARKS, NewGuest

pytestmark = MARKS
ADDRESS = "192.0.2.7/24"
# As somebody sets a guest up who never thinks of another host.
CARELESS = f"""
mkdir -p /etc/network
echo '/dev/vdb /b ext4 defaults 0 2' >/etc/fstab
echo 'nas:/data /data nfs defaults 0 0' >>/etc/fstab
printf 'auto eth7\\niface eth7 inet dhcp\\n' >/etc/network/interfaces
ip addr add {ADDRESS} dev eth0
"""
CAREFUL = "rm -rf /etc/fstab /etc/network; ip addr flush dev eth0"
TREE = (
    "find / -xdev -path /proc -prune -o -path /sys -prune -o -type f -exec stat -c '%n %s %Y' {} +"
)
# Another agent takes the place of the one that runs, which started this.
LESS_ALLOWED = """
port=$(ls -l /proc/$(pidof qemu-ga)/fd | sed -n 's,.*-> \\(/dev/vport.*\\),\\1,p')
(sleep 1; kill $(pidof qemu-ga); sleep 1
exec qemu-ga -m virtio-serial -p $port -t /run -b guest-exec) >/dev/null 2>&1 </dev/null &
"""


@pytest.fixture
def session(kvm_host: KvmHost, tmp_path: Path) -> Session:
    settings = Settings(home=str(tmp_path / "home"), libvirt=kvm_host.uri)
    return Session(settings=settings, warn=print)


@pytest.fixture
def careless(lasting_guest: Guest) -> Iterator[Guest]:
    lasting_guest.run(CARELESS)
    yield lasting_guest
    lasting_guest.run(CAREFUL)


def found(session: Session, name: str) -> dict[str, str]:
    return {one.code: one.weight.value for one in show_readiness(session, name).findings}


def test_what_a_guest_has_and_has_not_is_found(session: Session, lasting_guest: Guest) -> None:
    """Its kernel is its host's, nothing in it has an address, and no init can be asked."""
    assert found(session, lasting_guest.name) == {
        "kernel-of-host": "note",
        "ssh-missing": "note",
        "unknown-agent": "unknown",
        "unknown-mounts": "unknown",
    }


def test_what_would_hinder_it_elsewhere_is_found_in_its_files(
    session: Session, careless: Guest
) -> None:
    ready = show_readiness(session, careless.name)

    assert not ready.is_ready
    assert {one.code: one.values for one in ready.against} == {
        "card-not-kept": {"device": "eth0", "others": "eth7"},
        "mount-by-order": {"names": "/dev/vdb (/b)"},
        "mount-of-others": {"names": "nas:/data (/data)"},
    }


def test_nothing_in_the_guest_is_changed_and_nothing_goes_on_in_it(
    session: Session, careless: Guest
) -> None:
    before = careless.run(TREE)

    show_readiness(session, careless.name)

    assert careless.run(TREE) == before
    assert "fstab" in before
    wait_until(lambda: "systemctl" not in careless.run("ps"))


def test_where_no_program_may_run_its_files_are_read(
    lasting_domain: Domain, careless: Guest
) -> None:
    looked = look_at_guest(lasting_domain, SystemClock(), FILES)

    assert looked.way is Way.FILES
    assert looked.parts["fstab"] == careless.run("cat /etc/fstab")
    assert looked.parts["cmdline"] == careless.run("cat /proc/cmdline")
    assert "grub" not in looked.parts


def test_an_agent_that_is_told_to_run_nothing_is_said_so(
    session: Session, hypervisor: Host, new_guest: NewGuest
) -> None:
    guest = new_guest()
    guest.start()
    guest.run(f"{CARELESS}{LESS_ALLOWED}")
    domain = find_domain(hypervisor, guest.uuid)
    wait_until(lambda: _is_barred(domain))

    ready = look_at_readiness(session, domain)

    assert not ready.is_blind
    assert {one.code for one in ready.against} == {"mount-by-order", "mount-of-others"}
    assert {"agent-files-only", "unknown-services"} <= {one.code for one in ready.findings}


def _is_barred(domain: Domain) -> bool:
    from holdfast.hypervisor.errors import AgentSilent

    with contextlib.suppress(AgentSilent):
        return "guest-exec" not in GuestAgent(domain).info(within=2.0).commands
    return False


def test_a_machine_nobody_can_look_into_is_said_to_be_so(
    session: Session, new_guest: NewGuest
) -> None:
    guest = new_guest(Recipe(agent=False))

    off = show_readiness(session, guest.name)
    guest.start()
    silent = show_readiness(session, guest.name)

    assert (off.is_blind, [one.code for one in off.findings]) == (True, ["guest-off"])
    assert [one.code for one in silent.findings] == ["agent-channel-missing"]
    assert (silent.is_blind, silent.is_ready) == (True, False)


def test_a_frozen_guest_is_looked_at_another_time(
    session: Session, lasting_domain: Domain, lasting_guest: Guest
) -> None:
    agent = GuestAgent(lasting_domain)
    agent.freeze()
    try:
        assert found(session, lasting_guest.name) == {"guest-frozen": Weight.UNKNOWN.value}
    finally:
        agent.thaw(within=60)


@pytest.fixture
def sites(kvm_hosts: tuple[KvmHost, KvmHost]) -> Iterator[TwoSites]:
    with two_sites(*kvm_hosts) as sites:
        yield sites


def test_its_site_says_it_when_nobody_can_look_any_more(
    sites: TwoSites, new_guest: NewGuest
) -> None:
    guest = new_guest(host=sites.north.host)
    guest.start()
    guest.run(CARELESS)
    sites.work()
    words = ("--to", "south", "--every", "30s", "--app-every", "never", "--json")

    enabled = sites.north.run("replication", "enable", guest.name, *words)

    steps = [one for one in enabled.events if one["event"] == "replication-step"]
    (step,) = (one for one in steps if one["step"] == "guest" and one["state"] != "running")
    assert step["state"] == "done"
    assert "[mount-by-order]" in step["said"]
    wait_until(lambda: "[card-not-kept]" in _doubts(sites, guest))
    looked = sites.north.run("vm", "ready", guest.name, "--json", status=Exit.WARNINGS)
    told = looked.event("vm-ready")
    assert (told["ready"], told["blind"]) == (False, False)
    assert {one["code"] for one in told["findings"] if one["weight"] == "hinders"} == {
        *("card-not-kept", "mount-by-order", "mount-of-others")
    }
    guest.run(f"{CAREFUL}; echo >/etc/fstab")
    sites.north.run("vm", "ready", guest.name)
    wait_until(lambda: "[mount-by-order]" not in _doubts(sites, guest))
    sites.north.run("replication", "disable", guest.name)


def _doubts(sites: TwoSites, guest: Guest) -> str:
    said = sites.south.run(
        "failover", "check", guest.name, "--act", "unplanned", "--json", status=None
    )
    return "\n".join(said.event("recovery-preflight")["doubts"])
