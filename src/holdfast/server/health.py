"""Whether this process lives, and whether it can do its work."""

import os
from collections.abc import Callable
from datetime import timedelta

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from holdfast.app.control.plane import Plane
from holdfast.base.errors import HoldfastError
from holdfast.base.units import MIB
from holdfast.catalog import clocks
from holdfast.catalog.tables import Setting, Worker
from holdfast.server.callers import ThePlane

# Below this the state could stop growing in the middle of an act.
ROOM_BYTES = 64 * MIB
# It beats every second; the others take its work over after about five.
WORKER_SILENCE = timedelta(seconds=15)
_READY, _NOT_READY = 200, 503

# What a part of the server says about itself: None when all is well.
Check = Callable[[], str | None]

router = APIRouter()


@router.get("/healthz", include_in_schema=False)
async def live() -> dict[str, str]:
    """The process answers; that is all this says."""
    return {"status": "live"}


@router.get("/readyz", include_in_schema=False)
def ready(request: Request, plane: ThePlane) -> JSONResponse:
    """Each part with "ok" or with what is wrong; reasons hold no secrets and no paths."""
    checks: dict[str, Check] = {"database": lambda: _database(plane), **request.app.state.checks}
    parts = {name: _said(check) for name, check in checks.items()}
    is_ready = all(said == "ok" for said in parts.values())
    content = {
        "status": "ready" if is_ready else "not ready",
        "parts": parts,
        "warnings": _warnings(plane),
    }
    return JSONResponse(content, _READY if is_ready else _NOT_READY)


def room_check(folder: str) -> Check:
    """Whether the state folder's disk has room left."""

    def look() -> str | None:
        disk = os.statvfs(folder)
        free = disk.f_bavail * disk.f_frsize
        if free < ROOM_BYTES:
            return f"only {free // MIB} MiB are left for the server's state"
        return None

    return look


def workflow_check(plane: Plane, executor_id: str) -> Check:
    """Whether the engine of this process gives signs of life."""

    def look() -> str | None:
        with plane.database.read() as db:
            worker = db.get(Worker, executor_id)
        if worker is None or plane.clock.now() - worker.seen_at > WORKER_SILENCE:
            return "the workflow engine has been silent for too long"
        return None

    return look


def _warnings(plane: Plane) -> dict[str, str]:
    """What somebody has to see to, although the work can be done."""
    try:
        said = clocks.warning(plane.database, plane.clock)
    except HoldfastError:
        # That the database is away is told already.
        return {}
    return {"clock": said} if said else {}


def _said(check: Check) -> str:
    try:
        return check() or "ok"
    except HoldfastError as err:
        return err.code


def _database(plane: Plane) -> str | None:
    with plane.database.read() as db:
        db.get(Setting, "authority")
    return None
