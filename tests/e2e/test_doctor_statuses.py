"""Each exit status of the doctor says one thing, and a script may rely on it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.e2e.conftest import Bench

OFF, ON = "Extensions.Enabled=n\n", "Extensions.Enabled=y\n"
# A judge that fails stands in for a defect in one of ours.
_CRASHING = """
import sys
from dataclasses import replace
from holdfast.cli.main import run
from holdfast.doctor.checking import CHECKS
from holdfast.doctor.loading import load

def crash(facts, params):
    raise ZeroDivisionError("a defect of the check")

load()
CHECKS["waagent.extensions-off"] = replace(CHECKS["waagent.extensions-off"], judge=crash)
sys.argv = ["holdfast", *sys.argv[1:]]
run()
"""


def _conf(bench: Bench, text: str) -> Path:
    return bench.write("etc/waagent.conf", text)


def test_no_fault_is_0(empty: Bench) -> None:
    empty.run("doctor", "diagnose", _conf(empty, ON), status=0)


def test_proven_cause_is_1(empty: Bench) -> None:
    report = json.loads(empty.run("doctor", "diagnose", _conf(empty, OFF), "--json", status=1).out)

    assert report["root"] == "waagent.extensions-off"


def test_cause_below_the_wanted_severity_is_0(empty: Bench) -> None:
    empty.run("doctor", "--fail-on", "critical", "diagnose", _conf(empty, OFF), status=0)


def test_suppressed_cause_does_not_count(empty: Bench) -> None:
    why = "waagent.extensions-off=2999-01-01:wanted so"

    empty.run("doctor", "--suppress", why, "diagnose", _conf(empty, OFF), status=0)


def test_archive_that_cannot_be_unpacked_is_2(empty: Bench) -> None:
    path = empty.root / "bundle.zip"
    path.write_bytes(b"PK\x03\x04cut")

    said = empty.run("doctor", "diagnose", path, status=2)

    assert "bundle" in said.err


def test_bundle_that_is_no_archive_any_more_is_no_health(empty: Bench) -> None:
    path = empty.root / "bundle.tar.gz"
    path.write_bytes(b"\x1f\x8b\x08cut")

    said = empty.run("doctor", "diagnose", path, status=3)

    assert "Nothing that was given could be read" in said.out


def test_bundle_of_another_schema_is_2(empty: Bench) -> None:
    _conf(empty, OFF)
    empty.write("manifest.json", '{"schema": "holdfast.bundle/99"}')
    path = empty.root / "bundle.tar.gz"
    subprocess.run(["tar", "-czf", path, "-C", empty.source, "."], check=True)

    said = empty.run("doctor", "diagnose", path, status=2)

    assert "bundle" in said.err


def test_missing_facts_are_3_and_named(empty: Bench) -> None:
    path = empty.write("notes.txt", "nothing of interest\n")

    said = empty.run("doctor", "diagnose", path, "--symptom", "0x1FC07", status=3)

    assert "mars." in said.out or "MARS" in said.out


def test_crashed_check_is_4_and_a_finding_of_its_own(empty: Bench) -> None:
    path = _conf(empty, ON)

    done = subprocess.run(
        [sys.executable, "-c", _CRASHING, "doctor", "diagnose", path, "--json"],
        env=empty.environment,
        capture_output=True,
        check=False,
        timeout=180,
    )

    assert done.returncode == 4, done.stderr.decode()
    report: Any = json.loads(done.stdout)
    assert "a defect of the check" in str(report["crashes"])
    assert "waagent.provisioning-off" not in str(report["crashes"])


def test_mending_what_is_not_proven_is_6(bench: Bench) -> None:
    said = bench.run("doctor", "fix", "HF-VL001", "--apply", status=6)

    assert "cause-not-proven" in said.err


def test_what_only_a_person_can_do_is_refused_with_6(empty: Bench) -> None:
    plan = empty.run("doctor", "fix", "HF-VL001", "--json", status=0).event("fix-planned")
    said = empty.run("doctor", "fix", "HF-VL001", "--apply", status=6)

    assert all(one["act"] is None for one in plan["remedies"])
    assert "consent-missing" in said.err


def test_unknown_cause_is_2(empty: Bench) -> None:
    assert "cause-unknown" in empty.run("doctor", "fix", "no-such-cause", status=2).err


_MEASURE = r"""
import re, resource, sys
from pathlib import Path
from holdfast.cli.main import main
status = main(["doctor", "--json"])
ours, asked = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
taken = ours.ru_utime + ours.ru_stime + asked.ru_utime + asked.ru_stime
# Not ru_maxrss, which begins with the memory of the process that started this one.
peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
print(taken, int(peak[1]) // 1024, file=sys.stderr)
"""


def test_check_up_is_quick_and_small(bench: Bench) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE],
        env={**os.environ, **bench.environment},
        capture_output=True,
        text=True,
        check=True,
    )

    json.loads(done.stdout)
    # Of the processor, since others may be busy here; the programs that are asked count too.
    seconds, mib = map(float, done.stderr.splitlines()[-1].split())
    assert seconds < 6
    assert mib < 200
