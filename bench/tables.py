"""Tables and results as every benchmark writes them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bench.machine import Machine

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Rows = Sequence[Sequence[str]]


def columns(rows: Rows) -> str:
    """For a terminal; the first row is the head."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def markdown(rows: Rows) -> str:
    head, *others = rows
    lines = [head, ["---"] * len(head), *others]
    return "\n".join(f"| {' | '.join(map(_escaped, line))} |" for line in lines)


def as_json(
    results: Sequence[Mapping[str, Any]],
    samples: "Sequence[DataclassInstance]",
    *,
    machine: Machine,
    options: dict[str, str],
) -> str:
    whole = {
        "machine": asdict(machine),
        "options": options,
        "results": results,
        "samples": [asdict(sample) for sample in samples],
    }
    return json.dumps(whole, indent=2)


def facts(machine: Machine, options: dict[str, str]) -> str:
    return "\n".join(f"- {name}: {value}" for name, value in (asdict(machine) | options).items())


def _escaped(cell: str) -> str:
    """A pipe between two programs is none between two cells."""
    return cell.replace("|", "\\|")
