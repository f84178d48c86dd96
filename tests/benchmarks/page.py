"""What people read of a record: the tables and the picture of docs/benchmarks.md, and the README's lines."""

from __future__ import annotations

import datetime
import textwrap
from pathlib import Path
from typing import Any

from tests.benchmarks.record import KEPT, Record, records
from tests.benchmarks.timing import PEER_PACKAGES, ROOT
from widgets.svg.draw import svg

BEGIN, END = "<!-- benchmarks -->", "<!-- /benchmarks -->"
PICTURE = KEPT / "growth.svg"
# what the README says of all this, a line each
FRONT = (
    "request to first figure in Chromium, median of",
    "two-layer network, 10 hidden units, Adam",
    "ridge regression, 13 widths x 60 ridge values, SVDs included",
    "KAN layer 64 to 64, grid 8, batch 1024, forward + backward",
    "spiking network, 200 inputs x 100 neurons, STDP, 10000 steps",
)


def number(value: float | None) -> str:
    """Three digits, as people write them: 0.0123, 4.56, 78.9, 1,230."""
    if value is None:
        return "-"
    text = f"{value:.3g}"
    return f"{float(text):,.0f}" if abs(value) >= 100 else text


def kind_of(machine: dict[str, Any]) -> str:
    """The machine in a few words."""
    cores = f"{machine['cores']} cores" if machine["cores"] != 1 else "1 core"
    versions = ", ".join(f"{p} {machine[p].partition('+')[0]}" for p in ("numpy", "torch", "numba"))
    where = f"{cores} of {machine['cpu']}, {machine['memory GiB']:.0f} GiB, {machine['system']}"
    return f"{where}, Python {machine['python']}, {versions}"


def missing(machine: dict[str, Any]) -> list[str]:
    """The peers that were not installed where this was measured."""
    return [p for p in PEER_PACKAGES if machine.get(p) is None]


def _day(iso: str) -> str:
    date = datetime.date.fromisoformat(iso)
    return f"{date.day} {date:%B %Y}"


def _measured(record: Record) -> str:
    """When: the days of the first and of the last row."""
    rows = [r for part in record.values() if isinstance(part, list) for r in part]
    days = sorted({r["measured"] for r in rows if "measured" in r} or {record["date"]})
    return f"on {_day(days[0])}" if len(days) == 1 else f"from {_day(days[0])} to {_day(days[-1])}"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 120, break_long_words=False, break_on_hyphens=False)


def tables(record: Record, name: str = "", others: tuple[str, ...] = ()) -> str:
    """Two tables, the same computation in other programs and what people wait for, and the picture of the growth.

    name is the record's file, others are those of other machines.
    """
    said = [f"Measured {_measured(record)} on {kind_of(record['machine'])}."]
    if record["quick"]:
        said.append("These are the small sizes of `--quick`: they show that all of it runs, and no more.")
    if record.get("unfinished"):
        said.append("The run is not finished.")
    if name:
        said.append(f"All numbers are in [{name}](benchmarks/{name}).")
    if others:
        said.append(f"Other machines: {', '.join(f'[{o}](benchmarks/{o})' for o in others)}.")
    if gone := missing(record["machine"]):
        said.append(f"Peers that were not installed: {', '.join(gone)}.")
    lines = _wrapped(" ".join(said))
    rows = [r for r in record.get("peers", []) if r["table"]]
    rows += [{**r, "name": f"memory: {r['name']}"} for r in record.get("memory", [])]
    if rows:
        lines += ["", "| the same computation | ours | peer | peer / ours |", "| --- | --- | --- | --- |"]
        for what in dict.fromkeys(r["name"] for r in rows):
            all_of = [r for r in rows if r["name"] == what]
            ours, unit = number(all_of[0]["ours"]), all_of[0]["unit"]
            peers = "; ".join(f"{r['against']}: {number(r['peer'])}" for r in all_of)
            ratios = "; ".join(number(r["ratio"]) for r in all_of)
            lines.append(f"| {what} | {ours} {unit} | {peers} | {ratios} |")
    if rows := [r for r in record.get("house", []) if "parts" not in r]:
        lines += ["", "| what people wait for | | beside |", "| --- | --- | --- |"]
        for r in rows:
            late = f", 95 % within {number(r['95th percentile'])}" if "95th percentile" in r else ""
            beside = f"{r['against']}: {number(r['peer'])}" if r["peer"] is not None else ""
            lines.append(f"| {r['name']} | {number(r['ours'])} {r['unit']}{late} | {beside} |")
    if rows := [r for r in record.get("house", []) if "parts" in r]:
        lines += ["", *sliders(rows)]
    if rows := record.get("growth"):
        lines += ["", f"![How the time of {len(rows)} kernels grows with size](benchmarks/{PICTURE.name})"]
    return "\n".join(lines)


def sliders(rows: list[dict[str, Any]]) -> list[str]:
    """The table of the figures that follow a slider, the slowest first."""
    parts = list(rows[0]["parts"])
    lines = [
        f"| {rows[0]['unit']} from a key on the slider to the redrawn figure | median | 95 % within | "
        f"{' | '.join(parts)} | bytes | pictures a second, dragged |",
        f"| --- | --- | --- | {' | '.join('---' for _ in parts)} | --- | --- |",
    ]
    for r in sorted(rows, key=lambda r: -r["ours"]):
        beside = f" ({r['against']}: {number(r['peer'])})" if r["peer"] is not None else ""
        late = "" if r["last one shown"] else ", and not the last one"
        shares = " | ".join(number(r["parts"][part]) for part in parts)
        lines.append(
            f"| {r['name'].removeprefix('slider to figure: ')} | {number(r['ours'])}{beside} | "
            f"{number(r['95th percentile'])} | {shares} | {r['bytes']:,} | {number(r['pictures a second'])}{late} |"
        )
    return lines


def growth_picture(record: Record) -> str:
    """An SVG: of each growth the exponent that fits its times, beside the one expected for large sizes."""
    rows = sorted(record["growth"], key=lambda r: (r["expected"], r["exponent"]))
    places = list(range(len(rows)))
    names = [f"{r['name']}, over {r['size']}" for r in rows]

    def dots(name: str, values: list[float], marker: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "scatter", "mode": "markers", "name": name, "x": values, "y": places, "marker": marker,
            "showlegend": True,
        }  # fmt: skip

    data = [
        dots("expected for large sizes", [r["expected"] for r in rows], {"color": "#c9c9c9", "size": 13}),
        dots("measured", [r["exponent"] for r in rows], {"color": "#1f77b4", "size": 7}),
    ]
    layout = {
        "height": 70 + 19 * len(rows),
        "margin": {"l": 330, "r": 20, "t": 10, "b": 45},
        "xaxis": {"title": {"text": "time grows as size to the power of", "font": {"size": 13}}},
        "yaxis": {
            "tickvals": places, "ticktext": names, "range": [-0.7, len(rows) - 0.3], "showgrid": False,
            "zeroline": False, "tickfont": {"size": 11},
        },
    }  # fmt: skip
    return svg({"data": data, "layout": layout}, width=760, page=False, label="How time grows with size") + "\n"


def front(record: Record) -> str:
    """The README's lines: of each name in `FRONT` the first peer that computes the same."""
    rows = [*record.get("house", []), *(r for r in record.get("peers", []) if not r["against"].startswith("yardstick"))]
    lines = []
    for name in FRONT:
        if found := next((r for r in rows if r["name"].startswith(name)), None):
            beside = f"; {found['against']}: {number(found['peer'])}" if found["peer"] is not None else ""
            lines.append(f"- {found['name']}: {number(found['ours'])} {found['unit']}{beside}")
    return "\n".join(lines)


def write(text: str, path: Path) -> None:
    """Put a text between the two markers. Raises ValueError where they are not there, once each."""
    whole = path.read_text(encoding="utf-8")
    if whole.count(BEGIN) != 1 or whole.count(END) != 1 or whole.index(BEGIN) > whole.index(END):
        raise ValueError(f"{path.name} is not allowed; it must hold {BEGIN} and {END} once, in this order")
    before, after = whole.partition(BEGIN)[0], whole.partition(END)[2]
    path.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def pages(root: Path = ROOT) -> None:
    """Write docs/benchmarks.md, its picture and the README's lines from the newest record that is kept.

    Raises FileNotFoundError where none is.
    """
    known = records(root / KEPT.relative_to(ROOT))
    if not known:
        raise FileNotFoundError("there is no record in docs/benchmarks; `make benchmarks` writes one")
    path, record = known[0]
    write(tables(record, path.name, tuple(sorted(p.name for p, _ in known[1:]))), root / "docs" / "benchmarks.md")
    write(front(record), root / "README.md")
    if record.get("growth"):
        (root / PICTURE.relative_to(ROOT)).write_text(growth_picture(record), encoding="utf-8")
