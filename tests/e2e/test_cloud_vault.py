"""A vault in an object store, through the command line and its environment."""

from collections.abc import Iterator

import pytest

from holdfast.testing.object_stores import RunningStore, moto
from tests.e2e.conftest import Bench

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.fixture(scope="module")
def store() -> Iterator[RunningStore]:
    with moto() as running:
        yield running


def test_vault_in_a_bucket_is_made_filled_checked_and_restored(
    empty: Bench, store: RunningStore
) -> None:
    location = store.create_container("holdfast-vault")
    empty.environment.update(store.credentials, HOLDFAST_VAULT=location)
    empty.write("file", "content\n")

    empty.run("vault", "create", "--lab")
    empty.run("backup", empty.source)
    empty.run("check", "--read-data")
    empty.run("restore", "latest", "--to", empty.root / "back", "--verify")

    assert empty.run("points", "--json").event("point")["files"] == 1


def test_missing_bucket_ends_with_10(empty: Bench, store: RunningStore) -> None:
    empty.environment.update(store.credentials, HOLDFAST_VAULT="s3://no-such-bucket/vault")

    assert "container-missing" in empty.run("points", status=10).err


def test_secret_of_the_cloud_shows_nowhere(empty: Bench, store: RunningStore) -> None:
    empty.environment.update(store.credentials, HOLDFAST_VAULT="s3://no-such-bucket/vault")
    empty.environment["AWS_SECRET_ACCESS_KEY"] = "open-sesame-open-sesame"

    said = empty.run("points", "-vv", status=None)

    assert "sesame" not in said.out + said.err
