"""What a name in a storage may look like, so that no name leads out of its root."""

# A name with this mark is a leftover of a writer that died; restic reads it the same way.
TEMPORARY_MARK = "-tmp-"


def checked(name: str) -> str:
    """The name itself; ValueError for one that only a mistake in our own code can produce."""
    parts = name.split("/")
    if "\0" in name or any(part in ("", ".", "..") for part in parts):
        raise ValueError(f"not a name in a storage: {name!r}")
    return name


def is_temporary(name: str) -> bool:
    return TEMPORARY_MARK in name.rpartition("/")[2]


def checked_for_writing(name: str) -> str:
    """As `checked`, and not a name that no listing would ever show."""
    if is_temporary(name):
        raise ValueError(f"reserved for leftovers: {name!r}")
    return checked(name)


def folder_prefix(folder: str) -> str:
    """What all names below the folder begin with; "" is the whole storage."""
    bare = folder.rstrip("/")
    return f"{checked(bare)}/" if bare else ""
