"""What a replicated machine itself shows: proxy, boot loader, certificates, SSH server, versions.

Lines longer than any of these listings has are left out: patterns stay fast on every text.
"""

import re
from collections.abc import Iterator

from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.asr_facts import (
    AGENT,
    PROXY_INFO,
    SSHD,
    BootParameter,
    RootCertificate,
    StartType,
    Throughput,
)
from holdfast.doctor.facts import Fact, Package, Reach, Setting
from holdfast.doctor.readers.linux_lines import Line, matches
from holdfast.doctor.readers.short_lines import rows_of, short_lines
from holdfast.doctor.readers_registry import reader

_PROXY_KEY = re.compile(
    r"^[ \t]*(?P<key>Address|Port|BypassList|Username)\s*=\s*(?P<value>.*?)\s*$", re.IGNORECASE
)


def _is_proxy(head: str, file: str) -> bool:
    rows = rows_of(head)
    section = any(row.strip(" \t>").lower() == "[proxy]" for row in rows)
    return section or (file == "proxyinfo.conf" and any(map(_PROXY_KEY.match, rows)))


@reader("asr.proxy", accepts=_is_proxy)
def read_proxy(artefact: Artefact) -> Iterator[Setting]:
    for line, found in matches(short_lines(artefact), _PROXY_KEY):
        yield Setting(
            span=line.span, file=PROXY_INFO, key=found["key"].lower(), value=found["value"]
        )


_KERNEL_LINE = re.compile(
    r"^[ \t]*(?:linux(?:16|efi)?|kernel|GRUB_CMDLINE_\w+|options|set kernelopts)\b(?P<rest>.*)"
)
_PARAMETER = re.compile(r"(?<![\w.])(?P<parameter>root|resume)=(?P<device>[^\s\"']+)")


def _is_grub(head: str, _file: str) -> bool:
    rows = rows_of(head)
    return any(
        (found := _KERNEL_LINE.match(row)) and _PARAMETER.search(found["rest"]) for row in rows
    )


@reader("asr.boot", accepts=_is_grub)
def read_boot_parameters(artefact: Artefact) -> Iterator[BootParameter]:
    """Comments do not count: they do not begin with the command."""
    for line, found in matches(short_lines(artefact), _KERNEL_LINE):
        for one in _PARAMETER.finditer(found["rest"]):
            yield BootParameter(span=line.span, parameter=one["parameter"], device=one["device"])


# The roots that the source's guide looks for, and those of today's endpoints.
_ROOTS = (
    "Baltimore_CyberTrust_Root.pem",
    "DigiCert_Global_Root_CA.pem",
    "DigiCert_Global_Root_G2.pem",
    "VeriSign_Class_3_Public_Primary_Certification_Authority_G5.pem",
)
_ROOT = re.compile("|".join(re.escape(name) for name in _ROOTS))
_ABSENT = re.compile(
    r"(?:cannot access|접근할 수 없|액세스할 수 없|Zugriff auf|impossible d.accéder)[^\n]*"
    r"|No such file or directory|그런 파일이나 디렉[터토]리가 없",
)


def _is_certificates(head: str, _file: str) -> bool:
    return _ROOT.search(head) is not None and "\n" in head.strip() + "\n"


@reader("asr.certificates", accepts=_is_certificates)
def read_certificates(artefact: Artefact) -> Iterator[RootCertificate]:
    """`ls`: a name alone is there, a name in a complaint is not."""
    for line, found in matches(short_lines(artefact), _ROOT):
        if not line.typed:
            there = _ABSENT.search(line.text) is None
            yield RootCertificate(span=line.span, name=found.group(), there=there)


_SSHD_KEY = re.compile(
    r"^[ \t]*(?P<off>#\s*)?(?P<key>PasswordAuthentication|Subsystem|PermitRootLogin)\s+(?P<value>\S.*?)\s*$",
    re.IGNORECASE,
)


_SSHD_LINE = re.compile(
    r"[\s>]*#?\s*(?:PasswordAuthentication\s+(?:yes|no)|Subsystem\s+sftp)\b", re.IGNORECASE
)


def _is_sshd(head: str, file: str) -> bool:
    return file == "sshd_config" or any(map(_SSHD_LINE.match, rows_of(head)))


@reader("asr.sshd", accepts=_is_sshd)
def read_sshd(artefact: Artefact) -> Iterator[Setting]:
    """Of a key that stands twice sshd takes the first; blocks for some users come later."""
    for line, found in matches(short_lines(artefact), _SSHD_KEY):
        value = "" if found["off"] else found["value"].lower()
        yield Setting(span=line.span, file=SSHD, key=found["key"].lower(), value=value)


_VERSION = re.compile(
    r"^[ \t]*(?:PROD_)?VERSION\s*=\s*(?P<version>\d+(?:\.\d+){1,3})", re.IGNORECASE
)
_PROGRAM = re.compile(
    r"Azure Site Recovery Mobility Service[^\n\d]{0,120}(?P<version>\d+\.\d+\.\d+(?:\.\d+)?)",
    re.IGNORECASE,
)


def _is_version(head: str, file: str) -> bool:
    named = file == ".vx_version" or "INSTALLATION_DIR" in head or "Unified Agent" in head
    rows = rows_of(head)
    return any(_PROGRAM.search(row) for row in rows) or (
        named and any(_VERSION.match(row) for row in rows)
    )


@reader("asr.version", accepts=_is_version)
def read_version(artefact: Artefact) -> Iterator[Package]:
    for line in short_lines(artefact):
        if found := _VERSION.match(line.text) or _PROGRAM.search(line.text):
            yield Package(span=line.span, name=AGENT, version=found["version"])


_START = re.compile(
    r"services\\(?P<name>[\w-]+)\s+start\s*=\s*(?P<start>\d)\s+expected value\s*=\s*(?P<wanted>\d)",
    re.IGNORECASE,
)


@reader("asr.drivers", accepts=lambda head, _: bool(_START.search(head)))
def read_start_types(artefact: Artefact) -> Iterator[StartType]:
    """What the no-hydration script prints of each driver and service."""
    for line, found in matches(short_lines(artefact), _START):
        yield StartType(
            span=line.span,
            name=found["name"].lower(),
            start=int(found["start"]),
            wanted=int(found["wanted"]),
        )


_AZCOPY = re.compile(r"Throughput \((?P<unit>Mb/s|MB/s)\):\s*(?P<rate>\d+(?:[.,]\d+)?)")


@reader("asr.throughput", accepts=lambda head, _: bool(_AZCOPY.search(head)))
def read_throughput(artefact: Artefact) -> Iterator[Throughput]:
    """AzCopy's last line counts; it measures in megabits."""
    found = list(matches(short_lines(artefact), _AZCOPY))
    for line, one in found[-1:]:
        rate = float(one["rate"].replace(",", "."))
        yield Throughput(span=line.span, rate=rate / 8 if one["unit"] == "Mb/s" else rate)


_HOST = r"(?<![\w.-])(?P<host>[A-Za-z0-9](?:[\w.-]{0,250}\w)?)"
_WHY = r"(?P<why>refused|timed? ?out|unreachable|No route to host|Couldn.t connect|reset by peer)"
_TRIALS = (
    (re.compile(rf"Connected to {_HOST}(?: \([^)]*\))? port (?P<port>\d+)"), "tcp", True),
    (
        re.compile(
            rf"Connection to {_HOST} (?:\([^)]*\) )?(?:port )?(?P<port>\d+) port .*succeeded"
        ),
        "tcp",
        True,
    ),
    (re.compile(rf"Connected to {_HOST}\.$"), "tcp", True),
    (re.compile(rf"Failed to connect to {_HOST} port (?P<port>\d+)(?P<why>.*)"), "tcp", False),
    (
        re.compile(
            rf"connect to {_HOST} (?:\([^)]*\) )?port (?P<port>\d+).*?{_WHY}", re.IGNORECASE
        ),
        "tcp",
        False,
    ),
    (re.compile(rf"Unable to connect to remote host: .*?{_WHY}", re.IGNORECASE), "tcp", False),
    (re.compile(rf"curl: \((?:7|28)\) [^\n]*?{_WHY}", re.IGNORECASE), "tcp", False),
    # netstat: a connection that gets no answer.
    (
        re.compile(rf"\bTCP\s+\S+:\d+\s+{_HOST}:(?P<port>443|9443)\s+SYN_SENT\b", re.IGNORECASE),
        "tcp",
        False,
    ),
    (re.compile(rf"Could not resolve host: ?{_HOST}"), "dns", False),
    (re.compile(rf"unable to resolve host address \W?{_HOST}"), "dns", False),
    (re.compile(rf"server can.t find {_HOST}: (?P<why>\w+)"), "dns", False),
    (
        re.compile(
            rf"{_HOST}: (?P<why>Name or service not known|Temporary failure in name resolution)"
        ),
        "dns",
        False,
    ),
)
_TYPED = re.compile(
    rf"(?:telnet|nc|ncat)\s+(?:-\w+\s+)*{_HOST}\s+(?P<port>\d+)"
    r"|curl\s[^\n]*?https?://(?P<site>[\w.-]{1,250})(?::(?P<door>\d+))?"
)
_AGENT_HEAD = re.compile(r"^[ \t]*(?:#~> ?)?\(\d\d-\d\d-\d{4} |^[ \t]*\d{4}[-/]\d\d[-/]\d\d[T ]")
WIRE_SERVER = "168.63.129.16"


def _is_trial(head: str, _file: str) -> bool:
    rows = rows_of(head)
    return any(
        pattern.search(row) and WIRE_SERVER not in row and not _AGENT_HEAD.match(row)
        for row in rows
        for pattern, _, _ in _TRIALS
    )


@reader("asr.reach", accepts=_is_trial)
def read_trials(artefact: Artefact) -> Iterator[Fact]:
    """curl, telnet, nc, nslookup: whom they asked stands in their answer or in what was typed."""
    typed: re.Match[str] | None = None
    for line in short_lines(artefact):
        typed = _TYPED.search(line.typed or line.text) or typed
        if not line.typed and not _AGENT_HEAD.match(line.text) and WIRE_SERVER not in line.text:
            yield from _trial(line, typed)


def _trial(line: Line, typed: re.Match[str] | None) -> Iterator[Reach]:
    asked_host, asked_port = _asked(typed)
    for pattern, stage, reached in _TRIALS:
        if not (found := pattern.search(line.text)):
            continue
        parts = found.groupdict()
        host = parts.get("host") or asked_host
        port = parts.get("port") or (asked_port if stage == "tcp" else "")
        why = (parts.get("why") or "").strip(" :")
        if host:
            target = f"{host}:{port}" if port else host
            yield Reach(span=line.span, target=target, stage=stage, reached=reached, seen=why)
        return


def _asked(typed: re.Match[str] | None) -> tuple[str, str]:
    """The host and the port that a command named."""
    if typed is None:
        return "", ""
    return typed["host"] or typed["site"] or "", typed["port"] or typed["door"] or "443"
