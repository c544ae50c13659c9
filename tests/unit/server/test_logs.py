"""Log lines are JSON and hold no secrets."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from holdfast.server import logs

CANARY = "canary-4711"


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    logs.set_up()
    yield
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


def test_ours_and_the_libraries_lines_are_json(capfd: pytest.CaptureFixture[str]) -> None:
    logs.set_up()
    structlog.stdlib.get_logger("ours").info("request", status=200)
    logging.getLogger("theirs").warning("something %s", "happened")

    first, second = map(json.loads, capfd.readouterr().err.splitlines())

    assert (first["event"], first["status"], first["level"]) == ("request", 200, "info")
    assert (second["event"], second["logger"]) == ("something happened", "theirs")


def test_no_secret_is_written_whatever_its_name_or_place(
    capfd: pytest.CaptureFixture[str],
) -> None:
    logs.set_up()
    log = structlog.stdlib.get_logger("ours")
    log.info("a", password=CANARY, headers={"Authorization": CANARY, "nested": [{"pin": CANARY}]})
    log.info("sent Bearer %s to postgresql://user:%s@host/x", CANARY, CANARY)
    try:
        raise ValueError(f"Authorization: Basic {CANARY}")
    except ValueError:
        log.exception("b", api_key=CANARY, passphrase_file=CANARY)
    logging.getLogger("theirs").warning("url https://%s@host/", CANARY)

    said = capfd.readouterr().err

    assert CANARY not in said
    assert len(said.splitlines()) == 4
