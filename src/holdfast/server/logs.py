"""Logs for programs: one JSON object a line on standard error, and never a secret in it."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

# Whatever hangs on such a name is not for a log, wherever it comes from.
_SECRET_NAMES = re.compile(
    r"pass(word|phrase|wd)?|secret|token|\bpin\b|authorization|cookie|csr|private|api_?key",
    re.IGNORECASE,
)
# Tokens in headers, and logins inside addresses.
_IN_TEXTS = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]+"), r"\1 •••"),
    (re.compile(r"(\w+://)[^/@\s]+@"), r"\1•••@"),
)
_DOTS = "•••"
# Each says at length what one line of ours says.
_QUIET = ("uvicorn", "alembic", "httpx", "urllib3", "apprise", "dbos")

Event = MutableMapping[str, Any]


def set_up(level: int = logging.INFO) -> None:
    """Everything this process logs, ours and the libraries', goes through here."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.format_exc_info,
        without_secrets,
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def without_secrets(_logger: object, _method: str, event: Event) -> Event:
    return {name: _clean(name, value) for name, value in event.items()}


def _clean(name: str, value: object) -> object:
    if _SECRET_NAMES.search(name) and value is not None:
        return _DOTS
    match value:
        case str():
            for pattern, instead in _IN_TEXTS:
                value = pattern.sub(instead, value)
            return value
        case dict():
            return {key: _clean(str(key), one) for key, one in value.items()}
        case list() | tuple():
            return [_clean(name, one) for one in value]
        case _:
            return value
