"""Two sheets of pictures: what a generative network makes of the codes that pictures took, and of others."""

from __future__ import annotations

from typing import Any

import xarray as xr

from labcore.figure import INK, PAPER, RED, SKY, SOFT, image, label, sheet

COLUMNS, SIDE = 7, 3


def sheets(frame: xr.Dataset) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]], tuple]:
    """Traces, outlines of the pictures, words above them, and the width and height of both sheets in pixels."""
    shown, made, free = frame.shown.values, frame.made.values, frame.takers.values == 0
    # 0 and 1: as in the data; 2 and 3: a wrong pixel
    pixel = (made > 0) + 2.0 * (made != shown)
    spare, known = frame.picture.values[free], frame.known.values[free]
    fresh = (spare > 0) + 4.0 * ~known[:, None]  # 4 and 5: a picture that the data does not hold
    colors = (PAPER, INK, "#f2c4b8", RED, PAPER, SKY)
    scale = [[(n + up) / 6, color] for n, color in enumerate(colors) for up in (0, 1)]
    top = (SIDE + 1) * 2.0 + 1  # of the second sheet
    traces, outlines = [], []
    for n, part in enumerate(p for p in (pixel, fresh) if len(p)):
        start = n * top
        traces.append(image(sheet(part.reshape(-1, SIDE, SIDE), COLUMNS), "", scale, -0.5, 5.5, y0=start, dy=1))
        for k in range(len(part)):
            row, column = divmod(k, COLUMNS)
            x0, y0 = column * (SIDE + 1) - 0.5, start + row * (SIDE + 1) - 0.5
            outlines.append({"type": "rect", "x0": x0, "x1": x0 + SIDE, "y0": y0, "y1": y0 + SIDE, "xref": "x",
                             "yref": "y", "line": {"color": SOFT, "width": 1}})  # fmt: skip
    inks = f"<span style='color:{RED}'>dark orange: wrong pixel</span>"
    words = label(-0.5, -0.7, f"made of the pictures' codes; {inks}", INK, xanchor="left", yanchor="bottom")
    told = f"made of codes that are left over; <span style='color:{SKY}'>blue: not in the data</span>"
    others = [label(-0.5, top - 0.7, told, INK, xanchor="left", yanchor="bottom")] if len(spare) else []
    return traces, outlines, [words, *others], (COLUMNS * (SIDE + 1) - 1, 2 * top)
