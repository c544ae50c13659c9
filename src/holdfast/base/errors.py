"""The one base of all our errors, and the rules it enforces.

- Every class has a `code` (kebab-case, for ever), a `sentence` that says which thing and what
  was seen, and a `remedy` that can be typed or done. A class without them cannot be defined.
- An adapter turns its vendor's exceptions into ours with `raise … from`.
- `source_codes` are the codes the documents of the original products give the same event, so that
  a search for one of them finds us.
"""

import re
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from holdfast.base.filling import filled, filled_to_type
from holdfast.base.texts import _

_KEBAB = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class Exit:
    """Exit statuses of the command line; `docs/reference/exit-statuses.md` explains them."""

    FINE = 0
    FAILED = 1
    USAGE = 2
    WARNINGS = 3
    NO_VAULT = 10
    LOCKED = 11
    WRONG_PASSPHRASE = 12
    DAMAGE = 20
    DECIDE = 30
    INTERRUPTED = 130


class Retry(Enum):
    """Whether the same call may succeed when it is made again."""

    NEVER = "never"
    NOW = "now"
    LATER = "later"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """What the doctor found to lie under an error: a cause with its printed code."""

    code: str
    cause: str
    sentence: str
    # The job it is about: `holdfast doctor JOB` looks again.
    job: str


class HoldfastError(Exception):
    """Something a person must be told, with what to do about it."""

    code: ClassVar[str]
    sentence: ClassVar[str]
    remedy: ClassVar[str]
    exit_status: ClassVar[int] = Exit.FAILED
    retry: ClassVar[Retry] = Retry.NEVER
    source_codes: ClassVar[tuple[str, ...]] = ()
    # Given by whoever asked the doctor about this very event.
    hint: Hint | None = None

    registry: ClassVar[dict[str, type["HoldfastError"]]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for wanted in ("code", "sentence", "remedy"):
            if not isinstance(cls.__dict__.get(wanted), str):
                raise TypeError(f"{cls.__name__} needs its own {wanted}")
        if not _KEBAB.fullmatch(cls.code):
            raise TypeError(f"{cls.__name__}.code is not kebab-case: {cls.code}")
        known = HoldfastError.registry.setdefault(cls.code, cls)
        if (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
            raise TypeError(f"{cls.code} is already the code of {known.__name__}")

    def __init__(self, **fields: object) -> None:
        self.fields = fields
        super().__init__(self._fill(type(self).sentence))

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword-only fields do not survive the default pickling, and workers send errors home.
        return (_rebuild, (type(self), self.fields))

    def __str__(self) -> str:
        return self._fill(_(type(self).sentence))

    @property
    def advice(self) -> str:
        """The remedy in the language in use, with this event's fields filled in."""
        return filled_to_type(_(type(self).remedy), self.fields)

    def _fill(self, template: str) -> str:
        return filled(template, self.fields)


def _rebuild(kind: type[HoldfastError], fields: dict[str, object]) -> HoldfastError:
    return kind(**fields)
