"""One run of a command: its session for the use cases, its output for the person."""

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from holdfast.base.clock import SystemClock
from holdfast.base.texts import use_language
from holdfast.cli.common import common_values
from holdfast.cli.output import JsonOutput, Output, TextOutput

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from datetime import timedelta

    from holdfast.app.wiring import Session
    from holdfast.base.secret import Secret
    from holdfast.vault.repository import Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    session: "Session"
    out: Output
    # False about another machine's vault: not even a lock is put there.
    may_write: bool = True

    def open(self) -> "Repository":
        from holdfast.app.opening import open_vault

        return open_vault(self.session)

    def deleting(
        self, kind: str, *, wait: "timedelta | None" = None, dry_run: bool = False
    ) -> "AbstractContextManager[None]":
        """Around what deletes from the vault: where it is behind a gateway, under a lease."""
        from contextlib import nullcontext
        from datetime import timedelta

        from holdfast.app.deleting import deleting

        if dry_run:
            return nullcontext()
        return deleting(self.session, kind, wait=wait or timedelta(0))


def start(**more: Any) -> Run:
    """Everything a command needs, from the options given before and after its name."""
    from holdfast.app.config import load_settings
    from holdfast.app.wiring import Session

    given = {**common_values(click.get_current_context()), **more}
    out = output_for(as_json=given.pop("as_json", False), quiet=given.pop("quiet", False))
    _log(given.pop("verbose", 0))
    if "keyring" in given:
        given["keyring"] = _no_time()
    settings = load_settings(**given)
    use_language(settings.lang)
    for remark in settings.remarks:
        out.warning(remark)
    is_there_somebody = sys.stdin is not None and sys.stdin.isatty()
    session = Session(
        settings=settings,
        warn=out.warning,
        ask=_ask if is_there_somebody else None,
        clock=SystemClock(),
    )
    return Run(session=session, out=out)


def output_for(*, as_json: bool, quiet: bool = False) -> Output:
    clock = SystemClock()
    return JsonOutput(clock) if as_json else TextOutput(clock, quiet=quiet)


def _no_time() -> object:
    from datetime import timedelta

    return timedelta(0)


def _ask(question: str) -> "Secret":
    import getpass

    from holdfast.base.secret import Secret

    return Secret(getpass.getpass(f"{question}: ").encode())


def _log(verbose: int) -> None:
    if verbose:
        import logging

        level = logging.DEBUG if verbose > 1 else logging.INFO
        logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")
