"""JSON of the Azure agents and of the platform: handler and extension states, the VM's own view."""

import json
import re
from collections.abc import Iterator
from typing import Any

from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.decoding import text_of
from holdfast.doctor.facts import Fact
from holdfast.doctor.linux_facts import (
    AgentVersion,
    BrokenFile,
    ExtensionStatus,
    GuestDisk,
    HandlerSeen,
    VmState,
)
from holdfast.doctor.model import LONGEST_EXCERPT, Span
from holdfast.doctor.readers.azure_linux import handler_of
from holdfast.doctor.readers_registry import reader

_Object = dict[str, Any]
_BEGIN = re.compile(r"[\[{]")
_KEYS = re.compile(
    r'"(?:handlerName|handlerAggregateStatus|guestAgentStatus|vmAgent|vmAgentVersion|instanceView'
    r'|formattedMessage|storageProfile|extensionHandlers|timestampUTC|PowerState/\w+)"|"PowerState/'
    r'|"status": ?"(?:Not ?Ready|Ready|Unresponsive|Installing)"'
)
STATUSES = {"success", "error", "transitioning", "warning"}


def _is_status(head: str, file: str) -> bool:
    name = file.endswith((".status", "handlerstatus"))
    return name or ("{" in head and _KEYS.search(head) is not None)


@reader("linux.waagent.status", accepts=_is_status)
def read_status(artefact: Artefact) -> Iterator[Fact]:
    with artefact.open() as stream:
        text = text_of(stream)
    document = _Document(artefact.name, text)
    values = list(document.values())
    for value in values:
        yield from document.facts(value)
    if artefact.name.lower().endswith(".status"):
        yield from document.defects(values)


class _Document:
    """The text of a file with JSON in it, whatever stands around."""

    def __init__(self, name: str, text: str) -> None:
        self._name, self._text = name, text
        self._lines = text.split("\n")
        self._owner, _ = handler_of(name)

    def values(self) -> Iterator[Any]:
        decoder, at = json.JSONDecoder(), 0
        for _ in range(1000):
            found = _BEGIN.search(self._text, at)
            if not found:
                return
            try:
                value, at = decoder.raw_decode(self._text, found.start())
            except (ValueError, RecursionError):
                at = found.end()
                continue
            yield value

    def facts(self, value: Any) -> Iterator[Fact]:
        stack = [value]
        while stack:
            one = stack.pop()
            if isinstance(one, list):
                stack.extend(reversed(one))
            elif isinstance(one, dict):
                yield from self._object(one)
                stack.extend(reversed(list(one.values())))

    def _object(self, one: _Object) -> Iterator[Fact]:
        yield from self._handler(one)
        yield from self._result(one)
        yield from self._platform(one)
        yield from self._disk(one)

    def _handler(self, one: _Object) -> Iterator[Fact]:
        name = _text(one.get("handlerName") or one.get("type") or one.get("name"))
        state = one.get("status")
        version = _text(
            one.get("handlerVersion") or one.get("typeHandlerVersion") or one.get("version")
        )
        if isinstance(state, dict):  # the platform's own: a code and words for people
            state = state.get("displayStatus") or state.get("code")
        plain = isinstance(state, str) and "operation" not in one and "." in name
        if plain and ("code" in one or "handlerName" in one or "typeHandlerVersion" in one):
            yield HandlerSeen(
                span=self._span(name, _text(one.get("status")), state),
                name=name,
                version=version,
                state=_word(_text(state)),
                code=_text(one.get("code")),
                message=_message(one),
            )

    def _result(self, one: _Object) -> Iterator[Fact]:
        status = one.get("status")
        if isinstance(status, str) and "operation" in one and "." not in status:
            yield ExtensionStatus(
                span=self._span(status, _text(one.get("operation"))),
                name=self._owner or _text(one.get("name")),
                operation=_text(one.get("operation")),
                status=status.lower(),
                code=_text(one.get("code")),
                message=_message(one),
            )

    def _platform(self, one: _Object) -> Iterator[Fact]:
        if isinstance(agent := one.get("guestAgentStatus"), dict):
            yield from self._version(_text(agent.get("version")))
            state = _word(_text(agent.get("status")))
            if state:
                yield VmState(
                    span=self._span(_text(agent.get("status"))), kind="agent", state=state
                )
        if isinstance(agent := one.get("vmAgent"), dict):
            yield from self._version(_text(agent.get("vmAgentVersion")))
            for status in _dicts(agent.get("statuses")):
                said = _text(status.get("displayStatus"))
                message = _text(status.get("message"))
                span = self._span(said, message)
                yield VmState(span=span, kind="agent", state=_word(said), message=message)
        code = _text(one.get("code"))
        if code.startswith("PowerState/"):
            yield VmState(span=self._span(code), kind="power", state=code.split("/")[1].lower())
        elif code.startswith("ProvisioningState/") and "time" in one and "vmAgent" not in one:
            state = code.split("/")[1].lower()
            message = _text(one.get("message"))
            yield VmState(span=self._span(code), kind="provisioning", state=state, message=message)

    def _version(self, version: str) -> Iterator[Fact]:
        if re.fullmatch(r"\d+(?:\.\d+)+", version):
            yield AgentVersion(span=self._span(version), role="goal-state", version=version)

    def _disk(self, one: _Object) -> Iterator[Fact]:
        size = one.get("diskSizeGb", one.get("diskSizeGB"))
        if isinstance(size, int) and not isinstance(size, bool):
            name = _text(one.get("name")) or f"LUN {one.get('lun', '?')}"
            yield GuestDisk(span=self._span(str(size), name), name=name, gib=size, attached=True)

    def defects(self, values: list[Any]) -> Iterator[BrokenFile]:
        """A status file is a list of objects whose status is one of four words."""
        if not self._text.strip():
            return
        statuses = [one for value in values for one in _statuses(value)]
        if not statuses:
            yield self._broken("no-json")
            return
        for status in statuses:
            word = _text(status.get("status")).lower()
            if word not in STATUSES:
                yield self._broken(f"status-{word or 'absent'}")

    def _broken(self, reason: str) -> BrokenFile:
        number = next((n for n, line in enumerate(self._lines, 1) if line.strip()), 1)
        return BrokenFile(span=self._line(number), file=self._name, reason=reason)

    def _span(self, *wanted: object) -> Span:
        """The first line that says one of these; JSON keeps no places, so its words have to."""
        for word in wanted:
            said = json.dumps(word, ensure_ascii=False) if isinstance(word, str) and word else ""
            for number, line in enumerate(self._lines, 1):
                if said and (said in line or said.strip('"') in line):
                    return self._line(number)
        return self._line(1)

    def _line(self, number: int) -> Span:
        excerpt = self._lines[number - 1].rstrip("\r")[:LONGEST_EXCERPT]
        return Span(artefact=self._name, first=number, last=number, excerpt=excerpt)


def _text(value: object) -> str:
    return "" if value is None or isinstance(value, dict | list) else str(value)


def _word(state: str) -> str:
    """Words for people in one notation: "Not Ready" and NotReady are the same."""
    return state.rsplit("/", 1)[-1].replace(" ", "").lower()


def _message(one: _Object) -> str:
    for value in (one.get("formattedMessage"), one.get("message"), one.get("status")):
        if isinstance(value, dict) and value.get("message"):
            return _text(value["message"])[:400]
        if isinstance(value, str) and value is not one.get("status"):
            return value[:400]
    return ""


def _dicts(value: object) -> list[_Object]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _statuses(value: object) -> list[_Object]:
    found = (one.get("status") for one in _dicts(value if isinstance(value, list) else [value]))
    return [one for one in found if isinstance(one, dict)]
