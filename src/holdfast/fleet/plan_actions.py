"""An action of a recovery plan for a host: what the server may ask for, and nothing beyond it.

On the host itself only a script by the name that its own administrator has given it; what is sent
along are facts. In a guest whatever the plan says.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, Literal

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_LONGEST_ID = 300
LONGEST_SCRIPT, LONGEST_CONTEXT = 64 * 1024, 512 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanActionArguments:
    """`run`, `step` and `attempt` say which: asked for twice it is done once."""

    run: str
    step: str
    attempt: int
    kind: Literal["host-script", "guest-script"]
    # Of the script on the host; empty: it is one for a guest.
    script: str = ""
    # What the shell of a guest reads; the UUID of its machine, and what it is called there.
    inside: str = ""
    vm: str = ""
    domain: str = ""
    # What docs/recovery-plan-format.md describes, as JSON.
    context: str
    timeout: int
    repeatable: bool = False


def check_action(read: dict[str, Any]) -> dict[str, Any]:
    """What is not said is left out; ValueError says what is wrong."""
    for name in ("run", "step", "domain", "vm"):
        if len(read[name]) > _LONGEST_ID or not read[name].isprintable():
            raise ValueError(f"{name} is not understood")
    is_inside = read["kind"] == "guest-script"
    if is_inside != bool(read["inside"] and read["vm"]) or is_inside == bool(read["script"]):
        raise ValueError("name a script of the host, or what a guest is to do")
    if read["script"] and not _NAME.fullmatch(read["script"]):
        raise ValueError("scripts of a host are named, not pointed at")
    if len(read["inside"]) > LONGEST_SCRIPT or len(read["context"]) > LONGEST_CONTEXT:
        raise ValueError("it is too long")
    if not isinstance(json.loads(read["context"]), dict) or read["timeout"] <= 0:
        raise ValueError("context or timeout is not understood")
    return {name: value for name, value in read.items() if value}
