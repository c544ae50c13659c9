"""What the tests against a real hypervisor share besides the hosts and guests of the bench."""

from collections.abc import Iterator

import pytest

from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import Domain, find_domain
from holdfast.testing.guests import Guest
from holdfast.testing.hosts import KvmHost


@pytest.fixture(scope="session")
def hypervisor(kvm_host: KvmHost) -> Iterator[Host]:
    """Holdfast's connection to the shared host; it opens again by itself after a restart."""
    with Host.open(kvm_host.uri) as host:
        yield host


@pytest.fixture(scope="session")
def lasting_guest(kvm_host: KvmHost) -> Iterator[Guest]:
    """One that runs through several modules; each test leaves it running and as it was."""
    guest = Guest(kvm_host, "lasting")
    try:
        guest.start()
        yield guest
    finally:
        guest.remove()


@pytest.fixture
def lasting_domain(hypervisor: Host, lasting_guest: Guest) -> Domain:
    return find_domain(hypervisor, lasting_guest.uuid)
