"""What storage/protocol.py promises, of the storage behind a gateway.

The suite over all storages uses names of its own making; a gateway takes a repository's names only,
each of which is the hash of its content, so the promises are put to the proof here in its terms.
"""

import hashlib
import json
import os
import random
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from holdfast.base.clock import SystemClock
from holdfast.base.units import MIB
from holdfast.catalog.tables import Vault
from holdfast.storage.errors import (
    CertificateRefused,
    FileExists,
    FileMissing,
    FileTooShort,
    StorageUnreachable,
)
from holdfast.storage.location import open_storage, parse_location
from holdfast.storage.protocol import Content, Entry
from holdfast.storage.rest import RestStorage, _name
from holdfast.storage.rest_errors import (
    ContentDiffers,
    DeleteNeedsLease,
    HashDiffers,
    MachineRefused,
    QuotaExceeded,
)
from holdfast.storage.retrying import RetryingStorage
from holdfast.testing.clock import FakeClock
from holdfast.testing.gateway import MachineThere, RunningGateway
from holdfast.testing.waiting import wait_until

BODY = b"0123456789"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with RunningGateway(tmp_path_factory.mktemp("gateway")) as running:
        yield running


@pytest.fixture
def lab(gateway: RunningGateway) -> MachineThere:
    return gateway.machine(gateway.vault(is_lab=True))


@pytest.fixture
def storage(lab: MachineThere) -> RestStorage:
    return lab.storage()


def name_of(content: bytes, folder: str = "data") -> str:
    digest = hashlib.sha256(content).hexdigest()
    return f"{folder}/{digest[:2]}/{digest}" if folder == "data" else f"{folder}/{digest}"


@pytest.mark.parametrize("content", [BODY, bytearray(BODY), memoryview(b"x" + BODY)[1:]])
def test_put_takes_anything_with_bytes(storage: RestStorage, content: Content) -> None:
    storage.put(name_of(BODY), content)

    assert storage.get(name_of(BODY)) == BODY
    assert storage.size(name_of(BODY)) == len(BODY)


def test_put_never_replaces(storage: RestStorage) -> None:
    storage.put("config", b"first")

    with pytest.raises(FileExists):
        storage.put("config", b"first")
    with pytest.raises(ContentDiffers):
        storage.put("config", b"second")

    assert storage.get("config") == b"first"


def test_a_put_whose_reply_was_lost_is_known_to_have_arrived(storage: RestStorage) -> None:
    inner = storage
    original = inner.put

    def put_and_lose(name: str, content: Content) -> None:
        original(name, content)
        inner.put = original  # type: ignore[method-assign]  # once only
        raise StorageUnreachable(place="gateway", reason="reply lost", url="")

    inner.put = put_and_lose  # type: ignore[method-assign]  # the network is what is broken
    retrying = RetryingStorage(inner, FakeClock(), random.Random(1))

    retrying.put(name_of(BODY), BODY)

    assert storage.get(name_of(BODY)) == BODY


def test_an_empty_file_is_a_file(storage: RestStorage) -> None:
    name = name_of(b"", "keys")

    storage.put(name, b"")

    assert storage.get(name) == b""
    assert storage.read(name, 0, 0) == b""
    assert list(storage.list("keys")) == [Entry(name, 0)]


def test_big_files_arrive_whole(storage: RestStorage) -> None:
    content = os.urandom(MIB) * 20 + b"tail"
    name = name_of(content)

    storage.put(name, content)

    assert storage.get(name) == content
    assert storage.read(name, 7 * MIB - 3, 10) == content[7 * MIB - 3 : 7 * MIB + 7]


def test_a_missing_file_is_said_to_be_missing(storage: RestStorage) -> None:
    name = name_of(b"missing")

    for ask in (storage.get, storage.size, lambda one: storage.read(one, 0, 1)):
        with pytest.raises(FileMissing, match=name):
            ask(name)
    storage.delete(name)


@pytest.mark.parametrize(("offset", "length"), [(0, 10), (0, 3), (4, 6), (9, 1), (5, 0), (99, 0)])
def test_read_returns_exactly_the_range(storage: RestStorage, offset: int, length: int) -> None:
    storage.put(name_of(BODY), BODY)

    assert storage.read(name_of(BODY), offset, length) == BODY[offset : offset + length]


@pytest.mark.parametrize(("offset", "length"), [(0, 11), (9, 2), (10, 1), (99, 1)])
def test_read_past_the_end_is_an_error(storage: RestStorage, offset: int, length: int) -> None:
    storage.put(name_of(BODY), BODY)

    with pytest.raises(FileTooShort):
        storage.read(name_of(BODY), offset, length)


def test_a_deleted_name_can_be_put_again(storage: RestStorage) -> None:
    name = name_of(BODY)
    storage.put(name, BODY)
    storage.delete(name)

    storage.put(name, BODY)

    assert storage.get(name) == BODY


def test_list_names_every_file_below_with_its_size(storage: RestStorage) -> None:
    packs = [name_of(bytes([number]) * number) for number in range(6)]
    for number, name in enumerate(packs):
        storage.put(name, bytes([number]) * number)
    storage.put("config", b"c")
    ledger = name_of(b"ledger", "holdfast/ledger")
    storage.put(ledger, b"ledger")

    whole = sorted(storage.list(""))
    data = sorted(storage.list("data"))

    expected = sorted(Entry(name, number) for number, name in enumerate(packs))
    assert data == expected
    assert whole == sorted([Entry("config", 1), Entry(ledger, 6), *expected])
    assert list(storage.list("snapshots")) == []
    assert list(storage.list("holdfast")) == [Entry(ledger, 6)]
    shard = packs[0].rpartition("/")[0]
    assert packs[0] in [entry.name for entry in storage.list(shard)]


def test_files_may_be_deleted_while_they_are_listed(storage: RestStorage) -> None:
    for number in range(20):
        storage.put(name_of(bytes([number]), "locks"), bytes([number]))

    for entry in storage.list("locks"):
        storage.delete(entry.name)

    assert list(storage.list("locks")) == []


def test_of_many_writers_of_one_name_exactly_one_wins(storage: RestStorage) -> None:
    content = os.urandom(2 * MIB)
    together = threading.Barrier(4)

    def write(_number: int) -> bool:
        together.wait()
        try:
            storage.put(name_of(content), content)
        except FileExists:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        won = list(threads.map(write, range(4)))

    assert sum(won) == 1
    assert storage.get(name_of(content)) == content


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_can_use_what_its_parent_uses(storage: RestStorage) -> None:
    storage.put(name_of(b"parent", "locks"), b"parent")

    child = os.fork()
    if child == 0:
        signal.alarm(180)
        outcome = 1
        try:
            content = storage.get(name_of(b"parent", "locks"))
            storage.put(name_of(b"child", "locks"), content[:0] + b"child")
            outcome = 0
        finally:
            os._exit(outcome)
    _pid, status = os.waitpid(child, 0)

    assert status == 0
    assert storage.get(name_of(b"child", "locks")) == b"child"
    assert storage.get(name_of(b"parent", "locks")) == b"parent"


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../out", "a/../../out", "a//b", "a/", "a\0b"])
def test_a_name_cannot_lead_out_of_the_storage(storage: RestStorage, name: str) -> None:
    for ask in (lambda: storage.put(name, b""), lambda: storage.get(name)):
        with pytest.raises(ValueError, match="not a name"):
            ask()
    with pytest.raises(ValueError, match="not a name"):
        storage.delete(name)


def test_a_refused_delete_says_that_a_lease_is_missing(gateway: RunningGateway) -> None:
    storage = gateway.machine(gateway.vault()).storage()
    storage.put(name_of(BODY), BODY)

    with pytest.raises(DeleteNeedsLease, match=name_of(BODY)):
        storage.delete(name_of(BODY))


def test_a_full_quota_says_how_full(gateway: RunningGateway) -> None:
    storage = gateway.machine(gateway.vault(quota_bytes=5)).storage()

    with pytest.raises(QuotaExceeded, match="0 of 5 bytes"):
        storage.put(name_of(BODY), BODY)


def test_damage_on_the_way_is_said_to_be_such(storage: RestStorage) -> None:
    with pytest.raises(HashDiffers):
        storage.put(name_of(BODY), b"9876543210")


def test_a_stranger_is_refused(gateway: RunningGateway, lab: MachineThere) -> None:
    with pytest.raises(MachineRefused):
        lab.storage(certificate=None, key=None).get("config")
    with pytest.raises(MachineRefused):
        lab.storage(certificate="/nowhere/machine.pem").get("config")


def test_a_password_lets_in_as_well(lab: MachineThere) -> None:
    storage = lab.storage(certificate=None, key=None, user=lab.id, secret=lab.password)

    storage.put(name_of(BODY), BODY)

    assert storage.get(name_of(BODY)) == BODY


def test_another_authority_is_not_trusted(lab: MachineThere) -> None:
    with pytest.raises(CertificateRefused):
        lab.storage(ca_file=None).get("config")


def test_a_server_that_is_away_is_unreachable(lab: MachineThere) -> None:
    storage = lab.storage(url="https://localhost:1/gateway/v/m/")

    with pytest.raises(StorageUnreachable):
        storage.get("config")


def test_a_location_and_what_was_set_open_it(lab: MachineThere) -> None:
    storage = open_storage(parse_location(lab.location), lab.login())

    storage.put("config", b"c")

    assert storage.get("config") == b"c"
    assert storage.place == lab.location


@pytest.mark.faults
def test_a_server_killed_in_mid_upload_leaves_no_torn_file(tmp_path: Path) -> None:
    content = os.urandom(MIB) * 64
    clock = SystemClock()
    with RunningGateway(tmp_path) as gateway:
        machine = gateway.machine(gateway.vault(is_lab=True, limit_rate=MIB))
        with ThreadPoolExecutor(1) as threads:
            upload = threads.submit(machine.storage().put, name_of(content), content)
            wait_until(lambda: list(machine.folder.rglob("*-tmp-*")))
            gateway.kill()
            with pytest.raises(StorageUnreachable):
                upload.result()
        gateway.start()
        storage = machine.storage()
        listed = list(storage.list(""))
        with gateway.plane.database.write() as db:
            vault = db.get(Vault, machine.vault_id)
            assert vault is not None
            vault.limit_rate = None
        clock.sleep(2.1)
        storage.put(name_of(content), content)

        assert listed == []
        assert storage.get(name_of(content)) == content


def test_json_of_another_server_is_not_trusted_as_names(lab: MachineThere) -> None:
    item = json.loads('{"name": "../../etc/passwd"}')

    with pytest.raises(ValueError, match="not a name"):
        _name("keys", item["name"])
