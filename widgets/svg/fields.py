"""Fields over the plane: heat maps, contours, and the colours and bars of both."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from widgets.svg import marks
from widgets.svg.axes import Axis, nice, numbers, plain

# The named scales that our views use, at even steps, as plotly.js turns them.
_SCALES = {
    "Greys": "#000000 #ffffff",
    "Cividis": "#00224e #123570 #3b496c #575d6d #707173 #8a8678 #a59c74 #c3b369 #e1cc55 #fee838",
    "Viridis": "#440154 #482878 #3e4a89 #31688e #26828e #1f9e89 #35b779 #6ece58 #b5de2b #fde725",
}
PALE = "@paper"
FINE, STEPS = 900, 40  # cells up to which they are drawn one by one; tones of a scale of page colours


def scale_of(trace: Mapping[str, Any]) -> list[tuple[float, str]]:
    """A colour scale as places from 0 to 1 and their colours. Raises ValueError for a name that is not known."""
    scale = trace.get("colorscale", "Viridis")
    if isinstance(scale, str):
        name, turned = scale.removesuffix("_r"), scale.endswith("_r")
        if name not in _SCALES:
            raise ValueError(f"colorscale = {scale!r} is not known; there are {', '.join(_SCALES)} and lists")
        colours = _SCALES[name].split()
        scale = list(zip(np.linspace(0, 1, len(colours)), colours[::-1] if turned else colours))
    scale = [(float(at), str(colour)) for at, colour in scale]
    if trace.get("reversescale"):
        scale = [(1 - at, colour) for at, colour in scale[::-1]]
    return scale


def limits(z: np.ndarray, trace: Mapping[str, Any], low: str = "zmin", high: str = "zmax") -> tuple[float, float]:
    """The values at the two ends of the colours."""
    known = z[np.isfinite(z)]
    least, most = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    least = float(trace[low]) if trace.get(low) is not None else least
    most = float(trace[high]) if trace.get(high) is not None else most
    if (middle := trace.get("zmid")) is not None:
        reach = max(most - middle, middle - least)
        least, most = middle - reach, middle + reach
    return least, most if most > least else least + 1.0


def _segment(scale: Sequence[tuple[float, str]], share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which two neighbours of a scale a share lies between, and how far along."""
    at = np.array([a for a, _ in scale])
    k = np.clip(np.searchsorted(at, share, side="right") - 1, 0, len(at) - 2)
    width = at[k + 1] - at[k]
    return k, np.where(width > 0, (share - at[k]) / np.where(width > 0, width, 1), 1.0)


def _concrete(scale: Sequence[tuple[float, str]]) -> np.ndarray | None:
    """Its colours as (n, 4), where the page's paper is what shines through; None where other page colours are in it."""
    known = [(255.0, 255.0, 255.0, 0.0) if c == PALE else marks.rgba(c) for _, c in scale]
    return None if any(c is None for c in known) else np.array(known, dtype=float)


def _mixed(scale: Sequence[tuple[float, str]], share: np.ndarray) -> np.ndarray | None:
    """Shares as pixels (..., 4); None where the scale has colours of the page, which no pixel can follow."""
    known = _concrete(scale)
    if known is None:
        return None
    k, f = _segment(scale, np.nan_to_num(share))
    a, b, f = known[k], known[k + 1], f[..., None]
    alpha = a[..., 3:] * (1 - f) + b[..., 3:] * f
    # a colour that cannot be seen has no part in the mixture
    colour = (a[..., :3] * a[..., 3:] * (1 - f) + b[..., :3] * b[..., 3:] * f) / np.maximum(alpha, 1e-9)
    pixels = np.concatenate([np.where(alpha > 0, colour, 255), 255 * alpha], axis=-1)
    pixels[~np.isfinite(share)] = (255, 255, 255, 0)
    return np.round(pixels)


def _toned(scale: Sequence[tuple[float, str]], share: float) -> tuple[str, float]:
    """One share as a colour, which may be the page's, and its opacity."""
    k, f = (v.item() for v in _segment(scale, np.array(share)))
    (_, a), (_, b) = scale[k], scale[k + 1]
    if a == b or f <= 0:
        return a, 1.0
    if f >= 1:
        return b, 1.0
    if (pixel := _mixed(scale, np.array([share]))) is not None:
        return marks.hexed(pixel[0]), float(pixel[0, 3] / 255)
    seen, other, part = (b, a, f) if b != PALE else (a, b, 1 - f)
    ground = marks.rgba(other)
    return (seen, part) if other == PALE or (ground and ground[3] < 0.1) else (seen if part > 0.5 else other, 1.0)


def colours_of(values: np.ndarray, marker: Mapping[str, Any]) -> list[str]:
    """The colours of points that say theirs as numbers."""
    low, high = limits(values, marker, "cmin", "cmax")
    scale, out = scale_of(marker), []
    for value in values:
        colour, opacity = (
            _toned(scale, float(np.clip((value - low) / (high - low), 0, 1))) if np.isfinite(value) else ("@soft", 0)
        )
        known = marks.rgba(colour)
        out.append(
            colour
            if opacity == 1 or known is None
            else f"rgba({known[0]:.0f},{known[1]:.0f},{known[2]:.0f},{opacity:.2f})"
        )
    return out


def edges(axis: Axis, given: Any, n: int, start: float, step: float) -> np.ndarray:
    """The n + 1 borders of n cells as numbers of an axis: halfway between their middles."""
    if given is None:
        return start + step * (np.arange(n + 1) - 0.5)
    at = axis.values(given)
    if len(at) == n + 1:
        return at
    if n == 1:
        return np.array([at[0] - 0.5, at[0] + 0.5])
    middle = (at[1:] + at[:-1]) / 2
    return np.concatenate([[2 * at[0] - middle[0]], middle, [2 * at[-1] - middle[-1]]])


def borders(trace: Mapping[str, Any], x: Axis, y: Axis) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A field's values (h, w) and the borders of its cells along x and y."""
    z = (
        np.array([[math.nan if v is None else float(v) for v in row] for row in trace["z"]])
        if not isinstance(trace["z"], np.ndarray)
        else trace["z"].astype(float)
    )
    h, w = z.shape
    ex = edges(x, trace.get("x"), w, float(trace.get("x0", 0)), float(trace.get("dx", 1)))
    ey = edges(y, trace.get("y"), h, float(trace.get("y0", 0)), float(trace.get("dy", 1)))
    return z, ex, ey


def heatmap(trace: Mapping[str, Any], x: Axis, y: Axis) -> str:
    z, ex, ey = borders(trace, x, y)
    px, py = x.at(ex), y.at(ey)
    low, high = limits(z, trace)
    share, scale = np.clip((z - low) / (high - low), 0, 1), scale_of(trace)
    gx, gy = float(trace.get("xgap", 0)), float(trace.get("ygap", 0))
    even = all(np.allclose(np.diff(p), np.diff(p)[0], rtol=0.02, atol=1e-6) for p in (px, py))
    smooth = bool(trace.get("zsmooth"))
    pixels = _mixed(scale, share)
    if pixels is not None and (smooth or (even and not gx and not gy and z.size > FINE)):
        pixels = pixels[:: 1 if py[-1] > py[0] else -1, :: 1 if px[-1] > px[0] else -1]
        if not even:
            pixels = pixels[_cells_at(py)][:, _cells_at(px)]
        box = dict(x=round(min(px[0], px[-1]), 2), y=round(min(py[0], py[-1]), 2))
        box |= dict(width=round(abs(px[-1] - px[0]), 2), height=round(abs(py[-1] - py[0]), 2))
        drawn = marks.element(
            "image",
            href=marks.png(pixels),
            preserveAspectRatio="none",
            style=None if smooth else "image-rendering:pixelated",
            **box,
        )
    else:
        drawn = _cells(share, scale, px, py, gx, gy)
    words = _words(trace, z, px, py, share, scale) if trace.get("texttemplate") else ""
    opacity = float(trace.get("opacity", 1))
    return marks.element("g", drawn, words, opacity=opacity if opacity != 1 else None) if drawn else ""


def _cells_at(borders: np.ndarray, n: int = 240) -> np.ndarray:
    """Of n pixels of equal size, the cells of unequal size that they lie in, from the top or the left on."""
    rising = np.sort(borders)
    middles = rising[0] + (np.arange(n) + 0.5) * (rising[-1] - rising[0]) / n
    return np.clip(np.searchsorted(rising, middles) - 1, 0, len(rising) - 2)


def _cells(share: np.ndarray, scale: Sequence, px: np.ndarray, py: np.ndarray, gx: float, gy: float) -> str:
    """Each cell as a rectangle, cells of one tone as one path; neighbours in a row are one rectangle."""
    tones: dict[tuple[str, float], list[str]] = {}
    tone_of = share if share.size <= FINE else np.round(share * STEPS) / STEPS
    known: dict[float, tuple[str, float]] = {}
    for r in range(share.shape[0]):
        top, tall = min(py[r], py[r + 1]) + gy / 2, abs(py[r + 1] - py[r]) - gy
        c = 0
        while c < share.shape[1]:
            tone, end = float(tone_of[r, c]), c + 1
            if not math.isfinite(tone):
                c = end
                continue
            while not gx and end < share.shape[1] and tone_of[r, end] == tone:
                end += 1
            if tone not in known:
                known[tone] = _toned(scale, tone)
            a, b = sorted((px[c], px[end]))
            wide = marks.written(round(b - a - gx, 2))
            place = f"M{marks.written(round(a + gx / 2, 2))},{marks.written(round(top, 2))}"
            tones.setdefault(known[tone], []).append(f"{place}h{wide}v{marks.written(round(tall, 2))}h-{wide}z")
            c = end
    return "".join(
        marks.element("path", d="".join(parts), shape_rendering="crispEdges", **marks.paint("fill", colour, opacity))
        for (colour, opacity), parts in tones.items()
        if opacity > 0
    )


def _words(trace: Mapping, z: np.ndarray, px: np.ndarray, py: np.ndarray, share: np.ndarray, scale: Sequence) -> str:
    font = trace.get("textfont") or {}
    texts = np.asarray(trace.get("text", z), dtype=object)
    size, out = float(font.get("size", 12)), []
    for r in range(z.shape[0]):
        for c in range(z.shape[1]):
            text = str(texts[r][c])
            if not text or not np.isfinite(z[r, c]):
                continue
            colour, opacity = _toned(scale, float(share[r, c]))
            known = marks.rgba(colour)
            opacity *= known[3] if known else 1
            bright = known is None or opacity < 0.5 or 0.3 * known[0] + 0.6 * known[1] + 0.1 * known[2] > 140
            own = font.get("color") or (
                "@ink" if known is None or opacity < 0.5 else "#1f2328" if bright else "#ffffff"
            )
            small = min(size, 0.9 * abs(px[c + 1] - px[c]) / max(marks.measured(text, 1.0)[0], 0.1))
            out.append(
                marks.words((px[c] + px[c + 1]) / 2, (py[r] + py[r + 1]) / 2, text, size=max(small, 5), colour=own)
            )
    return "".join(out)


# contours


def _levels(trace: Mapping[str, Any], low: float, high: float) -> np.ndarray:
    asked = trace.get("contours") or {}
    step = float(asked.get("size") or nice((high - low) / float(trace.get("ncontours", 15))))
    start = float(asked.get("start", math.ceil(low / step) * step))
    end = float(asked.get("end", high))
    return start + step * np.arange(int((end - start) / step + 1e-9) + 1)


def crossings(z: np.ndarray, x: np.ndarray, y: np.ndarray, level: float) -> np.ndarray:
    """The line where a field z (h, w) over x (w,), y (h,) has this value, as straight pieces (n, 2, 2)."""
    pieces = []
    above = z > level
    for r in range(z.shape[0] - 1):
        square = above[r, :-1] * 1 + above[r, 1:] * 2 + above[r + 1, 1:] * 4 + above[r + 1, :-1] * 8
        for c in np.flatnonzero((square > 0) & (square < 15)).tolist():
            corners = [(r, c), (r, c + 1), (r + 1, c + 1), (r + 1, c)]
            cut = []
            for (r0, c0), (r1, c1) in zip(corners, [*corners[1:], corners[0]]):
                a, b = z[r0, c0], z[r1, c1]
                if (a > level) != (b > level):
                    f = (level - a) / (b - a)
                    cut.append((x[c0] + f * (x[c1] - x[c0]), y[r0] + f * (y[r1] - y[r0])))
            pieces += [cut[k : k + 2] for k in range(0, len(cut) - 1, 2)]
    made = np.array(pieces, dtype=float).reshape(-1, 2, 2)
    return made[np.isfinite(made).all((1, 2))]


def contour(trace: Mapping[str, Any], x: Axis, y: Axis) -> str:
    z = np.asarray(trace["z"], dtype=float)
    gx = x.values(trace["x"]) if trace.get("x") is not None else np.arange(z.shape[1], dtype=float)
    gy = y.values(trace["y"]) if trace.get("y") is not None else np.arange(z.shape[0], dtype=float)
    px, py = x.at(gx), y.at(gy)
    low, high = limits(z, trace)
    levels, scale = _levels(trace, low, high), scale_of(trace)
    line = trace.get("line") or {}
    coloured = (trace.get("contours") or {}).get("coloring", "fill")
    out = []
    if coloured in ("fill", "heatmap"):
        # between its samples the field is straight; a tone for all between two levels
        fine_x, fine_y = np.linspace(px[0], px[-1], 220), np.linspace(py[0], py[-1], 220)
        turn = lambda p: (p, 1) if p[-1] > p[0] else (p[::-1], -1)  # noqa: E731
        (ox, sx), (oy, sy) = turn(px), turn(py)
        along = np.array([np.interp(fine_x, ox, row[::sx]) for row in z])
        fine = np.array([np.interp(fine_y, oy, column[::sy]) for column in along.T]).T
        step = levels[1] - levels[0] if len(levels) > 1 else high - low
        band = levels[0] + (np.floor((fine - levels[0]) / step) + 0.5) * step if coloured == "fill" else fine
        pixels = _mixed(scale, np.clip((band - low) / (high - low), 0, 1))
        if pixels is not None:
            pixels = pixels[:: 1 if py[-1] > py[0] else -1, :: 1 if px[-1] > px[0] else -1]
            box = dict(x=round(min(px[0], px[-1]), 2), y=round(min(py[0], py[-1]), 2))
            box |= dict(width=round(abs(px[-1] - px[0]), 2), height=round(abs(py[-1] - py[0]), 2))
            out.append(marks.element("image", href=marks.png(pixels), preserveAspectRatio="none", **box))
    for level in levels:
        path = "".join("M" + "L".join(marks.points(piece[:, 0], piece[:, 1])) for piece in crossings(z, px, py, level))
        if path:
            share = float(np.clip((level - low) / (high - low), 0, 1))
            colour, opacity = _toned(scale, share) if coloured == "lines" else (line.get("color", "#444444"), 1.0)
            look = {**marks.paint("stroke", colour, opacity), "stroke_width": line.get("width", 0.5)}
            out.append(marks.element("path", d=path, fill="none", **look))
    opacity = float(trace.get("opacity", 1))
    return marks.element("g", *out, opacity=opacity if opacity != 1 else None) if out else ""


def colour_bar(trace: Mapping[str, Any], values: np.ndarray, plot: Mapping[str, float]) -> str:
    """The bar beside a field that says which colour is which number."""
    bar = trace.get("colorbar") or {}
    low, high = limits(values, trace)
    scale = scale_of(trace)
    x = plot["left"] + plot["wide"] * float(bar.get("x", 1.02)) + 10
    thick, tall = float(bar.get("thickness", 30)), plot["tall"] * float(bar.get("len", 1)) - 20
    middle = plot["top"] + plot["tall"] * (1 - float(bar.get("y", 0.5)))
    top, out, n = middle - tall / 2, [], 48
    for k in range(n):
        colour, opacity = _toned(scale, 1 - (k + 0.5) / n)
        look = marks.paint("fill", colour, opacity)
        box = dict(x=round(x, 1), y=round(top + tall * k / n, 2), width=thick, height=round(tall / n + 0.3, 2))
        out.append(marks.element("rect", **box, **look))
    given, texts = bar.get("tickvals"), bar.get("ticktext")
    step = nice((high - low) / 6)
    at = numbers(given) if given is not None else np.arange(math.ceil(low / step - 1e-9), high / step + 1e-9) * step
    texts = [plain(float(v), 0 if given is not None else step) for v in at] if texts is None else texts
    widest = 0.0
    for value, text in zip(at, texts):
        if low - 1e-9 <= value <= high + 1e-9:
            text = str(text).replace("-", "\N{MINUS SIGN}")
            y = top + tall * (1 - (value - low) / (high - low))
            widest = max(widest, marks.measured(text, 12)[0])
            out.append(marks.words(x + thick + 4, y, text, size=12, anchor="start"))
    title = bar.get("title") or {}
    title = {"text": title} if isinstance(title, str) else title
    if title.get("text"):
        if title.get("side") == "right":
            out.append(marks.words(x + thick + 14 + widest, middle, title["text"], turned=90))
        else:
            out.append(marks.words(x, top - 6, title["text"], anchor="start", upright="bottom"))
    return marks.element("g", *out)
