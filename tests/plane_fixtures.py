"""A server's state with a vault, a machine and somebody who may do everything."""

from pathlib import Path

import pytest

from holdfast.app.control.plane import Plane
from holdfast.testing.planes import (
    Registered,
    Someone,
    add_admin,
    add_machine,
    add_vault,
    make_plane,
)


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
