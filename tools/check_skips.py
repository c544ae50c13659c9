"""Name the tests a run skipped for a reason that is not on the list of allowed ones."""

import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET


def unexpected(report: Path, allowed: Path) -> Iterator[str]:
    """Read pytest's JUnit report; an expected failure is no skip."""
    lines = allowed.read_text(encoding="utf-8").splitlines()
    reasons = [line for line in lines if line and not line.startswith("#")]
    for case in ET.parse(report).iter("testcase"):
        for skip in case.iter("skipped"):
            why = skip.get("message", "")
            if skip.get("type") == "pytest.skip" and not any(one in why for one in reasons):
                yield f"{case.get('classname')}::{case.get('name')}: {why}"


if __name__ == "__main__":
    found = list(unexpected(Path(sys.argv[1]), Path(sys.argv[2])))
    for line in found:
        print(f"skipped without permission: {line}", file=sys.stderr)
    sys.exit(1 if found else 0)
