"""The rules every error keeps, and what an error can stand."""

import pickle
from datetime import UTC, datetime

import pytest

from holdfast.base.errors import Exit, HoldfastError, Retry


class CupboardLocked(HoldfastError):
    code = "test-cupboard-locked"
    sentence = "{cupboard} is locked since {since:%Y-%m-%d %H:%M} UTC"
    remedy = "Look for the key under {cupboard}."


def test_says_which_thing_and_what_to_do() -> None:
    noon = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    error = CupboardLocked(cupboard="the left one", since=noon)

    assert str(error) == "the left one is locked since 2026-03-01 12:00 UTC"
    assert error.advice == "Look for the key under the left one."


class MachineLost(HoldfastError):
    code = "test-machine-lost"
    sentence = "{name} is lost"
    remedy = "Look for {name} with `virsh start {name} --uri {uri}`, `see '{uri}'`, or `{command}`."


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("web-1.example", "web-1.example"),
        ("my web", "'my web'"),
        ("it's", "'it'\"'\"'s'"),
        ("$(reboot)", "'$(reboot)'"),
        ("웹; rm -r ~", "'웹; rm -r ~'"),
    ],
)
def test_name_in_a_command_can_be_typed_as_it_stands(name: str, typed: str) -> None:
    error = MachineLost(name=name, uri="a:///b", command="sudo this")

    assert error.advice == (
        f"Look for {name} with `virsh start {typed} --uri a:///b`, `see 'a:///b'`, or `sudo this`."
    )


def test_defaults_are_failed_and_never_again() -> None:
    assert (CupboardLocked.exit_status, CupboardLocked.retry) == (Exit.FAILED, Retry.NEVER)


@pytest.mark.parametrize("missing", ["code", "sentence", "remedy"])
def test_class_without_its_own_words_cannot_be_defined(missing: str) -> None:
    body = {"code": "test-incomplete", "sentence": "a", "remedy": "b"}
    del body[missing]

    with pytest.raises(TypeError, match=f"needs its own {missing}"):
        type("Incomplete", (HoldfastError,), body)


def test_words_are_not_inherited() -> None:
    with pytest.raises(TypeError, match="needs its own code"):
        type("Heir", (CupboardLocked,), {})


@pytest.mark.parametrize("code", ["Shouting", "snake_case", "double--dash", "", "-edge-"])
def test_code_must_be_kebab_case(code: str) -> None:
    with pytest.raises(TypeError, match="kebab-case"):
        type("Odd", (HoldfastError,), {"code": code, "sentence": "a", "remedy": "b"})


@pytest.mark.parametrize("name", ["Thief", "CupboardLocked"])
def test_code_belongs_to_one_class(name: str) -> None:
    body = {"code": CupboardLocked.code, "sentence": "a", "remedy": "b", "__module__": "elsewhere"}

    with pytest.raises(TypeError, match="already the code of CupboardLocked"):
        type(name, (HoldfastError,), body)


def test_survives_the_way_home_from_a_worker_process() -> None:
    error = CupboardLocked(cupboard="left", since=datetime(2026, 3, 1, tzinfo=UTC))

    back = pickle.loads(pickle.dumps(error))

    assert type(back) is CupboardLocked
    assert (str(back), back.fields) == (str(error), error.fields)


def test_missing_field_shows_its_name_instead_of_hiding_the_error() -> None:
    error = CupboardLocked(cupboard="left")

    assert str(error) == "left is locked since <since> UTC"


def test_field_of_another_type_is_shown_as_it_is() -> None:
    error = CupboardLocked(cupboard="left", since=7)

    assert str(error).startswith("left is locked since")
    assert error.fields["since"] == 7


def test_field_that_looks_like_a_template_is_left_alone() -> None:
    error = CupboardLocked(cupboard="{since} {0} {", since="noon")

    assert error.advice == "Look for the key under {since} {0} {."
