"""The recovery kit: what a person needs to fail over when the server is gone. Values only."""

import itertools
import re
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

VERSION = 1
_UNFIT = re.compile(r"[^A-Za-z0-9._-]")


class KitSite(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A host that has replicas, or could have those of the way back."""

    # The name of its site, and the host as people and as certificates call it.
    name: str
    host: str
    machine: str
    # Where other hosts reach it.
    address: str
    port: int
    folder: str


class KitStep(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One command, the host it is typed on, and why; `why` is a key of the runbook's texts."""

    host: str
    words: tuple[str, ...]
    why: str
    # Only if the first start was not good, or much later.
    is_optional: bool = False


class KitMachine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    vm: str
    name: str
    # Where it was when the kit was made, and in which stage.
    runs_on: str
    stage: str
    site: str
    site_host: str
    # What the site could start it from.
    points: int = 0
    newest_at: datetime | None = None
    every: int | None = None
    steps: tuple[KitStep, ...] = ()


class KitPlan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    name: str
    text: str
    # The host it lies on; empty: it was kept by the server.
    host: str = ""


class Kit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    version: int = VERSION
    made_at: datetime
    made_on: str
    # Where the server was reached; empty: it was made without one.
    server: str = ""
    contacts: tuple[str, ...] = ()
    sites: tuple[KitSite, ...] = ()
    machines: tuple[KitMachine, ...] = ()
    plans: tuple[KitPlan, ...] = ()
    # How machines are connected on a host, by that host's name.
    networks: dict[str, dict[str, str]] = {}
    has_state: bool = False


def steps_for(name: str, *, site_host: str, runs_on: str) -> tuple[KitStep, ...]:
    """From nothing but the site to a machine that runs there, and home again."""
    here, home = site_host, runs_on
    return (
        KitStep(host=here, words=("holdfast", "failover", "status", name), why="look"),
        KitStep(
            host=here,
            words=("holdfast", "failover", name, "--unplanned", "--source-is-down"),
            why="fail-over",
        ),
        KitStep(
            host=here,
            words=("holdfast", "failover", "change-point", name, "--point", "latest-app"),
            why="change-point",
            is_optional=True,
        ),
        KitStep(host=here, words=("holdfast", "commit", name), why="commit"),
        KitStep(
            host=here, words=("holdfast", "reprotect", name), why="reprotect", is_optional=True
        ),
        KitStep(host=home, words=("holdfast", "failback", name), why="fail-back", is_optional=True),
    )


def plan_files(plans: Sequence[KitPlan]) -> dict[str, KitPlan]:
    """By the names they have in the kit: fit for a file, and none of them twice."""
    files: dict[str, KitPlan] = {}
    for plan in plans:
        stem = _UNFIT.sub("_", f"{plan.host}-{plan.name}" if plan.host else plan.name)
        numbered = (f"plans/{stem}-{number}.yaml" for number in itertools.count(2))
        name = next(n for n in itertools.chain([f"plans/{stem}.yaml"], numbered) if n not in files)
        files[name] = plan
    return files


def networks_named(told: Mapping[str, object]) -> dict[str, str]:
    """As people write them: the old network, and the one it becomes; "none": unplugged."""
    found = told.get("networks")
    kept = found if isinstance(found, dict) else {}
    return {old: _place(new) for old, new in sorted(kept.items())}


def _place(new: object) -> str:
    if not isinstance(new, dict):
        return "none"
    return f"bridge:{new.get('name')}" if new.get("is_bridge") else str(new.get("name"))
