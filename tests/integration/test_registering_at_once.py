"""Many machines at once, on both databases: no limit is passed, no number is given twice."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from holdfast.app.control.credentials import issue_credentials
from holdfast.app.control.plane import Plane
from holdfast.app.control.registration import register
from holdfast.app.control.registration_errors import VaultFull
from holdfast.fleet.credentials_file import CredentialsFile, read_credentials
from holdfast.fleet.messages import RegisterRequest
from holdfast.testing.planes import add_admin, add_vault, make_csr, make_key, make_plane


@pytest.fixture
def plane(tmp_path: Path, database_url: str) -> Iterator[Plane]:
    made = make_plane(tmp_path, database_url=database_url)
    yield made
    made.database.close()


def _credentials(plane: Plane, vault: str) -> CredentialsFile:
    content = issue_credentials(plane, add_admin(plane).actor, vault).content
    return read_credentials(content.encode(), file="x")


def _request(file: CredentialsFile, csr: str | None = None) -> RegisterRequest:
    return RegisterRequest(
        credentials_id=file.credentials_id,
        secret=file.secret,
        vault_id=file.vault_id,
        csr=csr or make_csr(make_key()),
        name="alpha",
        agent_version="1",
    )


def _all_at_once(work: Callable[[int], str], count: int = 8) -> list[str]:
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, range(count)))


def test_limit_holds(plane: Plane) -> None:
    file = _credentials(plane, add_vault(plane, machine_limit=3))

    def work(_number: int) -> str:
        try:
            return register(plane, _request(file)).machine_id
        except VaultFull as err:
            return err.code

    found = _all_at_once(work)

    assert found.count("vault-full") == 5
    assert len(set(found)) == 4


def test_the_same_request_eight_times_is_one_machine(plane: Plane) -> None:
    file = _credentials(plane, add_vault(plane))
    request = _request(file)

    found = _all_at_once(lambda _number: register(plane, request).machine_id)

    assert len(set(found)) == 1


def test_serial_numbers_differ(plane: Plane) -> None:
    vault, admin = add_vault(plane), add_admin(plane).actor

    found = _all_at_once(lambda _number: str(issue_credentials(plane, admin, vault).serial))

    assert sorted(map(int, found)) == list(range(1, 9))
