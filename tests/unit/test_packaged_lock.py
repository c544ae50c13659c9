"""What the Debian package brings along: all that runs, and nothing that only builds."""

from pathlib import Path

from tools import packaged_lock

LOCK = """\
both==1.0 \\
    --hash=sha256:aa
builder==2.0 \\
    --hash=sha256:bb
elsewhere==3.0 ; python_full_version < '3.11.3' \\
    --hash=sha256:cc
Runner_Two==4.0 \\
    --hash=sha256:dd \\
    --hash=sha256:ee
"""


def test_only_what_builds_is_left_out() -> None:
    kept = packaged_lock.packaged(
        LOCK, running={"both", "runner-two"}, building={"both", "builder"}
    )

    # What this Python does not know, another one may need.
    assert kept == LOCK.replace("builder==2.0 \\\n    --hash=sha256:bb\n", "")


def test_extras_of_a_requirement_are_reached() -> None:
    plain = packaged_lock.reachable(["holdfast"])
    server = packaged_lock.reachable(["holdfast[server]"])

    assert "click" in plain
    assert "uvicorn" not in plain
    assert {"click", "uvicorn", "starlette", "holdfast"} <= server


def test_everything_that_runs_is_in_the_lock() -> None:
    lock = (Path(packaged_lock.ROOT) / "locks" / "runtime.txt").read_text(encoding="utf-8")
    running = packaged_lock.reachable(["holdfast[server]"])

    kept = packaged_lock.packaged(lock, running, building={"babel", "hatchling"})

    assert "\nclick==" in kept
    assert "\nhatchling==" not in kept
