"""The doctor over the API: what people hand over is read, and nothing of it stays."""

import io
import tarfile
import zipfile
from contextlib import ExitStack
from pathlib import Path
from threading import BoundedSemaphore

import pytest

from holdfast.app.control import diagnosing, handing_over
from holdfast.app.control.diagnosing_errors import DoctorHoldsYours, TooMuchToDiagnose
from holdfast.app.control.handing_over import (
    MOST_BYTES,
    MOST_FILES,
    MOST_OF_ACCOUNT,
    MOST_TOGETHER,
)
from holdfast.app.control.plane import Plane
from holdfast.testing.planes import Someone, client_of

V1 = "/api/v1"
FILE = {"content-type": "application/octet-stream"}
WAAGENT = (Path(__file__).parents[2] / "cases/doctor/waagent/no-route.log").read_bytes()


def test_log_is_read_as_what_it_is(plane: Plane, admin: Someone) -> None:
    person = client_of(plane, token=admin.token)

    reply = person.post(
        f"{V1}/doctor/diagnoses",
        params={"name": r"C:\logs\waagent.log"},
        content=WAAGENT,
        headers=FILE,
    )

    told = reply.json()
    assert reply.status_code == 200
    assert told["looked_at"] == [{"name": "waagent.log", "taken_for": ["linux.waagent.log"]}]
    assert told["root"] == "waagent.no-route"
    assert told["findings"][0]["evidence"][0]["artefact"] == "waagent.log"
    assert told["findings"][0]["remedies"][0]["steps"]


def test_symptom_alone_names_the_causes_in_order(plane: Plane, admin: Someone) -> None:
    person = client_of(plane, token=admin.token)

    told = person.post(f"{V1}/doctor/diagnoses", params={"symptom": "151076"}).json()

    assert told["symptoms"][0]["causes"]
    assert [one["cause"] for one in told["unknown"]] == told["symptoms"][0]["causes"]
    assert all(one["needs"] for one in told["unknown"])


def test_archive_is_unpacked_and_read(plane: Plane, admin: Someone) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        member = tarfile.TarInfo("var/log/waagent.log")
        member.size = len(WAAGENT)
        archive.addfile(member, io.BytesIO(WAAGENT))
    person = client_of(plane, token=admin.token)

    told = person.post(
        f"{V1}/doctor/diagnoses",
        params={"name": "logs.tar.gz"},
        content=packed.getvalue(),
        headers=FILE,
    ).json()

    assert told["looked_at"][0]["name"] == "logs.tar.gz:var/log/waagent.log"


def test_archive_that_is_damaged_is_named_as_its_owner_knows_it(
    plane: Plane, admin: Someone
) -> None:
    person = client_of(plane, token=admin.token)

    reply = person.post(
        f"{V1}/doctor/diagnoses",
        params={"name": "bundle.zip"},
        content=b"PK\x03\x04" + b"\0" * 100,
        headers=FILE,
    )

    assert (reply.status_code, reply.json()["code"]) == (422, "bundle-unreadable")
    assert reply.json()["fields"]["file"] == "bundle.zip"


def test_report_speaks_the_language_of_whom_it_is_for(plane: Plane, admin: Someone) -> None:
    person = client_of(plane, token=admin.token)

    told = person.post(
        f"{V1}/doctor/diagnoses",
        params={"symptom": "151076"},
        headers={"accept-language": "ko"},
    ).json()

    assert told["language"] == "ko"
    assert any("가" <= letter <= "힣" for letter in told["summary"])


def test_nothing_is_refused(plane: Plane, admin: Someone) -> None:
    reply = client_of(plane, token=admin.token).post(f"{V1}/doctor/diagnoses")

    assert (reply.status_code, reply.json()["code"]) == (422, "nothing-to-diagnose")


def test_file_that_is_too_long_is_refused(
    plane: Plane, admin: Someone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast.server.api.doctor.MOST_BYTES", 1000)
    person = client_of(plane, token=admin.token)

    reply = person.post(f"{V1}/doctor/diagnoses", content=b"x" * 1001, headers=FILE)

    assert (reply.status_code, reply.json()["code"]) == (413, "request-too-large")


def test_stranger_hands_over_nothing(plane: Plane) -> None:
    reply = client_of(plane).post(f"{V1}/doctor/diagnoses", content=WAAGENT, headers=FILE)

    assert reply.status_code == 401


def test_code_is_explained(plane: Plane, admin: Someone) -> None:
    person = client_of(plane, token=admin.token)

    known = person.get(f"{V1}/doctor/explanations", params={"code": "151076"}).json()
    strange = person.get(f"{V1}/doctor/explanations", params={"code": "xyzzy-0"}).json()

    assert known["symptoms"][0]["causes"][0]["remedies"]
    assert (strange["exit_status"], strange["symptoms"]) == (3, [])


def test_document_describes_the_answers(plane: Plane, admin: Someone) -> None:
    document = client_of(plane, token=admin.token).get(f"{V1}/openapi.json").json()

    schemas = document["components"]["schemas"]
    report = document["paths"][f"{V1}/doctor/diagnoses"]["post"]["responses"]["200"]
    reference = report["content"]["application/json"]["schema"]["$ref"]
    assert "findings" in schemas[reference.rpartition("/")[2]]["properties"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("/var/log/syslog", "syslog"),
        (r"C:\Windows\cbengine.errlog", "cbengine.errlog"),
        ("../../etc/passwd", "passwd"),
        ("..", "text"),
        ("", "text"),
        ("a\nb\0c", "a_b_c"),
        ("로그.txt", "로그.txt"),
        ("x" * 300 + ".log", "x" * 96 + ".log"),
    ],
)
def test_name_is_kept_as_far_as_it_can_be_a_files(given: str, kept: str) -> None:
    with handing_over.folder("anna") as folder:
        place = folder.place(given, 0)
        place.write_bytes(b"")

        inside = place.relative_to(folder.path)

    assert inside.parts == ("files", "000", kept)


def test_nothing_stays_behind(plane: Plane, admin: Someone) -> None:
    with handing_over.folder("anna") as folder:
        folder.place("waagent.log", len(WAAGENT)).write_bytes(WAAGENT)
        diagnosing.diagnose(plane, admin.actor, folder, languages=("en", "ko"))

    assert not folder.path.exists()


def test_reading_that_never_ends_is_ended(
    plane: Plane, admin: Someone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnosing, "SECONDS", 0)
    person = client_of(plane, token=admin.token)

    reply = person.post(f"{V1}/doctor/diagnoses", content=WAAGENT, headers=FILE)

    assert (reply.status_code, reply.json()["code"]) == (422, "doctor-too-slow")


def test_who_comes_while_others_are_read_for_is_told_so(
    plane: Plane, admin: Someone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnosing, "_free", BoundedSemaphore(1))
    monkeypatch.setattr(diagnosing, "_PATIENCE", 0.01)
    person = client_of(plane, token=admin.token)

    with diagnosing._turn():
        reply = person.post(f"{V1}/doctor/diagnoses", content=WAAGENT, headers=FILE)

    assert (reply.status_code, reply.json()["code"]) == (503, "doctor-busy")


def test_who_comes_while_others_wait_already_holds_no_thread(
    plane: Plane, admin: Someone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnosing, "_seats", BoundedSemaphore(1))
    monkeypatch.setattr(diagnosing, "_free", BoundedSemaphore(1))
    monkeypatch.setattr(diagnosing, "_PATIENCE", 3600.0)
    person = client_of(plane, token=admin.token)

    with diagnosing._turn():
        reply = person.post(f"{V1}/doctor/diagnoses", content=WAAGENT, headers=FILE)

    assert (reply.status_code, reply.json()["code"]) == (503, "doctor-busy")


def test_fault_of_the_doctor_is_no_finding(
    plane: Plane, admin: Someone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnosing, "_CHILD", "holdfast.no_such_module")
    person = client_of(plane, token=admin.token)

    reply = person.post(f"{V1}/doctor/diagnoses", content=WAAGENT, headers=FILE)

    assert reply.json()["code"] == "doctor-failed"


def test_archive_that_swells_is_cut_off(plane: Plane, admin: Someone, tmp_path: Path) -> None:
    """Half a gigabyte may come out of it and no more, and what was read before counts."""
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/waagent.log", WAAGENT)
        with archive.open("b", "w", force_zip64=True) as member:
            for _ in range(600):
                member.write(bytes(1 << 20))
    person = client_of(plane, token=admin.token)

    told = person.post(
        f"{V1}/doctor/diagnoses",
        params={"name": bomb.name},
        content=bomb.read_bytes(),
        headers=FILE,
    ).json()

    assert [one["name"] for one in told["looked_at"]] == ["bomb.zip:a/waagent.log"]


def test_files_of_one_name_lie_side_by_side_and_too_many_are_refused() -> None:
    with handing_over.folder("anna") as folder:
        places = [folder.place("messages", 1) for _ in range(MOST_FILES)]

        with pytest.raises(TooMuchToDiagnose):
            folder.place("messages", 1)

    assert len(set(places)) == MOST_FILES


def test_more_than_the_doctor_takes_is_refused_before_any_of_it_is_written() -> None:
    """Many that come at the same time are each of them long, and none of them is here yet."""
    with handing_over.folder("anna") as folder:
        folder.place("one.log", 1000)

        with pytest.raises(TooMuchToDiagnose):
            folder.place("two.log", MOST_BYTES - 999)


def test_each_account_has_a_share_and_the_others_have_theirs() -> None:
    with ExitStack() as open_pages:
        for _ in range(MOST_OF_ACCOUNT // MOST_BYTES):
            open_pages.enter_context(handing_over.folder("anna")).place("a.zip", MOST_BYTES)
        more = open_pages.enter_context(handing_over.folder("anna"))

        with pytest.raises(DoctorHoldsYours):
            more.place("a.log", 1)
        with handing_over.folder("ben") as of_another:
            of_another.place("b.zip", MOST_BYTES)

    with handing_over.folder("anna") as afterwards:
        afterwards.place("a.zip", MOST_BYTES)


def test_all_accounts_together_fill_the_room_and_who_comes_then_is_told_so(
    plane: Plane, admin: Someone
) -> None:
    person = client_of(plane, token=admin.token)
    with ExitStack() as open_pages:
        for number in range(MOST_TOGETHER // MOST_BYTES):
            given = open_pages.enter_context(handing_over.folder(f"account-{number}"))
            given.place("a.zip", MOST_BYTES)

        refused = person.post(f"{V1}/doctor/diagnoses", content=WAAGENT, headers=FILE)
    taken = person.post(f"{V1}/doctor/diagnoses", content=WAAGENT, headers=FILE)

    assert (refused.status_code, refused.json()["code"]) == (503, "doctor-full")
    assert taken.status_code == 200
    assert not handing_over._room._taken
