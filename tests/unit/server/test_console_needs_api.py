"""What the console shows of alerts, accounts and one's own account, over the API as well."""

from holdfast.app.control import alerting, audit
from holdfast.app.control.plane import Plane
from holdfast.catalog.audit import Filter
from holdfast.fleet.paging import Window
from holdfast.fleet.roles import Role
from holdfast.testing.planes import Someone, add_person, client_of

V1 = "/api/v1"


def _raise(plane: Plane, vault: str) -> str:
    fields = {"source": "/srv", "machine": "alpha", "reason": "full", "remedy": "Make room."}
    with plane.database.write() as db:
        return alerting.raise_alert(db, plane, "backup-failed", vault_id=vault, fields=fields).id


def test_alert_is_shown_with_what_to_do(plane: Plane, vault: str, admin: Someone) -> None:
    alert = _raise(plane, vault)

    told = client_of(plane, token=admin.token).get(f"{V1}/alerts/{alert}").json()

    assert told["sentence"] == "The backup of /srv on alpha failed: full"
    assert told["remedy"] == "Make room."


def test_alert_of_a_vault_one_may_not_read_is_not_there(plane: Plane, vault: str) -> None:
    alert = _raise(plane, vault)
    stranger = client_of(plane, token=add_person(plane, "eve").token)

    reply = stranger.get(f"{V1}/alerts/{alert}")

    assert (reply.status_code, reply.json()["code"]) == (404, "not-there")


def test_language_of_the_account_is_its_owners_to_choose(plane: Plane, admin: Someone) -> None:
    person = client_of(plane, token=admin.token)

    changed = person.patch(f"{V1}/me", json={"lang": "ko"})
    again = person.patch(f"{V1}/me", json={"lang": "ko"})
    strange = person.patch(f"{V1}/me", json={"lang": "la"})

    entries = audit.list_entries(plane, admin.actor, Filter(act="account-change"), Window())
    assert [one.status_code for one in (changed, again, strange)] == [200, 200, 422]
    assert person.get(f"{V1}/me").json()["lang"] == "ko"
    assert [one.detail for one in entries.items] == [{"lang": "ko"}]


def test_roles_of_an_account_in_all_vaults(plane: Plane, vault: str, admin: Someone) -> None:
    add_person(plane, "ada", role=Role.OPERATOR, vault_id=vault)
    person = client_of(plane, token=admin.token)

    told = person.get(f"{V1}/accounts/ada/grants").json()
    none = person.get(f"{V1}/accounts/admin/grants").json()
    unknown = person.get(f"{V1}/accounts/nobody/grants")

    assert [(one["vault_id"], one["role"]) for one in told] == [(vault, "operator")]
    assert none == []
    assert unknown.status_code == 404
