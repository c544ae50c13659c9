"""What a newcomer waits for is told apart, and what the README has them type is found in it."""

from bench.first_contact_report import Way
from bench.first_steps import (
    host_steps,
    install_steps,
    kind_of,
    package_steps,
    parts,
    session_steps,
)
from holdfast.testing.typed import MARK


def test_each_kind_of_waiting_lasts_until_another_begins() -> None:
    heard = [
        (10.0, "$ git clone holdfast"),
        (11.0, f"{MARK} 0"),
        (12.0, "$ ./run demo"),
        (13.0, "run: installing Debian packages: restic"),
        (15.0, "debconf: delaying package configuration"),
        (20.0, "run: making .venv with Python 3.11.2"),
        (25.0, "run: installing locks/runtime.txt and Holdfast into .venv"),
        (40.0, "run: showing what it does with files"),
    ]

    assert parts(heard, 47.0) == {"work": 3.0 + 7.0, "packages": 7.0, "wheels": 20.0}


def test_packages_that_are_asked_for_by_name_are_packages() -> None:
    assert kind_of("$ apt install python3-libvirt") == "packages"
    assert kind_of("$ ./run package && apt install ./dist/holdfast.deb") == "work"


def test_colours_of_a_line_do_not_hide_it() -> None:
    assert kind_of("\x1b[1mrun: installing Debian packages: restic\x1b[0m") == "packages"


def test_readme_leads_to_a_package_a_proven_restore_and_a_drill() -> None:
    assert any("./run package" in one.typed for one in package_steps())
    assert "--verify" in session_steps()[-1].typed
    assert "drill run" in host_steps()[-1].typed
    assert {one.where for one in host_steps()} == {"north", "south"}


def test_package_that_was_built_elsewhere_is_installed_as_the_readme_has_it() -> None:
    typed = [one.typed for one in install_steps("holdfast_1.deb")]

    assert typed[0] == "apt install ./holdfast_1.deb"


def test_target_is_for_all_parts_together() -> None:
    way = Way(what="to a proven restore", parts={"packages": 100.0, "work": 81.0}, target=180)

    assert (way.seconds, way.is_met) == (181.0, False)
