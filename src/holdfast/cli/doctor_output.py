"""The doctor's answers as text on a terminal, as JSON, SARIF or JUnit."""

import shutil
import sys
from typing import TYPE_CHECKING

import click

from holdfast.cli.common import common_values
from holdfast.cli.doctor_options import given
from holdfast.cli.run import Run

if TYPE_CHECKING:
    from holdfast.doctor.report.document import DoctorExplanation, DoctorReport
    from holdfast.doctor.report.text import Manner

_PIPED = 100
_WIDEST = 120


def show_report(run: Run, form: str, report: "DoctorReport") -> None:
    match form:
        case "json":
            _write_json(report)
        case "sarif":
            from importlib.metadata import version

            from holdfast.doctor.report.sarif import sarif

            _write_json(sarif(report, version=version("holdfast")))
        case "junit":
            from holdfast.doctor.report.junit import junit

            sys.stdout.write(junit(report) + "\n")
        case _:
            from holdfast.doctor.report.text import tell

            _write_lines(tell(report, manner(run)))


def show_explanation(run: Run, form: str, explanation: "DoctorExplanation") -> None:
    if form in {"sarif", "junit"}:
        # Both tell of verdicts, and nothing was looked at.
        raise click.UsageError(f"--{form}", ctx=click.get_current_context())
    if form == "json":
        _write_json(explanation)
        return
    from holdfast.doctor.report.explanation_text import tell

    _write_lines(tell(explanation, manner(run)))


def manner(run: Run) -> "Manner":
    from holdfast.doctor.report.text import Manner

    is_terminal = sys.stdout.isatty()
    seen = run.session.settings.harmless
    plain = "NO_COLOR" in seen or seen.get("TERM") == "dumb"
    return Manner(
        width=min(shutil.get_terminal_size().columns, _WIDEST) if is_terminal else _PIPED,
        colour=is_terminal and not plain,
        verbose=bool(common_values(click.get_current_context()).get("verbose")),
        everything=bool(given().get("everything")),
    )


def _write_json(value: object) -> None:
    import msgspec

    # A name of a file may be no text; it shows as escapes rather than as a crash.
    sys.stdout.write(msgspec.json.encode(value).decode("utf-8", "backslashreplace") + "\n")


def _write_lines(lines: list[str]) -> None:
    text = "\n".join(lines) + "\n"
    sys.stdout.write(text.encode("utf-8", "backslashreplace").decode())
