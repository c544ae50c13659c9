"""The use cases of plans that drive nothing: take one in, look at it and its runs, answer, remove."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from holdfast.app.plan_folder import PlanFolder, plans_here
from holdfast.app.plan_running import Running, newest_run
from holdfast.app.plan_scripts import require_here, script_at
from holdfast.app.plan_standing import Standings
from holdfast.app.recovery_here import here
from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError
from holdfast.recovery.address_rules import rule_text
from holdfast.recovery.choosing import choose_point
from holdfast.recovery.plans.context import addresses_of, networks_of, point_of
from holdfast.recovery.plans.driving import Order
from holdfast.recovery.plans.engine import Question, questions
from holdfast.recovery.plans.plan import ActionKind, Kind, Machine, Plan
from holdfast.recovery.plans.plan_errors import (
    PlanAnswerUnfit,
    PlanAsksMore,
    PlanAsksNothing,
    PlanFileUnreadable,
    PlanHasRuns,
    PlanMachineTwice,
)
from holdfast.recovery.plans.progress import Decision
from holdfast.recovery.plans.reading import examine, read_plan
from holdfast.recovery.plans.reading_values import Problem
from holdfast.recovery.plans.yaml_nodes import MOST_BYTES
from holdfast.recovery.policy import refusal
from holdfast.recovery.record import ActKind
from holdfast.recovery.tested_points import tested_points

_ACTS = {Kind.TEST: ActKind.TEST, Kind.PLANNED: ActKind.PLANNED, Kind.UNPLANNED: ActKind.UNPLANNED}
_ANSWERS = {
    True: (Decision.AGAIN, Decision.GO_ON, Decision.STOP),
    False: (Decision.YES, Decision.NO),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineLook:
    """`error`: why it could not be started now; its point is chosen as a run would choose it."""

    vm: str
    uuid: str = ""
    point: str = ""
    taken_at: str = ""
    # As they would be typed for this machine alone.
    networks: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    # It runs here as a run wants it, and would be passed over.
    is_already: bool = False
    error: HoldfastError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSeen:
    plan: Plan
    newest: Running | None
    is_driven: bool


def check_file(file: str) -> tuple[Plan | None, tuple[Problem, ...]]:
    return examine(_content(file))


def apply_plan(session: Session, file: str) -> tuple[Plan, bool]:
    """Kept on this host under its name; whether anything is new. A run keeps the plan it began with."""
    content = _content(file)
    plan = read_plan(content, file)
    folder = PlanFolder(session.settings.home, plan.name)
    known = folder.content() if (folder.path / "plan.yaml").exists() else None
    if known != content:
        folder.put(content)
    return plan, known != content


def look_at_machines(session: Session, plan: Plan, kind: Kind) -> list[MachineLook]:
    """As a run of this kind that began now would find them."""
    standings = Standings(session)
    is_back = kind is Kind.PLANNED and standings.is_way_back(plan)
    looks = [_looked(session, one, kind, standings, is_back=is_back) for one in plan.machines]
    first: dict[str, str] = {}
    return [_once(look, first.setdefault(look.uuid or look.vm, look.vm)) for look in looks]


def look_at_scripts(session: Session, plan: Plan) -> list[HoldfastError]:
    """Why scripts of this host that the plan names would not be run."""
    found = []
    for action in plan.actions:
        if action.kind is ActionKind.HOST_SCRIPT:
            try:
                require_here(session.settings.home, action.does, action.host)
                script_at(session.settings.home, action.does)
            except HoldfastError as err:
                found.append(err)
    return found


def find_plan(session: Session, name: str) -> PlanSeen:
    folder = PlanFolder(session.settings.home, name)
    plan, newest = folder.plan(), folder.newest()
    running = None
    if newest is not None:
        running = Running(plan=newest.plan(), progress=newest.progress(), folder=newest)
    return PlanSeen(plan=plan, newest=running, is_driven=folder.is_driven())


def list_plans(session: Session, warn: Callable[[HoldfastError], None]) -> list[PlanSeen]:
    """Of one that does not read only that is told."""
    seen = []
    for folder in plans_here(session.settings.home):
        try:
            seen.append(find_plan(session, folder.name))
        except HoldfastError as err:
            warn(err)
    return seen


def find_run(session: Session, name: str, run: str | None) -> Running:
    """The newest, if none is named."""
    folder = PlanFolder(session.settings.home, name)
    found = newest_run(folder) if run is None else folder.run(run)
    return Running(plan=found.plan(), progress=found.progress(), folder=found)


def asked_now(session: Session, running: Running) -> tuple[Question, ...]:
    return questions(running.plan, running.progress, session.clock.now())


def answer(
    session: Session, name: str, decision: Decision, *, step: str | None, who: str
) -> tuple[Running, str]:
    """Kept with the run, whose driver hears it; where there is none, it counts when it goes on."""
    running = find_run(session, name, None)
    asked = asked_now(session, running)
    question = _meant(asked, running, step)
    fit = _ANSWERS[question.is_about_failure]
    if decision not in fit:
        answers = ", ".join(f"--{one.value}" for one in fit)
        raise PlanAnswerUnfit(answer=decision.value, step=question.step.id, answers=answers)
    order = Order(who=who, step=question.step.id, decision=decision)
    running.folder.say(order, session.clock)
    return running, question.step.id


def remove_plan(session: Session, name: str) -> int:
    """With its runs and their reports; how many there were."""
    folder = PlanFolder(session.settings.home, name)
    folder.content()
    with folder.alone():
        runs = folder.runs()
        if runs and (last := runs[-1].progress()).outcome is None:
            raise PlanHasRuns(name=name, run=last.run)
        folder.remove()
    return len(runs)


def _meant(asked: tuple[Question, ...], running: Running, step: str | None) -> Question:
    fields = {"name": running.plan.name, "run": running.progress.run}
    found = [one for one in asked if step is None or one.step.id == step]
    if not found:
        raise PlanAsksNothing(**fields, step=step or "-")
    if len(found) > 1:
        raise PlanAsksMore(**fields, steps=", ".join(one.step.id for one in found))
    return found[0]


def _once(look: MachineLook, first: str) -> MachineLook:
    if look.vm == first:
        return look
    error = PlanMachineTwice(vm=look.vm, other=first)
    return MachineLook(vm=look.vm, uuid=look.uuid, error=error)


def _looked(
    session: Session, machine: Machine, kind: Kind, standings: Standings, *, is_back: bool
) -> MachineLook:
    act = ActKind.FAILBACK if is_back else _ACTS[kind]
    try:
        if kind is not Kind.TEST and standings.already(machine, is_back=is_back) is not None:
            uuid = standings.uuid_of(machine.vm)
            return MachineLook(vm=machine.vm, uuid=uuid, is_already=True)
        with here(session, machine.vm, who="plan") as found:
            look = MachineLook(vm=machine.vm, uuid=found.vm)
            error = refusal(act, found.standing())
            facts = found.replica()
            if error is not None or facts is None:
                return MachineLook(vm=machine.vm, uuid=found.vm, error=error)
            tested = tested_points(found.home, found.vm)
            wish = point_of(machine, kind)
            point = choose_point(facts.points, wish, about=found.name, tested=tested)
    except HoldfastError as err:
        return MachineLook(vm=machine.vm, error=err)
    taken_at = point.taken_at.isoformat()
    return replace(
        look,
        point=point.generation,
        taken_at=taken_at,
        networks=tuple(f"{old}={new}" for old, new in networks_of(machine, kind).items()),
        addresses=tuple(rule_text(key, rule) for key, rule in addresses_of(machine, kind).items()),
    )


def _content(file: str) -> bytes:
    """Of something endless no more than shows that it is too much."""
    try:
        with open(file, "rb") as stream:
            return stream.read(MOST_BYTES + 1)
    except OSError as err:
        raise PlanFileUnreadable(file=file, reason=err.strerror or err) from err
