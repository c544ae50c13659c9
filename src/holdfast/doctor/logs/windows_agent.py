"""Logs of the Azure guest agent for Windows and of its snapshot extension.

Two generations of heads: `[00000007] [05/28/2019 12:58:50.90] [INFO]  text` and
`[00000018] 2021-01-12T16:35:45Z [INFO]  text`. The extension's own log puts the time first.
"""

import re
from datetime import datetime

from holdfast.doctor.log_format import Head, LogFormat, group, parse_iso, timed
from holdfast.doctor.readers_registry import log

_AMERICAN = timed("%m/%d/%Y %H:%M:%S.%f", "%m/%d/%Y %H:%M:%S")
_LEVEL = r"\[(?P<level>[A-Z]{4,8})\s*\]"
_SLASHED = r"\[(?P<when>\d\d/\d\d/\d{4} \d\d:\d\d:\d\d(?:\.\d+)?)\]"
_ISO = r"\[?(?P<when>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?Z?)\]?"


def _when(head: Head) -> datetime | None:
    return _AMERICAN(head) or parse_iso(re.sub(r"(\.\d{6})\d+", r"\1", group(head, "when")))


_HEADS = tuple(
    re.compile(rf"\[(?P<who>[0-9a-fA-F]{{8}})\]\s+{when}\s+{_LEVEL}\s*(?P<text>.*)")
    for when in (_SLASHED, _ISO)
)

AGENT = log(
    LogFormat(
        stream="windows-agent.log",
        heads=_HEADS,
        when=_when,
        files=("waappagent*.log", "appagentruntime*.log", "telemetry*.log"),
    )
)
# The same head: what is installed is told by the file's name, or by its path in a bundle.
INSTALLER = log(
    LogFormat(
        stream="windows-agent.installer.log",
        heads=_HEADS,
        when=_when,
        files=("transparentinstaller*.log", "wasetup*", "monitoringagent*.log"),
    )
)
PLUGIN = log(
    LogFormat(
        stream="windows-agent.plugin.log",
        heads=(
            re.compile(
                r"(?P<when>\d\d/\d\d/\d{4} \d\d:\d\d:\d\d(?:\.\d+)?)\s+\[?(?P<level>INFO|WARN|ERROR|FATAL|VERBOSE|DEBUG)\]?:?\s+(?P<text>.*)",
                re.IGNORECASE,
            ),
            re.compile(
                r"\d+\s+(?P<when>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?)\s+(?P<level>[A-Za-z]+)\s*:\s*(?P<text>.*)"
            ),
        ),
        when=_when,
        files=("iaasbcdrextension*.log", "snapshot*.log", "bcdrpluginlog*"),
    )
)
