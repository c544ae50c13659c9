"""Make checks of a machine, one after the other; what takes time to come up is given it."""

from collections.abc import Callable, Sequence

from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _
from holdfast.hypervisor.states import State
from holdfast.machines.booting import picture_of, wait_for_agent
from holdfast.recovery.checks.commands import run_here, run_inside
from holdfast.recovery.checks.connecting import connect, fetch
from holdfast.recovery.checks.seen import CheckSeen, NotSo, NotYet
from holdfast.recovery.checks.subject import Subject
from holdfast.recovery.checks.wishes import CheckKind, CheckWish

_POLL = 0.5
OnChecked = Callable[[CheckSeen], None]


def check_all(
    subject: Subject, wishes: Sequence[CheckWish], *, on_checked: OnChecked
) -> tuple[CheckSeen, ...]:
    """All of them, whatever one says: a report that stops at the first failure says too little."""
    seen = []
    began = subject.clock.monotonic()
    for wish in wishes:
        is_good, said = _checked(subject, wish)
        seconds = round(subject.clock.monotonic() - began, 3)
        each = CheckSeen(
            text=wish.text, kind=wish.kind.value, is_good=is_good, seconds=seconds, said=said
        )
        seen.append(each)
        on_checked(each)
    return tuple(seen)


def _checked(subject: Subject, wish: CheckWish) -> tuple[bool, str]:
    try:
        return True, _CHECKS[wish.kind](subject, wish)
    except (NotSo, HoldfastError) as err:
        return False, str(err)


def _runs(subject: Subject, _wish: CheckWish) -> str:
    standing = subject.domain.standing()
    if standing.state is not State.RUNNING:
        state = standing.reason or standing.state.name.lower()
        raise NotYet(_("it does not run: {state}").format(state=state))
    return _("it runs")


def _answers(subject: Subject, _wish: CheckWish) -> str:
    if not subject.has_agent:
        raise NotYet(_("the machine has no channel for a guest agent"))
    if not wait_for_agent(subject.domain, subject.clock, within=subject.left):
        raise NotYet(_("its guest agent did not answer in time"))
    try:
        return subject.agent.system().name or _("its guest agent answers")
    except HoldfastError:
        return _("its guest agent answers")


def _inside(subject: Subject, wish: CheckWish) -> str:
    _answers(subject, wish)
    return run_inside(subject, wish)


def _patiently(
    one: Callable[[Subject, CheckWish], str],
) -> Callable[[Subject, CheckWish], str]:
    """What is not so yet may be so in a moment."""

    def tried(subject: Subject, wish: CheckWish) -> str:
        while True:
            try:
                return one(subject, wish)
            except NotYet:
                # A machine that has stopped comes to nothing more.
                if subject.left <= 0 or not subject.domain.is_active():
                    raise
            subject.clock.sleep(min(_POLL, subject.left))

    return tried


def _seen(subject: Subject, _wish: CheckWish) -> str:
    picture, reason = picture_of(subject.domain)
    if picture is None:
        raise NotYet(_("there is no picture: {reason}").format(reason=reason))
    return _("its screen can be seen")


_CHECKS: dict[CheckKind, Callable[[Subject, CheckWish], str]] = {
    CheckKind.RUNS: _runs,
    CheckKind.AGENT: _answers,
    CheckKind.TCP: _patiently(connect),
    CheckKind.HTTP: _patiently(fetch),
    CheckKind.GUEST: _inside,
    CheckKind.HOST: run_here,
    CheckKind.SCREENSHOT: _seen,
}
