"""One alert for one cause, told once to everybody it is for."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from holdfast.app.control.account_errors import LoginRefused
from holdfast.app.control.alert_errors import (
    AlertKindUnknown,
    SecurityCannotBeSilenced,
    SummaryTimeWrong,
)
from holdfast.app.control.alert_rules import (
    NewSuppression,
    NewTarget,
    add_target,
    close_alert,
    list_alerts,
    list_targets,
    suppress,
)
from holdfast.app.control.alert_sending import Message, begin_sending, send_waiting
from holdfast.app.control.alert_summaries import send_summaries
from holdfast.app.control.alert_watch import Limits, watch
from holdfast.app.control.alerting import close_alerts, raise_alert, tell_of_job
from holdfast.app.control.errors import NotAllowed, NotThere
from holdfast.app.control.machines import revoke_machine, unregister_machine
from holdfast.app.control.plane import Plane
from holdfast.app.control.registration import activate
from holdfast.app.control.registration_errors import KeyDiffers
from holdfast.app.control.sessions import log_in
from holdfast.app.control.vault_settings import Immutability, SoftDelete, Wanted, alerts_for
from holdfast.app.control.vaults import delete_vault
from holdfast.catalog.tables import Assignment, Job, Machine, Point, Policy, Vault
from holdfast.fleet.alerts import KINDS
from holdfast.fleet.paging import Window
from holdfast.fleet.roles import Role
from holdfast.testing.clock import FakeClock
from holdfast.testing.planes import add_admin, add_machine, add_person, add_vault, make_plane


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def plane(tmp_path: Path, clock: FakeClock) -> Plane:
    return make_plane(tmp_path, clock=clock)


class Post:
    """A service that takes messages, or refuses those for some URLs."""

    def __init__(self, *refused: str) -> None:
        self.taken: list[Message] = []
        self.refused = set(refused)

    def __call__(self, message: Message) -> bool:
        if message.url in self.refused:
            return False
        self.taken.append(message)
        return True

    @property
    def urls(self) -> list[str]:
        return [message.url for message in self.taken]


def told(plane: Plane, kind: str, **fields: object) -> None:
    with plane.database.write() as db:
        raise_alert(db, plane, kind, vault_id="v", machine_id="m", fields=dict(fields))


def opened(plane: Plane) -> list[tuple[str, int]]:
    page = list_alerts(plane, add_admin(plane).actor, Window(), is_open=True)
    return [(alert.kind, alert.count) for alert in page.items]


def add_place(plane: Plane, url: str, **more: str | bool | None) -> None:
    new = NewTarget(name=url.partition(":")[0], url=url, **more)  # type: ignore[arg-type]
    add_target(plane, add_admin(plane).actor, new, check=lambda _url: None)


def ended(
    plane: Plane,
    vault: str,
    machine: str,
    state: str,
    *,
    kind: str = "backup",
    error: str = "storage-full",
    source: str = "/etc",
    arguments: dict[str, Any] | None = None,
) -> None:
    now = plane.clock.now()
    with plane.database.write() as db:
        job = Job(
            id=f"job-{now.timestamp()}-{state}-{source[1:]}",
            vault_id=vault,
            machine_id=machine,
            kind=kind,
            origin="schedule",
            source=source,
            state=state,
            arguments=arguments or {},
            created_at=now,
            ended_at=now,
            progress={},
            error={"code": error, "message": "no room"} if state == "failed" else None,
            result={"skipped": 3},
        )
        db.add(job)
        tell_of_job(db, plane, job, db.get(Machine, machine))


def protect(plane: Plane, vault: str, machine: str) -> None:
    now = plane.clock.now()
    with plane.database.write() as db:
        db.add(Policy(id="p", vault_id=vault, name="daily", body={}, changed_at=now))
        db.flush()
        db.add(
            Assignment(
                id="a", machine_id=machine, policy_id="p", paths=[], options={}, created_at=now
            )
        )


def test_same_cause_is_one_alert_that_counts(plane: Plane) -> None:
    for _again in range(3):
        told(plane, "backup-failed", source="/etc", error="storage-full")
    told(plane, "backup-failed", source="/etc", error="wrong-passphrase")

    assert sorted(opened(plane)) == [("backup-failed", 1), ("backup-failed", 3)]


def test_cause_that_comes_back_is_a_new_alert(plane: Plane) -> None:
    told(plane, "machine-silent", machine="alpha", since="now")
    with plane.database.write() as db:
        close_alerts(db, plane, "machine-silent", vault_id="v", machine_id="m")
    told(plane, "machine-silent", machine="alpha", since="later")

    assert opened(plane) == [("machine-silent", 1)]
    assert len(list_alerts(plane, add_admin(plane).actor, Window(), is_open=None).items) == 2


def test_good_backup_closes_what_the_failed_one_opened(plane: Plane, clock: FakeClock) -> None:
    vault = add_vault(plane)
    machine = add_machine(plane, vault).id
    ended(plane, vault, machine, "failed")
    assert opened(plane) == [("backup-failed", 1)]

    clock.sleep(60)
    ended(plane, vault, machine, "done")

    assert opened(plane) == []


def test_machine_that_fares_well_says_nothing_about_another_one(
    plane: Plane, clock: FakeClock
) -> None:
    vault = add_vault(plane)
    machine = add_machine(plane, vault).id
    for source in ("vm:web", "vm:db"):
        ended(plane, vault, machine, "failed", source=source)
    clock.sleep(60)

    ended(plane, vault, machine, "done", source="vm:db")
    ended(plane, vault, machine, "done")
    one_left = opened(plane)
    clock.sleep(60)
    ended(plane, vault, machine, "done", source="vm:web")

    assert one_left == [("backup-failed", 1)]
    assert opened(plane) == []


def test_items_left_out_are_a_warning_until_none_is(plane: Plane, clock: FakeClock) -> None:
    vault = add_vault(plane)
    machine = add_machine(plane, vault).id
    ended(plane, vault, machine, "warnings")
    assert opened(plane) == [("backup-warnings", 1)]

    clock.sleep(60)
    ended(plane, vault, machine, "done")

    assert opened(plane) == []


@pytest.mark.parametrize("state", ["skipped", "cancelled", "running"])
def test_what_a_person_stopped_or_another_job_did_is_no_alert(plane: Plane, state: str) -> None:
    vault = add_vault(plane)

    ended(plane, vault, add_machine(plane, vault).id, state)

    assert opened(plane) == []


@pytest.mark.parametrize("kind", ["restore", "vm-restore"])
def test_restore_that_is_done_is_told_to_those_who_want_to_hear_it(plane: Plane, kind: str) -> None:
    vault = add_vault(plane)
    add_place(plane, "all://", min_severity="info")
    add_place(plane, "usual://")
    ended(plane, vault, add_machine(plane, vault, "alpha").id, "done", kind=kind)
    post = Post()

    send_waiting(plane, post)

    assert [(one.url, one.title) for one in post.taken] == [
        ("all://", "[Holdfast] information: A restore on alpha is done.")
    ]


@pytest.mark.parametrize(
    ("state", "arguments"), [("done", {"dry_run": True}), ("warnings", {}), ("cancelled", {})]
)
def test_what_was_not_restored_whole_is_not_told_as_done(
    plane: Plane, state: str, arguments: dict[str, Any]
) -> None:
    vault = add_vault(plane)
    machine = add_machine(plane, vault).id
    ended(plane, vault, machine, state, kind="restore", arguments=arguments)

    page = list_alerts(plane, add_admin(plane).actor, Window(), is_open=None)

    assert page.items == []


def test_deleted_machine_raises_no_alert(plane: Plane) -> None:
    vault = add_vault(plane)
    machine = add_machine(plane, vault, state="deleted").id

    ended(plane, vault, machine, "failed")

    assert opened(plane) == []


def test_what_a_machine_that_left_had_to_mend_is_closed_with_the_reason(plane: Plane) -> None:
    vault, admin = add_vault(plane), add_admin(plane)
    machine, other = (add_machine(plane, vault, name).id for name in ("alpha", "beta"))
    for one in (machine, other):
        plane.clock.sleep(60)
        ended(plane, vault, one, "failed")
    with plane.database.write() as db:
        where = {"vault_id": vault, "machine_id": machine}
        raise_alert(db, plane, "damage-found", fields={"machine": "alpha", "reason": "x"}, **where)

    unregister_machine(plane, admin.actor, machine, delete_data=False)

    alerts = list_alerts(plane, admin.actor, Window(), is_open=None).items
    open_ones = {(one.kind, one.machine_id) for one in alerts if one.closed_at is None}
    assert open_ones == {("backup-failed", other), ("damage-found", machine)}
    (closed,) = (one for one in alerts if one.closed_at is not None)
    assert closed.fields["closed"] == "unregistered"
    assert closed.sentence.endswith("Closed, as the machine was unregistered.")


def test_revoked_machine_has_nothing_left_to_mend(plane: Plane) -> None:
    vault, admin = add_vault(plane), add_admin(plane)
    machine = add_machine(plane, vault).id
    ended(plane, vault, machine, "failed")

    revoke_machine(plane, admin.actor, machine)

    assert opened(plane) == []


@pytest.mark.parametrize("way", ["revoked", "unregistered"])
def test_machine_that_was_sent_away_is_not_missed(plane: Plane, clock: FakeClock, way: str) -> None:
    vault, admin = add_vault(plane), add_admin(plane).actor
    facts: dict[str, Any] = {"last_seen_at": clock.now(), "quota_bytes": 10, "bytes_stored": 10}
    machine = add_machine(plane, vault, **facts).id
    protect(plane, vault, machine)
    clock.sleep(timedelta(days=3).total_seconds())
    watch(plane, Limits())
    assert {kind for kind, _ in opened(plane)} == {"machine-silent", "no-backup", "quota-near"}

    if way == "revoked":
        revoke_machine(plane, admin, machine)
    else:
        unregister_machine(plane, admin, machine, delete_data=False)

    assert opened(plane) == []
    assert watch(plane, Limits()) == 0
    ended(plane, vault, machine, "lost")
    ended(plane, vault, machine, "failed")
    assert opened(plane) == []


def test_machine_whose_certificate_has_merely_ended_is_missed(
    plane: Plane, clock: FakeClock
) -> None:
    add_machine(plane, add_vault(plane), last_seen_at=clock.now())
    clock.sleep(timedelta(days=1000).total_seconds())

    watch(plane, Limits())

    assert opened(plane) == [("machine-silent", 1)]


def test_alert_reaches_each_place_once_whatever_happens_to_the_others(plane: Plane) -> None:
    add_place(plane, "good://")
    add_place(plane, "bad://")
    told(plane, "backup-failed", source="/etc")
    first, second = Post("bad://"), Post()

    assert send_waiting(plane, first) == 0
    assert send_waiting(plane, second) == 1

    assert (first.urls, second.urls) == (["good://"], ["bad://"])
    assert send_waiting(plane, second) == 0


def test_place_gets_what_is_bad_enough_for_it(plane: Plane) -> None:
    add_place(plane, "quiet://", min_severity="critical")
    add_place(plane, "all://", min_severity="info")
    told(plane, "backup-warnings", source="/etc")
    post = Post()

    send_waiting(plane, post)

    assert post.urls == ["all://"]


def test_security_is_told_to_everyone_and_cannot_be_silenced(plane: Plane) -> None:
    admin = add_admin(plane).actor
    add_place(plane, "quiet://", min_severity="critical")
    suppress(plane, admin, NewSuppression(reason="all quiet"))
    told(plane, "retention-shorter", actor="eve", object="daily")
    told(plane, "backup-failed", source="/etc")
    post = Post()

    send_waiting(plane, post)

    assert [message.title for message in post.taken] == [
        "[Holdfast] critical: eve made the retention of daily shorter."
    ]
    with pytest.raises(SecurityCannotBeSilenced):
        suppress(plane, admin, NewSuppression(reason="no", kind="data-deleted"))


def test_silence_ends_when_it_was_said_to(plane: Plane, clock: FakeClock) -> None:
    add_place(plane, "all://")
    rule = NewSuppression(reason="maintenance", kind="backup-failed", hours=2)
    suppress(plane, add_admin(plane).actor, rule)
    told(plane, "backup-failed", source="/etc")
    clock.sleep(3 * 3600)
    told(plane, "backup-failed", source="/srv")
    post = Post()

    send_waiting(plane, post)

    assert len(post.taken) == 1
    assert "/srv" in post.taken[0].body


def test_unknown_kind_is_not_silenced_in_silence(plane: Plane) -> None:
    with pytest.raises(AlertKindUnknown, match="backup-fialed"):
        suppress(plane, add_admin(plane).actor, NewSuppression(reason="", kind="backup-fialed"))


def test_place_is_told_in_its_language(plane: Plane) -> None:
    add_place(plane, "ko://", lang="ko")
    add_place(plane, "en://")
    told(plane, "backup-failed", source="/etc", machine="alpha", reason="no room")
    post = Post()

    send_waiting(plane, post)

    texts = {message.url: message.body for message in post.taken}
    assert "failed: no room" in texts["en://"]
    assert "/etc" in texts["ko://"]


def test_url_with_its_password_is_never_shown(plane: Plane) -> None:
    add_place(plane, "mailtos://user:canary@example.org")

    shown = repr(list_targets(plane, add_admin(plane).actor))

    assert "canary" not in shown
    assert "mailtos" in shown


def test_watch_names_the_machine_without_a_backup_until_it_has_one(
    plane: Plane, clock: FakeClock
) -> None:
    vault = add_vault(plane)
    machine = add_machine(plane, vault).id
    protect(plane, vault, machine)
    assert watch(plane, Limits()) == 0

    clock.sleep(timedelta(days=3).total_seconds())
    watch(plane, Limits())
    watch(plane, Limits())
    assert opened(plane) == [("no-backup", 1)]

    point = Point(id="s", machine_id=machine, taken_at=clock.now(), host="", paths=[], tags=[])
    with plane.database.write() as db:
        db.add(point)
    watch(plane, Limits())
    assert opened(plane) == []


def test_watch_names_the_silent_machine(plane: Plane, clock: FakeClock) -> None:
    vault = add_vault(plane)
    add_machine(plane, vault, last_seen_at=clock.now())
    clock.sleep(16 * 60)

    watch(plane, Limits())

    assert opened(plane) == [("machine-silent", 1)]


def test_what_stands_as_it_did_is_not_written_each_minute(plane: Plane, clock: FakeClock) -> None:
    add_machine(plane, add_vault(plane), last_seen_at=clock.now())
    clock.sleep(16 * 60)
    watch(plane, Limits())
    before = plane.database.writes

    for _minute in range(3):
        clock.sleep(60)
        assert watch(plane, Limits()) == 1

    assert plane.database.writes == before
    assert opened(plane) == [("machine-silent", 1)]


def test_days_without_a_backup_go_on_counting(plane: Plane, clock: FakeClock) -> None:
    vault = add_vault(plane)
    protect(plane, vault, add_machine(plane, vault).id)
    told = []

    for _day in range(5):
        clock.sleep(timedelta(days=1).total_seconds())
        watch(plane, Limits())
        page = list_alerts(plane, add_admin(plane).actor, Window(), is_open=True)
        told += [alert.fields["days"] for alert in page.items]

    assert told == ["3", "4", "5"]


def test_other_writers_come_in_between_when_very_many_fall_silent(
    plane: Plane, clock: FakeClock
) -> None:
    vault = add_vault(plane)
    for number in range(250):
        add_machine(plane, vault, f"m{number}", last_seen_at=clock.now())
    clock.sleep(16 * 60)
    before = plane.database.writes

    watch(plane, Limits())

    assert plane.database.writes - before == 3


def test_coming_purge_is_told_two_days_before_and_once(plane: Plane, clock: FakeClock) -> None:
    day = timedelta(days=1)
    vault = add_vault(plane)
    purge = clock.now() + 14 * day
    add_machine(plane, vault, state="deleted", deleted_at=clock.now(), purge_at=purge)
    add_place(plane, "all://")
    post = Post()

    for _day in range(14):
        watch(plane, Limits())
        send_waiting(plane, post)
        clock.sleep(day.total_seconds())

    assert len(post.taken) == 1
    assert "gone for good" in post.taken[0].title


def test_summary_counts_the_day(plane: Plane, clock: FakeClock) -> None:
    vault = add_vault(plane, "main")
    machine = add_machine(plane, vault).id
    for state in ("done", "failed", "warnings"):
        ended(plane, vault, machine, state)
        clock.sleep(60)
    add_place(plane, "daily://", daily_summary=True)
    add_place(plane, "other://")
    post = Post()

    clock.sleep(timedelta(days=1).total_seconds() - 3600)
    send_summaries(plane, post)

    assert post.urls == ["daily://"]
    assert "2 jobs done, 1 failed" in post.taken[0].title
    assert "main: done 1, with warnings 1, failed 1" in post.taken[0].body


def test_alerts_of_other_vaults_are_not_there_for_a_reader(plane: Plane) -> None:
    mine, other = add_vault(plane, "mine"), add_vault(plane, "other")
    reader = add_person(plane, role=Role.READER, vault_id=mine).actor
    with plane.database.write() as db:
        raise_alert(db, plane, "quota-near", vault_id=mine, fields={"object": "mine"})
        hidden = raise_alert(db, plane, "quota-near", vault_id=other, fields={"object": "other"}).id

    page = list_alerts(plane, reader, Window(), is_open=True)

    assert [alert.vault_id for alert in page.items] == [mine]
    with pytest.raises(NotThere):
        close_alert(plane, reader, hidden)
    with pytest.raises(NotAllowed):
        close_alert(plane, reader, page.items[0].id)


def test_long_list_comes_in_pages(plane: Plane, clock: FakeClock) -> None:
    admin = add_admin(plane).actor
    for number in range(5):
        told(plane, "backup-failed", source=f"/{number}")
        clock.sleep(1)

    first = list_alerts(plane, admin, Window(limit=3), is_open=None)
    rest = list_alerts(plane, admin, Window(limit=3, after=first.next), is_open=None)

    sources = [alert.fields["source"] for alert in (*first.items, *rest.items)]
    assert sources == ["/4", "/3", "/2", "/1", "/0"]
    assert rest.next is None


def test_every_kind_says_its_sentence(plane: Plane) -> None:
    for kind in KINDS:
        told(plane, kind)

    shown = list_alerts(plane, add_admin(plane).actor, Window(), is_open=None).items

    assert {alert.kind for alert in shown} == set(KINDS)
    assert all(alert.sentence for alert in shown)


def test_summary_comes_once_a_day_at_the_hour_of_its_zone(plane: Plane, clock: FakeClock) -> None:
    add_place(plane, "seoul://", daily_summary=True, summary_at="08:00", summary_zone="Asia/Seoul")
    post, moments = Post(), list[str]()

    for _half_hour in range(2 * 48):
        clock.sleep(1800)
        if send_summaries(plane, post):
            moments.append(clock.now().astimezone(ZoneInfo("Asia/Seoul")).strftime("%H:%M"))

    assert moments == ["08:00", "08:00"]


def test_summary_of_one_vault_says_nothing_of_the_others(plane: Plane, clock: FakeClock) -> None:
    mine, other = add_vault(plane, "mine"), add_vault(plane, "hidden")
    ended(plane, other, add_machine(plane, other).id, "failed")
    add_place(plane, "mine://", daily_summary=True, vault=mine)
    post = Post()

    clock.sleep(timedelta(hours=23, minutes=59).total_seconds())
    send_summaries(plane, post)

    assert "hidden" not in post.taken[0].body
    assert "0 failed" in post.taken[0].title


def test_summary_that_was_refused_comes_later(plane: Plane, clock: FakeClock) -> None:
    add_place(plane, "daily://", daily_summary=True)
    clock.sleep(timedelta(days=1).total_seconds())

    refused = send_summaries(plane, Post("daily://"))
    taken = send_summaries(plane, Post())

    assert (refused, taken) == (0, 1)


@pytest.mark.parametrize("time", ["8", "25:00", "noon"])
def test_time_that_is_none_is_refused(plane: Plane, time: str) -> None:
    with pytest.raises(SummaryTimeWrong):
        add_place(plane, "daily://", daily_summary=True, summary_at=time)


def test_one_of_two_servers_sends(plane: Plane, clock: FakeClock) -> None:
    add_place(plane, "all://")
    told(plane, "backup-failed", source="/etc")
    begin_sending(plane)
    post = Post()

    beside = send_waiting(plane, post)
    clock.sleep(300)
    after_its_death = send_waiting(plane, post)

    assert (beside, after_its_death) == (0, 1)


def test_place_that_refuses_holds_up_no_other_alert(plane: Plane) -> None:
    add_place(plane, "bad://")
    for number in range(3):
        told(plane, "backup-failed", source=f"/{number}")
    asked: list[str] = []

    def refuse(message: Message) -> bool:
        asked.append(message.url)
        return False

    send_waiting(plane, refuse)

    assert asked == ["bad://"]


def test_each_vault_says_how_long_is_too_long(plane: Plane, clock: FakeClock) -> None:
    vault = add_vault(plane, backup_within_days=5)
    protect(plane, vault, add_machine(plane, vault).id)
    counts = []

    for _day in range(6):
        clock.sleep(timedelta(days=1, minutes=1).total_seconds())
        watch(plane, Limits())
        counts.append(len(opened(plane)))

    assert counts == [0, 0, 0, 0, 1, 1]


def test_full_machines_and_vaults_are_named_until_there_is_room(plane: Plane) -> None:
    vault = add_vault(plane, quota_bytes=1000)
    machine = add_machine(plane, vault, quota_bytes=900, bytes_stored=950).id

    watch(plane, Limits())
    full = opened(plane)
    with plane.database.write() as db:
        db.get_one(Machine, machine).bytes_stored = 10
    watch(plane, Limits())

    assert full == [("quota-near", 1), ("quota-near", 1)]
    assert opened(plane) == []


def test_heartbeat_tells_of_a_scratch_folder_without_room(plane: Plane) -> None:
    vault = add_vault(plane)
    for name, free in (("small", 1000), ("large", 1 << 40)):
        machine = add_machine(plane, vault, name).id
        with plane.database.write() as db:
            db.get_one(Machine, machine).facts = {"scratch": {"bytes_free": free}}

    watch(plane, Limits())

    found = list_alerts(plane, add_admin(plane).actor, Window(), is_open=True).items
    assert [(one.kind, one.fields["machine"]) for one in found] == [("scratch-low", "small")]


def test_damage_a_scrub_found_stays_until_a_scrub_finds_none(
    plane: Plane, clock: FakeClock
) -> None:
    vault = add_vault(plane)
    machine = add_machine(plane, vault).id
    states = []

    for kind, state in (("scrub", "failed"), ("check", "done"), ("scrub", "done")):
        clock.sleep(60)
        ended(plane, vault, machine, state, kind=kind, error="stored-damage")
        states.append([alert for alert, _count in opened(plane)])

    assert states == [["damage-found"], ["damage-found"], []]


@pytest.mark.parametrize(
    ("before", "wanted", "kinds"),
    [
        ({}, Wanted(soft_delete=SoftDelete.OFF), ["soft-delete-off"]),
        ({}, Wanted(is_lab=True), ["soft-delete-off"]),
        (
            {"immutability": "on", "min_retention_days": 30},
            Wanted(immutability=Immutability.OFF),
            ["immutability-off"],
        ),
        ({"four_eyes": True}, Wanted(four_eyes=False), ["four-eyes-off"]),
        ({"soft_delete_days": 30}, Wanted(soft_delete_days=14), ["retention-shorter"]),
        ({}, Wanted(soft_delete_days=30), []),
    ],
)
def test_what_weakens_a_vault_is_told(
    before: dict[str, object], wanted: Wanted, kinds: list[str]
) -> None:
    vault = Vault(**{"soft_delete": "on", "soft_delete_days": 14, "immutability": "off",
                     "min_retention_days": 0, "is_lab": False, "four_eyes": False, **before})  # fmt: skip

    assert alerts_for(vault, wanted.changes(vault)) == kinds


def test_data_that_was_deleted_is_told_with_who_and_until_when(plane: Plane) -> None:
    admin = add_admin(plane)
    vault = add_vault(plane, "trial", is_lab=True)
    machine = add_machine(plane, vault, "alpha").id

    unregister_machine(plane, admin.actor, machine, delete_data=True)
    delete_vault(plane, admin.actor, vault)

    found = list_alerts(plane, admin.actor, Window(), is_open=None).items
    assert {one.sentence.split(";")[0] for one in found} == {
        "admin deleted alpha",
        "admin deleted trial",
    }


def test_account_that_is_locked_is_told(plane: Plane) -> None:
    add_person(plane, "ada")

    for _guess in range(5):
        with pytest.raises(LoginRefused):
            log_in(plane, "ada", "wrong", address="")

    found = list_alerts(plane, add_admin(plane).actor, Window(), is_open=None).items
    assert [(one.kind, one.fields["object"]) for one in found] == [("account-locked", "ada")]


def test_other_key_is_refused_and_told_until_the_right_one_comes(plane: Plane) -> None:
    machine = add_machine(plane, add_vault(plane), key_fingerprint="a" * 64)

    with pytest.raises(KeyDiffers):
        activate(plane, machine.actor, key_fingerprint="b" * 64)
    wrong = opened(plane)
    activate(plane, machine.actor, key_fingerprint="a" * 64)

    assert wrong == [("key-changed", 1)]
    assert opened(plane) == []
