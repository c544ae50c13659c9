"""What the Azure Linux agent keeps: its configuration and the one-word state of its handlers."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.facts import Fact, Setting
from holdfast.doctor.linux_facts import HandlerSeen
from holdfast.doctor.readers.linux_lines import lines_of
from holdfast.doctor.readers_registry import reader

CONF = "waagent.conf"
_KEY = re.compile(r"^[ \t]*(?P<key>[A-Za-z]\w*(?:\.\w+)*)\s*=\s*(?P<value>.*?)\s*$")
_OURS = re.compile(
    r"^[ \t]*#?\s*(?:Extensions?|Provisioning|ResourceDisk|Logs|OS|HttpProxy|AutoUpdate|Lib|Pid|Home|DVD"
    r"|Role|CGroups|Debug|DetectScvmmEnv|EnableOverProvisioning)(?:\.\w+)?\s*=",
    re.MULTILINE,
)
_ENOUGH = 2


def _is_conf(head: str, file: str) -> bool:
    found = len(_OURS.findall(head))
    return found >= _ENOUGH or (found > 0 and "waagent" in file) or file == CONF


@reader("linux.waagent.conf", accepts=_is_conf)
def read_conf(artefact: Artefact) -> Iterator[Setting]:
    """Every key that is set; a line that is neither key nor comment has the key ""."""
    by_name = artefact.name.rsplit("/", 1)[-1].lower().startswith("waagent.conf")
    lines = lines_of(artefact)
    for number, line in enumerate(lines, 1):
        text = line.text.split("#", 1)[0].strip("\0")
        if found := _KEY.match(text):
            value = found.group("value").strip("\"'")
            yield Setting(span=line.span, file=CONF, key=found.group("key"), value=value)
        elif text.strip() and by_name and (artefact.whole or 1 < number < len(lines)):
            # The first and the last line of a copy may have been cut.
            yield Setting(span=line.span, file=CONF, key="", value=text.strip())


_HANDLER = re.compile(r"(?P<name>[A-Za-z][\w.]*\.[\w.]*[A-Za-z]\w*)-(?P<version>\d+(?:\.\d+)*)$")
_WORDS = {
    "enabled": "ready",
    "installed": "installed",
    "notinstalled": "notinstalled",
    "failed": "failed",
    "failedupgrade": "failed",
    "uninstalled": "notinstalled",
    "empty": "empty",
}


def _is_state(head: str, file: str) -> bool:
    return file == "handlerstate" and head.strip().lower() in _WORDS


@reader("linux.waagent.handlers", accepts=_is_state)
def read_handler_state(artefact: Artefact) -> Iterator[Fact]:
    """The file says one word; which extension it is about only its folder knows."""
    lines = lines_of(artefact)
    said = next((line for line in lines if line.text.strip()), None)
    name, version = handler_of(artefact.name)
    if name and said:
        state = _WORDS.get(said.text.strip().lower(), said.text.strip().lower())
        yield HandlerSeen(span=said.span, name=name, version=version, state=state)


def handler_of(path: str) -> tuple[str, str]:
    """The extension and its version in whose folder this file lies, "" when it lies elsewhere."""
    for part in reversed(PurePosixPath(path.replace("\\", "/")).parts):
        if found := _HANDLER.match(part):
            return found.group("name"), found.group("version")
    return "", ""
