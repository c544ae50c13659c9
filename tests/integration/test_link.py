"""Two hosts that replicate: what is asked over the link, and who is let in."""

import contextlib
import logging
import os
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from holdfast.app.recovery_way_back import looked_at
from holdfast.base.clock import SystemClock
from holdfast.base.errors import HoldfastError, Retry
from holdfast.base.units import GIB, KIB, MIB
from holdfast.replication import link_errors as errors
from holdfast.replication.adoption import LookWish
from holdfast.replication.link_client import Peer
from holdfast.replication.link_connecting import Patience
from holdfast.replication.link_frames import Rhythm
from holdfast.replication.link_identity import LinkIdentity, Shown
from holdfast.replication.link_requests import REQUESTS
from holdfast.replication.link_server import LinkServer, ListenAt, ServerLimits, SiteRules
from holdfast.replication.link_troubles import trouble_with_site
from holdfast.replication.log_errors import LogDamaged
from holdfast.replication.pace import Pace
from holdfast.replication.receiver import Receiver, ReplicaWish, SeedWish
from holdfast.replication.replica_facts import ReplicaDisk
from holdfast.replication.settings import Limit, SiteAddress
from holdfast.replication.site_orders import OrderKind, SiteOrder, SourceTidings
from holdfast.storage.errors import StorageFull
from holdfast.testing.links import SITE, SOURCE, Everybody, Served, Vouching, address_at, served
from holdfast.testing.memory_receiver import FileLog, MemoryReceiver, failing
from holdfast.testing.relay import relaying
from holdfast.testing.waiting import wait_until

VM = "0c5a1f1e-0000-4000-8000-000000000001"
OTHER = "0c5a1f1e-0000-4000-8000-000000000002"
GENERATION = "holdfast-0123456789abcdef"
QUICK = Patience(seconds=0.3, connect=60.0, waits=(0.01, 0.1))
EVEN_LOADED = Patience(seconds=90.0, connect=60.0, waits=(0.01, 0.1))


@pytest.fixture(scope="module")
def vouching(tmp_path_factory: pytest.TempPathFactory) -> Vouching:
    return Vouching(tmp_path_factory.mktemp("link"))


@pytest.fixture(scope="module")
def identity(vouching: Vouching) -> LinkIdentity:
    return vouching.identity(SOURCE)


@pytest.fixture
def receiver() -> MemoryReceiver:
    return MemoryReceiver()


@pytest.fixture
def site(vouching: Vouching, receiver: MemoryReceiver) -> Iterator[Served]:
    with served(vouching, receiver) as site:
        yield site


@pytest.fixture
def peer(site: Served, identity: LinkIdentity) -> Iterator[Peer]:
    with Peer(site.address, identity, clock=SystemClock(), patience=EVEN_LOADED) as peer:
        yield peer


def _wish(vm: str = VM) -> ReplicaWish:
    return ReplicaWish(vm=vm, name="web", disks=(ReplicaDisk(target="vda", size=GIB),))


# What is asked.


def test_a_peer_is_a_receiver(peer: Peer) -> None:
    receiver: Receiver = peer

    assert receiver.state(VM) is None


def test_hello_says_who_answers(peer: Peer) -> None:
    met = peer.hello()

    assert met.shown.machine == SITE
    assert met.product
    assert abs(met.ahead) < timedelta(hours=1)


def test_the_certificate_says_who_writes_and_not_the_wish(peer: Peer) -> None:
    wish = ReplicaWish(vm=VM, name="web", source="somebody else", disks=())

    prepared = peer.prepare(wish)
    state = peer.state(VM)

    assert prepared.is_new
    assert prepared.facts.source == SOURCE
    assert state == prepared.facts


def test_a_log_arrives_whole_and_is_applied(
    peer: Peer, receiver: MemoryReceiver, tmp_path: Path
) -> None:
    content = os.urandom(3 * MIB + 17)
    log = FileLog.made(tmp_path / "log", content)
    told: list[int] = []

    ack = peer.send(VM, log, progress=told.append)

    assert ack.hash == log.hash
    assert receiver.content(VM, log.hash) == content
    assert receiver.applied == [(VM, log.hash)]
    assert told == sorted(told)
    assert told[-1] == log.size


def test_an_empty_log_is_a_log(peer: Peer, receiver: MemoryReceiver, tmp_path: Path) -> None:
    log = FileLog.made(tmp_path / "log", b"")

    peer.send(VM, log)

    assert receiver.applied == [(VM, log.hash)]


def test_what_was_applied_is_not_sent_again(
    peer: Peer, receiver: MemoryReceiver, tmp_path: Path
) -> None:
    log = FileLog.made(tmp_path / "log", os.urandom(MIB))
    first = peer.send(VM, log)
    pieces = len(receiver.taken)

    again = peer.send(VM, log)

    assert again == first
    assert len(receiver.taken) == pieces
    assert receiver.applied == [(VM, log.hash)]


def test_what_is_present_is_not_sent_again(
    peer: Peer, receiver: MemoryReceiver, tmp_path: Path
) -> None:
    content = os.urandom(MIB)
    log = FileLog.made(tmp_path / "log", content)
    receiver.take(VM, log.hash, offset=0, content=memoryview(content[: 700 * KIB]))
    receiver.taken.clear()

    peer.send(VM, log)

    assert min(piece.offset for piece in receiver.taken) == 700 * KIB
    assert receiver.content(VM, log.hash) == content


def test_what_came_wrong_is_sent_once_more(
    peer: Peer, receiver: MemoryReceiver, tmp_path: Path
) -> None:
    log = FileLog.made(tmp_path / "log", os.urandom(MIB))
    receiver.when_applied = failing(LogDamaged(path="log", reason="its hash is another"))

    ack = peer.send(VM, log)

    assert ack.hash == log.hash


def test_what_comes_wrong_twice_is_said(
    peer: Peer, receiver: MemoryReceiver, tmp_path: Path
) -> None:
    log = FileLog.made(tmp_path / "log", b"content")
    wrong = LogDamaged(path="log", reason="its hash is another")
    receiver.when_applied = failing(wrong, wrong)

    with pytest.raises(LogDamaged, match="its hash is another"):
        peer.send(VM, log)


def test_pieces_can_be_given_by_hand(peer: Peer, receiver: MemoryReceiver, tmp_path: Path) -> None:
    content = os.urandom(2 * MIB + 1)
    log = FileLog.made(tmp_path / "log", content)

    found = peer.incoming(VM, log.hash, size=log.size)
    peer.take(VM, log.hash, offset=0, content=memoryview(content))
    ack = peer.apply(VM, log.hash)

    assert found.present == 0
    assert ack.hash == log.hash
    assert receiver.content(VM, log.hash) == content


def test_hashes_of_more_than_an_answer_holds_come_in_order(
    peer: Peer, receiver: MemoryReceiver
) -> None:
    span = {"start": GIB, "length": 3 * GIB + 100, "chunk": 64 * KIB}

    found = peer.hashes(VM, "vda", **span)

    assert found == receiver.hashes(VM, "vda", **span)


def test_the_other_verbs_arrive_as_they_were_said(peer: Peer, receiver: MemoryReceiver) -> None:
    until = datetime(2026, 5, 1, tzinfo=UTC)
    disks = (ReplicaDisk(target="vda", size=GIB),)

    peer.pin(VM, GENERATION, who="test failover", until=until)
    pins = list(receiver.pins)
    peer.unpin(VM, GENERATION, who="test failover")
    seeded = peer.seed(
        VM, SeedWish(generation=GENERATION, images={"vda": "web.qcow2"}, disks=disks)
    )
    peer.remove(VM)

    assert pins == [(VM, GENERATION, "test failover", until)]
    assert receiver.pins == []
    assert seeded.head == GENERATION
    assert receiver.state(VM) is None


def test_tidings_are_answered_by_what_is_wanted(peer: Peer, receiver: MemoryReceiver) -> None:
    told = SourceTidings(epoch=3, is_active=True, generation=GENERATION, facts={"a": "b"})
    wanted = SiteOrder(kind=OrderKind.HAND_OVER, act="one", epoch=3, patience=20.0)
    receiver.orders[VM] = wanted

    answer = peer.tidings(VM, told)

    assert answer == wanted
    assert receiver.heard == [(VM, told)]


def test_a_site_of_before_says_that_it_does_not_know_tidings(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(REQUESTS, "tidings")

    with pytest.raises(errors.RequestNotUnderstood):
        peer.tidings(VM, SourceTidings())


def test_what_a_host_lacks_is_told_as_its_errors(peer: Peer, receiver: MemoryReceiver) -> None:
    receiver.lacks = [StorageFull(place="/srv", reason="no space")]

    (found,) = looked_at(peer, VM, LookWish(epoch=3)) or ()

    assert (type(found), str(found)) == (StorageFull, str(receiver.lacks[0]))
    ((vm, wish),) = receiver.looked
    # By whose certificate it was asked.
    assert (vm, wish.epoch, bool(wish.source)) == (VM, 3, True)


def test_a_host_of_before_cannot_say_what_it_lacks(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(REQUESTS, "look")

    assert looked_at(peer, VM, LookWish()) is None


def test_several_machines_send_at_once(
    peer: Peer, receiver: MemoryReceiver, tmp_path: Path
) -> None:
    vms = [f"0c5a1f1e-0000-4000-8000-0000000000{number:02d}" for number in range(12)]
    logs = {vm: FileLog.made(tmp_path / vm, os.urandom(MIB + 1)) for vm in vms}
    threads = [threading.Thread(target=peer.send, args=(vm, logs[vm])) for vm in vms]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(receiver.applied) == sorted((vm, log.hash) for vm, log in logs.items())


# What goes wrong there is said here.


def test_an_error_of_the_site_is_the_same_error_here(peer: Peer, receiver: MemoryReceiver) -> None:
    receiver.when_hashed = failing(StorageFull(place="/srv", reason="no space"))

    with pytest.raises(StorageFull) as raised:
        peer.hashes(VM, "vda", start=0, length=MIB, chunk=MIB)

    assert raised.value.fields == {"place": "/srv", "reason": "no space"}


def test_an_error_nobody_has_foreseen_is_named_and_logged_there(
    peer: Peer, receiver: MemoryReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.when_hashed = failing(ZeroDivisionError("of what?"))

    with caplog.at_level(logging.ERROR), pytest.raises(errors.SiteFault, match="of what"):
        peer.hashes(VM, "vda", start=0, length=MIB, chunk=MIB)

    assert "hashes" in caplog.text
    assert SOURCE in caplog.text


def test_a_site_that_is_full_in_the_middle_of_a_log_says_so(
    peer: Peer, receiver: MemoryReceiver, tmp_path: Path
) -> None:
    log = FileLog.made(tmp_path / "log", os.urandom(4 * MIB))
    receiver.when_taken = failing(StorageFull(place="/srv", reason="no space"))

    with pytest.raises(StorageFull):
        peer.send(VM, log)
    ack = peer.send(VM, log)

    assert ack.hash == log.hash


@pytest.mark.parametrize("vm", ["", "../../etc", "0C5A1F1E-0000-4000-8000-000000000001", VM + "\n"])
def test_what_is_no_machine_is_not_asked_about(
    peer: Peer, receiver: MemoryReceiver, vm: str
) -> None:
    with pytest.raises(errors.RequestNotUnderstood):
        peer.prepare(_wish(vm))

    assert receiver.state(vm) is None


@pytest.mark.parametrize("target", ["", "../vda", "v/da", "a" * 33])
def test_what_is_no_disk_is_not_asked_about(peer: Peer, target: str) -> None:
    wish = ReplicaWish(vm=VM, name="web", disks=(ReplicaDisk(target=target, size=1),))

    with pytest.raises(errors.RequestNotUnderstood):
        peer.hashes(VM, target, start=0, length=MIB, chunk=MIB)
    with pytest.raises(errors.RequestNotUnderstood):
        peer.prepare(wish)


# Who is let in.


def _refused(
    vouching: Vouching, identity: LinkIdentity, *, site: LinkIdentity | None = None
) -> tuple[HoldfastError, list[HoldfastError]]:
    """What the source is told, and what the site notes."""
    noted: list[HoldfastError] = []
    rules = SiteRules(grants=Everybody(), on_refused=noted.append)
    with served(vouching, MemoryReceiver(), rules=rules, identity=site) as place:
        peer = Peer(place.address, identity, clock=SystemClock(), patience=QUICK)
        with peer, pytest.raises(HoldfastError) as raised:
            peer.state(VM)
        wait_until(lambda: noted)
    return raised.value, noted


def test_a_source_of_another_authority_is_refused_on_both_sides(
    vouching: Vouching, tmp_path: Path
) -> None:
    stranger = Vouching(tmp_path)
    mine, here = stranger.identity(SOURCE), stranger.identity(SITE)

    told, _noted = _refused(vouching, mine)
    # Where only the site objects, which is when the source trusts both.
    both = tmp_path / "both.pem"
    both.write_text(Path(vouching.ca).read_text() + Path(stranger.ca).read_text())
    told_again, noted = _refused(
        vouching, LinkIdentity(certificate=mine.certificate, key=mine.key, ca=str(both))
    )

    assert here.ca == mine.ca
    assert isinstance(told, errors.SiteNotTrusted)
    # An authority that has not vouched for the source itself does not count.
    assert isinstance(told_again, errors.SiteNotTrusted)
    assert isinstance(noted[0], errors.SourceNotUnderstood)


def _alert(vouching: Vouching, identity: LinkIdentity) -> tuple[ssl.SSLError, HoldfastError]:
    """What a site answers to a certificate that no source of ours would show; what it notes."""
    noted: list[HoldfastError] = []
    rules = SiteRules(grants=Everybody(), on_refused=noted.append)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(vouching.ca)
    context.load_cert_chain(identity.certificate, identity.key)
    with (
        served(vouching, MemoryReceiver(), rules=rules) as site,
        socket.create_connection(("127.0.0.1", site.address.port)) as plain,
        context.wrap_socket(plain) as connection,
    ):
        with pytest.raises(ssl.SSLError) as raised:
            connection.recv(1)
        wait_until(lambda: noted)
    return raised.value, noted[0]


def test_a_site_that_does_not_know_the_sources_authority_says_so(
    vouching: Vouching, tmp_path: Path
) -> None:
    alert, noted = _alert(vouching, Vouching(tmp_path).identity(SOURCE))
    told = trouble_with_site(alert, "site:1", SystemClock().now())

    assert isinstance(told, errors.SiteRefusesAuthority)
    assert isinstance(noted, errors.SourceNotTrusted)


def test_a_server_is_no_machine(vouching: Vouching) -> None:
    alert, noted = _alert(vouching, vouching.server_identity("server.test"))
    told = trouble_with_site(alert, "site:1", SystemClock().now())

    assert isinstance(told, errors.SiteRefusesCertificate)
    assert isinstance(noted, errors.SourceNotAMachine)


def test_a_server_cannot_replicate(vouching: Vouching) -> None:
    peer = Peer(address_at(1), vouching.server_identity("server.test"), clock=SystemClock())

    with pytest.raises(errors.IdentityUnusable, match="no machine"):
        peer.state(VM)


def test_an_expired_certificate_is_said_before_anything_is_sent(vouching: Vouching) -> None:
    expired = vouching.identity("expired", issued=timedelta(days=-100))

    with pytest.raises(errors.OwnCertificateExpired) as raised:
        Peer(address_at(1), expired, clock=SystemClock()).state(VM)

    assert raised.value.retry is Retry.LATER


def test_a_certificate_that_has_not_begun_is_a_matter_of_clocks(vouching: Vouching) -> None:
    early = vouching.identity("early", issued=timedelta(days=2))

    with pytest.raises(errors.OwnCertificateEarly):
        Peer(address_at(1), early, clock=SystemClock()).state(VM)


class _Shifted(SystemClock):
    """Another time than OpenSSL's, so that our own look at our certificate finds nothing."""

    def __init__(self, by: timedelta) -> None:
        self._by = by

    def now(self) -> datetime:
        return super().now() + self._by


@pytest.mark.parametrize(
    ("issued", "told", "noted"),
    [
        (timedelta(days=-100), errors.SiteClockDiffers, errors.SourceCertificateExpired),
        (timedelta(days=100), errors.SiteClockDiffers, errors.SourceClockDiffers),
    ],
    ids=["expired", "early"],
)
def test_what_a_sites_clock_makes_of_a_certificate_is_said_on_both_sides(
    vouching: Vouching,
    issued: timedelta,
    told: type[HoldfastError],
    noted: type[HoldfastError],
) -> None:
    heard: list[HoldfastError] = []
    rules = SiteRules(grants=Everybody(), on_refused=heard.append)
    source = vouching.identity("shifted", issued=issued)
    with served(vouching, MemoryReceiver(), rules=rules) as site:
        peer = Peer(site.address, source, clock=_Shifted(issued), patience=QUICK)
        with peer, pytest.raises(told):
            peer.state(VM)
        wait_until(lambda: heard)

    assert isinstance(heard[0], noted)


@pytest.mark.parametrize(
    ("issued", "told"),
    [
        (timedelta(days=-100), errors.SiteCertificateExpired),
        (timedelta(days=100), errors.SiteClockDiffers),
    ],
    ids=["expired", "early"],
)
def test_what_the_sources_clock_makes_of_a_sites_certificate_is_said(
    vouching: Vouching, identity: LinkIdentity, issued: timedelta, told: type[HoldfastError]
) -> None:
    site = vouching.identity("shifted-site", issued=issued)
    with served(vouching, MemoryReceiver(), identity=site, clock=_Shifted(issued)) as place:
        address = address_at(place.address.port, machine="shifted-site")
        peer = Peer(address, identity, clock=SystemClock(), patience=QUICK)
        with peer, pytest.raises(told) as raised:
            peer.state(VM)

    assert raised.value.retry is Retry.LATER


def test_a_site_with_a_certificate_for_clients_says_so_when_it_is_started(
    vouching: Vouching,
) -> None:
    old = vouching.identity("old-site", only_client=True)
    rules = SiteRules(grants=Everybody())

    with pytest.raises(errors.OwnCertificateForClients) as raised:
        LinkServer(MemoryReceiver(), old, rules, clock=SystemClock())

    assert "agent renew" in raised.value.advice


def test_a_source_with_a_certificate_for_clients_is_welcome(
    vouching: Vouching, site: Served
) -> None:
    old = vouching.identity("old-source", only_client=True)

    with Peer(site.address, old, clock=SystemClock(), patience=EVEN_LOADED) as peer:
        assert peer.hello().shown.machine == SITE


def test_another_machine_at_the_address_is_not_spoken_to(
    site: Served, identity: LinkIdentity, receiver: MemoryReceiver
) -> None:
    address = address_at(site.address.port, machine="another")

    peer = Peer(address, identity, clock=SystemClock(), patience=QUICK)
    with peer, pytest.raises(errors.SiteIsAnother) as raised:
        peer.prepare(_wish())

    assert raised.value.fields["found"] == SITE
    assert receiver.state(VM) is None


def test_a_machine_taken_back_is_refused_on_both_sides(
    vouching: Vouching, identity: LinkIdentity
) -> None:
    heard: list[HoldfastError] = []
    gone = identity.read().fingerprint
    rules = SiteRules(
        grants=Everybody(),
        is_revoked=lambda shown: shown.fingerprint == gone,
        on_refused=heard.append,
    )

    with served(vouching, MemoryReceiver(), rules=rules) as site:
        peer = Peer(site.address, identity, clock=SystemClock(), patience=QUICK)
        with peer, pytest.raises(errors.SiteRefusesCertificate, match="taken back"):
            peer.state(VM)

    assert isinstance(heard[0], errors.SourceRevoked)


def test_a_machine_taken_back_while_it_is_connected_is_sent_away(
    vouching: Vouching, identity: LinkIdentity
) -> None:
    revoked: set[str] = set()
    rules = SiteRules(grants=Everybody(), is_revoked=lambda shown: shown.machine in revoked)
    limits = ServerLimits(rhythm=Rhythm(beat=0.1))

    with (
        served(vouching, MemoryReceiver(), rules=rules, limits=limits) as site,
        Peer(site.address, identity, clock=SystemClock(), patience=QUICK) as peer,
    ):
        peer.state(VM)
        revoked.add(SOURCE)

        wait_until(lambda: _error_of(peer) is errors.SiteRefusesCertificate)


def _error_of(peer: Peer) -> type[HoldfastError] | None:
    try:
        peer.state(VM)
    except HoldfastError as err:
        return type(err)
    return None


def test_a_site_taken_back_is_not_spoken_to(site: Served, identity: LinkIdentity) -> None:
    def is_revoked(shown: Shown) -> bool:
        return shown.machine == SITE

    peer = Peer(site.address, identity, clock=SystemClock(), is_revoked=is_revoked, patience=QUICK)
    with peer, pytest.raises(errors.SiteRevoked):
        peer.state(VM)


class _Granted:
    def __init__(self, *pairs: tuple[str, str]) -> None:
        self.pairs = set(pairs)

    def may_write(self, machine: str, vm: str) -> bool:
        return (machine, vm) in self.pairs

    may_tell = may_write


def test_a_machine_writes_what_it_was_granted_and_nothing_else(
    vouching: Vouching, identity: LinkIdentity, receiver: MemoryReceiver, tmp_path: Path
) -> None:
    grants = _Granted((SOURCE, VM))
    log = FileLog.made(tmp_path / "log", b"content")

    with (
        served(vouching, receiver, rules=SiteRules(grants=grants)) as site,
        Peer(site.address, identity, clock=SystemClock(), patience=EVEN_LOADED) as peer,
    ):
        peer.send(VM, log)
        with pytest.raises(errors.NotGranted) as raised:
            peer.send(OTHER, log)
        # The server tells the site a little later.
        grants.pairs.add((SOURCE, OTHER))
        peer.send(OTHER, log)

    assert raised.value.retry is Retry.LATER
    assert raised.value.fields == {"machine": SOURCE, "vm": OTHER}
    assert receiver.applied == [(VM, log.hash), (OTHER, log.hash)]


def test_a_renewed_certificate_is_taken_without_a_restart(
    vouching: Vouching, site: Served, identity: LinkIdentity
) -> None:
    with Peer(site.address, identity, clock=SystemClock(), patience=EVEN_LOADED) as peer:
        before = peer.hello().shown.fingerprint
    vouching.identity(SITE)
    vouching.identity(SOURCE)

    with Peer(site.address, identity, clock=SystemClock(), patience=EVEN_LOADED) as peer:
        after = peer.hello().shown.fingerprint

    assert before != after


# Nobody there.


def test_nobody_at_the_address_is_said(identity: LinkIdentity) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = address_at(taken.getsockname()[1])

        peer = Peer(address, identity, clock=SystemClock(), patience=QUICK)
        with peer, pytest.raises(errors.SiteUnreachable) as raised:
            peer.state(VM)

    assert raised.value.retry is Retry.LATER
    assert str(address.port) in raised.value.advice


def test_how_a_machine_is_now_is_said_once_and_not_again_later(identity: LinkIdentity) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = address_at(taken.getsockname()[1])
        clock = SystemClock()
        begun = clock.monotonic()

        peer = Peer(address, identity, clock=clock, patience=EVEN_LOADED)
        with peer, pytest.raises(errors.SiteUnreachable):
            peer.tidings(VM, SourceTidings())

    assert clock.monotonic() - begun < EVEN_LOADED.seconds / 2


def test_a_name_nobody_has_is_said(identity: LinkIdentity) -> None:
    address = SiteAddress(site="elsewhere", machine=SITE, host="no such host", port=1)

    peer = Peer(address, identity, clock=SystemClock(), patience=QUICK)
    with peer, pytest.raises(errors.SiteUnreachable, match="no such host"):
        peer.state(VM)


def test_a_peer_that_is_closed_lets_everybody_go(peer: Peer, receiver: MemoryReceiver) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def hold(_vm: str) -> None:
        begun.set()
        may_end.wait()

    receiver.when_hashed = hold
    found: list[type[HoldfastError] | None] = []

    def ask() -> None:
        try:
            peer.hashes(VM, "vda", start=0, length=MIB, chunk=MIB)
        except HoldfastError as err:
            found.append(type(err))

    thread = threading.Thread(target=ask)
    thread.start()
    begun.wait()
    peer.close()
    thread.join()
    may_end.set()

    assert found == [errors.LinkClosed]
    with pytest.raises(errors.LinkClosed):
        peer.state(VM)


def test_a_site_that_stops_ends_what_is_under_way_and_begins_nothing(
    vouching: Vouching, identity: LinkIdentity, receiver: MemoryReceiver, tmp_path: Path
) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def hold(_vm: str) -> None:
        begun.set()
        may_end.wait()

    receiver.when_applied = hold
    log = FileLog.made(tmp_path / "log", b"content")
    acks = []
    with served(vouching, receiver) as site:
        peer = Peer(site.address, identity, clock=SystemClock(), patience=QUICK)
        sender = threading.Thread(target=lambda: acks.append(peer.send(VM, log)))
        sender.start()
        begun.wait()
        stopper = threading.Thread(target=site.server.stop)
        stopper.start()
        try:
            wait_until(lambda: _error_of(peer) is errors.SiteStopping)
        finally:
            may_end.set()
        sender.join()
        stopper.join()
    peer.close()

    assert [ack.hash for ack in acks] == [log.hash]


def test_a_port_that_is_taken_is_said(vouching: Vouching, site: Served) -> None:
    at = ListenAt(hosts=("127.0.0.1",), port=site.address.port)

    with pytest.raises(errors.SitePortUnavailable) as raised:
        LinkServer(
            MemoryReceiver(),
            vouching.identity("another-site"),
            SiteRules(grants=Everybody()),
            clock=SystemClock(),
            at=at,
        )

    assert f"sport = :{site.address.port}" in raised.value.advice


# How much it carries.


def test_a_probe_measures_the_link_and_leaves_nothing(peer: Peer, receiver: MemoryReceiver) -> None:
    probe = peer.probe(size=8 * MIB)

    assert probe.bytes == 8 * MIB
    assert probe.seconds > 0
    assert probe.round_trip_seconds > 0
    assert probe.limit is None
    assert receiver.taken == []


def test_a_probe_ends_when_its_time_is_over(peer: Peer) -> None:
    probe = peer.probe(size=1 << 50, seconds=0.3)

    assert 0 < probe.bytes < 1 << 50
    assert probe.seconds >= 0.3


def test_a_probe_is_no_faster_than_it_may_be(peer: Peer) -> None:
    probe = peer.probe(size=MIB, seconds=60, limit=2 * MIB)

    assert probe.bytes == MIB
    assert probe.bytes_per_second <= 2.2 * MIB
    assert probe.limit == 2 * MIB


def test_no_piece_waits_for_an_answer_to_the_one_before(
    site: Served, identity: LinkIdentity, receiver: MemoryReceiver, tmp_path: Path
) -> None:
    log = FileLog.made(tmp_path / "log", os.urandom(16 * MIB))
    with (
        relaying(site.address.port) as relay,
        Peer(address_at(relay.port), identity, clock=SystemClock(), patience=EVEN_LOADED) as peer,
    ):
        receiver.when_taken = lambda _vm: relay.stall()
        sender = threading.Thread(target=peer.send, args=(VM, log))
        sender.start()
        wait_until(lambda: relay.collected - relay.carried > 8 * MIB)
        receiver.when_taken = lambda _vm: None
        relay.go_on()
        sender.join()

    assert receiver.applied == [(VM, log.hash)]


def test_a_site_takes_in_no_faster_than_it_may_from_all_together(
    vouching: Vouching, tmp_path: Path
) -> None:
    """And asks and answers go on in between."""
    clock, receiver = SystemClock(), MemoryReceiver()
    rate, size = MIB, 2 * MIB
    rules = SiteRules(grants=Everybody(), pace=Pace(clock, [Limit(bytes_per_second=rate)]))
    machines = (SOURCE, "5000000000000002")
    logs = [FileLog.made(tmp_path / machine, os.urandom(size)) for machine in machines]
    with served(vouching, receiver, rules=rules) as site, contextlib.ExitStack() as stack:
        peers = [
            stack.enter_context(
                Peer(site.address, vouching.identity(each), clock=clock, patience=EVEN_LOADED)
            )
            for each in machines
        ]
        begun = clock.monotonic()
        senders = [
            threading.Thread(target=peer.send, args=(vm, log))
            for peer, vm, log in zip(peers, (VM, OTHER), logs, strict=True)
        ]
        for sender in senders:
            sender.start()
        peers[0].state(VM)
        is_answered_meanwhile = any(sender.is_alive() for sender in senders)
        for sender in senders:
            sender.join()
        took = clock.monotonic() - begun

    assert is_answered_meanwhile
    assert {vm for vm, _hash in receiver.applied} == {VM, OTHER}
    # All but what a turn may catch up with, and the first piece of each.
    assert took > 0.75 * 2 * size / rate
