"""Our own trial of the way to the platform, and other traces of that way."""

from holdfast.doctor.artefacts import from_text
from holdfast.doctor.checking import Params, decide
from holdfast.doctor.facts import Reach, Volume
from holdfast.doctor.linux_facts import Inodes, Route
from holdfast.doctor.loading import load
from holdfast.doctor.model import State
from holdfast.doctor.reading import Reading

_LINE = (
    '{{"holdfast": "platform-reach", "target": "168.63.129.16:{port}", "stage": "tcp",'
    ' "reached": {reached}, "seen": "{seen}"}}\n'
)


def _read(*texts: str) -> Reading:
    reading = Reading(load())
    reading.read(from_text(f"a{number}", text) for number, text in enumerate(texts))
    return reading


def _state(reading: Reading, cause: str) -> State:
    catalogue = load()
    params = {name: one.value for name, one in catalogue.causes[cause].param.items()}
    return decide(
        cause,
        catalogue.causes[cause],
        facts=reading.facts,
        params=Params(params),
        events=catalogue.events,
    ).state


def test_each_port_is_a_fact_of_its_own() -> None:
    text = _LINE.format(port=80, reached="true", seen="connected")
    text += _LINE.format(port=32526, reached="false", seen="timed out")

    reading = _read(text + '{"holdfast": "platform-reach", cut')

    known = [(one.target, one.reached) for one in reading.facts.of(Reach)]
    assert known == [("168.63.129.16:80", True), ("168.63.129.16:32526", False)]
    assert _state(reading, "waagent.wire-server-blocked") is State.CONFIRMED


def test_way_that_is_open_denies_a_block() -> None:
    reading = _read(_LINE.format(port=80, reached="true", seen="connected"))

    assert _state(reading, "waagent.wire-server-blocked") is State.RULED_OUT


def test_unreachable_network_without_a_route_is_the_lack_of_a_route() -> None:
    reading = _read(_LINE.format(port=80, reached="false", seen="Network is unreachable"))

    assert _state(reading, "waagent.no-route") is State.CONFIRMED


def test_black_hole_needs_no_device() -> None:
    reading = _read("default via 10.0.0.1 dev eth0 \nblackhole 168.63.129.16 \n")

    assert [one.blocked for one in reading.facts.of(Route)] == [False, True]
    assert _state(reading, "waagent.no-route") is State.CONFIRMED


def test_list_of_all_file_systems_keeps_its_heading() -> None:
    reading = _read(
        "Filesystem     Inodes IUsed IFree IUse% Mounted on\n"
        "proc                0     0     0     - /proc\n"
        "/dev/sda1        1000   999     1  100% /var\n"
    )

    assert [one.path for one in reading.facts.of(Inodes)] == ["/var"]
    assert reading.facts.of(Volume) == []
