"""Questions to machines, and the passphrases that some of them need."""

import asyncio
import contextlib
import dataclasses
import threading
from datetime import timedelta

import pytest

from holdfast.app.control import answers
from holdfast.app.control.accounts import AccountChange, change_account
from holdfast.app.control.browse_errors import (
    AnswerNotCome,
    AnswerNotUnderstood,
    MachineNotListening,
    MachineSaid,
    TooManyQuestions,
    UnlockGone,
    UnlockRefused,
)
from holdfast.app.control.browsing import list_folder
from holdfast.app.control.desk import MOST_OF_MACHINE, Desk
from holdfast.app.control.errors import NotAllowed, NotThere
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.read_grants import allow_reader, list_readers
from holdfast.app.control.restoring import RestoreWanted, order_restore
from holdfast.app.control.typed_keys import TypedKey
from holdfast.app.control.unlocking import (
    forget_ended,
    forget_login,
    list_unlocks,
    take_key,
    unlock_machine,
)
from holdfast.base.secret import Secret
from holdfast.catalog.tables import Account, Job, Machine, Token
from holdfast.fleet.jobs import Kind
from holdfast.fleet.questions import Answer, FolderWanted, Question
from holdfast.fleet.roles import Role
from holdfast.testing.planes import Registered, Someone, add_machine, add_person

POINT = "ab" * 32
WANTED = FolderWanted(point=POINT, path="/etc")
FOUND = {"point": POINT, "path": "/etc", "items": [], "total": 0}


@pytest.fixture
def awake(plane: Plane, machine: Registered) -> Registered:
    with plane.database.write() as db:
        db.get_one(Machine, machine.id).last_seen_at = plane.clock.now()
    return machine


def question(number: int) -> Question:
    return Question(id=f"q{number}", kind="folder")


def test_answer_reaches_whoever_waits(plane: Plane, awake: Registered, admin: Someone) -> None:
    asked = list_folder(plane, admin.actor, awake.id, WANTED)
    (taken,) = plane.desk.take(awake.id)

    told = threading.Thread(
        target=plane.desk.answer, args=(awake.id, taken.id, Answer(result=FOUND))
    )
    told.start()

    assert asked.wait().path == "/etc"
    told.join()


def test_answer_comes_without_a_thread_that_waits(
    plane: Plane, awake: Registered, admin: Someone
) -> None:
    asked = list_folder(plane, admin.actor, awake.id, WANTED)
    (taken,) = plane.desk.take(awake.id)
    plane.desk.answer(awake.id, taken.id, Answer(result=FOUND))

    assert asyncio.run(asked.arrive()).total == 0


def test_question_is_told_once(plane: Plane, awake: Registered, admin: Someone) -> None:
    asked = list_folder(plane, admin.actor, awake.id, WANTED)

    assert len(plane.desk.take(awake.id)) == 1
    assert plane.desk.take(awake.id) == []
    del asked  # held until here: what nobody holds is not asked any more


def test_machine_hears_no_question_of_another(
    plane: Plane, awake: Registered, admin: Someone, vault: str
) -> None:
    other = add_machine(plane, vault, "other")
    asked = list_folder(plane, admin.actor, awake.id, WANTED)

    assert plane.desk.take(other.id) == []
    del asked  # held until here: what nobody holds is not asked any more


def test_machine_cannot_answer_for_another(
    plane: Plane, awake: Registered, admin: Someone, vault: str
) -> None:
    other = add_machine(plane, vault, "other")
    asked = list_folder(plane, admin.actor, awake.id, WANTED)
    (taken,) = plane.desk.take(awake.id)

    assert not plane.desk.answer(other.id, taken.id, Answer(result=FOUND))
    del asked  # held until here: what nobody holds is not asked any more


def test_error_of_the_machine_is_told_as_its_own(
    plane: Plane, awake: Registered, admin: Someone
) -> None:
    asked = list_folder(plane, admin.actor, awake.id, WANTED)
    (taken,) = plane.desk.take(awake.id)
    error = {"code": "subpath-missing", "message": "old words", "remedy": "look", "fields": {}}
    plane.desk.answer(awake.id, taken.id, Answer(error=error))

    with pytest.raises(MachineSaid, match="subpath-missing"):
        asked.wait()


@pytest.mark.parametrize("is_taken", [False, True])
def test_nobody_waits_for_ever(
    plane: Plane,
    awake: Registered,
    admin: Someone,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_taken: bool,
) -> None:
    monkeypatch.setattr(answers, "TAKEN_WITHIN", 0.01)
    monkeypatch.setattr("holdfast.app.control.browsing._SECONDS", 0.01)
    monkeypatch.setattr(answers, "_MORE", 0.01)
    asked = list_folder(plane, admin.actor, awake.id, WANTED)
    if is_taken:
        plane.desk.take(awake.id)

    with pytest.raises(AnswerNotCome if is_taken else MachineNotListening):
        asked.wait()
    assert plane.desk.take(awake.id) == []


def test_silent_machine_is_not_waited_for(
    plane: Plane, machine: Registered, admin: Someone
) -> None:
    with pytest.raises(MachineNotListening):
        list_folder(plane, admin.actor, machine.id, WANTED)


def test_who_may_only_read_sees_no_names(plane: Plane, awake: Registered, vault: str) -> None:
    reader = add_person(plane, "rea", role=Role.READER, vault_id=vault)

    with pytest.raises(NotAllowed):
        list_folder(plane, reader.actor, awake.id, WANTED)


def test_desk_has_room_for_so_many() -> None:
    desk = Desk()
    held = [desk.ask("m", question(number)) for number in range(MOST_OF_MACHINE)]

    with pytest.raises(TooManyQuestions):
        desk.ask("m", question(MOST_OF_MACHINE))

    assert len(desk.take("m")) == len(held)


def test_question_that_nobody_holds_any_more_takes_no_room() -> None:
    desk = Desk()
    for number in range(MOST_OF_MACHINE + 1):
        desk.ask("m", question(number))

    assert desk.take("m") == []


def test_what_needs_no_answer_is_told_the_next_time(plane: Plane) -> None:
    plane.desk.tell("m", question(1))

    assert [one.id for one in plane.desk.take("m")] == ["q1"]
    assert plane.desk.take("m") == []


def typed(plane: Plane, person: Someone, machine: Registered, reader: Registered) -> TypedKey:
    return plane.typed_keys.keep(
        login=login_of(plane, person),
        account_id=person.actor.id,
        machine_id=machine.id,
        reader_id=reader.id,
        passphrase=Secret(b"open sesame"),
        now=plane.clock.now(),
        life=timedelta(hours=1),
    )


def login_of(plane: Plane, person: Someone) -> str:
    with plane.database.read() as db:
        return db.query(Token).filter_by(account_id=person.actor.id).one().secret_hash


@pytest.fixture
def reader(plane: Plane, vault: str) -> Registered:
    return add_machine(plane, vault, "reader")


def test_ticket_is_good_once_and_for_its_machine_only(
    plane: Plane, admin: Someone, machine: Registered, reader: Registered
) -> None:
    ticket = plane.typed_keys.ticket(typed(plane, admin, machine, reader))

    with pytest.raises(NotThere):
        take_key(plane, machine.actor, ticket)
    assert take_key(plane, reader.actor, ticket).passphrase == "open sesame"
    with pytest.raises(NotThere):
        take_key(plane, reader.actor, ticket)


@pytest.mark.parametrize("end", ["revoked", "disabled"])
def test_passphrase_goes_with_the_login(
    plane: Plane, admin: Someone, machine: Registered, reader: Registered, end: str
) -> None:
    key = typed(plane, admin, machine, reader)
    ticket = plane.typed_keys.ticket(key)
    with plane.database.write() as db:
        if end == "revoked":
            row = db.query(Token).filter_by(account_id=admin.actor.id).one()
            row.revoked_at = plane.clock.now()
        else:
            db.get_one(Account, admin.actor.id).disabled_at = plane.clock.now()

    with pytest.raises(NotThere):
        take_key(plane, reader.actor, ticket)
    assert plane.typed_keys.find(key.id, login=key.login, now=plane.clock.now()) is None
    # Its machine closes what it had open.
    assert [one.kind for one in plane.desk.take(reader.id)] == ["close"]


def unlocking(
    plane: Plane,
    admin: Someone,
    machine: Registered,
    reader: Registered,
    *,
    allowed: bool = True,
) -> Actor:
    if allowed:
        allow_reader(plane, admin.actor, machine.id, reader_id=reader.id, hours=13)
    with plane.database.write() as db:
        db.get_one(Machine, reader.id).last_seen_at = plane.clock.now()
    return dataclasses.replace(admin.actor, login=login_of(plane, admin))


def test_passphrase_that_could_not_be_asked_about_is_not_kept(
    plane: Plane, admin: Someone, machine: Registered, reader: Registered
) -> None:
    actor = unlocking(plane, admin, machine, reader)
    held = [plane.desk.ask(reader.id, question(number)) for number in range(MOST_OF_MACHINE)]

    with pytest.raises(TooManyQuestions):
        unlock_machine(
            plane, actor, machine.id, reader_id=reader.id, passphrase=Secret(b"open sesame")
        )
    assert len(held) == MOST_OF_MACHINE

    assert list_unlocks(plane, actor, machine.id) == []


def test_passphrase_of_somebody_who_went_away_before_it_was_proven_is_not_kept(
    plane: Plane, admin: Someone, machine: Registered, reader: Registered
) -> None:
    actor = unlocking(plane, admin, machine, reader)
    asked = unlock_machine(
        plane, actor, machine.id, reader_id=reader.id, passphrase=Secret(b"open sesame")
    )

    async def go_away() -> None:
        waits = asyncio.ensure_future(asked.arrive())
        await asyncio.sleep(0)
        waits.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waits

    asyncio.run(go_away())

    assert list_unlocks(plane, actor, machine.id) == []


def test_passphrase_is_forgotten_at_once_when_its_account_is_disabled(
    plane: Plane, admin: Someone, machine: Registered, reader: Registered
) -> None:
    eve = add_person(plane, "eve")
    key, other = typed(plane, eve, machine, reader), typed(plane, admin, machine, reader)

    change_account(plane, admin.actor, "eve", AccountChange(is_disabled=True))

    assert plane.typed_keys.find(key.id, login=key.login, now=key.since) is None
    assert plane.typed_keys.find(other.id, login=other.login, now=other.since) is not None
    # Its machine closes what it had open.
    assert [one.unlock for one in plane.desk.take(reader.id)] == [key.id]


def test_passphrase_is_forgotten_in_time(
    plane: Plane, admin: Someone, machine: Registered, reader: Registered
) -> None:
    key = typed(plane, admin, machine, reader)
    later = plane.clock.now() + timedelta(hours=2)

    assert plane.typed_keys.find(key.id, login=key.login, now=later) is None


def test_passphrase_goes_with_the_end_of_the_session_it_was_typed_in(
    plane: Plane, admin: Someone, machine: Registered, reader: Registered
) -> None:
    actor = unlocking(plane, admin, machine, reader)
    with plane.database.write() as db:
        session = db.query(Token).filter_by(account_id=admin.actor.id).one()
        session.expires_at = plane.clock.now() + timedelta(hours=1)

    unlock_machine(plane, actor, machine.id, reader_id=reader.id, passphrase=Secret(b"sesame"))

    (key,) = plane.typed_keys.all()
    assert key.expires_at - key.since == timedelta(hours=1)


def test_what_has_ended_is_forgotten_without_anybody_looking(
    plane: Plane, admin: Someone, machine: Registered, reader: Registered
) -> None:
    unlock_machine(
        plane,
        unlocking(plane, admin, machine, reader),
        machine.id,
        reader_id=reader.id,
        passphrase=Secret(b"sesame"),
    )
    kept = forget_ended(plane)
    with plane.database.write() as db:
        db.query(Token).filter_by(account_id=admin.actor.id).one().expires_at = plane.clock.now()

    assert (kept, forget_ended(plane)) == (0, 1)
    assert plane.typed_keys.all() == []


def test_reading_ends_with_the_login_unless_a_restore_is_under_way(
    plane: Plane, admin: Someone, machine: Registered, reader: Registered
) -> None:
    actor = unlocking(plane, admin, machine, reader, allowed=False)

    def unlock() -> str:
        unlock_machine(plane, actor, machine.id, reader_id=reader.id, passphrase=Secret(b"x"))
        return plane.typed_keys.all()[0].id

    def readers() -> int:
        return len(list_readers(plane, admin.actor, machine.id))

    unlock()
    during = readers()
    forget_login(plane, actor.login)
    behind = readers()
    order_restore(plane, actor, machine.id, RestoreWanted(point=POINT, to="/back", unlock=unlock()))
    forget_login(plane, actor.login)

    assert (during, behind, readers()) == (1, 0, 1)


def test_wrong_passphrase_lets_nobody_read(
    plane: Plane, admin: Someone, machine: Registered, reader: Registered
) -> None:
    actor = unlocking(plane, admin, machine, reader, allowed=False)
    asked = unlock_machine(
        plane, actor, machine.id, reader_id=reader.id, passphrase=Secret(b"wrong")
    )
    (taken,) = plane.desk.take(reader.id)
    plane.desk.answer(reader.id, taken.id, Answer(error={"code": "wrong-passphrase"}))

    with pytest.raises(UnlockRefused):
        asyncio.run(asked.arrive())

    assert list_readers(plane, admin.actor, machine.id) == []


def test_passphrase_shows_nowhere(
    plane: Plane, admin: Someone, machine: Registered, reader: Registered
) -> None:
    key = typed(plane, admin, machine, reader)

    assert "sesame" not in repr(key)
    assert "sesame" not in repr(plane)


def test_restore_with_another_machine_is_a_job_of_it_without_the_passphrase(
    plane: Plane, admin: Someone, machine: Registered, reader: Registered
) -> None:
    key = typed(plane, admin, machine, reader)
    actor = Actor(kind="person", id=admin.actor.id, name="admin", is_admin=True, login=key.login)
    wanted = RestoreWanted(point=POINT, to="/back", paths=["/etc/[x]"], unlock=key.id)

    job = order_restore(plane, actor, machine.id, wanted)

    with plane.database.read() as db:
        told = db.get_one(Job, job.id).arguments
    assert job.machine_id == reader.id
    assert job.kind == Kind.RESTORE
    assert told["machine"] == machine.id
    assert told["include"] == ["/etc/\\[x\\]"]
    assert "sesame" not in str(told)


def test_restore_with_what_another_login_typed_is_refused(
    plane: Plane, admin: Someone, machine: Registered, reader: Registered
) -> None:
    key = typed(plane, admin, machine, reader)
    wanted = RestoreWanted(point=POINT, to="/back", unlock=key.id)

    with pytest.raises(UnlockGone):
        order_restore(plane, admin.actor, machine.id, wanted)


def test_answer_that_is_none_is_told_so(plane: Plane, awake: Registered, admin: Someone) -> None:
    asked = list_folder(plane, admin.actor, awake.id, WANTED)
    (taken,) = plane.desk.take(awake.id)
    plane.desk.answer(awake.id, taken.id, Answer(result={"items": "many"}))

    with pytest.raises(AnswerNotUnderstood):
        asked.wait()
