"""A machine that is started while it is compared: looked at again in a moment, and no failure."""

from types import SimpleNamespace
from typing import Any

import pytest

from holdfast.disks.errors import ImageInUse
from holdfast.machines.backup_errors import VmStarted
from holdfast.replication import source_advance
from holdfast.replication.generations import Move


def _in_use(*_given: object, **_more: object) -> Any:
    raise ImageInUse(image="/images/vda.qcow2")


@pytest.mark.parametrize("move", [Move.SLICE, Move.WALK])
@pytest.mark.parametrize(("is_started", "error"), [(True, VmStarted), (False, ImageInUse)])
def test_who_has_the_images_open_is_asked(
    monkeypatch: pytest.MonkeyPatch, move: Move, *, is_started: bool, error: type[Exception]
) -> None:
    # Off at the first look; then as it is.
    seen = iter([False, is_started])
    job: Any = SimpleNamespace(
        uuid="web",
        domain=SimpleNamespace(name="web", is_active=lambda: next(seen)),
        receiver=SimpleNamespace(state=lambda _vm: None),
    )
    found: Any = SimpleNamespace(
        waiting=(),
        walk=SimpleNamespace(base=None),
        sent=SimpleNamespace(must_walk="asked", acked=None),
    )
    monkeypatch.setattr(source_advance, "next_move", lambda *_, **__: move)
    monkeypatch.setattr(source_advance, "look_at", _in_use)

    with pytest.raises(error):
        source_advance.advance_held(job, found, may_walk=True)
