"""A log is searched in blocks, and told in records."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.doctor.artefacts import from_text
from holdfast.doctor.facts import LogSeen, Record
from holdfast.doctor.logs.levelled import LEVELLED
from holdfast.doctor.scanning import FIRST, LAST, Interest, Interests, scan

DISK = Interest("disk", (r"no space on (?P<device>\S+)",))
FINE = Interest("fine", ("no space on /tmp",), benign=True)
LOUD = Interest("loud", ("quota",), levels=("error",))


def _scan(text: str | bytes, *wanted: Interest) -> tuple[LogSeen | None, list[tuple[str, Record]]]:
    raised: list[tuple[str, Record]] = []
    seen = scan(
        from_text("app.log", text),
        LEVELLED,
        Interests(wanted or (DISK, FINE, LOUD)),
        lambda interest, record, _: raised.append((interest.name, record)),
    )
    return seen, raised


def _line(number: int, text: str, level: str = "INFO") -> str:
    return f"2026-03-01 10:{number // 60 % 60:02}:{number % 60:02} {level} {text}\n"


def test_record_has_its_parts_and_its_lines() -> None:
    log = _line(0, "starts") + _line(1, "no space on /dev/sda1", "ERROR") + "  at write()\n"

    _, ((name, record),) = _scan(log + _line(2, "ends"))

    assert name == "disk"
    assert (record.level, record.values) == ("error", {"device": "/dev/sda1"})
    assert record.when is not None
    assert record.when.second == 1
    assert (record.span.first, record.span.last) == (2, 3)
    assert record.span.excerpt == "2026-03-01 10:00:01 ERROR no space on /dev/sda1\n  at write()"


def test_hit_on_a_continuation_line_belongs_to_the_record_above() -> None:
    _, ((_, record),) = _scan(_line(0, "job failed") + "  cause: no space on /dev/sda1\n")

    assert (record.span.first, record.span.last) == (1, 2)


def test_one_record_raises_an_interest_once() -> None:
    _, raised = _scan(
        _line(0, "no space on /a") + "  no space on /b\n" + _line(1, "no space on /c")
    )

    assert [record.span.first for _, record in raised] == [1, 3]


def test_benign_record_raises_nothing_else() -> None:
    _, raised = _scan(_line(0, "no space on /tmp") + _line(1, "no space on /data"))

    assert [(name, record.span.first) for name, record in raised] == [("fine", 1), ("disk", 2)]


def test_level_that_is_asked_for_counts() -> None:
    _, raised = _scan(_line(0, "quota is near") + _line(1, "quota is reached", "ERROR"))

    assert [(name, record.span.first) for name, record in raised] == [("loud", 2)]


def test_records_are_whole_across_block_borders() -> None:
    noise = [_line(number, "x" * 90) for number in range(30_000)]
    for number in range(500, 30_000, 1000):
        noise[number] = _line(number, "job failed", "ERROR") + "  no space on /dev/sda1\n  more\n"

    seen, raised = _scan("".join(noise))

    lines = "".join(noise).splitlines()
    assert len(raised) == 30
    assert seen is not None
    assert seen.lines == len(lines)
    for _, record in raised:
        there = lines[record.span.first - 1 : record.span.last]
        assert "\n".join(there) == record.span.excerpt
        assert len(there) == 3


def test_ends_of_a_log_are_known() -> None:
    seen, _ = _scan("banner\n\n" + _line(5, "first") + _line(9, "last") + "  continued\n\n")

    assert seen is not None
    assert seen.span.excerpt.endswith("first")
    assert (seen.span.first, seen.last.first) == (3, 4)
    assert seen.begins is not None
    assert seen.ends is not None
    assert (seen.begins.second, seen.ends.second) == (5, 9)


def test_log_without_any_head_still_has_ends() -> None:
    seen, _ = _scan("\nsome text\nmore text\n")

    assert seen is not None
    assert (seen.span.first, seen.last.first) == (2, 3)
    assert (seen.begins, seen.ends) == (None, None)


@pytest.mark.parametrize("text", ["", "\n\n  \n"])
def test_log_that_says_nothing_was_not_seen(text: str) -> None:
    assert _scan(text) == (None, [])


def test_last_line_without_an_end_counts() -> None:
    seen, raised = _scan(_line(0, "starts") + _line(1, "no space on /data").rstrip("\n"))

    assert seen is not None
    assert seen.lines == 2
    assert raised[0][1].span.first == 2


@pytest.mark.parametrize("encoding", ["utf-16", "cp949", "utf-8-sig"])
def test_windows_encodings_keep_lines_and_excerpts(encoding: str) -> None:
    log = (_line(0, "시작") + _line(1, "no space on D: 공간 부족", "ERROR")).replace("\n", "\r\n")

    _, ((_, record),) = _scan(log.encode(encoding))

    assert record.span.first == 2
    assert record.span.excerpt == "2026-03-01 10:00:01 ERROR no space on D: 공간 부족"


_LINES = st.lists(
    st.sampled_from(
        ["plain", "", "no space on /data", "2026-03-01 10:00:00 ERROR no space on /x", "quota"]
    ),
    max_size=200,
)


@settings(max_examples=60)
@given(_LINES, st.integers(0, 4000))
def test_whatever_is_cut_the_excerpt_is_what_stands_there(lines: list[str], cut: int) -> None:
    text = "\n".join(lines)[:cut]

    _, raised = _scan(text)

    there = text.split("\n")
    for _, record in raised:
        assert record.span.excerpt in "\n".join(there[record.span.first - 1 :])
        assert there[record.span.first - 1].strip() == record.span.excerpt.split("\n")[0].strip()


def _big_log(size: int) -> Iterator[bytes]:
    block = "".join(
        _line(number, "transferred block 0x1F00 of 4711 " + "x" * 60) for number in range(9000)
    )
    fault = _line(0, "no space left on /dev/sdb1", "ERROR")
    for number in range(size // len(block)):
        yield block.encode()
        if number % 20 == 0:
            yield fault.encode()


_MEASURE = r"""
import re, sys, time
from pathlib import Path
from holdfast.doctor.examination import examine
from holdfast.doctor.loading import load
from holdfast.doctor.sources import FileSource
load()
taken = time.process_time()
seen = examine(load(), [FileSource(Path(sys.argv[1]))])
# Not ru_maxrss, which begins with the memory of the process that started this one.
peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
print(time.process_time() - taken, int(peak[1]) // 1024)
"""


@pytest.mark.slow
def test_log_of_200_mb_costs_little_time_and_memory(tmp_path: Path) -> None:
    log = tmp_path / "big.log"
    with log.open("wb") as stream:
        stream.writelines(_big_log(200 << 20))

    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, log], capture_output=True, text=True, check=True
    )

    seconds, mib = map(float, done.stdout.split())
    assert seconds < 10
    assert mib < 200


def test_of_what_repeats_itself_the_first_and_the_last_are_raised_and_all_are_counted() -> None:
    stands_for: list[tuple[int, int]] = []
    text = "".join(_line(number, "no space on /data") for number in range(1000))

    scan(
        from_text("app.log", text),
        LEVELLED,
        Interests((DISK,)),
        lambda _interest, record, count: stands_for.append((record.span.first, count)),
    )

    assert [line for line, _ in stands_for] == [*range(1, FIRST + 1), *range(1001 - LAST, 1001)]
    assert sum(count for _, count in stands_for) == 1000


def test_what_is_remembered_of_a_message_is_not_said_of_another() -> None:
    log = "".join(_line(n, f"no space on /disk{n % 3}", "ERROR") for n in range(30))

    _, raised = _scan(log)

    devices = [record.values["device"] for name, record in raised if name == "disk"]
    assert devices == [f"/disk{n % 3}" for n in range(30)]
