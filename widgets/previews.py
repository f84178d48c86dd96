"""Small pictures for the atlas, drawn from the quick run of each ready paper.

python -m widgets.previews [key ...]     draws labcore/<theme>/<key>/preview.svg, for every ready paper or for these

A picture is one panel of a figure: the one that the paper's `view.py` names, CARD = ("experiment", "panel") with the
panel as plotly has it ("x2y2"), or else the first with a curve that can be pinned, of the paper's first experiment.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from labcore import catalog
from labcore.figure import on_paper, view_of
from widgets.benches.first_still import card
from widgets.svg.draw import svg

WIDTH, HEIGHT, MARGIN = 240, 120, 6
SMALL = 0.7  # what points and lines keep of their size

# a card has a ground of its own, light or dark, which only its text colour is known to suit
_COLOURS = {
    "@ink": "currentColor",
    "@soft": "#8b929b",
    "@grid": "rgba(139,146,155,0.3)",
    "@paper": "transparent",
    "@shade": "rgba(139,146,155,0.14)",
}


def panels(spec: Mapping[str, Any]) -> list[str]:
    """The panels of a figure, in the order of its traces: "xy", "x2y2", ..."""
    flat = [t for t in spec["data"] if "z" not in t or t["type"] in ("heatmap", "contour")]
    return list(dict.fromkeys(t.get("xaxis", "x") + t.get("yaxis", "y") for t in flat))


def sketch(spec: Mapping[str, Any], panel: str = "") -> str:
    """One panel of a figure as an SVG of 240 x 120, without axes and words; by itself the first with a pinnable curve.

    Raises ValueError for a panel that the figure has not, or where no curve can be pinned.
    """
    if not panel:
        pinned = [t for t in spec["data"] if (t.get("meta") or {}).get("pin")]
        if not pinned:
            raise ValueError("the figure has no pinnable curve to sketch")
        panel = panels({"data": pinned})[0]
    if panel not in panels(spec):
        raise ValueError(f"panel = {panel!r} is not there; the figure has {', '.join(panels(spec))}")
    x, _, y = panel.partition("y")
    traces = [_small(t) for t in spec["data"] if t.get("xaxis", "x") + t.get("yaxis", "y") == panel]
    layout: dict[str, Any] = {
        "height": HEIGHT,
        "margin": dict.fromkeys("lrtb", MARGIN),
        "shapes": [s for s in spec["layout"].get("shapes", ()) if (_axis(s, "x"), _axis(s, "y")) == (x, f"y{y}")],
        **{k: v for k, v in spec["layout"].items() if k in ("barmode", "bargap")},
    }
    for axis in (x, f"y{y}"):
        kept = dict(spec["layout"].get(f"{axis[0]}axis{axis[1:]}", {}))
        kept.pop("domain", None)
        layout[f"{axis[0]}axis{axis[1:]}"] = kept | {"visible": False, "automargin": False}
    return svg(on_paper({"data": traces, "layout": layout}, _COLOURS), width=WIDTH) + "\n"


def _axis(shape: Mapping[str, Any], letter: str) -> str:
    return str(shape.get(f"{letter}ref", letter)).partition(" ")[0]


def _small(trace: Mapping[str, Any]) -> dict[str, Any]:
    """A trace without its words and its colour bar, and with thinner lines and smaller points."""
    made = {k: v for k, v in trace.items() if k not in ("text", "texttemplate", "showlegend")}
    if "mode" in made:
        made["mode"] = "+".join(part for part in made["mode"].split("+") if part != "text") or "none"
    for part, key in (("line", "width"), ("marker", "size")):
        size = (made.get(part) or {}).get(key)
        if size is not None:
            size = [SMALL * v for v in size] if isinstance(size, (list, tuple)) else SMALL * size
            made[part] = {**made[part], key: size}
    return made | ({"showscale": False} if "z" in made else {})


def preview(key: str) -> str:
    """The picture of a ready paper."""
    name, panel = card(catalog.paper(key))
    experiment = catalog.load_experiment(f"{key}.{name}")
    return sketch(view_of(experiment)(experiment.run("quick")), panel)


def main() -> None:
    keys = sys.argv[1:]
    for paper in map(catalog.paper, keys) if keys else catalog.papers():
        if paper.status == "ready":
            (paper.folder / "preview.svg").write_text(preview(paper.key), encoding="utf-8")
            print(paper.folder / "preview.svg")


if __name__ == "__main__":
    main()
