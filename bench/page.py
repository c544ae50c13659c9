"""docs/benchmarks.md is written by several benchmarks, each of which leaves the others' parts."""

from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
MACHINES = "## Virtual machines"
REPLICATION = "## Replication"
RECOVERY = "## Recovery"
SERVER = "## The server"
CONSOLE = "## The console"
FIRST_CONTACT = "## First contact"
# In the order of the page; above the first of them it belongs to the files.
_SECTIONS = (MACHINES, REPLICATION, RECOVERY, SERVER, CONSOLE, FIRST_CONTACT)


def replace_section(page: Path, heading: str, new: str) -> None:
    """All that the other benchmarks wrote stays; a new section comes to its place."""
    above, sections = _split(page)
    sections[heading] = new
    _write(page, above, sections)


def replace_above(page: Path, new: str) -> None:
    """What comes before all sections."""
    _, sections = _split(page)
    _write(page, new, sections)


def _write(page: Path, above: str, sections: dict[str, str]) -> None:
    parts = [above, *(sections[heading] for heading in _SECTIONS if heading in sections)]
    page.parent.mkdir(parents=True, exist_ok=True)
    text = "\n\n".join(part.strip() for part in parts if part.strip())
    page.write_text(f"{text}\n", encoding="utf-8")


def _split(page: Path) -> tuple[str, dict[str, str]]:
    lines = page.read_text(encoding="utf-8").splitlines() if page.exists() else []
    parts: dict[str, list[str]] = {"": []}
    heading = ""
    for line in lines:
        if line in _SECTIONS:
            heading = line
        parts.setdefault(heading, []).append(line)
    texts = {heading: "\n".join(part) for heading, part in parts.items()}
    return texts.pop(""), texts
