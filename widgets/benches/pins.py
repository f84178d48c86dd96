"""Pins: curves kept as ghosts behind later runs, labelled by the parameters in which they differ."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from labcore.experiment import Parameter
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


def difference(pinned: Mapping[str, Any], current: Mapping[str, Any], parameters: Mapping[str, Parameter] = {}) -> str:
    """The pinned values that differ from the current ones, in the words of the parameters that are known."""
    changed = [_said(name, v, parameters.get(name)) for name, v in pinned.items() if current.get(name) != v]
    return ", ".join(changed) if changed else "the same settings"


def _said(name: str, value: Any, parameter: Parameter | None) -> str:
    """What has which value: a choice in its words, a switch as on or off."""
    label = parameter.label if parameter else name.replace("_", " ")
    if isinstance(value, bool):
        return f"{label} = {('off', 'on')[value]}"
    return f"{label} = {parameter.word(value) if parameter and parameter.kind == 'choice' else shown(value)}"


def ghosts(
    pins: list[Pin], values: Mapping[str, Any], parameters: Mapping[str, Parameter] = {}
) -> list[dict[str, Any]]:
    """The pinned curves as traces that stand behind a figure of `values`; a pin is one entry of the legend."""
    made = []
    indexed = {n: replace(p, label=re.sub(r"_(\w+)", r"<sub>\1</sub>", p.label)) for n, p in parameters.items()}
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
