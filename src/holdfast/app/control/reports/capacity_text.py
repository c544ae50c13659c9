"""The capacity forecast as plain text, for mails and terminals."""

from collections.abc import Iterator
from datetime import datetime, tzinfo

from holdfast.app.control.reports import words
from holdfast.app.control.reports.capacity import Capacity, VaultCapacity
from holdfast.base.texts import _


def capacity_text(found: Capacity, *, zone: tzinfo | None) -> str:
    lines = [line for one in found.vaults for line in vault_lines(one, found.made_at, zone)]
    return "\n".join(lines) or _("There is no vault yet.")


def vault_lines(one: VaultCapacity, now: datetime, zone: tzinfo | None) -> Iterator[str]:
    text = _("{vault}: {size} stored, {growth}.")
    growth = words.growth_text(one.growth)
    yield text.format(vault=one.vault, size=words.size(one.bytes_stored), growth=growth)
    if not one.limits:
        yield "  " + _("It has no quota, and of its place nobody can say how much room there is.")
    for limit in one.limits:
        used = _("{used} of {limit} used, {share}.").format(
            used=words.size(limit.used),
            limit=words.size(limit.limit),
            share=words.share(limit.used, limit.limit),
        )
        said = words.limit_text(limit, now, zone)
        yield f"  {words.limit_name(limit.of)}: {used} {said}"
