"""The agent's package and version: dpkg, rpm, `waagent --version`."""

import re
from collections.abc import Iterator

from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.facts import Fact, Package
from holdfast.doctor.linux_facts import AgentVersion
from holdfast.doctor.readers.linux_lines import lines_of
from holdfast.doctor.readers_registry import reader

AGENT = "walinuxagent"
_NAMES = r"(?:walinuxagent|waagent|WALinuxAgent|python3?-azure-agent)"
_RUNNING = re.compile(r"^[ \t]*WALinuxAgent-(?P<version>\d+(?:\.\d+)+)(?:\S*) running on ")
_GOAL = re.compile(r"^[ \t]*Goal state agent: ?(?:WALinuxAgent-)?(?P<version>\d+(?:\.\d+)+)")
_DPKG = re.compile(rf"^[ \t]*(?P<state>[a-z]{{2}})\s+{_NAMES}(?::\w+)?\s+(?P<version>\S+)\s")
_RPM = re.compile(rf"^[ \t]*{_NAMES}-(?P<version>\d[\w.]*)-\S+$")
_NONE = re.compile(
    rf"package '?{_NAMES}'? is not installed|no packages? found matching {_NAMES}"
    rf"|waagent: (?:command )?not found|{_NAMES} 패키지가 설치되어 있지 않습니다"
)


def _names_it(head: str, _file: str) -> bool:
    return any(
        pattern.search(line.rstrip("\r"))
        for line in head.split("\n")[:4000]
        if "agent" in line.lower()
        for pattern in (_RUNNING, _GOAL, _DPKG, _RPM, _NONE)
    )


@reader("linux.waagent.version", accepts=_names_it)
def read_versions(artefact: Artefact) -> Iterator[Fact]:
    for line in lines_of(artefact):
        text = line.text
        if found := _RUNNING.match(text):
            yield AgentVersion(span=line.span, role="installed", version=found.group("version"))
        elif found := _GOAL.match(text):
            yield AgentVersion(span=line.span, role="goal-state", version=found.group("version"))
        elif found := _DPKG.match(text) or _RPM.match(text):
            gone = found.groupdict().get("state", "ii")[1] != "i"
            version = "" if gone else found.group("version")
            yield Package(span=line.span, name=AGENT, version=version)
        elif _NONE.search(text):
            yield Package(span=line.span, name=AGENT, version="")
