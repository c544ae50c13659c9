"""Every storage there is, each empty and with its own place."""

import os
import random
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from holdfast.storage.directory import DirectoryStorage
from holdfast.storage.errors import StorageUnavailable
from holdfast.storage.limiting import LimitedStorage, Rates
from holdfast.storage.location import open_storage, parse_location
from holdfast.storage.memory import MemoryStorage
from holdfast.storage.protocol import Storage
from holdfast.storage.retrying import RetryingStorage
from holdfast.testing.clock import FakeClock
from holdfast.testing.fake_gcs import fake_gcs
from holdfast.testing.faulty_storage import FaultyStorage, RecordingStorage
from holdfast.testing.object_stores import RunningStore, StoreMissing, azurite, moto

_NODE = Path(__file__).parents[2] / ".work" / "azurite"

PROCESS_LOCAL = ("memory", "retrying", "recording", "unreliable", "limited")
# The fixture that runs the service.
CLOUDS = {"azure": "azurite_store", "s3": "moto_store", "gcs": "gcs_store"}
ALL = [
    *PROCESS_LOCAL,
    "directory",
    *(pytest.param(cloud, marks=pytest.mark.real) for cloud in CLOUDS),
]


@pytest.fixture(scope="session")
def azurite_store() -> Iterator[RunningStore]:
    try:
        with azurite(_NODE) as store:
            yield store
    except StoreMissing as missing:
        if os.environ.get("HOLDFAST_TEST_ALLOW_SKIP") == "1":
            pytest.skip(str(missing))
        raise


@pytest.fixture(scope="session")
def moto_store() -> Iterator[RunningStore]:
    with moto() as store:
        yield store


@pytest.fixture(scope="session")
def gcs_store() -> Iterator[RunningStore]:
    with fake_gcs() as store:
        yield store


@pytest.fixture(params=ALL)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def storage(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if kind in CLOUDS:
        return _in_new_prefix(request.getfixturevalue(CLOUDS[kind]))
    if kind == "directory":
        return DirectoryStorage(str(tmp_path))
    return _PROCESS_LOCAL[kind]()


def _unreliable() -> Storage:
    """Each method fails a few times at first, before or after its work, and nobody notices."""
    faulty = FaultyStorage(MemoryStorage())
    outage = StorageUnavailable(place="memory:", reason="outage")
    for method in ("put", "get", "read", "size", "list", "delete"):
        faulty.lose_reply(method, outage)
        faulty.fail(method, outage, outage)
    return RetryingStorage(faulty, FakeClock(), random.Random(1))


def _in_new_prefix(store: RunningStore) -> Storage:
    container = store.create_container(f"contract-{secrets.token_hex(4)}")
    return open_storage(parse_location(f"{container}/some/prefix"), store.credentials)


_PROCESS_LOCAL: dict[str, Callable[[], Storage]] = {
    "memory": MemoryStorage,
    "recording": lambda: RecordingStorage(MemoryStorage()),
    "retrying": lambda: RetryingStorage(MemoryStorage(), FakeClock(), random.Random(1)),
    "unreliable": _unreliable,
    "limited": lambda: LimitedStorage(
        MemoryStorage(), Rates.alone(up=10_000_000, down=10_000_000), FakeClock()
    ),
}
