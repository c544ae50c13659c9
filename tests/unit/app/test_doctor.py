"""What the doctor is asked for on the command line, and this host as a source."""

import threading
from datetime import date
from pathlib import Path

import pytest

from holdfast.app.doctor import limit
from holdfast.app.doctor_errors import DoctorLimitUnknown, DoctorSuppressionWrong
from holdfast.app.doctor_live import LiveSource, present
from holdfast.app.doctor_suppressions import Suppression, in_force, read_file, read_option
from holdfast.doctor.artefacts import Artefact, Missing, from_text
from holdfast.doctor.catalogue_types import Probe
from holdfast.testing.clock import FakeClock
from tests.unit.doctor import small

TODAY = date(2026, 3, 1)


def _live(**probes: Probe) -> dict[str, Artefact | Missing]:
    environment = {"PATH": "/usr/bin:/bin", "LANG": "ko_KR.UTF-8"}
    source = LiveSource(probes=probes, environment=environment, clock=FakeClock())
    return {str(one.probe): one for one in source.gather()}


def _probe(**known: object) -> Probe:
    return Probe(title="t", obtain="o", **known)  # type: ignore[arg-type]  # the caller names real fields


def _said(found: Artefact | Missing) -> str:
    assert isinstance(found, Artefact), found
    return found.head().decode()


def test_command_is_asked_in_a_neutral_language() -> None:
    found = _live(env=_probe(command=("env",)))

    assert "LC_ALL=C.UTF-8" in _said(found["env"])


def test_complaints_of_a_command_are_no_facts() -> None:
    command = ("sh", "-c", "echo said; echo complained >&2")

    found = _live(both=_probe(command=command))

    assert _said(found["both"]) == "said\n"


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        ({"command": ("no-such-program",)}, "not installed"),
        ({"command": ("sh", "-c", "echo x; exit 3")}, "status 3"),
        ({"command": ("sleep", "9"), "seconds": 0.05}, "no answer within 0.05 seconds"),
        ({"files": ("/no/such/file",)}, "no such file"),
    ],
)
def test_what_brings_nothing_is_missing_with_its_reason(
    known: dict[str, object], reason: str
) -> None:
    missing = _live(probe=_probe(**known))["probe"]

    assert isinstance(missing, Missing)
    assert missing.reason == reason


def test_command_whose_status_does_not_matter_is_heard() -> None:
    found = _live(probe=_probe(command=("sh", "-c", "echo x; exit 3"), any_status=True))

    assert _said(found["probe"]) == "x\n"


def test_every_generation_of_a_log_is_taken(tmp_path: Path) -> None:
    for name in ("app.log", "app.log.1"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    probes = {"logs": _probe(files=(f"{tmp_path}/app.log*", f"{tmp_path}/app.log"))}
    source = LiveSource(probes=probes, environment={}, clock=FakeClock())

    found = [one.name for one in source.gather() if isinstance(one, Artefact)]

    assert found == [f"{tmp_path}/app.log", f"{tmp_path}/app.log.1"]


def test_probes_of_windows_are_not_asked_here() -> None:
    assert _live(probe=_probe(command=("echo", "x"), platform="windows")) == {}


def test_component_is_there_when_a_sign_or_a_probe_of_its_own_says_so(tmp_path: Path) -> None:
    brought = [from_text("df", "x", probe="app.volumes")]
    signed = small.TOML.replace(
        'family = "ours"', f'family = "ours"\nsigns = ["{tmp_path}/app.c*"]'
    )

    assert present(small.catalogue(), brought) == {"app"}
    assert present(small.catalogue(), []) == frozenset()
    assert present(small.catalogue(signed), brought) == frozenset()
    (tmp_path / "app.conf").touch()
    assert present(small.catalogue(signed), []) == {"app"}


def test_limit_is_read_as_the_catalogue_has_it() -> None:
    assert limit(small.catalogue(), "app.disk-low.min_free=5") == ("app.disk-low.min_free", 5.0)


@pytest.mark.parametrize("given", ["app.disk-low.min_fre=5", "app.disk-low.min_free=much", "x"])
def test_limit_that_is_none_names_those_there_are(given: str) -> None:
    with pytest.raises(DoctorLimitUnknown) as refused:
        limit(small.catalogue(), given)

    assert "app.disk-low.min_free" in refused.value.advice


def test_suppression_has_a_cause_a_day_and_a_reason() -> None:
    read = read_option("app.disk-full=2026-12-31:the disk: it is ordered")

    assert read == Suppression(
        cause="app.disk-full", until=date(2026, 12, 31), reason="the disk: it is ordered"
    )


@pytest.mark.parametrize(
    "given", ["app.disk-full", "app.disk-full=soon:why", "app.disk-full=2026-12-31:", "=:"]
)
def test_suppression_without_day_or_reason_is_refused(given: str) -> None:
    with pytest.raises(DoctorSuppressionWrong):
        read_option(given)


def _in_force(*wanted: Suppression) -> tuple[list[str], list[str]]:
    warned: list[str] = []
    causes = list(in_force(wanted, small.catalogue(), today=TODAY, warn=warned.append))
    return causes, warned


def test_suppression_holds_to_the_end_of_its_day() -> None:
    today = Suppression(cause="HF-AP001", until=TODAY, reason="r")
    over = Suppression(cause="app.write-failed", until=date(2026, 2, 28), reason="r")

    causes, warned = _in_force(today, over)

    assert causes == ["app.disk-full"]
    assert len(warned) == 1
    assert "app.write-failed" in warned[0]


def test_suppression_of_no_cause_is_refused() -> None:
    with pytest.raises(DoctorSuppressionWrong):
        _in_force(Suppression(cause="app.gone", until=TODAY, reason="r"))


def test_file_of_suppressions_is_read(tmp_path: Path) -> None:
    path = tmp_path / "doctor.toml"
    path.write_text(
        '[[suppress]]\ncause = "app.disk-full"\nreason = "r"\nuntil = 2026-12-31\n', "utf-8"
    )

    assert [one.cause for one in read_file(path)] == ["app.disk-full"]


@pytest.mark.parametrize(
    "content",
    ['[[suppress]]\ncause = "x"\n', "[[supress]]\n", "not toml", "[[suppress]]\ncause = 1\n"],
)
def test_file_of_suppressions_is_read_strictly(tmp_path: Path, content: str) -> None:
    path = tmp_path / "doctor.toml"
    path.write_text(content, "utf-8")

    with pytest.raises(DoctorSuppressionWrong):
        read_file(path)


def test_a_file_that_vanishes_while_it_is_looked_at_is_still_read(tmp_path: Path) -> None:
    small_one, large_one = tmp_path / "a.log", tmp_path / "b.log"
    small_one.write_bytes(b"small")
    large_one.write_bytes(b"large" * 100_000)

    found = _live(small=_probe(files=(str(small_one),)), large=_probe(files=(str(large_one),)))
    small_one.unlink()
    large_one.unlink()

    assert _said(found["small"]) == "small"
    assert _said(found["large"]).startswith("large")


def test_why_something_is_missing_is_told_apart() -> None:
    found = _live(late=_probe(command=("sleep", "9"), seconds=0.05), gone=_probe(files=("/no",)))

    status = {name: one.status for name, one in found.items() if isinstance(one, Missing)}
    assert status == {"late": "timed-out", "gone": "missing"}


def test_what_is_about_something_else_is_not_asked() -> None:
    source = LiveSource(
        probes={"x": _probe(command=("false",))},
        environment={},
        clock=FakeClock(),
        elsewhere={"x"},
    )

    (found,) = source.gather()

    assert isinstance(found, Missing)
    assert "not on this host" in found.reason


def test_a_program_of_no_use_here_counts_only_when_asked_for(tmp_path: Path) -> None:
    sign, state, tag = tmp_path / "app.conf", tmp_path / "state", tmp_path / "tag"
    keys = f'signs = ["{sign}"]\nused = ["{state}"]\nused_text = {{ "{tag}" = "7783" }}'
    catalogue = small.catalogue(small.TOML.replace('family = "ours"', f'family = "ours"\n{keys}'))
    sign.touch()

    unused = present(catalogue, [], is_asked=False), present(catalogue, [])
    tag.write_text("another cloud\n", encoding="utf-8")
    other = present(catalogue, [], is_asked=False)
    tag.write_text("7783\n", encoding="utf-8")
    tagged = present(catalogue, [], is_asked=False)
    tag.unlink()
    state.touch()

    assert unused == (frozenset[str](), frozenset({"app"}))
    assert other == frozenset()
    assert tagged == {"app"}
    assert present(catalogue, [], is_asked=False) == {"app"}


def test_what_we_tell_of_ourselves_has_a_deadline_too() -> None:
    never = threading.Event()
    source = LiveSource(
        probes={"own": _probe(asks="own.vault", seconds=0.05)},
        environment={},
        clock=FakeClock(),
        own=lambda _: b"late" if never.wait() else None,
    )

    (found,) = source.gather()

    never.set()
    assert isinstance(found, Missing)
    assert found.status == "timed-out"
