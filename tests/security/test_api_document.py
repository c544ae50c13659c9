"""The API against its own document: whatever the document permits, and some that it does not."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, reject, settings
from hypothesis import strategies as st
from schemathesis import checks
from schemathesis.generation import GenerationMode

from holdfast.server.application import PREFIX
from holdfast.server.problems import MEDIA_TYPE
from tests.security.test_role_matrix import ALLOWED, MACHINES
from tests.security.world import World

_CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
# They would end what all others need: the caller's session, certificate or vault.
_LAST = ("DELETE /sessions/current", "POST /agent/unregister", "PUT /me/password")
_WITHOUT = ("GET", "DELETE")
# The last is read as a number without an end.
_NOT_WRITABLE = [
    b'{"name": "\\ud800"}',
    b'{"name": "\\u0000"}',
    b'{"name": NaN}',
    b'{"name": -1e999}',
    b'{"name": 1%b.0}' % (b"0" * 400),
]
_OPERATIONS = [operation for operation in ALLOWED if operation not in _LAST]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("world"))
    yield made
    made.plane.database.close()


@pytest.fixture(scope="module")
def schema(world: World) -> Any:
    return schemathesis.openapi.from_dict(world.app.openapi())


@pytest.mark.slow
@pytest.mark.parametrize("operation", _OPERATIONS)
def test_every_answer_is_one_the_document_promises(
    world: World, schema: Any, operation: str
) -> None:
    method, _space, path = operation.partition(" ")
    described = schema[PREFIX + path][method]
    caller = "machine" if ALLOWED[operation] <= MACHINES else "admin"
    client = world.client(caller)

    @settings(
        max_examples=max(10, settings().max_examples // 8),
        phases=[Phase.generate],
        derandomize=settings().derandomize,
        suppress_health_check=list(HealthCheck),
        deadline=None,
    )
    @given(
        case=st.one_of(
            described.as_strategy(),
            described.as_strategy(generation_mode=GenerationMode.NEGATIVE),
        ),
        is_there=st.booleans(),
    )
    def holds(case: Any, is_there: bool) -> None:
        if is_there:
            case.path_parameters = _known(case.path_parameters, world.things(caller))
        try:
            answer = client.request(**_request(case, world.plane.address))
        except httpx.InvalidURL:
            reject()  # so long that our client sends it nowhere

        # Nobody answers for the machines here: that is no fault of the server.
        if answer.status_code != 503 or answer.json()["code"] != "machine-not-listening":
            case.validate_response(answer, checks=_CHECKS)
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == MEDIA_TYPE
            assert answer.json()["code"]

    holds()


@pytest.mark.parametrize("operation", [one for one in ALLOWED if not one.startswith(_WITHOUT)])
@pytest.mark.parametrize("text", _NOT_WRITABLE, ids=range(len(_NOT_WRITABLE)))
def test_what_cannot_be_written_is_refused_everywhere(
    world: World, schema: Any, operation: str, text: bytes
) -> None:
    method, _space, path = operation.partition(" ")
    if "requestBody" not in schema[PREFIX + path][method].definition.raw:
        return
    caller = "machine" if ALLOWED[operation] <= MACHINES else "admin"

    answer = world.client(caller).request(
        method,
        PREFIX + path.format_map(world.things(caller)),
        content=text,
        headers={"Content-Type": "application/json"},
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "request-malformed")


def _request(case: Any, address: str) -> dict[str, Any]:
    """In the words of our client."""
    sent = case.as_transport_kwargs(base_url=address)
    sent.pop("cookies", None)
    if isinstance(sent.get("data"), (bytes, str)):
        sent["content"] = sent.pop("data")
    if "wait" in (sent.get("params") or {}):
        # It would be waited for.
        sent["params"]["wait"] = "0"
    return dict(sent)


def _known(asked: Any, things: dict[str, str]) -> dict[str, Any]:
    """Things that are there, in place of such as can hardly be."""
    return {name: things.get(name, value) for name, value in (asked or {}).items()}
