"""The marks that pictures are made of: elements, colours, texts, paths and small images, as strings of SVG."""

from __future__ import annotations

import base64
import re
import struct
import zlib
from collections.abc import Mapping, Sequence
from html import escape, unescape
from typing import Any

import numpy as np

from labcore.figure import PAPER_COLOURS

RGBA = tuple[float, float, float, float]
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
NEAR = 1.0  # pixels: a point of a long line that is nearer to the one before says nothing
LEADING = 1.3  # of two lines of a text, in sizes of its letters

_NAMED = {"white": "#ffffff", "black": "#000000", "transparent": "rgba(0,0,0,0)", "gray": "#808080", "grey": "#808080"}
_NARROW, _WIDE = frozenset("iljtfr.,:;'|!()[] I"), frozenset("mwMW@%—")


def element(tag: str, *children: str, **attributes: Any) -> str:
    """One element. `stroke_width=2` is written stroke-width="2"; what is None is left out."""
    words = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(written(value), quote=True)}"'
        for name, value in attributes.items()
        if value is not None
    )
    return f"<{tag}{words}>{''.join(children)}</{tag}>" if children else f"<{tag}{words}/>"


def written(value: Any) -> str:
    """A number with at most two places and without needless zeros, anything else as it is."""
    if isinstance(value, (float, np.floating)):
        return f"{value:.2f}".rstrip("0").rstrip(".") if abs(value) >= 0.005 else "0"
    return str(value)


def points(x: np.ndarray, y: np.ndarray) -> list[str]:
    """Pixels as "12.3,4", to a tenth of one."""
    return [f"{written(round(a, 1))},{written(round(b, 1))}" for a, b in zip(x.tolist(), y.tolist(), strict=True)]


def polyline(x: np.ndarray, y: np.ndarray) -> str:
    """The data of a path through these pixels, with gaps at what is not finite."""
    parts = []
    for piece in pieces(x + y):
        px, py = thinned(x[piece], y[piece])
        parts.append("M" + "L".join(points(px, py)))
    return "".join(parts)


def pieces(values: np.ndarray) -> list[slice]:
    """The stretches of finite numbers."""
    return np.ma.clump_unmasked(np.ma.masked_invalid(values)) if len(values) else []


def thinned(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pixels of a line without those that nobody would miss; where many share a column, its ends, top and foot."""
    if len(x) < 60:
        return x, y
    far, last = [0], 0
    for k in range(1, len(x) - 1):
        if abs(x[k] - x[last]) + abs(y[k] - y[last]) >= NEAR:
            far.append(k)
            last = k
    x, y = x[[*far, len(x) - 1]], y[[*far, len(y) - 1]]
    column = np.round(x * 2)
    starts = np.flatnonzero(np.concatenate([[True], column[1:] != column[:-1]]))
    if len(starts) > len(x) / 3:
        return x, y
    keep: list[int] = []
    for a, b in zip(starts, [*starts[1:], len(x)]):
        keep += sorted({a, a + int(np.argmin(y[a:b])), a + int(np.argmax(y[a:b])), b - 1})
    return x[keep], y[keep]


# colours


def rgba(colour: str) -> RGBA | None:
    """A colour as red, green, blue (0 to 255) and opacity; None for one of the page, and for one that is not known."""
    colour = _NAMED.get(colour, colour)
    if re.fullmatch(r"#[0-9a-fA-F]{3}", colour):
        colour = "#" + "".join(c * 2 for c in colour[1:])
    if re.fullmatch(r"#[0-9a-fA-F]{6}", colour):
        return (*(int(colour[k : k + 2], 16) for k in (1, 3, 5)), 1.0)
    if found := re.fullmatch(r"rgba?\(([^)]*)\)", colour):
        parts = [float(part) for part in found[1].split(",")]
        return (*parts[:3], parts[3] if len(parts) > 3 else 1.0)
    return None


def hexed(colour: Sequence[float]) -> str:
    return "#" + "".join(f"{round(float(np.clip(c, 0, 255))):02x}" for c in colour[:3])


def page_colour(colour: str) -> str:
    """A page's colour, which follows its theme where the page says one: @ink is var(--labcore-ink, #1f2328)."""
    return f"var(--labcore-{colour[1:]}, {PAPER_COLOURS[colour]})"


def paint(name: str, colour: Any, opacity: float = 1.0) -> dict[str, Any]:
    """The attributes fill=... or stroke=..., with their opacity where there is one."""
    colour = str(colour)
    if colour in PAPER_COLOURS:
        return {name: page_colour(colour)} | ({f"{name}_opacity": opacity} if opacity != 1 else {})
    known = rgba(colour)
    if known is None:
        return {name: colour} | ({f"{name}_opacity": opacity} if opacity != 1 else {})
    opacity *= known[3]
    return {name: hexed(known)} | ({f"{name}_opacity": opacity} if opacity != 1 else {})


def dashes(dash: str | None, width: float) -> str | None:
    """The lengths of a dashed line: plotly's words for them, or lengths in pixels."""
    w = max(width, 1.0)
    known = {"dot": (w, 2 * w), "dash": (3 * w, 3 * w), "longdash": (5 * w, 5 * w), "dashdot": (3 * w, 2 * w, w, 2 * w)}
    if not dash or dash == "solid":
        return None
    lengths = known.get(dash) or [float(part) for part in re.findall(r"[\d.]+", dash)]
    return " ".join(written(float(length)) for length in lengths) or None


def stroke(line: Mapping[str, Any], *, colour: str = "@ink", width: float = 2.0, opacity: float = 1.0) -> dict:
    """The attributes of a line from plotly's `line`."""
    width = float(line.get("width", width))
    return {
        **paint("stroke", line.get("color", colour), opacity),
        "stroke_width": width,
        "stroke_dasharray": dashes(line.get("dash"), width),
    }


# texts


def wide(text: str, size: float) -> float:
    """About how many pixels a line of text takes."""
    plain = re.sub(r"<[^>]*>", "", text)
    return size * sum(0.3 if c in _NARROW else 0.85 if c in _WIDE else 0.56 for c in plain)


def lines_of(text: str) -> list[str]:
    return re.split(r"<br\s*/?>", text)


def measured(text: str, size: float) -> tuple[float, float]:
    """Width and height of a text of several lines, in pixels, about."""
    lines = lines_of(text)
    return max(wide(line, size) for line in lines), size * (1 + LEADING * (len(lines) - 1))


_TAG = re.compile(r"<(/?)(b|i|em|strong|sub|sup|span)\b([^>]*)>")
_STYLE = {"b": "font-weight:bold", "strong": "font-weight:bold", "i": "font-style:italic", "em": "font-style:italic"}


def _runs(line: str, size: float) -> str:
    """A line with plotly's few tags as spans of SVG."""
    out, last, open_ = [], 0, []

    def words(text: str) -> None:
        if text:
            out.append(escape(unescape(text), quote=False))

    for tag in _TAG.finditer(line):
        words(line[last : tag.start()])
        last = tag.end()
        closing, name, rest = tag[1], tag[2], tag[3]
        if closing:
            if open_:
                out.append("</tspan>" + open_.pop())
        elif name in ("sub", "sup"):
            shift = 0.25 * size if name == "sub" else -0.4 * size
            out.append(f'<tspan dy="{written(shift)}" font-size="{written(0.72 * size)}">')
            # what comes after stands on the line again
            open_.append(f'<tspan dy="{written(-shift)}">\u200b</tspan>')
        else:
            colour = re.search(r"color:\s*([^;\"']+)", rest)
            style = f"fill:{colour[1].strip()}" if colour else _STYLE.get(name, "")
            out.append(f'<tspan style="{escape(style, quote=True)}">')
            open_.append("")
    words(line[last:])
    while open_:
        out.append("</tspan>" + open_.pop())
    return "".join(out)


def words(
    x: float,
    y: float,
    text: Any,
    *,
    size: float = 13,
    colour: str = "@ink",
    anchor: str = "middle",
    upright: str = "middle",
    turned: float = 0,
    opacity: float = 1.0,
    weight: str | None = None,
) -> str:
    """A text at a pixel: `anchor` is start, middle or end; `upright` is the part of it at y: top, middle or bottom."""
    lines = lines_of(str(text))
    height = size * (1 + LEADING * (len(lines) - 1))
    first = {"top": 0.85 * size, "middle": 0.85 * size - height / 2, "bottom": 0.85 * size - height}[upright]
    spans = [
        element("tspan", _runs(line, size), x=round(x, 1), y=round(y + first + LEADING * size * k, 1))
        for k, line in enumerate(lines)
    ]
    return element(
        "text",
        *spans,
        font_size=size if size != 13 else None,
        text_anchor=anchor if anchor != "start" else None,
        font_weight=weight,
        transform=f"rotate({written(float(turned))} {written(round(x, 1))} {written(round(y, 1))})" if turned else None,
        **paint("fill", colour, opacity),
    )


# the symbols of points


def symbol(name: str, x: float, y: float, size: float, turned: float = 0, **attributes: Any) -> str:
    """A point of plotly's: circle, square, diamond, x, cross, star, triangles, lines; `-open` ones are not filled."""
    r = size / 2
    base = name.replace("-open", "").replace("-dot", "")
    if base in ("circle", "circle-cross"):
        drawn = element("circle", cx=round(x, 1), cy=round(y, 1), r=r, **attributes)
        if base == "circle":
            return drawn
        cross = f"M{-r},0H{r}M0,{-r}V{r}"
        return drawn + element("path", d=cross, transform=f"translate({x:.1f} {y:.1f})", **attributes)
    shapes = {
        "square": [(-r, -r), (r, -r), (r, r), (-r, r)],
        "diamond": [(0, -1.3 * r), (1.3 * r, 0), (0, 1.3 * r), (-1.3 * r, 0)],
        "triangle-up": [(0, -1.15 * r), (r, 0.6 * r), (-r, 0.6 * r)],
        "triangle-down": [(0, 1.15 * r), (r, -0.6 * r), (-r, -0.6 * r)],
        "triangle-right": [(1.15 * r, 0), (-0.6 * r, r), (-0.6 * r, -r)],
        "triangle-left": [(-1.15 * r, 0), (0.6 * r, r), (0.6 * r, -r)],
        "arrow": [(0, 0), (0.6 * r, 2 * r), (-0.6 * r, 2 * r)],
        "star": [
            (r * f * np.sin(np.pi * k / 5), -r * f * np.cos(np.pi * k / 5)) for k, f in zip(range(10), (1.4, 0.55) * 5)
        ],
        "cross": [(a * r, b * r) for a, b in _cross(0.4)],
        "x": [((a - b) * r * 0.8, (a + b) * r * 0.8) for a, b in _cross(0.3)],
    }
    strokes = {"line-ns": f"M0,{-1.4 * r}V{1.4 * r}", "line-ew": f"M{-1.4 * r},0H{1.4 * r}"}
    place = f"translate({written(round(x, 1))} {written(round(y, 1))})"
    place += f" rotate({written(float(turned))})" if turned else ""
    if base in strokes:
        return element("path", d=strokes[base], transform=place, **attributes)
    corners = shapes.get(base, shapes["square"])
    path = "M" + "L".join(f"{written(float(a))},{written(float(b))}" for a, b in corners) + "Z"
    return element("path", d=path, transform=place, **attributes)


def _cross(w: float) -> list[tuple[float, float]]:
    return [(-w, -1), (w, -1), (w, -w), (1, -w), (1, w), (w, w), (w, 1), (-w, 1), (-w, w), (-1, w), (-1, -w), (-w, -w)]


# images


def png(pixels: np.ndarray) -> str:
    """Pixels (h, w, 4) from 0 to 255 as the address of a PNG."""
    h, w, _ = pixels.shape
    raw = np.concatenate([np.zeros((h, 1), np.uint8), pixels.astype(np.uint8).reshape(h, 4 * w)], axis=1).tobytes()

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", w, h, 8, 6, 0, 0, 0)
    made = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(made).decode()
