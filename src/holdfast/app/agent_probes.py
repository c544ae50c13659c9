"""What the doctor is told about this machine's agent; looks only, changes nothing.

A machine that has none tells nothing, and pays no more than the look for its folder.
"""

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from importlib.metadata import PackagePath, distribution

from holdfast.app.agent_folder import AgentFolder, read_if_there
from holdfast.app.agent_journal_probe import tell_jobs
from holdfast.app.agent_machine_probe import tell_machine
from holdfast.app.agent_schedule_probe import tell_schedule
from holdfast.app.agent_service_probe import UNIT_FILE, tell_service
from holdfast.app.agent_way_probe import tell_way
from holdfast.app.registration_state import Registration, read_registration
from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError

Line = dict[str, object]
# The home whose agent the unit of the whole system runs.
_SYSTEM_HOME = "/var/lib/holdfast"


def has_agent(home: str) -> bool:
    unit = home == _SYSTEM_HOME and os.path.exists(UNIT_FILE)
    return unit or os.path.isdir(AgentFolder.of(home).path)


def tell_agent(session: Session) -> Iterator[Line]:
    """Who this machine is, and whether what belongs to it is whole."""
    folder = AgentFolder.of(session.settings.home)
    state = _state(folder)
    yield {**state, "host": os.uname().nodename, "has_unit": os.path.exists(UNIT_FILE)}
    if state["registration"] != "missing":
        yield _key_file(folder)
        yield _certificate(folder, "machine", folder.certificate)
        yield _certificate(folder, "authority", folder.ca)
    yield _installation()


def _state(folder: AgentFolder) -> Line:
    line: Line = {
        "holdfast": "agent",
        "folder": folder.path,
        "is_prepared": os.path.exists(folder.next.intent),
    }
    try:
        found = _registration(folder)
    except (HoldfastError, OSError) as err:
        return {**line, "registration": "unreadable", "reason": _reason(err)}
    if found is None:
        return {**line, "registration": "missing"}
    told = {
        "machine": found.machine_id,
        "vault": found.vault_name,
        "name": found.host or found.name,
    }
    return {**line, "registration": "good", **told, "server": found.server}


def _reason(err: Exception) -> str:
    return str(err.fields.get("reason", err)) if isinstance(err, HoldfastError) else str(err)


def _registration(folder: AgentFolder) -> Registration | None:
    """One that takes effect with the next command counts as well."""
    for file in (folder.next.registration, folder.registration):
        content = read_if_there(file)
        if content is not None:
            return read_registration(content, file)
    return None


def _key_file(folder: AgentFolder) -> Line:
    sums = (read_if_there(folder.passphrase_sum) or b"").decode(errors="replace").split()

    def state(file: str) -> str:
        content = read_if_there(file)
        if content is None:
            return "missing"
        is_whole = content.strip() and hashlib.sha256(content).hexdigest() in sums
        return "good" if is_whole else "damaged"

    return {
        "holdfast": "agent-key-file",
        "file": folder.passphrase,
        "state": state(folder.passphrase),
        "copy": state(folder.passphrase_copy),
    }


def _certificate(folder: AgentFolder, role: str, file: str) -> Line:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    line: Line = {"holdfast": "agent-certificate", "role": role, "file": file}
    content = read_if_there(file)
    if content is None:
        return {**line, "state": "missing"}
    try:
        certificate = x509.load_pem_x509_certificates(content)[0]
        key = read_if_there(folder.key) if role == "machine" else None
        if role == "machine" and key is None:
            return {**line, "file": folder.key, "state": "missing"}
        is_others = key and load_pem_private_key(key, None).public_key() != certificate.public_key()
    except (ValueError, TypeError):
        return {**line, "state": "unreadable"}
    return {
        **line,
        "state": "other-key" if is_others else "good",
        "begins": certificate.not_valid_before_utc.isoformat(),
        "expires": certificate.not_valid_after_utc.isoformat(),
    }


def _installation() -> Line:
    package = distribution("holdfast")
    ours = [one for one in package.files or () if one.hash and one.parts[0] == "holdfast"]
    missing, altered = _unlike(ours)
    line: Line = {
        "holdfast": "agent-installation",
        "version": package.version,
        "files": len(ours),
        "missing": len(missing),
        "altered": len(altered),
        "first": next(iter([*missing, *altered]), ""),
    }
    record = next((one for one in package.files or () if one.name == "RECORD"), None)
    with contextlib.suppress(OSError):
        if record is not None:
            changed = os.path.getmtime(str(record.locate()))
            line["changed"] = datetime.fromtimestamp(changed, UTC).isoformat(timespec="seconds")
    return line


def _unlike(files: Iterable[PackagePath]) -> tuple[list[str], list[str]]:
    """Those that are not there, and those whose content is another than was installed."""
    missing, altered = list[str](), list[str]()
    for one in files:
        content = read_if_there(str(one.locate()))
        if content is None:
            missing.append(str(one))
        elif one.hash and one.hash.mode == "sha256" and _digest(content) != one.hash.value:
            altered.append(str(one))
    return missing, altered


def _digest(content: bytes) -> str:
    import base64

    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


AGENT_PROBES: dict[str, Callable[[Session], Iterator[Line]]] = {
    "own.agent": tell_agent,
    "own.agent.service": tell_service,
    "own.agent.schedule": tell_schedule,
    "own.agent.jobs": tell_jobs,
    "own.agent.way": tell_way,
    "own.agent.machine": tell_machine,
}
