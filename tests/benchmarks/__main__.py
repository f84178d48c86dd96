"""All benchmarks, measured now: tables on the screen and one JSON file. Nothing here is asserted but equal results.

    python -m tests.benchmarks [PARTS ...] [--quick] [--only WORD] [--skip NAME ...] [--json FILE]
    python -m tests.benchmarks --write FILE      writes docs/benchmarks.md and the README's lines from such a file

Parts: peers (the same computation in another program), growth (time over size), memory (of one step), house (what
people wait for: imports, kernels, sweep, suite, figure, slider, class; the last five take minutes and can be skipped).
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
import textwrap
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.benchmarks import (
    bench_bspline,
    bench_convex,
    bench_diagrams,
    bench_distances,
    bench_dynamics,
    bench_frequencies,
    bench_geometry,
    bench_glauber,
    bench_matching,
    bench_networks,
    bench_optimizers,
    bench_qubits,
    bench_random_features,
    bench_selu,
    bench_signals,
    bench_spectra,
    bench_spectral,
    bench_spiking,
    bench_steps,
    bench_surrogate,
    bench_tangent,
    bench_threshold,
    bench_two_stages,
    timing,
)
from tests.benchmarks.bench_house import HOUSE
from tests.browser.conftest import chromium

MODULES = (
    bench_spectral,
    bench_bspline,
    bench_glauber,
    bench_threshold,
    bench_spiking,
    bench_steps,
    bench_dynamics,
    bench_qubits,
    bench_signals,
    bench_selu,
    bench_diagrams,
    bench_networks,
    bench_optimizers,
    bench_random_features,
    bench_distances,
    bench_matching,
    bench_frequencies,
    bench_two_stages,
    bench_convex,
    bench_geometry,
    bench_spectra,
    bench_surrogate,
    bench_tangent,
)
PARTS = ("peers", "growth", "memory", "house")
BEGIN, END = "<!-- benchmarks -->", "<!-- /benchmarks -->"
# what the README says of all this, a line each
FRONT = (
    "request to first figure in Chromium, median of 18 lessons",
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


def show(console: Console, part: str, rows: list[dict[str, Any]]) -> None:
    """Print the table of a part."""
    table = Table(title=part, title_justify="left")
    table.add_column("what", overflow="fold")
    if part == "growth":
        for name in ("size", "sizes", "times", "unit", "exponent", "expected"):
            table.add_column(name, overflow="fold", justify="left" if name in ("size", "unit") else "right")
        for r in rows:
            sizes, times = " ".join(f"{n:,}" for n in r["sizes"]), " ".join(map(number, r["times"]))
            table.add_row(r["name"], r["size"], sizes, times, r["unit"], f"{r['exponent']:.2f}", f"{r['expected']:g}")
    else:
        for name in ("ours", "peer", "unit", "peer / ours", "peer is"):
            table.add_column(name, justify="left" if name in ("unit", "peer is") else "right", overflow="fold")
        for r in rows:
            ratio = number(r["ratio"])
            table.add_row(r["name"], number(r["ours"]), number(r["peer"]), r["unit"], ratio, r["against"] or "")
    console.print(table)


def measure(part: str, quick: bool, only: str = "", skip: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """The rows of a part; of all modules, or of those whose name holds `only`."""
    if part == "house":
        groups = {name: work for name, work in HOUSE.items() if name not in skip and only in name}
        return [{**row, "group": name} for name, work in groups.items() for row in work(quick)]
    seconds = 0.1 if quick else 4.0
    rows = []
    for module in (m for m in MODULES if only in m.__name__):
        if part == "peers":
            rows += [timing.compare(duel, seconds) for make in module.PEERS for duel in make(quick)]
        elif part == "growth":
            rows += [timing.grow(growth, seconds) for make in module.GROWTH for growth in make(quick)]
        else:
            rows += [timing.weigh(memory) for make in module.MEMORY for memory in make(quick)]
    return rows


def wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 120, break_long_words=False, break_on_hyphens=False)


def tables(record: dict[str, Any]) -> str:
    """The tables of docs/benchmarks.md, from a record that `main` wrote."""
    date = datetime.date.fromisoformat(record["date"])
    small = (
        " These are the small sizes of `--quick`: they show that all of it runs, and no more."
        if record["quick"]
        else ""
    )
    lines = wrapped(
        f"Measured on {date.day} {date:%B %Y} on {kind_of(record['machine'])}.{small} "
        "All numbers are in [benchmarks.json](benchmarks.json)."
    )
    if rows := [r for r in record.get("peers", []) if r["table"]]:
        lines += ["", "| the same computation | ours | peer | peer / ours |", "| --- | --- | --- | --- |"]
        for name in dict.fromkeys(r["name"] for r in rows):
            all_of = [r for r in rows if r["name"] == name]
            ours, unit = number(all_of[0]["ours"]), all_of[0]["unit"]
            peers = "; ".join(f"{r['against']}: {number(r['peer'])}" for r in all_of)
            ratios = "; ".join(number(r["ratio"]) for r in all_of)
            lines.append(f"| {name} | {ours} {unit} | {peers} | {ratios} |")
    if rows := record.get("house"):
        lines += ["", "| what people wait for | |", "| --- | --- |"]
        for group in dict.fromkeys(r["group"] for r in rows):
            told = []
            for r in (r for r in rows if r["group"] == group):
                late = f", 95 % within {number(r['95th percentile'])} {r['unit']}" if "95th percentile" in r else ""
                beside = f" ({r['against']}: {number(r['peer'])} {r['unit']})" if r["peer"] is not None else ""
                told.append(f"{r['name']}: {number(r['ours'])} {r['unit']}{late}{beside}")
            lines.append(f"| {group} | {'; '.join(told)} |")
    if rows := record.get("memory"):
        told = "; ".join(f"{r['name']}: {number(r['ours'])} MiB, {r['against']} {number(r['peer'])} MiB" for r in rows)
        lines += ["", *wrapped(f"Memory at its height: {told}.")]
    if rows := record.get("growth"):
        told = "; ".join(f"{r['name']}, over {r['size']} {r['exponent']:.2f} ({r['expected']:g})" for r in rows)
        lines += ["", *wrapped(f"Growth, as the exponent that fits the times (expected for large sizes): {told}.")]
    return "\n".join(lines)


def front(record: dict[str, Any]) -> str:
    """The README's lines: of each name in `FRONT` the first peer that computes the same."""
    rows = [*record.get("house", []), *(r for r in record.get("peers", []) if not r["against"].startswith("yardstick"))]
    lines = []
    for name in FRONT:
        if found := next((r for r in rows if r["name"] == name), None):
            beside = f"; {found['against']}: {number(found['peer'])}" if found["peer"] is not None else ""
            lines.append(f"- {name}: {number(found['ours'])} {found['unit']}{beside}")
    return "\n".join(lines)


def write(text: str, path: Path) -> None:
    """Put a text between the two markers. Raises ValueError where they are not there, once each."""
    whole = path.read_text(encoding="utf-8")
    if whole.count(BEGIN) != 1 or whole.count(END) != 1 or whole.index(BEGIN) > whole.index(END):
        raise ValueError(f"{path.name} is not allowed; it must hold {BEGIN} and {END} once, in this order")
    before, after = whole.partition(BEGIN)[0], whole.partition(END)[2]
    path.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; all unless named")
    parser.add_argument("--quick", action="store_true", help="small sizes: everything in less than three minutes")
    parser.add_argument(
        "--only", default="", metavar="WORD", help="only bench modules, or parts of house, with this word"
    )
    parser.add_argument("--skip", nargs="+", default=[], choices=HOUSE, help="what to leave out of house")
    parser.add_argument("--json", type=Path, default=Path("build/benchmarks.json"), help="where the record goes")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write docs/benchmarks.md from this record and end")
    chosen = parser.parse_args(arguments)
    if chosen.write:
        record = json.loads(chosen.write.read_text(encoding="utf-8"))
        write(tables(record), timing.ROOT / "docs" / "benchmarks.md")
        write(front(record), timing.ROOT / "README.md")
        return
    for part in chosen.parts:
        if part not in PARTS:
            parser.error(f"PART = {part!r} is not allowed; it must be one of {', '.join(PARTS)}")
    record: dict[str, Any] = {"date": datetime.date.today().isoformat(), "quick": chosen.quick}
    record["machine"] = timing.machine()
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(kind_of(record["machine"]))
    skip = tuple(chosen.skip)
    if "house" in (chosen.parts or PARTS) and chromium() is None:
        skip += ("figure", "slider")
        console.print("There is no Chromium on PATH (LABCORE_CHROMIUM names another place): no figure, no slider.")
    for part in chosen.parts or PARTS:
        record[part] = measure(part, chosen.quick, chosen.only, skip)
        show(console, part, record[part])
        if part == "peers" and record["machine"]["pykan"] is None:
            console.print(
                "pykan is not here; pip install -e .[benchmark] and what its import asks for make it a peer",
                markup=False,
            )
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        # written after each part, so that a run that is stopped keeps what it has
        chosen.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    console.print(f"written to {chosen.json}")


if __name__ == "__main__":
    main()
