"""What the page for two hosts tells people to type, typed at two hosts: to a drill, and the day."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.base.errors import Exit
from holdfast.testing.guest_image import guest_image
from holdfast.testing.guests import Guest
from holdfast.testing.typed import play, read_page
from holdfast.testing.waiting import wait_until
from tests.e2e.bare_hosts import BareHosts, bare_hosts
from tools import debian_package

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "howto" / "two-hosts.md"
DEPENDENCIES = ROOT / ".work" / "packaged" / "tree"
NOT_TYPED = {
    "./run package": "it may fetch what the package is made of; the same is built here instead",
}
# A minute, says the page, of a clock that is looked at now and then.
SILENCE = 180.0
# On a busy machine the replica may well be further behind than is good.
LATE = ("holdfast drill run", "holdfast replication list")

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a host"),
    pytest.mark.skipif(not DEPENDENCIES.exists(), reason="./run package brings the dependencies"),
]


@pytest.fixture
def ground() -> Iterator[BareHosts]:
    """North runs a machine; of ours there is nothing yet but a package that was built at south."""
    guest_image()
    with bare_hosts() as ground:
        north, south = ground.hosts
        debian_package.build(DEPENDENCIES, south.folder / "clone" / "dist", compression="none")
        guest = Guest(north, "web")
        try:
            guest.start()
            yield ground
        finally:
            guest.remove()


def test_each_step_of_the_page(ground: BareHosts) -> None:
    *steps, day = [step for step in read_page(PAGE) if step.typed not in NOT_TYPED]
    north, south = ground.hosts
    clone = south.folder / "clone"

    with ground.typing(south, clone) as shell:
        play(steps, {"": shell}, warned=LATE)
        told = shell.heard(0)
        north.cut_power()
        wait_until(lambda: shell.type(day.typed)[0] != Exit.DECIDE, within=SILENCE)

    assert "Drill of web: passed" in told
    assert len([*clone.glob("drill-web-*.html")]) == 1
    assert day.typed.startswith("holdfast failover")
    assert south.run("virsh", "domstate", "web").strip() == "running"


def test_what_is_not_typed_stands_on_the_page_still() -> None:
    typed = [step.typed for step in read_page(PAGE)]

    assert [typed.count(one) for one in NOT_TYPED] == [1]
