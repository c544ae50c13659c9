"""What every test shares: how hard hypothesis tries, and that tests speak English."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from holdfast.base.texts import use_language

# A shared machine may be slow; slowness is what the benchmarks are for.
_PATIENT = [HealthCheck.too_slow]
settings.register_profile(
    "local", max_examples=50, deadline=None, suppress_health_check=_PATIENT, print_blob=True
)
settings.register_profile(
    "ci", max_examples=200, deadline=None, suppress_health_check=_PATIENT, derandomize=True
)
settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    use_language("en")
    yield
    use_language("en")
