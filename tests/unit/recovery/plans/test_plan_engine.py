"""What a run does next, by cases."""

from datetime import UTC, datetime, timedelta

import msgspec

from holdfast.recovery.plans.context import context_of
from holdfast.recovery.plans.engine import (
    ANSWER_SECONDS,
    Answered,
    Begin,
    End,
    LeaveOut,
    Move,
    TimeOut,
    Withdraw,
    next_moves,
    questions,
)
from holdfast.recovery.plans.html_report import html_report
from holdfast.recovery.plans.measuring import measure
from holdfast.recovery.plans.plan import Action, ActionKind, Group, Kind, Machine, OnFailure, Plan
from holdfast.recovery.plans.progress import (
    Decision,
    Ended,
    Outcome,
    Progress,
    StepState,
    begun,
    cancelled,
    concluded,
    decided,
    ended,
    resumed,
)
from holdfast.recovery.plans.steps import Doing, steps_of, told_steps
from holdfast.testing.clock import FakeClock

CLOCK = FakeClock()
NOW = CLOCK.now()
ASKS = Action(name="sure?", kind=ActionKind.CONFIRM, does="sure?", timeout=600)
SCRIPT = Action(name="dns", kind=ActionKind.SCRIPT, does="dns", timeout=60)


def plan(*machines: Machine, **more: object) -> Plan:
    group = Group(name="g", machines=machines, **more)  # type: ignore[arg-type]  # a test's own
    return Plan(name="p", groups=(group,), rto=60)


def run(kind: Kind = Kind.UNPLANNED, **more: object) -> Progress:
    return Progress(run="r", plan="p", kind=kind, who="anna", begun_at=NOW, **more)  # type: ignore[arg-type]


def well(progress: Progress, *steps: str) -> Progress:
    for step in steps:
        now = NOW + timedelta(seconds=10)
        progress = ended(begun(progress, step, NOW), step, Ended(state=StepState.DONE), now)
    return progress


def badly(progress: Progress, step: str, *, is_unclear: bool = False) -> Progress:
    how = Ended(state=StepState.FAILED, error="broken", is_unclear=is_unclear)
    return ended(begun(progress, step, NOW), step, how, NOW)


def brief(moves: tuple[Move, ...]) -> list[str]:
    return [
        f"end {move.outcome}" if isinstance(move, End) else f"{type(move).__name__} {move.step.id}"
        for move in moves
    ]


def test_machines_of_a_group_begin_together_as_far_as_allowed() -> None:
    machines = [Machine(vm=name) for name in ("a", "b", "c")]

    assert brief(next_moves(plan(*machines), run(), NOW)) == [
        "Begin g/a/start",
        "Begin g/b/start",
        "Begin g/c/start",
    ]
    limited = next_moves(plan(*machines, at_once=2), run(), NOW)
    assert brief(limited) == ["Begin g/a/start", "Begin g/b/start"]


def test_what_needs_another_waits_for_it_to_be_up() -> None:
    both = plan(Machine(vm="web", needs=("db",)), Machine(vm="db", post=(SCRIPT,)))

    assert brief(next_moves(both, run(), NOW)) == ["Begin g/db/start"]
    assert brief(next_moves(both, well(run(), "g/db/start"), NOW)) == ["Begin g/db/post-1"]
    up = well(run(), "g/db/start", "g/db/post-1")
    assert brief(next_moves(both, up, NOW)) == ["Begin g/web/start"]


def test_what_needs_a_machine_that_did_not_come_is_left_out() -> None:
    going_on = Machine(vm="db", on_failure=OnFailure.GO_ON, post=(SCRIPT,))
    both = plan(going_on, Machine(vm="web", needs=("db",)), Machine(vm="other"))
    failed = badly(well(run(), "g/other/start"), "g/db/start")

    assert brief(next_moves(both, failed, NOW)) == ["LeaveOut g/db/post-1"]
    said = Ended(state=StepState.SKIPPED)
    failed = ended(failed, "g/db/post-1", said, NOW)
    moves = next_moves(both, failed, NOW)
    assert [one.without for one in moves if isinstance(one, LeaveOut)] == ["db"]
    failed = ended(failed, "g/web/start", said, NOW)
    assert brief(next_moves(both, failed, NOW)) == ["end with-failures"]


def test_failure_stops_what_has_not_begun_and_waits_for_what_has() -> None:
    both = plan(Machine(vm="a"), Machine(vm="b", pre=(SCRIPT,)))
    failed = badly(begun(run(), "g/b/pre-1", NOW), "g/a/start")

    assert next_moves(both, failed, NOW) == ()
    over = ended(failed, "g/b/pre-1", Ended(state=StepState.DONE), NOW)
    assert brief(next_moves(both, over, NOW)) == ["end stopped"]


def test_failure_that_is_asked_about_waits_for_its_answer() -> None:
    one = plan(Machine(vm="a", on_failure=OnFailure.ASK), post=(SCRIPT,))
    failed = badly(run(), "g/a/start")
    outcomes = {}

    for decision in (Decision.AGAIN, Decision.GO_ON, Decision.STOP):
        said = decided(failed, "g/a/start", decision, "anna")
        outcomes[decision] = brief(next_moves(one, said, NOW))

    (asked,) = questions(one, failed, NOW)
    assert asked.is_about_failure
    assert next_moves(one, failed, NOW) == ()
    assert outcomes == {
        Decision.AGAIN: ["Begin g/a/start"],
        Decision.GO_ON: ["Begin g/post-1"],
        Decision.STOP: ["end stopped"],
    }


def test_question_that_nobody_answers_stops_the_run() -> None:
    one = plan(Machine(vm="a", on_failure=OnFailure.ASK))
    failed = badly(run(), "g/a/start")
    late = NOW + timedelta(seconds=ANSWER_SECONDS)

    assert questions(one, failed, late) == ()
    assert brief(next_moves(one, failed, late)) == ["end stopped"]


def test_of_an_action_that_was_cut_off_a_person_is_asked_whatever_the_plan_says() -> None:
    going_on = msgspec.structs.replace(SCRIPT, on_failure=OnFailure.GO_ON)
    one = plan(Machine(vm="a"), pre=(going_on,))
    cut = badly(run(), "g/pre-1", is_unclear=True)

    assert next_moves(one, cut, NOW) == ()
    assert [asked.step.id for asked in questions(one, cut, NOW)] == ["g/pre-1"]


def test_confirmation_waits_for_its_answer_and_not_for_ever() -> None:
    one = plan(Machine(vm="a"), pre=(ASKS,))
    asked = begun(run(), "g/pre-1", NOW)

    assert brief(next_moves(one, run(), NOW)) == ["Begin g/pre-1"]
    assert next_moves(one, asked, NOW) == ()
    (yes,) = next_moves(one, decided(asked, "g/pre-1", Decision.YES, "anna"), NOW)
    (no,) = next_moves(one, decided(asked, "g/pre-1", Decision.NO, "anna"), NOW)
    (late,) = next_moves(one, asked, NOW + timedelta(seconds=600))
    assert isinstance(yes, Answered)
    assert yes.is_yes
    assert isinstance(no, Answered)
    assert not no.is_yes
    assert isinstance(late, TimeOut)


def test_what_takes_too_long_is_ended() -> None:
    one = plan(Machine(vm="a", timeout=30))
    running = begun(run(), "g/a/start", NOW)

    assert next_moves(one, running, NOW + timedelta(seconds=29)) == ()
    assert brief(next_moves(one, running, NOW + timedelta(seconds=30))) == ["TimeOut g/a/start"]


def test_cancelled_run_ends_actions_and_lets_starts_end() -> None:
    both = plan(Machine(vm="a"), Machine(vm="b", pre=(SCRIPT,)), Machine(vm="c", needs=("a",)))
    running = begun(begun(run(), "g/a/start", NOW), "g/b/pre-1", NOW)

    moves = next_moves(both, cancelled(running, "anna"), NOW)

    assert brief(moves) == ["Withdraw g/b/pre-1"]
    assert isinstance(moves[0], Withdraw)


def test_test_is_cleaned_up_when_it_fails_or_is_cancelled() -> None:
    both = plan(Machine(vm="a"), Machine(vm="b", needs=("a",)))
    failed = badly(run(Kind.TEST), "g/a/start")
    stopped = cancelled(well(run(Kind.TEST, keep=60), "g/a/start"), "anna")

    assert brief(next_moves(both, failed, NOW)) == ["Begin clean-up/a"]
    assert brief(next_moves(both, stopped, NOW)) == ["Begin clean-up/a"]
    cleaned = well(failed, "clean-up/a")
    assert brief(next_moves(both, cleaned, NOW)) == ["end stopped"]


def test_test_stays_as_long_as_was_wished_even_one_that_failed() -> None:
    one = plan(Machine(vm="a"))
    failed = badly(run(Kind.TEST, keep=60), "g/a/start")

    assert brief(next_moves(one, failed, NOW)) == ["Begin hold"]
    held = begun(failed, "hold", NOW)
    assert next_moves(one, held, NOW) == ()
    assert [asked.step.id for asked in questions(one, held, NOW)] == ["hold"]
    (over,) = next_moves(one, held, NOW + timedelta(seconds=60))
    assert isinstance(over, Answered)
    assert brief(next_moves(one, well(held, "hold"), NOW)) == ["Begin clean-up/a"]


def test_resumed_run_tries_what_failed_and_keeps_what_is_done() -> None:
    both = plan(Machine(vm="a"), Machine(vm="b"))
    failed = concluded(badly(well(run(), "g/a/start"), "g/b/start"), Outcome.STOPPED, NOW)

    again = resumed(failed)

    assert brief(next_moves(both, again, NOW)) == ["Begin g/b/start"]
    assert begun(again, "g/b/start", NOW).steps["g/b/start"].attempt == 2


def test_resumed_test_only_cleans_up() -> None:
    one = plan(Machine(vm="a", pre=(SCRIPT,)))
    failed = badly(run(Kind.TEST), "g/a/start")
    failed = concluded(badly(failed, "clean-up/a"), Outcome.STOPPED, NOW)

    assert brief(next_moves(one, resumed(failed), NOW)) == ["Begin clean-up/a"]


def test_nothing_moves_once_it_has_ended() -> None:
    one = plan(Machine(vm="a"))

    over = concluded(well(run(), "g/a/start"), Outcome.SUCCEEDED, NOW)

    assert next_moves(one, over, NOW) == ()
    assert questions(one, over, NOW) == ()


def test_time_is_held_against_what_was_promised_and_asking_told_apart() -> None:
    one = plan(Machine(vm="a", rto=5), pre=(ASKS,))
    up = well(run(), "g/pre-1")
    up = well(up, "g/a/start")

    figures = measure(one, up)

    (group,) = figures.groups
    (machine,) = figures.machines
    assert (group.since_begin, group.asking, group.is_met) == (10.0, 10.0, None)
    assert (machine.own, machine.is_met) == (10.0, False)
    assert (figures.whole.objective, figures.whole.is_met) == (60, True)


def test_machine_that_is_not_up_has_not_kept_its_promise() -> None:
    one = plan(Machine(vm="a", rto=5))

    (machine,) = measure(one, badly(run(), "g/a/start")).machines

    assert (machine.since_begin, machine.is_met) == (None, False)


def test_planned_run_shuts_all_down_before_it_starts_any_the_last_group_first() -> None:
    asks = (msgspec.structs.replace(ASKS, only=(Kind.PLANNED,)),)
    first = Group(name="one", machines=(Machine(vm="a"), Machine(vm="b", needs=("a",))), pre=asks)
    both = Plan(name="p", groups=(first, Group(name="two", machines=(Machine(vm="c"),))))
    progress, seen = run(Kind.PLANNED), []

    while progress.outcome is None:
        (*moves,) = next_moves(both, progress, NOW)
        begin = [move.step.id for move in moves if isinstance(move, Begin)]
        seen.append(begin)
        if not begin:
            break
        progress = well(progress, *begin)

    assert seen == [
        ["one/pre-1"],
        ["two/c/shut-down"],
        ["one/b/shut-down"],
        ["one/a/shut-down"],
        ["one/a/start"],
        ["one/b/start"],
        ["two/c/start"],
        [],
    ]
    assert [step.doing for step in told_steps(both, Kind.PLANNED)][-1] is Doing.START


def test_cancelled_planned_run_gives_back_what_lies_between() -> None:
    both = plan(Machine(vm="a"), Machine(vm="b"))
    down = well(run(Kind.PLANNED), "g/a/shut-down", "g/b/shut-down", "g/a/start")

    moves = next_moves(both, cancelled(down, "anna"), NOW)

    assert brief(moves) == ["Begin give-back/b"]


def test_resumed_after_that_it_is_shut_down_again_in_its_turn() -> None:
    one = plan(Machine(vm="a"))
    down = cancelled(well(run(Kind.PLANNED), "g/a/shut-down"), "anna")
    over = concluded(well(down, "give-back/a"), Outcome.CANCELLED, NOW)

    moves = next_moves(one, resumed(over), NOW)

    assert brief(moves) == ["Begin g/a/shut-down"]


def test_hooks_are_told_what_runs_as_what() -> None:
    both = plan(Machine(vm="a", point="latest-app"), Machine(vm="b"), post=(SCRIPT,))
    how = Ended(state=StepState.DONE, found={"name": "a-test-1", "uuid": "u", "point": "p1"})
    progress = ended(begun(run(), "g/a/start", NOW), "g/a/start", how, NOW)
    step = next(one for one in steps_of(both, Kind.UNPLANNED) if one.id == "g/post-1")

    context = context_of(both, progress, step)

    assert (context.plan, context.type, context.direction) == ("p", "unplanned", "to-recovery")
    assert (context.group, context.group_number, context.machine) == ("g", 1, None)
    assert context.point is None
    assert (context.machines["a"].name, context.machines["a"].state) == ("a-test-1", "done")
    assert (context.machines["b"].uuid, context.machines["b"].state) == (None, "waiting")


def test_report_shows_times_as_people_read_them() -> None:
    one = plan(Machine(vm="a", rto=600))
    found = {"name": "a-test-1", "point": "p1", "point_time": "2026-03-01T02:58:07.450398Z"}
    up = Ended(state=StepState.DONE, found=found)
    told = ended(begun(run(), "g/a/start", NOW), "g/a/start", up, NOW + timedelta(seconds=65))

    page = html_report(one, told)

    when = datetime(2026, 3, 1, 2, 58, 7, tzinfo=UTC).astimezone()
    assert f"<td>{when:%Y-%m-%d %H:%M:%S %Z}</td>" in page
    assert '<td class="number">1 min 5 s</td>' in page
    assert '<td class="number">10 min</td>' in page


def test_report_is_a_page_in_which_nothing_is_markup_but_ours() -> None:
    one = plan(Machine(vm="<a>", rto=5))

    page = html_report(one, badly(run(), "g/<a>/start"))

    assert "&lt;a&gt;" in page
    assert "<a>" not in page
    assert "broken" in page


def test_progress_survives_being_written_down() -> None:
    progress = cancelled(badly(run(Kind.TEST, keep=5), "g/a/start", is_unclear=True), "anna")

    assert msgspec.json.decode(msgspec.json.encode(progress), type=Progress) == progress
    assert isinstance(next_moves(plan(Machine(vm="a")), progress, NOW)[0], Begin)
