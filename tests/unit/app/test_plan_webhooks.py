"""A webhook is told the context, shown who asks, and judged by its answer."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.app.config import Settings
from holdfast.app.plan_acts import tell_webhook
from holdfast.app.plan_hands import Task
from holdfast.app.wiring import Session
from holdfast.recovery.plans.plan import Action, ActionKind
from holdfast.recovery.plans.plan_errors import WebhookRefused, WebhookSilent
from holdfast.recovery.plans.steps import Doing
from tests.unit.app.webhooks import Hook, listening_hook


@pytest.fixture
def address() -> Iterator[str]:
    with listening_hook() as found:
        yield found


def session() -> Session:
    return Session(settings=Settings(home="/nowhere"), warn=print)


def task(address: str, token_file: str = "") -> Task:
    action = Action(name="up", kind=ActionKind.WEBHOOK, does=address, token_file=token_file)
    return Task(run="r1", step="g/post-1", doing=Doing.ACTION, action=action, timeout=60)


def test_it_is_told_the_same_key_each_time(address: str, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("secret\n")

    for _each in range(2):
        tell_webhook(session(), task(f"{address}/good", str(token)), b"{}")

    headers, bodies = zip(*Hook.heard, strict=True)
    assert [one["Idempotency-Key"] for one in headers] == ["r1/g/post-1"] * 2
    assert {one["Authorization"] for one in headers} == {"Bearer secret"}
    assert bodies == ({}, {})


def test_an_answer_that_is_no_yes_is_a_failure(address: str) -> None:
    with pytest.raises(WebhookRefused):
        tell_webhook(session(), task(f"{address}/bad"), b"{}")


def test_nobody_there_is_a_failure_too(tmp_path: Path) -> None:
    with pytest.raises(WebhookSilent):
        tell_webhook(session(), task("http://127.0.0.1:9/"), b"{}")
    with pytest.raises(WebhookSilent):
        tell_webhook(session(), task("http://127.0.0.1:9/", str(tmp_path / "none")), b"{}")
