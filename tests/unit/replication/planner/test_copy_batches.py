"""First copies in batches: all are copied, once, and never beyond the room or the link."""

from hypothesis import given
from hypothesis import strategies as st

from holdfast.replication.planner.copy_batches import ToCopy, plan_batches

MACHINES = st.lists(
    st.builds(
        ToCopy,
        name=st.integers(0, 10**6).map(str),
        size=st.integers(0, 10**12),
        rate=st.floats(0, 10**6),
        initial_room=st.integers(0, 10**9),
        delta_room=st.integers(0, 10**9),
    ),
    max_size=12,
    unique_by=lambda one: one.name,
)


def machine(name: str, size: int = 1000, *, rate: float = 0.0, **room: int) -> ToCopy:
    return ToCopy(name=name, size=size, rate=rate, **room)


def test_quiet_machines_are_first() -> None:
    machines = [machine("busy", rate=9.0, delta_room=60), machine("quiet", delta_room=60)]

    batches = plan_batches(machines, rate=100, free=100)

    assert [batch.names for batch in batches] == [("quiet",), ("busy",)]


def test_what_fits_is_one_batch() -> None:
    batches = plan_batches([machine("a"), machine("b")], rate=100, free=None)

    assert [batch.names for batch in batches] == [("a", "b")]
    assert batches[0].seconds == 20


def test_cycles_of_copied_machines_are_subtracted() -> None:
    machines = [
        machine("a", 10_000_000, rate=10.0, delta_room=60),
        machine("b", 10_000_000, rate=10.0, delta_room=60),
    ]

    first, second = plan_batches(machines, rate=100, free=100)

    assert (first.rate, second.rate) == (100, 90)
    assert (first.lacking, second.lacking) == (0, 20)
    assert first.seconds is not None
    assert second.seconds is not None
    assert second.seconds > first.seconds


def test_room_is_the_greater_of_copying_and_cycles() -> None:
    machines = [machine("a", initial_room=80, delta_room=10), machine("b", initial_room=80)]

    batches = plan_batches(machines, rate=100, free=100)

    assert [(batch.room, batch.lacking) for batch in batches] == [(80, 0), (80, 0)]


def test_a_link_that_cannot_carry_the_cycles_never_ends() -> None:
    (batch,) = plan_batches([machine("a", rate=200.0)], rate=100)

    assert batch.seconds is None


def test_a_long_copy_ends_a_batch() -> None:
    machines = [machine("a", 20 * 3600), machine("b", 20 * 3600)]

    batches = plan_batches(machines, rate=1)

    assert [len(batch.names) for batch in batches] == [1, 1]


def test_nothing_to_copy_is_no_batch() -> None:
    assert plan_batches([], rate=0) == []


@given(MACHINES, st.floats(0, 10**9), st.none() | st.integers(0, 10**10))
def test_every_machine_is_in_one_batch(
    machines: list[ToCopy], rate: float, free: int | None
) -> None:
    batches = plan_batches(machines, rate=rate, free=free)

    assert sorted(name for batch in batches for name in batch.names) == sorted(
        one.name for one in machines
    )
    assert all(batch.lacking == 0 for batch in batches if free is None)
    # Only one that fits nowhere goes beyond the room, and it goes alone.
    assert all(len(batch.names) == 1 for batch in batches if batch.lacking)
