"""A job a person ordered from a machine, seen to its end.

The workflow is asynchronous: it waits for days at the cost of a row, not of a thread. It wakes
when the machine tells that the job is over, and otherwise when the offer expires; whether a
running job's machine is silent is looked at for all jobs together (`upkeep`).
"""

import asyncio
from dataclasses import asdict
from typing import Any

from dbos import DBOS

from holdfast.app.control.job_watch import look
from holdfast.server.workflows.holding import plane

NEWS = "news"


# It is taken up again as often as servers come and go.
@DBOS.workflow(name="watch-job", max_recovery_attempts=None)
async def watch_job(job_id: str) -> dict[str, Any]:
    while True:
        seen: dict[str, Any] = await DBOS.run_step_async({"name": "look"}, _look, job_id)
        if seen["is_over"]:
            return seen
        await DBOS.recv_async(NEWS, timeout_seconds=seen["wait"])


async def _look(job_id: str) -> dict[str, Any]:
    # The event loop is shared by all that wait, so the database is asked in a thread.
    return asdict(await asyncio.to_thread(look, plane(), job_id))
