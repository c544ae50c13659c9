"""The way to the platform's address as a Linux host shows it: routes, sockets, trials by hand."""

import re
from collections.abc import Iterator

from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.facts import Fact, Reach
from holdfast.doctor.linux_facts import Route
from holdfast.doctor.readers.linux_lines import lines_of, matches
from holdfast.doctor.readers_registry import reader

WIRE_SERVER = "168.63.129.16"
_WIRE = re.escape(WIRE_SERVER)
_ADDRESS = r"\d{1,3}(?:\.\d{1,3}){3}"
_IP_ROUTE = re.compile(
    rf"^[ \t]*(?P<blocked>(?:unreachable|blackhole|prohibit)\s+)?(?P<to>default|{_ADDRESS}(?:/\d+)?)"
    rf"(?(blocked)(?:\s|$)|\s+(?:via {_ADDRESS}|dev \S+|proto|metric|scope))"
)
_TABLE = re.compile(
    rf"^[ \t]*(?P<to>default|{_ADDRESS})\s+(?P<via>{_ADDRESS}|\*|\S+)\s+(?P<mask>{_ADDRESS})\s+(?P<flags>!?[A-Z]+!?)\s"
)
_REJECTED = re.compile(rf"^[ \t]*(?P<to>{_ADDRESS})\s+-\s+(?P<mask>{_ADDRESS})\s+!H")


def _is_routes(head: str, _file: str) -> bool:
    rows = [line.rstrip("\r") for line in head.split("\n")[:500]]
    return any(_IP_ROUTE.match(row) or _TABLE.match(row) for row in rows)


@reader("linux.routes", accepts=_is_routes)
def read_routes(artefact: Artefact) -> Iterator[Route]:
    for line in lines_of(artefact):
        found = _IP_ROUTE.match(line.text) or _TABLE.match(line.text) or _REJECTED.match(line.text)
        if found:
            to = found.group("to")
            everywhere = to == "0.0.0.0" and found.groupdict().get("mask") == "0.0.0.0"  # noqa: S104  the name of the default route
            blocked = bool(found.groupdict().get("blocked")) or found.re is _REJECTED
            yield Route(
                span=line.span, destination="default" if everywhere else to, blocked=blocked
            )


_SOCKET = re.compile(
    rf"^[ \t]*(?:tcp6?\s+)?(?P<first>[A-Z][A-Z0-9_-]+)?\s*\d+\s+\d+\s+\S+:\d+\s+(?:::ffff:)?{_WIRE}:(?P<port>\d+)"
    r"(?:\s+(?P<last>[A-Z][A-Z0-9_-]+))?"
)
_TRIED = (
    (re.compile(rf"Connected to {_WIRE}(?: \({_WIRE}\))?(?::| port )(?P<port>\d+)"), True),
    (re.compile(rf"Connection to {_WIRE} (?P<port>\d+) port .*succeeded"), True),
    (re.compile(rf"Connected to {_WIRE}\.()"), True),
    (
        re.compile(
            rf"(?:connect to|connecting to) {_WIRE}(?: \(?{_WIRE}\)?)?(?::| port )(?P<port>\d+).*"
            r"(?P<why>refused|timed? ?out|unreachable|No route|Couldn't connect)",
            re.IGNORECASE,
        ),
        False,
    ),
    (re.compile(rf"Failed to connect to {_WIRE} port (?P<port>\d+)(?P<why>.*)"), False),
)
_OPEN = {"ESTAB", "ESTABLISHED", "TIME-WAIT", "TIME_WAIT", "CLOSE-WAIT", "CLOSE_WAIT", "FIN-WAIT-2"}
_WAITING = {"SYN-SENT", "SYN_SENT"}


def _speaks_of_it(head: str, _file: str) -> bool:
    return WIRE_SERVER in head and any(
        _SOCKET.match(row) or any(pattern.search(row) for pattern, _ in _TRIED)
        for row in head.split("\n")[:2000]
    )


@reader("linux.wire-server", accepts=_speaks_of_it)
def read_trials(artefact: Artefact) -> Iterator[Fact]:
    lines = lines_of(artefact)
    for line, found in matches(lines, _SOCKET):
        state = found.group("first") or found.group("last") or ""
        if state in _OPEN | _WAITING:
            target = f"{WIRE_SERVER}:{found.group('port')}"
            yield Reach(
                span=line.span, target=target, stage="tcp", reached=state in _OPEN, seen=state
            )
    for pattern, reached in _TRIED:
        for line, found in matches(lines, pattern):
            port = found.groupdict().get("port") or "80"
            why = (found.groupdict().get("why") or "").strip(" :")
            yield Reach(
                span=line.span,
                target=f"{WIRE_SERVER}:{port}",
                stage="tcp",
                reached=reached,
                seen=why,
            )
