"""Jobs the server does itself: a slice is a step, and a step may be done twice.

Fencing: a process that was taken over and wakes up again finishes the step it was in, and the
engine then refuses it the next. So each slice has to bear that another process does the same at
the same time: reading is harmless, and what is deleted twice is gone once.

Poison: work that kills its server would kill one after the other. So the beginning of each slice
is written down, and its end. How often work was taken over says nothing: servers are restarted, and
freeze, while they do something sound.
"""

import logging
import threading
from collections.abc import Callable
from typing import Any

from dbos import DBOS

from holdfast.app.control import server_work
from holdfast.app.control.job_errors import StoredDamage, TakenOverTooOften
from holdfast.base.errors import HoldfastError
from holdfast.fleet.jobs import Kind, State
from holdfast.server.workflows import slices
from holdfast.server.workflows.holding import held, plane

_log = logging.getLogger(__name__)
# Jobs of which this process does a slice just now.
_under_way: set[str] = set()
_lock = threading.Lock()
# One slice of work; its progress has `is_over` and whatever a person may want to see.
Slice = Callable[[str], dict[str, Any]]
SLICES: dict[str, Slice] = {
    Kind.SCRUB.value: slices.scrub,
    Kind.DELETE_VAULT.value: slices.delete_vault,
    Kind.RECOVERY_PLAN.value: slices.recovery_plan,
}
# They end what they have begun before they end.
_CANCEL_THEMSELVES = frozenset((Kind.RECOVERY_PLAN.value,))


@DBOS.workflow(name="work", max_recovery_attempts=None)
def work(job_id: str, kind: str) -> str:
    if not DBOS.run_step({"name": "begin"}, _begin, job_id):
        return "nothing to do"
    while True:
        done: dict[str, Any] = DBOS.run_step({"name": "slice"}, _slice, job_id, kind)
        if done["is_over"]:
            return str(DBOS.run_step({"name": "finish"}, _finish, job_id, done))
        if done["wait"]:
            DBOS.sleep(done["wait"])


def _begin(job_id: str) -> bool:
    return server_work.begin(plane(), job_id)


def _slice(job_id: str, kind: str) -> dict[str, Any]:
    """An error is a result as well, so that the engine keeps plain JSON and nothing else."""
    if kind not in _CANCEL_THEMSELVES and server_work.is_cancelled(plane(), job_id):
        return _over(State.CANCELLED)
    if server_work.begin_slice(plane(), job_id) >= held().limits.beginnings:
        return _given_up(job_id)
    with _lock:
        _under_way.add(job_id)
    try:
        return _begun(job_id, kind)
    finally:
        with _lock:
            _under_way.discard(job_id)


def let_go() -> None:
    """This process ends in order: what it leaves in mid-slice has not killed it."""
    with _lock:
        left = sorted(_under_way)
    for job_id in left:
        server_work.end_slice(plane(), job_id)


def _begun(job_id: str, kind: str) -> dict[str, Any]:
    try:
        progress = SLICES[kind](job_id)
    except HoldfastError as err:
        wait = server_work.note_attempt(plane(), job_id, err)
        return _over(State.FAILED) if wait is None else _go_on(wait.total_seconds())
    is_over, wait = progress.pop("is_over"), progress.pop("wait", 0)
    said = progress.pop("state", None)
    server_work.note_progress(plane(), job_id, progress)
    if not is_over:
        return _go_on(wait)
    state = State(said or (State.FAILED if progress.get("damaged") else State.DONE))
    return {**_over(state), "result": progress}


def _given_up(job_id: str) -> dict[str, Any]:
    error = TakenOverTooOften(count=held().limits.beginnings, job=job_id)
    server_work.finish(plane(), job_id, State.FAILED, error=error)
    _log.error("given up: job %s (%s)", job_id, error)
    return _over(State.FAILED)


def _finish(job_id: str, done: dict[str, Any]) -> str:
    damaged = (done["result"] or {}).get("damaged")
    error = StoredDamage(count=len(damaged), first=damaged[0]) if damaged else None
    state = State(done["state"])
    server_work.finish(plane(), job_id, state, result=done["result"], error=error)
    return state.value


def _over(state: State) -> dict[str, Any]:
    return {"is_over": True, "state": state.value, "result": None, "wait": 0}


def _go_on(wait: float) -> dict[str, Any]:
    return {"is_over": False, "wait": wait}
