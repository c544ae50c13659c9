"""Network and clock: proxies, adapters, what can be reached, and how far the clock is off."""

import re
from collections.abc import Iterator
from datetime import timedelta
from statistics import median

from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.facts import ClockOffset, Fact, Reach, Setting
from holdfast.doctor.readers import windows_lines
from holdfast.doctor.readers.powershell_output import PROMPT, lists
from holdfast.doctor.readers.windows_lines import Text
from holdfast.doctor.readers_registry import reader
from holdfast.doctor.windows_facts import NETWORK_ADAPTER, WINHTTP_PROXY

_WINHTTP = re.compile(r"WinHTTP", re.IGNORECASE)
_PROXY = re.compile(
    r"^[ \t>|]*[^:\n]{2,40}:\s+(?P<value>(?:https?=|http://|https://)?[\w.-]+:\d{1,5}\S*)\s*$"
)
_BYPASS = re.compile(r"^[ \t>|]*[^:\n]{2,40}:\s+(?P<value>\S.*?)\s*$")


def _is_winhttp(head: str, _: str) -> bool:
    lines = head.split("\n")
    return any(
        _WINHTTP.search(line) and any(one.startswith("    ") for one in lines[at + 1 : at + 5])
        for at, line in enumerate(lines)
    )


@reader("windows.proxy", accepts=_is_winhttp)
def read_winhttp(artefact: Artefact) -> Iterator[Fact]:
    """Below the heading either `label: host:port` and a list of exceptions, or one sentence: direct."""
    text = windows_lines.read(artefact)
    for at, line in enumerate(text.lines):
        if not _WINHTTP.search(line) or PROMPT.match(line):
            continue
        for place in range(at + 1, min(at + 5, len(text.lines))):
            said = text.lines[place]
            if found := _PROXY.match(said):
                yield _proxy(text, place, "proxy", found["value"])
                if place + 1 < len(text.lines) and (more := _BYPASS.match(text.lines[place + 1])):
                    yield _proxy(text, place + 1, "bypass", more["value"])
                break
            if said.startswith("    ") and said.strip():
                yield _proxy(text, place, "proxy", "")
                break


def _proxy(text: Text, place: int, key: str, value: str) -> Setting:
    return Setting(span=text.span(place + 1), file=WINHTTP_PROXY, key=key, value=value)


_ADDRESS = r"\d{1,3}(?:\.\d{1,3}){3}"
_IPCONFIG = re.compile(
    rf"^[ \t]+(?P<label>[^\s:][^:\n]{{2,50}}?)[ .]*:[ \t]+(?P<address>{_ADDRESS})(?:\([^\n)]*\))?[ \t]*$",
    re.MULTILINE,
)


def _is_ipconfig(head: str, _: str) -> bool:
    return bool(re.search(r"\. \. \. ", head)) and bool(_IPCONFIG.search(head.replace("\r", "")))


@reader("windows.network", accepts=_is_ipconfig)
def read_ipconfig(artefact: Artefact) -> Iterator[Fact]:
    """Addresses; IPv4, DHCP and DNS are spelt alike in every language, the gateway is what is left."""
    text = windows_lines.read(artefact)
    for found in _IPCONFIG.finditer(text.whole):
        if found["address"].startswith("255."):
            continue
        label = found["label"].upper()
        names = (("IPV4", "ipv4"), ("DHCP", "dhcp-server"), ("DNS", "dns"), ("WINS", "wins"))
        key = next((name for word, name in names if word in label), "gateway")
        place = text.line_at(found.start("address"))
        yield Setting(span=text.span(place), file=NETWORK_ADAPTER, key=key, value=found["address"])


def _is_test_connection(head: str, _: str) -> bool:
    return bool(re.search(r"^[ \t>|]*(?:TcpTestSucceeded|PingSucceeded)\s*:", head, re.MULTILINE))


@reader("windows.reach", accepts=_is_test_connection)
def read_test_connection(artefact: Artefact) -> Iterator[Fact]:
    """`Test-NetConnection`: its property names are never translated."""
    for row in lists(windows_lines.read(artefact)):
        host = row.get("computername", "remoteaddress")
        said = row.get("tcptestsucceeded") or row.get("pingsucceeded")
        if host and said:
            tcp = row.has("tcptestsucceeded")
            target = f"{host}:{row.get('remoteport')}" if tcp else host
            yield Reach(
                span=row.span,
                target=target,
                stage="tcp" if tcp else "ping",
                reached=said.lower() == "true",
                seen=row.get("remoteaddress"),
            )


# Sent, received and lost with the share of the lost, in this order.
_PING_SUMMARY = re.compile(
    rf"(?P<target>{_ADDRESS})[^\n]*\n[^\n]*?=\s*(?P<sent>\d+)\s*,[^\n]*?=\s*(?P<got>\d+)\s*,[^\n]*?=\s*\d+[^\n]*\n?[^\n]*?\(\s*\d+\s?%"
)
_PING_NAME = re.compile(rf"(?<![\w.-])(?P<name>\w[\w.-]{{0,252}})[ \t]+\[(?P<address>{_ADDRESS})\]")
_TELNET = re.compile(
    r"(?<![\w.-])(?P<host>\w[\w-]{0,62}(?:\.\w[\w-]{0,62}){1,8})\.\.\.[ \t]*[^\n]*?\b(?P<port>\d{2,5})\s?(?:번|:|-)[^\n]*"
)
_PORTQRY = re.compile(
    r"TCP port (?P<port>\d+)[^\n:]*:\s*(?P<state>NOT LISTENING|LISTENING|FILTERED)", re.IGNORECASE
)
_PORTQRY_HOST = re.compile(
    r"portqry\S*\s.*?-n\s+(?P<host>\S+)|Attempting to resolve name[^\n]*|Querying target system called:\s*\n+\s*(?P<called>\S+)",
    re.IGNORECASE,
)


def _is_ping(head: str, _: str) -> bool:
    tidy = head.replace("\r", "")
    return any(pattern.search(tidy) for pattern in (_PING_SUMMARY, _TELNET, _PORTQRY))


@reader("windows.reach", accepts=_is_ping)
def read_ping(artefact: Artefact) -> Iterator[Fact]:
    """`ping`, `telnet` that fails, and `portqry`."""
    text = windows_lines.read(artefact)
    names = {found["address"]: found["name"] for found in _PING_NAME.finditer(text.whole)}
    for found in _PING_SUMMARY.finditer(text.whole):
        target = names.get(found["target"], found["target"])
        reached = int(found["got"]) > 0
        yield Reach(span=text.span_of(found), target=target, stage="ping", reached=reached)
    for found in _TELNET.finditer(text.whole):
        target = f"{found['host']}:{found['port']}"
        yield Reach(span=text.span_of(found), target=target, stage="tcp", reached=False)
    for found in _PORTQRY.finditer(text.whole):
        hosts = list(_PORTQRY_HOST.finditer(text.whole, 0, found.start()))
        host = next(
            (h["host"] or h["called"] for h in reversed(hosts) if h["host"] or h["called"]), ""
        )
        reached = found["state"].upper() == "LISTENING"
        yield Reach(
            span=text.span_of(found), target=f"{host}:{found['port']}", stage="tcp", reached=reached
        )


# `w32tm /query /status` begins with the leap indicator (3: not in step) and the stratum (0: unknown).
_STATUS = re.compile(
    r"^[ \t>|]*[^:\n]{3,40}:\s*(?P<leap>[0-3])\s*\([^\n]*\n[ \t>|]*[^:\n]{3,40}:\s*(?P<stratum>\d{1,2})\b[^\n]*\n[ \t>|]*[^:\n]{3,40}:\s*-\d+",
    re.MULTILINE,
)
_SOURCE = re.compile(
    r"Local CMOS Clock|Free-running System Clock|로컬 CMOS|자유 실행", re.IGNORECASE
)
_PHASE = re.compile(r"^[^:\n]{3,40}:\s*(?P<offset>[+-]\d+\.\d+)s\s*$", re.MULTILINE)
_CHART = re.compile(
    r"^[ \t>|]*\d{1,2}:\d\d:\d\d,?\s+(?:d:[+-][\d.]+s\s+o:)?(?P<offset>[+-]\d+\.\d+)s", re.MULTILINE
)
_NO_SERVICE = re.compile(r"0x80070426")


def _is_w32tm(head: str, _: str) -> bool:
    tidy = head.replace("\r", "")
    stopped = _NO_SERVICE.search(tidy) and "w32tm" in tidy.lower()
    return bool(_STATUS.search(tidy) or _CHART.search(tidy) or stopped)


@reader("windows.clock", accepts=_is_w32tm)
def read_w32tm(artefact: Artefact) -> Iterator[Fact]:
    """Whether the clock is kept in step, and the offset measured against a server."""
    text = windows_lines.read(artefact)
    chart = list(_CHART.finditer(text.whole))
    if chart:
        offset = timedelta(seconds=median(float(one["offset"]) for one in chart))
        span = text.span(
            text.line_at(chart[0].start("offset")), text.line_at(chart[-1].start("offset"))
        )
        yield ClockOffset(span=span, offset=offset, synchronised=None)
    for found in _STATUS.finditer(text.whole):
        rest = text.whole[found.end() :][:1500]
        free = found["leap"] == "3" or found["stratum"] == "0" or bool(_SOURCE.search(rest))
        yield ClockOffset(span=text.span_of(found), offset=None, synchronised=not free)
    for found in _NO_SERVICE.finditer(text.whole):
        place = text.line_at(found.start())
        yield ClockOffset(span=text.span(place), offset=None, synchronised=False)
