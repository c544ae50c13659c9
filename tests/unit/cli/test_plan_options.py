"""What half a command about plans says is missing."""

import pytest

from holdfast.cli.main import main


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "shop"), "--test, --planned and --unplanned"),
        (("run", "shop", "--test", "--planned"), "--test, --planned and --unplanned"),
        (("run", "shop", "--planned", "--keep", "1h"), "--keep is said with --test"),
        (("run", "shop", "--test", "--try-shut-down"), "is said with --unplanned"),
        (("confirm", "shop"), "--yes, --no, --again, --go-on, --stop"),
        (("status", "--watch"), "with the name of a plan"),
    ],
)
def test_half_a_command_says_what_is_missing(
    words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", *words]) == 2

    assert said in capsys.readouterr().err


def test_the_command_of_a_step_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--help"]) == 0

    told = capsys.readouterr().out
    assert "confirm" in told
    assert "act " not in told
