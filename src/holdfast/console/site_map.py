"""The picture of which hosts replicate where, with the same as a table beneath it."""

from collections.abc import Sequence
from typing import Any

from nicegui import ui

from holdfast.app.control.replication_topology import HostNode, Topology, WayView
from holdfast.base.texts import _
from holdfast.console import shown
from holdfast.console.plain_tables import Cell, count_cell, plain_table, time_cell
from holdfast.console.shown import Tone

# Readable on the surfaces of both lights.
_COLOURS: dict[Tone, str] = {
    "good": "#2e8b57",
    "warn": "#c27a10",
    "bad": "#c23b4b",
    "idle": "#7a8797",
}
_INK = "#7a8797"
_SOURCE, _SITE = 46, 58


def show_map(topology: Topology) -> None:
    """Nothing is drawn where there is nothing to draw."""
    if not topology.hosts:
        return
    with shown.card(_("Which hosts replicate where")):
        chart = ui.echart(_options(topology)).classes("hf-chart")
        chart.props["role"] = "img"
        chart.props["aria-label"] = _("Hosts and the ways between them; the table has the same.")
        _table(topology)


def way_tone(way: WayView) -> Tone:
    if way.critical:
        return "bad"
    return "warn" if way.warning else "good"


def host_tone(host: HostNode) -> Tone:
    if not host.is_heard or host.trouble:
        return "bad"
    return "good"


def _options(topology: Topology) -> dict[str, Any]:
    sites = [one for one in topology.hosts if one.site]
    others = [one for one in topology.hosts if not one.site]
    return {
        "animation": False,
        "aria": {"enabled": True},
        "tooltip": {"show": False},
        "series": [
            {
                "type": "graph",
                "layout": "none",
                "roam": False,
                "left": 70,
                "right": 80,
                "edgeSymbol": ["none", "arrow"],
                "edgeSymbolSize": 9,
                "label": {"show": True, "position": "bottom", "color": _INK, "fontSize": 13},
                "edgeLabel": {"show": True, "color": _INK, "fontSize": 12, "formatter": "{c}"},
                "data": [*_column(others, 0.0), *_column(sites, 100.0)],
                "links": [_link(way) for way in topology.ways],
            }
        ],
    }


def _column(hosts: Sequence[HostNode], x: float) -> list[dict[str, Any]]:
    """Beneath each other; names that stand twice are told apart by the id the edges go by."""
    step = 100.0 / (len(hosts) + 1)
    return [
        {
            "id": one.machine_id,
            "name": f"{one.machine} ({one.site})" if one.site else one.machine,
            "x": x,
            "y": step * (number + 1),
            "symbol": "roundRect" if one.site else "circle",
            "symbolSize": _SITE if one.site else _SOURCE,
            "itemStyle": {"color": _COLOURS[host_tone(one)]},
        }
        for number, one in enumerate(hosts)
    ]


def _link(way: WayView) -> dict[str, Any]:
    return {
        "source": way.source,
        "target": way.target,
        "value": way.count,
        "lineStyle": {
            "color": _COLOURS[way_tone(way)],
            "width": min(2 + way.count // 10, 8),
            "curveness": 0.12,
        },
    }


def _table(topology: Topology) -> None:
    names = {one.machine_id: one.machine for one in topology.hosts}
    if not topology.ways:
        ui.label(_("Nothing is replicated between them yet.")).classes("hf-muted")
        return
    head = (_("From"), _("To"), _("Virtual machines"), _("Furthest behind"), _("Health"))
    plain_table("ways", head, [_row(way, names) for way in topology.ways])


def _row(way: WayView, names: dict[str, str]) -> list[Cell]:
    place = f"/replications?site={way.site}"
    return [
        Cell(names.get(way.source, way.source), href=f"/machines/{way.source}"),
        Cell(way.site, href=f"/sites/{way.site}"),
        count_cell(way.count, place),
        time_cell(way.worst_rpo_seconds),
        Cell(_healths(way), tone=way_tone(way)),
    ]


def _healths(way: WayView) -> str:
    counts = (
        (_("Critical"), way.critical),
        (_("Warning"), way.warning),
        (_("Normal"), way.normal),
    )
    return ", ".join(f"{text} {count}" for text, count in counts if count)
