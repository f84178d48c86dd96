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
    bench_attack,
    bench_attention,
    bench_bridge,
    bench_bspline,
    bench_conversion,
    bench_convex,
    bench_denoiser,
    bench_diagrams,
    bench_distances,
    bench_dynamics,
    bench_fold,
    bench_frequencies,
    bench_geometry,
    bench_glauber,
    bench_liquid,
    bench_matching,
    bench_memory,
    bench_networks,
    bench_optimizers,
    bench_order,
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
    page,
    timing,
)
from tests.benchmarks.bench_house import HOUSE
from tests.benchmarks.page import number
from tests.benchmarks.record import PARTS, Record, begun, file_of, finish, merge, save, slower
from tests.browser.conftest import chromium

MODULES = (
    bench_spectral,
    bench_attack,
    bench_bridge,
    bench_attention,
    bench_bspline,
    bench_glauber,
    bench_threshold,
    bench_spiking,
    bench_conversion,
    bench_steps,
    bench_dynamics,
    bench_qubits,
    bench_signals,
    bench_selu,
    bench_diagrams,
    bench_networks,
    bench_optimizers,
    bench_order,
    bench_random_features,
    bench_distances,
    bench_liquid,
    bench_matching,
    bench_memory,
    bench_fold,
    bench_frequencies,
    bench_two_stages,
    bench_convex,
    bench_denoiser,
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
        skip += ("figure", "lab", "slider")
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
