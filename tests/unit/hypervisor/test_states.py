import pytest

from holdfast.hypervisor.states import State, read_standing


@pytest.mark.parametrize(
    ("numbers", "state", "reason", "active"),
    [
        ((1, 1), State.RUNNING, "booted", True),
        ((3, 5), State.PAUSED, "ioerror", True),
        ((4, 1), State.SHUTTING_DOWN, "", True),
        ((5, 2), State.OFF, "destroyed", False),
        ((6, 0), State.CRASHED, "", False),
        ((5, 99), State.OFF, "", False),
        ((99, 0), State.NONE, "", False),
    ],
)
def test_numbers_of_libvirt_are_read(
    numbers: tuple[int, int], state: State, reason: str, active: bool
) -> None:
    standing = read_standing(*numbers)

    assert (standing.state, standing.reason) == (state, reason)
    assert standing.is_active is active


def test_pause_for_an_io_error_is_told_from_other_pauses() -> None:
    assert read_standing(3, 5).is_stuck_on_io
    assert not read_standing(3, 1).is_stuck_on_io
    assert not read_standing(1, 5).is_stuck_on_io
