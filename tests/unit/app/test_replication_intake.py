"""How fast a site takes logs in is kept, shown, and obeyed while it is at work."""

from pathlib import Path

from holdfast.app.replication_intake import intake_limits, put_intake_limits
from holdfast.replication.settings import Limit

LIMITS = (Limit(bytes_per_second=1000, window="weekdays 08:00-18:00"), Limit(bytes_per_second=9000))


def test_limits_are_kept_until_there_are_others(tmp_path: Path) -> None:
    home = str(tmp_path)
    assert intake_limits(home) == ()

    put_intake_limits(home, LIMITS)
    assert intake_limits(home) == LIMITS

    put_intake_limits(home, ())
    assert intake_limits(home) == ()
