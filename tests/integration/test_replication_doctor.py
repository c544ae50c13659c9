"""The way to a site as the doctor walks it: each stage that can fail, over a real link."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from holdfast.app.config import Settings
from holdfast.app.own_probes import tell
from holdfast.app.replication_notes import write_note
from holdfast.app.wiring import Session
from holdfast.doctor.artefacts import from_text
from holdfast.doctor.diagnosis import diagnose
from holdfast.doctor.loading import load
from holdfast.doctor.reading import Reading
from holdfast.replication.link_identity import LinkIdentity
from holdfast.replication.link_server import SiteRules
from holdfast.replication.settings import ReplicationSettings, SiteAddress
from holdfast.replication.source_folder import SourceFolder
from holdfast.testing.links import SOURCE, Vouching, served
from holdfast.testing.memory_receiver import MemoryReceiver

VM = "0c5a1f1e-0000-4000-8000-000000000001"


class Nobody:
    """Grants that let no machine write anything."""

    def may_write(self, machine: str, vm: str) -> bool:  # noqa: ARG002  whoever it is
        return False

    may_tell = may_write


@pytest.fixture(scope="module")
def vouching(tmp_path_factory: pytest.TempPathFactory) -> Vouching:
    return Vouching(tmp_path_factory.mktemp("way"))


@pytest.fixture(scope="module")
def identity(vouching: Vouching) -> LinkIdentity:
    return vouching.identity(SOURCE)


@pytest.fixture
def address(vouching: Vouching) -> Iterator[SiteAddress]:
    with served(vouching, MemoryReceiver()) as site:
        yield site.address


def _replicated(home: Path, to: SiteAddress, identity: LinkIdentity) -> Session:
    """A host that replicates a machine to there, and knows the site by its file."""
    folder = SourceFolder(str(home), VM)
    folder.make()
    folder.keep_settings(ReplicationSettings(vm=VM, name="web", to=to))
    site = home / "sites" / to.site
    site.mkdir(parents=True)
    for name, path in (
        ("authority.pem", identity.ca),
        ("source.pem", identity.certificate),
        ("source.key", identity.key),
    ):
        (site / name).write_bytes(Path(path).read_bytes())
    write_note(site / "address.json", to)
    return Session(settings=Settings(home=str(home)), warn=print)


def _stages(session: Session) -> list[dict[str, Any]]:
    told = tell("own.replication.way", session)
    assert told is not None
    return [json.loads(line) for line in told.splitlines()]


def _root(session: Session) -> str:
    reading = Reading(load())
    told = tell("own.replication.way", session)
    reading.read([from_text("own.replication.way", told or b"", probe="own.replication.way")])
    report = diagnose(load(), reading)
    return report.root.cause if report.root else ""


def _failed(session: Session) -> tuple[str, str]:
    (last,) = (line for line in _stages(session) if not line["reached"])
    return last["stage"], last.get("error", "")


def test_a_way_that_is_open_is_open_at_every_stage(
    tmp_path: Path, address: SiteAddress, identity: LinkIdentity
) -> None:
    session = _replicated(tmp_path, address, identity)

    stages = _stages(session)

    names = ["dns", "tcp", "tls", "certificate", "identity", "version", "grant"]
    assert [line["stage"] for line in stages] == names
    assert all(line["reached"] for line in stages)
    assert _root(session) == ""


def test_a_name_without_an_address(
    tmp_path: Path, address: SiteAddress, identity: LinkIdentity
) -> None:
    nowhere = msgspec.structs.replace(address, host="no-such-site.invalid")
    session = _replicated(tmp_path, nowhere, identity)

    assert _failed(session)[0] == "dns"
    assert _root(session) == "replication.name-unresolved"


def test_nobody_at_the_address(tmp_path: Path, vouching: Vouching, identity: LinkIdentity) -> None:
    with served(vouching, MemoryReceiver()) as site:
        gone = site.address
    session = _replicated(tmp_path, gone, identity)

    assert _failed(session) == ("tcp", "site-unreachable")
    assert _root(session) == "replication.site-unreachable"


def test_a_site_of_another_authority(
    tmp_path: Path, identity: LinkIdentity, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stranger = Vouching(tmp_path_factory.mktemp("stranger"))
    with served(stranger, MemoryReceiver()) as site:
        session = _replicated(tmp_path, site.address, identity)

        assert _failed(session) == ("tls", "site-not-trusted")
        assert _root(session) == "replication.site-untrusted"


def test_another_machine_at_the_address(
    tmp_path: Path, address: SiteAddress, identity: LinkIdentity
) -> None:
    other = msgspec.structs.replace(address, machine="5170000000000099")
    session = _replicated(tmp_path, other, identity)

    assert _failed(session) == ("identity", "site-is-another")
    assert _root(session) == "replication.site-another"


def test_a_site_that_lets_this_host_write_nothing(
    tmp_path: Path, vouching: Vouching, identity: LinkIdentity
) -> None:
    rules = SiteRules(grants=Nobody())
    with served(vouching, MemoryReceiver(), rules=rules) as site:
        session = _replicated(tmp_path, site.address, identity)

        assert _failed(session) == ("grant", "site-not-granted")
        assert _root(session) == "replication.not-granted"


def test_a_key_that_is_gone(tmp_path: Path, address: SiteAddress, identity: LinkIdentity) -> None:
    session = _replicated(tmp_path, address, identity)
    with contextlib.suppress(FileNotFoundError):
        (tmp_path / "sites" / address.site / "source.key").unlink()

    assert _failed(session) == ("certificate", "link-identity-unusable")
    assert _root(session) == "replication.certificate-ended"
