"""Each command has a manual page, in both languages, that its formatter takes without complaint."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from holdfast.cli.main import cli
from tools import man_pages


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("man")
    man_pages.write(folder)
    return folder


def _names(command: click.Command, name: str) -> Iterator[str]:
    yield name
    if isinstance(command, click.Group):
        context = click.Context(command)
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            if found is not None and not found.hidden:
                yield from _names(found, f"{name}-{child}")


@pytest.mark.parametrize("place", ["man1", "ko/man1"])
def test_every_command_has_a_page(folder: Path, place: str) -> None:
    written = {page.stem for page in (folder / place).iterdir()}

    assert written == set(_names(cli, "holdfast"))


@pytest.mark.parametrize("place", ["man1", "ko/man1"])
def test_formatter_complains_of_nothing(folder: Path, place: str) -> None:
    pages = sorted((folder / place).iterdir())

    done = subprocess.run(
        ["groff", "-man", "-Kutf8", "-Tutf8", "-ww", *pages], capture_output=True, check=True
    )

    assert done.stderr.decode() == ""


def test_page_says_what_help_says(folder: Path) -> None:
    page = (folder / "man1" / "holdfast-restore.1").read_text(encoding="utf-8")

    assert page.startswith('.TH "HOLDFAST-RESTORE" "1"')
    assert ".SH NAME\nholdfast\\-restore \\- " in page
    for heading in ("SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES", "EXIT STATUSES", "SEE ALSO"):
        assert f'.SH "{heading}"\n' in page
    assert ".B \\-\\-verify\n" in page


def test_korean_page_is_korean(folder: Path) -> None:
    page = (folder / "ko" / "man1" / "holdfast-restore.1").read_text(encoding="utf-8")

    assert '.SH "옵션"\n' in page


@pytest.mark.parametrize(
    ("said", "written"),
    [
        (".hidden and all", "\\&.hidden and all"),
        ("'quoted'", "\\&'quoted'"),
        ("see `a --b`", "see \\fBa \\-\\-b\\fR"),
        ("C:\\x", "C:\\ex"),
    ],
)
def test_signs_that_mean_something_to_the_formatter_are_shown(said: str, written: str) -> None:
    assert man_pages.prose(said) == written
