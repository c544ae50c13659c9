"""Images of a promoted machine: they are there whole, or as they were."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from holdfast.disks import images
from holdfast.recovery.promotion_images import make_overlays
from holdfast.recovery.record import Promoted, PromotedDisk

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def promoted(tmp_path: Path) -> Promoted:
    disk = PromotedDisk(target="vda", path=str(tmp_path / "vda.qcow2"), below="/layer")
    return Promoted(
        generation="g",
        taken_at=NOON,
        name="web",
        uuid="6f1c9a04-b2d8-4e35-9c41-41d2aa000002",
        folder=str(tmp_path),
        disks=(disk,),
    )


def test_an_image_that_is_made_anew_when_the_power_goes_is_still_one(
    promoted: Promoted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is looked at before it is made anew: half of one would be in the way for ever."""

    def creates(path: Path, *_given: Any, **_named: Any) -> None:
        path.write_bytes(b"whole")

    def dies(path: Path, *_given: Any, **_named: Any) -> None:
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(images, "create", creates)
    make_overlays(promoted, {"vda": 1})
    monkeypatch.setattr(images, "create", dies)
    with pytest.raises(KeyboardInterrupt):
        make_overlays(promoted, {"vda": 1})
    left = Path(promoted.disks[0].path).read_bytes()
    monkeypatch.setattr(images, "create", creates)
    make_overlays(promoted, {"vda": 1})

    assert left == b"whole"
    assert [path.name for path in Path(promoted.folder).iterdir()] == ["vda.qcow2"]
