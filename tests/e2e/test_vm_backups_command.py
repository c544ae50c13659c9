"""The settings of machines by command, and all of them backed up by another."""

import contextlib
import json
import os
import signal
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from holdfast.base.clock import SystemClock
from holdfast.base.errors import Exit
from holdfast.machines.turn_files import TURNS, TurnWish, turn
from holdfast.machines.turns import TurnLimits
from holdfast.testing.guests import Guest, Recipe
from holdfast.testing.hosts import KvmHost
from tests.e2e.conftest import Bench

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.timeout(600),
]


@pytest.fixture(scope="module")
def two(kvm_host: KvmHost) -> Iterator[tuple[Guest, Guest]]:
    """They are off, which is all that is needed."""
    made: list[Guest] = []
    try:
        made.append(Guest(kvm_host, "one-of-two", Recipe(disks=1)))
        made.append(Guest(kvm_host, "two-of-two", Recipe(disks=1)))
        yield made[0], made[1]
    finally:
        for guest in made:
            guest.remove()


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """The path of a socket must be short, and those of pytest's folders are not."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def test_settings_are_kept_shown_and_obeyed_by_all_backups(
    bench: Bench, two: tuple[Guest, Guest], short_folder: Path
) -> None:
    bench.environment["HOLDFAST_LIBVIRT"] = two[0].host.uri
    scratch = short_folder / "scratch"
    names = [guest.name for guest in two]

    for name in names:
        bench.run("vm", "protect", name, "--never-freeze", "--scratch", scratch)
    changed = bench.run(
        *("vm", "protect", names[0], "--may-freeze", "--freeze-mounts", "/,/data"),
        *("--freeze-every", "6h", "--json"),
    )
    shown = bench.run("vm", "status", names[1])
    every = bench.run("backup", "--all-vms", "--json")
    some = bench.run("backup", "--vm", names[0], "--vm", "nobody", status=Exit.FAILED)
    refused = bench.run("vm", "protect", names[1], "--consistency", "filesystem", status=Exit.USAGE)

    settings = changed.event("vm-protected")["settings"]
    assert (settings["never_freeze"], settings["freeze_mounts"]) == (False, ["/", "/data"])
    assert (settings["freeze_every_seconds"], settings["scratch"]) == (21600, str(scratch))
    assert "for no point" in shown.out
    assert str(scratch) in shown.out
    summary = every.event("vm-backups-done")
    assert (sorted(summary["made"]), summary["failed"]) == (names, {})
    made = [one for one in every.events if one["event"] == "vm-backup-done"]
    assert sorted(one["vm"] for one in made) == names
    assert "nobody (vm-missing)" in some.out
    assert f"of {names[0]}" in some.out
    assert "vm-never-frozen" in refused.err


def test_who_waits_for_its_turn_says_for_whom_and_ctrl_c_ends_all_that_wait(
    bench: Bench, two: tuple[Guest, Guest]
) -> None:
    bench.home.mkdir(parents=True, exist_ok=True)
    (bench.home / "config.toml").write_text("vm-parallel = 1\n")
    scratch = bench.root / "scratch"
    words = ["--scratch", str(scratch), "--json"]
    for guest in two:
        words += ["--vm", guest.name]
    busy = TurnWish(
        vm="other",
        stores={},
        limits=TurnLimits(per_host=1, per_store=1),
        wait=timedelta(0),
        on_waiting=lambda _: None,
    )

    with contextlib.ExitStack() as stack:
        stack.enter_context(turn(str(bench.home), busy, SystemClock()))
        process = bench.start("backup", *words, HOLDFAST_LIBVIRT=two[0].host.uri)
        # Before the turn is given up, where anything goes wrong.
        stack.callback(process.kill)
        assert process.stdout is not None
        said = [json.loads(process.stdout.readline()) for _ in two]
        process.send_signal(signal.SIGINT)
        rest, _err = process.communicate(timeout=120)

    assert process.returncode == Exit.INTERRUPTED
    assert [one["event"] for one in said] == ["vm-waiting"] * 2
    assert {one["vm"] for one in said} == {guest.name for guest in two}
    assert {one["holders"][0]["vm"] for one in said} == {"other"}
    assert json.loads(rest.splitlines()[-1])["code"] == "interrupted"
    assert os.listdir(bench.home / "vms" / TURNS) == ["gate"]
    assert not scratch.exists()
