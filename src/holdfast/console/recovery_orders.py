"""Acts of recovery ordered from a page: by the machine's name, as people know it in lists of jobs."""

from typing import Any

from holdfast.app.control.errors import NotThere
from holdfast.app.control.job_views import JobView
from holdfast.app.control.recovery_orders import order_act
from holdfast.app.control.recovery_views import show_recovery
from holdfast.console.visiting import Visit
from holdfast.server.nudging import nudge


async def order_for(
    visit: Visit, vm: str, name: str, *, act: str, arguments: dict[str, Any], host: str
) -> JobView:
    """`vm` is its UUID, by which it goes where several have its name."""
    word = name if await _is_only(visit, vm, name) else vm
    made = await visit.ask(order_act, word, act=act, arguments=arguments, host=host)
    nudge(made.id)
    return made


async def _is_only(visit: Visit, vm: str, name: str) -> bool:
    try:
        found = await visit.ask(show_recovery, name)
    except NotThere:
        return False
    return found.vm == vm
