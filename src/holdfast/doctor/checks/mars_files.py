"""Why files were left out of a backup of the MARS agent.

The list of skipped files is of the last backup and counts as it stands; lines of the log count
until a later backup succeeds.
"""

from collections.abc import Callable

from holdfast.doctor.checking import Params, check
from holdfast.doctor.checks.mars_signs import denial, signs
from holdfast.doctor.factbase import Facts
from holdfast.doctor.facts import Record
from holdfast.doctor.mars_facts import SkippedFiles
from holdfast.doctor.model import Verdict, confirmed, unknown
from holdfast.doctor.open_records import SHOWN, spans

Judge = Callable[[Facts, Params], Verdict]
# The list has as many runs as it likes; all of them prove it.
MOST_RUNS = 50


def _skipped(cause: str, event: str, *codes: str) -> Judge:
    """Register the check for files that were skipped with one of these codes."""
    wanted = {code.lower() for code in codes}

    def judge(facts: Facts, _: Params) -> Verdict:
        runs = [one for one in facts.of(SkippedFiles) if one.code.lower() in wanted]
        said = [one for one in signs(facts, event) if not _of_agent(one)]
        if runs or said:
            lines = [*(one.span for one in runs[:MOST_RUNS]), *spans(said)]
            count = sum(one.count for one in runs) or len(said)
            return confirmed(*lines, count=count, file=_first(runs, said))
        return denial(facts, event) or unknown("mars.failed-files", "mars.errlog")

    return check(cause)(judge)


def _of_agent(record: Record) -> bool:
    """The agent's own files are another cause's matter."""
    text = record.text.lower()
    return "\\scratch" in text or "recovery services agent" in text


def _first(runs: list[SkippedFiles], said: list[Record]) -> str:
    if runs:
        return runs[0].first
    named = [record.values["file"] for record in said[:SHOWN] if record.values.get("file")]
    return named[0].strip() if named else "?"


_skipped("mars.file-damaged", "mars.skip-damaged", "0x80070570", "0x8007045D", "0x80070017")
_skipped("mars.access-blocked", "mars.skip-denied", "0x80070005", "0x800700E1")
_skipped("mars.files-in-cloud", "mars.skip-cloud", "0x8007018B", "0x8007016A", "0x80070185")
_skipped("mars.files-locked", "mars.skip-locked", "0x80070020", "0x80070021")
_skipped(
    "mars.files-unsupported",
    "mars.skip-unsupported",
    "0x80071126",
    "0x80071127",
    "0x80071128",
    "0x80070780",
    "0x80070032",
)
