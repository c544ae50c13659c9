"""Errors of Site Recovery as people copy them from the portal, in English or Korean."""

import re
from collections.abc import Iterator
from itertools import pairwise

from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.asr_facts import JobError
from holdfast.doctor.facts import Fact
from holdfast.doctor.readers import windows_lines
from holdfast.doctor.readers.asr import ITEM_KEYS, JOB_KEYS, told
from holdfast.doctor.readers.windows_lines import Text
from holdfast.doctor.readers_registry import reader

_CODE = r"(?:15\d{4}|17\d{4}|28\d{3}|70\d{3}|78\d{3}|9[57]\d{3}|539|806|80(?:38|61))"
_HEADING = (
    r"(?:(?:service |provider )?error ?(?:id|code)|provider ?error ?code|errorcode|errorid"
    r"|\bcode|오류 ?(?:id|코드)|공급자 오류 코드)"
)
# The number stands on the heading's line or on the next one; PowerShell says it in a sentence.
_SAID = re.compile(
    rf"(?:^[ \t>*|\"'-]{{0,40}}|(?<=[.:;,(\[] )){_HEADING}[\"']?[ \t]{{0,40}}[:=]?[ \t]{{0,40}}[\"']?(?:\r?\n[ \t>*|]{{0,40}})?(?P<code>{_CODE})\b",
    re.IGNORECASE | re.MULTILINE,
)
_AGENT_LOG = re.compile(r"^\s*#~> ?\(", re.MULTILINE)
# What follows these is what could be, not what was.
_GUESSES = re.compile(
    r"^\W*(?:(?:provider error )?possible causes?|(?:provider error )?recommended actions?"
    r"|recommendations?|(?:공급자 오류 )?가능한 원인|권장 ?(?:사항|조치|작업))",
    re.IGNORECASE,
)
_FACTS = re.compile(
    r"^\W*(?:error message|provider error|service error|message\b|오류 메시지|공급자 오류)",
    re.IGNORECASE,
)
# An error's block is no longer than this.
_LINES = 30


def _is_portal_text(head: str, _file: str) -> bool:
    tidy = head.replace("\r", "")
    elsewhere = (JOB_KEYS, ITEM_KEYS, _AGENT_LOG)
    return bool(_SAID.search(tidy)) and not any(one.search(tidy) for one in elsewhere)


@reader("asr.jobs", accepts=_is_portal_text)
def read_portal_text(artefact: Artefact) -> Iterator[Fact]:
    """A provider's code right after the service's belongs to it."""
    text = windows_lines.read(artefact)
    groups = _groups(text)
    begins = [text.line_at(group[0].start()) for group in groups]
    for group, (first, after) in zip(groups, pairwise([*begins, len(text.lines) + 1]), strict=True):
        last = _last(text, text.line_at(group[-1].start("code")), after - 1)
        said, causes = _parts(text.lines[first - 1 : last])
        codes = tuple(one["code"] for one in group)
        yield from told(
            JobError(span=text.span(first, last), codes=codes, text=said, causes=causes)
        )


def _groups(text: Text) -> list[list[re.Match[str]]]:
    groups: list[list[re.Match[str]]] = []
    before = -_LINES
    for one in _SAID.finditer(text.whole):
        line = text.line_at(one.start("code"))
        provider = re.search(r"provider|공급자", one.group(), re.IGNORECASE) is not None
        if provider and groups and line - before < _LINES:
            groups[-1].append(one)
        else:
            groups.append([one])
        before = line
    return groups


def _last(text: Text, code: int, end: int) -> int:
    last = max(code, min(end, code + _LINES))
    while last > code and not text.lines[last - 1].strip():
        last -= 1
    return last


def _parts(lines: list[str]) -> tuple[str, str]:
    """What happened, and what the portal lists as possible causes and actions."""
    kept: tuple[list[str], list[str]] = ([], [])
    guessing = False
    for line in lines:
        if _GUESSES.match(line):
            guessing = True
        elif _FACTS.match(line):
            guessing = False
        kept[guessing].append(line.strip())
    said, causes = (" ".join(part)[:4000] for part in kept)
    return said, causes
