"""Questions the agent has for our own commands, which know vault and passphrase."""

import json
from collections.abc import Iterator
from datetime import datetime

from holdfast.agent.running import Program
from holdfast.base.programs import ask_tool
from holdfast.fleet.messages import PointsTold, PointTold

_TIMEOUT = 300.0


def points_now(program: Program) -> PointsTold | None:
    """Every recovery point of this machine; None where they cannot be read now."""
    said = _ask(program, "points", "--json")
    return None if said is None else PointsTold(points=list(_told(said)))


def renew_certificate(program: Program) -> bool:
    """Whether there is a new one."""
    return _ask(program, "agent", "renew", "--json") is not None


def _ask(program: Program, *words: str) -> bytes | None:
    done = ask_tool([*program.plain, *words], environment=program.environment, timeout=_TIMEOUT)
    return done.said if done is not None and done.status == 0 else None


def _told(said: bytes) -> Iterator[PointTold]:
    for line in said.splitlines():
        event = json.loads(line)
        if event.get("event") == "point":
            yield PointTold(
                id=event["id"],
                taken_at=datetime.fromisoformat(event["time"]),
                host=event["host"],
                paths=event["paths"],
                tags=event["tags"],
                bytes_total=event["bytes"],
                bytes_added=event["bytes_added"],
            )
