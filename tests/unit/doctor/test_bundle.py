"""Bundles: what goes in comes out, secrets do not, and hostile archives stay in their folder."""

import gzip
import io
import tarfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from holdfast.doctor.artefacts import Artefact, Missing, from_text
from holdfast.doctor.bundle.reading import ArchiveSource
from holdfast.doctor.bundle.redaction import Redactor
from holdfast.doctor.bundle.unpacking import is_archive, unpack
from holdfast.doctor.bundle.writing import Machine, write_bundle
from holdfast.doctor.catalogue_types import Probe
from holdfast.doctor.errors import BundleUnreadable

MACHINE = Machine(
    version="1",
    platform="Linux",
    time_zone="UTC",
    collected_at=datetime(2026, 11, 21, 10, tzinfo=UTC),
)
PROBES = {
    "own.jobs": Probe(title="jobs", obtain="look"),
    "tiny": Probe(title="tiny", obtain="look", cap_mib=1),
    "keys": Probe(title="keys", obtain="look", privacy="secret"),
}
CANARIES = (
    "hunter2secret",
    "AccountKeyABCDEF0123456789",
    "sv%3Dsecretsig",
    "eyJhbGciOi.eyJzdWIiOi.c2ln",
    "MIIEvQIBADANBgkqhkiG9w0BAQE",
    "tokenvalue12345",
)
LEAKY = f"""password={CANARIES[0]}
DefaultEndpointsProtocol=https;AccountName=a;AccountKey={CANARIES[1]};
GET https://a.blob.core.windows.net/c?se=2026&sig={CANARIES[2]}&sp=r
Authorization: Bearer {CANARIES[3]}
-----BEGIN PRIVATE KEY-----
{CANARIES[4]}
-----END PRIVATE KEY-----
"clientSecret": "{CANARIES[5]}"
user kim@example.com on web-01 from 203.0.113.7 to 168.63.129.16 in /home/kim/x
"""


def _bundle(*gathered: Artefact | Missing, redactor: Redactor | None = None) -> bytes:
    stream = io.BytesIO()
    write_bundle(
        stream,
        gathered,
        probes=PROBES,
        machine=MACHINE,
        redactor=redactor or Redactor(hosts=("web-01",)),
    )
    return stream.getvalue()


def test_a_bundle_gives_back_what_was_put_in(tmp_path: Path) -> None:
    path = tmp_path / "b.tar.gz"
    path.write_bytes(
        _bundle(
            from_text("jobs.jsonl", "line 1\nline 2\n", probe="own.jobs", whole=True),
            Missing(probe="tiny", reason="timed out"),
        )
    )

    source = ArchiveSource(path)
    found = list(source.gather())

    assert source.now == datetime(2026, 11, 21, 10)  # noqa: DTZ001
    artefact, missing = found
    assert isinstance(artefact, Artefact)
    assert (artefact.name, artefact.probe, artefact.whole) == ("jobs.jsonl", "own.jobs", True)
    assert artefact.head() == b"line 1\nline 2\n"
    assert missing == Missing(probe="tiny", reason="timed out")


def test_the_same_artefacts_make_the_same_bytes_and_the_manifest_comes_first() -> None:
    given = from_text("jobs.jsonl", "x\n", probe="own.jobs", whole=True)

    bundle = _bundle(given)

    assert bundle == _bundle(given)
    with tarfile.open(fileobj=io.BytesIO(bundle)) as archive:
        assert archive.getnames()[0] == "manifest.json"


def test_no_secret_leaves_the_machine() -> None:
    redactor = Redactor(hosts=("web-01",))

    bundle = gzip.decompress(
        _bundle(from_text("a.log", LEAKY, probe="own.jobs"), redactor=redactor)
    )

    for canary in (*CANARIES, "kim", "web-01", "203.0.113.7"):
        assert canary.encode() not in bundle, canary
    assert b"168.63.129.16" in bundle
    assert redactor.counts["secret"] >= len(CANARIES)
    assert redactor.stand_ins["host:web-01"] == "host1"


def test_one_name_has_one_stand_in_everywhere() -> None:
    redactor = Redactor()

    said = b"".join(redactor.lines(iter([b"10.0.0.5 -> 10.0.0.6\n", b"10.0.0.5 again\n"])))

    assert said == b"198.51.100.1 -> 198.51.100.2\n198.51.100.1 again\n"


def test_names_stay_when_the_owner_wants_so_but_secrets_never_do() -> None:
    redactor = Redactor(hosts=("web-01",), keep_names=True)

    said = b"".join(redactor.lines(iter(line.encode() for line in LEAKY.splitlines(keepends=True))))

    assert b"web-01" in said
    assert all(canary.encode() not in said for canary in CANARIES)


def test_of_a_file_above_its_cap_the_end_is_kept_and_the_manifest_says_so(tmp_path: Path) -> None:
    text = "".join(f"line {number}\n" for number in range(200_000))
    path = tmp_path / "b.tar.gz"
    path.write_bytes(_bundle(from_text("big.log", text, probe="tiny", whole=True)))

    (artefact,) = ArchiveSource(path).gather()

    assert isinstance(artefact, Artefact)
    assert not artefact.whole
    with artefact.open() as stream:
        kept = stream.read()
    assert len(kept) <= 1 << 20
    assert kept.startswith(b"line ")
    assert kept.endswith(b"line 199999\n")


def test_of_a_secret_file_only_its_presence_is_kept() -> None:
    bundle = gzip.decompress(_bundle(from_text("id.key", "very private\n", probe="keys")))

    assert b"id.key" in bundle
    assert b"very private" not in bundle


def test_a_bundle_that_was_changed_proves_nothing_by_absence(tmp_path: Path) -> None:
    raw = gzip.decompress(_bundle(from_text("j", "abc\n", probe="own.jobs", whole=True))).replace(
        b"abc\n", b"abd\n"
    )
    path = tmp_path / "b.tar"
    path.write_bytes(raw)

    (artefact,) = ArchiveSource(path).gather()

    assert isinstance(artefact, Artefact)
    assert not artefact.whole


def _tar(*members: tuple[str, bytes], links: tuple[tuple[str, str], ...] = ()) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for name, target in links:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            archive.addfile(member)
    return stream.getvalue()


@pytest.mark.parametrize("name", ["../out", "/etc/out", "a/../../out", "x\\..\\..\\out"])
def test_a_member_cannot_leave_its_folder(tmp_path: Path, name: str) -> None:
    path, folder = tmp_path / "evil.tgz", tmp_path / "in"
    folder.mkdir()
    path.write_bytes(_tar((name, b"evil"), ("fine.log", b"fine")))

    unpack(str(path), str(folder))

    assert (folder / "fine.log").read_bytes() == b"fine"
    assert not (tmp_path / "out").exists()
    assert not Path("/etc/out").exists()


def test_links_are_left_out(tmp_path: Path) -> None:
    path, folder = tmp_path / "evil.tgz", tmp_path / "in"
    folder.mkdir()
    path.write_bytes(_tar(("fine.log", b"fine"), links=(("passwd", "/etc/passwd"),)))

    unpack(str(path), str(folder))

    assert [one.name for one in folder.iterdir()] == ["fine.log"]


def test_a_bomb_stops_at_its_ratio(tmp_path: Path) -> None:
    path, folder = tmp_path / "bomb.zip", tmp_path / "in"
    folder.mkdir()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("fine.log", b"fine")
        archive.writestr("zeros", bytes(100 << 20))

    limits = unpack(str(path), str(folder))

    assert limits.left_out == ["zeros"]
    assert (folder / "fine.log").exists()


def test_an_archive_in_an_archive_is_unpacked_too(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("var/log/waagent.log", b"a line\n")
    path = tmp_path / "sos.tar.gz"
    path.write_bytes(_tar(("sos/azure/logs.zip", inner.getvalue())))

    (artefact,) = ArchiveSource(path).gather()

    assert isinstance(artefact, Artefact)
    assert artefact.name == "sos.tar.gz:sos/azure/logs.zip.d/var/log/waagent.log"


def test_a_cut_archive_gives_what_came_before_the_cut(tmp_path: Path) -> None:
    whole = _tar(("first.log", b"first" * 100), ("second.log", bytes(range(256)) * 400))
    path = tmp_path / "cut.tgz"
    path.write_bytes(whole[: len(whole) - 40])

    found = [one.name for one in ArchiveSource(path).gather() if isinstance(one, Artefact)]

    assert "cut.tgz:first.log" in found


def test_what_is_no_archive_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "log.gz"
    path.write_bytes(gzip.compress(b"only a log\n"))

    assert not is_archive(str(path))
    with pytest.raises(BundleUnreadable):
        ArchiveSource(path)


def test_artefacts_come_in_the_order_of_the_catalogue(tmp_path: Path) -> None:
    path = tmp_path / "b.tar.gz"
    path.write_bytes(
        _bundle(
            from_text("second", "2\n", probe="own.jobs", whole=True),
            Missing(probe="tiny", reason="late", status="timed-out"),
        )
    )
    order = {name: PROBES[name] for name in ("tiny", "own.jobs")}

    gathered = list(ArchiveSource(path, order).gather())

    assert [one.probe for one in gathered] == ["tiny", "own.jobs"]
    assert gathered[0] == Missing(probe="tiny", reason="late", status="timed-out")
