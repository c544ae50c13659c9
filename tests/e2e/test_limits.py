"""A backup that may only send so much takes its time."""

import os
import time

import pytest

from tests.e2e.conftest import Bench


@pytest.mark.slow
def test_backup_keeps_to_the_rate_it_was_given(bench: Bench) -> None:
    bench.write("file").write_bytes(os.urandom(400_000))
    begin = time.monotonic()

    bench.run("backup", bench.source, "--limit-upload", "200000")

    assert time.monotonic() - begin >= 1.5


def test_rate_of_the_config_file_is_read(bench: Bench) -> None:
    bench.home.mkdir(exist_ok=True)
    (bench.home / "config.toml").write_text("limit-upload = 'much'\n", encoding="utf-8")

    said = bench.run("points", "--json", status=2)

    assert said.event("error")["code"] == "setting-wrong"
    assert "limit-upload" in said.event("error")["message"]
