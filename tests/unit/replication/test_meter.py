from holdfast.replication.meter import Meter
from holdfast.testing.clock import FakeClock


def test_what_is_under_way_is_told_after_a_moment() -> None:
    clock = FakeClock()
    meter = Meter(clock)
    meter.begin()
    meter.progress(0)
    for second in range(1, 6):
        clock.sleep(1)
        meter.progress(second * 1000)

    assert meter.rate() == 1000.0


def test_before_that_and_afterwards_there_is_nothing_to_tell() -> None:
    clock = FakeClock()
    meter = Meter(clock)

    assert meter.rate() is None
    meter.begin()
    clock.sleep(1)
    assert meter.rate() is None
    clock.sleep(5)
    meter.end()
    assert meter.rate() is None


def test_what_the_site_had_before_was_not_sent_now() -> None:
    clock = FakeClock()
    meter = Meter(clock)
    meter.begin()
    meter.progress(10**9)
    clock.sleep(10)
    meter.progress(10**9 + 5000)

    assert meter.rate() == 500.0


def test_a_log_that_stands_still_comes_to_nothing() -> None:
    clock = FakeClock()
    meter = Meter(clock)
    meter.begin()
    meter.progress(0)
    meter.progress(10**6)
    clock.sleep(31)

    assert meter.rate() == 0.0
