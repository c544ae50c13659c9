"""Collect what the doctor would look at into one file, for somebody who cannot look here."""

import json
import os
import platform
import socket
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version

from holdfast.app.doctor import live_source, needed
from holdfast.app.doctor_live import present
from holdfast.app.wiring import Session
from holdfast.doctor.bundle.manifest import Manifest
from holdfast.doctor.bundle.redaction import Redactor
from holdfast.doctor.bundle.writing import Machine, write_bundle
from holdfast.doctor.loading import load


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """The bundle, and the list that leads back from its stand-ins."""

    bundle: str
    # Stays with the owner; None when nothing was replaced.
    names: str | None
    manifest: Manifest


def collect(session: Session, target: str, *, keep_names: bool = False) -> Collected:
    """Write a bundle; the file appears whole or not at all."""
    catalogue = load()
    probes = needed(catalogue)
    gathered = tuple(live_source(session, probes).gather())
    redactor = Redactor(hosts=_own_names(), keep_names=keep_names)
    folder = os.path.dirname(os.path.abspath(target))
    descriptor, fresh = tempfile.mkstemp(dir=folder, prefix=".holdfast-")
    with open(descriptor, "wb") as stream:
        try:
            manifest = write_bundle(
                stream,
                gathered,
                probes=probes,
                machine=_machine(session),
                redactor=redactor,
                components=present(catalogue, gathered),
            )
            os.replace(fresh, target)
        except BaseException:
            os.unlink(fresh)
            raise
    return Collected(
        bundle=target, names=_keep_names(target, redactor.stand_ins), manifest=manifest
    )


def _own_names() -> tuple[str, ...]:
    names = {socket.gethostname(), socket.gethostname().partition(".")[0]}
    return tuple(sorted((name for name in names if len(name) > 1), key=len, reverse=True))


def _machine(session: Session) -> Machine:
    now = session.clock.now()
    return Machine(
        version=version("holdfast"),
        platform=f"{platform.system()} {platform.release()} {platform.machine()}",
        time_zone=now.astimezone().tzname() or "UTC",
        collected_at=now,
    )


def _keep_names(target: str, stand_ins: Mapping[str, str]) -> str | None:
    if not stand_ins:
        return None
    path = f"{target}.names.json"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as stream:
        json.dump(dict(sorted(stand_ins.items())), stream, ensure_ascii=False, indent=1)
    return path
