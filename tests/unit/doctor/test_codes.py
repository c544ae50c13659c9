"""One code in all its notations."""

import pytest
import re2

from holdfast.doctor.codes import canonical, codes_in, patterns_of, same_codes


@pytest.mark.parametrize(
    "written", ["0x80070005", "0X80070005", "2147942405", "-2147024891", "0x80070005,"]
)
def test_notations_of_an_hresult_are_one_code(written: str) -> None:
    assert canonical(written) == "0x80070005"


@pytest.mark.parametrize(
    ("written", "known"), [("95226", "95226"), ("0x1fc07", "0x1FC07"), ("UserErrorX", "usererrorx")]
)
def test_other_codes_stay_as_they_are_known(written: str, known: str) -> None:
    assert canonical(written) == known


def test_short_decimal_is_also_its_hexadecimal() -> None:
    assert same_codes("130055") & same_codes("0x1FC07")


def test_chain_of_codes_keeps_its_order() -> None:
    text = "Error 95226: provider error 2147754994 (0x800423F2), see line 12"

    assert codes_in(text) == ["95226", "0x800423F2", "0x800423F2"]


def test_numbers_inside_words_and_versions_are_no_codes() -> None:
    assert codes_in("kernel 5.10.0-28 built 2.7.41.1000 on host4711 id abc123def") == []


@pytest.mark.parametrize(
    "line",
    [
        "failed: 0x80070005",
        "failed: 0x080070005",
        "hr=2147942405",
        "code -2147024891",
        "error 0x80070005: access denied",
    ],
)
def test_hresult_is_found_in_a_log_however_it_is_written(line: str) -> None:
    assert _found("0x80070005", line)


@pytest.mark.parametrize(
    "line",
    ["error 95226", "Error code: 95226", "오류 코드: 95226", "ErrorCode=95226", 'id="95226"'],
)
def test_short_code_counts_beside_a_word_that_makes_it_one(line: str) -> None:
    assert _found("95226", line)


@pytest.mark.parametrize("line", ["read 95226 bytes", "pid 95226", "0x800700050", "error 952260"])
def test_mere_number_is_no_code(line: str) -> None:
    assert not _found("95226", line)
    assert not _found("0x80070005", line)


def _found(code: str, line: str) -> bool:
    options = re2.Options()
    options.case_sensitive = False
    return any(re2.compile(pattern, options).search(line) for pattern in patterns_of(code))
