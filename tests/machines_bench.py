"""Hosts and virtual machines that tests share: each worker of a run has its own."""

import contextlib
import itertools
from collections.abc import Callable, Iterator

import pytest

from holdfast.testing.guest_image import GuestImage, GuestUnavailable, guest_image
from holdfast.testing.guests import Guest, Recipe
from holdfast.testing.hosts import HostUnavailable, KvmHost, two_hosts

# Of every test that boots a guest; each may take its time.
MARKS = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(600)]
NewGuest = Callable[..., Guest]
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def bootable() -> GuestImage:
    pytest.importorskip("libvirt", reason="libvirt's Python binding is not installed")
    try:
        return guest_image()
    except GuestUnavailable as err:
        pytest.skip(str(err))


@pytest.fixture(scope="session")
def kvm_hosts(bootable: GuestImage) -> Iterator[tuple[KvmHost, KvmHost]]:
    """Two for all tests of a worker; who kills one starts it again."""
    with _pair() as hosts:
        yield hosts


@pytest.fixture(scope="module")
def own_hosts(bootable: GuestImage) -> Iterator[tuple[KvmHost, KvmHost]]:
    """Of one module: those whose power was cut are not what other tests began with."""
    with _pair() as hosts:
        yield hosts


@contextlib.contextmanager
def _pair() -> Iterator[tuple[KvmHost, KvmHost]]:
    with contextlib.ExitStack() as stack:
        try:
            hosts = stack.enter_context(two_hosts())
        except HostUnavailable as err:
            pytest.skip(str(err))
        yield hosts


@pytest.fixture(scope="session")
def kvm_host(kvm_hosts: tuple[KvmHost, KvmHost]) -> KvmHost:
    return kvm_hosts[0]


def clear(host: KvmHost) -> None:
    """Machines that tests before have left there, as an act that went right leaves one at a site."""
    with host.connected() as connection:
        left = [(domain.name(), domain.isActive()) for domain in connection.listAllDomains()]
    for name, is_active in left:
        if is_active:
            host.run("virsh", "destroy", name)
        flags = ("--checkpoints-metadata", "--managed-save", "--nvram")
        host.run("virsh", "undefine", name, *flags)


@pytest.fixture(scope="module")
def shared_guest(kvm_host: KvmHost) -> Iterator[Guest]:
    """One that runs; the tests of a module leave it running."""
    guest = Guest(kvm_host, f"shared{next(_numbers)}")
    try:
        guest.start()
        yield guest
    finally:
        guest.remove()


@pytest.fixture
def new_guest(kvm_host: KvmHost) -> Iterator[NewGuest]:
    """Make a guest after a recipe, by default on the first host; it goes with the test."""
    made: list[Guest] = []

    def new(recipe: Recipe | None = None, *, host: KvmHost = kvm_host) -> Guest:
        guest = Guest(host, f"guest{next(_numbers)}", recipe or Recipe())
        made.append(guest)
        return guest

    yield new
    for guest in made:
        guest.remove()


@contextlib.contextmanager
def writing_guest(host: KvmHost, name: str) -> Iterator[Guest]:
    """It writes to one disk, then to the other, and so on without an end."""
    guest = Guest(host, name, Recipe(writer="ordered"))
    try:
        guest.start()
        yield guest
    finally:
        guest.remove()
