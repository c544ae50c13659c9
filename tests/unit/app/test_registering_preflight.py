"""What a registration looks for on its machine, and how several problems are told."""

import tempfile
from pathlib import Path

import pytest

from holdfast.app import registering_preflight as preflight
from holdfast.app.config import Settings
from holdfast.app.registering_errors import InodesScarce, MemoryScarce, NotReady
from holdfast.app.registering_network import proxy_for
from holdfast.app.wiring import Session
from holdfast.base.units import GIB, MIB


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setattr(preflight, "available_memory", lambda: 4 * GIB)
    warnings: list[str] = []
    return Session(settings=Settings(home=str(tmp_path / "home")), warn=warnings.append)


def test_machine_with_room_has_no_problems(session: Session) -> None:
    assert list(preflight.check_machine(session)) == []


def test_home_that_cannot_be_made_is_told_with_the_number_people_know(
    session: Session, tmp_path: Path
) -> None:
    (tmp_path / "home").write_text("a file in its place")

    (problem,) = preflight.check_machine(session)

    assert "0x1FC07" in problem.source_codes


def test_little_memory_is_told(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "available_memory", lambda: 10 * MIB)

    (problem,) = preflight.check_machine(session)

    assert isinstance(problem, MemoryScarce)


def test_crowded_folder_for_temporary_files_is_a_warning(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "MOST_TEMPORARY_FILES", 3)
    for number in range(4):
        (tmp_path / "tmp" / str(number)).touch()
    warnings: list[str] = []
    told = Session(settings=session.settings, warn=warnings.append)

    assert list(preflight.check_machine(told)) == []
    assert any("more than 3 files" in warning for warning in warnings)


def test_memory_counts_swap_and_a_kernel_that_says_nothing_is_no_problem(tmp_path: Path) -> None:
    file = tmp_path / "meminfo"
    file.write_text("MemTotal: 9 kB\nMemAvailable:  1024 kB\nSwapFree:  1024 kB\n")

    assert preflight.available_memory(str(file)) == 2 * MIB
    assert preflight.available_memory(str(tmp_path / "none")) is None


def test_one_problem_speaks_for_itself_and_several_together() -> None:
    one, other = InodesScarce(folder="/", free=1), MemoryScarce(free="1", wanted="2")

    preflight.raise_all([])
    with pytest.raises(InodesScarce):
        preflight.raise_all([one])
    with pytest.raises(NotReady) as both:
        preflight.raise_all([one, other])

    assert both.value.problems == (one, other)
    assert "inodes-scarce, memory-scarce" in str(both.value)


@pytest.mark.parametrize(
    ("given", "environment", "used"),
    [
        ("none", "http://there:1", None),
        ("here:8080", "", "http://here:8080"),
        (None, "http://there:1", "http://there:1"),
        (None, "", None),
    ],
)
def test_proxy_named_outweighs_the_environment(
    monkeypatch: pytest.MonkeyPatch, given: str | None, environment: str, used: str | None
) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    if environment:
        monkeypatch.setenv("https_proxy", environment)

    assert proxy_for("https://server.test:8443", given) == used
