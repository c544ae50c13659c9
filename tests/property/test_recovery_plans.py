"""What must hold of every run of every plan, whatever fails, hangs, is answered or is killed."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from holdfast.recovery.plans.driving import Driver, Order
from holdfast.recovery.plans.engine import is_question, next_moves, questions
from holdfast.recovery.plans.measuring import measure
from holdfast.recovery.plans.plan import Action, ActionKind, Group, Kind, Machine, OnFailure, Plan
from holdfast.recovery.plans.progress import (
    Decision,
    Ended,
    Outcome,
    Progress,
    StepState,
    resumed,
)
from holdfast.recovery.plans.steps import Doing, Step, start_id, steps_of, told_steps
from holdfast.testing.clock import FakeClock

_LONGEST = timedelta(days=30)


class Killed(Exception):
    """The driver died here."""


# What becomes of an attempt: when it ends (seconds; None: never by itself) and how.
fates = st.tuples(
    st.sampled_from([0, 1, 7, 100, None]),
    st.sampled_from(
        [
            Ended(state=StepState.DONE),
            Ended(state=StepState.DONE),
            Ended(state=StepState.DONE),
            Ended(state=StepState.ALREADY),
            Ended(state=StepState.FAILED, error="broken"),
            Ended(state=StepState.FAILED, error="interrupted", is_unclear=True),
        ]
    ),
)
Fate = tuple[int | None, Ended]
policies = st.sampled_from(OnFailure)
kinds = st.sampled_from(Kind)
actions = st.lists(
    st.builds(
        Action,
        name=st.just("an action"),
        kind=st.sampled_from(
            [ActionKind.SCRIPT, ActionKind.HOST_SCRIPT, ActionKind.WEBHOOK, ActionKind.CONFIRM]
        ),
        does=st.just("something"),
        only=st.lists(kinds, unique=True, min_size=1).map(tuple),
        timeout=st.sampled_from([5, 50]),
        on_failure=policies,
    ),
    max_size=2,
).map(tuple)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    groups, count = [], 0
    for number in range(draw(st.integers(1, 3))):
        machines: list[Machine] = []
        for _each in range(draw(st.integers(1, 3))):
            known = [machine.vm for machine in machines]
            needs = draw(st.lists(st.sampled_from(known), unique=True)) if known else []
            machines.append(
                Machine(
                    vm=f"vm{count}",
                    needs=tuple(needs),
                    pre=draw(actions),
                    post=draw(actions),
                    timeout=60,
                    on_failure=draw(policies),
                )
            )
            count += 1
        groups.append(
            Group(
                name=f"group{number}",
                machines=tuple(draw(st.permutations(machines))),
                pre=draw(actions),
                post=draw(actions),
                at_once=draw(st.sampled_from([None, 1, 2])),
            )
        )
    return Plan(name="any", groups=tuple(groups), at_once=draw(st.sampled_from([None, 1, 2, 3])))


@dataclass
class World:
    """What goes on beyond a driver, and stays when it is killed."""

    clock: FakeClock
    draw: st.DataObject
    running: dict[tuple[str, int], tuple[float, Fate]] = field(default_factory=dict)
    over: dict[tuple[str, int], Ended] = field(default_factory=dict)
    launched: list[str] = field(default_factory=list)
    most_at_once: int = 0
    saved: Progress | None = None
    said: list[Order] = field(default_factory=list)
    kills: int = 0

    def maybe_killed(self) -> None:
        if self.kills and self.draw.draw(st.integers(0, 9)) == 0:
            self.kills -= 1
            raise Killed

    # As Hands.

    def begin(self, step: Step, progress: Progress) -> None:
        self.maybe_killed()
        key = step.id, progress.steps[step.id].attempt
        if key not in self.over and key not in self.running:
            self.launched.append(step.id)
            assert all(name != step.id for name, _attempt in self.running), "two of it at a time"
            self.running[key] = self.clock.monotonic(), self.draw.draw(fates)
        ends = ("/start", "/shut-down")
        starting = [name for name, _attempt in self.running if name.endswith(ends)]
        self.most_at_once = max(self.most_at_once, len(starting))
        self.maybe_killed()

    def look(self, step: Step, progress: Progress) -> Ended | None:
        key = step.id, progress.steps[step.id].attempt
        if key in self.running:
            since, (seconds, how) = self.running[key]
            if seconds is not None and self.clock.monotonic() - since >= seconds:
                del self.running[key]
                self.over[key] = how
        return self.over.get(key)

    def end(self, step: Step, progress: Progress) -> None:
        self.running.pop((step.id, progress.steps[step.id].attempt), None)
        self.maybe_killed()

    # As Keeping.

    def save(self, progress: Progress) -> None:
        self.maybe_killed()
        self.saved = progress
        self.maybe_killed()

    def orders(self) -> Iterator[Order]:
        yield from tuple(self.said)

    def heard(self, order: Order) -> None:
        self.said.remove(order)


def _somebody_speaks(plan: Plan, world: World, progress: Progress) -> None:
    asked = questions(plan, progress, world.clock.now())
    is_spoken = world.draw.draw(st.integers(0, 1)) == 0
    if asked and is_spoken:
        question = asked[world.draw.draw(st.integers(0, len(asked) - 1))]
        choices = [Decision.AGAIN, Decision.GO_ON, Decision.STOP]
        if not question.is_about_failure:
            choices = [Decision.YES, Decision.NO]
        decision = world.draw.draw(st.sampled_from(choices))
        world.said.append(Order(who="anna", step=question.step.id, decision=decision))
    elif world.draw.draw(st.integers(0, 40)) == 0:
        world.said.append(Order(who="anna"))


def _run_to_its_end(plan: Plan, world: World, progress: Progress) -> Progress:
    """Rounds of drivers, each of which may be killed and is followed by a new one."""
    world.saved = progress
    begin = world.clock.now()
    driver = Driver(plan, world, world, world.clock)
    while world.saved.outcome is None:
        assert world.clock.now() - begin < _LONGEST, "it does not end"
        try:
            before = world.saved
            after = driver.round(before)
            _check_order(plan, before, after)
            if after is before:
                _somebody_speaks(plan, world, after)
                # Coarser the longer nothing happens, so that days of waiting are few rounds.
                world.clock.sleep(max(1.0, (world.clock.now() - begin).total_seconds() / 4))
        except Killed:
            driver = Driver(plan, world, world, world.clock)
        assert world.saved is not None
    return world.saved


def _check_order(plan: Plan, before: Progress, after: Progress) -> None:
    steps = {step.id: step for step in steps_of(plan, after.kind, keep=after.keep)}
    new = [id_ for id_ in after.steps if id_ not in before.steps]
    for id_ in new:
        step = steps[id_]
        if (
            step.doing in {Doing.HOLD, Doing.CLEAN_UP, Doing.GIVE_BACK}
            or after.steps[id_].state is StepState.SKIPPED
        ):
            continue
        for earlier in step.after:
            assert after.steps[earlier].ended_at is not None, f"{id_} before {earlier}"


def _begun(kind: Kind, clock: FakeClock, keep: int) -> Progress:
    return Progress(run="r1", plan="any", kind=kind, who="anna", begun_at=clock.now(), keep=keep)


@given(plans(), kinds, st.sampled_from([0, 30]), st.integers(0, 6), st.data())
def test_run_always_ends_and_begins_nothing_twice(
    plan: Plan, kind: Kind, keep: int, kills: int, data: st.DataObject
) -> None:
    clock = FakeClock()
    world = World(clock, data, kills=kills)

    progress = _run_to_its_end(plan, world, _begun(kind, clock, keep))

    assert world.running == {}
    attempts = sum(
        at.attempt
        for id_, at in progress.steps.items()
        if at.state is not StepState.SKIPPED or id_ in world.launched
    )
    assert len(world.launched) <= attempts
    assert next_moves(plan, progress, clock.now()) == ()
    limits = [limit for limit in (plan.at_once,) if limit is not None]
    assert all(world.most_at_once <= limit for limit in limits)
    measure(plan, progress)


@given(plans(), st.data())
def test_where_all_goes_well_all_is_done_once_in_order(plan: Plan, data: st.DataObject) -> None:
    clock = FakeClock()
    steps = steps_of(plan, Kind.PLANNED)
    well = {step.id: Ended(state=StepState.DONE) for step in steps}
    world = World(clock, data)
    world.over = {(id_, 1): how for id_, how in well.items()}
    progress = _begun(Kind.PLANNED, clock, 0)
    driver = Driver(plan, world, world, world.clock)

    while progress.outcome is None:
        progress = driver.round(progress)
        for question in questions(plan, progress, clock.now()):
            world.said.append(Order(who="a", step=question.step.id, decision=Decision.YES))

    assert progress.outcome is Outcome.SUCCEEDED
    assert set(progress.steps) == {step.id for step in told_steps(plan, Kind.PLANNED)}
    assert all(at.attempt == 1 for at in progress.steps.values())


@given(plans(), st.integers(0, 6), st.data())
def test_test_leaves_nothing_it_has_started(plan: Plan, kills: int, data: st.DataObject) -> None:
    clock = FakeClock()
    world = World(clock, data, kills=kills)

    progress = _run_to_its_end(plan, world, _begun(Kind.TEST, clock, 0))

    for step in steps_of(plan, Kind.TEST):
        at = progress.steps.get(step.id)
        if step.doing is Doing.START and at is not None and at.state is StepState.DONE:
            assert f"clean-up/{step.machine}" in progress.steps


@given(plans(), st.integers(0, 6), st.data())
def test_cancelled_run_gives_back_what_it_has_shut_down_and_not_started(
    plan: Plan, kills: int, data: st.DataObject
) -> None:
    clock = FakeClock()
    world = World(clock, data, kills=kills)

    progress = _run_to_its_end(plan, world, _begun(Kind.PLANNED, clock, 0))

    is_cancelled = progress.outcome is Outcome.CANCELLED
    for group in plan.groups:
        for machine in group.machines:
            down = progress.steps.get(f"{group.name}/{machine.vm}/shut-down")
            was_ended = down is not None and down.state in {StepState.DONE, StepState.FAILED}
            start = progress.steps.get(start_id(group.name, machine.vm))
            was_begun = start is not None and start.state is not StepState.SKIPPED
            lies_between = is_cancelled and was_ended and not was_begun
            assert (f"give-back/{machine.vm}" in progress.steps) is lies_between


@given(plans())
def test_planned_run_ends_all_before_it_starts_any_in_the_opposite_order(plan: Plan) -> None:
    steps = [step for step in steps_of(plan, Kind.PLANNED) if step.machine and not step.action]
    ends = [step for step in steps if step.doing is Doing.SHUT_DOWN]
    starts = [step for step in steps if step.doing is Doing.START]

    assert max(map(steps.index, ends)) < min(map(steps.index, starts))
    assert [s.group for s in ends] == [s.group for s in reversed(starts)]
    before = {step.machine: index for index, step in enumerate(ends)}
    for machine in plan.machines:
        assert all(before[machine.vm] < before[needed] for needed in machine.needs)


@given(plans(), st.sampled_from([Kind.PLANNED, Kind.UNPLANNED]), st.data())
def test_resumed_run_does_only_what_was_not_done(
    plan: Plan, kind: Kind, data: st.DataObject
) -> None:
    clock = FakeClock()
    world = World(clock, data)
    first = _run_to_its_end(plan, world, _begun(kind, clock, 0))
    again = resumed(first)
    # What was given back is to be shut down again.
    done = {id_ for id_, at in again.steps.items() if at.is_up}
    world.launched.clear()

    second = _run_to_its_end(plan, world, again)

    assert not done & set(world.launched)
    assert done <= {id_ for id_, at in second.steps.items() if at.is_up}


@given(plans(), kinds)
def test_steps_stand_behind_all_they_wait_for(plan: Plan, kind: Kind) -> None:
    told: set[str] = set()

    for step in steps_of(plan, kind, keep=5):
        assert told.issuperset(step.after)
        assert step.id not in told
        told.add(step.id)

    assert all(f"{g.name}/{m.vm}/start" in told for g in plan.groups for m in g.machines)
    assert not any(is_question(s) for s in steps_of(plan, kind) if s.doing is Doing.START)
