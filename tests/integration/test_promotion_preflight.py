"""What would keep a machine from being started is found before anything is changed, with its remedy."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from holdfast.base.errors import HoldfastError
from holdfast.disks.images import links
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domain_identity import NetworkPlace
from holdfast.hypervisor.domain_xml import read_domain
from holdfast.hypervisor.domains import define_domain, list_domains, specs_of
from holdfast.recovery.networks import Because
from holdfast.recovery.promoting import Place, PromotionPlan, plan_promotion, promote
from holdfast.recovery.promotion_preflight import problems_of, require_promotable
from tests import machines_bench
from tests.promotion_bench import Replicated, replicated

pytestmark = machines_bench.MARKS
__all__ = ["replicated"]
MAC = "52:54:00:aa:bb:01"
NIC = f"""<interface type='network'><mac address='{MAC}'/><source network='prod'/>
<model type='virtio'/></interface>"""

VOLUME = """<disk type='volume' device='cdrom'><source pool='gone' volume='v'/>
<target dev='sdz' bus='scsi'/><readonly/></disk>"""

FILTERED = "<interface type='user'><filterref filter='gone'/></interface>"


@pytest.fixture
def place(replicated: Replicated) -> Iterator[Place]:
    yield replicated.place()
    for domain in list_domains(replicated.hypervisor):
        if domain.is_active():
            domain.destroy()
        domain.undefine(with_checkpoints=True)


@contextlib.contextmanager
def network(host: Host, name: str) -> Iterator[None]:
    """One that nothing leads out of."""
    with host.asking() as connection:
        made = connection.networkCreateXML(
            f"<network><name>{name}</name><bridge name='hf-{name}'/></network>"
        )
    try:
        yield
    finally:
        made.destroy()


def planned(
    replicated: Replicated, place: Place, old: str = "", new: str = "", **wish: Any
) -> PromotionPlan:
    """Of a point whose description was a little different."""
    vm = replicated.machine.uuid
    told = place.site.point_files(vm, replicated.newest) / "domain.xml"
    xml = told.read_text()
    assert old in xml
    told.write_text(xml.replace(old, new, 1))
    return plan_promotion(place, vm, replicated.wish(**wish))


def with_card(replicated: Replicated, place: Place, **wish: Any) -> PromotionPlan:
    return planned(replicated, place, "</devices>", f"{NIC}</devices>", **wish)


def codes(problems: tuple[HoldfastError, ...]) -> list[str]:
    for problem in problems:
        assert "{" not in str(problem) + problem.advice
    return [problem.code for problem in problems]


def test_where_all_is_well_nothing_is_found_and_nothing_is_left(
    replicated: Replicated, place: Place
) -> None:
    plan = planned(replicated, place)
    # Of no matter where QEMU runs as root.
    place.site.folder.parent.chmod(0o700)

    require_promotable(place, plan)

    assert list_domains(replicated.hypervisor) == []
    assert not Path(plan.promoted.folder).exists()


@pytest.mark.parametrize(
    ("old", "new", "code", "source"),
    [
        ("<memory unit='KiB'>16384", "<memory unit='TiB'>64", "failover-memory-short", "8038"),
        (
            "<vcpu",
            "<memoryBacking><hugepages><page size='1' unit='GiB'/></hugepages></memoryBacking><vcpu",
            "failover-huge-pages-short",
            "8038",
        ),
        ("machine='pc-q35", "machine='pc-q99", "failover-hardware-unknown", ""),
        ("<domain type='qemu'", "<domain type='xen'", "failover-hardware-unknown", ""),
        (
            "</devices>",
            f"{VOLUME}</devices>",
            "failover-pool-closed",
            "8061",
        ),
        ("</devices>", f"{FILTERED}</devices>", "failover-filter-missing", ""),
        ("<on_poweroff>destroy", "<on_poweroff>nonsense", "hypervisor-incapable", ""),
    ],
)
def test_what_this_host_cannot_give_is_named(
    replicated: Replicated, place: Place, old: str, new: str, code: str, source: str
) -> None:
    plan = planned(replicated, place)
    broken = replace(plan, description=_changed(plan.description, old, new))

    problems = problems_of(place, broken)

    assert code in codes(problems)
    found = next(each for each in problems if each.code == code)
    assert source in ("", *found.source_codes)
    assert problems_of(place, plan) == ()


def _changed(xml: str, old: str, new: str) -> str:
    """As libvirt writes attributes, or as we do."""
    for quoted_old, quoted_new in ((old, new), (old.replace("'", '"'), new.replace("'", '"'))):
        if quoted_old in xml:
            return xml.replace(quoted_old, quoted_new, 1)
    raise AssertionError(xml)


def test_names_and_ids_that_are_taken_are_named_with_three_ways_out(
    replicated: Replicated, place: Place
) -> None:
    plan = planned(replicated, place)
    other = "11111111-2222-4333-8444-555555555555"
    xml = replicated.machine.domain.xml(inactive=True)
    define_domain(replicated.hypervisor, xml.replace(replicated.machine.uuid, other))

    problems = problems_of(place, plan)

    assert codes(problems) == ["failover-name-taken"]
    assert problems[0].source_codes == ("78052",)
    assert all(way in problems[0].advice for way in ("--name", "another host", "--replace"))
    assert problems_of(place, planned(replicated, place, name="else")) == ()
    assert problems_of(place, planned(replicated, place, replaces="still")) == ()


def test_a_card_without_a_network_is_named_until_there_is_one(
    replicated: Replicated, place: Place
) -> None:
    plan = with_card(replicated, place)
    vm = replicated.machine.uuid

    problems = problems_of(place, plan)

    assert codes(problems) == ["failover-network-missing"]
    assert "--network prod=NEW" in problems[0].advice
    unplugged = plan_promotion(place, vm, replicated.wish(networks={"prod": None}))
    assert problems_of(place, unplugged) == ()
    wrong = replicated.wish(networks={MAC: NetworkPlace(name="nowhere")})
    assert codes(problems_of(place, plan_promotion(place, vm, wrong))) == [
        "failover-network-missing"
    ]
    with network(replicated.hypervisor, "beta"), network(replicated.hypervisor, "alpha"):
        mapped = plan_promotion(place, vm, replicated.wish())
        assert problems_of(place, mapped) == ()
        assert mapped.lines[0].because is Because.FIRST
        assert [nic.source for nic in read_domain(mapped.description).nics] == ["alpha"]
        assert any("prod" in each and "alpha" in each for each in mapped.warnings)
        with network(replicated.hypervisor, "prod"):
            same = plan_promotion(place, vm, replicated.wish())
            assert same.lines[0].because is Because.SAME_NAME


def test_an_unplugged_card_starts_and_stays_in_the_machine(
    replicated: Replicated, place: Place
) -> None:
    plan = with_card(replicated, place, networks={"prod": None})

    promote(place, plan)

    (domain,) = list_domains(replicated.hypervisor)
    (nic,) = domain.spec().nics
    assert (nic.mac, nic.is_link_up, nic.model) == (MAC, False, "virtio")


def test_an_address_that_runs_here_already_is_named(replicated: Replicated, place: Place) -> None:
    plan = with_card(replicated, place)
    with network(replicated.hypervisor, "prod"):
        copied = plan_promotion(
            place, plan.vm, replicated.wish(act="copy", name="copy", is_copy=True)
        )
        promote(place, copied)
        running = read_domain(copied.description).nics[0].mac
        assert running == MAC

        problems = problems_of(place, plan_promotion(place, plan.vm, replicated.wish()))

        assert codes(problems) == ["failover-mac-taken"]


def test_a_layer_whose_image_below_is_out_of_reach_is_named(
    replicated: Replicated, place: Place
) -> None:
    plan = planned(replicated, place)
    lowest = Path(links(Path(plan.promoted.disks[0].below), format_="qcow2")[-1].path)
    lowest.rename(lowest.with_suffix(".away"))

    problems = problems_of(place, plan)

    assert codes(problems) == ["failover-folder-closed"]
    assert problems[0].source_codes == ("8061",)


def test_an_account_that_may_only_read_is_named(replicated: Replicated, place: Place) -> None:
    plan = planned(replicated, place)
    socket = replicated.south.folder / "run" / "libvirt-sock-ro"
    with Host.open(f"qemu+unix:///system?socket={socket}") as reading:
        problems = problems_of(replace(place, host=reading), plan)

    assert codes(problems) == ["failover-account-reads-only"]
    assert "storage pools is empty" in problems[0].advice


def test_a_machine_that_goes_while_others_are_looked_at_is_no_obstacle(place: Place) -> None:
    """Several machines are started at once by a plan, and each defines one for a trial."""
    xml = "<domain type='qemu'><name>{0}</name><memory>1024</memory><os><type>hvm</type></os></domain>"
    trial = define_domain(place.host, xml.format("comes-and-goes"))
    seen = list_domains(place.host)
    trial.undefine()

    assert "comes-and-goes" not in [spec.name for spec in specs_of(seen, running=True)]
