"""Checks that are commands of the user's: in the guest by its agent, or on this host."""

from holdfast.base.errors import HoldfastError
from holdfast.base.programs import ask_tool, last_words
from holdfast.base.texts import _
from holdfast.recovery.checks.seen import NotSo
from holdfast.recovery.checks.subject import Subject
from holdfast.recovery.checks.wishes import CheckWish

_SHELL = "/bin/sh"


def run_inside(subject: Subject, wish: CheckWish) -> str:
    try:
        ended = subject.programs.run([_SHELL, "-c", wish.command], within=max(1.0, subject.left))
    except HoldfastError as err:
        raise NotSo(str(err)) from err
    return _judged(ended.status, ended.out + ended.err)


def run_here(subject: Subject, wish: CheckWish) -> str:
    """It finds the machine by its environment."""
    done = ask_tool(
        [_SHELL, "-c", f"exec 2>&1\n{wish.command}"],
        environment=subject.environment,
        timeout=max(1.0, subject.left),
    )
    if done is None:
        raise NotSo(_("it took too long and was ended"))
    return _judged(done.status, done.said)


def _judged(status: int, said: bytes) -> str:
    words = last_words(said)
    if status:
        raise NotSo(_("status {status}: {said}").format(status=status, said=words))
    return words
