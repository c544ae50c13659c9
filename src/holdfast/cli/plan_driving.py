"""Whoever sits at the terminal of a run: hears each step, is asked, and may answer there."""

import select
import sys
from typing import TYPE_CHECKING

from holdfast.base.texts import _
from holdfast.cli.plan_report import Telling, tell_question
from holdfast.cli.run import Run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.app.plan_running import Running
    from holdfast.recovery.plans.driving import Order
    from holdfast.recovery.plans.engine import Question


class Driving:
    """What goes on goes on while somebody thinks: nothing here waits for an answer."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._telling = Telling(run.out)
        self._asked: set[tuple[str, int]] = set()

    def changed(self, now: "Running") -> None:
        self._telling(now)
        for question in self._questions(now):
            key = question.step.id, now.progress.steps[question.step.id].attempt
            if key not in self._asked:
                self._asked.add(key)
                tell_question(self._run.out, now.plan, now.progress.run, question)
                if _is_there_somebody():
                    self._run.out.remark(_("    or type the answer here, as in: yes"))

    def said(self, now: "Running") -> "Iterator[Order]":
        """To what was asked first, if it asks several things."""
        from holdfast.app.replication_orders import who_asks
        from holdfast.recovery.plans.driving import Order
        from holdfast.recovery.plans.progress import Decision

        asked = self._questions(now) if _is_there_somebody() else ()
        if not asked or not select.select([sys.stdin], [], [], 0)[0]:
            return
        typed = sys.stdin.readline().strip().lower()
        fit = ("again", "go-on", "stop") if asked[0].is_about_failure else ("yes", "no")
        if typed in fit:
            yield Order(who=who_asks(), step=asked[0].step.id, decision=Decision(typed))
        elif typed:
            self._run.out.remark(_("    one of: {answers}").format(answers=", ".join(fit)))

    def _questions(self, now: "Running") -> "tuple[Question, ...]":
        from holdfast.app.plans import asked_now

        return asked_now(self._run.session, now)


class Watching(Driving):
    """Hears, and says nothing."""

    def said(self, now: "Running") -> "Iterator[Order]":  # noqa: ARG002  nothing is answered
        yield from ()


def _is_there_somebody() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()
