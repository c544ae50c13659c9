"""Files of JSON lines that we keep for later questions: what can be read is read, and noted."""

import contextlib
import json
import os
from collections.abc import Iterator

Object = dict[str, object]


def read_objects(path: str) -> Iterator[Object]:
    """The objects of a file; a line that is cut, damaged or foreign is passed over."""
    with contextlib.suppress(OSError), open(path, "rb") as stream:
        for line in stream:
            with contextlib.suppress(ValueError):
                known = json.loads(line)
                if isinstance(known, dict):
                    yield known


def append_object(path: str, line: Object) -> None:
    """Append one line. That there is no room for it must not be a second failure."""
    with contextlib.suppress(OSError):
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        with open(path, "a", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(json.dumps(line, ensure_ascii=False) + "\n")
