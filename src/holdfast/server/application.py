"""The web application: every route, under one plane."""

from fastapi import APIRouter, FastAPI

from holdfast.app.control.plane import Plane
from holdfast.server import problems
from holdfast.server.api import agent, alerts, credentials, jobs, leases, machines, register
from holdfast.server.idempotency import Idempotent

PREFIX = "/api/v1"
# One line per module of `api`; each has a `router`.
ROUTERS: list[APIRouter] = [
    agent.router,
    leases.router,
    jobs.router,
    credentials.router,
    register.router,
    machines.router,
    alerts.router,
]


def make_app(plane: Plane) -> FastAPI:
    app = FastAPI(
        title="Holdfast",
        version="1",
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.plane = plane
    problems.install(app)
    for router in ROUTERS:
        app.include_router(router, prefix=PREFIX, responses=problems.ANSWERS)
    app.add_middleware(Idempotent, plane=plane, prefix=PREFIX + "/")
    problems.describe(app)
    return app
