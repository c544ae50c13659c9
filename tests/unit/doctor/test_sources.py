"""Files, folders and pipes as sources."""

import io
import os
from pathlib import Path

from holdfast.doctor.artefacts import Artefact, Missing
from holdfast.doctor.decoding import text_of
from holdfast.doctor.sources import FileSource, FolderSource, StdinSource, probe_at
from tests.unit.doctor import small


def _text(artefact: Artefact) -> str:
    with artefact.open() as stream:
        return text_of(stream)


def _artefacts(source: FileSource | FolderSource | StdinSource) -> list[Artefact]:
    return [one for one in source.gather() if isinstance(one, Artefact)]


def test_folder_gives_its_files_in_a_fixed_order(tmp_path: Path) -> None:
    for name in ("b/two.log", "a.log", "b/one.log", "c/deep/three.log"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name, encoding="utf-8")

    found = _artefacts(FolderSource(tmp_path))

    assert [_text(one) for one in found] == ["a.log", "b/one.log", "b/two.log", "c/deep/three.log"]


def test_links_and_pipes_of_a_folder_are_left_alone(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/etc/passwd")
    (tmp_path / "circle").symlink_to(tmp_path)

    assert list(FolderSource(tmp_path).gather()) == []


def test_place_in_a_folder_names_the_probe(tmp_path: Path) -> None:
    (tmp_path / "sos-host/var/log").mkdir(parents=True)
    (tmp_path / "sos-host/var/log/app.log").write_text("x", encoding="utf-8")

    (found,) = _artefacts(FolderSource(tmp_path, small.catalogue().probes))

    assert found.probe == "app.log"
    assert not found.whole


def test_place_that_says_more_of_the_path_wins() -> None:
    shorter = small.TOML.replace('bundle = ["var/log/app.log"]', 'bundle = ["var/log/app.log"]', 1)
    general = '[probe."app.any"]\ntitle = "t"\nobtain = "o"\nbundle = ["*.log"]\n'
    probes = small.catalogue(shorter + general).probes

    assert probe_at(probes, "x/var/log/app.log") == "app.log"
    assert probe_at(probes, "x/other.log") == "app.any"
    assert probe_at(probes, "x/other.txt") is None


def test_pipe_can_be_read_again_and_again() -> None:
    (found,) = _artefacts(StdinSource(io.BytesIO(b"piped in")))

    with found.open() as one, found.open() as other:
        assert one.read(5) == b"piped"
        assert other.read() == b"piped in"


def test_file_that_is_gone_is_missing_with_its_reason(tmp_path: Path) -> None:
    (missing,) = FileSource(tmp_path / "gone").gather()

    assert isinstance(missing, Missing)
    assert missing.reason == "No such file or directory"
