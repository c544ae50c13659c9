"""Where plans and their runs lie on the host that runs them.

HOME/plans/NAME/plan.yaml                 as it was applied
HOME/plans/NAME/lock                      who runs it
HOME/plans/NAME/runs/RUN/plan.yaml        as it was when the run began
                         progress.json    orders/   jobs/   report.json   report.html
"""

import contextlib
import itertools
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec

from holdfast.app.file_locks import is_locked, try_lock
from holdfast.base.clock import Clock
from holdfast.machines.state_files import replace_file
from holdfast.recovery.plans.driving import Order
from holdfast.recovery.plans.plan import Plan
from holdfast.recovery.plans.plan_errors import (
    PlanRecordUnreadable,
    PlanRuns,
    PlanRunUnknown,
    PlanUnknown,
)
from holdfast.recovery.plans.progress import Decision, Progress
from holdfast.recovery.plans.reading import read_plan

FOLDER = "plans"
_PLAN, _PROGRESS, _LOCK, _TOLD = "plan.yaml", "progress.json", "lock", "told"
MOST_RUNS = 100


class _SaidOrder(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    who: str
    step: str = ""
    decision: Decision | None = None


class RunFolder:
    """One run. As `Keeping` of a driver."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._heard: dict[int, Path] = {}

    @property
    def jobs(self) -> Path:
        return self.path / "jobs"

    def plan(self) -> Plan:
        return read_plan((self.path / _PLAN).read_bytes(), str(self.path / _PLAN))

    def progress(self) -> Progress:
        path = self.path / _PROGRESS
        try:
            return msgspec.json.decode(path.read_bytes(), type=Progress)
        except (OSError, msgspec.DecodeError) as err:
            raise PlanRecordUnreadable(path=path, reason=err) from err

    def begin(self, plan: bytes, progress: Progress) -> None:
        """It is a run as soon as its progress is there."""
        (self.path / "orders").mkdir(mode=0o700, parents=True)
        replace_file(self.path / _PLAN, plan)
        self.save(progress)

    def save(self, progress: Progress) -> None:
        replace_file(self.path / _PROGRESS, msgspec.json.encode(progress))

    def is_told(self) -> bool:
        """Whether a command that drove it has said how it ended."""
        return (self.path / _TOLD).exists()

    def mark_told(self) -> None:
        (self.path / _TOLD).touch()

    def say(self, order: Order, clock: Clock) -> None:
        """Whoever drives the run hears it soon; else it is heard when the run goes on."""
        said = _SaidOrder(who=order.who, step=order.step, decision=order.decision)
        name = f"{clock.now().timestamp():020.6f}-{os.getpid()}.json"
        replace_file(self.path / "orders" / name, msgspec.json.encode(said))

    def orders(self) -> Iterator[Order]:
        for path in sorted((self.path / "orders").glob("*.json")):
            with contextlib.suppress(OSError, msgspec.DecodeError):
                said = msgspec.json.decode(path.read_bytes(), type=_SaidOrder)
                order = Order(who=said.who, step=said.step, decision=said.decision)
                self._heard[id(order)] = path
                yield order

    def heard(self, order: Order) -> None:
        self._heard.pop(id(order)).unlink(missing_ok=True)


class PlanFolder:
    def __init__(self, home: str, name: str) -> None:
        self.name = name
        self.path = Path(home, FOLDER, name)

    def content(self) -> bytes:
        try:
            return (self.path / _PLAN).read_bytes()
        except OSError:
            raise PlanUnknown(name=self.name) from None

    def plan(self) -> Plan:
        return read_plan(self.content(), str(self.path / _PLAN))

    def put(self, content: bytes) -> None:
        (self.path / "runs").mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(self.path / _PLAN, content)

    def remove(self) -> None:
        shutil.rmtree(self.path)

    def runs(self) -> list[RunFolder]:
        """The oldest first."""
        found = sorted((self.path / "runs").glob(f"*/{_PROGRESS}"))
        return [RunFolder(path.parent) for path in found]

    def run(self, run: str) -> RunFolder:
        named = [one for one in self.runs() if one.path.name.startswith(run)]
        if len(named) != 1:
            raise PlanRunUnknown(run=run)
        return named[0]

    def newest(self) -> RunFolder | None:
        return next(reversed(self.runs()), None)

    def new_run(self, clock: Clock) -> str:
        """By its time, so that they lie in their order."""
        stem = f"{clock.now():%Y%m%dT%H%M%S}"
        taken = {one.path.name for one in self.runs()}
        return next(n for n in _numbered(stem) if n not in taken)

    def forget_old(self) -> None:
        for run in self.runs()[:-MOST_RUNS]:
            shutil.rmtree(run.path, ignore_errors=True)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else drives a run of this plan meanwhile; the kernel frees it, however we end."""
        descriptor = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if not try_lock(descriptor):
                raise self._runs()
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps({"pid": os.getpid()}).encode(), 0)
            yield
        finally:
            os.close(descriptor)

    def is_driven(self) -> bool:
        path = self.path / _LOCK
        return path.exists() and is_locked(str(path))

    def _runs(self) -> PlanRuns:
        pid = "?"
        with contextlib.suppress(OSError, ValueError, KeyError):
            pid = json.loads((self.path / _LOCK).read_bytes())["pid"]
        newest = self.newest()
        return PlanRuns(name=self.name, pid=pid, run=newest.path.name if newest else "?")


def plans_here(home: str) -> list[PlanFolder]:
    found = sorted(Path(home, FOLDER).glob(f"*/{_PLAN}"))
    return [PlanFolder(home, path.parent.name) for path in found]


def _numbered(stem: str) -> Iterator[str]:
    yield stem
    for number in itertools.count(2):
        yield f"{stem}-{number}"
