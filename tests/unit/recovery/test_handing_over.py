"""Why a source does not hand its machine over yet, in words that help."""

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from holdfast.recovery.handing_over import HandingOver
from holdfast.recovery.source_errors import SourceNotReady
from holdfast.recovery.source_notes import NotesFile
from holdfast.replication.resync import Because
from holdfast.replication.site_orders import OrderKind, SiteOrder
from holdfast.replication.source_facts import Generation, Sent
from holdfast.replication.status import State
from holdfast.testing.clock import FakeClock

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SHIPPED = Sent(site="south", acked=Generation(name="g", taken_at=NOON, disks=()))


def refused(tmp_path: Path, *, sent: Sent, state: State = State.REPLICATING) -> str:
    domain = SimpleNamespace(
        name="web", uuid="vm", is_active=lambda: True, is_persistent=lambda: True
    )
    loop: Any = SimpleNamespace(
        find=lambda: domain,
        sent=lambda: sent,
        settings=SimpleNamespace(paused=None),
        state=state,
        on_step=lambda _step: None,
    )
    handing = HandingOver(
        loop,
        NotesFile(tmp_path),
        FakeClock(),
        home=str(tmp_path),
        keep=lambda _fence: None,
        kept=lambda: None,
    )
    with pytest.raises(SourceNotReady) as caught:
        handing.catch_up(SiteOrder(kind=OrderKind.CATCH_UP, act="one"))
    return str(caught.value)


def test_a_machine_that_is_to_be_compared_first_says_why(tmp_path: Path) -> None:
    """As after the death of its QEMU, which its state does not tell."""
    said = refused(tmp_path, sent=SHIPPED.must(Because.SITE_WRITTEN, NOON))

    assert "has to be compared" in said
    assert "something has written to the replica" in said
    assert State.REPLICATING.value not in said


def test_one_that_stands_still_says_in_words_how_it_stands(tmp_path: Path) -> None:
    said = refused(tmp_path, sent=SHIPPED, state=State.HOST_NOT_REGISTERED)

    assert said.endswith("host not registered")


def test_one_that_was_never_copied_says_so(tmp_path: Path) -> None:
    assert refused(tmp_path, sent=Sent(site="south")).endswith("its site has nothing of it yet")
