"""What happens on the way between two hosts, and who else comes to a site's port."""

import contextlib
import os
import random
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from holdfast.base.clock import SystemClock
from holdfast.base.errors import HoldfastError
from holdfast.base.units import KIB, MIB
from holdfast.replication import link_errors as errors
from holdfast.replication import link_frames as frames
from holdfast.replication.link_client import Peer
from holdfast.replication.link_connecting import Patience
from holdfast.replication.link_frames import Ask, Beat, Data, Hello, Kind, Rhythm
from holdfast.replication.link_identity import LinkIdentity, client_context
from holdfast.replication.link_server import ServerLimits, SiteRules
from holdfast.replication.pace import Pace
from holdfast.replication.settings import Limit
from holdfast.testing.links import SOURCE, Everybody, Served, Vouching, address_at, served
from holdfast.testing.memory_receiver import FileLog, MemoryReceiver
from holdfast.testing.relay import Relay, relaying
from holdfast.testing.waiting import wait_until

VM = "0c5a1f1e-0000-4000-8000-000000000001"
OTHER = "0c5a1f1e-0000-4000-8000-000000000002"
# A beat that is late is nothing on a loaded machine; one that never comes is noticed soon enough.
SOON = Rhythm(beat=0.2, silence=3.0)
STUBBORN = Patience(seconds=90.0, connect=60.0, waits=(0.01, 0.05), rhythm=SOON)

pytestmark = pytest.mark.faults


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
    limits = ServerLimits(rhythm=SOON, handshakes=4, of_one_machine=2)
    with served(vouching, receiver, limits=limits) as site:
        yield site


@pytest.fixture
def relay(site: Served) -> Iterator[Relay]:
    with relaying(site.address.port) as relay:
        yield relay


@pytest.fixture
def peer(relay: Relay, identity: LinkIdentity) -> Iterator[Peer]:
    address = address_at(relay.port)
    with Peer(address, identity, clock=SystemClock(), patience=STUBBORN) as peer:
        yield peer


@pytest.fixture
def content() -> bytes:
    return random.Random(7).randbytes(600 * KIB)


def _in_thread(peer: Peer, log: FileLog, vm: str = VM) -> threading.Thread:
    thread = threading.Thread(target=peer.send, args=(vm, log))
    thread.start()
    return thread


# Cuts.

_OF_A_HANDSHAKE = (0, 5, 250, 1000, 1100, 1150, 1200, 1250, 1300, 1500)
_OF_A_LOG = tuple(random.Random(11).sample(range(1500, 600_000), 14))


@pytest.mark.parametrize(
    "cuts", [_OF_A_HANDSHAKE, _OF_A_LOG], ids=["at the beginning", "in the middle"]
)
def test_a_log_arrives_whole_wherever_the_link_is_cut(
    peer: Peer,
    relay: Relay,
    receiver: MemoryReceiver,
    content: bytes,
    tmp_path: Path,
    *,
    cuts: tuple[int, ...],
) -> None:
    for number, cut in enumerate(cuts):
        name = tmp_path / str(number)
        log = FileLog.made(name, number.to_bytes(4, "big") + content)
        relay.cut_after(cut)
        relay.cut()

        ack = peer.send(VM, log)

        assert ack.hash == log.hash, f"cut after {cut}"
        assert receiver.content(VM, log.hash) == name.read_bytes(), f"cut after {cut}"
    assert len(receiver.applied) == len(cuts)


def test_a_link_that_is_cut_again_and_again_still_gets_a_log_through(
    peer: Peer, relay: Relay, receiver: MemoryReceiver, tmp_path: Path
) -> None:
    content = os.urandom(5 * MIB)
    log = FileLog.made(tmp_path / "log", content)
    # Each lets two pieces through at most.
    relay.cut_after(*[600 * KIB] * 40)

    peer.send(VM, log)

    assert relay.connections >= 9
    assert receiver.content(VM, log.hash) == content
    # What had come was not sent again; what was on its way at a cut had not come.
    assert sum(piece.length for piece in receiver.taken) == len(content)
    assert receiver.applied == [(VM, log.hash)]


def test_an_answer_that_was_lost_is_asked_for_again_and_nothing_is_done_twice(
    peer: Peer, relay: Relay, receiver: MemoryReceiver, tmp_path: Path
) -> None:
    log = FileLog.made(tmp_path / "log", b"content")
    receiver.when_applied = lambda _vm: relay.cut()

    ack = peer.send(VM, log)

    assert ack.hash == log.hash
    assert receiver.applied == [(VM, log.hash)]


def test_many_who_wait_for_one_apply_have_it_done_once(
    relay: Relay, receiver: MemoryReceiver, identity: LinkIdentity, tmp_path: Path
) -> None:
    log = FileLog.made(tmp_path / "log", b"content")
    begun, may_end = threading.Event(), threading.Event()
    asked: list[str] = []

    def hold(vm: str) -> None:
        asked.append(vm)
        begun.set()
        may_end.wait()

    receiver.when_applied = hold
    with Peer(address_at(relay.port), identity, clock=SystemClock(), patience=STUBBORN) as peer:
        sender = _in_thread(peer, log)
        begun.wait()
        connections = relay.connections
        relay.cut()
        wait_until(lambda: relay.connections > connections)
        # By now it asks for the same apply again, or will.
        peer.state(VM)
        may_end.set()
        sender.join()

    assert receiver.applied == [(VM, log.hash)]
    assert len(asked) <= 2


def test_pieces_that_lie_in_a_dead_connection_are_not_taken_any_more(
    site: Served, receiver: MemoryReceiver, identity: LinkIdentity, tmp_path: Path
) -> None:
    content = os.urandom(MIB)
    log = FileLog.made(tmp_path / "log", content)
    with _speaking(site, identity) as old:
        old.ask(1, "incoming", {"vm": VM, "sha256": log.hash, "size": log.size})
        old.hear(Kind.ANSWER)
        with Peer(site.address, identity, clock=SystemClock(), patience=STUBBORN) as peer:
            peer.send(VM, log)
        pieces = len(receiver.taken)

        old.say(Data(1, 0), b"what nobody wants")

        assert old.hear(Kind.REFUSAL).code == "site-log-not-open"
    assert len(receiver.taken) == pieces


# Silence.


def test_a_link_that_carries_nothing_any_more_is_given_up_and_made_anew(
    peer: Peer, relay: Relay, receiver: MemoryReceiver, tmp_path: Path
) -> None:
    peer.state(VM)
    log = FileLog.made(tmp_path / "log", os.urandom(MIB))
    relay.stall()
    sender = _in_thread(peer, log)
    wait_until(lambda: relay.connections > 1)

    relay.go_on()
    sender.join()

    assert receiver.applied == [(VM, log.hash)]


def test_a_site_gives_a_source_up_that_says_nothing(site: Served, identity: LinkIdentity) -> None:
    with _speaking(site, identity) as mute:
        mute.wait_for_the_end()


def test_a_slow_disk_at_the_site_is_no_reason_to_give_it_up(
    peer: Peer, relay: Relay, receiver: MemoryReceiver, tmp_path: Path
) -> None:
    clock = SystemClock()
    log = FileLog.made(tmp_path / "log", os.urandom(5 * MIB))
    begun = clock.monotonic()

    def hold(_vm: str) -> None:
        receiver.when_taken = lambda _vm: None
        clock.sleep(SOON.silence + 1)

    receiver.when_taken = hold
    peer.send(VM, log)

    assert clock.monotonic() - begun > SOON.silence
    assert relay.connections == 1


def test_a_request_that_takes_long_is_waited_for(
    peer: Peer, relay: Relay, receiver: MemoryReceiver
) -> None:
    receiver.when_hashed = lambda _vm: SystemClock().sleep(SOON.silence + 1)

    found = peer.hashes(VM, "vda", start=0, length=MIB, chunk=MIB)

    assert len(found) == 32
    assert relay.connections == 1


def test_a_link_nobody_uses_is_ended_and_made_anew_when_it_is_needed(
    site: Served, identity: LinkIdentity
) -> None:
    fickle = Patience(seconds=90.0, connect=60.0, waits=(0.01,), rhythm=SOON, idle=0.01)
    with Peer(site.address, identity, clock=SystemClock(), patience=fickle) as peer:
        for _ in range(3):
            assert peer.state(VM) is None
            wait_until(lambda: not site.server._servings)


def test_without_any_progress_it_is_given_up_in_the_end(
    relay: Relay, identity: LinkIdentity, tmp_path: Path
) -> None:
    log = FileLog.made(tmp_path / "log", b"content")
    relay.refuses = True
    hasty = Patience(seconds=0.2, connect=60.0, waits=(0.05,))

    peer = Peer(address_at(relay.port), identity, clock=SystemClock(), patience=hasty)
    with peer, pytest.raises(errors.LinkLost):
        peer.send(VM, log)


# Who shares the line.


def test_a_small_log_does_not_wait_for_a_large_one(
    site: Served, identity: LinkIdentity, receiver: MemoryReceiver, tmp_path: Path
) -> None:
    clock = SystemClock()
    large = FileLog.made(tmp_path / "large", os.urandom(8 * MIB))
    small = FileLog.made(tmp_path / "small", os.urandom(200 * KIB))
    pace = Pace(clock, [Limit(bytes_per_second=2 * MIB)])
    with Peer(site.address, identity, clock=clock, pace=pace, patience=STUBBORN) as peer:
        sender = _in_thread(peer, large)
        wait_until(lambda: len(receiver.taken) > 1)
        peer.send(OTHER, small)
        left = [piece for piece in receiver.taken if piece.vm == VM]
        pace.change([])
        sender.join()

    # Of the large one hardly more had gone meanwhile than of the small one.
    assert sum(piece.length for piece in left) < 6 * MIB
    assert [vm for vm, _hash in receiver.applied] == [OTHER, VM]


def test_machines_share_a_limited_line_evenly(
    site: Served, identity: LinkIdentity, receiver: MemoryReceiver, tmp_path: Path
) -> None:
    clock = SystemClock()
    vms = [f"0c5a1f1e-0000-4000-8000-0000000000{number:02d}" for number in range(4)]
    logs = [FileLog.made(tmp_path / vm, os.urandom(2 * MIB)) for vm in vms]
    # So slow that all are in line before the first is far.
    pace = Pace(clock, [Limit(bytes_per_second=64 * KIB)])
    with Peer(site.address, identity, clock=clock, pace=pace, patience=STUBBORN) as peer:
        senders = [_in_thread(peer, log, vm) for vm, log in zip(vms, logs, strict=True)]
        wait_until(lambda: {piece.vm for piece in receiver.taken} == set(vms))
        already = len(receiver.taken)
        pace.change([Limit(bytes_per_second=8 * MIB)])
        for sender in senders:
            sender.join()

    # While all of them had something to send, nobody was two pieces ahead.
    for end in range(already, len(receiver.taken) // 2):
        counts = [sum(piece.vm == vm for piece in receiver.taken[already:end]) for vm in vms]
        assert max(counts) - min(counts) <= 2, counts


def test_a_probe_lets_a_replication_go_first(
    site: Served, identity: LinkIdentity, receiver: MemoryReceiver, tmp_path: Path
) -> None:
    clock = SystemClock()
    log = FileLog.made(tmp_path / "log", os.urandom(4 * MIB))
    pace = Pace(clock, [Limit(bytes_per_second=4 * MIB)])
    with Peer(site.address, identity, clock=clock, pace=pace, patience=STUBBORN) as peer:
        sender = _in_thread(peer, log)
        wait_until(lambda: receiver.taken)
        probe = peer.probe(size=MIB, seconds=60)
        sender.join()

    assert probe.bytes == MIB
    assert probe.others > probe.bytes
    assert probe.limit == 4 * MIB


# Whoever else comes.


class _Speaking:
    """A source that says what it likes."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def say(self, head: frames.Head, payload: bytes = b"") -> None:
        self._connection.sendall(frames.encode(head, len(payload)) + payload)

    def ask(self, number: int, verb: str, fields: dict[str, object]) -> None:
        self.say(Ask(number, verb), msgspec.msgpack.encode(fields))

    def hear(self, kind: Kind) -> frames.Refusal:
        """The next frame of the kind, past whatever beats."""
        while True:
            begin = frames.parse_begin(self._receive(frames.BEGIN_BYTES))
            head = frames.parse_head(begin.kind, self._receive(begin.head_length))
            self._receive(begin.payload_length)
            if begin.kind is kind:
                return head  # type: ignore[return-value]  # tests look at refusals only
            assert isinstance(head, Beat)

    def wait_for_the_end(self) -> None:
        with contextlib.suppress(OSError):
            while self._connection.recv(1 << 16):
                pass

    def _receive(self, size: int) -> bytes:
        content = b""
        while len(content) < size:
            piece = self._connection.recv(size - len(content))
            assert piece, "the site ended it"
            content += piece
        return content


@contextlib.contextmanager
def _speaking(site: Served, identity: LinkIdentity, *, greet: bool = True) -> Iterator[_Speaking]:
    clock = SystemClock()
    context = client_context(identity, clock)
    with (
        socket.create_connection(("127.0.0.1", site.address.port)) as plain,
        context.wrap_socket(plain) as connection,
    ):
        connection.settimeout(90)
        speaking = _Speaking(connection)
        speaking.hear(Kind.GREETING)
        if greet:
            speaking.say(Hello(version=frames.VERSION, product="test", now=clock.now()))
        yield speaking


def _works(site: Served, identity: LinkIdentity) -> bool:
    with Peer(site.address, identity, clock=SystemClock(), patience=STUBBORN) as peer:
        return peer.state(VM) is None


def test_rubbish_in_place_of_tls_harms_nobody(site: Served, identity: LinkIdentity) -> None:
    chance = random.Random(13)
    for _ in range(30):
        with (
            socket.create_connection(("127.0.0.1", site.address.port)) as stranger,
            contextlib.suppress(OSError),
        ):
            stranger.sendall(chance.randbytes(chance.randrange(1, 5000)))

    assert _works(site, identity)


def test_rubbish_from_a_machine_harms_nobody(
    site: Served, identity: LinkIdentity, receiver: MemoryReceiver
) -> None:
    chance = random.Random(17)
    good = frames.encode(Ask(1, "state"), 3) + b"abc"
    for number in range(24):
        with _speaking(site, identity, greet=number % 2 == 0) as speaking:
            rubbish = bytearray(good * 3) if number % 3 else bytearray(chance.randbytes(4000))
            for _ in range(chance.randrange(1, 6)):
                rubbish[chance.randrange(len(rubbish))] = chance.randrange(256)
            with contextlib.suppress(OSError):
                speaking._connection.sendall(rubbish)

    assert _works(site, identity)
    assert receiver.applied == []


@pytest.mark.parametrize(
    ("verb", "fields"),
    [
        ("", {}),
        ("no such thing", {"vm": VM}),
        ("state", {}),
        ("state", {"vm": 7}),
        ("state", {"vm": "../.."}),
        ("prepare", {"vm": VM, "wish": {"vm": OTHER, "name": "x", "disks": []}}),
        ("incoming", {"vm": VM, "sha256": "../../etc/passwd", "size": 1}),
        ("incoming", {"vm": VM, "sha256": "a" * 64, "size": -1}),
        ("take", {"vm": VM, "sha256": "a" * 64, "offset": -1, "content": b""}),
        ("hashes", {"vm": VM, "target": "a/b", "start": 0, "length": 1, "chunk": 65536}),
        ("hashes", {"vm": VM, "target": "vda", "start": 0, "length": 1 << 60, "chunk": 65536}),
        ("hashes", {"vm": VM, "target": "vda", "start": 0, "length": 1, "chunk": 1}),
        ("pin", {"vm": VM, "generation": "../x", "who": "me"}),
        ("probed", {"number": "x"}),
    ],
)
def test_what_makes_no_sense_is_refused_and_the_connection_goes_on(
    site: Served, identity: LinkIdentity, *, verb: str, fields: dict[str, object]
) -> None:
    with _speaking(site, identity) as speaking:
        speaking.ask(1, verb, fields)
        refusal = speaking.hear(Kind.REFUSAL)
        speaking.ask(2, "state", {"vm": VM})
        speaking.hear(Kind.ANSWER)

    assert refusal.number == 1
    assert refusal.code in ("site-request-not-understood", "site-fault")


def test_pieces_of_a_log_nobody_asked_for_are_thrown_away(
    site: Served, identity: LinkIdentity, receiver: MemoryReceiver
) -> None:
    with _speaking(site, identity) as speaking:
        speaking.say(Data(77, 0), b"x" * 1000)
        speaking.ask(1, "state", {"vm": VM})
        speaking.hear(Kind.ANSWER)

    assert receiver.taken == []


def test_a_frame_that_is_too_long_ends_the_connection(site: Served, identity: LinkIdentity) -> None:
    with _speaking(site, identity) as speaking:
        speaking._connection.sendall(frames._BEGIN.pack(b"HF", Kind.ASK, 1, 1 << 31))

        assert speaking.hear(Kind.REFUSAL).code == "site-link-garbled"
        speaking.wait_for_the_end()


def test_nobody_is_served_before_hello(site: Served, identity: LinkIdentity) -> None:
    with _speaking(site, identity, greet=False) as speaking:
        speaking.ask(1, "state", {"vm": VM})

        assert speaking.hear(Kind.REFUSAL).number == 0


def test_those_who_never_finish_a_handshake_do_not_keep_others_out(
    site: Served, identity: LinkIdentity
) -> None:
    with contextlib.ExitStack() as opened:
        for _ in range(20):
            opened.enter_context(socket.create_connection(("127.0.0.1", site.address.port)))

        assert _works(site, identity)


def test_a_machine_with_too_many_connections_loses_the_oldest(
    site: Served, identity: LinkIdentity
) -> None:
    with contextlib.ExitStack() as opened:
        connections = [opened.enter_context(_speaking(site, identity)) for _ in range(3)]

        assert connections[0].hear(Kind.REFUSAL).code == "site-busy"
        connections[2].ask(1, "state", {"vm": VM})
        connections[2].hear(Kind.ANSWER)


def test_a_site_with_too_many_connections_says_so(vouching: Vouching) -> None:
    one, two = vouching.identity("one"), vouching.identity("two")
    with (
        served(vouching, MemoryReceiver(), limits=ServerLimits(connections=1)) as site,
        _speaking(site, one),
        Peer(site.address, two, clock=SystemClock()) as peer,
        pytest.raises(errors.SiteBusy),
    ):
        peer.state(VM)


class _Lavish(MemoryReceiver):
    """Each answer is a MiB and costs nothing."""

    def hashes(self, vm: str, target: str, *, start: int, length: int, chunk: int) -> bytes:
        super().hashes(vm, target, start=start, length=0, chunk=chunk)
        return bytes(MIB * (length > 0))


def test_a_source_that_does_not_fetch_answers_does_not_fill_the_memory(
    vouching: Vouching, identity: LinkIdentity
) -> None:
    asked: list[str] = []
    receiver = _Lavish()
    receiver.when_hashed = asked.append
    span: dict[str, object] = {"start": 0, "length": MIB, "chunk": MIB}
    limits = ServerLimits(rhythm=SOON)
    with (
        served(vouching, receiver, limits=limits) as site,
        _speaking(site, identity) as greedy,
    ):
        # The site stops reading when some of them wait.
        with contextlib.suppress(OSError):
            for number in range(1, 400):
                greedy.ask(number, "hashes", {"vm": VM, "target": "vda", **span})
        wait_until(lambda: len(site.server._servings) == 0)

    assert len(asked) < 100


@contextlib.contextmanager
def _pretending(content: bytes) -> Iterator[int]:
    """A port where whoever answers says this, to anybody."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _address = listener.accept()
                    with connection:
                        connection.sendall(content)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize("content", [b"", b"220 mail.test ESMTP\r\n", bytes(1000)])
def test_another_service_at_the_port_is_an_error_of_ours(
    identity: LinkIdentity, content: bytes
) -> None:
    hasty = Patience(seconds=0.2, connect=60.0, waits=(0.05,))
    with _pretending(content) as port:
        peer = Peer(address_at(port), identity, clock=SystemClock(), patience=hasty)
        with peer, pytest.raises(HoldfastError) as raised:
            peer.state(VM)

    assert isinstance(raised.value, errors.LinkGarbled | errors.LinkLost)


def test_who_was_refused_is_told_of(vouching: Vouching, tmp_path: Path) -> None:
    heard: list[HoldfastError] = []
    rules = SiteRules(grants=Everybody(), on_refused=heard.append)
    with (
        served(vouching, MemoryReceiver(), rules=rules) as site,
        socket.create_connection(("127.0.0.1", site.address.port)) as stranger,
    ):
        stranger.sendall(b"GET / HTTP/1.0\r\n\r\n")
        wait_until(lambda: heard)

    assert isinstance(heard[0], errors.SourceNotUnderstood)
    assert "127.0.0.1" in str(heard[0])
