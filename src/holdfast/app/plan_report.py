"""The reports of a run: as JSON for programs, as a page for a browser, for paper, for an auditor."""

from pathlib import Path
from typing import Any

import msgspec

from holdfast.app.plan_words import as_json
from holdfast.machines.state_files import replace_file
from holdfast.recovery.plans.html_report import html_report
from holdfast.recovery.plans.measuring import measure
from holdfast.recovery.plans.plan import Plan
from holdfast.recovery.plans.progress import Progress

JSON_NAME, HTML_NAME = "report.json", "report.html"


def write_reports(folder: Path, plan: Plan, progress: Progress) -> None:
    replace_file(folder / JSON_NAME, as_json(report_data(plan, progress)))
    replace_file(folder / HTML_NAME, html_report(plan, progress).encode())


def report_data(plan: Plan, progress: Progress) -> dict[str, Any]:
    return {
        "version": 1,
        "plan": msgspec.to_builtins(plan),
        "run": msgspec.to_builtins(progress),
        "measured": msgspec.to_builtins(measure(plan, progress)),
    }
