"""What a point says of the program that made it."""

from importlib.metadata import version

from holdfast.vault.snapshot import PROGRAM


def test_a_point_names_the_version_that_made_it() -> None:
    # Written down, since asking the package's metadata takes a start-up's share of milliseconds.
    assert f"holdfast {version('holdfast')}" == PROGRAM
