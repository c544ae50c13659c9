"""Virtual machines in what jobs and assignments are told."""

from typing import Any

import pytest

from holdfast.fleet.arguments import asked_again, read_arguments, source_of
from holdfast.fleet.backup_options import AssignmentNotUnderstood, read_sources, require_fit
from holdfast.fleet.jobs import Kind
from holdfast.fleet.virtual_machines import is_of_vm, sources_text


def test_each_machine_is_a_source_of_its_own() -> None:
    given = read_arguments(Kind.BACKUP, {"vms": ["web", "db", "web"]})

    assert given["vms"] == ["web", "db"]
    assert source_of(Kind.BACKUP, {**given, "vms": ["web"]}) == "vm:web"
    assert source_of(Kind.PROTECT, {"vm": "web"}) == "vm:web"
    assert is_of_vm("vm:web")
    assert sources_text(["/etc"], ["web"]) == "/etc vm:web"


def test_agents_of_the_version_before_are_told_nothing_they_do_not_know() -> None:
    assert "vms" not in read_arguments(Kind.BACKUP, {"paths": ["/etc"]})


def test_protection_is_told_as_its_command_takes_it() -> None:
    asked = {
        "vm": "web",
        "consistency": "crash",
        "tracking": "overlay",
        "partly": True,
        "never_freeze": False,
        "freeze_mounts": [],
        "freeze_every": "6h",
        "scratch": "/scratch",
    }

    assert read_arguments(Kind.PROTECT, asked) == asked
    assert read_arguments(Kind.PROTECT, {"vm": "web"}) == {"vm": "web", "partly": False}


def test_the_same_can_be_asked_for_again() -> None:
    noted = {"assignment": "a1", "paths": [], "vms": ["web"], "policy": "nightly"}

    again = read_arguments(Kind.BACKUP, asked_again(Kind.BACKUP, noted))

    assert again["vms"] == ["web"]


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (Kind.BACKUP, {}),
        (Kind.BACKUP, {"vms": [""]}),
        (Kind.BACKUP, {"vms": ["a/b"]}),
        (Kind.BACKUP, {"vms": ["a\nb"]}),
        (Kind.BACKUP, {"vms": "web"}),
        (Kind.PROTECT, {}),
        (Kind.PROTECT, {"vm": "*"}),
        (Kind.PROTECT, {"vm": "web", "consistency": "none"}),
        (Kind.PROTECT, {"vm": "web", "tracking": "full"}),
        (Kind.PROTECT, {"vm": "web", "never_freeze": "yes"}),
        (Kind.PROTECT, {"vm": "web", "freeze_mounts": ["data"]}),
        (Kind.PROTECT, {"vm": "web", "freeze_mounts": ["/,/data"]}),
        (Kind.PROTECT, {"vm": "web", "freeze_every": "0"}),
        (Kind.PROTECT, {"vm": "web", "freeze_every": "often"}),
        (Kind.PROTECT, {"vm": "web", "freeze_every": "99999999999999d"}),
        (Kind.PROTECT, {"vm": "web", "scratch": "scratch"}),
        (Kind.UNPROTECT, {"vm": "web", "partly": True}),
    ],
)
def test_what_means_nothing_of_a_machine_is_refused(kind: Kind, given: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError), match=r"."):
        read_arguments(kind, given)


def test_an_assignment_is_about_something() -> None:
    assert read_sources([], ["*"]) == ([], ["*"])
    assert read_sources(["/etc/"], ["web"]) == (["/etc"], ["web"])
    with pytest.raises(AssignmentNotUnderstood, match="paths"):
        read_sources([], [])
    with pytest.raises(AssignmentNotUnderstood, match="vms"):
        read_sources(["/etc"], ["a/b"])


def test_options_about_files_need_paths() -> None:
    require_fit({"tags": ["x"]}, [])
    require_fit({"excludes": ["*.o"]}, ["/etc"])
    with pytest.raises(AssignmentNotUnderstood, match="excludes"):
        require_fit({"excludes": ["*.o"]}, [])
