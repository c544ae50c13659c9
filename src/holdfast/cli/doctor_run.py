"""The doctor's commands: one call each, then the answer in the form that was asked for."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from holdfast.base.errors import HoldfastError
from holdfast.cli import doctor_options
from holdfast.cli.common import common_values
from holdfast.cli.doctor_output import show_explanation, show_report
from holdfast.cli.run import Run, start

if TYPE_CHECKING:
    from holdfast.doctor.examination import Examination


def ask(words: Sequence[str]) -> int:
    """Look at this host."""
    from holdfast.app.doctor import check_up

    run, form = _started()
    with _own_failures():
        return _show(run, form, check_up(run.session, words, doctor_options.options()))


def diagnose(paths: Sequence[str], words: Sequence[str]) -> int:
    from holdfast.app import doctor

    run, form = _started()
    with _own_failures():
        found = doctor.diagnose(
            run.session, paths, doctor_options.options(), words=words, stdin=sys.stdin.buffer
        )
        return _show(run, form, found)


def explain(words: Sequence[str]) -> int:
    from holdfast.app.doctor import limit
    from holdfast.doctor.loading import load
    from holdfast.doctor.report.explaining import explain as what_is_known

    run, form = _started()
    with _own_failures():
        limits = dict(limit(load(), given) for given in doctor_options.options().limits)
        told = what_is_known(load(), " ".join(words), limits)
        show_explanation(run, form, told)
        return told.exit_status


def _show(run: Run, form: str, examination: "Examination") -> int:
    from holdfast.doctor.loading import load
    from holdfast.doctor.report.building import build

    show_report(run, form, build(load(), examination))
    return examination.status


def _started() -> tuple[Run, str]:
    values = common_values(click.get_current_context())
    form = doctor_options.wanted_format(as_json=bool(values.get("as_json")))
    return start(), form


@contextmanager
def _own_failures() -> Iterator[None]:
    """A defect of the doctor must not look like a finding about the machine."""
    from holdfast.app.doctor_errors import DoctorFailed

    try:
        yield
    except (HoldfastError, click.ClickException, BrokenPipeError):
        raise
    except Exception as err:
        raise DoctorFailed(kind=type(err).__name__, reason=err) from err
