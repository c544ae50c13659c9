"""Codes that people meet in lists have words, in both languages; the codes stay beside them."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import holdfast
from holdfast.app.control.registration import _ACTS as REGISTERED
from holdfast.app.control.step_errors import ApprovalOwn
from holdfast.base.texts import speaking
from holdfast.fleet.alerts import KINDS, kind_shown, kind_text
from holdfast.fleet.audit_acts import ACTS, REFUSED, act_shown, act_text
from holdfast.fleet.roles import Right

SOURCE = Path(holdfast.__file__).parent
# Where acts are noted, and refused.
NOTING = (SOURCE / "app" / "control", SOURCE / "server")
# What notes an act of its own, and what a refusal says of one.
_NOTES, _STEP_UP, _REFUSAL = ("note", "_note", "_noted"), "require_step_up", "NotAllowed"


def _calls() -> Iterator[tuple[str, ast.Call]]:
    for folder in NOTING:
        for file in folder.rglob("*.py"):
            for one in ast.walk(ast.parse(file.read_text())):
                if isinstance(one, ast.Call):
                    yield ast.unparse(one.func).rpartition(".")[2], one


def _texts(node: ast.expr) -> Iterator[str]:
    """Of a text, or of two to choose from."""
    for one in (node.body, node.orelse) if isinstance(node, ast.IfExp) else (node,):
        if isinstance(one, ast.Constant) and isinstance(one.value, str):
            yield one.value


def _keyword(call: ast.Call, name: str) -> Iterator[str]:
    return (text for one in call.keywords if one.arg == name for text in _texts(one.value))


def _noted() -> set[str]:
    found = set(REGISTERED.values())
    for name, call in _calls():
        if name in _NOTES:
            found.update(_keyword(call, "act"))
        if name == _STEP_UP:
            found.update(text for one in call.args for text in _texts(one))
    for folder in NOTING:
        for file in folder.rglob("*.py"):
            found.update(_constants(ast.parse(file.read_text())))
    return found


def _constants(module: ast.Module) -> Iterator[str]:
    """An act that several use: `ACT = "..."`."""
    for one in module.body:
        if isinstance(one, ast.Assign) and ast.unparse(one.targets[0]) == "ACT":
            yield from _texts(one.value)


def _refused() -> set[str]:
    found = {one.value for one in Right} | {ApprovalOwn.code}
    for name, call in _calls():
        if name == _REFUSAL:
            found.update(_keyword(call, "right"))
    return found


def test_every_act_that_is_noted_has_words() -> None:
    noted = _noted()

    assert noted - ACTS.keys() == set()
    # Words of an act that nobody notes any more are kept: the log has it still.
    assert {"vault-delete", "machine-register", "retention-shorten"} <= noted


def test_whatever_is_refused_has_words() -> None:
    assert _refused() - ACTS.keys() - REFUSED.keys() == set()


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_no_two_kinds_or_acts_are_called_the_same(lang: str) -> None:
    with speaking(lang):
        kinds, acts = [kind_text(one) for one in KINDS], [act_text(one) for one in ACTS]

    assert len(set(kinds)) == len(KINDS)
    assert len(set(acts)) == len(ACTS)


def test_korean_has_them_all() -> None:
    texts = {**{name: one.words for name, one in KINDS.items()}, **ACTS, **REFUSED}
    with speaking("ko"):
        found = {
            **{name: kind_text(name) for name in KINDS},
            **{name: act_text(name) for name in (*ACTS, *REFUSED)},
        }

    assert [name for name, text in texts.items() if found[name] == text] == []


def test_the_code_stays_beside_the_words() -> None:
    assert kind_shown("backup-failed") == "Backup failed (backup-failed)"
    assert act_shown("vault-delete") == "Delete a vault (vault-delete)"
    assert act_shown("read-audit") == "Read the audit log (read-audit)"


def test_what_a_newer_server_has_is_shown_as_it_is() -> None:
    assert kind_shown("comet-seen") == kind_text("comet-seen") == "comet-seen"
    assert act_shown("comet-catch") == act_text("comet-catch") == "comet-catch"
