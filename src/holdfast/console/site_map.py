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
_SOURCE, _SITE, _SMALL = 46, 58, 12
# Of more hosts beneath each other each is small.
_FEW = 8
_ROOM_PIXELS, _SMALL_PIXELS, _LEAST_PIXELS = 84, 38, 260
# Half of a name has room beside the middle of its host.
_SIDE_PIXELS, _NAME_PIXELS = 76, 148


def show_map(topology: Topology) -> None:
    """Nothing is drawn where there is nothing to draw."""
    if not topology.hosts:
        return
    with shown.card(_("Which hosts replicate where")):
        sites = [one for one in topology.hosts if one.site]
        others = [one for one in topology.hosts if not one.site]
        rows = max(len(sites), len(others))
        chart = ui.echart(_options(topology.ways, others, sites)).classes("hf-chart")
        pixels = rows * (_SMALL_PIXELS if rows > _FEW else _ROOM_PIXELS)
        chart.style(f"height: {max(_LEAST_PIXELS, pixels)}px")
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


def _options(
    ways: Sequence[WayView], others: Sequence[HostNode], sites: Sequence[HostNode]
) -> dict[str, Any]:
    axis = {"show": False, "min": 0, "max": 1}
    is_tight = max(len(others), len(sites)) > _FEW
    return {
        "animation": False,
        "aria": {"enabled": True},
        "tooltip": {"show": False},
        # A graph without axes keeps its own shape, and what is higher than wide is cut off.
        "grid": {"left": _SIDE_PIXELS, "right": _SIDE_PIXELS, "top": 0, "bottom": 0},
        "xAxis": axis,
        "yAxis": {**axis, "inverse": True},
        "series": [
            {
                "type": "graph",
                "coordinateSystem": "cartesian2d",
                "roam": False,
                "edgeSymbol": ["none", "arrow"],
                "edgeSymbolSize": 9,
                "label": {
                    "show": True,
                    "position": "bottom",
                    "formatter": "{b}",
                    "color": _INK,
                    "fontSize": 13,
                    "width": _NAME_PIXELS,
                    "overflow": "truncate",
                },
                "edgeLabel": {"show": True, "color": _INK, "fontSize": 12, "formatter": "{c}"},
                "data": [
                    *_column(others, 0, _SMALL if is_tight else _SOURCE),
                    *_column(sites, 1, _SMALL if is_tight else _SITE),
                ],
                "links": [_link(way) for way in ways],
            }
        ],
    }


def _column(hosts: Sequence[HostNode], x: int, size: int) -> list[dict[str, Any]]:
    """Beneath each other; names that stand twice are told apart by the id the edges go by."""
    return [
        {
            "id": one.machine_id,
            "name": f"{one.machine} ({one.site})" if one.site else one.machine,
            "value": [x, (number + 0.5) / len(hosts)],
            "symbol": "roundRect" if one.site else "circle",
            "symbolSize": size,
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
