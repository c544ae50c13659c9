"""Sites without a server: one file for each source, and who is let go is known no more."""

import json
import ssl
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from holdfast.app.config import Settings
from holdfast.app.replication_admission import SiteFolder, admit
from holdfast.app.replication_errors import (
    SiteFileUnreadable,
    SiteNotSet,
    SiteUnknown,
    SourceNameBad,
)
from holdfast.app.replication_sites import find_site, identity_of, join, known_sites
from holdfast.app.wiring import Session
from holdfast.testing.clock import FakeClock


@pytest.fixture
def site(tmp_path: Path) -> Session:
    settings = Settings(home=str(tmp_path / "south"))
    clock = FakeClock(datetime(2026, 11, 21, tzinfo=UTC))
    return Session(settings=settings, warn=lambda _: None, clock=clock)


@pytest.fixture
def source(tmp_path: Path) -> str:
    return str(tmp_path / "north")


def test_source_that_joins_by_its_file_knows_where_the_site_is_and_whom_to_expect(
    site: Session, source: str, tmp_path: Path
) -> None:
    made = admit(site, "north", address=("south.example", 9444), output=str(tmp_path / "file"))

    join(source, made.file)

    (known,) = known_sites(source)
    own = SiteFolder(site.settings.home).need()
    assert (known.address.host, known.address.port) == ("south.example", 9444)
    assert known.address.machine == own.machine
    assert find_site(source, own.name) == find_site(source, own.machine) == known
    assert identity_of(source, known.address) == known.identity


def test_certificates_of_both_are_signed_by_the_site_and_say_which_machine_it_is(
    site: Session, source: str, tmp_path: Path
) -> None:
    made = admit(site, "north", address=("south", 1), output=str(tmp_path / "file"))

    files = join(source, made.file).identity

    folder = SiteFolder(site.settings.home)
    root = x509.load_pem_x509_certificate(Path(files.ca).read_bytes())
    for path, machine in (
        (files.certificate, made.machine),
        (folder.certificate, folder.need().machine),
    ):
        leaf = x509.load_pem_x509_certificate(Path(path).read_bytes())
        leaf.verify_directly_issued_by(root)
        assert machine in leaf.subject.rfc4514_string()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_cert_chain(files.certificate, files.key)


def test_what_holds_a_key_is_for_its_owner_alone(
    site: Session, source: str, tmp_path: Path
) -> None:
    made = admit(site, "north", address=("south", 1), output=str(tmp_path / "file"))
    join(source, made.file)

    found = [Path(made.file), *Path(source).rglob("*"), *Path(site.settings.home).rglob("*")]

    assert {stat.S_IMODE(one.stat().st_mode) for one in found if one.is_file()} == {0o600}


def test_source_admitted_again_stays_the_same_machine_and_dismissed_it_is_none(
    site: Session, tmp_path: Path
) -> None:
    first = admit(site, "north", address=None, output=str(tmp_path / "one"))
    again = admit(site, "north", address=None, output=str(tmp_path / "two"))
    folder = SiteFolder(site.settings.home)
    before = set(folder.need().admitted)

    was_there, is_there = folder.dismiss("north"), folder.dismiss("north")

    assert first.machine == again.machine
    assert (before, was_there, is_there) == ({"north"}, True, False)
    assert not folder.need().admitted


def test_what_is_no_file_of_a_site_is_said_to_be_none(source: str, tmp_path: Path) -> None:
    empty, hostile = tmp_path / "empty", tmp_path / "hostile"
    empty.write_text("{}")

    with pytest.raises(SiteFileUnreadable):
        join(source, str(empty))
    hostile.write_text(json.dumps(_hostile()))
    with pytest.raises(SiteFileUnreadable, match="etc"):
        join(source, str(hostile))

    assert not Path(source).exists()


def _hostile() -> dict[str, object]:
    to = {"site": "../../etc", "machine": "m", "host": "h"}
    return {"version": 1, "to": to, "authority": "", "certificate": "", "key": ""}


def test_a_name_no_site_has_is_told_with_those_there_are(
    site: Session, source: str, tmp_path: Path
) -> None:
    made = admit(site, "north", address=("south", 1), output=str(tmp_path / "file"))
    name = join(source, made.file).name

    with pytest.raises(SiteUnknown, match=name):
        find_site(source, "east")


def test_a_source_whose_name_would_be_a_path_is_refused(site: Session, tmp_path: Path) -> None:
    with pytest.raises(SourceNameBad):
        admit(site, "../north", address=None, output=str(tmp_path / "file"))


def test_who_is_no_site_has_nobody_to_dismiss(site: Session) -> None:
    with pytest.raises(SiteNotSet):
        SiteFolder(site.settings.home).dismiss("north")
