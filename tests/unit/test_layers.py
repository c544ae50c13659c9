"""The layers drawn for people are the layers the linter enforces."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
_PICTURE = re.compile(r"<!-- layers -->\n+```text\n(.*?)```", re.DOTALL)


def _enforced() -> list[set[str]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = (
        c for c in settings["tool"]["importlinter"]["contracts"] if c["name"] == "Layers"
    )
    return [set(map(str.strip, layer.split("|"))) for layer in contract["layers"]]


def _drawn() -> list[set[str]]:
    (picture,) = _PICTURE.findall((ROOT / "docs" / "architecture.md").read_text(encoding="utf-8"))
    names = (line.split("  ")[0] for line in picture.splitlines() if line.strip())
    return [set(map(str.strip, layer.split("|"))) for layer in names]


def test_architecture_page_draws_the_enforced_layers() -> None:
    assert _drawn() == _enforced()


def test_every_package_of_the_tree_has_its_layer() -> None:
    packages = {path.parent.name for path in (ROOT / "src" / "holdfast").glob("*/__init__.py")}

    assert packages == set().union(*_enforced())
