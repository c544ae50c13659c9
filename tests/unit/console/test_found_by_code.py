"""Alerts and the audit log are found by what they are called and by their code; exports hold the code."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from holdfast.app.control.alert_rules import AlertView
from holdfast.app.control.audit import Entry
from holdfast.app.control.sessions import who_am_i
from holdfast.base.texts import speaking
from holdfast.console.alerts_page import _alert_columns
from holdfast.console.audit_page import _columns as _audit_columns
from holdfast.console.tables import Rows, Wish, as_csv
from holdfast.console.visiting import Visit
from holdfast.testing.planes import add_admin, make_plane

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def visit(tmp_path: Path) -> Visit:
    plane = make_plane(tmp_path)
    ada = add_admin(plane)
    return Visit(
        plane=plane,
        secret=ada.token,
        address="",
        place="/ui/audit",
        actor=ada.actor,
        me=who_am_i(plane, ada.actor),
        lang="en",
        theme="light",
    )


def entry(act: str) -> Entry:
    about: dict[str, Any] = {"vault_id": None, "object": "", "outcome": "done", "detail": {}}
    return Entry(id=1, at=NOW, actor="person:ada", address="", act=act, **about)


def alert(kind: str) -> AlertView:
    return AlertView(
        id=kind,
        kind=kind,
        severity="error",
        sentence="",
        remedy="",
        vault_id=None,
        machine_id=None,
        fields={},
        first_at=NOW,
        last_at=NOW,
        count=1,
        closed_at=None,
        sent_at=None,
        is_silenced=False,
    )


@pytest.mark.parametrize(
    ("lang", "words"), [("en", "vault-delete"), ("en", "delete vault"), ("ko", "보관소 삭제")]
)
def test_an_act_is_found_by_its_words_and_by_its_code(visit: Visit, lang: str, words: str) -> None:
    with speaking(lang):
        rows = Rows([entry("vault-delete"), entry("login")], _audit_columns(visit))

        assert [one.act for one in rows.picked(Wish(words=words))] == ["vault-delete"]


@pytest.mark.parametrize(
    ("lang", "words"), [("en", "backup-failed"), ("en", "backup failed"), ("ko", "백업 실패")]
)
def test_a_kind_of_alert_is_found_by_its_words_and_by_its_code(
    visit: Visit, lang: str, words: str
) -> None:
    with speaking(lang):
        rows = Rows([alert("backup-failed"), alert("machine-silent")], _alert_columns(visit))

        assert [one.kind for one in rows.picked(Wish(words=words))] == ["backup-failed"]


def test_an_export_holds_the_code_alone(visit: Visit) -> None:
    with speaking("ko"):
        found = as_csv([entry("vault-delete")], _audit_columns(visit)).decode()

    assert ",vault-delete," in found
    assert "보관소 삭제" not in found
