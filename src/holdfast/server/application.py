"""The web application: every route, under one plane."""

from fastapi import APIRouter, Depends, FastAPI

from holdfast.app.control.plane import Plane
from holdfast.server import problems
from holdfast.server.api import (
    accounts,
    agent,
    alerts,
    approvals,
    assignments,
    audit,
    browsing,
    credentials,
    doctor,
    drills,
    first_steps,
    jobs,
    leases,
    machines,
    overview,
    points,
    policies,
    recoveries,
    recovery_plans,
    register,
    replications,
    reports,
    scrubs,
    sessions,
    sites,
    trash,
    vaults,
    vms,
)
from holdfast.server.bodies import require_writable
from holdfast.server.gateway.application import Gateway
from holdfast.server.idempotency import Idempotent
from holdfast.server.speaking import Speaking

PREFIX = "/api/v1"
# One line per module of `api`; each has a `router`.
ROUTERS: list[APIRouter] = [
    sessions.router,
    accounts.router,
    vaults.router,
    approvals.router,
    audit.router,
    agent.router,
    leases.router,
    jobs.router,
    credentials.router,
    register.router,
    machines.router,
    policies.router,
    assignments.router,
    points.router,
    vms.router,
    sites.router,
    replications.router,
    recoveries.router,
    recovery_plans.router,
    drills.router,
    first_steps.router,
    trash.router,
    scrubs.router,
    alerts.router,
    reports.router,
    browsing.router,
    overview.router,
    doctor.router,
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
        app.include_router(
            router,
            prefix=PREFIX,
            responses=problems.ANSWERS,
            dependencies=[Depends(require_writable)],
        )
    app.mount("/gateway", Gateway(plane))
    app.add_middleware(Idempotent, plane=plane, prefix=PREFIX + "/")
    # Added last, it is outermost: whatever refuses a request speaks the caller's language.
    app.add_middleware(Speaking)
    problems.describe(app)
    doctor.describe(app)
    return app
