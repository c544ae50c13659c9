"""Every page that is written is known to the server."""

from pathlib import Path

from holdfast import console
from holdfast.console.page_modules import MODULES


def test_each_module_with_a_page_is_listed_and_the_lost_one_comes_last() -> None:
    folder = Path(console.__path__[0])

    written = {one.stem for one in folder.glob("*.py") if "\n@page(" in one.read_text()}

    assert written == set(MODULES)
    assert MODULES[-1] == "lost_page", "it takes every address that nobody else has"
