"""Logs of the Mobility service and of the configuration and process servers."""

import re
from datetime import datetime

from holdfast.doctor.log_format import Head, LogFormat, timed
from holdfast.doctor.readers_registry import log

_WHEN = timed("%m-%d-%Y %H:%M:%S", "%m-%d-%Y %H:%M:%S.%f")
_LEVEL = r"(?P<level>DEBUG|INFO|WARN(?:ING)?|ERROR|SEVERE|FATAL|ALWAYS)"


def _agent_time(head: Head) -> datetime | None:
    return _WHEN(head)


# "#~> (11-20-2018 20:31:51):   ERROR  2508 8408 313 FAILED …"; vacp adds milliseconds since 1970
# to the time, and older versions leave the arrow out.
AGENT = log(
    LogFormat(
        stream="asr.agent.log",
        heads=(
            re.compile(
                r"\s*(?:[\w./\\-]*\.log:(?:\d+:)?)?(?:#~> ?)?\((?P<when>\d\d-\d\d-\d{4} \d\d:\d\d:\d\d(?:\.\d{1,6})?)(?::\d+)?\):\s+"
                rf"{_LEVEL}\s+(?P<who>\d+(?: +\d+)*)? ?(?P<text>.*)"
            ),
        ),
        when=_agent_time,
        files=("svagents*.log*", "s2_*.log", "s2.log", "vacp*.log", "evtcollforw*.log"),
    )
)

_BOOST = timed("%Y-%b-%d %H:%M:%S.%f", "%Y-%b-%d %H:%M:%S")
_PLAIN = timed("%Y-%m-%d %H:%M:%S", "%m-%d-%Y %H:%M:%S", "%a %b %d %H:%M:%S %Y")


def _server_time(head: Head) -> datetime | None:
    """The C++ servers write 2018-Nov-20, the Perl ones numbers or what ctime says."""
    return _BOOST(head) or _PLAIN(head) or _BOOST(head)


SERVER = log(
    LogFormat(
        stream="asr.server.log",
        heads=(
            re.compile(
                r"\s*\(?(?P<when>\d{4}-[A-Z][a-z]{2}-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?)\)?[\s:]+"
                rf"(?:{_LEVEL}[\s:]+)?(?P<text>.*)"
            ),
            re.compile(
                r"\s*(?P<when>[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4})\s*[:-]\s*"
                r"(?P<text>.*)"
            ),
            re.compile(
                r"\s*(?P<when>\d\d-\d\d-\d{4} \d\d:\d\d:\d\d)[\s:-]+"
                rf"(?:{_LEVEL}[\s:]+)?(?P<text>.*(?:heart|tmansvc|svsystems|cxps|host_?guid|process server|Process Server).*)"
            ),
            re.compile(
                r"\s*(?P<when>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)[\s:-]+"
                rf"(?:{_LEVEL}[\s:]+)?(?P<text>.*(?:heart|tmansvc|svsystems|cxps|host_?guid|process server|Process Server).*)"
            ),
        ),
        when=_server_time,
        files=(
            "tmansvc*.log",
            "eventmanager*.log",
            "monitor_protection*.log",
            "cxps.err*",
            "cxps.xfer*",
            "cxps.monitor*",
            "cx_*.log",
        ),
    )
)
