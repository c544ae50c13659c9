"""The ground the control plane's tests stand on."""

from dataclasses import replace
from pathlib import Path

from holdfast.app.control.identifying import machine_of, person_of
from holdfast.fleet.roles import Role
from holdfast.testing.planes import add_machine, add_person, add_vault, client_of, make_plane


def test_people_and_machines_made_here_are_known(tmp_path: Path) -> None:
    plane = make_plane(tmp_path)
    vault = add_vault(plane)

    machine = add_machine(plane, vault)
    someone = add_person(plane, role=Role.READER, vault_id=vault)

    assert machine_of(plane, machine.fingerprint, address="") == machine.actor
    known = person_of(plane, someone.token, address="")
    assert replace(known, login="") == someone.actor


def test_the_application_answers_without_a_process(tmp_path: Path) -> None:
    client = client_of(make_plane(tmp_path))

    answer = client.get("/api/v1/openapi.json")

    assert answer.status_code == 200
