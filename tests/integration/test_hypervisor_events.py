"""Events of a real libvirt, in the order in which things happened."""

from holdfast.base.clock import SystemClock
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import Domain, find_domain
from holdfast.hypervisor.events import Event, EventKind, Subscription, subscribe
from holdfast.hypervisor.states import State
from holdfast.testing.guests import Guest
from holdfast.testing.hosts import KvmHost
from tests.machines_bench import MARKS, NewGuest

pytestmark = MARKS

PATIENCE = 90


def next_of(events: Subscription, kind: EventKind, word: str) -> Event:
    """The next of this kind and word; what comes before it is not what the test is about."""
    while (event := events.next(within=PATIENCE)) is not None:
        if (event.kind, event.word) == (kind, word):
            return event
    raise AssertionError(f"no {kind} {word} came")


def test_life_of_a_machine_is_told_in_order(hypervisor: Host, new_guest: NewGuest) -> None:
    domain = find_domain(hypervisor, new_guest().uuid)

    with subscribe(hypervisor, EventKind.LIFECYCLE, domain=domain) as events:
        domain.start(paused=True)
        domain.resume()
        domain.suspend()
        domain.destroy()
        domain.undefine()
        told = [next_of(events, EventKind.LIFECYCLE, word) for word in
                ("started", "resumed", "suspended", "stopped", "undefined")]  # fmt: skip

    assert {event.uuid for event in told} == {domain.uuid}
    assert {event.machine for event in told} == {domain.name}


def test_start_of_the_agent_and_a_shutdown_in_order_are_told(
    hypervisor: Host, new_guest: NewGuest
) -> None:
    guest = new_guest()
    domain = find_domain(hypervisor, guest.uuid)

    with subscribe(hypervisor, EventKind.AGENT, EventKind.LIFECYCLE, domain=domain) as events:
        guest.start()
        next_of(events, EventKind.AGENT, "connected")
        domain.ask_to_shut_down()
        domain.wait_until_off(SystemClock(), within=PATIENCE)
        next_of(events, EventKind.LIFECYCLE, "stopped")

    assert (domain.standing().state, domain.standing().reason) == (State.OFF, "shutdown")


def test_events_of_other_machines_do_not_come(
    hypervisor: Host, lasting_domain: Domain, new_guest: NewGuest
) -> None:
    other = find_domain(hypervisor, new_guest().uuid)

    with subscribe(hypervisor, EventKind.LIFECYCLE, domain=lasting_domain) as events:
        other.start(paused=True)
        lasting_domain.suspend()
        lasting_domain.resume()
        first = events.next(within=PATIENCE)

    assert first is not None
    assert (first.uuid, first.word) == (lasting_domain.uuid, "suspended")


def test_closed_subscription_leaves_the_connection_usable(hypervisor: Host) -> None:
    with subscribe(hypervisor, *EventKind) as events:
        assert events.next(within=0.01) is None

    assert hypervisor.is_alive()


def test_loss_of_the_host_is_told_and_a_new_subscription_goes_on(
    hypervisor: Host, kvm_host: KvmHost, lasting_domain: Domain, lasting_guest: Guest
) -> None:
    with subscribe(hypervisor, EventKind.LIFECYCLE) as events:
        kvm_host.restart()
        lost = next_of(events, EventKind.HOST_LOST, "")

    with subscribe(hypervisor, EventKind.LIFECYCLE, domain=lasting_domain) as events:
        lasting_domain.suspend()
        lasting_domain.resume()
        seen = next_of(events, EventKind.LIFECYCLE, "resumed")

    assert lost.uuid == ""
    assert seen.uuid == lasting_domain.uuid
    lasting_guest.wait_up()
