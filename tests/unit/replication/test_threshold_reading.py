import pytest

from holdfast.replication.threshold_reading import (
    NAMES,
    ThresholdNotUnderstood,
    read_threshold,
    threshold_lines,
    with_thresholds,
)
from tests.unit.replication.observing import settings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rpo-warn=20m", ("rpo_warn", 1200)),
        ("missed-warn=30%", ("missed_warn", 0.3)),
        ("churn-critical=1.5", ("churn_critical", 1.5)),
        ("slow-bytes-per-second=1M", ("slow_bytes_per_second", 1 << 20)),
        ("app-late=3", ("app_late", 3.0)),
        (" spool-act = 60% ", ("spool_act", 0.6)),
    ],
)
def test_a_threshold_is_a_name_and_a_value(text: str, expected: tuple[str, float]) -> None:
    assert read_threshold(text) == expected


@pytest.mark.parametrize(
    "text",
    ["rpo-warn", "rpo-warn=soon", "moon=3", "=3", "missed-warn=-1%", "app-late=0.5", "rpo_warn=1m"],
)
def test_anything_else_is_refused_with_the_names_there_are(text: str) -> None:
    with pytest.raises(ThresholdNotUnderstood) as refused:
        read_threshold(text)

    assert "rpo-critical" in refused.value.advice


def test_what_is_not_told_stays() -> None:
    first = with_thresholds(settings(), {"rpo_warn": 60, "spool_warn": 0.1})

    second = with_thresholds(first, {"rpo_critical": 90})

    assert (second.thresholds.rpo_warn, second.thresholds.rpo_critical) == (60, 90)
    assert (second.spool.warn, second.spool.act) == (0.1, 0.5)


@pytest.mark.parametrize("told", [{"rpo_warn": 9999999.0}, {"spool_warn": 0.9}])
def test_limits_that_contradict_each_other_are_refused(told: dict[str, float]) -> None:
    with pytest.raises(ThresholdNotUnderstood):
        with_thresholds(settings(), told)


def test_every_threshold_can_be_told() -> None:
    for name in NAMES:
        value = "1h" if "achievable" in name or "rpo" in name else "1M" if "slow" in name else "1"
        is_time = any(word in name for word in ("success", "point", "skew", "silent"))
        field, _value = read_threshold(f"{name}={'1h' if is_time else value}")

        assert field == name.replace("-", "_")


def test_what_is_other_than_usual_is_written_as_it_is_read() -> None:
    told = dict(map(read_threshold, ("rpo-warn=20m", "missed-warn=5%", "spool-act=60%")))
    changed = with_thresholds(settings(), told)

    assert threshold_lines(changed) == ["missed-warn=5%", "rpo-warn=20m", "spool-act=60%"]


def test_every_threshold_is_read_again_as_it_is_written() -> None:
    lines = threshold_lines(None)

    assert len(lines) == len(NAMES)
    assert threshold_lines(with_thresholds(settings(), dict(map(read_threshold, lines)))) == []


def test_room_for_scratch_files_has_limits_of_its_own() -> None:
    told = dict(map(read_threshold, ("scratch-warn=10%", "scratch-act=90%")))

    changed = with_thresholds(settings(), told)

    assert (changed.scratch.warn, changed.scratch.act) == (0.1, 0.9)
    assert (changed.spool.warn, changed.spool.act) == (0.3, 0.5)
    assert threshold_lines(changed) == ["scratch-warn=10%", "scratch-act=90%"]
    with pytest.raises(ThresholdNotUnderstood):
        with_thresholds(changed, {"scratch_act": 0.05})
