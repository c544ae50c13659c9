"""Logs of the Azure Linux agent and of its extensions, in the layouts of all generations."""

import re
from dataclasses import dataclass

from holdfast.doctor.log_format import LogFormat, iso_time
from holdfast.doctor.readers_registry import log

# Before the head: colours, a quote mark, grep's file name and line number, or the journal's own head.
_BEFORE = (
    r"(?:\x1b\[[\d;]*m)*\s*(?:>+ ?)?(?:[\w./-]*\.log[\w.-]*[:-])?(?:\d{1,9}(?:[:-]|\t| +))?"
    r"(?:\S.{0,90}?(?:waagent|walinuxagent|python[\d.]*)(?:\[\d+\])?: )?"
)
_ISO = r"(?P<when>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,9}Z?)"
_SLASHED = r"(?P<when>\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d{3,6})"
_LEVEL = r"(?P<level>VERBOSE|DEBUG|INFO|WARN(?:ING)?|ERROR|CRITICAL)"
_WHO = r"(?P<who>[A-Z]\w*(?:Handler|Daemon|Agent|Thread)|Daemon|MainThread|CollectLogs)"
_AGENT = re.compile(
    r"wa-?agent|walinuxagent|wire ?server|168\.63\.129\.16|goal ?state|\bazure\b|exthandler|"
    r"handler state|provision|dhcp|incarnation|resource disk|x-ms-|blob\.core|HttpP(?:ost|ut)\w*\(|"
    r"SetHandlerState|Microsoft\.OSTCExtensions|machine/?\?comp=",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedLog(LogFormat):
    """A layout so plain that it counts only in a text which also speaks of its product."""

    plain: re.Pattern[str]
    marks: re.Pattern[str]

    def share(self, lines: list[str]) -> float:
        spoken = [line for line in lines if line.strip()]
        if not spoken:
            return 0.0
        marked = any(self.marks.search(line) for line in spoken)
        fitting = [line for line in spoken if self.head(line) is not None]
        if not marked:
            fitting = [line for line in fitting if not self.plain.match(line)]
        return len(fitting) / len(spoken)


# 2.0: no fraction, the level glued to the text or absent; extension logs go on with "[".
_PLAIN = r"(?P<when>\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) +(?!\[)(?:(?P<level>ERROR|WARNING|VERBOSE):)?"

WAAGENT = log(
    MarkedLog(
        stream="linux.waagent.log",
        heads=(
            re.compile(rf"{_BEFORE}{_ISO} {_LEVEL}(?: {_WHO})?(?: (?P<text>.*)|$)"),
            re.compile(rf"{_BEFORE}{_SLASHED} {_LEVEL}(?: {_WHO})?(?: (?P<text>.*)|$)"),
            re.compile(rf"{_BEFORE}{_PLAIN}(?P<text>.*)"),
        ),
        when=iso_time,
        files=("waagent*.log*", "walinuxagent*.log*"),
        plain=re.compile(rf"{_BEFORE}{_PLAIN}"),
        marks=_AGENT,
    )
)

_MOMENT = r"(?P<when>\d{4}[-/]\d\d[-/]\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d+)?)Z?"
_SAID = r"(?P<level>Info|Warning|Error|Verbose)  (?P<text>.*)"

EXTENSION = log(
    LogFormat(
        stream="linux.azure.extension.log",
        heads=(
            # The extension's own record inside the agent's, and the record alone.
            re.compile(
                rf"{_BEFORE}{_MOMENT} +\[(?P<who>[\w.]+-\d[\w.]*)\] ?"
                r"(?:\d{4}[-/]\d\d[-/]\d\d \d\d:\d\d:\d\d(?:\.\d+)? +:? ?)?"
                r"(?:(?P<level>Info|Warning|Error|ERROR|WARNING|INFO|Verbose) +)?(?P<text>.*)"
            ),
            re.compile(rf"{_BEFORE}{_MOMENT}  {_SAID}"),
            # The script that starts the extension, with the time as the host's language writes it.
            re.compile(
                r"(?P<when>\S.{10,50}?)- (?P<text>(?:python[\d.]* (?:path exists|version unknown)"
                r"|\d+ returned from handle\.py|The command is \w+).*)"
            ),
            # Extensions that are written in Go.
            re.compile(
                r"(?:ts|time)=(?P<when>\S+?)Z? (?:level=\w+ )?version=\S+ (?:seq=\d+ )?(?P<text>.*)"
            ),
            # What the freezing program itself prints.
            re.compile(rf"{_MOMENT} : (?P<text>(?:un)?freezing the mount.*|Failed to .*)"),
        ),
        when=iso_time,
        files=("extension.log*",),
    )
)
