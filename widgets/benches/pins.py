"""Pins: curves kept as ghosts behind later runs, labelled by the parameters in which they differ."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from widgets.benches.controls import shown

_DASHES = ("dot", "dash", "dashdot", "longdash")


@dataclass(frozen=True)
class Pin:
    """The traces of one figure that its view marked `meta={"pin": True}`, and the values they were made with."""

    traces: list[dict[str, Any]]
    values: Mapping[str, Any]


def pin(spec: Mapping[str, Any], values: Mapping[str, Any]) -> Pin:
    """Keep the pinnable curves of a figure."""
    return Pin([t for t in spec["data"] if (t.get("meta") or {}).get("pin")], dict(values))


def difference(pinned: Mapping[str, Any], current: Mapping[str, Any], labels: Mapping[str, str] = {}) -> str:
    """The pinned values that differ from the current ones, under their labels, or names."""
    changed = [f"{labels.get(k) or k.replace('_', ' ')} = {_said(v)}" for k, v in pinned.items() if current.get(k) != v]
    return ", ".join(changed) if changed else "the same settings"


def _said(value: Any) -> str:
    """A value as `shown`, a switch as on or off."""
    return ("off", "on")[value] if isinstance(value, bool) else shown(value)


def ghosts(pins: list[Pin], values: Mapping[str, Any], labels: Mapping[str, str] = {}) -> list[dict[str, Any]]:
    """The pinned curves as traces that stand behind a figure of `values`; a pin is one entry of the legend."""
    indexed = {name: re.sub(r"_(\w+)", r"<sub>\1</sub>", said) for name, said in labels.items()}
    made = []
    for number, kept in enumerate(pins):
        label = f"pinned: {difference(kept.values, values, indexed)}"
        for position, trace in enumerate(kept.traces):
            ghost = {k: v for k, v in trace.items() if k not in ("marker", "text", "texttemplate")}
            ghost.update(
                mode="lines",
                opacity=0.75,
                name=label,
                legendgroup=f"pin{number}",
                showlegend=position == 0,
                line={"color": "@soft", "width": 1.5, "dash": _DASHES[number % len(_DASHES)]},
                meta=None,
                hoverinfo="skip",
            )
            made.append(ghost)
    return made
