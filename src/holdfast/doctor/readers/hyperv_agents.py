"""The agents on a host: their versions, their connections, and whether WMI answers them."""

import re
from collections.abc import Iterator

from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.hyperv_facts import (
    AgentConnection,
    AgentTraffic,
    AgentVersion,
    WmiRepository,
)
from holdfast.doctor.readers.windows_lines import Text, number, read
from holdfast.doctor.readers_registry import reader

_ENGINE = "cbengine"
_TCP = re.compile(
    r"(?:^|\s)(?:TCP\s+)?(?P<local>\[?[0-9a-fA-F.:%]+\]?:\d+)\s+(?P<remote>\[?[\w.:%-]+\]?):(?P<port>[\w-]+)\s+(?P<state>[A-Z][A-Z0-9_]+)"
)
_ROW = re.compile(
    r"(?P<local>\d{1,3}(?:\.\d{1,3}){3})\s+\d{1,5}\s+(?P<remote>[\w.-]*\.[\w.-]+)\s+(?P<port>\d{1,5})\s+(?P<rest>\S+)"
)
# tasklist and Get-Process in the same text tell which number is the engine's.
_PID = re.compile(
    r"\bcbengine(?:\.exe)?\s+(\d{2,7})\s+(?:Services|Console|서비스|Dienste|\d)\b", re.IGNORECASE
)
_OPENING = re.compile(r"SYN|GESENDET|EMPFANGEN", re.IGNORECASE)
_OPEN = re.compile(r"ESTAB|HERGESTELLT|ÉTABLI|CONNECT", re.IGNORECASE)


def _connections(head: str, _: str) -> bool:
    return _ENGINE in head.lower() and bool(re.search(r":\d{2,5}\b|\d\s+443\b", head))


@reader("hyperv.agent-connections", accepts=_connections)
def connections(artefact: Artefact) -> Iterator[AgentConnection]:
    """`netstat -b` names the program below a connection; Resource Monitor before it."""
    text = read(artefact)
    waiting: list[int] = []
    pids = set(_PID.findall(text.whole))
    for index, line in enumerate(text.lines):
        numbered = re.search(r"\s(\d+)\s*$", line)
        if numbered and numbered[1] in pids and _TCP.search(line):
            yield from _tcp(text, index, index)
        elif _TCP.search(line) and _ENGINE not in line.lower():
            waiting = [index]
        elif _ENGINE in line.lower() and "[" in line and waiting:
            yield from _tcp(text, waiting[0], index)
            waiting = []
        elif _ENGINE in line.lower():
            yield from _tcp(text, index, index)
        elif re.match(r"\s*\[.+\]\s*$", line):
            waiting = []


def _tcp(text: Text, first: int, last: int) -> Iterator[AgentConnection]:
    line = text.lines[first]
    found = _TCP.search(line)
    row = None if found else _ROW.search(line)
    if found is not None:
        state, remote, port = _state(found["state"]), found["remote"], found["port"]
    elif row is not None:
        # Resource Monitor shows loss and latency of open connections, no state.
        state, remote, port = "open", row["remote"], row["port"]
    else:
        return
    if state and port.lower() in {"443", "https"}:
        yield AgentConnection(
            span=text.span(first + 1, last + 1), remote=remote, port="443", state=state
        )


def _state(said: str) -> str:
    if _OPENING.search(said):
        return "opening"
    return "open" if _OPEN.search(said) else "closing"


_TRAFFIC = re.compile(
    r"\bcbengine(?:\.exe)?\s+(?P<pid>\d+)\s+(?:(?=\S*[A-Za-z.:])(?!\d[\d,]*\s)(?P<to>\S+)\s+)?"
    r"(?P<sent>\d[\d,.]*)\s+(?P<got>\d[\d,.]*)\s+(?P<sum>\d[\d,.]*)\s*$",
    re.IGNORECASE | re.MULTILINE,
)


def _traffic(head: str, _: str) -> bool:
    return _TRAFFIC.search(head) is not None


@reader("hyperv.agent-traffic", accepts=_traffic)
def traffic(artefact: Artefact) -> Iterator[AgentTraffic]:
    """Resource Monitor, Processes with Network Activity: program, PID, sent, received, total."""
    text = read(artefact)
    for found in _TRAFFIC.finditer(text.whole):
        sent = number(found["sent"])
        if sent is not None:
            yield AgentTraffic(span=text.span_of(found), sent=sent)


_PRODUCTS = (
    ("provider", r"Microsoft Azure Site Recovery (?:Provider|Service)|AzureSiteRecoveryProvider"),
    ("agent", r"Microsoft Azure Recovery Services Agent|MARSAgentInstaller"),
)
_VERSION = r"(?<![\d.])(?P<version>[1-9]\.\d{1,2}\.\d{2,6}(?:\.\d{1,6})?)(?![\d.])"
_VERSIONS = tuple(
    (which, re.compile(rf"(?:{name})[^\n]{{0,120}}?{_VERSION}", re.IGNORECASE))
    for which, name in _PRODUCTS
)
_BLOCK = tuple(
    (
        which,
        re.compile(
            rf"(?:DisplayName|Name)\W{{1,30}}(?:{name})[^\n]*\n(?:[^\n]*\S[^\n]*\n){{0,6}}?[^\n]*Version\W{{1,30}}{_VERSION}"
            rf"|Version\W{{1,30}}(?P<before>[1-9]\.\d{{1,2}}\.\d{{2,6}}(?:\.\d{{1,6}})?)[^\n]*\n(?:[^\n]*\S[^\n]*\n){{0,3}}?[^\n]*(?:DisplayName|Name)\W{{1,30}}(?:{name})",
            re.IGNORECASE,
        ),
    )
    for which, name in _PRODUCTS
)


def _versioned(head: str, _: str) -> bool:
    # The patterns for blocks take very long on texts that do not name a product at all.
    if not any(re.search(name, head, re.IGNORECASE) for _, name in _PRODUCTS):
        return False
    return any(pattern.search(head) for _, pattern in (*_VERSIONS, *_BLOCK))


@reader("hyperv.agent-versions", accepts=_versioned)
def versions(artefact: Artefact) -> Iterator[AgentVersion]:
    """Installed programs, registry exports, setup logs: the product's name with its version."""
    text = read(artefact)
    for which, pattern in (*_VERSIONS, *_BLOCK):
        for found in pattern.finditer(text.whole):
            known = found["version"] or found.groupdict().get("before")
            if known:
                yield AgentVersion(span=text.span_of(found), which=which, version=known)


_BROKEN = re.compile(
    r"^[^\n]*(?:WMI[^\n]{0,60}(?:inconsistent|inkonsistent|incohéren|inconsistente|일관(?:성이|되지)[^\n]{0,4}(?:없|않)|일치하지 않|整合性がない|不一致)"
    r"|WMI[^\n]{0,40}(?:verification failed|확인(?:에|하지) [^\n]{0,4}(?:실패|못)))[^\n]*$",
    re.IGNORECASE | re.MULTILINE,
)
_WHOLE = re.compile(
    r"^[^\n]*WMI[^\n]{0,60}(?:(?<!in)consistent|(?<!in)konsistent|cohéren|일관(?:성이 유지|되게|됩니다|성이 있)|일치합니다|整合性が(?:あり|取れ))[^\n]*$",
    re.IGNORECASE | re.MULTILINE,
)


def _wmi(head: str, _: str) -> bool:
    return bool(_BROKEN.search(head) or _WHOLE.search(head))


@reader("hyperv.wmi", accepts=_wmi)
def wmi_repository(artefact: Artefact) -> Iterator[WmiRepository]:
    """The answer of `winmgmt /verifyrepository`."""
    text = read(artefact)
    bad = list(_BROKEN.finditer(text.whole))
    for found in bad or list(_WHOLE.finditer(text.whole)):
        yield WmiRepository(
            span=text.span_of(found), consistent=not bad, said=found.group(0).strip()
        )
