"""Work that is ordered from a page, and the way to where it can be watched."""

from typing import Any

from nicegui import ui

from holdfast.app.control.job_orders import order_job
from holdfast.console.visiting import Visit
from holdfast.fleet.jobs import Kind
from holdfast.server.nudging import nudge


async def order(visit: Visit, machine_id: str, kind: Kind, **arguments: Any) -> None:
    """The job's page says how it goes, and what is in its way."""
    made = await visit.ask(order_job, machine_id, kind=kind.value, arguments=arguments)
    nudge(made.id)
    ui.navigate.to(f"/jobs/{made.id}")
