"""The moving picture of the README: a spline edge under a hand, drawn from the frames of the real view.

python -m widgets.moving_picture     draws docs/spline.svg
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from labcore import catalog
from labcore.figure import BLUE, ORANGE, RED, view_of

FILE = Path(__file__).parents[1] / "docs" / "spline.svg"
WIDTH, HEIGHT = 860, 360
LEFT, RIGHT, TOP, BOTTOM = 28, 28, 84, 50  # margins of the plot
POINTS = 160  # of a curve
# each of these control points is lifted and lowered in turn: its number, and how far
LIFTS = ((5, 1.6), (14, -1.5), (10, 1.8))
STEPS = 10  # frames from rest to rest
SECONDS = 9
TITLE = "Lift a control point of the curve"
TOLD = (
    "A hand lifts and lowers three control points of a spline in turn. The blue curve follows only near the point that "
    "is moved; everywhere else it stays on the dotted curve, which is the one before."
)
MARKERS = " ".join(f'marker-{place}="url(#m)"' for place in ("start", "mid", "end"))
# the pointing hand, its finger tip at 0, 0
HAND = (
    "M-3.5 4a3.5 3.5 0 0 1 7 0v10l9 2.4a5 5 0 0 1 3.7 5.4l-.9 7.2a7 7 0 0 1-7 6.2h-7.3a7 7 0 0 1-5.6-2.8"
    "l-7.2-9.6a2.9 2.9 0 0 1 4.1-4l4.2 3.2z"
)


def frames() -> Iterator[dict[str, Any]]:
    """The view's specifications, from rest through all lifts and back to rest."""
    edge = catalog.load_experiment("kan_assessment.edge")
    view = view_of(edge)
    for point, most in LIFTS:
        for step in range(STEPS):
            yield view(edge.run(drag=point, height=most * np.sin(np.pi * step / STEPS)))
    yield view(edge.run(drag=LIFTS[0][0], height=0.0))


def _curves(spec: dict[str, Any]) -> dict[str, np.ndarray]:
    """The curves of the upper panel by name, each of shape (points, 2)."""
    named = {t["name"]: np.column_stack([t["x"], t["y"]]).astype(float) for t in spec["data"] if t["yaxis"] == "y"}
    return {name: xy[:: max(1, len(xy) // POINTS)] for name, xy in named.items()}


def _animated(attribute: str, values: list[str]) -> str:
    return (
        f'<animate attributeName="{attribute}" dur="{SECONDS}s" repeatCount="indefinite" values="{";".join(values)}"/>'
    )


def picture() -> str:
    """The SVG. Whoever asked for less motion gets the frame in which the first point is up."""
    drawn = [_curves(spec) for spec in frames()]
    every = np.vstack([xy for curves in drawn for xy in curves.values()])
    low, high = every.min(0), every.max(0)

    def place(xy: np.ndarray) -> np.ndarray:
        unit = (xy - low) / (high - low)
        return np.column_stack(
            [LEFT + (WIDTH - LEFT - RIGHT) * unit[:, 0], HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * unit[:, 1]]
        )

    def points(xy: np.ndarray) -> str:
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in place(xy))

    def scene(shown: list[dict[str, np.ndarray]]) -> str:
        """One frame, or all of them one after another."""

        def line(name: str, style: str) -> str:
            values = [points(curves[name]) for curves in shown]
            move = _animated("points", values) if len(set(values)) > 1 else ""
            return f'<polyline fill="none" {style} points="{values[0]}">{move}</polyline>'

        tips = np.vstack([place(curves["moved"]) for curves in shown])
        move = "".join(_animated(f"c{a}", [f"{v:.1f}" for v in tips[:, i]]) for i, a in enumerate("xy"))
        follow = (
            f'<animateTransform attributeName="transform" type="translate" dur="{SECONDS}s" repeatCount="indefinite" '
            f'values="{";".join(f"{x:.1f},{y:.1f}" for x, y in tips)}"/>'
        )
        if len(shown) == 1:
            move = follow = ""
        (x, y) = tips[0]
        return (
            line("before", 'class="soft" stroke-width="2" stroke-dasharray="3 5"')
            + line("control points", f'stroke="{ORANGE}" stroke-width="1.5" {MARKERS}')
            + line("after", f'stroke="{BLUE}" stroke-width="4" stroke-linejoin="round"')
            + f'<circle cx="{x:.1f}" cy="{y:.1f}" r="8" fill="{RED}">{move}</circle>'
            + f'<path class="hand" d="{HAND}" transform="translate({x:.1f},{y:.1f})">{follow}</path>'
        )

    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="t d">\n'
        f'<title id="t">{TITLE}</title><desc id="d">{TOLD}</desc>\n'
        "<style>.card{fill:#fff;stroke:#d5d9de}.soft{stroke:#5f6670}.words{fill:#1f2328}.less{fill:#5f6670}"
        ".hand{fill:#fff;stroke:#1f2328;stroke-width:1.6}.still{display:none}"
        "text{font:600 17px system-ui,-apple-system,'Segoe UI',sans-serif}text.less{font-weight:400;font-size:15px}"
        "@media(prefers-color-scheme:dark){.card{fill:#16191d;stroke:#3a4048}.soft{stroke:#a0a8b2}.words{fill:#e6e9ed}"
        ".less{fill:#a0a8b2}}@media(prefers-reduced-motion:reduce){.moving{display:none}.still{display:inline}}</style>\n"
        f'<rect class="card" x="0.5" y="0.5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="12"/>\n'
        f'<text class="words" x="{LEFT}" y="32">{TITLE}</text>'
        f'<text class="less" x="{LEFT}" y="54">Only the part near it follows. '
        "A Kolmogorov-Arnold network learns by moving such points.</text>\n"
        f'<marker id="m" markerWidth="8" markerHeight="8" refX="4" refY="4" markerUnits="userSpaceOnUse">'
        f'<circle cx="4" cy="4" r="3.2" fill="{ORANGE}"/></marker>\n'
        f'<g class="moving">{scene(drawn)}</g>\n<g class="still">{scene([drawn[STEPS // 2]])}</g>\n</svg>\n'
    )


def main() -> None:
    FILE.write_text(picture(), encoding="utf-8")
    print(FILE)


if __name__ == "__main__":
    main()
