"""Every operation of the API's document, asked for by a caller of every kind."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from holdfast.fleet.policies import policy_body, propose
from holdfast.server.application import PREFIX, make_app
from holdfast.server.problems import MEDIA_TYPE
from holdfast.testing.planes import make_csr, make_key, make_plane
from holdfast.testing.postgres import Postgres
from tests.security.world import CALLERS, PASSWORD, PEOPLE, World, drill_run, plan_text

_METHODS = ("get", "post", "put", "patch", "delete")
# Whoever is not named is refused.
EVERYBODY = frozenset(CALLERS)
ANY_PERSON = frozenset(PEOPLE)
# Of the account itself: a limited token must not get itself a wider one.
WHOLE = ANY_PERSON - {"token-read", "token-operate"}
READERS = ANY_PERSON - {"stranger"}
OPERATORS = READERS - {"reader", "token-read"}
CONTRIBUTORS = frozenset({"contributor", "admin"})
ADMINS = frozenset({"admin"})
MACHINES = frozenset({"machine", "machine-foreign"})
OWN_MACHINE = frozenset({"machine"})

# Operation: who may. A new operation needs a line here, and somebody who has thought about it.
ALLOWED: dict[str, frozenset[str]] = {
    "GET /ca": EVERYBODY,
    "POST /sessions": EVERYBODY,
    "DELETE /sessions/current": ANY_PERSON,
    "GET /first-steps": ANY_PERSON,
    "GET /me": ANY_PERSON,
    "PATCH /me": WHOLE,
    "PUT /me/password": WHOLE,
    "POST /me/pin": WHOLE,
    "GET /me/tokens": ANY_PERSON,
    "POST /me/tokens": WHOLE,
    "DELETE /me/tokens/{token_id}": WHOLE,
    "GET /accounts": ADMINS,
    "POST /accounts": ADMINS,
    "GET /accounts/{name}": ADMINS,
    "PATCH /accounts/{name}": ADMINS,
    "GET /accounts/{name}/grants": ADMINS,
    "DELETE /accounts/{name}": ADMINS,
    "GET /vaults": ANY_PERSON,
    "POST /vaults": ADMINS,
    "GET /vaults/{vault}": READERS,
    "PATCH /vaults/{vault}": CONTRIBUTORS,
    "DELETE /vaults/{vault}": ADMINS,
    "POST /vaults/{vault}/undelete": OPERATORS,
    "GET /vaults/{vault}/grants": CONTRIBUTORS,
    "PUT /vaults/{vault}/grants/{account}": ADMINS,
    "DELETE /vaults/{vault}/grants/{account}": ADMINS,
    "POST /vaults/{vault}/credentials": OPERATORS,
    "GET /approvals": ANY_PERSON,
    "POST /approvals": READERS,
    "GET /approvals/{approval_id}": READERS,
    "POST /approvals/{approval_id}/decision": CONTRIBUTORS,
    "GET /audit": CONTRIBUTORS,
    "POST /register": EVERYBODY,
    "POST /register/check": EVERYBODY,
    "POST /agent/heartbeat": MACHINES,
    "GET /agent/commands": MACHINES,
    "POST /agent/commands/{number}/taken": OWN_MACHINE,
    "PUT /agent/jobs/{job_id}": OWN_MACHINE,
    "POST /agent/leases": MACHINES,
    "POST /agent/leases/{lease_id}/prolong": OWN_MACHINE,
    "DELETE /agent/leases/{lease_id}": OWN_MACHINE,
    "PUT /agent/key": MACHINES,
    "POST /agent/certificate": MACHINES,
    "POST /agent/unregister": MACHINES,
    "GET /agent/readable": MACHINES,
    "GET /agent/assignments": MACHINES,
    "PUT /agent/points": MACHINES,
    "GET /jobs": ANY_PERSON,
    "GET /jobs/{job_id}": READERS,
    "GET /jobs/{job_id}/lines": READERS,
    "POST /machines/{machine_id}/jobs": OPERATORS,
    "POST /jobs/{job_id}/cancel": OPERATORS,
    "POST /jobs/{job_id}/retry": OPERATORS,
    "GET /machines": ANY_PERSON,
    "GET /machines/{machine_id}": READERS,
    "PATCH /machines/{machine_id}": OPERATORS,
    "PATCH /machines/{machine_id}/limits": CONTRIBUTORS,
    "POST /machines/{machine_id}/revoke": OPERATORS,
    "POST /machines/{machine_id}/unregister": CONTRIBUTORS,
    "POST /machines/{machine_id}/undelete": OPERATORS,
    "POST /machines/{machine_id}/reset-key": CONTRIBUTORS,
    "POST /machines/{machine_id}/readers": OPERATORS,
    "GET /machines/{machine_id}/readers": READERS,
    "DELETE /machines/{machine_id}/readers/{grant_id}": OPERATORS,
    "GET /vaults/{vault}/policies": READERS,
    "POST /vaults/{vault}/policies": CONTRIBUTORS,
    "POST /vaults/{vault}/policies/trial": READERS,
    "GET /vaults/{vault}/policies/proposal": READERS,
    "GET /policies/{policy_id}": READERS,
    "PUT /policies/{policy_id}": CONTRIBUTORS,
    "DELETE /policies/{policy_id}": CONTRIBUTORS,
    "POST /policies/{policy_id}/preview": READERS,
    "GET /assignments": ANY_PERSON,
    "GET /assignments/{assignment_id}": READERS,
    "PATCH /assignments/{assignment_id}": CONTRIBUTORS,
    "DELETE /assignments/{assignment_id}": CONTRIBUTORS,
    "POST /machines/{machine_id}/assignments": CONTRIBUTORS,
    "POST /machines/{machine_id}/assignments/preview": READERS,
    "GET /machines/{machine_id}/points": READERS,
    "GET /machines/{machine_id}/points/{point_id}": READERS,
    # Names of files are content: who may not restore does not see them.
    "GET /machines/{machine_id}/points/{point_id}/files": OPERATORS,
    "GET /machines/{machine_id}/points/{point_id}/content": OPERATORS,
    "GET /machines/{machine_id}/points/{point_id}/search": OPERATORS,
    "POST /machines/{machine_id}/points/{point_id}/weight": OPERATORS,
    "GET /machines/{machine_id}/points/{point_id}/volumes": OPERATORS,
    "GET /machines/{machine_id}/points/{point_id}/inside": OPERATORS,
    "GET /machines/{machine_id}/points/{point_id}/inside/search": OPERATORS,
    "GET /machines/{machine_id}/points/{point_id}/inside/content": OPERATORS,
    "POST /machines/{machine_id}/unlocks": OPERATORS,
    "GET /machines/{machine_id}/unlocks": OPERATORS,
    "DELETE /machines/{machine_id}/unlocks/{unlock_id}": OPERATORS,
    "POST /machines/{machine_id}/restores": OPERATORS,
    "POST /machines/{machine_id}/inside-restores": OPERATORS,
    "POST /machines/{machine_id}/vm-restores": OPERATORS,
    "POST /machines/{machine_id}/vm-restores/plan": OPERATORS,
    "POST /agent/questions/{question_id}/answer": MACHINES,
    "POST /agent/keys/{ticket}": OWN_MACHINE,
    "GET /points": ANY_PERSON,
    "GET /points/calendar": ANY_PERSON,
    "PUT /agent/vms": MACHINES,
    "GET /machines/{machine_id}/vms": READERS,
    "GET /machines/{machine_id}/vms/{uuid}": READERS,
    "GET /vms": ANY_PERSON,
    "GET /reports/weekly": ANY_PERSON,
    "GET /reports/weekly/page": ANY_PERSON,
    "GET /reports/weekly/text": ANY_PERSON,
    "GET /reports/capacity": ANY_PERSON,
    "GET /reports/capacity/page": ANY_PERSON,
    "GET /reports/capacity/text": ANY_PERSON,
    "GET /reports/kept": ANY_PERSON,
    "POST /reports/kept": OPERATORS,
    "GET /reports/kept/{report_id}/page": READERS,
    "DELETE /reports/kept/{report_id}": CONTRIBUTORS,
    "GET /sites": ANY_PERSON,
    "POST /sites": CONTRIBUTORS,
    "GET /sites/{site}": READERS,
    "GET /sites/{site}/replicas": READERS,
    "DELETE /sites/{site}": CONTRIBUTORS,
    "PUT /agent/site": OWN_MACHINE,
    "GET /replications": ANY_PERSON,
    "GET /replications/{replication_id}": READERS,
    "GET /replications/{replication_id}/history": READERS,
    "PATCH /replications/{replication_id}": OPERATORS,
    "DELETE /replications/{replication_id}": CONTRIBUTORS,
    "GET /agent/replication": MACHINES,
    "POST /agent/replications/wanted": OWN_MACHINE,
    "PUT /agent/replications": MACHINES,
    "POST /agent/replications/ended": MACHINES,
    "GET /recovery": ANY_PERSON,
    "GET /recovery/{vm}": READERS,
    "GET /recovery/{vm}/acts": READERS,
    "GET /recovery/{vm}/points": READERS,
    "GET /recovery-checks/{job}": READERS,
    "POST /recovery/{vm}/{act}": OPERATORS,
    "GET /replication-topology": ANY_PERSON,
    "GET /drills": ANY_PERSON,
    "GET /drill-runs": ANY_PERSON,
    "GET /drill-runs/{run}": READERS,
    "GET /drill-runs/{run}/report": READERS,
    "GET /drill-runs/{run}/picture": READERS,
    "GET /agent/drill-runs": MACHINES,
    "PUT /agent/drill-runs": MACHINES,
    "PUT /agent/recovery": MACHINES,
    "PUT /vaults/{vault}/recovery-plans": CONTRIBUTORS,
    "POST /vaults/{vault}/recovery-plans/check": READERS,
    "GET /recovery-plans": ANY_PERSON,
    "GET /recovery-plans/{plan_id}/picture": READERS,
    "GET /recovery-plan-runs": ANY_PERSON,
    "GET /recovery-plan-runs/{job_id}": READERS,
    "GET /recovery-plan-runs/{job_id}/report": READERS,
    "GET /recovery-plans/{plan_id}": READERS,
    "POST /recovery-plans/{plan_id}/runs": OPERATORS,
    "POST /recovery-plan-runs/{job_id}/answers": OPERATORS,
    "POST /recovery-plan-runs/{job_id}/resume": OPERATORS,
    "DELETE /recovery-plans/{plan_id}": CONTRIBUTORS,
    "GET /vaults/{vault}/trash": READERS,
    "GET /machines/{machine_id}/trash": READERS,
    "POST /machines/{machine_id}/trash/undelete": OPERATORS,
    "GET /machines/{machine_id}/scrub": READERS,
    "GET /overview": ANY_PERSON,
    "GET /safety": ANY_PERSON,
    "GET /problems": ANY_PERSON,
    "GET /problems/{problem_id}": READERS,
    "GET /alerts": ANY_PERSON,
    "GET /alerts/{alert_id}": READERS,
    "POST /alerts/{alert_id}/close": OPERATORS,
    "GET /alert-targets": ANY_PERSON,
    "POST /alert-targets": CONTRIBUTORS,
    "DELETE /alert-targets/{target_id}": CONTRIBUTORS,
    "POST /alert-targets/{target_id}/test": OPERATORS,
    "GET /alert-suppressions": ANY_PERSON,
    "POST /alert-suppressions": OPERATORS,
    "DELETE /alert-suppressions/{rule_id}": OPERATORS,
    # Nothing of the server is in the answers.
    "GET /doctor/explanations": ANY_PERSON,
    "POST /doctor/diagnoses": ANY_PERSON,
}
# What somebody is told who may, but has not done all that is asked of them, or asks too early.
_LET_THROUGH = {
    "pin-needed",
    "login-refused",
    "password-wrong",
    "credentials-unknown",
    "alert-target-unreachable",
    "vault-in-use",
    "policy-attached",
    "vault-cannot-come-back",
    "plan-still-runs",
    "nothing-to-diagnose",
    "machine-not-listening",
}
_REFUSED = (401, 403, 404)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """In each kind of database: who may do what is a question to it more often than not."""
    url = None
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres")
        assert isinstance(server, Postgres)
        url = server.new_database()
    made = World(tmp_path_factory.mktemp("world"), url)
    yield made
    made.plane.database.close()


def _operations(tmp_path: Path) -> set[str]:
    plane = make_plane(tmp_path)
    paths = make_app(plane).openapi()["paths"]
    plane.database.close()
    return {
        f"{method.upper()} {path.removeprefix(PREFIX)}"
        for path, described in paths.items()
        for method in described
        if method in _METHODS
    }


def test_the_table_knows_every_operation_and_no_other(tmp_path: Path) -> None:
    assert _operations(tmp_path) == set(ALLOWED)


@pytest.mark.parametrize("operation", ALLOWED)
def test_an_operation_is_for_those_in_the_table(world: World, operation: str) -> None:
    refused_to, odd = {}, {}

    for caller in CALLERS:
        answer = _ask(world, caller, operation)
        code = answer.json()["code"] if answer.status_code >= 400 else ""
        if code and answer.status_code in _REFUSED and code not in _LET_THROUGH:
            refused_to[caller] = code
            assert answer.headers["content-type"] == MEDIA_TYPE
        elif code and code not in _LET_THROUGH:
            odd[caller] = answer.json()

    assert set(refused_to) == set(CALLERS) - ALLOWED[operation], str(refused_to)
    assert odd == {}, "an answer that says nothing about who may"


def test_lists_hold_nothing_of_a_vault_one_has_no_role_in(world: World) -> None:
    lists = (
        *("/machines", "/jobs", "/assignments", "/approvals", "/alerts"),
        *("/sites", "/replications", "/recovery", "/points", "/vms", "/safety"),
        "/reports/kept",
    )
    client = world.client("stranger")

    found = {path: client.get(PREFIX + path).json()["items"] for path in lists}
    vaults = [one["id"] for one in client.get(f"{PREFIX}/vaults").json()["items"]]
    rules = [
        client.get(f"{PREFIX}/{path}").json() for path in ("alert-targets", "alert-suppressions")
    ]

    assert {one["vault_id"] for items in found.values() for one in items} <= {world.other_vault}
    assert vaults == [world.other_vault]
    assert rules == [[], []]


def _ask(world: World, caller: str, operation: str) -> Any:
    method, _space, path = operation.partition(" ")
    things = world.things(caller)
    for name, other in _OTHERS.get(operation, {}).items():
        things = {**things, name: things[other]}
    client = (world.spare_client if operation in _ENDING else world.client)(caller)
    body = _body(operation, things)
    return client.request(
        method,
        PREFIX + path.format_map(things),
        params=_params(world, operation),
        json=body,
    )


def _params(world: World, operation: str) -> dict[str, str] | None:
    return {
        "GET /audit": {"vault": world.vault},
        "GET /doctor/explanations": {"code": "151076"},
        "GET /machines/{machine_id}/points/{point_id}/content": {"path": "/srv/passwd"},
        "GET /machines/{machine_id}/points/{point_id}/search": {"text": "passwd"},
        "GET /machines/{machine_id}/points/{point_id}/inside/search": {"text": "passwd"},
        "GET /machines/{machine_id}/points/{point_id}/inside/content": {"path": "vda1/etc/passwd"},
    }.get(operation)


# What ends the caller's own way in.
_ENDING = {"DELETE /sessions/current", "POST /agent/unregister"}
# Where the usual thing will not do, or is still needed by the operations behind.
_OTHERS = {
    "POST /jobs/{job_id}/retry": {"job_id": "ended_job"},
    "PUT /agent/jobs/{job_id}": {"job_id": "own_job"},
    "POST /machines/{machine_id}/revoke": {"machine_id": "leaving"},
    "POST /machines/{machine_id}/unregister": {"machine_id": "leaving"},
    "DELETE /alert-targets/{target_id}": {"target_id": "useless_target"},
    "DELETE /sites/{site}": {"site": "spare"},
    "DELETE /replications/{replication_id}": {"replication_id": "spare_replication"},
    "GET /recovery-plan-runs/{job_id}": {"job_id": "run_id"},
    "GET /recovery-plan-runs/{job_id}/report": {"job_id": "run_id"},
    "POST /recovery-plan-runs/{job_id}/answers": {"job_id": "run_id"},
    "POST /recovery-plan-runs/{job_id}/resume": {"job_id": "run_id"},
}
_AT = "2026-01-01T12:00:00Z"


def _body(operation: str, things: dict[str, str]) -> Any:
    """A request that nothing stands against but who sends it."""
    policy = {**policy_body(propose()), "name": f"of {things['name']}"}
    shown = {"credentials_id": "none", "secret": "none", "vault_id": things["vault"]}
    bodies: dict[str, Any] = {
        "POST /sessions": {"name": "nobody", "password": PASSWORD},
        # The right one would end the caller's other sessions.
        "PUT /me/password": {"old": "wrong", "new": PASSWORD},
        "POST /me/pin": {"password": PASSWORD},
        "POST /me/tokens": {"name": "program"},
        "POST /accounts": {"name": f"new-{things['name']}", "password": PASSWORD},
        "PATCH /me": {"lang": "ko"},
        "PATCH /accounts/{name}": {"lang": "ko"},
        "POST /reports/kept": {
            "vault": things["vault"],
            "title": f"plan of {things['name']}",
            "page": "<!doctype html>",
            "made_at": _AT,
        },
        "POST /vaults": {
            "name": f"new-{things['name']}",
            "location": f"memory:{things['name']}",
            "is_lab": True,
        },
        "PATCH /vaults/{vault}": {"machine_limit": 1000},
        "PUT /vaults/{vault}/grants/{account}": {"role": "reader"},
        "POST /approvals": {"vault": things["vault"], "act": "vault-delete", "request": {}},
        "POST /approvals/{approval_id}/decision": {"approve": True},
        "POST /agent/heartbeat": {
            "at": _AT,
            "name": "alpha",
            "agent_version": "1",
            "facts": {},
            "running": [],
            "assignments_etag": "",
        },
        "PUT /agent/jobs/{job_id}": {
            "number": 1,
            "kind": "check",
            "origin": "schedule",
            "source": "s",
            "state": "running",
            "created_at": _AT,
        },
        "POST /agent/leases": {"kind": "prune", "seconds": 60},
        "POST /agent/leases/{lease_id}/prolong": {"seconds": 60},
        "POST /machines/{machine_id}/jobs": {"kind": "check"},
        "POST /register": {
            **shown,
            "csr": things["csr"],
            "name": "alpha",
            "agent_version": "1",
        },
        "POST /register/check": shown,
        "PUT /agent/key": {"key_fingerprint": "a" * 64},
        "POST /agent/certificate": {"csr": make_csr(make_key())},
        "PATCH /machines/{machine_id}": {"name": "renamed"},
        "PATCH /machines/{machine_id}/limits": {"limit_rate": 0},
        "POST /machines/{machine_id}/unregister": {"delete_data": False},
        "POST /machines/{machine_id}/readers": {"reader": things["reader"], "hours": 1},
        "POST /machines/{machine_id}/points/{point_id}/weight": {"paths": ["/srv"]},
        "POST /machines/{machine_id}/unlocks": {
            "reader": things["reader"],
            "passphrase": PASSWORD,
        },
        "POST /machines/{machine_id}/restores": {"point": things["point_id"], "to": "/back"},
        "POST /machines/{machine_id}/inside-restores": {
            "point": things["point_id"],
            "path": "vda1/etc",
            "to": "/back",
        },
        "POST /machines/{machine_id}/vm-restores": {"point": things["point_id"], "vm": "db"},
        "POST /machines/{machine_id}/vm-restores/plan": {"point": things["point_id"], "vm": "db"},
        "POST /agent/questions/{question_id}/answer": {"result": {}},
        "POST /vaults/{vault}/policies": {**policy, "name": f"new {things['name']}"},
        "PUT /policies/{policy_id}": policy,
        "POST /policies/{policy_id}/preview": policy,
        "POST /vaults/{vault}/policies/trial": policy,
        "PATCH /assignments/{assignment_id}": {"is_paused": True},
        "POST /machines/{machine_id}/assignments": {
            "policy": things["policy_id"],
            "paths": ["/other"],
        },
        "POST /machines/{machine_id}/assignments/preview": {"paths": ["/srv"], "body": policy},
        "POST /sites": {
            "name": f"new-{things['name']}",
            "machine": things["free"],
            "folder": "/srv/replicas",
        },
        "PUT /agent/site": {"site": "alpha-site", "replicas": []},
        "POST /agent/replications/wanted": {"vm": "u", "name": "db", "site": "alpha-site"},
        "PUT /agent/replications": {"at": _AT, "here": [], "changed": []},
        "POST /agent/replications/ended": {
            "vm": "none",
            "site": "none",
            "keep_replica": True,
            "is_gone_at_site": False,
        },
        "PATCH /replications/{replication_id}": {"every": "5m"},
        "POST /recovery/{vm}/{act}": {},
        "PUT /agent/recovery": {"at": _AT, "records": []},
        "PUT /agent/drill-runs": drill_run(99, things["vm"]),
        "POST /vaults/{vault}/recovery-plans/check": {"text": plan_text(things["vm"])},
        "PUT /vaults/{vault}/recovery-plans": {"text": plan_text(things["vm"])},
        "POST /recovery-plans/{plan_id}/runs": {"act": "test"},
        "POST /recovery-plan-runs/{job_id}/answers": {"step": "none", "decision": "yes"},
        "PUT /agent/points": {"points": []},
        "PUT /agent/vms": {"vms": []},
        "POST /machines/{machine_id}/trash/undelete": {},
        "POST /alert-targets": {
            "name": f"new {things['name']}",
            "url": "json://127.0.0.1:9/",
            "vault": things["vault"],
        },
        "POST /alert-suppressions": {"reason": "works", "vault": things["vault"]},
    }
    return bodies.get(operation)
