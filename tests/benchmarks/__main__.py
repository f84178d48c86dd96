"""All benchmarks, measured now: tables on the screen and the record of this machine in docs/benchmarks, with its pages.

    python -m tests.benchmarks [PARTS ...] [--quick] [--only WORD] [--skip NAME ...] [--resume] [--json FILE]
    python -m tests.benchmarks --write      writes docs/benchmarks.md and the README's lines from the newest record

Nothing here is asserted but equal results. What got slower since the machine's last record is named at the end.

Parts: peers (the same computation in another program), growth (time over size), memory (of one step), house (what
people wait for: imports, kernels, sweep, suite, figure, slider, class; the last five take minutes and can be skipped).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.benchmarks import (
    bench_bspline,
    bench_conversion,
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
    bench_surrogate,
    bench_tangent,
    bench_threshold,
    bench_two_stages,
    page,
    timing,
)
from tests.benchmarks.bench_house import HOUSE
from tests.benchmarks.page import number
from tests.benchmarks.record import PARTS, Record, begun, file_of, finish, merge, save, slower
from tests.browser.conftest import chromium

MODULES = (
    bench_spectral,
    bench_bspline,
    bench_glauber,
    bench_threshold,
    bench_spiking,
    bench_conversion,
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
Work = Callable[[bool, float], list[dict[str, Any]]]


def show(console: Console, part: str, rows: list[dict[str, Any]], unit: str) -> None:
    """Print the table of a unit of this part."""
    table = Table(title=f"{part}: {unit}", title_justify="left")
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


def units(part: str, only: str = "", skip: tuple[str, ...] = ()) -> dict[str, Work]:
    """What a part is measured in, each a function of (quick, seconds) that gives rows: bench modules, or groups."""
    if part == "house":

        def grouped(name: str) -> Work:
            return lambda quick, seconds: [{**row, "group": name} for row in HOUSE[name](quick)]

        return {name: grouped(name) for name in HOUSE if name not in skip and only in name}
    take = {"peers": timing.compare, "growth": timing.grow, "memory": lambda memory, _: timing.weigh(memory)}[part]

    def work(module: ModuleType) -> Work:
        makers = getattr(module, part.upper())
        return lambda quick, seconds: [take(one, seconds) for make in makers for one in make(quick)]

    named = {module.__name__.rpartition(".")[2]: module for module in MODULES}
    return {name: work(module) for name, module in named.items() if only in name and getattr(module, part.upper())}


<<<<<<< HEAD
def measure(
    record: Record, path: Path, parts: Sequence[str], only: str, skip: tuple[str, ...], console: Console
) -> list:
    """Measure what this run has not yet, and keep each unit at once. Returns what failed, a line each."""
    failed, seconds = [], 0.1 if record["quick"] else 4.0
    for part in parts:
        for unit, work in units(part, only, skip).items():
            if f"{part}/{unit}" in record["unfinished"]["done"]:
                continue
            try:
                rows = work(record["quick"], seconds)
            except Exception as error:  # noqa: BLE001 - the other units are measured all the same
                failed.append(f"{part}/{unit}: {type(error).__name__}: {error}")
                console.print(failed[-1], markup=False)
                continue
            merge(record, part, unit, rows)
            save(record, path)
            show(console, part, rows, unit)
    return failed
=======
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
    if rows := [r for r in record.get("house", []) if "parts" not in r]:
        lines += ["", "| what people wait for | |", "| --- | --- |"]
        for group in dict.fromkeys(r["group"] for r in rows):
            told = []
            for r in (r for r in rows if r["group"] == group):
                late = f", 95 % within {number(r['95th percentile'])} {r['unit']}" if "95th percentile" in r else ""
                beside = f" ({r['against']}: {number(r['peer'])} {r['unit']})" if r["peer"] is not None else ""
                told.append(f"{r['name']}: {number(r['ours'])} {r['unit']}{late}{beside}")
            lines.append(f"| {group} | {'; '.join(told)} |")
    if rows := [r for r in record.get("house", []) if "parts" in r]:
        lines += ["", *sliders(rows)]
    if rows := record.get("memory"):
        told = "; ".join(f"{r['name']}: {number(r['ours'])} MiB, {r['against']} {number(r['peer'])} MiB" for r in rows)
        lines += ["", *wrapped(f"Memory at its height: {told}.")]
    if rows := record.get("growth"):
        told = "; ".join(f"{r['name']}, over {r['size']} {r['exponent']:.2f} ({r['expected']:g})" for r in rows)
        lines += ["", *wrapped(f"Growth, as the exponent that fits the times (expected for large sizes): {told}.")]
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
>>>>>>> hand


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; all unless named")
    parser.add_argument("--quick", action="store_true", help="small sizes: everything in less than three minutes")
    parser.add_argument(
        "--only", default="", metavar="WORD", help="only bench modules, or parts of house, with this word"
    )
    parser.add_argument("--skip", nargs="+", default=[], choices=HOUSE, help="what to leave out of house")
    parser.add_argument("--resume", action="store_true", help="go on with the run that was stopped, or failed in part")
    parser.add_argument("--json", type=Path, help="where the record goes; docs/benchmarks, or build where it is quick")
    parser.add_argument("--write", action="store_true", help="only write the pages from the records in docs/benchmarks")
    chosen = parser.parse_args(arguments)
    if chosen.write:
        return page.pages()
    for part in chosen.parts:
        if part not in PARTS:
            parser.error(f"PART = {part!r} is not allowed; it must be one of {', '.join(PARTS)}")
    console = Console(width=None if sys.stdout.isatty() else 160)
    machine = timing.machine()
    console.print(page.kind_of(machine))
    parts, skip = chosen.parts or PARTS, tuple(chosen.skip)
    if "house" in parts and chromium() is None:
        skip += ("figure", "slider")
        console.print("There is no Chromium on PATH (LABCORE_CHROMIUM names another place): no figure, no slider.")
    kept = file_of(machine)
    path = chosen.json or (timing.ROOT / "build" / "benchmarks.json" if chosen.quick else kept)
    record = begun(path, machine, chosen.quick, chosen.resume)
    run = record["unfinished"]["began"]
    failed = measure(record, path, parts, chosen.only, skip, console)
    if not failed:
        finish(record, [] if chosen.only or skip else list(parts))
        save(record, path)
        console.print(f"written to {path}")
        if path == kept:
            page.pages()
    for line in slower(record, run):
        console.print(f"slower: {line}", markup=False)
    if gone := page.missing(machine):
        console.print(f"peers that are not here: {', '.join(gone)}; pip install -e .[test,benchmark]", markup=False)
    if failed:
        console.print(
            f"{len(failed)} failed; mend them and call this again with --resume:", *failed, sep="\n", markup=False
        )
        sys.exit(1)


if __name__ == "__main__":
    main()
