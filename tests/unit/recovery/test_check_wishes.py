"""Checks as people type them."""

import pytest

from holdfast.recovery.checks.wishes import (
    CheckKind,
    CheckNotUnderstood,
    parse_check,
    usual_checks,
)


@pytest.mark.parametrize("kind", [CheckKind.AGENT, CheckKind.RUNS, CheckKind.SCREENSHOT])
def test_a_word_is_enough(kind: CheckKind) -> None:
    assert parse_check(kind.value).kind is kind


@pytest.mark.parametrize(
    ("text", "address", "port"),
    [
        ("tcp:22", "", 22),
        ("tcp:guest:22", "", 22),
        ("tcp:10.0.0.5:443", "10.0.0.5", 443),
        ("tcp:[fd00::5]:443", "fd00::5", 443),
    ],
)
def test_port_may_be_of_an_address(text: str, address: str, port: int) -> None:
    wish = parse_check(text)

    assert (wish.kind, wish.address, wish.port) == (CheckKind.TCP, address, port)


@pytest.mark.parametrize(
    ("text", "address", "port", "path"),
    [
        ("http://guest:8080/health", "", 8080, "/health"),
        ("http://guest", "", 80, "/"),
        ("https://10.0.0.5/a?b=c", "10.0.0.5", 443, "/a?b=c"),
    ],
)
def test_page_is_a_url(text: str, address: str, port: int, path: str) -> None:
    wish = parse_check(text)

    assert (wish.address, wish.port, wish.path) == (address, port, path)
    assert wish.is_encrypted is text.startswith("https")


@pytest.mark.parametrize("where", [CheckKind.GUEST, CheckKind.HOST])
def test_command_is_kept_as_it_is(where: CheckKind) -> None:
    wish = parse_check(f"{where.value}: test $(id -u) = 0: yes")

    assert (wish.kind, wish.command) == (where, "test $(id -u) = 0: yes")


@pytest.mark.parametrize(
    "text",
    ["", "ping", "tcp:", "tcp:http", "tcp:0", "tcp:65536", "guest:", "http:///x", "http://a:b/"],
)
def test_what_is_no_check_is_refused(text: str) -> None:
    with pytest.raises(CheckNotUnderstood):
        parse_check(text)


def test_agent_must_answer_where_there_is_one() -> None:
    with_agent, without = usual_checks(has_agent=True), usual_checks(has_agent=False)

    assert [wish.kind for wish in (*with_agent, *without)] == [CheckKind.AGENT, CheckKind.RUNS]
