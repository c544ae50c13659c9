"""Whether this process lives, and whether it can do its work."""

import os
from collections.abc import Callable

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from holdfast.app.control.plane import Plane
from holdfast.base.errors import HoldfastError
from holdfast.base.units import MIB
from holdfast.catalog.tables import Setting
from holdfast.server.callers import ThePlane

# Below this the state could stop growing in the middle of an act.
ROOM_BYTES = 64 * MIB
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
    parts = {name: check() or "ok" for name, check in checks.items()}
    is_ready = all(said == "ok" for said in parts.values())
    content = {"status": "ready" if is_ready else "not ready", "parts": parts}
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


def _database(plane: Plane) -> str | None:
    try:
        with plane.database.read() as db:
            db.get(Setting, "authority")
    except HoldfastError as err:
        return err.code
    return None
