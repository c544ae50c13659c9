"""The disks of a machine's point from afar: searched, and files of them downloaded in parts."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from holdfast.testing.fleet import FleetServer
from tests.browsing_office import SECRET, Office

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root"),
]
# More than one part.
LARGE = random.Random(1).randbytes((3 << 20) + 7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    office: Office
    point: str

    def ask(self, what: str, **query: str) -> httpx.Response:
        machine = self.office.ids["alpha"]
        place = f"/api/v1/machines/{machine}/points/{self.point}/inside{what}"
        return self.office.client.get(place, params=query)


@pytest.fixture(scope="module")
def inside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inside]:
    root = tmp_path_factory.mktemp("inside")
    with FleetServer(root / "server", workflows=False) as server:
        office = Office(root, server)
        for name in ("alpha", "beta"):
            program = office.register(name)
            if name == "alpha":
                (root / name / "home" / "config.toml").write_text("downloads = true\n")
            program.start()
        office.wait_for_agents()
        # The first backup makes the repository.
        office.backed_up("alpha", root / "alpha" / "credentials")
        filled(root / "guest")
        point = office.put_machine("alpha", "web", {"vda": made(root)})
        yield Inside(office=office, point=point)
        sys.stderr.write(office.close())


def filled(guest: Path) -> None:
    (guest / "srv").mkdir(parents=True)
    (guest / "srv" / "große Datei.bin").write_bytes(LARGE)
    (guest / "srv" / "away").symlink_to("/etc/passwd")
    with (guest / "srv" / "holes").open("wb") as holes:
        holes.truncate(2 << 30)


def made(root: Path) -> Path:
    image = root / "vda"
    with image.open("wb") as disk:
        disk.truncate(24 << 20)
    words = ["mke2fs", "-q", "-F", "-t", "ext4", "-d", str(root / "guest"), str(image)]
    subprocess.run(words, check=True, capture_output=True)
    return image


def test_name_is_found_below_a_folder_of_a_volume(inside: Inside) -> None:
    found = inside.ask("/search", text="*.BIN", path="vda/srv").json()

    assert [(one["path"], one["size"]) for one in found["items"]] == [
        ("vda/srv/große Datei.bin", len(LARGE))
    ]
    assert found["is_complete"]
    assert "volume-missing" in inside.ask("/search", text="x", path="vdz").text


def test_file_of_a_disk_is_downloaded_whole_and_noted(inside: Inside) -> None:
    found = inside.ask("/content", path="vda/srv/große Datei.bin")

    assert found.is_success, found.text
    assert found.content == LARGE
    assert found.headers["content-type"] == "application/octet-stream"
    assert "gro%C3%9Fe%20Datei.bin" in found.headers["content-disposition"]
    (entry, *_older) = inside.office.get("/audit?act=point-download")["items"]
    assert entry["detail"]["path"] == "vda/srv/große Datei.bin"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("vda/srv", "not-a-file"),
        ("vda/srv/away", "not-a-file"),
        ("vda/none", "path-inside-missing"),
        ("vdz/none", "volume-missing"),
        ("vda/srv/holes", "download-too-large"),
        ("vda/../etc/passwd", "path-not-understood"),
    ],
)
def test_what_does_not_pass_says_why(inside: Inside, path: str, code: str) -> None:
    refused = inside.ask("/content", path=path)

    assert not refused.is_success
    assert code in refused.text


def test_file_of_a_disk_stays_where_its_machine_lets_none_pass(inside: Inside) -> None:
    """Beta reads alpha's points, and it is beta's settings that count then."""
    reply = inside.office.unlock(SECRET.format(name="alpha"))
    unlock = str(reply.json()["id"])

    refused = inside.ask("/content", path="vda/srv/holes", unlock=unlock)
    listed = inside.ask("", path="vda/srv", unlock=unlock)

    assert "downloads-not-allowed" in refused.text
    assert listed.json()["total"] == 3
