"""Whether a server says rightly that it lives and is ready; who may read its metrics."""

from pathlib import Path

import pytest
from fastapi import FastAPI

from holdfast.app.control.plane import Plane
from holdfast.app.control.server_settings import ServerSettings
from holdfast.catalog import workers
from holdfast.server import health
from holdfast.server.running import assemble
from holdfast.testing.clock import FakeClock
from holdfast.testing.planes import client_of, make_plane


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def plane(tmp_path: Path, clock: FakeClock) -> Plane:
    return make_plane(tmp_path, clock=clock)


@pytest.fixture
def app(plane: Plane, tmp_path: Path) -> FastAPI:
    settings = ServerSettings(folder=str(tmp_path), executor_id="one", metrics_token="canary")
    return assemble(plane, settings)


def test_ready_while_its_engine_beats(app: FastAPI, plane: Plane, clock: FakeClock) -> None:
    with plane.database.write() as db:
        workers.begin(db, "one", version="1", now=clock.now())

    ready = client_of(plane, app=app).get("/readyz")
    clock.sleep(60)
    silent = client_of(plane, app=app).get("/readyz")

    assert (ready.status_code, silent.status_code) == (200, 503)
    assert "silent" in silent.json()["parts"]["workflows"]


def test_not_ready_without_room(
    app: FastAPI, plane: Plane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "ROOM_BYTES", 1 << 62)

    answer = client_of(plane, app=app).get("/readyz")

    assert answer.status_code == 503
    assert "MiB" in answer.json()["parts"]["room"]


def test_it_lives_whatever_is_wrong(app: FastAPI, plane: Plane) -> None:
    plane.database.close()

    assert client_of(plane, app=app).get("/healthz").status_code == 200


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("10.0.0.9", {}, 403),
        ("10.0.0.9", {"Authorization": "Bearer canary"}, 200),
        ("10.0.0.9", {"Authorization": "Bearer canary2"}, 403),
        ("127.0.0.1", {"X-Forwarded-For": "10.0.0.9"}, 403),
    ],
)
def test_metrics_are_read_from_here_or_with_the_token(
    app: FastAPI, plane: Plane, address: str, headers: dict[str, str], status: int
) -> None:
    async def from_there(scope: dict[str, object], receive: object, send: object) -> None:
        await app({**scope, "client": (address, 1)}, receive, send)  # type: ignore[arg-type]

    answer = client_of(plane, app=from_there).get("/metrics", headers=headers)

    assert answer.status_code == status
