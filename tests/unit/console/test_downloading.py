"""Where a file of a recovery point is downloaded from, and which page it came from."""

from urllib.parse import parse_qs, urlsplit

import pytest

from holdfast.console.downloading import Wanted


def query(place: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(place).query)


@pytest.mark.parametrize(
    ("path", "folder"), [("/etc/a&b", "/etc"), ("/top", "/"), ("vda1/etc/hosts", "vda1/etc")]
)
def test_way_back_leads_to_the_folder(path: str, folder: str) -> None:
    wanted = Wanted(machine="m", point="p", path=path, unlock="u")

    assert query(wanted.place) == {
        "machine": ["m"],
        "point": ["p"],
        "path": [path],
        "unlock": ["u"],
    }
    assert query(wanted.folder)["path"] == [folder]
    assert query(wanted.folder)["unlock"] == ["u"]


def test_file_of_a_disk_says_so() -> None:
    wanted = Wanted(machine="m", point="p", path="vda1/etc/hosts", inside=True)

    assert query(wanted.place)["inside"] == ["true"]
    assert "unlock" not in wanted.place
