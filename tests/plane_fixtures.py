"""A server's state with a vault, a machine and somebody who may do everything."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from holdfast.app.control import passwords
from holdfast.app.control.plane import Plane
from holdfast.testing.planes import (
    Registered,
    Someone,
    add_admin,
    add_machine,
    add_vault,
    make_plane,
)


@pytest.fixture(scope="module", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """The same derivation; that it costs an attacker much is not what these tests are about."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", PasswordHasher(1, 8, 1))
        passwords._nobody.cache_clear()
        yield
    passwords._nobody.cache_clear()


@pytest.fixture
def plane(tmp_path: Path) -> Plane:
    return make_plane(tmp_path)


@pytest.fixture
def vault(plane: Plane) -> str:
    return add_vault(plane)


@pytest.fixture
def machine(plane: Plane, vault: str) -> Registered:
    return add_machine(plane, vault)


@pytest.fixture
def admin(plane: Plane) -> Someone:
    return add_admin(plane)
