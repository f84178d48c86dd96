"""Small pictures for the atlas, drawn from the quick run of each ready paper's first experiment.

python -m widgets.previews [key ...]     draws labcore/<theme>/<key>/preview.svg, for every ready paper or for these
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from labcore import catalog
from labcore.figure import view_of

WIDTH, HEIGHT, MARGIN = 240, 92, 8


def _scaled(values: np.ndarray, low: float, high: float, log: bool) -> np.ndarray:
    if log:
        values, low, high = (np.log10(np.clip(v, 1e-12, None)) for v in (values, low, high))
    return (values - low) / max(high - low, 1e-12)


def sketch(spec: dict[str, Any]) -> str:
    """The pinnable curves of a figure's first panel as an SVG of 240 x 92, axes left out. Raises ValueError if none."""
    curves = [t for t in spec["data"] if (t.get("meta") or {}).get("pin")]
    if not curves:
        raise ValueError("the figure has no pinnable curve to sketch")
    panel = curves[0].get("xaxis", "x")
    curves = [t for t in curves if t.get("xaxis", "x") == panel]
    logs = [spec["layout"].get(f"{a}axis{panel[1:]}", {}).get("type") == "log" for a in "xy"]
    xs = [np.asarray(t["x"], float) for t in curves]
    ys = [np.asarray(t["y"], float) for t in curves]
    # a curve that vanishes would push the rest of a log picture to its top
    floor = max(np.nanmax(y) for y in ys) * 1e-3 if logs[1] else -np.inf
    ys = [np.maximum(y, floor) for y in ys]
    box_x = min(np.nanmin(x) for x in xs), max(np.nanmax(x) for x in xs)
    box_y = min(np.nanmin(y) for y in ys), max(np.nanmax(y) for y in ys)
    lines = []
    for trace, x, y in zip(curves, xs, ys, strict=True):
        px = MARGIN + (WIDTH - 2 * MARGIN) * _scaled(x, *box_x, logs[0])
        py = HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * _scaled(y, *box_y, logs[1])
        color = trace["line"]["color"]
        color = "currentColor" if color.startswith("@") else color  # a page colour follows the page here too
        # many curves may be one trace with gaps
        pieces = np.ma.clump_unmasked(np.ma.masked_invalid(px + py))
        for piece in pieces:
            points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(px[piece], py[piece], strict=True))
            lines.append(
                f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2.5" stroke-linejoin="round"/>'
            )
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">{"".join(lines)}</svg>\n'


def main() -> None:
    keys = sys.argv[1:]
    for paper in map(catalog.paper, keys) if keys else catalog.papers():
        if paper.status == "ready":
            experiment = catalog.load_experiment(f"{paper.key}.{paper.experiments[0]}")
            picture = sketch(view_of(experiment)(experiment.run("quick")))
            (paper.folder / "preview.svg").write_text(picture, encoding="utf-8")
            print(paper.folder / "preview.svg")


if __name__ == "__main__":
    main()
