"""What the agent's PowerShell module, its scheduled tasks and its files say about themselves."""

import re
from collections.abc import Iterator

from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.facts import Fact, Package
from holdfast.doctor.mars_facts import AgentSetting, BackupPolicy, Device, TaskRule
from holdfast.doctor.readers import windows_lines
from holdfast.doctor.readers.powershell_output import lists, tables
from holdfast.doctor.readers.windows_lines import Text
from holdfast.doctor.readers_registry import reader

AGENT = "Microsoft Azure Recovery Services Agent"
_SETTINGS = (
    "encryptionkeystatus",
    "proxyserver",
    "proxyport",
    "proxyusername",
    "proxysetting",
    "encryptionsetting",
)
_IS_SETTING = re.compile(
    r"EncryptionKeyStatus|EncryptionSetting|ProxySetting|OBMachineSetting", re.IGNORECASE
)
_INLINE = re.compile(
    r"\b(EncryptionKeyStatus|ProxyServer|ProxyPort|Enabled)\s*[=:]\s*([^\s;,}]+)", re.IGNORECASE
)


@reader("mars.machine-setting", accepts=lambda head, _: bool(_IS_SETTING.search(head)))
def read_machine_setting(artefact: Artefact) -> Iterator[Fact]:
    """`Get-OBMachineSetting`, whole or one property of it."""
    text = windows_lines.read(artefact)
    for number, line in enumerate(text.lines, 1):
        for found in _INLINE.finditer(line):
            yield AgentSetting(
                span=text.span(number), name=found[1].lower(), value=found[2].strip("{}")
            )
    for row in tables(text):
        shown = {name: value for name, value in row.values.items() if name in _SETTINGS}
        yield from (AgentSetting(span=row.span, name=n, value=v) for n, v in shown.items())


_IS_POLICY = re.compile(r"RetentionPolicy\s*:|Get-OBPolicy|PolicyState\s*:", re.IGNORECASE)
_TIME = re.compile(r"\b\d{1,2}:\d\d(?::\d\d)?(?:\s?[AP]M)?", re.IGNORECASE)


@reader("mars.policy", accepts=lambda head, _: bool(_IS_POLICY.search(head)))
def read_policy(artefact: Artefact) -> Iterator[Fact]:
    """`Get-OBPolicy`: the schedule, and whether the policy is valid or paused."""
    text = windows_lines.read(artefact)
    for row in lists(text):
        if row.get("BackupSchedule", "PolicyState", "RetentionPolicy"):
            yield BackupPolicy(
                span=row.span,
                state=row.get("PolicyState", "State").lower(),
                times=tuple(_TIME.findall(row.get("BackupSchedule"))),
            )


_IS_TASK = re.compile(r"<Task\b[^>]*schemas\.microsoft\.com/windows/\d{4}/\d\d/mit/task")
_TRIGGERS = re.compile(r"<Triggers\b[^>]*>(.*?)</Triggers>", re.DOTALL)
_TRIGGER = re.compile(r"<(\w*Trigger)\b[^>]*(?:/>|>(.*?)(?:</\1>|(?=</Triggers>)|\Z))", re.DOTALL)
_OFF = re.compile(r"<Enabled>\s*false\s*</Enabled>", re.IGNORECASE)


def _tag(name: str, text: str) -> str:
    found = re.search(rf"<{name}>\s*([^<]*?)\s*<", text)
    return found.group(1) if found else ""


@reader("mars.task", accepts=lambda head, _: bool(_IS_TASK.search(head)))
def read_task(artefact: Artefact) -> Iterator[Fact]:
    """Every task of an export by its XML, which is the same in all languages."""
    text = windows_lines.read(artefact)
    starts = [found.start() for found in _IS_TASK.finditer(text.whole)]
    for start, end in zip(starts, [*starts[1:], len(text.whole)], strict=False):
        stop = text.whole.find("</Task>", start, end)
        piece = text.whole[start : end if stop < 0 else stop + len("</Task>")].rstrip()
        rule = _rule(text, start, piece)
        if rule is not None:
            yield rule


def _rule(text: Text, start: int, xml: str) -> TaskRule | None:
    triggers = _TRIGGERS.search(xml)
    shown = [found.group(2) or "" for found in _TRIGGER.finditer(triggers[1])] if triggers else []
    # What stands below <Triggers> switches one trigger, what stands in <Settings> the task.
    settings = xml[xml.find("<Settings") :] if "<Settings" in xml else ""
    path = _tag("URI", xml) or _path_from(xml)
    if not path:
        return None
    return TaskRule(
        span=text.span(text.line_at(start), text.line_at(start + len(xml) - 1)),
        path=path,
        instances=_tag("MultipleInstancesPolicy", settings),
        enabled=not _OFF.search(settings),
        trigger_enabled=any(not _OFF.search(one) for one in shown) if shown else None,
        user=_tag("UserId", xml) or _tag("GroupId", xml),
        starts=tuple(_clock(one) for one in shown if _clock(one)),
    )


def _path_from(xml: str) -> str:
    """Older exports have no URI: the command tells whose task it is."""
    if re.search(r"Start-OBBackup|MSOnlineBackup", xml, re.IGNORECASE):
        return r"\Microsoft\OnlineBackup\Microsoft-OnlineBackup"
    if re.search(r"wbadmin", xml, re.IGNORECASE):
        return r"\Microsoft\Windows\Backup\Microsoft-Windows-WindowsBackup"
    return ""


def _clock(trigger: str) -> str:
    found = re.search(r"T(\d\d:\d\d)", _tag("StartBoundary", trigger))
    return found.group(1) if found else ""


_VERSION = re.compile(r"(?<![\d.])(\d{1,2}\.\d{1,2}\.\d{2,5}\.\d{1,5})(?![\d.])")
_AGENT_NAME = re.compile(
    r"Azure (?:Recovery Services|Backup) Agent|cbengine(?:\.exe)?|Azure Recovery Services 에이전트|"
    r"MARSAgentInstaller",
    re.IGNORECASE,
)


@reader("mars.version", accepts=lambda head, _: bool(_versions(head)))
def read_version(artefact: Artefact) -> Iterator[Fact]:
    """The agent's version: of its program file, of the list of programs, of the console's About."""
    text = windows_lines.read(artefact)
    for first, last, version in _versions(text.whole):
        yield Package(span=text.span(first, last), name=AGENT, version=version)


def _versions(whole: str) -> list[tuple[int, int, str]]:
    """Line numbers and version where a line names the agent and it or a neighbour has a version."""
    lines = whole.split("\n")
    found: list[tuple[int, int, str]] = []
    for at, line in enumerate(lines):
        if not _AGENT_NAME.search(line) or re.search(r"\.(?:cpp|cs)\(\d+\)", line):
            continue
        for near in (at, at + 1, at - 1, at + 2):
            version = _VERSION.search(lines[near]) if 0 <= near < len(lines) else None
            if version:
                found.append((min(at, near) + 1, max(at, near) + 1, version.group(1)))
                break
    return found


_ISCSI = re.compile(r"ISCSIPRT|iSCSI (?:Initiator|초기자|시작자|开始|イニシエ)", re.IGNORECASE)
_NOT_OK = re.compile(
    r"\b(?:Error|Unknown|Degraded|Problem)\b|has a problem|\bCM_PROB_\w+", re.IGNORECASE
)
_OK = re.compile(r"(?:^|\s)(?:OK|Started)\b|Driver is running|CM_PROB_NONE", re.IGNORECASE)
_HARDWARE = re.compile(r"ROOT\\ISCSIPRT[\\\w]*", re.IGNORECASE)


@reader("mars.devices", accepts=lambda head, _: bool(_HARDWARE.search(head)))
def read_devices(artefact: Artefact) -> Iterator[Fact]:
    """The device of the iSCSI initiator: `Get-PnpDevice`, `pnputil`, `devcon`, driverquery."""
    text = windows_lines.read(artefact)
    for number, line in enumerate(text.lines, 1):
        hardware = _HARDWARE.search(line)
        if hardware is None:
            continue
        last = min(number + 3, len(text.lines))
        block = _block(text, number, last)
        around = "\n".join(text.lines[block[0] - 1 : block[1]]).replace("CM_PROB_NONE", "OK")
        ok = False if _NOT_OK.search(around) else (True if _OK.search(around) else None)
        named = _ISCSI.search(around.replace(hardware.group(0), ""))
        yield Device(
            span=text.span(*block),
            id=hardware.group(0),
            title=named.group(0) if named else "",
            ok=ok,
        )


def _block(text: Text, number: int, last: int) -> tuple[int, int]:
    """The lines of one device: its own row, or the indented or labelled lines after its id."""
    end = number
    while end < last and text.lines[end].strip() and not _HARDWARE.search(text.lines[end]):
        end += 1
    labelled = ":" in text.lines[number - 1]
    first = number
    while labelled and first > max(1, number - 3) and ":" in text.lines[first - 2]:
        first -= 1
    return first, end
