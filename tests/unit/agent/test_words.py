"""From a job to the command line that does it; what comes from afar can only be a value."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from holdfast.agent.errors import ArgumentsNotUnderstood
from holdfast.agent.jobs import Job
from holdfast.agent.words import words_for
from holdfast.app.vm_errors import VmNoneProtected, VmNotProtected
from holdfast.fleet.jobs import Kind
from holdfast.fleet.messages import AssignedPolicy

Make = Callable[..., Job]


def _assigned(**fields: Any) -> AssignedPolicy:
    given: dict[str, Any] = {
        "id": "a1",
        "policy_id": "p1",
        "policy_name": "nightly",
        "policy_version": 1,
        "policy": {
            "name": "nightly",
            "schedule": "daily 02:00",
            "retention": ["daily 7", "yearly 10 on last sat of march"],
            "prune": {"schedule": "sun 04:00", "max_unused": "10%"},
        },
        "paths": ["/etc", "/srv"],
        "options": {"excludes": ["*.tmp"], "one_file_system": True},
        "is_paused": False,
    }
    return AssignedPolicy(**{**given, **fields})


def _words(job: Job, assigned: AssignedPolicy | None = None) -> list[str]:
    return words_for(job, assigned, location_of=lambda machine: f"rest+https://server/{machine}")


def test_backup_of_an_assignment_is_marked_as_its(make_job: Make) -> None:
    job = make_job(arguments={"assignment": "a1", "paths": [], "tags": ["now"]})

    assert _words(job, _assigned()) == [
        *("backup", "--json", "--wait=10m", "--tag=now", "--tag=assignment:a1"),
        *("--tag=job:job-1", "--exclude=*.tmp", "--one-file-system", "--", "/etc", "/srv"),
    ]


def test_backup_begun_before_makes_no_second_point(make_job: Make) -> None:
    job = make_job(arguments={"paths": ["/etc"]}, started_at=datetime(2026, 1, 1, tzinfo=UTC))

    assert _words(job) == [
        *("backup", "--json", "--wait=10m", "--once=job:job-1", "--", "/etc"),
    ]


def test_backup_of_a_machine_begun_before_makes_no_second_point(make_job: Make) -> None:
    job = make_job(arguments={"vms": ["web"]}, started_at=datetime(2026, 1, 1, tzinfo=UTC))

    assert _words(job) == ["backup", "--json", "--wait=10m", "--once=job:job-1", "--vm=web"]


def test_backup_whose_assignment_is_gone_is_refused(make_job: Make) -> None:
    with pytest.raises(ArgumentsNotUnderstood):
        _words(make_job(arguments={"assignment": "a1", "paths": ["/etc"]}))


def test_path_that_looks_like_an_option_stays_a_path(make_job: Make) -> None:
    words = _words(make_job(arguments={"paths": ["--hook-before=reboot"]}))

    assert words[-2:] == ["--", "--hook-before=reboot"]


@pytest.mark.parametrize("name", ["surprise", "hook_before"])
def test_option_nobody_knows_is_refused(make_job: Make, name: str) -> None:
    job = make_job(arguments={"assignment": "a1"})

    with pytest.raises(ArgumentsNotUnderstood, match=name):
        _words(job, _assigned(options={name: "reboot"}))


def test_retention_concerns_the_points_of_the_assignment(make_job: Make) -> None:
    job = make_job(kind=Kind.RETAIN, arguments={"assignment": "a1", "dry_run": False})

    assert _words(job, _assigned()) == [
        *("retain", "--json", "--wait=10m", "--tag=assignment:a1", "--zone=UTC"),
        *("--keep-daily=7", "--keep-yearly=10 on last sat of mar"),
    ]


def test_prune_leaves_as_much_unused_as_the_policy_says(make_job: Make) -> None:
    job = make_job(kind=Kind.PRUNE, arguments={"dry_run": True})

    assert _words(job, _assigned()) == [
        *("prune", "--json", "--wait=10m", "--dry-run", "--max-unused=10%")
    ]


@pytest.mark.parametrize(
    ("read_data", "words"),
    [(None, []), ("5%", ["--read-data=5%"]), ("all", ["--read-data="])],
    ids=str,
)
def test_check_reads_as_much_as_asked(
    make_job: Make, read_data: str | None, words: list[str]
) -> None:
    job = make_job(kind=Kind.CHECK, arguments={"read_data": read_data})

    assert _words(job) == ["check", "--json", *words]


def test_restore_of_another_machine_reads_its_repository(make_job: Make) -> None:
    arguments = {"point": "latest", "to": "/back", "include": ["/etc"], "verify": True}

    words = _words(make_job(kind=Kind.RESTORE, arguments={**arguments, "machine": "m2"}))

    assert words == [
        *("restore", "--json", "--to=/back", "--include=/etc", "--verify"),
        *("--no-lock", "--vault=rest+https://server/m2", "--", "latest"),
    ]


def test_restore_says_what_becomes_of_files_that_are_there(make_job: Make) -> None:
    arguments = {"point": "4f2a:/srv", "to": "/back", "overwrite": "never", "dry_run": True}

    assert _words(make_job(kind=Kind.RESTORE, arguments=arguments)) == [
        *("restore", "--json", "--to=/back", "--overwrite=never", "--dry-run", "--", "4f2a:/srv"),
    ]


def test_files_come_out_of_a_machines_disk(make_job: Make) -> None:
    arguments = {"point": "4f2a", "to": "/back", "inside": "-vda1/etc", "machine": "m2"}

    assert _words(make_job(kind=Kind.RESTORE, arguments=arguments)) == [
        *("vm", "files", "--json", "--to=/back", "--no-lock"),
        *("--vault=rest+https://server/m2", "--", "4f2a", "-vda1/etc"),
    ]


def test_machine_is_restored_beside_the_old_one(make_job: Make) -> None:
    arguments = {
        "vm": "web",
        "point": "4f2a",
        "mode": "new",
        "name": "web-back",
        "networks": ["lan=none"],
        "start": True,
    }

    assert _words(make_job(kind=Kind.RESTORE_VM, arguments=arguments)) == [
        *("vm", "restore", "--json", "--name=web-back", "--network=lan=none", "--start"),
        *("--", "4f2a"),
    ]


def test_latest_point_is_that_of_the_machine_that_is_meant(make_job: Make) -> None:
    arguments = {"vm": "web", "point": "latest", "mode": "disks", "format": "raw"}

    assert _words(make_job(kind=Kind.RESTORE_VM, arguments=arguments)) == [
        *("vm", "restore", "--json", "--only-disks", "--vm=web", "--format=raw", "--", "latest"),
    ]


@pytest.mark.parametrize(("mode", "word"), [("in-place", "--in-place"), ("disks", "--only-disks")])
def test_machine_is_restored_in_place_or_as_files(make_job: Make, mode: str, word: str) -> None:
    arguments = {"vm": "web", "point": "4f2a", "mode": mode}

    assert _words(make_job(kind=Kind.RESTORE_VM, arguments=arguments)) == [
        *("vm", "restore", "--json", word, "--", "4f2a"),
    ]


def test_work_of_the_server_is_not_ours(make_job: Make) -> None:
    with pytest.raises(ArgumentsNotUnderstood):
        _words(make_job(kind=Kind.SCRUB))


def test_backup_of_a_machine_is_marked_as_its_assignments(make_job: Make) -> None:
    job = make_job(arguments={"assignment": "a1", "paths": [], "tags": [], "vms": ["web"]})
    assigned = _assigned(options={"excludes": ["*.tmp"], "tags": ["gold"]}, vms=["web", "db"])

    assert _words(job, assigned) == [
        *("backup", "--json", "--wait=10m", "--tag=assignment:a1", "--tag=job:job-1"),
        *("--tag=gold", "--vm=web"),
    ]


def test_machine_is_looked_for_where_it_is_protected(make_job: Make) -> None:
    job = make_job(arguments={"vms": ["web"]})
    protect = make_job(kind=Kind.PROTECT, arguments={"vm": "web", "partly": True})

    def words(job: Job) -> list[str]:
        return words_for(job, None, location_of=str, host_of=lambda vm: f"test:///{vm}")

    assert words(job)[-2:] == ["--libvirt=test:///web", "--vm=web"]
    assert words(protect) == [
        *("vm", "protect", "--json", "--host=test:///web", "--partly", "--", "web")
    ]


def test_protection_is_asked_for_with_its_settings(make_job: Make) -> None:
    settings = {"consistency": "crash", "tracking": "overlay", "scratch": "--host=other"}
    freezing = {"never_freeze": False, "freeze_mounts": ["/", "/data"], "freeze_every": "6h"}
    given = {"vm": "web", **settings, **freezing}

    assert _words(make_job(kind=Kind.PROTECT, arguments=given)) == [
        *("vm", "protect", "--json", "--consistency=crash", "--tracking=overlay"),
        *("--may-freeze", "--freeze-mounts=/,/data", "--freeze-every=6h"),
        *("--scratch=--host=other", "--", "web"),
    ]


def test_all_file_systems_are_frozen_where_none_is_named(make_job: Make) -> None:
    arguments = {"vm": "web", "never_freeze": True, "freeze_mounts": []}

    words = _words(make_job(kind=Kind.PROTECT, arguments=arguments))

    assert words[3:] == ["--never-freeze", "--freeze-mounts=all", "--", "web"]


def test_machine_that_looks_like_an_option_stays_a_machine(make_job: Make) -> None:
    backup = make_job(arguments={"vms": ["--hook-before=reboot"]})
    unprotect = make_job(kind=Kind.UNPROTECT, arguments={"vm": "--host"})

    assert _words(backup)[-1] == "--vm=--hook-before=reboot"
    assert _words(unprotect)[-2:] == ["--", "--host"]


def test_all_machines_where_none_is_protected_is_told(make_job: Make) -> None:
    with pytest.raises(VmNoneProtected):
        _words(make_job(arguments={"vms": ["*"]}))


def test_machine_that_was_let_go_is_none_of_all_that_are_protected(make_job: Make) -> None:
    job = make_job(arguments={"assignment": "a1", "vms": ["web"]})

    with pytest.raises(VmNotProtected):
        _words(job, _assigned(vms=["*", "db"]))


def test_machine_that_is_named_needs_no_protection(make_job: Make) -> None:
    job = make_job(arguments={"assignment": "a1", "vms": ["web"]})

    assert _words(job, _assigned(vms=["*", "web"]))[-1] == "--vm=web"
    assert _words(make_job(arguments={"vms": ["web"]}))[-1] == "--vm=web"


def test_machine_whose_assignment_is_gone_is_refused(make_job: Make) -> None:
    with pytest.raises(ArgumentsNotUnderstood):
        _words(make_job(arguments={"assignment": "a1", "vms": ["web"]}))


def test_replication_is_enabled_with_what_was_asked_for(make_job: Make) -> None:
    given = {
        "vm": "-web", "to": "south", "every": "30s", "points": 48, "app_every": "1h",
        "limits": ["20mbit@weekdays 08:00-18:00", "0"], "priority": -1, "group": "shop",
        "resync_window": "daily 22:00-06:00", "seed": "vda=web.qcow2",
    }  # fmt: skip

    words = _words(make_job(kind=Kind.REPLICATE, arguments=given))

    assert words == [
        *("replication", "enable", "--json", "--to=south", "--every=30s", "--points=48"),
        *("--app-every=1h", "--seed=vda=web.qcow2", "--priority=-1", "--group=shop"),
        *("--limit=20mbit@weekdays 08:00-18:00", "--limit=0"),
        *("--resync-window=daily 22:00-06:00", "--", "-web"),
    ]


def test_a_replication_that_is_no_longer_slowed_down_is_told_so(make_job: Make) -> None:
    given = {"vm": "web", "to": "south", "limits": []}

    words = _words(make_job(kind=Kind.REPLICATE, arguments=given))

    assert words == ["replication", "enable", "--json", "--to=south", "--no-limit", "--", "web"]


@pytest.mark.parametrize(
    ("kind", "more", "words"),
    [
        (Kind.PAUSE_REPLICATION, {}, ["pause", "--json", "--"]),
        (Kind.RESUME_REPLICATION, {}, ["resume", "--json", "--"]),
        (Kind.RESYNC_REPLICATION, {"now": True}, ["resync", "--json", "--now", "--"]),
        (Kind.END_REPLICATION, {"keep_replica": False}, ["disable", "--json", "--"]),
        (
            Kind.END_REPLICATION,
            {"keep_replica": True},
            ["disable", "--json", "--keep-replica", "--"],
        ),
    ],
)
def test_orders_about_a_replication_are_its_commands(
    make_job: Make, kind: Kind, more: dict[str, Any], words: list[str]
) -> None:
    job = make_job(kind=kind, arguments={"vm": "web", **more})

    assert _words(job) == ["replication", *words, "web"]


@pytest.mark.parametrize(
    ("kind", "told", "words"),
    [
        (
            Kind.UNPLANNED_FAILOVER,
            {"vm": "web", "source_is_down": True, "point": "latest-app"},
            ["failover", "web", "--unplanned", "--json", "--source-is-down", "--point=latest-app"],
        ),
        (
            Kind.UNPLANNED_FAILOVER,
            {"vm": "web", "try_shut_down": True, "force": True, "shutdown_within": "2m"},
            [
                *("failover", "web", "--unplanned", "--json"),
                *("--force", "--try-shut-down", "--shutdown-within=2m"),
            ],
        ),
        (
            Kind.PLANNED_FAILOVER,
            {"vm": "web", "live": True, "networks": ["lan=dr"]},
            ["failover", "web", "--planned", "--json", "--live", "--network=lan=dr"],
        ),
        (
            Kind.UNDO_FAILOVER,
            {"vm": "web", "discard_changes": True},
            ["failover", "undo", "--json", "--discard-changes", "--", "web"],
        ),
        (
            Kind.COMMIT,
            {"vm": "web", "complete_migration": True},
            ["commit", "--json", "--complete-migration", "--yes", "--", "web"],
        ),
        (Kind.DRILL, {"vm": "web"}, ["drill", "run", "--json", "--", "web"]),
        (
            Kind.SCHEDULE_DRILL,
            {"vm": "web", "schedule": "-sun 03:00", "zone": "Asia/Seoul", "rto": "0", "checks": []},
            [
                *("drill", "schedule", "--json", "--zone=Asia/Seoul", "--rto=0"),
                *("--usual-checks", "--", "web", "-sun 03:00"),
            ],
        ),
        (
            Kind.SCHEDULE_DRILL,
            {"vm": "--never", "never": True},
            ["drill", "schedule", "--json", "--never", "--", "--never"],
        ),
    ],
)
def test_recovery_is_done_as_it_was_ordered(
    make_job: Make, kind: Kind, told: dict[str, Any], words: list[str]
) -> None:
    assert _words(make_job(kind=kind, arguments=told)) == words


@pytest.mark.parametrize("name", ["undo", "--test"])
def test_a_machine_called_like_a_word_of_the_command_is_never_taken_for_it(
    make_job: Make, name: str
) -> None:
    with pytest.raises(ArgumentsNotUnderstood):
        _words(make_job(kind=Kind.UNPLANNED_FAILOVER, arguments={"vm": name}))
