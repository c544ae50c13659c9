"""Small files that are replaced as a whole."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from holdfast.machines.state_files import replace_file


def test_those_who_replace_it_at_once_all_come_through(tmp_path: Path) -> None:
    place = tmp_path / "settings.json"
    contents = [bytes([number]) * 100 for number in range(64)]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda content: replace_file(place, content), contents))

    assert place.read_bytes() in contents
    assert [one.name for one in tmp_path.iterdir()] == ["settings.json"]


def test_what_a_killed_one_left_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / "settings.json.holdfast-partial").write_bytes(b"half")

    replace_file(tmp_path / "settings.json", b"whole")

    assert [one.read_bytes() for one in tmp_path.iterdir()] == [b"whole"]
