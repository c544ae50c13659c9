"""Clouds that are misconfigured, far away, slow, or hang up: real stores, real sockets."""

import contextlib
import os
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from holdfast.base.clock import SystemClock
from holdfast.base.errors import Exit, HoldfastError
from holdfast.base.units import MIB
from holdfast.storage.errors import (
    CertificateRefused,
    ClockWrong,
    ContainerMissing,
    CredentialsWrong,
    FileExists,
    FileMissing,
    StorageFull,
    StorageIncapable,
    StorageThrottled,
    StorageUnavailable,
    StorageUnreachable,
)
from holdfast.storage.location import open_storage, parse_location
from holdfast.storage.object_store import Patience
from holdfast.storage.protocol import Storage
from holdfast.testing.object_stores import RunningStore, StoreMissing, azurite, moto

pytestmark = pytest.mark.real

NODE = Path(__file__).parents[2] / ".work" / "azurite"
# For those that answer: slow they may be. None is asked twice.
PATIENT = Patience(
    connect=timedelta(seconds=90),
    silence=timedelta(seconds=90),
    whole=timedelta(seconds=90),
    tries=0,
    trying=timedelta(seconds=90),
)
# For one that never does.
HASTY = Patience(
    connect=timedelta(seconds=30),
    silence=timedelta(seconds=0.5),
    whole=timedelta(seconds=1),
    tries=0,
    trying=timedelta(seconds=1),
)
SECRET = "hunter2hunter2"


@pytest.fixture(scope="module")
def azure() -> Iterator[RunningStore]:
    try:
        with azurite(NODE) as store:
            yield store
    except StoreMissing as missing:
        if os.environ.get("HOLDFAST_TEST_ALLOW_SKIP") == "1":
            pytest.skip(str(missing))
        raise


@pytest.fixture(scope="module")
def s3() -> Iterator[RunningStore]:
    with moto() as store:
        yield store


def _opened(location: str, credentials: Mapping[str, str]) -> Storage:
    return open_storage(parse_location(location), credentials, patience=PATIENT)


def _s3_at(url: str, *, patience: Patience = PATIENT) -> Storage:
    credentials = {
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": url,
    }
    return open_storage(parse_location("s3://bucket/prefix"), credentials, patience=patience)


def _new_container(store: RunningStore) -> str:
    return store.create_container(f"box-{secrets.token_hex(4)}")


CALLS: list[Callable[[Storage], object]] = [
    lambda storage: storage.put("config", b"x"),
    lambda storage: storage.get("config"),
    lambda storage: storage.read("config", 0, 1),
    lambda storage: storage.size("config"),
    lambda storage: list(storage.list("keys")),
]


@pytest.mark.parametrize("call", CALLS, ids=["put", "get", "read", "size", "list"])
@pytest.mark.parametrize("name", ["azure", "s3"])
def test_a_missing_container_is_not_an_empty_vault(
    name: str, call: Callable[[Storage], object], request: pytest.FixtureRequest
) -> None:
    store: RunningStore = request.getfixturevalue(name)
    storage = _opened(f"{store.scheme}://never-made/prefix", store.credentials)

    with pytest.raises(ContainerMissing) as caught:
        call(storage)

    assert caught.value.exit_status == Exit.NO_VAULT


@pytest.mark.parametrize("call", CALLS[:3] + CALLS[4:], ids=["put", "get", "read", "list"])
def test_a_wrong_azure_key_is_said_to_be_wrong(
    azure: RunningStore, call: Callable[[Storage], object]
) -> None:
    credentials = {**azure.credentials, "AZURE_STORAGE_KEY": "c2VjcmV0c2VjcmV0"}
    storage = _opened(_new_container(azure), credentials)

    with pytest.raises(CredentialsWrong) as caught:
        call(storage)

    assert "AZURE_STORAGE_KEY" in caught.value.advice
    assert "c2VjcmV0c2VjcmV0" not in str(caught.value)


def test_a_key_that_is_no_key_is_said_to_be_wrong(azure: RunningStore) -> None:
    storage = _opened("az://box", {**azure.credentials, "AZURE_STORAGE_KEY": "not base 64!"})

    with pytest.raises(CredentialsWrong):
        storage.get("config")


@pytest.mark.parametrize("name", ["azure", "s3"])
def test_two_prefixes_of_a_container_do_not_meet(name: str, request: pytest.FixtureRequest) -> None:
    store: RunningStore = request.getfixturevalue(name)
    container = _new_container(store)
    one = _opened(f"{container}/vaults/one", store.credentials)
    neighbour = _opened(f"{container}/vaults/one-b", store.credentials)

    one.put("config", b"1")
    neighbour.put("config", b"2")

    assert [entry.name for entry in one.list("")] == ["config"]
    assert one.get("config") == b"1"


def test_an_unknown_host_is_named_with_what_to_try() -> None:
    with pytest.raises(StorageUnreachable) as caught:
        _s3_at("https://storage.invalid").get("config")

    assert "lookup" in str(caught.value)
    assert "https://storage.invalid" in caught.value.advice


def test_a_closed_port_is_unreachable() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        storage = _s3_at(f"http://127.0.0.1:{bound.getsockname()[1]}")

        with pytest.raises(StorageUnreachable, match="refused"):
            storage.put("config", b"x")


def test_an_unknown_authority_is_refused(tmp_path: Path) -> None:
    certificate = _new_certificate(tmp_path)

    with (
        _serving(lambda link: _handshake(link, certificate)) as port,
        pytest.raises(CertificateRefused),
    ):
        _s3_at(f"https://127.0.0.1:{port}").get("config")


def test_a_server_without_tls_is_refused() -> None:
    with (
        _serving(lambda link: link.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port,
        pytest.raises(CertificateRefused),
    ):
        _s3_at(f"https://127.0.0.1:{port}").get("config")


def test_a_server_that_never_answers_is_given_up() -> None:
    over = threading.Event()
    with _serving(lambda _link: over.wait(600)) as port:
        for call in CALLS:
            with pytest.raises(StorageUnreachable, match="no answer in time"):
                call(_s3_at(f"http://127.0.0.1:{port}", patience=HASTY))
        over.set()


def test_an_interrupt_does_not_wait_for_a_silent_server() -> None:
    asked = threading.Event()

    def interrupt(link: socket.socket) -> None:
        link.recv(1)
        asked.set()
        os.kill(os.getpid(), signal.SIGUSR1)
        link.recv(65536)
        link.recv(1)

    class Interrupted(BaseException):
        pass

    def stop(*_: object) -> None:
        raise Interrupted

    before = signal.signal(signal.SIGUSR1, stop)
    # Longer than any test may take.
    endless = Patience(
        silence=timedelta(hours=1), whole=timedelta(hours=1), trying=timedelta(hours=1), tries=0
    )
    try:
        with _serving(interrupt) as port:
            storage = _s3_at(f"http://127.0.0.1:{port}", patience=endless)
            with pytest.raises(Interrupted):
                storage.get("config")
    finally:
        signal.signal(signal.SIGUSR1, before)

    assert asked.is_set()


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (403, "RequestTimeTooSkewed", ClockWrong),
        (503, "SlowDown", StorageThrottled),
        (507, "InsufficientStorage", StorageFull),
        (501, "NotImplemented", StorageIncapable),
        (500, "InternalError", StorageUnavailable),
    ],
)
def test_a_refusal_is_told_in_our_words(status: int, code: str, error: type[HoldfastError]) -> None:
    reply = f"<Error><Code>{code}</Code><Message>Because of {code}.\nMore.</Message></Error>"

    with (
        _serving(lambda link: _refuse(link, status, reply)) as port,
        pytest.raises(error) as caught,
    ):
        _s3_at(f"http://127.0.0.1:{port}").put("config", b"x")

    assert f"Because of {code}." in str(caught.value)
    assert "More" not in str(caught.value)


def test_a_shared_access_signature_is_never_shown() -> None:
    credentials = {
        "AZURE_STORAGE_ACCOUNT": "account",
        "AZURE_STORAGE_SAS_TOKEN": f"sv=2021-08-06&sig={SECRET}",
        "AZURE_STORAGE_ENDPOINT": "http://127.0.0.1:1",
    }
    storage = _opened("az://box", credentials)

    for call in CALLS:
        with pytest.raises(HoldfastError) as caught:
            call(storage)
        assert SECRET not in str(caught.value) + caught.value.advice + repr(caught.value.fields)
        assert caught.value.__cause__ is None


def test_a_put_whose_reply_was_cut_off_is_done(s3: RunningStore) -> None:
    with _cutting_replies(s3) as (storage, cut):
        cut.set()
        storage.put("data/large", b"x" * (2 * MIB))
        assert not cut.is_set()
        cut.set()
        storage.put("data/small", b"x")

        assert storage.get("data/small") == b"x"
        assert storage.size("data/large") == 2 * MIB


def test_a_put_whose_reply_was_cut_off_does_not_claim_the_file_of_another(
    s3: RunningStore,
) -> None:
    with _cutting_replies(s3) as (storage, cut):
        storage.put("config", b"theirs")
        cut.set()

        # The reply that was lost said "exists", so it is not known yet: try again, then it is.
        with pytest.raises(StorageUnreachable):
            storage.put("config", b"ours")
        with pytest.raises(FileExists):
            storage.put("config", b"ours")

        assert storage.get("config") == b"theirs"


def test_a_put_that_never_arrived_is_not_done(s3: RunningStore) -> None:
    container = _new_container(s3)
    storage = _opened(container, s3.credentials)
    nowhere = _opened(container, {**s3.credentials, "AWS_ENDPOINT_URL": "http://127.0.0.1:1"})

    with pytest.raises(StorageUnreachable):
        nowhere.put("config", b"x")

    with pytest.raises(FileMissing):
        storage.get("config")


def test_obstore_is_loaded_for_clouds_alone() -> None:
    program = (
        "import sys; from holdfast.storage.location import open_storage, parse_location;"
        "open_storage(parse_location('/backup'), {});"
        "open_storage(parse_location('s3://bucket'), {});"
        "sys.exit('obstore' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@contextlib.contextmanager
def _serving(answer: Callable[[socket.socket], object]) -> Iterator[int]:
    """Accept connections, let `answer` do what it wants with each, and close it."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                link, _address = listener.accept()
                threading.Thread(target=one, args=(link,), daemon=True).start()

    def one(link: socket.socket) -> None:
        with link, contextlib.suppress(OSError):
            answer(link)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        # Closing alone does not wake the thread that accepts.
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        listener.close()


def _refuse(link: socket.socket, status: int, body: str) -> None:
    link.recv(65536)
    head = f"HTTP/1.1 {status} No\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    link.sendall((head + body).encode())


def _handshake(link: socket.socket, certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.wrap_socket(link, server_side=True).close()


def _new_certificate(folder: Path) -> Path:
    """A certificate that nobody but itself vouches for, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    here = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    now = SystemClock().now()
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(here, critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "both.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + certificate.public_bytes(Encoding.PEM)
    )
    return path


@contextlib.contextmanager
def _cutting_replies(store: RunningStore) -> Iterator[tuple[Storage, threading.Event]]:
    """The store behind a relay that swallows the next reply while the event is set."""
    cut = threading.Event()

    def relay(client: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", store.port)) as server:
            onwards = threading.Thread(target=_copy, args=(client, server), daemon=True)
            onwards.start()
            while reply := server.recv(65536):
                if b"100 Continue" not in reply and cut.is_set():
                    cut.clear()
                    client.shutdown(socket.SHUT_RDWR)
                    return
                client.sendall(reply)

    container = _new_container(store)
    with _serving(relay) as port:
        endpoint = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
        yield _opened(container, {**store.credentials, **endpoint}), cut


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
